; Memory that exists before there is an allocator: page tables, the boot stack, the first CPU's area.

%include "Offsets.inc"
%include "PageTables.inc"

; At their physical addresses: the 32-bit code fills them before anything is mapped.
section .boot.bss nobits alloc noexec write align=4096
global bootPML4, kernelPML4, bootPDPTIdentity, bootPDIdentity, bootPDPTDirect, bootPDDirect
global bootPDPTKernel, bootPDKernel, bootPTKernel
bootPML4:               resb 4096
kernelPML4:             resb 4096
bootPDPTIdentity:       resb 4096
bootPDIdentity:         resb 4096
bootPDPTDirect:         resb 4096
bootPDDirect:           resb 4 * 4096
bootPDPTKernel:         resb 4096
bootPDKernel:           resb 4096
bootPTKernel:           resb KERNEL_PAGE_TABLES * 4096

; For the few calls before paging.
global bootStackLowTop
                        resb 1024
bootStackLowTop:

; The time-stamp counter at the kernel's first instruction.
alignb 8
global bootEntryTime
bootEntryTime:          resq 1

section .bss align=4096
global bootStackBottom, bootStackTop
bootStackBottom:        resb 32 * 1024
bootStackTop:

global firstCPUArea
alignb 64
firstCPUArea:           resb CPUArea_size
