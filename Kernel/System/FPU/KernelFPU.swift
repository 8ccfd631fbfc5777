import Core
import Machine

/// The FPU as the rest of the kernel uses it. The decisions are `FPUPolicy`'s.
public enum KernelFPU {
  nonisolated(unsafe) private static var storedHardware: FPUHardware?
  nonisolated(unsafe) private static var storedInitialImage: UnsafeMutableRawPointer?
  /// Changed only while every CPU waits in `FPUChange`.
  nonisolated(unsafe) public internal(set) static var strategy = FPUStrategy.deferred
  /// The bytes of every thread's area: enough for each instruction that this CPU has.
  nonisolated(unsafe) static var areaSize = 0
  /// What this CPU can be asked for, with what was found out about it.
  nonisolated(unsafe) static var ladder: SaveInstructionLadder?
  /// Room for one user image, for `FPUChange` alone.
  nonisolated(unsafe) static var storedScratchImage: UnsafeMutableRawPointer?
  nonisolated(unsafe) static var scratchSize = 0

  /// What goes around the state in a signal's frame.
  nonisolated(unsafe) private(set) static var frameState = SignalFrameState.none

  /// The size in bytes of the smallest stack on which a handler can begin (AT_MINSIGSTKSZ), wherever it lies: the frame
  /// with its state, aligned.
  static var smallestSignalStack: UInt64 {
    (SignalFrame.sizeInBytes &+ 15 &+ UInt64(frameState.size) &+ 63 &+ 15) & ~15
  }

  static var scratchImage: UnsafeMutableRawPointer { storedScratchImage.unsafelyUnwrapped }

  @inline(__always)
  static var hardware: FPUHardware { storedHardware.unsafelyUnwrapped }
  /// The initial state in the area's format.
  @inline(__always)
  static var initialImage: UnsafeMutableRawPointer { storedInitialImage.unsafelyUnwrapped }

  public static var configuration: FPUConfiguration { hardware.configuration }

  @inline(__always)
  static var policy: FPUPolicy<KernelFPUMachine> {
    FPUPolicy(machine: KernelFPUMachine())
  }

  /// PKRU of a new program: access to key 0 only, as on Linux.
  static var initialProtectionKeyRights: UInt32 { 0x5555_5554 }

  /// Makes a configuration the one in force. Every CPU waits, or only one is up.
  static func install(_ configuration: FPUConfiguration) {
    if storedInitialImage == nil { storedInitialImage = KernelHeap.allocate(size: areaSize, alignment: 64) }
    guard let image = storedInitialImage else { panic("not enough memory for the FPU") }
    InitialState.write(
      into: UnsafeMutableRawBufferPointer(start: image, count: areaSize), configuration: configuration)
    storedHardware = FPUHardware(configuration: configuration)
    frameState = SignalFrameState(configuration)
  }

  /// Sets this CPU's FPU up. Interrupts are disabled.
  static func enableOnThisCPU() {
    hardware.enable()
    cpuSetFPUTrapsOnUse(0)
    cpuSetFPUKernelSectionOpen(0)
    cpuSetFPUOwner(nil)
    // Reading it notes it: what is known of the register is right from the start.
    if hardware.hasProtectionKeys { _ = KernelFPUMachine().protectionKeyRights }
    cpuSetFPUReady(1)
  }

  /// Writes the registers to the thread's area, and notes the use of AVX-512, which lowers the clock of some
  /// CPUs: a scheduler or a program may want to know (Linux shows it in /proc/PID/arch_status).
  @inline(__always)
  static func save(_ thread: ThreadPointer) {
    hardware.save(to: thread.fpuArea)
    if hardware.hasAVX512 {
      let present = thread.fpuArea.load(fromByteOffset: StateArea.xstateBVOffset, as: UInt64.self)
      if present & StateComponentMask.avx512.rawValue != 0 {
        thread.pointee.fpu.lastAVX512Use = readTimeStampCounter()
      }
    }
  }

  /// Changes what the current thread may do with memory of a protection key: bit 0 denies access, bit 1 writing.
  static func setProtectionKeyRights(of key: UInt8, to rights: UInt32) {
    Interrupts.withDisabled {
      let machine = KernelFPUMachine()
      let shift = UInt32(key) * 2
      machine.protectionKeyRights = machine.protectionKeyRights & ~(3 << shift) | rights << shift
    }
  }

  static func resetArea(of thread: ThreadPointer) {
    thread.fpuArea.copyMemory(from: initialImage, byteCount: areaSize)
  }

  // MARK: The contract's rows. Interrupts are disabled.

  @inline(__always)
  static func switchOut(_ thread: ThreadPointer) { policy.switchOut(thread) }

  @inline(__always)
  static func switchIn(_ thread: ThreadPointer) {
    if policy.switchIn(thread) == .faulted { restoreFailed(thread) }
  }

  @inline(__always)
  static func returnToUserMode(_ thread: ThreadPointer) {
    if policy.returnToUserMode(thread) == .faulted { restoreFailed(thread) }
  }

  /// #NM in user mode. False where it is the thread's own fault.
  static func deviceNotAvailable(_ thread: ThreadPointer) -> Bool {
    guard let outcome = policy.deviceNotAvailable(thread) else { return false }
    if outcome == .faulted { restoreFailed(thread) }
    return true
  }

  /// A thread has ended and runs nowhere. In any context.
  static func exit(_ thread: ThreadPointer) { policy.exit(thread) }

  static func fork(to child: ThreadPointer) {
    Interrupts.withDisabled { policy.fork(from: Scheduler.current, to: child) }
  }

  static func startProgram() {
    Interrupts.withDisabled {
      policy.startProgram(Scheduler.current, protectionKeyRights: initialProtectionKeyRights)
    }
  }

  /// The state could not be restored: the thread has the initial state, and must not go on with it.
  @inline(never)
  static func restoreFailed(_ thread: ThreadPointer) {
    log("thread \(thread.pointee.identifier): FPU state could not be restored, initial state loaded")
    Signals.stateLost(of: thread)
  }
}
