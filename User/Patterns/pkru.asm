; PKRU, the protection keys' rights. The call is made with the pattern in force, so that it must leave
; key 0, which every page here has, accessible.

%include "pattern.inc"

extern compareImages

beginPattern pkru
  registerField "pkru", 4, ROLE_PROTECTION_KEYS
endPattern pkru

section .text

run_pkru:
  mov r10, rdx                  ; WRPKRU wants ecx and edx to be 0
  mov r11, rcx
  mov eax, [rdi]
  xor ecx, ecx
  xor edx, edx
  wrpkru
  test r8d, r8d
  jz .loaded
  xor eax, 0x0C                 ; the rights of key 1
  wrpkru
.loaded:
  mov rdx, r10
  mov rcx, r11
  waitAndCall
  xor ecx, ecx
  rdpkru
  mov [rsi], eax
  mov ecx, imageSize
  jmp compareImages

section .note.GNU-stack noalloc noexec nowrite progbits
