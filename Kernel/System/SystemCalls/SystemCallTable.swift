import Machine

/// The arguments of a system call, in Linux's order.
struct SystemCallArguments {
  let frame: UnsafeMutablePointer<TrapFrame>

  @inline(__always) var first: UInt64 { frame.pointee.rdi }
  @inline(__always) var second: UInt64 { frame.pointee.rsi }
  @inline(__always) var third: UInt64 { frame.pointee.rdx }
  @inline(__always) var fourth: UInt64 { frame.pointee.r10 }
  @inline(__always) var fifth: UInt64 { frame.pointee.r8 }
  @inline(__always) var sixth: UInt64 { frame.pointee.r9 }
}

/// The table of system calls, by Linux's x86-64 numbers. Each is found under its name in the folder of its family.
///
/// - Returns: the value for RAX.
@inline(__always)
private func dispatch(_ number: UInt64, _ arguments: SystemCallArguments) throws(Errno) -> Int64 {
  switch number {
  case 0: return try SystemCalls.read(arguments)
  case 1: return try SystemCalls.write(arguments)
  case 3: return try SystemCalls.close(arguments)
  case 7: return try SystemCalls.poll(arguments)
  case 9: return try SystemCalls.mmap(arguments)
  case 10: return try SystemCalls.mprotect(arguments)
  case 11: return try SystemCalls.munmap(arguments)
  case 12: return SystemCalls.brk(arguments)
  case 13: return try SystemCalls.rt_sigaction(arguments)
  case 14: return try SystemCalls.rt_sigprocmask(arguments)
  case 15: return SystemCalls.rt_sigreturn(arguments)
  case 16: return try SystemCalls.ioctl(arguments)
  case 22: return try SystemCalls.pipe(arguments)
  case 23: return try SystemCalls.select(arguments)
  case 24: return SystemCalls.sched_yield()
  case 25: return try SystemCalls.mremap(arguments)
  case 26: return try SystemCalls.msync(arguments)
  case 27: return try SystemCalls.mincore(arguments)
  case 28: return try SystemCalls.madvise(arguments)
  case 34: return try SystemCalls.pause()
  case 35: return try SystemCalls.nanosleep(arguments)
  case 39: return SystemCalls.getpid()
  case 56: return try SystemCalls.clone(arguments)
  case 57: return try SystemCalls.fork(arguments)
  case 58: return try SystemCalls.vfork(arguments)
  case 59: return try SystemCalls.execve(arguments)
  case 60: SystemCalls.exit(arguments)
  case 61: return try SystemCalls.wait4(arguments)
  case 62: return try SystemCalls.kill(arguments)
  case 63: return try SystemCalls.uname(arguments)
  case 96: return try SystemCalls.gettimeofday(arguments)
  case 97: return try SystemCalls.getrlimit(arguments)
  case 98: return try SystemCalls.getrusage(arguments)
  case 99: return try SystemCalls.sysinfo(arguments)
  case 100: return try SystemCalls.times(arguments)
  case 102: return SystemCalls.getuid()
  case 103: return try SystemCalls.syslog(arguments)
  case 104: return SystemCalls.getgid()
  case 105: return try SystemCalls.setuid(arguments)
  case 106: return try SystemCalls.setgid(arguments)
  case 107: return SystemCalls.geteuid()
  case 108: return SystemCalls.getegid()
  case 109: return try SystemCalls.setpgid(arguments)
  case 110: return SystemCalls.getppid()
  case 111: return SystemCalls.getpgrp()
  case 112: return try SystemCalls.setsid()
  case 113: return try SystemCalls.setreuid(arguments)
  case 114: return try SystemCalls.setregid(arguments)
  case 115: return try SystemCalls.getgroups(arguments)
  case 116: return try SystemCalls.setgroups(arguments)
  case 117: return try SystemCalls.setresuid(arguments)
  case 118: return try SystemCalls.getresuid(arguments)
  case 119: return try SystemCalls.setresgid(arguments)
  case 120: return try SystemCalls.getresgid(arguments)
  case 121: return try SystemCalls.getpgid(arguments)
  case 122: return try SystemCalls.setfsuid(arguments)
  case 123: return try SystemCalls.setfsgid(arguments)
  case 124: return try SystemCalls.getsid(arguments)
  case 125: return try SystemCalls.capget(arguments)
  case 126: return try SystemCalls.capset(arguments)
  case 127: return try SystemCalls.rt_sigpending(arguments)
  case 128: return try SystemCalls.rt_sigtimedwait(arguments)
  case 129: return try SystemCalls.rt_sigqueueinfo(arguments)
  case 130: return try SystemCalls.rt_sigsuspend(arguments)
  case 131: return try SystemCalls.sigaltstack(arguments)
  case 135: return SystemCalls.personality(arguments)
  case 140: return try SystemCalls.getpriority(arguments)
  case 141: return try SystemCalls.setpriority(arguments)
  case 142: return try SystemCalls.sched_setparam(arguments)
  case 143: return try SystemCalls.sched_getparam(arguments)
  case 144: return try SystemCalls.sched_setscheduler(arguments)
  case 145: return try SystemCalls.sched_getscheduler(arguments)
  case 146: return try SystemCalls.sched_get_priority_max(arguments)
  case 147: return try SystemCalls.sched_get_priority_min(arguments)
  case 148: return try SystemCalls.sched_rr_get_interval(arguments)
  case 149: return try SystemCalls.mlock(arguments)
  case 150: return try SystemCalls.munlock(arguments)
  case 151: return try SystemCalls.mlockall(arguments)
  case 152: return try SystemCalls.munlockall()
  case 157: return try SystemCalls.prctl(arguments)
  case 158: return try SystemCalls.arch_prctl(arguments)
  case 159: return try SystemCalls.adjtimex(arguments)
  case 160: return try SystemCalls.setrlimit(arguments)
  case 164: return try SystemCalls.settimeofday(arguments)
  case 169: return try SystemCalls.reboot(arguments)
  case 170: return try SystemCalls.sethostname(arguments)
  case 171: return try SystemCalls.setdomainname(arguments)
  case 186: return SystemCalls.gettid()
  case 200: return try SystemCalls.tkill(arguments)
  case 201: return try SystemCalls.time(arguments)
  case 202: return try SystemCalls.futex(arguments)
  case 203: return try SystemCalls.sched_setaffinity(arguments)
  case 204: return try SystemCalls.sched_getaffinity(arguments)
  case 213: return try SystemCalls.epoll_create(arguments)
  case 218: return SystemCalls.set_tid_address(arguments)
  case 219: return try SystemCalls.restart_syscall(arguments)
  case 227: return try SystemCalls.clock_settime(arguments)
  case 228: return try SystemCalls.clock_gettime(arguments)
  case 229: return try SystemCalls.clock_getres(arguments)
  case 230: return try SystemCalls.clock_nanosleep(arguments)
  case 231: SystemCalls.exit_group(arguments)
  case 232: return try SystemCalls.epoll_wait(arguments)
  case 233: return try SystemCalls.epoll_ctl(arguments)
  case 234: return try SystemCalls.tgkill(arguments)
  case 247: return try SystemCalls.waitid(arguments)
  case 270: return try SystemCalls.pselect6(arguments)
  case 271: return try SystemCalls.ppoll(arguments)
  case 273: return try SystemCalls.set_robust_list(arguments)
  case 274: return try SystemCalls.get_robust_list(arguments)
  case 281: return try SystemCalls.epoll_pwait(arguments)
  case 284: return try SystemCalls.eventfd(arguments)
  case 290: return try SystemCalls.eventfd2(arguments)
  case 291: return try SystemCalls.epoll_create1(arguments)
  case 293: return try SystemCalls.pipe2(arguments)
  case 297: return try SystemCalls.rt_tgsigqueueinfo(arguments)
  case 302: return try SystemCalls.prlimit64(arguments)
  case 305: return try SystemCalls.clock_adjtime(arguments)
  case 309: return try SystemCalls.getcpu(arguments)
  case 314: return try SystemCalls.sched_setattr(arguments)
  case 315: return try SystemCalls.sched_getattr(arguments)
  case 318: return try SystemCalls.getrandom(arguments)
  case 324: return try SystemCalls.membarrier(arguments)
  case 325: return try SystemCalls.mlock2(arguments)
  case 329: return try SystemCalls.pkey_mprotect(arguments)
  case 330: return try SystemCalls.pkey_alloc(arguments)
  case 331: return try SystemCalls.pkey_free(arguments)
  case 334: return try SystemCalls.rseq(arguments)
  case 435: return try SystemCalls.clone3(arguments)
  case 441: return try SystemCalls.epoll_pwait2(arguments)
  default: throw SystemCalls.unknown(number)
  }
}

/// Every system call (`systemCallEntry`). Interrupts are enabled.
///
/// - Parameter number: RAX as the program set it.
@c(handleSystemCall)
func handleSystemCall(_ frame: UnsafeMutablePointer<TrapFrame>, _ number: UInt64) {
  do throws(Errno) {
    let result = try dispatch(number, SystemCallArguments(frame: frame))
    frame.pointee.rax = UInt64(bitPattern: result)
  } catch {
    frame.pointee.rax = UInt64(bitPattern: -error.number)
    // Linux's own numbers are turned into others on the way back to user mode, signal or none.
    if error.number >= 512 { Scheduler.current.pointee.head.hasSignal = 1 }
  }
}

/// The system calls: one function each, named as in Linux.
enum SystemCalls {}
