import Core
import Machine

/// A thread's FPU state as a debugger or a signal frame shows it: the standard format, whatever the kernel's
/// own areas are in.
public enum FPUStateAccess {
  /// The bytes of an image.
  public static var sizeInBytes: Int { KernelFPU.configuration.userSize }

  /// The code of SIGFPE for an exception that the current thread's registers have just raised. Interrupts have been
  /// disabled since.
  static func exceptionCode(isSIMD: Bool) -> Int32 {
    let thread = Scheduler.current
    KernelFPU.policy.saveLiveRegisters(of: thread)
    let area = UnsafeRawPointer(thread.fpuArea)
    if isSIMD {
      return FloatingPointFault.code(mxcsr: area.load(fromByteOffset: StateArea.mxcsrOffset, as: UInt32.self))
    }
    return FloatingPointFault.code(
      controlWord: area.load(fromByteOffset: StateArea.controlWordOffset, as: UInt16.self),
      statusWord: area.load(fromByteOffset: StateArea.statusWordOffset, as: UInt16.self))
  }

  /// Writes a thread's state as an image, every byte of it. Components that are in their initial state show
  /// its values, not the bytes that an earlier state has left in the area.
  ///
  /// - Parameters:
  ///   - thread: of a program; the current one, or one that runs on no CPU until this returns.
  ///   - image: at least `sizeInBytes` bytes, in the kernel.
  public static func read(of thread: ThreadPointer, into image: UnsafeMutableRawBufferPointer) {
    let wereEnabled = Interrupts.disable()
    defer { Interrupts.restore(wereEnabled) }
    let isCurrent = thread == Scheduler.current
    // What the area holds of a thread that runs is as old as its last switch.
    if isCurrent { KernelFPU.policy.saveLiveRegisters(of: thread) }
    let configuration = KernelFPU.configuration
    let rights =
      isCurrent && configuration.pkruEnabled
      ? readProtectionKeyRights() : thread.pointee.fpu.protectionKeyRights
    configuration.toStandardFormat(
      source: UnsafeRawBufferPointer(start: thread.fpuArea, count: KernelFPU.areaSize), into: image,
      includePKRU: configuration.pkruEnabled ? rights : nil)
  }

  /// Gives a thread the state that an image describes, before its next instruction in user mode.
  ///
  /// - Parameters:
  ///   - thread: as for `read`.
  ///   - image: the kernel's own copy of what user mode wrote: nobody can change it between the check and the
  ///     use (CVE-2021-47227).
  ///   - kind: what the image claims to be.
  /// - Throws: why the image is refused. Nothing has changed then.
  public static func write(
    of thread: ThreadPointer, from image: UnsafeRawBufferPointer, kind: UserImageKind
  ) throws(UserStateError) {
    // In one stretch: after `invalidate` nothing may load the area before its last byte is written, and the
    // configuration must be the one that the image was validated for.
    let wereEnabled = Interrupts.disable()
    defer { Interrupts.restore(wereEnabled) }
    let configuration = KernelFPU.configuration
    _ = try UserStateValidation.validate(image, kind: kind, configuration: configuration)
    KernelFPU.policy.invalidate(thread)
    let area = UnsafeMutableRawBufferPointer(start: thread.fpuArea, count: KernelFPU.areaSize)
    guard let rights = try configuration.fromStandardFormat(image, kind: kind, into: area),
      configuration.pkruEnabled
    else { return }
    thread.pointee.fpu.protectionKeyRights = rights
    if thread == Scheduler.current { writeProtectionKeyRights(rights) }
  }
}
