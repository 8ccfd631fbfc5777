; What gdb needs to find its way through the kernel's threads: it does not read Swift's debug information.
; Written by System, read by Scripts/needletail.gdb and nobody else.

section .bss
alignb 8
; struct DebugLayout in Assembly.h; all zero until the kernel has filled it.
global debugLayout
debugLayout:            resd 6

alignb 8
; The first of the list of all threads.
global debugFirstThread
debugFirstThread:       resq 1
