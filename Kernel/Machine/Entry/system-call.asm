; System calls: from user mode to handleSystemCall and back by SYSRET, or by IRET where the frame was changed; INT 0x80
; to handleI386Call and back by IRET.

%include "Frame.inc"
%include "UserAccess.inc"

extern handleSystemCall, handleI386Call, returnToUserMode

; On entry (Intel SDM volume 2, SYSCALL): RCX = user RIP, R11 = user RFLAGS, RSP still the user's, interrupts
; off by the flag mask. System-call number in RAX, arguments in RDI, RSI, RDX, R10, R8, R9.
global systemCallEntry
systemCallEntry:
        swapgs
        mov     [gs:CPUArea_userStackPointer], rsp
        mov     rsp, [gs:CPUArea_kernelStackTop]

        push    USER_DATA_SELECTOR
        push    qword [gs:CPUArea_userStackPointer]
        push    r11
        push    USER_CODE_SELECTOR
        push    rcx
        push    rax
        push    SYSTEM_CALL_VECTOR
        pushGeneralRegisters

        ; The outermost frame: a backtrace ends here.
        xor     ebp, ebp
        sti
        mov     rdi, rsp
        mov     esi, eax                        ; its lower half alone is the number, as on Linux
        call    handleSystemCall
        cli

        mov     rax, [gs:CPUArea_currentThread]
        cmp     qword [rax + ThreadHead_returnWork], 0
        jne     returnToUserMode

        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        pop     r11                             ; R11 and RCX are overwritten below: SYSRET takes them
        pop     r10
        pop     r9
        pop     r8
        pop     rax
        pop     rcx
        pop     rdx
        pop     rsi
        pop     rdi
        mov     rcx, [rsp + TrapFrame_rip - TrapFrame_vector]
        mov     r11, [rsp + TrapFrame_rflags - TrapFrame_vector]
        mov     rsp, [rsp + TrapFrame_rsp - TrapFrame_vector]
        ; RIP is canonical here: it follows a SYSCALL in the user half, whose last page cannot be mapped.
        ; SYSRET with another RIP would fault in ring 0 on the user's stack.
        swapgs
        o64 sysret

; SYSCALL in 32-bit code, which AMD's processors have: there are no 32-bit system calls (ENOSYS). The stack and GS are
; the program's still; interrupts are off by the flag mask.
global systemCallEntry32
systemCallEntry32:
        mov     eax, -38
        sysret

; INT 0x80, from 64-bit code or 32-bit code: the i386 number of a call in EAX, arguments in EBX, ECX, EDX, ESI, EDI
; and EBP. The gate has disabled interrupts. All registers but RAX come back as they were.
global i386CallEntry
i386CallEntry:
        cld
        closeUserMemory
        swapgs
        mov     eax, eax                        ; the lower half alone is the number
        push    rax
        push    I386_CALL_VECTOR
        pushGeneralRegisters

        xor     ebp, ebp
        sti
        mov     rdi, rsp
        call    handleI386Call
        jmp     returnToUserMode
