; How every CPU but the first comes up: copied to STARTUP_PAGE, entered in real mode by the start-up
; interrupt (Intel SDM volume 3, section 9.4), left in long mode on the kernel's page tables.

%include "Frame.inc"

extern bootPML4, kernelPML4, applicationProcessorMain

section .rodata
        align   16
global startupCodeStart, startupCodeEnd
%define here(label) (STARTUP_PAGE + (label) - startupCodeStart)
startupCodeStart:
bits 16
        cli
        cld
        xor     ax, ax
        mov     ds, ax
        lgdt    [here(descriptorPointer)]
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        jmp     dword 0x08:here(protectedMode)

bits 32
protectedMode:
        mov     ax, 0x10
        mov     ds, ax
        mov     ss, ax
        mov     eax, cr4
        or      eax, (1 << 5) | (1 << 7)        ; PAE, PGE
        mov     cr4, eax
        mov     eax, [here(mailboxRoot)]
        mov     cr3, eax
        mov     ecx, 0xC0000080                 ; IA32_EFER, as on the first CPU
        mov     eax, [here(mailboxEFER)]
        xor     edx, edx
        wrmsr
        mov     eax, [here(mailboxCR0)]
        mov     cr0, eax
        jmp     0x18:here(longMode)

bits 64
longMode:
        xor     eax, eax
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     fs, eax
        mov     gs, eax
        ; Only the CPU that is meant takes the area, and only once: one that answers late, when nobody waits for
        ; it any more, finds another's name or no area, and sleeps for ever.
        mov     eax, 1
        cpuid
        shr     ebx, 24                         ; this CPU's APIC identifier
        cmp     ebx, [abs here(mailboxAPICID)]
        jne     .sleep
        xor     edi, edi
        xchg    rdi, [abs here(mailboxArea)]
        test    rdi, rdi
        jz      .sleep
        mov     rax, highStart
        jmp     rax
.sleep: cli
        hlt
        jmp     .sleep

        align   8
descriptors:
        dq 0
        dq 0x00CF9A000000FFFF                   ; 32-bit code
        dq 0x00CF92000000FFFF                   ; data
        dq 0x00AF9A000000FFFF                   ; 64-bit code
descriptorPointer:
        dw $ - descriptors - 1
        dd here(descriptors)

        ; Filled in by startProcessor for the CPU that it starts: struct StartupMailbox.
        align   8
global startupMailbox
startupMailbox:
mailboxArea:    dq 0
mailboxRoot:    dd 0
mailboxEFER:    dd 0
mailboxCR0:     dd 0
mailboxAPICID:  dd 0
startupCodeEnd:

section .text
bits 64
; RDI = this CPU's area, in which its first stack is named.
highStart:
        mov     rsp, [rdi + CPUArea_kernelStackTop]
        mov     eax, kernelPML4
        mov     cr3, rax
        mov     rax, cr4
        mov     rcx, rax
        btr     rcx, 7                          ; the boot root's global entries go
        mov     cr4, rcx
        mov     cr4, rax
        mov     ecx, 0xC0000101                 ; IA32_GS_BASE
        mov     rax, rdi
        mov     rdx, rdi
        shr     rdx, 32
        wrmsr
        xor     ebp, ebp
        call    applicationProcessorMain
        ud2
