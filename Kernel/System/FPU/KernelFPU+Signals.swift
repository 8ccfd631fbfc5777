import Core
import Machine

/// The FPU's part of signal handlers. A frame's state lies in user memory.
extension KernelFPU {
  /// What became of a state that was to be saved to a frame.
  enum FrameOutcome {
    case saved
    /// The memory is not there, or not yet.
    case notWritten
    /// The thread's state could not be loaded: SIGSEGV is on its way.
    case lost
  }

  /// Saves the current thread's state to a frame, and gives the handler the initial state.
  ///
  /// - Parameter address: 64-byte aligned, of `frameState.size` bytes in the user half.
  static func beginHandler(_ thread: ThreadPointer, state address: UInt64) -> FrameOutcome {
    let wereEnabled = Interrupts.disable()
    defer { Interrupts.restore(wereEnabled) }
    if policy.loadForFrame(thread) == .faulted {
      restoreFailed(thread)
      return .lost
    }
    guard hardware.saveToUser(address) else { return .notWritten }
    policy.startHandler(
      thread, protectionKeyRights: frameState.mask.contains(.pkru) ? initialProtectionKeyRights : nil)
    return .saved
  }

  /// Loads the current thread's state from a frame. All that is not loaded becomes initial, PKRU included, as XRSTOR
  /// has it: 0.
  ///
  /// - Parameters:
  ///   - address: of `frameState.size` bytes in the user half.
  ///   - components: of an image in the standard format; nil for one of FXSAVE's.
  /// - Returns: false where it could not be loaded; the thread has the initial state then.
  static func loadFrame(
    _ thread: ThreadPointer, state address: UInt64, components: StateComponentMask?
  ) -> Bool {
    let wereEnabled = Interrupts.disable()
    defer { Interrupts.restore(wereEnabled) }
    let isWhole = frameState.usesXSAVE ? components == frameState.mask : true
    return policy.loadFrame(thread, isWhole: isWhole, protectionKeyRights: initialProtectionKeyRights) {
      guard hardware.restoreFromUser(address, components: components) else { return false }
      guard frameState.mask.contains(.pkru) else { return true }
      let machine = KernelFPUMachine()
      if components?.contains(.pkru) == true {
        // It came with the rest: noted by reading it.
        _ = machine.protectionKeyRights
      } else {
        machine.protectionKeyRights = 0
      }
      return true
    } == .restored
  }

  /// The current thread's frame has no state at all, or none that can be loaded: it has the initial one.
  static func loadInitialState(_ thread: ThreadPointer) {
    Interrupts.withDisabled {
      policy.startProgram(thread, protectionKeyRights: initialProtectionKeyRights)
    }
  }
}
