// The whole extended state of a thread as one image, in the layout that the processor states, for tests of who keeps it.
//
//   state_find();                             // once
//   state_pattern(&image, seed);              // a value of its own for every register, all of them valid
//   state_through(&image, &after, SYS_kill, getpid(), SIGUSR1, 0);  // loaded, one system call, saved: one block
//   CHECK_EQUAL(state_difference(&image, &after), -1);              // or the component that differs
//
// Before each XSAVE and XRSTOR stands an FNOP: QEMU 7.2 executes the two with CR0.TS set and raises no #NM, so that a
// kernel that loads registers when they are first used would not learn of it. And both pages of the image are the
// process's own before the FNOP: where XSAVE faults, in a new program or after a fork, the thread could be switched out
// meanwhile, and QEMU save what another one left.
//
// With XSAVE an image is in the standard format; else it is FXSAVE's 512 bytes. Loading, what happens in between and
// saving are one assembly block, so that the compiler cannot put the registers right.
#ifndef EXTENDED_STATE_H
#define EXTENDED_STATE_H

#include "splitmix.h"
#include <cpuid.h>
#include <stdint.h>
#include <string.h>

#define STATE_LARGEST 4096
enum {
  X87 = 0, SSE = 1, AVX = 2, BOUNDS = 3, BOUNDS_SETTINGS = 4, OPMASK = 5, ZMM_UPPER = 6, ZMM_HIGH = 7, RIGHTS = 9,
  COMPONENTS = 10
};

typedef struct {
  uint8_t bytes[STATE_LARGEST];
} __attribute__((aligned(64))) state_image;

// What this machine has; `offset` and `size` are of the standard format.
static struct {
  int has_xsave, has_compaction, has_avx, has_rights;
  uint64_t mask;
  uint32_t size, mxcsr_mask;
  uint32_t offset[COMPONENTS], length[COMPONENTS];
} state;

static inline uint16_t state_get16(const void *from, unsigned offset) {
  uint16_t value;
  memcpy(&value, (const uint8_t *)from + offset, 2);
  return value;
}
static inline uint32_t state_get32(const void *from, unsigned offset) {
  uint32_t value;
  memcpy(&value, (const uint8_t *)from + offset, 4);
  return value;
}
static inline uint64_t state_get64(const void *from, unsigned offset) {
  uint64_t value;
  memcpy(&value, (const uint8_t *)from + offset, 8);
  return value;
}
static inline void state_set16(void *to, unsigned offset, uint16_t value) { memcpy((uint8_t *)to + offset, &value, 2); }
static inline void state_set32(void *to, unsigned offset, uint32_t value) { memcpy((uint8_t *)to + offset, &value, 4); }
static inline void state_set64(void *to, unsigned offset, uint64_t value) { memcpy((uint8_t *)to + offset, &value, 8); }

__attribute__((unused))
static void state_find(void) {
  uint32_t a, b, c, d;
  __cpuid(1, a, b, c, d);
  state.mask = 3;
  state.size = 512;
  if (c & bit_OSXSAVE) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    state.has_xsave = 1;
    state.mask = (uint64_t)high << 32 | low;
    __cpuid_count(13, 0, a, b, c, d);
    state.size = b;
    for (int number = 2; number < COMPONENTS; number++) {
      if (!(state.mask >> number & 1)) continue;
      __cpuid_count(13, number, a, b, c, d);
      state.length[number] = a;
      state.offset[number] = b;
    }
    __cpuid_count(13, 1, a, b, c, d);
    state.has_compaction = a >> 1 & 1;
    state.has_avx = state.mask >> AVX & 1;
    state.has_rights = state.mask >> RIGHTS & 1;
  }
  state_image scratch;
  memset(&scratch, 0, sizeof scratch);
  __asm__ volatile("fxsave64 %0" : "=m"(scratch));
  state.mxcsr_mask = state_get32(&scratch, 28);
  if (state.mxcsr_mask == 0) state.mxcsr_mask = 0xFFBF;
}

// The initial state as an image.
__attribute__((unused))
static void state_initial(state_image *image) {
  memset(image, 0, sizeof *image);
  state_set16(image, 0, 0x037F);
  state_set32(image, 24, 0x1F80);
  if (state.has_xsave) state_set64(image, 512, state.mask);
}

// Fills every component with values of its own: all may be loaded, and none of them raises an exception.
__attribute__((unused))
static void state_pattern(state_image *image, uint64_t seed) {
  state_initial(image);
  state_set16(image, 0, 0x037F | (splitmix64(&seed) & 3) << 10);       // rounding
  state_set16(image, 2, (splitmix64(&seed) & 7) << 11 | 0x4100);       // top of stack, two condition bits
  image->bytes[4] = 0xFF;
  state_set32(image, 24, 0x1F80 | (splitmix64(&seed) & 3) << 13 | (splitmix64(&seed) & 0x3F));
  for (int number = 0; number < 8; number++) {
    state_set64(image, 32 + number * 16, splitmix64(&seed) | 1ull << 63);
    state_set16(image, 40 + number * 16, 0x3FFF + (splitmix64(&seed) & 0xFF));
  }
  for (int offset = 160; offset < 416; offset += 8) state_set64(image, offset, splitmix64(&seed));
  for (int number = 2; number < COMPONENTS; number++) {
    if (number == RIGHTS || number == BOUNDS || number == BOUNDS_SETTINGS) continue;
    for (uint32_t offset = 0; offset < state.length[number]; offset += 8)
      state_set64(image, state.offset[number] + offset, splitmix64(&seed));
  }
  // Key 0 is that of all memory.
  if (state.has_rights) state_set32(image, state.offset[RIGHTS], (uint32_t)splitmix64(&seed) & ~3u);
}

// The first component in which two images differ, or -1. What XSTATE_BV leaves out counts as initial. The x87 pointers
// are left out, whether an instruction sets them depends on the processor, and so is MPX, which hardly any has.
__attribute__((unused))
static int state_difference(const state_image *left, const state_image *right) {
  if (memcmp(left, right, 5) != 0) return X87;
  for (int number = 0; number < 8; number++) {
    if (memcmp(left->bytes + 32 + number * 16, right->bytes + 32 + number * 16, 10) != 0) return X87;
  }
  if (memcmp(left->bytes + 24, right->bytes + 24, 4) != 0) return SSE;
  if (memcmp(left->bytes + 160, right->bytes + 160, 256) != 0) return SSE;
  for (int number = 2; number < COMPONENTS; number++) {
    if (state.length[number] == 0 || number == BOUNDS || number == BOUNDS_SETTINGS) continue;
    uint32_t length = number == RIGHTS ? 4 : state.length[number];
    if (memcmp(left->bytes + state.offset[number], right->bytes + state.offset[number], length) != 0) return number;
  }
  return -1;
}

__attribute__((unused))
static const char *state_name(int number) {
  static const char *const names[COMPONENTS] = {"x87", "SSE or MXCSR", "AVX", "bounds", "bounds", "AVX-512 masks",
    "AVX-512 upper halves", "AVX-512 ZMM16-31", "processor trace", "PKRU"};
  return number < 0 ? "none" : names[number];
}

#define STATE_ALL_COMPONENTS "movl $-1, %%eax\n\tmovl $-1, %%edx\n\t"
#define STATE_XRSTOR(register) STATE_ALL_COMPONENTS "fnop\n\txrstor64 (%%" register ")\n\t"
#define STATE_XSAVE(register) \
  "orl $0, (%%" register ")\n\torl $0, 4092(%%" register ")\n\t" STATE_ALL_COMPONENTS \
  "fnop\n\txsave64 (%%" register ")\n\t"
#define STATE_FXRSTOR(register) "fxrstor64 (%%" register ")\n\t"
#define STATE_FXSAVE(register) "fxsave64 (%%" register ")\n\t"

#define STATE_REGISTERS \
  "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", \
    "xmm12", "xmm13", "xmm14", "xmm15"

// What a C function expects of the registers.
static inline void state_usual(void) {
  uint32_t usual = 0x1F80;
  __asm__ volatile("fninit\n\tldmxcsr %0" : : "m"(usual));
  if (state.has_avx) __asm__ volatile("vzeroupper" : : : STATE_REGISTERS);
  if (state.has_rights) __asm__ volatile("wrpkru" : : "a"(0x55555554), "c"(0), "d"(0));
}

// Loads all registers from `in`, makes one system call, and saves them to `out`, whose header it clears.
__attribute__((noinline, unused))
static long state_through(const state_image *in, state_image *out, long call, long first, long second, long third) {
  long result;
  register long r8 __asm__("r8") = (long)in;
  register long r9 __asm__("r9") = (long)out;
  register long r12 __asm__("r12") = call;
  register long r13 __asm__("r13") = third;
  memset(out, 0, sizeof *out);
  if (state.has_xsave) {
    __asm__ volatile(
      STATE_XRSTOR("r8") "movq %%r12, %%rax\n\tmovq %%r13, %%rdx\n\tsyscall\n\tmovq %%rax, %%r12\n\t" STATE_XSAVE("r9")
      : "+r"(r12), "+r"(r13) : "r"(r8), "r"(r9), "D"(first), "S"(second) : "rax", "rdx", "rcx", "r11", STATE_REGISTERS);
  } else {
    __asm__ volatile(
      STATE_FXRSTOR("r8") "movq %%r12, %%rax\n\tmovq %%r13, %%rdx\n\tsyscall\n\tmovq %%rax, %%r12\n\t" STATE_FXSAVE("r9")
      : "+r"(r12), "+r"(r13) : "r"(r8), "r"(r9), "D"(first), "S"(second) : "rax", "rdx", "rcx", "r11", STATE_REGISTERS);
  }
  result = r12;
  state_usual();
  return result;
}

// Loads all registers from `in`, spins until *flag is not zero or so many turns are over, and saves them to `out`.
__attribute__((noinline, unused))
static void state_spin(const state_image *in, state_image *out, const volatile uint32_t *flag, uint64_t turns) {
  memset(out, 0, sizeof *out);
  register const state_image *r8 __asm__("r8") = in;
  register state_image *r9 __asm__("r9") = out;
  register const volatile uint32_t *r10 __asm__("r10") = flag;
  register uint64_t r11 __asm__("r11") = turns;
#define SPIN(LOAD, SAVE) \
  __asm__ volatile(LOAD "1:\tpause\n\tcmpl $0, (%%r10)\n\tjne 2f\n\tdecq %%r11\n\tjnz 1b\n\t2:\n\t" SAVE \
                   : "+r"(r11) : "r"(r8), "r"(r9), "r"(r10) : "rax", "rdx", STATE_REGISTERS)
  if (state.has_xsave) {
    SPIN(STATE_XRSTOR("r8"), STATE_XSAVE("r9"));
  } else {
    SPIN(STATE_FXRSTOR("r8"), STATE_FXSAVE("r9"));
  }
#undef SPIN
  state_usual();
}

#endif
