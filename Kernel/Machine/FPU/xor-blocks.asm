; XOR of memory blocks with SSE2 and AVX: destination ^= source. The only SIMD computation of the kernel;
; called inside a kernel SIMD section.
;
; Counts are in bytes, multiples of 64, not zero. No alignment is needed.

section .text
bits 64

; void simdXORBlocksSSE2(uint8_t *destination, const uint8_t *source, size_t count)
global simdXORBlocksSSE2
simdXORBlocksSSE2:
        movups  xmm0, [rdi]
        movups  xmm1, [rdi + 16]
        movups  xmm2, [rdi + 32]
        movups  xmm3, [rdi + 48]
        movups  xmm4, [rsi]
        movups  xmm5, [rsi + 16]
        movups  xmm6, [rsi + 32]
        movups  xmm7, [rsi + 48]
        pxor    xmm0, xmm4
        pxor    xmm1, xmm5
        pxor    xmm2, xmm6
        pxor    xmm3, xmm7
        movups  [rdi], xmm0
        movups  [rdi + 16], xmm1
        movups  [rdi + 32], xmm2
        movups  [rdi + 48], xmm3
        add     rdi, 64
        add     rsi, 64
        sub     rdx, 64
        jnz     simdXORBlocksSSE2
        ret

; void simdXORBlocksAVX(uint8_t *destination, const uint8_t *source, size_t count)
;
; VZEROUPPER at the end: SSE code after it pays no transition, and the upper halves are initial again.
global simdXORBlocksAVX
simdXORBlocksAVX:
        vmovups ymm0, [rdi]
        vmovups ymm1, [rdi + 32]
        vxorps  ymm0, ymm0, [rsi]
        vxorps  ymm1, ymm1, [rsi + 32]
        vmovups [rdi], ymm0
        vmovups [rdi + 32], ymm1
        add     rdi, 64
        add     rsi, 64
        sub     rdx, 64
        jnz     simdXORBlocksAVX
        vzeroupper
        ret
