# What gdb on the host does with a core that came out of the guest. DebuggerTests looks at what it prints.
set pagination off
set width 0
set sysroot
info threads
backtrace
print $ymm3.v8_float
print $_siginfo.si_signo
print $_siginfo._sifields._sigfault.si_addr
thread 2
print $ymm4.v8_float
info auxv
