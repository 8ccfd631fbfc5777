; An x87 exception that stays pending: raised, and never waited for.

bits 64
default rel

PENDING equ 0x84                ; FSW: ES and ZE

section .text

; uint64_t holdPendingException(spin)
;
; FDIVP raises it; the next waiting x87 instruction would deliver it as #MF. FNSTSW and FNINIT do not wait
; (Intel SDM volume 1, section 8.3.11).
global holdPendingException
holdPendingException:
  fninit
  mov dword [rsp - 8], 0x037B   ; zero-divide unmasked
  fldcw [rsp - 8]
  fld1
  fldz
  fdivp
  fnstsw ax
  mov edx, eax

.spin:
  dec rdi
  jnz .spin

  fnstsw ax
  xor edx, eax                  ; nothing of FSW changed meanwhile
  not eax
  and eax, PENDING              ; and the exception is there
  or edx, eax
  xor eax, eax
  test dx, dx
  setz al
  ret

section .note.GNU-stack noalloc noexec nowrite progbits
