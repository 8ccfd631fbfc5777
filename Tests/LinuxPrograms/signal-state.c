// Built with musl too.
// sigreturn(2), and the Intel manual's XSAVE: FPU state in signal frames, changed and corrupted ones included.
#include "check.h"
#include <cpuid.h>
#include <fenv.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>

#define MAGIC1 0x46505853u
#define MAGIC2 0x46505845u

static int has_xsave, has_avx, has_avx512, has_rights;

static uint64_t enabled(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

static void find_features(void) {
  uint32_t a, b, c, d;
  __cpuid(1, a, b, c, d);
  if (!(c & bit_OSXSAVE)) return;
  has_xsave = 1;
  uint64_t mask = enabled();
  has_avx = (c & bit_AVX) && (mask & 6) == 6;
  __cpuid_count(7, 0, a, b, c, d);
  has_avx512 = (b & bit_AVX512F) && (mask & 0xE6) == 0xE6;
  has_rights = (c & bit_OSPKE) && (mask & 0x200);
}

// Everything that a program can see of its registers.
struct image {
  uint8_t x87[108];
  uint32_t mxcsr;
  uint8_t vectors[16][32];
};

static void __attribute__((noinline)) fill(struct image *image) {
  for (int number = 0; number < 16; number++) {
    for (int i = 0; i < 32; i++) image->vectors[number][i] = (uint8_t)(number * 39 + i * 7 + 3);
  }
  image->mxcsr = 0x7F80;  // round to zero
}

// Loads the registers from `in`, runs one system call (kill of itself), and stores them to `out`.
static long __attribute__((noinline)) through_signal(const struct image *in, struct image *out, int number) {
  long result, process = getpid();
  uint16_t control = 0x0F7F;  // round to zero, all masked, 64 bits
#define LOAD_Y(n) "vmovups " #n "*32(%%r8), %%ymm" #n "\n\t"
#define STORE_Y(n) "vmovups %%ymm" #n ", " #n "*32(%%r9)\n\t"
#define LOAD_X(n) "movups " #n "*32(%%r8), %%xmm" #n "\n\t"
#define STORE_X(n) "movups %%xmm" #n ", " #n "*32(%%r9)\n\t"
#define ALL(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11) M(12) M(13) M(14) M(15)
#define BODY(LOAD, STORE) \
  __asm__ volatile( \
      "fninit\n\tfldcw %[control]\n\tfldpi\n\tfldl2e\n\tfld1\n\tldmxcsr %[mxcsr]\n\t" \
      "movq %[in], %%r8\n\tmovq %[out], %%r9\n\t" ALL(LOAD) \
      "syscall\n\t" ALL(STORE) \
      "fnsave %[x87]\n\tstmxcsr %[saved]\n\tldmxcsr %[usual]\n\tfninit\n\t" \
      : "=a"(result), [x87] "=m"(out->x87), [saved] "=m"(out->mxcsr) \
      : "0"((long)SYS_kill), "D"(process), "S"((long)number), [in] "r"(in->vectors), [out] "r"(out->vectors), \
        [control] "m"(control), [mxcsr] "m"(in->mxcsr), [usual] "m"((const uint32_t){0x1F80}) \
      : "rcx", "r11", "r8", "r9", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", \
        "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15")
  if (has_avx) {
    BODY(LOAD_Y, STORE_Y);
    __asm__ volatile("vzeroupper");
  } else {
    BODY(LOAD_X, STORE_X);
  }
  return result;
}

static struct {
  uint16_t control, status;
  uint32_t mxcsr, rights;
  uint64_t vectors;
} at_start;

static void destroy_registers(void) {
  static const uint8_t ones[32] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  uint32_t mxcsr = 0x1FBF;
  // The handler starts in the initial state.
  uint64_t first[2];
  __asm__ volatile("movups %%xmm5, %0" : "=m"(first));
  at_start.vectors = first[0] | first[1];
  __asm__ volatile("fnstcw %0" : "=m"(at_start.control));
  __asm__ volatile("fnstsw %0" : "=m"(at_start.status));
  __asm__ volatile("stmxcsr %0" : "=m"(at_start.mxcsr));
  __asm__ volatile("fninit\n\tfldz\n\tfldz\n\tldmxcsr %0" : : "m"(mxcsr));
#define SET(n) "movups (%0), %%xmm" #n "\n\t"
#define SET_Y(n) "vmovups (%0), %%ymm" #n "\n\t"
  if (has_avx) {
    __asm__ volatile(ALL(SET_Y) : : "r"(ones) : "memory");
  } else {
    __asm__ volatile(ALL(SET) : : "r"(ones) : "memory");
  }
}

static int wanted_change;
enum { KEEP, CHANGE_XMM, CHANGE_YMM, CHANGE_MXCSR, CHANGE_X87, DROP_STATE, LEGACY, LEGACY_CHANGED, PARTIAL };
static int frame_checked;

static uint8_t *state_of(ucontext_t *context) { return (uint8_t *)context->uc_mcontext.fpregs; }

static uint32_t word(const uint8_t *state, unsigned offset) {
  uint32_t value;
  memcpy(&value, state + offset, 4);
  return value;
}

static void set_word(uint8_t *state, unsigned offset, uint32_t value) { memcpy(state + offset, &value, 4); }

static uint64_t wide(const uint8_t *state, unsigned offset) {
  uint64_t value;
  memcpy(&value, state + offset, 8);
  return value;
}

static void set_wide(uint8_t *state, unsigned offset, uint64_t value) { memcpy(state + offset, &value, 8); }

// What each frame says of itself.
static void check_frame(ucontext_t *context, siginfo_t *given) {
  uint8_t *state = state_of(context);
  CHECK(((uintptr_t)state & 63) == 0);
  CHECK_EQUAL((uintptr_t)context & 15, 0);
  CHECK_EQUAL(context->uc_flags, has_xsave ? 7 : 6);
  CHECK_EQUAL(context->uc_link == NULL, 1);
  CHECK_EQUAL(context->uc_mcontext.gregs[REG_CSGSFS] & 0xFFFF, 0x33);
  CHECK_EQUAL((uint64_t)context->uc_mcontext.gregs[REG_CSGSFS] >> 48, 0x2B);
  if (has_xsave) {
    CHECK_EQUAL(word(state, 464), MAGIC1);
    uint32_t extended = word(state, 468), size = word(state, 480);
    CHECK_EQUAL(extended, size + 4);
    CHECK_EQUAL(wide(state, 472), enabled());
    CHECK_EQUAL(word(state, size), MAGIC2);
    CHECK_EQUAL(wide(state, 520), 0);
    CHECK_EQUAL(wide(state, 512) & 3, 3);
    CHECK((wide(state, 512) & ~enabled()) == 0);
  }
  frame_checked++;
}

static void handler(int number, siginfo_t *given, void *opaque) {
  destroy_registers();
  ucontext_t *context = opaque;
  uint8_t *state = state_of(context);
  check_frame(context, given);
  switch (wanted_change) {
    case CHANGE_XMM: memset(state + 160 + 3 * 16, 0xA5, 16); break;
    case CHANGE_YMM: memset(state + 576 + 3 * 16, 0x5A, 16); break;
    case CHANGE_MXCSR: set_word(state, 24, 0x1F80 | 0x2000); break;
    case CHANGE_X87: state[0] = 0x7F, state[1] = 0x0A; break;
    case DROP_STATE: context->uc_mcontext.fpregs = NULL; break;
    case LEGACY_CHANGED:
      memset(state + 160 + 3 * 16, 0xA5, 16);
      __attribute__((fallthrough));
    case LEGACY: set_word(state, 464, 0); break;
    case PARTIAL: set_wide(state, 472, 3); break;  // only x87 and SSE are to be loaded
    default: break;
  }
}

static void install(int number) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  REQUIRE(sigaction(number, &action, NULL) == 0);
}

static struct image before, after;

static void pass(int change) {
  wanted_change = change;
  fill(&before);
  memset(&after, 0, sizeof after);
  CHECK_EQUAL(through_signal(&before, &after, SIGUSR1), 0);
  wanted_change = KEEP;
}

static uint16_t x87_control(void) { return after.x87[0] | after.x87[1] << 8; }

static int vector_differs(int number, int from, int to) {
  return memcmp(before.vectors[number] + from, after.vectors[number] + from, to - from) != 0;
}

static void keeps_everything(void) {
  int width = has_avx ? 32 : 16;
  for (int turn = 0; turn < 200; turn++) {
    pass(KEEP);
    for (int number = 0; number < 16; number++) {
      if (vector_differs(number, 0, width)) {
        CHECK(!"a vector register is not what it was");
        return;
      }
    }
    CHECK_EQUAL(after.mxcsr, 0x7F80);
    CHECK_EQUAL(x87_control(), 0x0F7F);
    // Three registers in use: ST0 is 1.
    CHECK_EQUAL((after.x87[4] | after.x87[5] << 8) >> 11 & 7, 5);
    CHECK_EQUAL(after.x87[8 + 0] | after.x87[9] << 8, 0x03FF);
    if (check_failures) return;
  }
  CHECK_EQUAL(at_start.control, 0x037F);
  CHECK_EQUAL(at_start.status, 0);
  CHECK_EQUAL(at_start.mxcsr, 0x1F80);
  CHECK_EQUAL(at_start.vectors, 0);
}

static void takes_changes(void) {
  uint8_t expected[16];
  pass(CHANGE_XMM);
  memset(expected, 0xA5, 16);
  CHECK(memcmp(after.vectors[3], expected, 16) == 0);
  CHECK(!vector_differs(4, 0, 16));
  if (has_avx) {
    CHECK(!vector_differs(3, 16, 32));
    pass(CHANGE_YMM);
    memset(expected, 0x5A, 16);
    CHECK(memcmp(after.vectors[3] + 16, expected, 16) == 0);
    CHECK(!vector_differs(3, 0, 16));
  }
  pass(CHANGE_MXCSR);
  CHECK_EQUAL(after.mxcsr, 0x1F80 | 0x2000);
  pass(CHANGE_X87);
  CHECK_EQUAL(x87_control(), 0x0A7F);

  // No state at all: the initial one.
  pass(DROP_STATE);
  CHECK_EQUAL(after.mxcsr, 0x1F80);
  CHECK_EQUAL(x87_control(), 0x037F);
  memset(expected, 0, 16);
  CHECK(memcmp(after.vectors[3], expected, 16) == 0);

  // Without the magic the legacy region counts, and the rest is initial.
  pass(LEGACY_CHANGED);
  memset(expected, 0xA5, 16);
  CHECK(memcmp(after.vectors[3], expected, 16) == 0);
  CHECK(!vector_differs(4, 0, 16));
  CHECK_EQUAL(after.mxcsr, 0x7F80);
  if (has_xsave && has_avx) {
    memset(expected, 0, 16);
    CHECK(memcmp(after.vectors[3] + 16, expected, 16) == 0);
    pass(PARTIAL);
    CHECK(!vector_differs(3, 0, 16));
    CHECK(memcmp(after.vectors[3] + 16, expected, 16) == 0);
  }
}

enum {
  BAD_MXCSR, BAD_XSTATE, BAD_COMPACTED, BAD_RESERVED, BAD_ADDRESS, KERNEL_ADDRESS, MISALIGNED, BAD_RIP, BAD_STACK,
  CORRUPTIONS
};
static int corruption;

static void corrupt(int number, siginfo_t *given, void *opaque) {
  ucontext_t *context = opaque;
  uint8_t *state = state_of(context);
  switch (corruption) {
    case BAD_MXCSR: set_word(state, 24, 0xFFFFFFFF); break;
    case BAD_XSTATE: set_wide(state, 512, 1ull << 62 | 3); break;
    case BAD_COMPACTED: set_wide(state, 520, 1ull << 63 | 7); break;
    case BAD_RESERVED: set_wide(state, 528, 1); break;
    case BAD_ADDRESS: context->uc_mcontext.fpregs = (void *)0x40; break;
    case KERNEL_ADDRESS: context->uc_mcontext.fpregs = (void *)0xFFFFFFFF80000000; break;
    case BAD_RIP: context->uc_mcontext.gregs[REG_RIP] = (long long)0x8000000000000000; break;
    case BAD_STACK: {
      // The frame itself is gone.
      __asm__ volatile("movq $0x1000, %%rsp\n\tmovl $15, %%eax\n\tsyscall\n\tud2" : : : "memory");
      break;
    }
    default: break;
  }
}

static void refuses_corruption(void) {
  for (corruption = 0; corruption < CORRUPTIONS; corruption++) {
    if (!has_xsave && corruption >= BAD_XSTATE && corruption <= BAD_RESERVED) continue;
    if (corruption == MISALIGNED) continue;
    pid_t child = fork();
    if (child == 0) {
      struct sigaction action = {.sa_sigaction = corrupt, .sa_flags = SA_SIGINFO};
      sigaction(SIGUSR1, &action, NULL);
      raise(SIGUSR1);
      _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSEGV) {
      say("corruption %d gives status %#x", corruption, status);
      CHECK(!"a corrupted frame is accepted");
    }
  }
  // Selectors and flags of the kernel's are put right or refused, and never lead into the kernel.
  for (int kind = 0; kind < 2; kind++) {
    pid_t child = fork();
    if (child == 0) {
      struct sigaction action = {.sa_flags = SA_SIGINFO};
      corruption = CORRUPTIONS;
      action.sa_sigaction = corrupt;
      sigaction(SIGUSR1, &action, NULL);
      raise(SIGUSR1);
      _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    CHECK_EQUAL(status, 0);
  }
}

static void bad_flags(int number, siginfo_t *given, void *opaque) {
  ucontext_t *context = opaque;
  context->uc_mcontext.gregs[REG_EFL] = 0x3002 | 0x20000;  // IOPL 3, VM, no IF
}

static void keeps_flags(void) {
  struct sigaction action = {.sa_sigaction = bad_flags, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &action, NULL);
  raise(SIGUSR1);
  uint64_t flags;
  __asm__ volatile("pushfq; popq %0" : "=r"(flags));
  CHECK_EQUAL(flags & 0x23200, 0x200);
}

// The stack of the handler has no room, or is not writable: SIGSEGV by its default action.
static void no_room(void) {
  pid_t child = fork();
  if (child == 0) {
    install(SIGUSR1);
    install(SIGSEGV);
    long result;
    __asm__ volatile("movq %%rsp, %%r12\n\tmovq $0x2000, %%rsp\n\tsyscall\n\tmovq %%r12, %%rsp"
                     : "=a"(result)
                     : "0"((long)SYS_kill), "D"((long)getpid()), "S"((long)SIGUSR1)
                     : "rcx", "r11", "r12", "memory");
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static sigjmp_buf back;
static siginfo_t fault;
static ucontext_t fault_context;

static void catch(int number, siginfo_t *given, void *context) {
  fault = *given;
  memcpy(&fault_context, context, offsetof(ucontext_t, uc_sigmask));
  siglongjmp(back, 1);
}

static int caught(void (*function)(void)) {
  memset(&fault, 0, sizeof fault);
  if (sigsetjmp(back, 1) == 0) function();
  uint32_t usual = 0x1F80;
  __asm__ volatile("fninit\n\tldmxcsr %0" : : "m"(usual));
  return fault.si_signo;
}

static volatile int zero;
static uint8_t *page;
static void *code_address;

static void divide(void) { __asm__ volatile("xorl %%edx, %%edx\n\tmovl $1, %%eax\n\tdivl %0" : : "m"(zero) : "eax", "edx"); }
static int *volatile near_null = (int *)0x10;
static void read_null(void) { zero = *near_null; }
static void write_read_only(void) { *page = 1; }
static void undefined(void) { __asm__ volatile("ud2"); }
static void privileged(void) { __asm__ volatile("hlt"); }
static int *volatile outside = (int *)0x8000000000000000;
static void not_canonical(void) { zero = *outside; }
static void breakpoint(void) { __asm__ volatile("int3"); }
static void step(void) {
  __asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\tnop\n\tnop" : : : "memory", "cc");
}

#define UNMASKED(name, control, body) \
  static void name(void) { \
    uint16_t word = 0x037F & ~(control); \
    __asm__ volatile("fninit\n\tfldcw %0\n\t" body "\n\tfwait" : : "m"(word)); \
  }
UNMASKED(x87_divide, 4, "fld1\n\tfldz\n\tfdivrp")
UNMASKED(x87_invalid, 1, "fldz\n\tfldz\n\tfdivp")
UNMASKED(x87_inexact, 0x20, "fldpi\n\tfsqrt")

static const double huge = 1e308, tiny = 1e-308, one = 1, nothing = 0, three = 3;
#define SIMD(name, mask, first, second, operation) \
  static void name(void) { \
    uint32_t word = 0x1F80 & ~(mask); \
    __asm__ volatile("ldmxcsr %0\n\tmovsd %1, %%xmm0\n\t" operation " %2, %%xmm0" \
                     : : "m"(word), "m"(first), "m"(second) : "xmm0"); \
  }
SIMD(simd_divide, 0x200, one, nothing, "divsd")
SIMD(simd_invalid, 0x80, nothing, nothing, "divsd")
SIMD(simd_overflow, 0x400, huge, huge, "mulsd")
SIMD(simd_underflow, 0x800, tiny, tiny, "mulsd")
SIMD(simd_inexact, 0x1000, one, three, "divsd")

static void simd_faults(void) {
  // QEMU's own emulation raises no SIMD exception.
  uint32_t a, b, c, d;
  __cpuid(0x40000000, a, b, c, d);
  if (b == 0x54474354) return;
  CHECK_EQUAL(caught(simd_divide), SIGFPE);
  CHECK_EQUAL(fault.si_code, FPE_FLTDIV);
  CHECK_EQUAL(caught(simd_invalid), SIGFPE);
  CHECK_EQUAL(fault.si_code, FPE_FLTINV);
  CHECK_EQUAL(caught(simd_overflow), SIGFPE);
  CHECK_EQUAL(fault.si_code, FPE_FLTOVF);
  CHECK_EQUAL(caught(simd_underflow), SIGFPE);
  CHECK_EQUAL(fault.si_code, FPE_FLTUND);
  CHECK_EQUAL(caught(simd_inexact), SIGFPE);
  CHECK_EQUAL(fault.si_code, FPE_FLTRES);
}

static void faults(void) {
  int numbers[] = {SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGBUS};
  struct sigaction action = {.sa_sigaction = catch, .sa_flags = SA_SIGINFO};
  for (int i = 0; i < 5; i++) sigaction(numbers[i], &action, NULL);

  CHECK_EQUAL(caught(divide), SIGFPE);
  CHECK_EQUAL(fault.si_code, FPE_INTDIV);
  CHECK((long long)(uintptr_t)fault.si_addr == fault_context.uc_mcontext.gregs[REG_RIP]);
  CHECK_EQUAL(fault_context.uc_mcontext.gregs[REG_TRAPNO], 0);
  CHECK_EQUAL(caught(read_null), SIGSEGV);
  CHECK_EQUAL(fault.si_code, SEGV_MAPERR);
  CHECK_EQUAL((uintptr_t)fault.si_addr, 0x10);
  CHECK_EQUAL(fault_context.uc_mcontext.gregs[REG_CR2], 0x10);
  CHECK_EQUAL(fault_context.uc_mcontext.gregs[REG_TRAPNO], 14);
  CHECK_EQUAL(fault_context.uc_mcontext.gregs[REG_ERR], 4);
  page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(page != MAP_FAILED);
  CHECK_EQUAL(caught(write_read_only), SIGSEGV);
  CHECK_EQUAL(fault.si_code, SEGV_ACCERR);
  CHECK(fault.si_addr == page);
  CHECK_EQUAL(caught(undefined), SIGILL);
  CHECK_EQUAL(fault.si_code, ILL_ILLOPN);
  CHECK((long long)(uintptr_t)fault.si_addr == fault_context.uc_mcontext.gregs[REG_RIP]);
  CHECK_EQUAL(caught(privileged), SIGSEGV);
  CHECK_EQUAL(fault.si_code, SI_KERNEL);
  CHECK_EQUAL(fault_context.uc_mcontext.gregs[REG_TRAPNO], 13);
  CHECK_EQUAL(caught(not_canonical), SIGSEGV);
  CHECK_EQUAL(fault.si_code, SI_KERNEL);
  CHECK_EQUAL(caught(breakpoint), SIGTRAP);
  CHECK_EQUAL(fault.si_code, SI_KERNEL);
  CHECK_EQUAL(caught(step), SIGTRAP);
  CHECK_EQUAL(fault.si_code, TRAP_TRACE);

  CHECK_EQUAL(caught(x87_divide), SIGFPE);
  CHECK_EQUAL(fault.si_code, FPE_FLTDIV);
  CHECK_EQUAL(caught(x87_invalid), SIGFPE);
  CHECK_EQUAL(fault.si_code, FPE_FLTINV);
  CHECK_EQUAL(caught(x87_inexact), SIGFPE);
  CHECK_EQUAL(fault.si_code, FPE_FLTRES);
  simd_faults();

  // A fault that is blocked ends the program.
  pid_t child = fork();
  if (child == 0) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGSEGV);
    sigprocmask(SIG_BLOCK, &set, NULL);
    read_null();
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

int main(void) {
  find_features();
  install(SIGUSR1);
  keeps_everything();
  takes_changes();
  refuses_corruption();
  keeps_flags();
  no_room();
  faults();
  (void)code_address;
  (void)has_avx512;
  (void)has_rights;
  return finish();
}
