import Core
import Machine

/// INT 0x80 (`i386CallEntry`): a system call by its i386 number, from 64-bit code too. Interrupts are enabled.
@c(handleI386Call)
func handleI386Call(_ frame: UnsafeMutablePointer<TrapFrame>) {
  if Scheduler.current.pointee.head.tracedCalls != 0 {
    if SystemCallDispatch.takes(frame) { return }
    if let number = TracedCall.begin(frame) { I386Calls.make(UInt32(truncatingIfNeeded: number), frame) }
    TracedCall.end(frame)
  } else {
    I386Calls.make(UInt32(truncatingIfNeeded: frame.pointee.errorCode), frame)
  }
}

/// The calls that there are by i386 numbers: those that take no structure of another layout than x86-64's.
enum I386Calls {
  static func make(_ number: UInt32, _ frame: UnsafeMutablePointer<TrapFrame>) {
    do throws(Errno) {
      frame.pointee.rax = UInt64(bitPattern: try result(of: number, frame))
    } catch {
      SystemCalls.fail(frame, error, isI386: true)
    }
  }

  /// What i386 takes or gives in another way than x86-64; the others are in `I386CallNumbers`.
  private static func result(
    of number: UInt32, _ frame: UnsafeMutablePointer<TrapFrame>
  ) throws(Errno) -> Int64 {
    // The frame itself stays the program's: a debugger, a core and a child look at it.
    var registers = TrapFrame()
    registers.rdi = frame.pointee.rbx & 0xFFFF_FFFF
    registers.rsi = frame.pointee.rcx & 0xFFFF_FFFF
    registers.rdx = frame.pointee.rdx & 0xFFFF_FFFF
    registers.r10 = frame.pointee.rsi & 0xFFFF_FFFF
    registers.r8 = frame.pointee.rdi & 0xFFFF_FFFF
    registers.r9 = frame.pointee.rbp & 0xFFFF_FFFF
    switch number {
    case 2: return try SystemCalls.fork(SystemCallArguments(frame: frame))
    case 190: return try SystemCalls.vfork(SystemCallArguments(frame: frame))
    case 24: return I386CallNumbers.shortIdentifier(SystemCalls.getuid())
    case 47: return I386CallNumbers.shortIdentifier(SystemCalls.getgid())
    case 49: return I386CallNumbers.shortIdentifier(SystemCalls.geteuid())
    case 50: return I386CallNumbers.shortIdentifier(SystemCalls.getegid())
    case 7: registers.r10 = 0  // waitpid
    case 22: registers.rsi = 0  // umount
    case 19, 92: registers.rsi = signExtended(registers.rsi)  // lseek, truncate
    case 192: registers.r9 <<= 12  // mmap2
    case 55, 221:  // fcntl and fcntl64, of which all that is about locks takes a structure
      switch registers.rsi {
      case 5...7, 12...14, 36...38: throw SystemCalls.unknownI386(number)
      default: break
      }
    default: break
    }
    return try withUnsafeMutablePointer(to: &registers) { registers throws(Errno) in
      let arguments = SystemCallArguments(frame: registers)
      switch number {
      case 7: return try SystemCalls.wait4(arguments)
      case 19: return try SystemCalls.lseek(arguments)
      case 22: return try SystemCalls.umount2(arguments)
      case 55, 221: return try SystemCalls.fcntl(arguments)
      case 92: return try SystemCalls.truncate(arguments)
      case 192: return try SystemCalls.mmap(arguments, below: 1 << 32)
      case 243: return try SystemCalls.set_thread_area(arguments)
      case 244: return try SystemCalls.get_thread_area(arguments)
      default:
        guard let same = I386CallNumbers.sameCall(as: number) else { throw SystemCalls.unknownI386(number) }
        return try SystemCalls.make(same, arguments)
      }
    }
  }

  private static func signExtended(_ argument: UInt64) -> UInt64 {
    UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: argument)))
  }
}
