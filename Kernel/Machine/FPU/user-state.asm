; Saving FPU state to a signal frame in user memory, and loading it from there, without a copy in between.
;
; Interrupts are disabled: a page that is not there makes the routine fail, and is made before the next try. The
; instruction checks what it reads, so that nothing that user mode writes meanwhile can do more than make it fault.

%include "ExceptionTable.inc"
%include "StateMask.inc"
%include "UserAccess.inc"

section .text
bits 64

CLOSING_MAGIC equ 0x46505845

; A store that may fault, in a routine that ends by `returnOutcome`.
%macro store 2
%%here: mov     %1, %2
        recoverAt %%here, .fault
%endmacro

; Zeros, of which RAX is one, from an offset of the state to another.
%macro storeZeros 2
%assign offset %1
%rep (%2 - %1) / 8
        store   [rdi + offset], rax
%assign offset offset + 8
%endrep
%endmacro

; The routine's end: 0, or -1 by way of .fault.
%macro returnOutcome 0
        closeUserMemory
        xor     eax, eax
        ret
.fault: closeUserMemory
        mov     eax, -1
        ret
%endmacro

; int32_t fpuSaveUserXSAVE(void *state, uint64_t mask, uint64_t stateSize, uint64_t description): 0, or -1 where the
; memory could not be written.
;
; Writes the frame's description of itself first, `description` being its first word; then zeros for the rest of it
; and for the header, of which XSAVE writes XSTATE_BV alone; and the closing magic behind the state. XSTATE_BV then
; has x87 and SSE set: a program that knows the legacy region alone and edits it expects its values to be taken.
global fpuSaveUserXSAVE
fpuSaveUserXSAVE:
        mov     r8, rdx
        openUserMemory
        store   [rdi + 464], rcx
        store   [rdi + 472], rsi
        store   [rdi + 480], r8
        xor     eax, eax
        storeZeros 488, 576
        store   dword [rdi + r8], CLOSING_MAGIC
        maskToOperand
.save:  xsave64 [rdi]
.mark:  or      byte [rdi + 512], 3
        returnOutcome
        recoverAt .save, .fault
        recoverAt .mark, .fault

; int32_t fpuSaveUserFXSAVE(void *state, uint64_t description): likewise. The frame names no component, and has no
; closing magic.
global fpuSaveUserFXSAVE
fpuSaveUserFXSAVE:
        openUserMemory
        xor     eax, eax
        store   [rdi + 464], rsi
        store   [rdi + 472], rax
        mov     eax, 512
        store   [rdi + 480], rax
        xor     eax, eax
        storeZeros 488, 512
.save:  fxsave64 [rdi]
        returnOutcome
        recoverAt .save, .fault

; int32_t fpuRestoreUserXRSTOR(const void *state, uint64_t mask): 0, or -1 when the instruction faulted. Then the
; registers hold anything.
global fpuRestoreUserXRSTOR
fpuRestoreUserXRSTOR:
        maskToOperand
        openUserMemory
.restore:
        xrstor64 [rdi]
        returnOutcome
        recoverAt .restore, .fault

; int32_t fpuRestoreUserFXRSTOR(const void *state): likewise, of x87 and SSE.
global fpuRestoreUserFXRSTOR
fpuRestoreUserFXRSTOR:
        openUserMemory
.restore:
        fxrstor64 [rdi]
        returnOutcome
        recoverAt .restore, .fault
