; One routine for each fault that a program can bring on itself. A routine returns only where the fault
; did not come.

bits 64
default rel

KERNEL_ADDRESS equ 0xFFFFFFFF80100000

section .text

global faultDivide
faultDivide:
  mov eax, 1
  xor edx, edx
  xor ecx, ecx
  div ecx
  ret

global faultNull
faultNull:
  xor eax, eax
  mov eax, [rax]
  ret

global faultKernelRead
faultKernelRead:
  mov rax, KERNEL_ADDRESS
  mov rax, [rax]
  ret

global faultKernelWrite
faultKernelWrite:
  mov rax, KERNEL_ADDRESS
  mov [rax], rax
  ret

global faultJumpKernel
faultJumpKernel:
  mov rax, KERNEL_ADDRESS
  jmp rax

global faultPrivileged
faultPrivileged:
  cli
  ret

global faultInvalidOpcode
faultInvalidOpcode:
  ud2
  ret

; Unmasks zero-divide and divides. The next waiting instruction raises #MF.
global faultX87
faultX87:
  fninit
  mov dword [rsp - 8], 0x037B
  fldcw [rsp - 8]
  fld1
  fldz
  fdivp
  fwait
  ret

; Unmasks zero-divide and divides, which raises #XM itself.
global faultSIMD
faultSIMD:
  mov dword [rsp - 8], 0x1D80
  ldmxcsr [rsp - 8]
  mov dword [rsp - 8], 0x3F800000   ; 1
  movss xmm0, [rsp - 8]
  xorps xmm1, xmm1
  divss xmm0, xmm1
  ret

global faultNoncanonicalJump
faultNoncanonicalJump:
  mov rax, 0x8000000000000000
  jmp rax

; Pushes until the stack's end, wherever that is.
global faultStackOverflow
faultStackOverflow:
  push rax
  jmp faultStackOverflow

global faultWriteText
faultWriteText:
  mov byte [faultWriteText], 0xC3
  ret

global faultExecuteData
faultExecuteData:
  lea rax, [returnInstruction]
  jmp rax

section .data
returnInstruction: db 0xC3

section .note.GNU-stack noalloc noexec nowrite progbits
