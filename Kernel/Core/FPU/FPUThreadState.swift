/// What the FPU policy knows of one thread. The registers' contents lie in the thread's state area, which
/// only the machine touches.
public struct FPUThreadState: Sendable {
  /// The value of `lastCPU` that names no CPU.
  public static var noCPU: Int32 { -1 }

  /// Whether the registers of the CPU that runs this thread hold its state, newer than its area.
  ///
  /// Has a meaning only while the thread is the current one of a CPU. False means that the load is still
  /// to come: on return to user mode, or in lazy mode at the first #NM.
  public var isLive = false

  /// Kernel threads have no FPU state. Told by this flag, not by the lack of an address space: a kernel
  /// thread may borrow one.
  public let isKernelThread: Bool

  /// The number of time slices in a row in which the registers were live. Wraps to 0 after 255, so that a
  /// thread that has stopped using the FPU is found out.
  public var consecutiveSlices: UInt8 = 0

  /// The CPU whose registers this thread was last loaded into, or `noCPU` when memory holds the only copy.
  ///
  /// Together with the CPU's owner it tells whether a restore can be skipped: CPU c holds thread t's state
  /// if and only if `owner(c) == t` and `t.lastCPU == c`.
  public var lastCPU: Int32 = FPUThreadState.noCPU

  /// The protection-key rights of the thread while it is switched out.
  public var protectionKeyRights: UInt32

  /// The time stamp, in TSC ticks, of the last save that found AVX-512 state in use; 0 for never.
  public var lastAVX512Use: UInt64 = 0

  public var counters = FPUCounters()

  /// The state of a thread that has not run yet: the caller has put the initial image into its area.
  public init(isKernelThread: Bool, protectionKeyRights: UInt32) {
    self.isKernelThread = isKernelThread
    self.protectionKeyRights = protectionKeyRights
  }
}
