; Interrupts and exceptions: one stub for each vector, a common path to handleTrap, and the way back.

%include "Frame.inc"
%include "UserAccess.inc"

extern handleTrap, handleReturnWork, preemptKernel, i386CallEntry

GS_BASE_MSR  equ 0xC0000101
NON_MASKABLE equ 2

; Vectors whose handlers cannot trust GS or the stack, because they can break into the first instructions of
; an entry: debug, NMI, double fault, machine check. They run on stacks of their own (interrupt-stack table).
%define runsOnOwnStack(vector) ((vector) = 1 || (vector) = 2 || (vector) = 8 || (vector) = 18)
; Exceptions for which the CPU pushes an error code (Intel SDM volume 3, table 6-1).
%define pushesErrorCode(vector) \
        ((vector) = 8 || ((vector) >= 10 && (vector) <= 14) || (vector) = 17 || (vector) = 21)

%assign vector 0
%rep 256
        align   16
interruptStub%[vector]:
%if vector = I386_CALL_VECTOR
        jmp     i386CallEntry
%else
%if !pushesErrorCode(vector)
        push    0
%endif
        push    vector
%if runsOnOwnStack(vector)
        jmp     ownStackEntry
%else
        jmp     commonEntry
%endif
%endif
%assign vector vector + 1
%endrep

        align   16
commonEntry:
        cld
        closeUserMemory
        test    byte [rsp + TrapFrame_cs - TrapFrame_vector], 3
        jz      .fromKernel
        swapgs
        pushGeneralRegisters
        xor     ebp, ebp
        mov     rdi, rsp
        call    handleTrap
        jmp     returnToUserMode

.fromKernel:
        cmp     qword [rsp + TrapFrame_rip - TrapFrame_vector], leaveToUserMode
        je      refusedReturn
        pushGeneralRegisters
        ; A frame that the backtrace can walk through: the interrupted RBP, then the interrupted RIP.
        push    qword [rsp + TrapFrame_rip]
        push    rbp
        mov     rbp, rsp
        lea     rdi, [rsp + 16]
        call    handleTrap
        ; Kernel code is preemptible where it holds no lock and had interrupts enabled.
        cmp     dword [gs:CPUArea_needsReschedule], 0
        je      .resume
        cmp     dword [gs:CPUArea_preemptionDisabled], 0
        jne     .resume
        bt      qword [rsp + 16 + TrapFrame_rflags], 9
        jnc     .resume
        call    preemptKernel
.resume:
        add     rsp, 16
        popGeneralRegisters
        add     rsp, 16                         ; vector, error code
        iretq

; The way back to user mode by IRET, from an interrupt or with work to do. RSP = the frame.
global returnToUserMode
returnToUserMode:
        cli
        mov     rax, [gs:CPUArea_currentThread]
        cmp     qword [rax + ThreadHead_returnWork], 0
        je      .leave
        mov     rdi, rsp
        call    handleReturnWork
        ; Work may have been added while it was done with interrupts enabled: handleReturnWork returns
        ; only with interrupts disabled and none left.
.leave:
        popGeneralRegisters
        add     rsp, 16
        swapgs
leaveToUserMode:
        iretq

; That IRET has refused what it was to load: a selector, or an address that is not canonical (Intel SDM volume 2,
; IRET). The fault is the program's, as if its next instruction had raised it: the frame of the way out becomes the
; frame of an entry from user mode again. The general registers and GS are the program's already.
;
; RSP = vector, error code and the fault's own RIP, CS, RFLAGS, RSP, SS; its RSP is where the program's frame lies. The
; CPU aligned the stack, so that the frame may reach down to SS of the fault.
refusedReturn:
        swapgs
        push    rax
        push    rcx
        mov     rcx, [rsp + 16 + TrapFrame_rsp - TrapFrame_vector]
        mov     rax, [rsp + 16 + TrapFrame_errorCode - TrapFrame_vector]
        mov     [rcx - 8], rax
        mov     rax, [rsp + 16]
        mov     [rcx - 16], rax
        mov     rax, [rsp]
        mov     [rcx - 24], rax
        mov     rax, [rsp + 8]
        lea     rsp, [rcx - 24]
        pop     rcx
        pushGeneralRegisters
        xor     ebp, ebp
        mov     rdi, rsp
        call    handleTrap
        jmp     returnToUserMode

; The stack is the vector's own, GS is unknown.
ownStackEntry:
        cld
        closeUserMemory
        ; A non-maskable interrupt stays here from wherever it comes: further ones wait until its IRET.
        cmp     qword [rsp], NON_MASKABLE
        je      .staysHere
        test    byte [rsp + TrapFrame_cs - TrapFrame_vector], 3
        jnz     .fromUser
.staysHere:
        pushGeneralRegisters
        ; A program may give GS any base: whether it is this CPU's area shows by the descriptor table, which lies there.
        sub     rsp, 16
        sgdt    [rsp + 6]
        mov     rsi, [rsp + 8]
        add     rsp, 16
        sub     rsi, CPUArea_globalDescriptors
        mov     ecx, GS_BASE_MSR
        rdmsr
        shl     rdx, 32
        or      rax, rdx
        xor     ebx, ebx
        cmp     rax, rsi
        je      .kernelGS
        swapgs
        inc     ebx
.kernelGS:
        push    qword [rsp + TrapFrame_rip]
        push    rbp
        mov     rbp, rsp
        lea     rdi, [rsp + 16]
        call    handleTrap
        add     rsp, 16
        test    ebx, ebx
        jz      .leave
        swapgs
.leave: popGeneralRegisters
        add     rsp, 16
        iretq

; From user mode everything is in order: go over to the thread's stack and the common path.
.fromUser:
        swapgs
        push    rax
        push    rcx
        mov     rcx, rsp                        ; RCX, RAX, vector, error code, RIP, CS, RFLAGS, RSP, SS
        mov     rsp, [gs:CPUArea_kernelStackTop]
        push    qword [rcx + 64]
        push    qword [rcx + 56]
        push    qword [rcx + 48]
        push    qword [rcx + 40]
        push    qword [rcx + 32]
        push    qword [rcx + 24]
        push    qword [rcx + 16]
        mov     rax, [rcx + 8]
        mov     rcx, [rcx]
        pushGeneralRegisters
        xor     ebp, ebp
        mov     rdi, rsp
        call    handleTrap
        jmp     returnToUserMode

section .rodata
        align   8
; The addresses of the stubs, for the interrupt descriptor table.
global interruptStubs
interruptStubs:
%assign vector 0
%rep 256
        dq      interruptStub%[vector]
%assign vector vector + 1
%endrep
