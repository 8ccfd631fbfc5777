; Every FPU instruction of the kernel outside its SIMD routines. One operation per routine; which of them is
; used, and when, is decided in Swift. The build refuses an FPU instruction in any symbol without the
; prefixes `fpu` and `simd`.
;
; Areas are 64-byte aligned.

%include "ExceptionTable.inc"
%include "StateMask.inc"

section .text
bits 64

; void fpuSaveFXSAVE(void *area, uint64_t mask): the mask stands there for the sake of its relatives.
global fpuSaveFXSAVE
fpuSaveFXSAVE:
        fxsave64 [rdi]
        ret

; void fpuSaveXSAVE(void *area, uint64_t mask), and its relatives
%macro saveRoutine 2
global %1
%1:
        maskToOperand
        %2      [rdi]
        ret
%endmacro
        saveRoutine fpuSaveXSAVE, xsave64
        saveRoutine fpuSaveXSAVEOPT, xsaveopt64
        saveRoutine fpuSaveXSAVEC, xsavec64
        saveRoutine fpuSaveXSAVES, xsaves64

; int32_t fpuRestoreXRSTOR(const void *area, uint64_t mask): 0, or -1 when the instruction faulted. Then the
; registers hold anything. With a third word MXCSR gets its initial value first, for CPUs that leave it alone where SSE
; is initial.
%macro restoreRoutine 2-3
global %1
%1:
        maskToOperand
%if %0 = 3
        ldmxcsr [rel initialMXCSR]
%endif
.restore:
        %2      [rdi]
        xor     eax, eax
        ret
.fault: mov     eax, -1
        ret
        recoverAt .restore, .fault
%endmacro
        restoreRoutine fpuRestoreFXRSTOR, fxrstor64
        restoreRoutine fpuRestoreXRSTOR, xrstor64
        restoreRoutine fpuRestoreXRSTORS, xrstors64
        restoreRoutine fpuRestoreXRSTORWithMXCSR, xrstor64, loadMXCSR
        restoreRoutine fpuRestoreXRSTORSWithMXCSR, xrstors64, loadMXCSR

; void fpuScrubExceptionPointers(void)
;
; AMD CPUs before family 17h save and restore FIP, FDP and FOP only with an exception pending: give them
; values that are nobody's (CVE-2006-1056). FNCLEX first, or the load would raise the pending exception.
global fpuScrubExceptionPointers
fpuScrubExceptionPointers:
        fnclex
        emms
        fild    dword [rel zero]
        ret

; void fpuInitialize(void): FNINIT's state, for CPUs without XSAVE the whole x87 initial state.
global fpuInitialize
fpuInitialize:
        fninit
        ret

; void fpuLoadMXCSR(uint32_t value)
global fpuLoadMXCSR
fpuLoadMXCSR:
        push    rdi
        ldmxcsr [rsp]
        pop     rdi
        ret

; void fpuClearXMM(void): the SSE registers' initial state on a CPU without XSAVE.
global fpuClearXMM
fpuClearXMM:
%assign register 0
%rep 16
        xorps   xmm%[register], xmm%[register]
%assign register register + 1
%endrep
        ret

section .rodata
zero:   dd 0
initialMXCSR:
        dd 0x1F80

section .text
; void fpuProbeCompactedFormat(void *area, uint64_t mask)
;
; XSAVEC of a state in which nothing but SSE and AVX is in use, and of AVX only YMM15: both halves of YMM15
; hold the 16 bytes at fpuProbePattern. Leaves the vector registers clear.
global fpuProbeCompactedFormat
fpuProbeCompactedFormat:
        vzeroall
        vbroadcastf128 ymm15, [rel fpuProbePattern]
        maskToOperand
        xsavec64 [rdi]
        vzeroall
        ret

; int32_t fpuProbeTrapOnUse(void *area, uint64_t mask): 0 when XSAVE is executed, -1 when it raises #NM.
global fpuProbeTrapOnUse, fpuProbeTrappingSave
fpuProbeTrapOnUse:
        maskToOperand
fpuProbeTrappingSave:
        xsave64 [rdi]
        xor     eax, eax
        ret
.fault: mov     eax, -1
        ret
        recoverAt fpuProbeTrappingSave, .fault

section .rodata
        align   16
global fpuProbePattern
fpuProbePattern:
        dq      0x4E6565646C657461, 0x696C2E796D6D3135
