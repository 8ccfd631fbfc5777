; The memory routines that the compiler calls by name. String instructions, so that they use no FPU
; register: a guest program touches the FPU only where it means to.

bits 64
default rel

section .text

; void *memcpy(destination, source, size)
global memcpy
memcpy:
  mov rax, rdi
  mov rcx, rdx
  rep movsb
  ret

; void *memmove(destination, source, size)
global memmove
memmove:
  mov rcx, rdi
  sub rcx, rsi
  cmp rcx, rdx                  ; unsigned: below only if the destination starts inside the source
  jae memcpy
  mov rax, rdi
  mov rcx, rdx
  lea rdi, [rdi + rdx - 1]
  lea rsi, [rsi + rdx - 1]
  std
  rep movsb
  cld
  ret

; void *memset(destination, value, size)
global memset
memset:
  mov r8, rdi
  mov eax, esi
  mov rcx, rdx
  rep stosb
  mov rax, r8
  ret

; int memcmp(left, right, size)
global memcmp
memcmp:
  mov rcx, rdx
  xor eax, eax
  cmp rax, rax                  ; equal, where size is 0 and nothing is compared
  repe cmpsb
  je .equal
  movzx eax, byte [rdi - 1]
  movzx ecx, byte [rsi - 1]
  sub ecx, eax
  mov eax, ecx
.equal:
  ret

section .note.GNU-stack noalloc noexec nowrite progbits
