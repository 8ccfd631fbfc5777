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
  case 9: return try SystemCalls.mmap(arguments)
  case 10: return try SystemCalls.mprotect(arguments)
  case 11: return try SystemCalls.munmap(arguments)
  case 12: return SystemCalls.brk(arguments)
  case 24: return SystemCalls.sched_yield()
  case 35: return try SystemCalls.nanosleep(arguments)
  case 39: return SystemCalls.getpid()
  case 56: return try SystemCalls.clone(arguments)
  case 57: return try SystemCalls.fork(arguments)
  case 58: return try SystemCalls.vfork(arguments)
  case 59: return try SystemCalls.execve(arguments)
  case 60: SystemCalls.exit(arguments)
  case 61: return try SystemCalls.wait4(arguments)
  case 110: return SystemCalls.getppid()
  case 158: return try SystemCalls.arch_prctl(arguments)
  case 186: return SystemCalls.gettid()
  case 202: return try SystemCalls.futex(arguments)
  case 203: return try SystemCalls.sched_setaffinity(arguments)
  case 204: return try SystemCalls.sched_getaffinity(arguments)
  case 218: return SystemCalls.set_tid_address(arguments)
  case 228: return try SystemCalls.clock_gettime(arguments)
  case 231: SystemCalls.exit_group(arguments)
  default: throw .notImplemented
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
    let number = error.number >= 512 ? Errno.interrupted.number : error.number
    frame.pointee.rax = UInt64(bitPattern: -number)
  }
}

/// The system calls: one function each, named as in Linux.
enum SystemCalls {}
