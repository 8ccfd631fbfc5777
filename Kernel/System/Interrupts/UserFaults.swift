import Core
import Machine

/// Exceptions in user mode: resolved, or a signal for the program. Never the kernel's end.
enum UserFaults {
  /// Interrupts are disabled on entry and on return.
  static func handle(_ frame: UnsafeMutablePointer<TrapFrame>) {
    let thread = Scheduler.current
    let rip = frame.pointee.rip
    switch frame.pointee.vector {
    case Vector.pageFault:
      let address = readCR2()
      enableInterrupts()
      let information = PageFaults.signal(at: address, errorCode: frame.pointee.errorCode)
      if let information { report(information, frame, address: address) }
      disableInterrupts()
    case Vector.deviceNotAvailable:
      if !KernelFPU.deviceNotAvailable(thread) { deliver(.fromKernel(.segmentationFault), frame) }
    case Vector.nonMaskable:
      KernelFaults.handle(frame)
    case Vector.divideError:
      deliver(.fault(.floatingPoint, code: SignalCode.integerDivide, address: rip), frame)
    case Vector.x87FloatingPoint, Vector.simdFloatingPoint:
      // Raised by the program's own instructions with its own registers loaded: read before anything can switch.
      let code = FPUStateAccess.exceptionCode(isSIMD: frame.pointee.vector == Vector.simdFloatingPoint)
      // Linux lets an exception pass that is gone by now.
      if code != 0 { deliver(.fault(.floatingPoint, code: code, address: rip), frame) }
    case Vector.invalidOpcode:
      deliver(.fault(.illegalInstruction, code: SignalCode.illegalOperand, address: rip), frame)
    case Vector.debug:
      if let information = HardwareBreakpoints.trapped(thread, frame) { deliver(information, frame) }
    case Vector.breakpoint:
      deliver(.fromKernel(.trap), frame)
    case Vector.alignmentCheck:
      deliver(.fault(.bus, code: SignalCode.alignment, address: 0), frame)
    case Vector.segmentNotPresent, Vector.stackFault:
      deliver(.fromKernel(.bus), frame)
    case Vector.machineCheck, Vector.doubleFault:
      panic("\(Vector.name(frame.pointee.vector) ?? "fault") in user mode", at: frame)
    default:
      deliver(.fromKernel(.segmentationFault), frame)
    }
  }

  private static func deliver(_ information: SignalInformation, _ frame: UnsafeMutablePointer<TrapFrame>) {
    enableInterrupts()
    report(information, frame, address: nil)
    disableInterrupts()
  }

  private static func report(
    _ information: SignalInformation, _ frame: UnsafeMutablePointer<TrapFrame>, address: UInt64?
  ) {
    let thread = Scheduler.current
    guard let process = thread.pointee.process else { panic("user-mode fault in a kernel thread", at: frame) }
    thread.pointee.signals.trapNumber = frame.pointee.vector
    thread.pointee.signals.trapErrorCode = frame.pointee.errorCode
    if let address {
      thread.pointee.signals.trapAddress = address
      // What lies in the kernel's half looks present to every program.
      if address >= UserMemory.limit { thread.pointee.signals.trapErrorCode |= 1 }
    }
    let signal = information.signal
    // A tracer sees to the faults of its tracees.
    if thread.pointee.head.isTraced == 0,
      !process.signals.actions[signal].isHandler || thread.pointee.signals.blocked.contains(signal)
    {
      describe(signal, frame, process, address: address)
    }
    Signals.post(information, to: thread)
  }

  /// Says why a program ends that has no handler for its fault.
  @inline(never)
  private static func describe(
    _ signal: Signal, _ frame: UnsafeMutablePointer<TrapFrame>, _ process: Process, address: UInt64?
  ) {
    let cause = Vector.name(frame.pointee.vector) ?? "interrupt"
    if let address {
      log("\(process.label): \(signal.name), \(cause) at \(hex: address), rip \(hex: frame.pointee.rip)")
    } else {
      log("\(process.label): \(signal.name), \(cause), rip \(hex: frame.pointee.rip)")
    }
  }
}

/// Page faults at user addresses, from either mode (error code: Intel SDM volume 3, section 4.7).
enum PageFaults {
  /// Makes the page usable, or tells the signal that the access has earned. Interrupts are enabled.
  static func signal(at address: UInt64, errorCode: UInt64) -> SignalInformation? {
    guard errorCode & 8 == 0, let space = Scheduler.current.pointee.process?.addressSpace else {
      return .fromKernel(.segmentationFault)
    }
    func fault(_ code: Int32) -> SignalInformation { .fault(.segmentationFault, code: code, address: address) }
    guard address < UserMemory.limit else { return fault(SignalCode.notMapped) }
    let access: AddressSpace.Access = errorCode & 2 != 0 ? .write : errorCode & 16 != 0 ? .execute : .read
    while true {
      switch space.resolve(address, access) {
      case .resolved:
        if errorCode & 32 == 0 { return nil }
        let key = space.region(endingAfter: address)?.region.key ?? 0
        return .fault(
          .segmentationFault, code: SignalCode.protectionKey, address: address, protectionKey: UInt32(key))
      case .denied: return fault(SignalCode.accessRefused)
      case .notMapped:
        let process = Scheduler.current.pointee.process!
        guard
          space.growStack(to: address, stackLimit: process.limit(.stack), limit: process.limit(.addressSpace))
        else { return fault(SignalCode.notMapped) }
      case .beyondEnd: return .fault(.bus, code: SignalCode.noSuchMemory, address: address)
      case .outOfMemory:
        if !OutOfMemory.makeRoom() { return .fromKernel(.kill) }
      }
    }
  }

  /// For the kernel's own access to user memory: false where the access fails.
  static func resolve(_ address: UInt64, errorCode: UInt64) -> Bool {
    signal(at: address, errorCode: errorCode) == nil
  }
}
