/// The limit of a resource (getrlimit(2)): what is in force, and how far a program may raise it.
public struct ResourceLimit: Equatable, Sendable, BitwiseCopyable {
  /// No limit (RLIM_INFINITY).
  public static var infinite: UInt64 { .max }

  public var soft: UInt64
  public var hard: UInt64

  public init(soft: UInt64, hard: UInt64) {
    self.soft = soft
    self.hard = hard
  }
}

/// Linux's numbers of the resources.
public enum Resource: Int, CaseIterable, Sendable {
  case cpuTime, fileSize, data, stack, core, residentSet, processes, openFiles
  case lockedMemory, addressSpace, locks, pendingSignals, messageQueues, nice, realTimePriority, realTime
}

/// The limits of a process, one for each resource; inherited by its children and kept by execve.
public struct ResourceLimits: Sendable {
  private var limits: InlineArray<16, ResourceLimit>

  /// What the number of open files can be raised to at most (/proc/sys/fs/nr_open).
  public static var openFilesMaximum: UInt64 { 1 << 20 }

  /// The limits of the first process, as Linux has them.
  public init() {
    limits = InlineArray(repeating: ResourceLimit(soft: ResourceLimit.infinite, hard: ResourceLimit.infinite))
    self[.stack].soft = 8 << 20
    self[.core].soft = 0
    self[.processes] = ResourceLimit(soft: 4096, hard: 4096)
    self[.openFiles] = ResourceLimit(soft: 1024, hard: 4096)
    self[.lockedMemory] = ResourceLimit(soft: 8 << 20, hard: 8 << 20)
    self[.pendingSignals] = ResourceLimit(soft: 4096, hard: 4096)
    self[.messageQueues] = ResourceLimit(soft: 819_200, hard: 819_200)
    self[.nice] = ResourceLimit(soft: 0, hard: 0)
    self[.realTimePriority] = ResourceLimit(soft: 0, hard: 0)
  }

  public subscript(resource: Resource) -> ResourceLimit {
    get { limits[resource.rawValue] }
    set { limits[resource.rawValue] = newValue }
  }

  public enum Refusal: Error {
    /// The soft limit is above the hard one (EINVAL).
    case invalid
    /// The hard limit may not be raised (EPERM).
    case notPermitted
  }

  /// Changes a limit, if the process may.
  ///
  /// - Parameter isPrivileged: whether it has CAP_SYS_RESOURCE.
  public mutating func set(
    _ resource: Resource, to limit: ResourceLimit, isPrivileged: Bool
  ) throws(Refusal) {
    if limit.soft > limit.hard { throw .invalid }
    if resource == .openFiles, limit.hard > Self.openFilesMaximum { throw .notPermitted }
    if limit.hard > self[resource].hard, !isPrivileged { throw .notPermitted }
    self[resource] = limit
  }
}
