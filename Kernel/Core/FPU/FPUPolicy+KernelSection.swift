/// Why a kernel SIMD section was not opened. Nothing has changed then.
public enum KernelSectionRefusal: Error, Sendable {
  /// This CPU is inside a section already: a nested call, or an interrupt that broke into one.
  case alreadyOpen

  public var message: StaticString {
    switch self {
    case .alreadyOpen: "kernel SIMD section refused: this CPU is inside one already"
    }
  }
}

/// The rows of the contract for SIMD in the kernel itself.
extension FPUPolicy {
  /// Opens a kernel SIMD section: from here to `endKernelSection` the registers are the kernel's.
  ///
  /// The caller keeps preemption off until the section is closed; interrupts may be enabled in between.
  public func beginKernelSection() throws(KernelSectionRefusal) {
    if machine.isKernelSectionOpen { throw .alreadyOpen }
    machine.isKernelSectionOpen = true
    machine.trapsOnUse = false
    let thread = machine.currentThread
    let state = machine.state(of: thread)
    if !state.pointee.isKernelThread {
      if state.pointee.isLive {
        machine.save(thread)
        count(.save, state)
      }
      state.pointee.isLive = false
    }
    dropOwner()
    // The interrupted program's rounding mode, exception masks and pending exceptions are not the kernel's.
    machine.loadInitialState()
    count(.initialStateLoad, state)
    count(.kernelSection, state)
  }

  /// Closes the section. Nothing that the kernel computed stays in the registers.
  public func endKernelSection() {
    let thread = machine.currentThread
    let state = machine.state(of: thread)
    machine.loadInitialState()
    count(.initialStateLoad, state)
    machine.isKernelSectionOpen = false
    if state.pointee.isKernelThread {
      // The registers are nobody's: in lazy mode a user thread that is switched in sets CR0.TS itself.
      return
    }
    arrangeLoad(thread)
  }
}
