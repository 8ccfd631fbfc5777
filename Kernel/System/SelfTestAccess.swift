import Core
import Machine

/// What the tests in the guest see and do beyond what the rest of the kernel may.
package enum SelfTestAccess {
  // MARK: Memory

  /// Frees all threads that have ended, and gives back what the pools hold: afterwards the number of free
  /// frames tells what is really in use.
  package static func releaseUnusedMemory() {
    Threads.reapEnded()
    KernelStacks.trim()
    KernelHeap.trim()
  }

  /// Frees threads that have ended, as idle CPUs do.
  package static func reapEndedThreads() { Threads.reapEnded() }

  /// The top of the current thread's kernel stack.
  package static var ownStackTop: UInt64 { Scheduler.current.pointee.stackTop }

  // MARK: Identifiers

  /// The first identifier that no thread gets.
  package static var identifierLimit: Int32 { Int32(ThreadIdentifiers.limit) }

  package static var lastIdentifier: Int32 { ThreadIdentifiers.last }

  package static func makeIdentifier() -> Int32 { ThreadIdentifiers.make() }

  /// Has an identifier be the next to be given, if it is free.
  package static func setNextIdentifier(_ identifier: Int32) { ThreadIdentifiers.set(next: identifier) }

  package static var ownIdentifier: Int32 { Scheduler.current.pointee.identifier }

  // MARK: The FPU

  /// The bytes of a thread's state area.
  package static var fpuAreaSize: Int { KernelFPU.areaSize }

  /// The thread that a CPU's registers belong to.
  package static func fpuOwner(of number: Int) -> ThreadPointer? {
    CPUs[number].pointee.area.pointee.fpuOwner?.assumingMemoryBound(to: Thread.self)
  }

  /// Writes this CPU's registers to an area of `fpuAreaSize` bytes, 64-byte aligned. Interrupts are disabled
  /// and CR0.TS is clear.
  package static func saveRegisters(to area: UnsafeMutableRawPointer) {
    switch KernelFPU.configuration.instruction {
    case .fxsave: fpuSaveFXSAVE(area, 0)
    // The plain instruction writes all components, in their initial state or not.
    default: fpuSaveXSAVE(area, KernelFPU.configuration.mask.rawValue)
    }
  }

  /// Saves this CPU's registers as a switch does, gives them their initial state and restores them. Interrupts are
  /// disabled and CR0.TS is clear.
  ///
  /// - Parameter area: `fpuAreaSize` bytes, 64-byte aligned.
  /// - Returns: MXCSR in the initial state and after the restore.
  package static func roundTripRegisters(through area: UnsafeMutableRawPointer) -> (initial: UInt32, restored: UInt32) {
    InitialState.write(
      into: UnsafeMutableRawBufferPointer(start: area, count: fpuAreaSize), configuration: KernelFPU.configuration)
    KernelFPU.hardware.save(to: area)
    KernelFPUMachine().loadInitialState()
    let initial = fpuReadMXCSR()
    _ = KernelFPU.hardware.restore(from: area)
    return (initial, fpuReadMXCSR())
  }
}
