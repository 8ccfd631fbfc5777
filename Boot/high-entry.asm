; The first code in the upper half, up to the first Swift instruction on the first CPU.
;
; On entry: as entry.asm leaves it. On the call: the kernel's own page tables without the identity map, GS at
; the first CPU's area, a stack, RDI = physical address of the boot information.

%include "Offsets.inc"

extern kernelPML4, firstCPUArea, bootStackTop, kernelMain

section .text
bits 64

global highEntry
highEntry:
        mov     eax, kernelPML4
        mov     cr3, rax
        ; The mappings of the image are global: drop what the boot root left in the TLB.
        mov     rax, cr4
        mov     rcx, rax
        btr     rcx, 7
        mov     cr4, rcx
        mov     cr4, rax

        mov     rsp, bootStackTop
        mov     ecx, 0xC0000101                 ; IA32_GS_BASE
        mov     rax, firstCPUArea
        mov     [rax + CPUArea_self], rax
        mov     rdx, rax
        shr     rdx, 32
        wrmsr

        mov     edi, edi                        ; the boot information's physical address
        xor     ebp, ebp                        ; backtraces end here
        call    kernelMain
.halt:  cli
        hlt
        jmp     .halt
