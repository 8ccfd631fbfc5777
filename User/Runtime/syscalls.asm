; System calls of Linux on x86-64, and the start of a thread, which needs one before it has a stack.

bits 64
default rel

SYS_CLONE equ 56
SYS_EXIT equ 60

section .text

; intptr_t systemCall(number, first, second, third, fourth, fifth, sixth)
;
; The kernel takes the number in rax and the arguments in rdi, rsi, rdx, r10, r8, r9, and destroys
; rax, rcx and r11 (System V ABI for x86-64, appendix A.2.1). The result is negative for an error.
global systemCall
systemCall:
  mov rax, rdi
  mov rdi, rsi
  mov rsi, rdx
  mov rdx, rcx
  mov r10, r8
  mov r8, r9
  mov r9, [rsp + 8]
  syscall
  ret

; intptr_t cloneThread(flags, stackTop, parentTID, childTID, threadPointer, record)
;
; The thread starts in `record->entry(record)` on its own stack and ends, alone, when that returns.
; `stackTop` is aligned to 16 bytes. `record` begins with the entry, as `struct ThreadRecord` says.
global cloneThread
cloneThread:
  sub rsi, 16
  mov [rsi], r9                 ; the one word that the new thread finds on its stack
  mov r10, rcx
  mov eax, SYS_CLONE
  syscall
  test rax, rax
  jz .inThread
  ret

.inThread:
  xor ebp, ebp
  mov rdi, [rsp]
  call [rdi]
  xor edi, edi
  mov eax, SYS_EXIT
  syscall
  ud2

section .note.GNU-stack noalloc noexec nowrite progbits
