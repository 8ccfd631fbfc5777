# What gdb on the host does with /bin/vectors in the guest. DebuggerTests looks at what it prints.
set pagination off
set confirm off
set width 0
set sysroot
set tcp auto-retry on
set remotetimeout 60
python gdb.execute("target remote " + __import__("os").environ["NEEDLETAIL_DEBUG_LINE"])
break *registers_loaded
continue
backtrace
info threads
print $ymm3.v8_float
print $st0
print $mxcsr
print $xmm1.v4_float
set $xmm1.v4_float = {1.25, 2.25, 3.25, -4}
print $ymm1.v8_float
print $pc - (long)&registers_loaded
stepi
print $pc - (long)&registers_loaded
thread apply all print $_thread
break stop_here
continue
print seen
watch watched
continue
print watched
delete
python import os, signal, threading
python threading.Timer(4, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
continue
backtrace
set var goes_on = 0
continue
