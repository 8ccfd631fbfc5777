; The names under which the Swift runtime allocates. In assembly, since Swift keeps these names to itself.

extern kernelHeapAllocate, kernelHeapFree

section .text
bits 64

; int posix_memalign(void **result, size_t alignment, size_t size)
global posix_memalign
posix_memalign:
        jmp     kernelHeapAllocate

; void free(void *pointer)
global free
free:
        jmp     kernelHeapFree
