import Core
import Machine

/// Exceptions in kernel mode: on a program's account where the instruction is in the exception table, a bug
/// everywhere else.
enum KernelFaults {
  static func handle(_ frame: UnsafeMutablePointer<TrapFrame>) {
    let vector = frame.pointee.vector
    if vector == Vector.nonMaskable {
      if Platform.stopsOnNonMaskable.load() != 0 { haltForever() }
      StandstillReport.take(frame)
    }
    if vector == Vector.debug { return HardwareBreakpoints.trappedInKernel(frame) }
    let recovery = recoveryAddress(for: frame.pointee.rip)
    if vector == Vector.pageFault {
      let address = readCR2()
      // A page that is not there yet is made, and the access goes on; not where a lock is held, whose
      // holder has to be ready for the failure.
      if recovery != nil, address < UserMemory.limit, frame.pointee.rflags & RFLAGS_INTERRUPT != 0,
        cpuPreemptionDisabled() == 0, Scheduler.current.pointee.process != nil
      {
        enableInterrupts()
        let isResolved = PageFaults.resolve(address, errorCode: frame.pointee.errorCode)
        disableInterrupts()
        if isResolved { return }
      }
      if let recovery {
        frame.pointee.rip = recovery
        return
      }
      panic(describe(frame, address: address), at: frame)
    }
    if vector == Vector.generalProtection || vector == Vector.stackFault, let recovery {
      frame.pointee.rip = recovery
      return
    }
    if vector == Vector.deviceNotAvailable {
      if frame.pointee.rip == addressOfFPUProbeTrappingSave(), let recovery {
        frame.pointee.rip = recovery
        return
      }
      panic("FPU instruction in the kernel outside a SIMD section", at: frame)
    }
    panic(describe(frame, address: nil), at: frame)
  }

  private static func describe(_ frame: UnsafeMutablePointer<TrapFrame>, address: UInt64?) -> Message {
    let name = Vector.name(frame.pointee.vector) ?? "interrupt"
    if let address {
      return "\(name) in the kernel, address \(hex: address), error code \(hex: frame.pointee.errorCode)"
    }
    return "\(name) in the kernel, error code \(hex: frame.pointee.errorCode)"
  }

  /// Where to go on after a fault at an address, by the exception table; nil where none is expected.
  private static func recoveryAddress(for address: UInt64) -> UInt64? {
    // SAFETY: the linker script puts whole entries between the two symbols.
    let first = UnsafePointer<ExceptionTableEntry>(bitPattern: UInt(addressOfExceptionTableStart()))!
    let end = UnsafePointer<ExceptionTableEntry>(bitPattern: UInt(addressOfExceptionTableEnd()))!
    var entry = first
    while entry < end {
      if entry.pointee.faulting == address { return entry.pointee.recovery }
      entry += 1
    }
    return nil
  }
}
