; The eight x87 registers, FCW, and FSW with TOP and the condition codes.

%include "pattern.inc"
%include "x87.inc"

extern compareImages

beginPattern x87
  x87Fields
endPattern x87

section .text

run_x87:
  loadX87
  test r8d, r8d
  jz .loaded
  spoilX87
.loaded:
  waitAndCall
  storeX87
  mov ecx, imageSize
  jmp compareImages

section .note.GNU-stack noalloc noexec nowrite progbits
