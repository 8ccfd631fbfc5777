; Saving FPU state to a signal frame in user memory, and loading it from there, without a copy in between.
;
; Interrupts are disabled: a page that is not there makes the routine fail, and is made before the next try. The
; instruction checks what it reads, so that nothing that user mode writes meanwhile can do more than make it fault.

%include "ExceptionTable.inc"
%include "UserAccess.inc"

section .text
bits 64

; int32_t fpuSaveUserXSAVE(void *state, uint64_t mask): 0, or -1 where the memory could not be written.
;
; XSTATE_BV then has x87 and SSE set: a program that knows the legacy region alone and edits it expects its values
; to be taken.
global fpuSaveUserXSAVE
fpuSaveUserXSAVE:
        mov     eax, esi
        mov     rdx, rsi
        shr     rdx, 32
        openUserMemory
.save:  xsave64 [rdi]
.mark:  or      byte [rdi + 512], 3
        closeUserMemory
        xor     eax, eax
        ret
.fault: closeUserMemory
        mov     eax, -1
        ret
        recoverAt .save, .fault
        recoverAt .mark, .fault

; int32_t fpuSaveUserFXSAVE(void *state): likewise.
global fpuSaveUserFXSAVE
fpuSaveUserFXSAVE:
        openUserMemory
.save:  fxsave64 [rdi]
        closeUserMemory
        xor     eax, eax
        ret
.fault: closeUserMemory
        mov     eax, -1
        ret
        recoverAt .save, .fault

; int32_t fpuRestoreUserXRSTOR(const void *state, uint64_t mask): 0, or -1 when the instruction faulted. Then the
; registers hold anything.
global fpuRestoreUserXRSTOR
fpuRestoreUserXRSTOR:
        mov     eax, esi
        mov     rdx, rsi
        shr     rdx, 32
        openUserMemory
.restore:
        xrstor64 [rdi]
        closeUserMemory
        xor     eax, eax
        ret
.fault: closeUserMemory
        mov     eax, -1
        ret
        recoverAt .restore, .fault
