// The host's own XSAVE instructions, for tests that hold Core's layouts against a real processor.
#pragma once
#include <stdint.h>

#define XSAVE_TARGET __attribute__((noinline, target("xsave,xsavec,avx")))

static inline int hostHasXSAVEC(void) {
  uint32_t a, b, c, d;
  __asm__ volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(1), "c"(0));
  if (!(c & 1u << 27) || !(c & 1u << 28)) return 0;  // OSXSAVE, AVX
  __asm__ volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(0xD), "c"(1));
  return (a & 2) != 0;
}

static inline uint64_t hostXCR0(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

static inline void hostCPUID(uint32_t leaf, uint32_t subleaf, uint32_t out[4]) {
  __asm__ volatile("cpuid"
                   : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
                   : "a"(leaf), "c"(subleaf));
}

#define EVERY_VECTOR_REGISTER                                                                              \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",        \
      "xmm12", "xmm13", "xmm14", "xmm15", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)",      \
      "st(7)", "memory"

// Fills YMM0 to YMM15 from `pattern` (512 bytes) and one x87 register, and writes this state in both formats.
// The areas are 64-byte aligned.
static XSAVE_TARGET void hostCapture(const void *pattern, void *standard, void *compacted, uint64_t mask) {
  __asm__ volatile(
      "vmovups (%0), %%ymm0; vmovups 32(%0), %%ymm1; vmovups 64(%0), %%ymm2; vmovups 96(%0), %%ymm3;"
      "vmovups 128(%0), %%ymm4; vmovups 160(%0), %%ymm5; vmovups 192(%0), %%ymm6; vmovups 224(%0), %%ymm7;"
      "vmovups 256(%0), %%ymm8; vmovups 288(%0), %%ymm9; vmovups 320(%0), %%ymm10; vmovups 352(%0), %%ymm11;"
      "vmovups 384(%0), %%ymm12; vmovups 416(%0), %%ymm13; vmovups 448(%0), %%ymm14; vmovups 480(%0), %%ymm15;"
      "fldpi; xsave64 (%1); xsavec64 (%2); fstp %%st(0); vzeroupper"
      :
      : "r"(pattern), "r"(standard), "r"(compacted), "a"((uint32_t)mask), "d"((uint32_t)(mask >> 32))
      : EVERY_VECTOR_REGISTER);
}

// Clears the registers, restores `area` (either format), and writes what the registers hold then in the
// standard format.
static XSAVE_TARGET void hostRestoreAndCapture(const void *area, void *standard, uint64_t mask) {
  __asm__ volatile("vzeroall; fninit; xrstor64 (%0); xsave64 (%1); fninit; vzeroupper"
                   :
                   : "r"(area), "r"(standard), "a"((uint32_t)mask), "d"((uint32_t)(mask >> 32))
                   : EVERY_VECTOR_REGISTER);
}
