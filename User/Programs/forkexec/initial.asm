; What a program finds in its registers when it starts, taken by the program's very first instructions; and
; the other end: a start of a program with nothing left at its initial value.
;
; The x87 instruction and data pointers are left out: not every CPU and emulator restores them with FXRSTOR.

%include "pattern.inc"

extern _start

SYS_EXECVE equ 59
STATUS_FLAGS equ 0xCD5          ; CF, PF, AF, ZF, SF, DF and OF

%define GENERAL_REGISTERS rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15

%macro generalRegisterFields 1-*
  %rep %0
    %defstr registerName %1
    registerField registerName, 8, ROLE_BITS
    %rotate 1
  %endrep
%endmacro

; oneField LABEL, NAME, SIZE, ROLE: a field whose offset has a name.
%macro oneField 4
  %assign %1 imageSize
  registerField %2, %3, %4
%endmacro

beginPattern initial
  generalRegisterFields GENERAL_REGISTERS
  oneField FLAGS_OFFSET, "rflags", 8, ROLE_BITS
  oneField MXCSR_OFFSET, "mxcsr", 4, ROLE_MXCSR
  oneField CONTROL_OFFSET, "fcw", 2, ROLE_X87_CONTROL
  oneField STATUS_OFFSET, "fsw", 2, ROLE_X87_STATUS
  oneField TAGS_OFFSET, "ftw", 2, ROLE_X87_TAGS
  %assign X87_OFFSET imageSize
  registerFields "st", 8, 10, ROLE_BITS
  %assign VECTOR_OFFSET imageSize
  registerFields "vec", 32, 64, ROLE_BITS
  %assign MASK_OFFSET imageSize
  registerFields "k", 8, 8, ROLE_BITS
endPattern initial

run_initial equ 0               ; there is nothing to run: the registers were taken at entry

section .bss align=64
global initialImage
initialImage: resb imageSize
environmentImage: resb 28       ; FNSTENV's 32-bit format (Intel SDM volume 1, section 8.1.10)

section .text

; The entry of a program that wants to know its initial state. Goes on at _start.
global _startCapturing
_startCapturing:
%macro captureGeneral 1-*
  %assign n 0
  %rep %0
    mov [initialImage + n * 8], %1
    %assign n n + 1
    %rotate 1
  %endrep
%endmacro
  captureGeneral GENERAL_REGISTERS
  pushfq
  pop rax
  and eax, STATUS_FLAGS
  mov [initialImage + FLAGS_OFFSET], rax

  fnstenv [environmentImage]
  mov ax, [environmentImage]
  mov [initialImage + CONTROL_OFFSET], ax
  mov ax, [environmentImage + 4]
  mov [initialImage + STATUS_OFFSET], ax
  mov ax, [environmentImage + 8]
  mov [initialImage + TAGS_OFFSET], ax
  stmxcsr [initialImage + MXCSR_OFFSET]

  ; The x87 registers are empty and still have bits. Saying that they are in use shows them.
  mov word [environmentImage + 8], 0
  fldenv [environmentImage]
%assign n 0
%rep 8
  fstp tword [initialImage + X87_OFFSET + n * 16]
  %assign n n + 1
%endrep
  fninit

  call vectorWidth
  cmp eax, 32
  ja .zmm
  je .ymm
%assign n 0
%rep 16
  movups [initialImage + VECTOR_OFFSET + n * 64], xmm %+ n
  %assign n n + 1
%endrep
  jmp _start
.ymm:
%assign n 0
%rep 16
  vmovups [initialImage + VECTOR_OFFSET + n * 64], ymm %+ n
  %assign n n + 1
%endrep
  jmp _start
.zmm:
%assign n 0
%rep 32
  vmovups [initialImage + VECTOR_OFFSET + n * 64], zmm %+ n
  %assign n n + 1
%endrep
%assign n 0
%rep 8
  kmovq [initialImage + MASK_OFFSET + n * 8], k %+ n
  %assign n n + 1
%endrep
  jmp _start

; Out: eax = 16, 32 or 64, the width in bytes of the widest vector registers that may be used.
; Clobbers rbx, rcx, rdx and r8. The same questions as Features.swift asks, here before any Swift.
vectorWidth:
  mov r8d, 16
  mov eax, 1
  xor ecx, ecx
  cpuid
  and ecx, 0x18000000           ; OSXSAVE and AVX
  cmp ecx, 0x18000000
  jne .done
  xor ecx, ecx
  xgetbv
  mov ecx, eax
  and ecx, 0x06
  cmp ecx, 0x06
  jne .done
  mov r8d, 32
  and eax, 0xE6
  cmp eax, 0xE6
  jne .done
  mov eax, 7                    ; a CPU with these XCR0 bits has leaf 7
  xor ecx, ecx
  cpuid
  and ebx, 0x40010000           ; AVX512BW and AVX512F
  cmp ebx, 0x40010000
  jne .done
  mov r8d, 64
.done:
  mov eax, r8d
  ret

; intptr_t executeSpoiled(path, argv, envp): execve with every register away from its initial value.
; Returns the error, with the FPU in its initial state, if the program does not start.
global executeSpoiled
executeSpoiled:
  push rbx
  push rbp
  push r12
  push r13
  push r14
  push r15
  mov r9, rdi
  mov r10, rsi
  mov r12, rdx
  call vectorWidth
  mov rdi, r9
  mov rsi, r10
  mov rdx, r12

  fninit
  mov dword [rsp - 8], 0x0C7F
  fldcw [rsp - 8]
%rep 8
  fldpi
%endrep
  mov dword [rsp - 8], 0xFFBF   ; all that every MXCSR has
  ldmxcsr [rsp - 8]

  cmp eax, 32
  ja .zmm
  je .ymm
%assign n 0
%rep 16
  pcmpeqd xmm %+ n, xmm %+ n
  %assign n n + 1
%endrep
  jmp .filled
.ymm:
  pcmpeqd xmm0, xmm0
  vinsertf128 ymm0, ymm0, xmm0, 1
%assign n 1
%rep 15
  vmovaps ymm %+ n, ymm0
  %assign n n + 1
%endrep
  jmp .filled
.zmm:
%assign n 0
%rep 32
  vpternlogd zmm %+ n, zmm %+ n, zmm %+ n, 0xFF
  %assign n n + 1
%endrep
%assign n 0
%rep 8
  kxnorq k %+ n, k %+ n, k %+ n
  %assign n n + 1
%endrep
.filled:

  mov rbx, -1
  mov rbp, rbx
  mov r8, rbx
  mov r9, rbx
  mov r10, rbx
  mov r12, rbx
  mov r13, rbx
  mov r14, rbx
  mov r15, rbx
  mov eax, SYS_EXECVE
  syscall

  fninit
  mov dword [rsp - 8], 0x1F80
  ldmxcsr [rsp - 8]
  pop r15
  pop r14
  pop r13
  pop r12
  pop rbp
  pop rbx
  ret

section .note.GNU-stack noalloc noexec nowrite progbits
