import Core
import Machine

/// Exceptions in user mode: resolved, or a signal for the program. Never the kernel's end.
enum UserFaults {
  /// Interrupts are disabled on entry and on return.
  static func handle(_ frame: UnsafeMutablePointer<TrapFrame>) {
    let thread = Scheduler.current
    switch frame.pointee.vector {
    case Vector.pageFault:
      let address = readCR2()
      enableInterrupts()
      let signal = PageFaults.signal(at: address, errorCode: frame.pointee.errorCode)
      if let signal { report(signal, frame, address: address) }
      disableInterrupts()
    case Vector.deviceNotAvailable:
      if !KernelFPU.deviceNotAvailable(thread) { deliver(.segmentationFault, frame) }
    case Vector.nonMaskable:
      KernelFaults.handle(frame)
    case Vector.divideError, Vector.x87FloatingPoint, Vector.simdFloatingPoint:
      // #MF and #XM are raised by the program's own instructions with its own registers loaded.
      deliver(.floatingPoint, frame)
    case Vector.invalidOpcode:
      deliver(.illegalInstruction, frame)
    case Vector.debug, Vector.breakpoint:
      deliver(.trap, frame)
    case Vector.alignmentCheck:
      deliver(.bus, frame)
    case Vector.machineCheck, Vector.doubleFault:
      panic("\(Vector.name(frame.pointee.vector) ?? "fault") in user mode", at: frame)
    default:
      deliver(.segmentationFault, frame)
    }
  }

  private static func deliver(_ signal: Signal, _ frame: UnsafeMutablePointer<TrapFrame>) {
    enableInterrupts()
    report(signal, frame, address: nil)
    disableInterrupts()
  }

  private static func report(
    _ signal: Signal, _ frame: UnsafeMutablePointer<TrapFrame>, address: UInt64?
  ) {
    let thread = Scheduler.current
    guard let process = thread.pointee.process else { panic("user-mode fault in a kernel thread", at: frame) }
    let cause = Vector.name(frame.pointee.vector) ?? "interrupt"
    if let address {
      log("\(process.label): \(signal.name), \(cause) at \(hex: address), rip \(hex: frame.pointee.rip)")
    } else {
      log("\(process.label): \(signal.name), \(cause), rip \(hex: frame.pointee.rip)")
    }
    Signals.post(signal, to: thread)
  }
}

/// Page faults at user addresses, from either mode (error code: Intel SDM volume 3, section 4.7).
enum PageFaults {
  /// Makes the page usable, or tells the signal that the access has earned. Interrupts are enabled.
  static func signal(at address: UInt64, errorCode: UInt64) -> Signal? {
    guard address < UserMemory.limit, errorCode & 8 == 0,
      let space = Scheduler.current.pointee.process?.addressSpace
    else { return .segmentationFault }
    let access: AddressSpace.Access = errorCode & 2 != 0 ? .write : errorCode & 16 != 0 ? .execute : .read
    switch space.resolve(address, access) {
    case .resolved: return errorCode & 32 != 0 ? .segmentationFault : nil
    case .notMapped, .denied: return .segmentationFault
    case .outOfMemory:
      log("out of memory: \(Scheduler.current.pointee.process!.label) is ended")
      return .kill
    }
  }

  /// For the kernel's own access to user memory: false where the access fails.
  static func resolve(_ address: UInt64, errorCode: UInt64) -> Bool {
    signal(at: address, errorCode: errorCode) == nil
  }
}
