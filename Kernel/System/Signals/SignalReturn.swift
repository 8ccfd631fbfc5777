import Core
import Machine

/// The return from a handler. The frame is the program's to change, and nothing in it is trusted.
enum SignalReturn {
  /// rt_sigreturn(2): the current thread's registers become those of the frame below its stack pointer.
  ///
  /// In Linux's order, since a handler of SIGSEGV can tell: the mask, the general registers, the extended state, the
  /// alternate stack. What was taken before something is found wrong stays.
  ///
  /// - Returns: false where the frame is not good; the thread is to get SIGSEGV.
  static func run(_ thread: ThreadPointer, _ frame: UnsafeMutablePointer<TrapFrame>) -> Bool {
    // The handler's return took the first word.
    let base = frame.pointee.rsp &- 8
    guard UserMemory.contains(base, count: Int(SignalFrame.sizeInBytes)) else { return false }
    return withUnsafeTemporaryAllocation(byteCount: MemoryLayout<SignalContext>.size, alignment: 16) { bytes in
      let address = base &+ SignalFrame.contextOffset
      guard UserMemory.copyIn(bytes.baseAddress.unsafelyUnwrapped, from: address, count: bytes.count) else {
        return false
      }
      let context = bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: SignalContext.self)
      SignalMask.set(context.pointee.mask, of: thread)
      thread.pointee.signals.restart = .none
      SignalContext.restore(context, to: frame)
      // No call is in progress that could be restarted, and registers that SYSRET destroys matter.
      frame.pointee.errorCode = .max
      thread.pointee.head.needsFullFrame = 1
      guard restoreState(thread, at: context.pointee.state) else { return false }
      restoreStack(context.pointee.stack, thread, stackPointer: context.pointee.rsp)
      return true
    }
  }

  /// The alternate stack as the frame has it; what is wrong with it is passed over, as on Linux.
  private static func restoreStack(
    _ stack: AlternateSignalStack, _ thread: ThreadPointer, stackPointer: UInt64
  ) {
    let present = thread.pointee.signals.alternateStack
    if stack.base == present.base, stack.size == present.size, stack.flags == present.flags { return }
    do throws(AlternateSignalStack.Refusal) {
      thread.pointee.signals.alternateStack = try present.replaced(by: stack, stackPointer: stackPointer)
    } catch {}
  }

  /// Loads the extended state of a frame, or the initial one where there is none or none that can be loaded.
  ///
  /// - Returns: false in the last case.
  private static func restoreState(_ thread: ThreadPointer, at address: UInt64) -> Bool {
    if address != 0, loadState(thread, at: address) { return true }
    KernelFPU.loadInitialState(thread)
    return address == 0
  }

  /// Loads it straight from user memory. No size that the frame states decides what is made readable: a page that is
  /// not there when the instruction looks for it would make that an endless loop (CVE-2024-26603).
  private static func loadState(_ thread: ThreadPointer, at address: UInt64) -> Bool {
    let state = KernelFPU.frameState
    guard UserMemory.contains(address, count: state.size) else { return false }
    var components: StateComponentMask?
    if state.usesXSAVE {
      guard
        let description = UserMemory.load(
          SignalFrameState.Description.empty, from: address &+ UInt64(SignalFrameState.Description.offset))
      else { return false }
      if case .extended(let claimed, let offset) = state.claim(of: description) {
        guard let magic = UserMemory.loadWord(address &+ UInt64(offset)) else { return false }
        if magic == SignalFrameState.closingMagic { components = claimed }
      }
    }
    guard let mxcsr = UserMemory.loadWord(address &+ UInt64(StateArea.mxcsrOffset)),
      state.accepts(mxcsr: mxcsr, for: components)
    else { return false }
    // Mostly at once. A fault may be due to a page that is not there, which is made; one for what the frame holds
    // comes again.
    for _ in 0..<8 {
      if KernelFPU.loadFrame(thread, state: address, components: components) { return true }
      guard isReadable(address, state.stateSize) else { return false }
    }
    return false
  }

  /// Makes the pages of a state be there.
  private static func isReadable(_ address: UInt64, _ count: Int) -> Bool {
    let end = address &+ UInt64(count)
    var next = address
    while next < end {
      guard UserMemory.load(UInt8(0), from: next) != nil else { return false }
      next = (next | 0xFFF) &+ 1
    }
    return true
  }
}
