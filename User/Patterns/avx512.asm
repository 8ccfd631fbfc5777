; ZMM0 to ZMM31, k0 to k7 and MXCSR. Needs AVX512F, and AVX512BW for 64-bit mask registers.

%include "pattern.inc"
%include "vector.inc"

extern compareImages

beginPattern avx512
  mxcsrFields
  zmmFields
endPattern avx512

section .text

run_avx512:
  ldmxcsr [rdi + MXCSR_OFFSET]
  loadZMM
  test r8d, r8d
  jz .loaded
  spoilMXCSR
  spoilZMM
.loaded:
  waitAndCall
  stmxcsr [rsi + MXCSR_OFFSET]
  storeZMM
  divideSSE
  mov ecx, imageSize
  jmp compareImages

section .note.GNU-stack noalloc noexec nowrite progbits
