; What UserAccess.inc looks at.

section .data
; Whether user memory must be opened before an access; set once, when SMAP is switched on.
global userAccessGuarded
userAccessGuarded: db 0
