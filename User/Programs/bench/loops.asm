; The loops that the benchmark times. A loop that takes turns changes every register of its kind once a turn
; and loads none: the count that each holds at the end shows that no turn was lost.

bits 64
default rel

SYS_READ equ 0
SYS_WRITE equ 1
SYS_SCHED_YIELD equ 24
SYS_FUTEX equ 202
FUTEX_WAIT equ 0
FUTEX_WAKE equ 1

section .rodata
align 64
wideOnes: times 8 dq 1
integerOnes: dq 1, 1
doubleOnes: dq 0x3FF0000000000000, 0x3FF0000000000000, 0x3FF0000000000000, 0x3FF0000000000000

section .bss
alignb 8
firstInstructionTime: resq 1

section .text

extern _start

; The entry of this program alone: notes the time of its first instruction.
global _startTimed
_startTimed:
  rdtsc
  shl rdx, 32
  or rax, rdx
  mov [firstInstructionTime], rax
  jmp _start

; uint64_t firstInstructionTicks(void): that time, in ticks of the time-stamp counter.
global firstInstructionTicks
firstInstructionTicks:
  mov rax, [firstInstructionTime]
  ret

; uint64_t shortestInterruption(count): looks at the time `count` times and returns the ticks that the
; shortest of the interrupts in between has taken, or a huge number if there was none.
;
; Without a branch that depends on what it finds: each turn has the same instructions.
global shortestInterruption
shortestInterruption:
  mov r8, -1                    ; the shortest turn
  mov r9, -1                    ; the shortest turn with an interrupt
  mov rsi, -1
  xor r10d, r10d                ; the time of the turn before; the first turn is too long to count
.next:
  rdtsc
  shl rdx, 32
  or rax, rdx
  mov rcx, rax
  sub rcx, r10
  mov r10, rax
  cmp rcx, r8
  cmovb r8, rcx
  lea r11, [r8 + r8]
  cmp rcx, r11
  mov rdx, rsi
  cmova rdx, rcx                ; this turn, if it was more than twice as long as the shortest
  cmp rdx, r9
  cmovb r9, rdx
  dec rdi
  jnz .next
  mov rax, r9
  sub rax, r8
  ret

; void emptyLoop(count)
global emptyLoop
emptyLoop:
  dec rdi
  jnz emptyLoop
  ret

; void systemCallLoop(count, number)
global systemCallLoop
systemCallLoop:
  mov rdx, rdi
.next:
  mov rax, rsi
  syscall
  dec rdx
  jnz .next
  ret

; measureUse SHORTEST: the ticks of an FPU instruction, if fewer.
%macro measureUse 1
  rdtsc
  shl rdx, 32
  or rax, rdx
  mov rcx, rax
  pxor xmm0, xmm0
  rdtsc
  shl rdx, 32
  or rax, rdx
  sub rax, rcx
  cmp rax, %1
  cmovb %1, rax
%endmacro

; uint64_t firstUseLoop(turns): the ticks by which the first FPU instruction of a turn takes longer than the
; second one, at best. Only every other turn uses the FPU, so that no kernel sees a habit.
global firstUseLoop
firstUseLoop:
  mov r8, -1
  mov r9, -1
.next:
  mov eax, SYS_SCHED_YIELD
  syscall
  measureUse r8
  measureUse r9
  mov eax, SYS_SCHED_YIELD
  syscall
  dec rdi
  jnz .next
  mov rax, r8
  sub rax, r9
  ret

; yieldTurns INSTRUCTIONS: turns in rdi, last runner's word at rsi, identity in edx. Leaves the turns in r9,
; the number of turns that came after another runner's in r8.
%macro yieldTurns 1
  mov r9, rdi
  xor r8d, r8d
%%next:
  %1
  mov eax, edx
  xchg [rsi], eax
  cmp eax, edx
  setne al
  movzx eax, al
  add r8, rax
  mov eax, SYS_SCHED_YIELD
  syscall
  dec rdi
  jnz %%next
%endmacro

; futexTurns INSTRUCTIONS: turns in rdi, word at rsi, identity (1 or 2) in edx. The word says whose turn it
; is. Leaves the turns in r9, and in r8 too, since each of them came after the other's.
%macro futexTurns 1
  push rbx
  mov r9, rdi
  mov rbx, rdi
  mov rdi, rsi
  mov r8d, edx
  xor r10d, r10d                ; no timeout
%%next:
  mov edx, 3
  sub edx, r8d                  ; the other
%%wait:
  cmp [rdi], r8d
  je %%mine
  mov esi, FUTEX_WAIT           ; while the word names the other
  mov eax, SYS_FUTEX
  syscall
  jmp %%wait
%%mine:
  %1
  mov [rdi], edx
  mov esi, FUTEX_WAKE
  mov edx, 1
  mov eax, SYS_FUTEX
  syscall
  dec rbx
  jnz %%next
  pop rbx
  mov r8, r9
%endmacro

; pipeTurns INSTRUCTIONS: turns in rdi, at rsi the descriptors of two pipes (read and write end of each), identity
; (1 or 2) in edx. Each turn writes a byte into the pipe of that number and reads one from the other. Leaves the
; turns in r9 and in r8.
%macro pipeTurns 1
  push rbx
  push r12
  push r13
  mov r9, rdi
  mov rbx, rdi
  dec edx
  mov r12d, [rsi + rdx * 8 + 4]
  xor edx, 1
  mov r13d, [rsi + rdx * 8]
%%next:
  %1
  mov edi, r12d
  lea rsi, [rsp - 8]
  mov edx, 1
  mov eax, SYS_WRITE
  syscall
  mov edi, r13d
  lea rsi, [rsp - 8]
  mov edx, 1
  xor eax, eax
  syscall
  dec rbx
  jnz %%next
  pop r13
  pop r12
  pop rbx
  mov r8, r9
%endmacro

%macro nothing 0
%endmacro

%macro clearSSE 0
  %assign n 0
  %rep 16
    pxor xmm %+ n, xmm %+ n
    %assign n n + 1
  %endrep
%endmacro

%macro countSSE 0
  %assign n 0
  %rep 16
    paddq xmm %+ n, [integerOnes]
    %assign n n + 1
  %endrep
%endmacro

; checkSSE: returns r8, or all ones if a register has not counted to r9.
%macro checkSSE 0
  %assign n 0
  %rep 16
    movups [rsp - 32], xmm %+ n
    cmp [rsp - 32], r9
    jne .lost
    cmp [rsp - 24], r9
    jne .lost
    %assign n n + 1
  %endrep
  mov rax, r8
  ret
.lost:
  mov rax, -1
  ret
%endmacro

; AVX has no integer addition of 256 bits, and doubles count exactly.
%macro countAVX 0
  %assign n 0
  %rep 16
    vaddpd ymm %+ n, ymm %+ n, [doubleOnes]
    %assign n n + 1
  %endrep
%endmacro

; checkAVX: as checkSSE.
%macro checkAVX 0
  %assign n 0
  %rep 16
    vmovups [rsp - 32], ymm %+ n
    %assign lane 0
    %rep 4
      vcvttsd2si rax, [rsp - 32 + lane * 8]
      cmp rax, r9
      jne .lost
      %assign lane lane + 1
    %endrep
    %assign n n + 1
  %endrep
  vzeroall
  mov rax, r8
  ret
.lost:
  vzeroall
  mov rax, -1
  ret
%endmacro

; AVX-512 counts in integers again: all 32 registers and the masks, of which k1 to k7 are seen to.
%macro countAVX512 0
  %assign n 0
  %rep 32
    vpaddq zmm %+ n, zmm %+ n, [wideOnes]
    %assign n n + 1
  %endrep
  %assign n 1
  %rep 7
    kaddq k %+ n, k %+ n, k0
    %assign n n + 1
  %endrep
%endmacro

%macro clearAVX512 0
  %assign n 0
  %rep 32
    vpxorq zmm %+ n, zmm %+ n, zmm %+ n
    %assign n n + 1
  %endrep
  mov eax, 1
  kmovq k0, rax
  %assign n 1
  %rep 7
    kxorq k %+ n, k %+ n, k %+ n
    %assign n n + 1
  %endrep
%endmacro

; checkAVX512: as checkSSE.
%macro checkAVX512 0
  %assign n 1
  %rep 7
    kmovq rax, k %+ n
    cmp rax, r9
    jne .lost
    %assign n n + 1
  %endrep
  %assign n 0
  %rep 32
    vmovdqu64 [rsp - 64], zmm %+ n
    %assign lane 0
    %rep 8
      cmp [rsp - 64 + lane * 8], r9
      jne .lost
      %assign lane lane + 1
    %endrep
    %assign n n + 1
  %endrep
  vzeroall
  mov rax, r8
  ret
.lost:
  vzeroall
  mov rax, -1
  ret
%endmacro

; turnLoops NAME, TURNS: the loops of one way to take turns. Each is
; uint64_t NAMEKIND(turns, word, identity).
%macro turnLoops 2
global %1None
%1None:
  %2 nothing
  mov rax, r8
  ret

global %1SSE
%1SSE:
  clearSSE
  %2 countSSE
  checkSSE

global %1AVX
%1AVX:
  vzeroall
  %2 countAVX
  checkAVX

global %1AVX512
%1AVX512:
  clearAVX512
  %2 countAVX512
  checkAVX512
%endmacro

turnLoops yieldLoop, yieldTurns
turnLoops futexLoop, futexTurns
turnLoops pipeLoop, pipeTurns

section .note.GNU-stack noalloc noexec nowrite progbits
