; The last step of each pattern: compares the image with what the registers held.
;
; In: rdi = image, rsi = observed, ecx = size in bytes. Out: rax = offset of the first 8 bytes that differ,
; or all ones. Uses no FPU register.

bits 64
default rel

section .text

global compareImages
compareImages:
  xor eax, eax
.next:
  mov rdx, [rdi + rax]
  cmp rdx, [rsi + rax]
  jne .done
  add eax, 8
  cmp eax, ecx
  jb .next
  mov rax, -1
.done:
  ret

section .note.GNU-stack noalloc noexec nowrite progbits
