; The header by which GRUB recognises the kernel (Multiboot2 specification 3.1.1, "The layout of Multiboot2
; header"). It must lie in the first 32 KiB of the image.

MULTIBOOT2_MAGIC        equ 0xE85250D6
MULTIBOOT2_ARCHITECTURE equ 0           ; i386: GRUB enters in 32-bit protected mode

section .multiboot2 progbits alloc noexec nowrite align=8
header:
        dd MULTIBOOT2_MAGIC
        dd MULTIBOOT2_ARCHITECTURE
        dd headerEnd - header
        dd -(MULTIBOOT2_MAGIC + MULTIBOOT2_ARCHITECTURE + (headerEnd - header))

        align 8                         ; information request: memory map; refuse to boot without it
        dw 1, 0
        dd 12
        dd 6

        align 8                         ; modules start on a page
        dw 6, 0
        dd 8

        align 8                         ; end
        dw 0, 0
        dd 8
headerEnd:
