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

  /// Loads the current thread's state from a frame that has been found intact.
  ///
  /// - Returns: false where it could not be loaded; the thread has the initial state then.
  static func loadFrame(_ thread: ThreadPointer, state address: UInt64) -> Bool {
    let wereEnabled = Interrupts.disable()
    defer { Interrupts.restore(wereEnabled) }
    return policy.loadFrame(thread, protectionKeyRights: initialProtectionKeyRights) {
      guard hardware.restoreFromUser(address) else { return false }
      // PKRU came with the rest: noted by reading it.
      if hardware.hasProtectionKeys { _ = KernelFPUMachine().protectionKeyRights }
      return true
    } == .restored
  }

  /// The current thread's frame has no state at all: it goes on with the initial one.
  static func loadInitialState(_ thread: ThreadPointer) {
    Interrupts.withDisabled {
      policy.startProgram(thread, protectionKeyRights: initialProtectionKeyRights)
    }
  }
}
