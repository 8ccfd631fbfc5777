; What the tests in the guest do with registers inside and after a kernel SIMD section.

section .text
bits 64

; uint32_t fpuReadMXCSR(void)
global fpuReadMXCSR
fpuReadMXCSR:
        push    rax
        stmxcsr [rsp]
        pop     rax
        ret

; uint16_t fpuReadControlWord(void)
global fpuReadControlWord
fpuReadControlWord:
        push    rax
        fnstcw  [rsp]
        pop     rax
        movzx   eax, ax
        ret

; uint16_t fpuReadStatusWord(void)
global fpuReadStatusWord
fpuReadStatusWord:
        fnstsw  ax
        movzx   eax, ax
        ret

; uint32_t fpuReadDataPointer(void): the low half of FDP. The environment stays as it is.
global fpuReadDataPointer
fpuReadDataPointer:
        sub     rsp, 40
        fnstenv [rsp]
        mov     eax, [rsp + 20]
        fldenv  [rsp]
        add     rsp, 40
        ret

; void fpuLoadControlWord(uint16_t value)
global fpuLoadControlWord
fpuLoadControlWord:
        push    rdi
        fldcw   [rsp]
        pop     rdi
        ret

; void fpuFillLegacyRegisters(const uint64_t pattern[2])
;
; XMM0-15 and the significands of all eight x87 registers.
global fpuFillLegacyRegisters
fpuFillLegacyRegisters:
%assign register 0
%rep 16
        movups  xmm%[register], [rdi]
%assign register register + 1
%endrep
%rep 8
        fild    qword [rdi]
%endrep
        ret

; void fpuFillYMMRegisters(const uint64_t pattern[2]): both halves of YMM0-15.
global fpuFillYMMRegisters
fpuFillYMMRegisters:
%assign register 0
%rep 16
        vbroadcastf128 ymm%[register], [rdi]
%assign register register + 1
%endrep
        ret

; uint32_t fpuCompareXMMRegisters(const uint64_t pattern[2]): how many of XMM0-15 differ. All are destroyed.
global fpuCompareXMMRegisters
fpuCompareXMMRegisters:
        xor     eax, eax
        sub     rsp, 264
%assign register 0
%rep 16
        movups  [rsp + register * 16], xmm%[register]
%assign register register + 1
%endrep
        mov     rsi, [rdi]
        mov     rdi, [rdi + 8]
        xor     ecx, ecx
.next:  cmp     [rsp + rcx], rsi
        jne     .differs
        cmp     [rsp + rcx + 8], rdi
        je      .same
.differs:
        inc     eax
.same:  add     ecx, 16
        cmp     ecx, 256
        jne     .next
        add     rsp, 264
        ret
