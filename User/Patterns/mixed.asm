; x87, MXCSR and the vector registers at once, one routine for each vector width.

%include "pattern.inc"
%include "vector.inc"
%include "x87.inc"

extern compareImages

; mixedPattern NAME, FIELDS, LOAD, SPOIL, STORE
%macro mixedPattern 5
beginPattern %1
  mxcsrFields
  x87Fields
  %2
endPattern %1

section .text

run_%1:
  loadX87
  ldmxcsr [rdi + MXCSR_OFFSET]
  %3
  test r8d, r8d
  jz .loaded
  spoilX87
  spoilMXCSR
  %4
.loaded:
  waitAndCall
  stmxcsr [rsi + MXCSR_OFFSET]
  %5
  storeX87
  divideSSE
  mov ecx, imageSize
  jmp compareImages
%endmacro

mixedPattern mixedSSE, xmmFields, loadXMM, spoilXMM, storeXMM
mixedPattern mixedAVX, ymmFields, loadYMM, spoilYMM, storeYMM
mixedPattern mixedAVX512, zmmFields, loadZMM, spoilZMM, storeZMM

section .note.GNU-stack noalloc noexec nowrite progbits
