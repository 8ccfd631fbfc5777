; XMM0 to XMM15 and MXCSR: what every x86-64 CPU has.

%include "pattern.inc"
%include "vector.inc"

extern compareImages

beginPattern sse
  mxcsrFields
  xmmFields
endPattern sse

section .text

run_sse:
  ldmxcsr [rdi + MXCSR_OFFSET]
  loadXMM
  test r8d, r8d
  jz .loaded
  spoilMXCSR
  spoilXMM
.loaded:
  waitAndCall
  stmxcsr [rsi + MXCSR_OFFSET]
  storeXMM
  divideSSE
  mov ecx, imageSize
  jmp compareImages

section .note.GNU-stack noalloc noexec nowrite progbits
