; Every general register but rsp, with CF and DF, and not one FPU instruction.
;
; The spin counts in memory, so that all fifteen registers can hold a pattern. rax, rcx and r11 belong to
; the system call; they are taken before it, all others after.

%include "pattern.inc"

extern compareImages

; The order in the image. rdi comes last, since it holds the image's address while the others are loaded.
%define GENERAL_REGISTERS rax, rcx, r11, rbx, rdx, rsi, rbp, r8, r9, r10, r12, r13, r14, r15, rdi

%macro generalRegisterFields 1-*
  %rep %0
    %defstr registerName %1
    registerField registerName, 8, ROLE_BITS
    %rotate 1
  %endrep
%endmacro

FLAGS_CHECKED equ 0x401         ; CF and DF: what the loop leaves alone
RDI_INDEX equ 14
FLAGS_INDEX equ 15

struc Frame
  .spin: resq 1
  .call: resq 1                 ; + 1, so that 0 means none
  .corrupt: resq 1
  .callResult: resq 1
  .image: resq 1
  .observed: resq 1
  .flags: resq 1
  .rdi: resq 1
  .early: resq 3                ; rax, rcx and r11 as the spin left them
endstruc

beginPattern integer
  generalRegisterFields GENERAL_REGISTERS
  registerField "rflags", 8, ROLE_FLAGS
endPattern integer

section .text

run_integer:
  push rbx
  push rbp
  push r12
  push r13
  push r14
  push r15
  sub rsp, Frame_size
  inc rcx
  mov [rsp + Frame.spin], rdx
  mov [rsp + Frame.call], rcx
  mov [rsp + Frame.corrupt], r8
  mov [rsp + Frame.callResult], r9
  mov [rsp + Frame.image], rdi
  mov [rsp + Frame.observed], rsi
  mov rax, [rdi + FLAGS_INDEX * 8]
  mov [rsp + Frame.flags], rax

%macro loadOne 2
  mov %1, [rdi + (%2) * 8]
%endmacro
%macro loadAll 1-*
  %assign registerIndex 0
  %rep %0
    loadOne %1, registerIndex
    %assign registerIndex registerIndex + 1
    %rotate 1
  %endrep
%endmacro
  loadAll GENERAL_REGISTERS

%macro spoilOne 2
  cmp qword [rsp + Frame.corrupt], (%2) + 1
  jne %%other
  not %1
%%other:
%endmacro
%macro spoilAll 1-*
  %assign registerIndex 0
  %rep %0
    spoilOne %1, registerIndex
    %assign registerIndex registerIndex + 1
    %rotate 1
  %endrep
%endmacro
  cmp qword [rsp + Frame.corrupt], 0
  je .loaded
  spoilAll GENERAL_REGISTERS
  cmp qword [rsp + Frame.corrupt], FLAGS_INDEX + 1
  jne .loaded
  xor qword [rsp + Frame.flags], FLAGS_CHECKED
.loaded:
  push qword [rsp + Frame.flags]
  popfq

.spin:
  dec qword [rsp + Frame.spin]  ; leaves CF alone
  jnz .spin

  mov [rsp + Frame.early], rax
  mov [rsp + Frame.early + 8], rcx
  mov [rsp + Frame.early + 16], r11
  mov rcx, [rsp + Frame.call]
  jrcxz .noCall                 ; changes no flag, nor does lea
  lea rax, [rcx - 1]
  syscall
  mov rcx, [rsp + Frame.callResult]
  mov [rcx], rax
.noCall:

  mov [rsp + Frame.rdi], rdi
  mov rdi, [rsp + Frame.observed]
%macro storeAll 1-*
  %assign registerIndex 0
  %rep %0
    %if registerIndex >= 3 && registerIndex < RDI_INDEX
      mov [rdi + registerIndex * 8], %1
    %endif
    %assign registerIndex registerIndex + 1
    %rotate 1
  %endrep
%endmacro
  storeAll GENERAL_REGISTERS
  pushfq
  pop rax
  cld
  and eax, FLAGS_CHECKED
  mov rcx, [rsp + Frame.image]
  mov rdx, [rcx + FLAGS_INDEX * 8]
  and rdx, ~FLAGS_CHECKED
  or rax, rdx                   ; the other flags are not compared
  mov [rdi + FLAGS_INDEX * 8], rax
  mov rax, [rsp + Frame.rdi]
  mov [rdi + RDI_INDEX * 8], rax
%assign registerIndex 0
%rep 3
  mov rax, [rsp + Frame.early + registerIndex * 8]
  mov [rdi + registerIndex * 8], rax
  %assign registerIndex registerIndex + 1
%endrep

  mov rsi, rdi
  mov rdi, [rsp + Frame.image]
  mov ecx, imageSize
  add rsp, Frame_size
  pop r15
  pop r14
  pop r13
  pop r12
  pop rbp
  pop rbx
  jmp compareImages

section .note.GNU-stack noalloc noexec nowrite progbits
