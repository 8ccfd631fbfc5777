; memcpy and its family, which the compiler calls by name. String instructions: no SIMD in the kernel, and
; one instruction for any length.

section .text
bits 64

; void *memcpy(void *destination, const void *source, size_t count)
global memcpy
memcpy:
        mov     rax, rdi
        mov     rcx, rdx
        shr     rcx, 3
        rep     movsq
        mov     ecx, edx
        and     ecx, 7
        rep     movsb
        ret

; void *memmove(void *destination, const void *source, size_t count)
global memmove
memmove:
        mov     rax, rdi
        sub     rax, rsi
        cmp     rax, rdx                ; unsigned: destination inside (source, source + count)?
        jae     memcpy
        mov     rax, rdi
        mov     rcx, rdx
        lea     rdi, [rdi + rdx - 1]
        lea     rsi, [rsi + rdx - 1]
        std
        rep     movsb
        cld
        ret

; void *memset(void *destination, int value, size_t count)
global memset
memset:
        mov     r8, rdi
        movzx   eax, sil
        mov     rcx, 0x0101010101010101
        imul    rax, rcx
        mov     rcx, rdx
        shr     rcx, 3
        rep     stosq
        mov     ecx, edx
        and     ecx, 7
        rep     stosb
        mov     rax, r8
        ret

; int memcmp(const void *left, const void *right, size_t count)
global memcmp
memcmp:
        xor     eax, eax
        mov     rcx, rdx
        cmp     rcx, rcx                ; equal where nothing is compared
        repe    cmpsb
        je      .equal
        movzx   eax, byte [rdi - 1]
        movzx   ecx, byte [rsi - 1]
        sub     eax, ecx
.equal: ret
