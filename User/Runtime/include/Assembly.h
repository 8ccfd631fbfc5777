// What the guest programs call in assembly, and the single instructions that they need.
#pragma once
#include <stdint.h>

// A Linux system call. The result is negative (the errno value) for an error.
intptr_t systemCall(
    uintptr_t number, uintptr_t first, uintptr_t second, uintptr_t third, uintptr_t fourth,
    uintptr_t fifth, uintptr_t sixth);

// What a new thread is given. `entry` comes first, because the assembly reads it there.
struct ThreadRecord {
  void (*entry)(struct ThreadRecord *record);
  void *context;
};

// Starts a thread in `record->entry(record)`; see syscalls.asm. Returns its identifier, or an error.
intptr_t cloneThread(
    uintptr_t flags, void *stackTop, uint32_t *parentTID, uint32_t *childTID, void *threadPointer,
    struct ThreadRecord *record);

// One register, or one control word, of a pattern. Emitted by the macros of Patterns/pattern.inc.
struct RegisterDescription {
  char name[8];      // padded with zeros
  uint16_t offset;   // of its bytes in an image
  uint16_t size;     // in bytes
  uint16_t role;     // enum RegisterRole
  uint16_t reserved;
};

// What values a register may be given. The numbers are those of Patterns/pattern.inc.
enum RegisterRole {
  registerRoleBits = 0,          // any bits
  registerRoleFlags = 1,         // RFLAGS: CF and DF
  registerRoleX87Value = 2,      // an exact integer in the 80-bit format
  registerRoleX87Control = 3,    // FCW
  registerRoleX87Status = 4,     // FSW, which follows from ST0 and ST1
  registerRoleX87Quotient = 5,   // 1/3 as FCW rounds it
  registerRoleMXCSR = 6,
  registerRoleSSEQuotient = 7,   // 1/3 in single precision as MXCSR rounds it
  registerRoleProtectionKeys = 8,
  registerRoleX87Tags = 9,       // the full tag word, as FNSTENV stores it
};

// A set of registers and the routine that loads, waits and checks them.
//
// `run` loads the registers from `image`, counts `spin` (at least 1) down to 0, makes the system call
// `call` (which takes no argument; noSystemCall for none) and stores its result at `callResult`, then
// stores the registers to `observed` and compares. It returns the offset of the first 8 bytes that
// differ from `image`, or noDifference. `corrupt` is 0, or 1 + the index of a register that it is to
// spoil before it waits, so that the check can be seen to fail.
struct Pattern {
  const struct RegisterDescription *registers;
  uint64_t count;
  uint64_t imageSize;   // in bytes, a multiple of 8
  uint64_t (*run)(
      const void *image, void *observed, uint64_t spin, uint64_t call, uint64_t corrupt,
      int64_t *callResult);
};

#define DECLARE_PATTERN(name) \
  extern const struct Pattern name##Pattern; \
  static inline const struct Pattern *name##PatternAddress(void) { return &name##Pattern; }

DECLARE_PATTERN(integer)
DECLARE_PATTERN(x87)
DECLARE_PATTERN(sse)
DECLARE_PATTERN(avx)
DECLARE_PATTERN(avx512)
DECLARE_PATTERN(mixedSSE)
DECLARE_PATTERN(mixedAVX)
DECLARE_PATTERN(mixedAVX512)
DECLARE_PATTERN(pkru)

// What the program found at its entry (Programs/forkexec/initial.asm). It has no routine to run.
DECLARE_PATTERN(initial)
extern uint8_t initialImage[];
static inline void *initialImageAddress(void) { return initialImage; }

// execve with every register away from its initial value. Returns only an error.
intptr_t executeSpoiled(const uint8_t *path, const void *argv, const void *envp);

// Each does what its name says, and returns only if no fault came of it (Programs/fault/faults.asm).
void faultDivide(void);
void faultNull(void);
void faultKernelRead(void);
void faultKernelWrite(void);
void faultJumpKernel(void);
void faultPrivileged(void);
void faultInvalidOpcode(void);
void faultX87(void);
void faultSIMD(void);
void faultNoncanonicalJump(void);
void faultStackOverflow(void);
void faultWriteText(void);
void faultExecuteData(void);

// Raises an x87 exception, leaves it pending while it counts down `spin` (at least 1), and returns whether
// it is pending still. Never waits for it (Programs/x87pending/pending.asm).
uint64_t holdPendingException(uint64_t spin);

// The loops that the benchmark times (Programs/bench/loops.asm). Those that take turns with another runner
// return how many turns came right after one of the other's, or all ones if a register lost its count.
void emptyLoop(uint64_t count);
void systemCallLoop(uint64_t count, uint64_t number);
uint64_t yieldLoopNone(uint64_t turns, uint32_t *lastRunner, uint32_t identity);
uint64_t yieldLoopSSE(uint64_t turns, uint32_t *lastRunner, uint32_t identity);
uint64_t yieldLoopAVX(uint64_t turns, uint32_t *lastRunner, uint32_t identity);
uint64_t yieldLoopAVX512(uint64_t turns, uint32_t *lastRunner, uint32_t identity);
uint64_t futexLoopNone(uint64_t turns, uint32_t *nextRunner, uint32_t identity);
uint64_t futexLoopSSE(uint64_t turns, uint32_t *nextRunner, uint32_t identity);
uint64_t futexLoopAVX(uint64_t turns, uint32_t *nextRunner, uint32_t identity);
uint64_t futexLoopAVX512(uint64_t turns, uint32_t *nextRunner, uint32_t identity);
uint64_t pipeLoopNone(uint64_t turns, uint32_t *descriptors, uint32_t identity);
uint64_t pipeLoopSSE(uint64_t turns, uint32_t *descriptors, uint32_t identity);
uint64_t pipeLoopAVX(uint64_t turns, uint32_t *descriptors, uint32_t identity);
uint64_t pipeLoopAVX512(uint64_t turns, uint32_t *descriptors, uint32_t identity);
uint64_t firstUseLoop(uint64_t turns);
uint64_t shortestInterruption(uint64_t count);
uint64_t firstInstructionTicks(void);

// The word that the thread pointer points at.
static inline uint64_t readThreadPointerWord(void) {
  uint64_t value;
  __asm__ volatile("movq %%fs:0, %0" : "=r"(value));
  return value;
}

struct CPUIDResult {
  uint32_t eax, ebx, ecx, edx;
};

static inline struct CPUIDResult readCPUID(uint32_t leaf, uint32_t subleaf) {
  struct CPUIDResult result;
  __asm__ volatile("cpuid"
                   : "=a"(result.eax), "=b"(result.ebx), "=c"(result.ecx), "=d"(result.edx)
                   : "a"(leaf), "c"(subleaf));
  return result;
}

// XCR0. Raises #UD unless CPUID.1:ECX.OSXSAVE is set.
static inline uint64_t readXCR0(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

// The time-stamp counter, read after every earlier instruction has completed (Intel SDM volume 2B,
// RDTSC) and before any later one starts.
static inline uint64_t readTimeStampCounter(void) {
  uint32_t low, high;
  __asm__ volatile("lfence\n\trdtsc\n\tlfence" : "=a"(low), "=d"(high) : : "memory");
  return (uint64_t)high << 32 | low;
}

static inline uint32_t loadWord(const uint32_t *address) {
  return __atomic_load_n(address, __ATOMIC_SEQ_CST);
}

static inline void storeWord(uint32_t *address, uint32_t value) {
  __atomic_store_n(address, value, __ATOMIC_SEQ_CST);
}

static inline uint32_t fetchAndAddWord(uint32_t *address, uint32_t value) {
  return __atomic_fetch_add(address, value, __ATOMIC_SEQ_CST);
}

// A read that the compiler may not leave out.
static inline uint8_t touchByte(const void *address) { return *(const volatile uint8_t *)address; }
