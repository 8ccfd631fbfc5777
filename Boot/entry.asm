; From GRUB's 32-bit protected mode to long mode, and to highEntry in the upper half.
;
; On entry (Multiboot2 specification 3.3, "I386 machine state"): EAX holds the boot loader's magic, EBX the
; physical address of the boot information, paging is off, flat 32-bit segments, no stack, no IDT.
;
; On leaving: long mode, page tables that map each segment of the image by its permissions (NX where the CPU
; has it) and the first 2 MiB one to one, EDI = physical address of the boot information.

%include "Offsets.inc"
%include "PageTables.inc"

BOOT_LOADER_MAGIC equ 0x36D76289
SERIAL_PORT       equ 0x3F8

extern bootEntryTime
extern bootPML4, kernelPML4, bootPDPTIdentity, bootPDIdentity, bootPDPTDirect, bootPDDirect
extern bootPDPTKernel, bootPDKernel, bootPTKernel, bootStackLowTop
extern textStartPhysical, textEndPhysical, rodataStartPhysical, rodataEndPhysical
extern dataStartPhysical, dataEndPhysical, symbolsStartPhysical, symbolsEndPhysical, imageEndPhysical
extern highEntry

section .boot progbits alloc exec nowrite align=16
bits 32

global bootEntry
bootEntry:
        mov     esi, eax
        rdtsc                           ; what a start takes is counted from here
        mov     [bootEntryTime], eax
        mov     [bootEntryTime + 4], edx
        mov     eax, esi
        cli
        cld
        mov     esp, bootStackLowTop
        mov     edi, ebx                ; the boot information, kept through to the call of Swift

        mov     esi, messageMagic
        cmp     eax, BOOT_LOADER_MAGIC
        jne     fail

        mov     esi, messageLongMode
        mov     eax, 0x80000000
        cpuid
        cmp     eax, 0x80000001
        jb      fail
        mov     eax, 0x80000001
        cpuid
        bt      edx, 29                 ; LM
        jnc     fail
        xor     ebp, ebp                ; the high half of a page-table entry that forbids execution
        bt      edx, 20                 ; NX
        jnc     .noExecuteDisable
        mov     ebp, 0x80000000
.noExecuteDisable:

        mov     esi, messageFXSAVE
        mov     eax, 1
        cpuid
        bt      edx, 24                 ; FXSR
        jnc     fail
        bt      edx, 25                 ; SSE
        jnc     fail

        call    buildPageTables
        mov     eax, bootPML4
        mov     cr3, eax

        mov     eax, cr4
        or      eax, (1 << 5) | (1 << 7)        ; PAE, PGE
        mov     cr4, eax
        mov     ecx, 0xC0000080                 ; IA32_EFER
        rdmsr
        or      eax, (1 << 8) | (1 << 0)        ; LME, SCE
        test    ebp, ebp
        jz      .noNXE
        or      eax, 1 << 11                    ; NXE
.noNXE: wrmsr
        mov     eax, cr0
        and     eax, ~((1 << 2) | (1 << 29) | (1 << 30)) ; EM, NW and CD off
        or      eax, (1 << 31) | (1 << 16) | (1 << 5) | (1 << 1) | (1 << 0) ; PG, WP, NE, MP, PE
        mov     cr0, eax

        lgdt    [bootGDTPointer]
        jmp     0x08:.longMode

bits 64
.longMode:
        xor     eax, eax
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     fs, eax
        mov     gs, eax
        mov     rax, highEntry
        jmp     rax

bits 32

; Fills the page tables, which lie in the zeroed .bss. EBP is the execute-disable half of an entry.
buildPageTables:
        push    edi
        ; Identity for this code and the start of the other CPUs: the first 2 MiB, in bootPML4 alone.
        mov     dword [bootPML4], bootPDPTIdentity + PAGE_TABLE
        mov     dword [bootPDPTIdentity], bootPDIdentity + PAGE_TABLE
        mov     dword [bootPDIdentity], PAGE_PRESENT | PAGE_WRITABLE | PAGE_LARGE

        ; The direct map of the first 4 GiB, never executable.
        mov     ecx, 4
        mov     eax, bootPDDirect + PAGE_TABLE
        mov     edi, bootPDPTDirect
.directPDPT:
        mov     [edi], eax
        add     eax, 4096
        add     edi, 8
        loop    .directPDPT
        mov     ecx, 4 * 512
        mov     eax, PAGE_PRESENT | PAGE_WRITABLE | PAGE_LARGE | PAGE_GLOBAL
        mov     edi, bootPDDirect
.directPD:
        mov     [edi], eax
        mov     [edi + 4], ebp
        add     eax, 0x200000
        add     edi, 8
        loop    .directPD

        ; The image, page by page.
        mov     dword [bootPDPTKernel + 510 * 8], bootPDKernel + PAGE_TABLE
        mov     ecx, KERNEL_PAGE_TABLES
        mov     eax, bootPTKernel + PAGE_TABLE
        mov     edi, bootPDKernel
.kernelPD:
        mov     [edi], eax
        add     eax, 4096
        add     edi, 8
        loop    .kernelPD
        mov     esi, messageImage
        mov     eax, imageEndPhysical
        cmp     eax, KERNEL_PAGE_TABLES * 0x200000
        ja      fail

        mov     eax, textStartPhysical
        mov     ecx, textEndPhysical
        mov     ebx, PAGE_PRESENT | PAGE_GLOBAL
        xor     edx, edx
        call    mapImage
        mov     eax, rodataStartPhysical
        mov     ecx, rodataEndPhysical
        mov     edx, ebp
        call    mapImage
        mov     eax, symbolsStartPhysical
        mov     ecx, symbolsEndPhysical
        call    mapImage
        mov     eax, dataStartPhysical
        mov     ecx, dataEndPhysical
        mov     ebx, PAGE_PRESENT | PAGE_GLOBAL | PAGE_WRITABLE
        call    mapImage

        ; Both roots share the kernel half; only the boot root has the identity map.
        mov     dword [bootPML4 + DIRECT_MAP_SLOT * 8], bootPDPTDirect + PAGE_TABLE
        mov     dword [bootPML4 + KERNEL_SLOT * 8], bootPDPTKernel + PAGE_TABLE
        mov     dword [kernelPML4 + DIRECT_MAP_SLOT * 8], bootPDPTDirect + PAGE_TABLE
        mov     dword [kernelPML4 + KERNEL_SLOT * 8], bootPDPTKernel + PAGE_TABLE
        pop     edi
        ret

; Maps physical EAX up to ECX at the image's addresses with the flags EBX and the high half EDX.
mapImage:
        mov     edi, eax
        shr     edi, 12 - 3
        add     edi, bootPTKernel
        or      eax, ebx
        or      ecx, ebx
.page:
        cmp     eax, ecx
        jae     .done
        mov     [edi], eax
        mov     [edi + 4], edx
        add     eax, 4096
        add     edi, 8
        jmp     .page
.done:  ret

; Prints the message at ESI on the serial line and the screen, and stops with the panic status.
fail:
        call    startSerial
        mov     edi, 0xB8000
.next:
        lodsb
        test    al, al
        jz      .stop
        mov     ah, 0x4F
        stosw
        mov     bl, al
        mov     dx, SERIAL_PORT + 5
.wait:  in      al, dx
        test    al, 0x20
        jz      .wait
        mov     dx, SERIAL_PORT
        mov     al, bl
        out     dx, al
        jmp     .next
.stop:
        mov     dx, 0xF4
        mov     al, 0x12
        out     dx, al
.halt:  cli
        hlt
        jmp     .halt

; The serial line at 115200 baud, 8N1. Only on the way to the end: what was typed before is lost.
startSerial:
%macro serialSet 2
        mov     dx, SERIAL_PORT + %1
        mov     al, %2
        out     dx, al
%endmacro
        serialSet 1, 0x00
        serialSet 3, 0x80
        serialSet 0, 0x01
        serialSet 1, 0x00
        serialSet 3, 0x03
        serialSet 2, 0x07
        serialSet 4, 0x0B
        ret

section .boot.rodata progbits alloc noexec nowrite align=8

messageMagic:
        db "needletail: not started by a Multiboot2 boot loader; boot it by GRUB's multiboot2 command.", 13, 10, 0
messageLongMode:
        db "needletail: this CPU has no 64-bit mode; choose an x86-64 CPU.", 13, 10, 0
messageFXSAVE:
        db "needletail: this CPU has no FXSAVE or no SSE, which x86-64 requires.", 13, 10, 0
messageImage:
        db "needletail: the kernel image is larger than the page tables made for it.", 13, 10, 0

align 8
bootGDT:
        dq 0
        dq 0x00AF9A000000FFFF           ; 64-bit code
        dq 0x00CF92000000FFFF           ; data
bootGDTPointer:
        dw $ - bootGDT - 1
        dd bootGDT
