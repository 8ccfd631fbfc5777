; The context switch: the registers that a function call preserves, and the stack.

%include "Frame.inc"

extern finishSwitch, threadFunctionReturned, returnToUserMode

; void switchStacks(uint64_t *saved, uint64_t next)
;
; Leaves the current thread's stack pointer in *saved and goes on where `next` was left. The other general
; registers are the caller's to keep; segment bases, CR3 and FPU state are switched around this call.
; Interrupts are off and the run queue's lock is held: the thread that goes on releases it.
global switchStacks
switchStacks:
        push    rbp
        push    rbx
        push    r12
        push    r13
        push    r14
        push    r15

        mov     [rdi], rsp
        mov     rsp, rsi

        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbx
        pop     rbp
        ret

; Where a new thread starts: its first stack was laid out as switchStacks leaves one.
; RBX = a kernel thread's function, or 0 for a user thread, whose frame lies on the stack. R12 = argument.
global threadStart
threadStart:
        xor     ebp, ebp
        call    finishSwitch
        test    rbx, rbx
        jz      returnToUserMode
        sti
        mov     rdi, r12
        call    rbx
        call    threadFunctionReturned
        ud2
