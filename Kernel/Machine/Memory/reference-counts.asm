; Swift's reference counts, in place of the run-time library's own.
;
; The library takes an address with the top bit set for an immortal object and leaves its count alone. In
; the kernel's half every address is like that: nothing would ever be freed, and an array that two variables
; share would be written in place. Here an object is what lies at a canonical address of that half.
;
; The count is the second word of an object. Its top bit says that the memory is not the heap's (an object on
; the stack); the other bits all set mean an immortal object.

section .text
bits 64

MORTAL_BITS equ 0x7fffffffffffffff

; Returns unless RDI is the address of an object with a count. Destroys RCX and RDX.
%macro returnUnlessCounted 0
        mov     rcx, rdi
        sar     rcx, 47
        inc     rcx
        jnz     %%notCounted                    ; not in the kernel's half
        mov     rdx, [rdi + 8]
        add     rdx, rdx                        ; without the top bit
        cmp     rdx, -2
        jne     %%counted
%%notCounted:
        ret
%%counted:
%endmacro

; void *swift_retain(void *object), void *swift_retain_n(void *object, uint32_t count)
global swift_retain, swift_retain_n
swift_retain:
        mov     rax, rdi
        returnUnlessCounted
        lock inc qword [rdi + 8]
        ret
swift_retain_n:
        mov     rax, rdi
        mov     esi, esi
        returnUnlessCounted
        lock add [rdi + 8], rsi
        ret

; uint32_t tryRetainObject(void *object)
;
; For who knows of an object that it is still in memory, and not whether its last reference has gone: 1 with
; one reference more, or 0.
global tryRetainObject
tryRetainObject:
        mov     rax, [rdi + 8]
        mov     r8, MORTAL_BITS
.again: mov     rcx, rax
        and     rcx, r8
        jz      .gone
        cmp     rcx, r8
        je      .gone
        lea     rdx, [rax + 1]
        lock cmpxchg [rdi + 8], rdx
        jne     .again
        mov     eax, 1
        ret
.gone:  xor     eax, eax
        ret

; void swift_release(void *object), void swift_release_n(void *object, uint32_t count)
;
; Whoever drops the last reference destroys the object. Its count is immortal meanwhile, so that its
; deinitialiser may hand it around.
global swift_release, swift_release_n
swift_release:
        mov     esi, 1
swift_release_n:
        mov     esi, esi
        returnUnlessCounted
        neg     rsi
        mov     rcx, rsi
        lock xadd [rdi + 8], rcx
        add     rcx, rsi
        jo      .overReleased
        mov     rdx, rcx
        add     rdx, rdx                        ; without the top bit
        jnz     .done
        mov     rdx, MORTAL_BITS
        or      rdx, rcx
        mov     [rdi + 8], rdx

        ; The destroyer is the second word of the object's metadata; it takes the object in R13.
        push    rbp
        mov     rbp, rsp
        push    r13
        sub     rsp, 8
        mov     rax, [rdi]
        mov     r13, rdi
        call    [rax + 8]
        add     rsp, 8
        pop     r13
        pop     rbp
.done:  ret
.overReleased:
        ud2
