# Attaches gdb to the kernel that `make debug` has halted:
#
#   gdb -x Scripts/needletail.gdb build/needletail.elf
#
# `nt-cpus` lists the CPUs with the thread that each runs and the thread whose FPU state its registers hold,
# `nt-threads` all threads with the CPU that last held their state, and `nt-frame ADDRESS` a trap frame.

set pagination off
set confirm off
set disassembly-flavor intel
set architecture i386:x86-64
# All 64 bits of RIP: the kernel runs in the higher half.
target remote localhost:1234
# The CPU starts in real mode, far from any symbol: run on to the first Swift instruction.
hbreak kernelMain

define nt-cpu
  # In user mode the kernel's GS base is in the other register.
  set $area = (struct CPUArea *)$gs_base
  if (long)$area >= 0
    set $area = (struct CPUArea *)$k_gs_base
  end
  if (long)$area >= 0
    printf "gdb thread %d: not started\n", $_thread
  else
    printf "CPU %-3u thread %#lx", $area->number, (unsigned long)$area->currentThread
    nt-identifier $area->currentThread
    printf "  owner %#lx", (unsigned long)$area->fpuOwner
    nt-identifier $area->fpuOwner
    printf "  kernel sections open %u  preemption disabled %u\n", \
      $area->fpuKernelSectionOpen, $area->preemptionDisabled
    printf "        at "
    info symbol $pc
  end
end
document nt-cpu
Shows the kernel's state of the CPU that is selected: its thread, and the owner of its FPU registers.
end

# The kernel fills debugLayout with the offsets of members that gdb cannot learn from Swift: a thread's
# identifier, lastCPU, state, CPU, and the next of all threads. Its first word is 0 until then.
define nt-identifier
  if $arg0 != 0 && *(unsigned *)&debugLayout != 0
    printf " (%d)", *(int *)((char *)($arg0) + ((unsigned *)&debugLayout)[1])
  end
end
document nt-identifier
Prints the identifier of the thread at an address.
end

define nt-cpus
  thread apply all -q -s nt-cpu
end
document nt-cpus
Lists the CPUs: the thread that each runs, the owner of its FPU registers, and where it is.
end

define nt-threads
  set $layout = (unsigned *)&debugLayout
  set $thread = *(char **)&debugFirstThread
  if $layout[0] == 0
    printf "The kernel has no threads yet.\n"
  end
  while $layout[0] != 0 && $thread != 0
    printf "thread %-6d %#lx  CPU %d  FPU state last on CPU %d  ", *(int *)($thread + $layout[1]), \
      (unsigned long)$thread, *(int *)($thread + $layout[4]), *(int *)($thread + $layout[2])
    set $state = *(unsigned char *)($thread + $layout[3])
    # One literal text each: gdb would put a chosen one into the kernel's memory.
    if $state == 0
      echo runnable\n
    end
    if $state == 1
      echo blocked\n
    end
    if $state == 2
      echo ended\n
    end
    if $state == 3
      echo new\n
    end
    set $thread = *(char **)($thread + $layout[5])
  end
end
document nt-threads
Lists all threads: identifier, address, CPU, the CPU that last held the FPU state, and state.
end

define nt-frame
  print /x *(struct TrapFrame *)($arg0)
end
document nt-frame
Shows the trap frame at an address.
end
