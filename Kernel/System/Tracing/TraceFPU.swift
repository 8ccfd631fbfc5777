import Core
import Machine

/// The FPU state of a frozen tracee as its tracer reads and writes it.
///
/// A thread that is frozen is off its CPU, and what its registers held was saved as it left: the area is its state.
/// A write drops the registers that a CPU may still hold of it (`FPUStateAccess.write`).
enum TraceFPU {
  /// Calls `body` with an image of a thread's state in the standard format, or FXSAVE's.
  static func withImage<Result>(
    of thread: ThreadPointer, _ body: (UnsafeMutableRawBufferPointer) throws(Errno) -> Result
  ) throws(Errno) -> Result {
    let size = FPUStateAccess.sizeInBytes
    guard Frames.freeCount > Frames.reserve, let memory = KernelHeap.allocate(size: size, alignment: 64) else {
      throw .outOfMemory
    }
    defer { KernelHeap.deallocate(memory) }
    let image = UnsafeMutableRawBufferPointer(start: memory, count: size)
    FPUStateAccess.read(of: thread, into: image)
    KernelFPU.configuration.describe(image)
    return try body(image)
  }

  /// PTRACE_SETFPREGS: x87, MXCSR and XMM from 512 bytes in user memory.
  static func writeLegacy(of thread: ThreadPointer, from address: UInt64) throws(Errno) {
    try withUnsafeTemporaryAllocation(byteCount: StateArea.legacySizeInBytes, alignment: 16) {
      bytes throws(Errno) in
      guard UserMemory.copyIn(bytes.baseAddress!, from: address, count: bytes.count) else { throw .badAddress }
      try withImage(of: thread) { image throws(Errno) in
        KernelFPU.configuration.replaceLegacyRegion(of: image, with: UnsafeRawBufferPointer(bytes))
        try write(image, to: thread)
      }
    }
  }

  /// NT_X86_XSTATE, the whole of it.
  static func writeExtended(of thread: ThreadPointer, from address: UInt64) throws(Errno) {
    try withImage(of: thread) { image throws(Errno) in
      guard UserMemory.copyIn(image.baseAddress!, from: address, count: image.count) else { throw .badAddress }
      KernelFPU.configuration.passOverUnusedMXCSR(image)
      try write(image, to: thread)
    }
  }

  private static func write(_ image: UnsafeMutableRawBufferPointer, to thread: ThreadPointer) throws(Errno) {
    let configuration = KernelFPU.configuration
    do throws(UserStateError) {
      try FPUStateAccess.write(
        of: thread, from: UnsafeRawBufferPointer(image),
        kind: configuration.usesXSAVE ? .standard(configuration.userMask) : .legacy)
    } catch {
      throw .invalid
    }
  }
}
