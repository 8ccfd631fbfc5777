; The only instructions that touch user memory. With SMAP (Intel SDM volume 3, section 4.6) any other access
; from the kernel to a user page faults.

%include "ExceptionTable.inc"
%include "UserAccess.inc"

section .text
bits 64

; size_t copyUserBytes(void *destination, const void *source, size_t count)
;
; Either side may be user memory. Returns the number of bytes that were not copied because of a fault.
global copyUserBytes
copyUserBytes:
        mov     rcx, rdx
        openUserMemory
.words: mov     rdx, rcx
        shr     rcx, 3
        and     edx, 7
.copyWords:
        rep     movsq
        mov     ecx, edx
.copyBytes:
        rep     movsb
        closeUserMemory
        xor     eax, eax
        ret
        ; A fault among the words: find the last byte that can be copied one at a time.
.wordsFault:
        lea     rcx, [rcx * 8 + rdx]
.retryBytes:
        rep     movsb
.bytesFault:
        closeUserMemory
        mov     rax, rcx
        ret
        recoverAt .copyWords, .wordsFault
        recoverAt .copyBytes, .bytesFault
        recoverAt .retryBytes, .bytesFault

; size_t clearUserBytes(void *destination, size_t count): as above, writing zeros.
global clearUserBytes
clearUserBytes:
        mov     rcx, rsi
        xor     eax, eax
        openUserMemory
.store: rep     stosb
.fault: closeUserMemory
        mov     rax, rcx
        ret
        recoverAt .store, .fault

; int64_t copyUserString(uint8_t *destination, const uint8_t *source, size_t limit)
;
; Copies up to and with the first zero byte. Returns the length without it, `limit` where none was found
; among that many bytes, or -1 after a fault.
global copyUserString
copyUserString:
        xor     eax, eax
        mov     rcx, rdx
        xor     edx, edx
        openUserMemory
.next:  cmp     rax, rcx
        je      .done
.load:  mov     dl, [rsi + rax]
        mov     [rdi + rax], dl
        test    dl, dl
        jz      .done
        inc     rax
        jmp     .next
.fault: mov     rax, -1
.done:  closeUserMemory
        ret
        recoverAt .load, .fault

; int32_t loadUserWord(const uint32_t *address, uint32_t *value): 0, or -1 after a fault.
global loadUserWord
loadUserWord:
        openUserMemory
.load:  mov     eax, [rdi]
        closeUserMemory
        mov     [rsi], eax
        xor     eax, eax
        ret
.fault: closeUserMemory
        mov     eax, -1
        ret
        recoverAt .load, .fault

; int32_t compareExchangeUserWord(uint32_t *address, uint32_t expected, uint32_t value, uint32_t *found)
;
; Atomically stores `value` where the word is `expected`; *found is what it was. Returns 0, or -1 after a fault.
global compareExchangeUserWord
compareExchangeUserWord:
        mov     eax, esi
        openUserMemory
.exchange:
        lock cmpxchg [rdi], edx
        closeUserMemory
        mov     [rcx], eax
        xor     eax, eax
        ret
.fault: closeUserMemory
        mov     eax, -1
        ret
        recoverAt .exchange, .fault
