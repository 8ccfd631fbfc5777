import Core
import Machine
import System

/// The kernel's end by its own faults. Each ends the machine: run only where the boot line names it whole.
enum PanicTests {
  static var all: [SelfTest] {
    [
      SelfTest("panic.nullDereference", isFatal: true) { test in
        test.note("read \(selfTestReadNothing(test.random.next() & 8))")
      },
      SelfTest("panic.stackOverflow", isFatal: true) { test in
        test.note("came back with \(selfTestRecurse(1 << 40 | test.random.next()))")
      },
      SelfTest("panic.fpuInstructionOutsideASection", isFatal: true) { test in
        test.note("MXCSR \(selfTestUseRegistersOutsideASection())")
      },
      SelfTest("panic.failedCheck", isFatal: true) { _ in
        panic("asked for by a test")
      },
    ]
  }
}

// In functions with names of their own, for the backtrace.

/// Reads from the page at address 0.
@c(selfTestReadNothing)
@inline(never)
public func selfTestReadNothing(_ offset: UInt64) -> UInt64 {
  UnsafePointer<UInt64>(bitPattern: UInt(offset | 16)).unsafelyUnwrapped.pointee
}

/// Runs into the guard page below the stack: the processor cannot push the fault's frame there, and the double
/// fault comes on a stack of its own.
@c(selfTestRecurse)
@inline(never)
public func selfTestRecurse(_ depth: UInt64) -> UInt64 {
  // Far more calls than any stack holds; the sum keeps each one's frame.
  depth == 0 ? 0 : selfTestRecurse(depth &- 1) &+ readTimeStampCounter()
}

/// Executes an FPU instruction while CR0.TS is set and no section is open.
@c(selfTestUseRegistersOutsideASection)
@inline(never)
public func selfTestUseRegistersOutsideASection() -> UInt64 {
  disableInterrupts()
  writeCR0(readCR0() | CR0.taskSwitched)
  // The sum keeps this function's frame on the stack during the call.
  return UInt64(fpuReadMXCSR()) &+ readTimeStampCounter()
}
