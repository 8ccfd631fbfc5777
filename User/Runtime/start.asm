; The first instructions of every guest program.
;
; The kernel enters with the stack of the System V ABI for x86-64 (version 1.0, section 3.4.1): the
; argument count, the argument pointers and a null, the environment pointers and a null, and the
; auxiliary vector. No other register carries anything.

bits 64
default rel

extern programMain

SYS_EXIT_GROUP equ 231

section .text

; Calls `int32_t programMain(argc, argv, envp)` and ends the process with what it returns.
global _start
_start:
  xor ebp, ebp                  ; the outermost frame: a backtrace ends here
  mov rdi, [rsp]
  lea rsi, [rsp + 8]
  lea rdx, [rsi + rdi * 8 + 8]
  and rsp, -16                  ; what the ABI promises a function before its call pushes 8 bytes
  call programMain

  mov edi, eax
  mov eax, SYS_EXIT_GROUP
  syscall
  ud2

section .note.GNU-stack noalloc noexec nowrite progbits
