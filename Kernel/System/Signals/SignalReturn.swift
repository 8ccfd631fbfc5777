import Core
import Machine

/// The return from a handler. The frame is the program's to change, and nothing in it is trusted.
enum SignalReturn {
  /// rt_sigreturn(2): the current thread's registers become those of the frame below its stack pointer.
  ///
  /// - Returns: false where the frame is not good; the thread is to get SIGSEGV.
  static func run(_ thread: ThreadPointer, _ frame: UnsafeMutablePointer<TrapFrame>) -> Bool {
    // The handler's return took the first word.
    let address = frame.pointee.rsp &- 8 &+ SignalFrame.contextOffset
    return withUnsafeTemporaryAllocation(byteCount: MemoryLayout<SignalContext>.size, alignment: 16) { bytes in
      guard UserMemory.copyIn(bytes.baseAddress.unsafelyUnwrapped, from: address, count: bytes.count) else {
        return false
      }
      let context = bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: SignalContext.self)
      SignalMask.set(context.pointee.mask, of: thread)
      // IRET to an address that is not canonical would fault in the kernel.
      guard context.pointee.rip <= UserMemory.limit &+ 0xFFF else { return false }
      guard restoreState(thread, at: context.pointee.state) else { return false }
      SignalContext.restore(context, to: frame)
      restoreStack(context.pointee.stack, thread, stackPointer: context.pointee.rsp)
      // No call is in progress that could be restarted, and registers that SYSRET destroys matter.
      frame.pointee.errorCode = .max
      thread.pointee.head.needsFullFrame = 1
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
      thread.pointee.signals.alternateStack = try thread.pointee.signals.alternateStack.replaced(
        by: stack, stackPointer: stackPointer, smallest: KernelFPU.smallestSignalStack)
    } catch {}
  }

  /// Loads the extended state of a frame.
  private static func restoreState(_ thread: ThreadPointer, at address: UInt64) -> Bool {
    if address == 0 {
      KernelFPU.loadInitialState(thread)
      return true
    }
    if isIntact(address) { return KernelFPU.loadFrame(thread, state: address) }
    return restoreCopy(thread, at: address, KernelFPU.frameState)
  }

  /// Whether the state at an address is as the kernel wrote it, but for the registers' values.
  @inline(__always)
  private static func isIntact(_ address: UInt64) -> Bool {
    let state = KernelFPU.frameState
    guard state.usesXSAVE, address & 63 == 0 else { return false }
    return withUnsafeTemporaryAllocation(byteCount: SignalFrameState.wordsSize, alignment: 16) { bytes in
      let words = bytes.baseAddress.unsafelyUnwrapped
      guard
        UserMemory.copyIn(words, from: address &+ UInt64(SignalFrameState.wordsOffset), count: bytes.count),
        let mxcsr = UserMemory.loadWord(address &+ UInt64(StateArea.mxcsrOffset)),
        let closingMagic = UserMemory.loadWord(address &+ UInt64(state.stateSize))
      else { return false }
      return state.isIntact(words.assumingMemoryBound(to: UInt64.self), mxcsr: mxcsr, closingMagic: closingMagic)
    }
  }

  /// As above by a copy of the kernel's own, for a frame that is not as the kernel wrote it.
  @inline(never)
  private static func restoreCopy(_ thread: ThreadPointer, at address: UInt64, _ state: SignalFrameState) -> Bool {
    guard let memory = KernelHeap.allocate(size: state.size, alignment: 64) else { return false }
    defer { KernelHeap.deallocate(memory) }
    let legacySize = StateArea.legacySizeInBytes
    // A frame that does not reach further than FXSAVE's is taken for one of those.
    var count = state.size
    if !UserMemory.copyIn(memory, from: address, count: count) {
      guard UserMemory.copyIn(memory, from: address, count: legacySize) else { return false }
      count = legacySize
    }
    let bytes = UnsafeRawBufferPointer(start: memory, count: count)
    let finding = SignalFrameStateHeader.parse(bytes, configuration: KernelFPU.configuration)
    do throws(UserStateError) {
      try FPUStateAccess.write(
        of: thread, from: UnsafeRawBufferPointer(rebasing: bytes[0..<finding.imageSize]), kind: finding.kind)
      return true
    } catch {
      return false
    }
  }
}
