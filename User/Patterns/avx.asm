; YMM0 to YMM15, all 256 bits, and MXCSR.

%include "pattern.inc"
%include "vector.inc"

extern compareImages

beginPattern avx
  mxcsrFields
  ymmFields
endPattern avx

section .text

run_avx:
  ldmxcsr [rdi + MXCSR_OFFSET]
  loadYMM
  test r8d, r8d
  jz .loaded
  spoilMXCSR
  spoilYMM
.loaded:
  waitAndCall
  stmxcsr [rsi + MXCSR_OFFSET]
  storeYMM
  divideSSE
  mov ecx, imageSize
  jmp compareImages

section .note.GNU-stack noalloc noexec nowrite progbits
