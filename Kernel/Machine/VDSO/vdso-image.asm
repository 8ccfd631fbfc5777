; The vDSO as the build has linked it (Kernel/VDSO).

section .rodata
        align   16
global vdsoImageStart, vdsoImageEnd
vdsoImageStart:
        incbin  "vdso.so"
vdsoImageEnd:
