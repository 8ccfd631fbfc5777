import Core
import Machine

/// Policies and priorities (sched(7)). The policy is kept as the program set it; `SchedulingPolicy.claim` is what
/// the run queue makes of it.
extension SystemCalls {
  /// SCHED_RESET_ON_FORK
  private static var resetOnFork: UInt32 { 0x4000_0000 }

  /// sched_setscheduler(2)
  static func sched_setscheduler(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let number = UInt32(truncatingIfNeeded: arguments.second)
    guard number & 0x8000_0000 == 0 else { throw .invalid }
    try setPolicy(arguments.first, number, priorityAt: arguments.third)
    return 0
  }

  /// sched_setparam(2)
  static func sched_setparam(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try setPolicy(arguments.first, nil, priorityAt: arguments.second)
    return 0
  }

  /// - Parameter number: nil for the policy that the thread has.
  private static func setPolicy(
    _ identifier: UInt64, _ number: UInt32?, priorityAt address: UInt64
  ) throws(Errno) {
    guard address != 0, Int32(truncatingIfNeeded: identifier) >= 0 else { throw .invalid }
    guard let priority = UserMemory.load(UInt32(0), from: address) else { throw .badAddress }
    let caller = Scheduler.current.pointee.process!.credentials
    try withThread(identifier) { thread throws(Errno) in
      var policy = thread.pointee.schedulingPolicy
      if let number {
        policy.number = number & ~resetOnFork
        policy.isResetOnFork = number & resetOnFork != 0
      }
      policy.priority = priority
      try apply(policy, to: thread, by: caller)
    }
  }

  /// - Parameter keepsParameters: whether all stays as it is but for what a fork does; `policy` has to be allowed anyway.
  private static func apply(
    _ policy: SchedulingPolicy, to thread: ThreadPointer, by caller: Credentials, keepsParameters: Bool = false
  ) throws(Errno) {
    guard let priorities = SchedulingPolicy.priorities(of: policy.number),
      priorities.contains(policy.priority)
    else {
      throw .invalid
    }
    if !caller.effective.contains(.raisePriority) {
      guard let process = thread.pointee.process, mayApply(policy, to: thread, of: process, by: caller) else {
        throw .notPermitted
      }
    }
    if keepsParameters {
      thread.pointee.schedulingPolicy.isResetOnFork = policy.isResetOnFork
      return
    }
    thread.pointee.schedulingPolicy = policy
    Scheduler.updateClaim(of: thread)
  }

  /// Whether a caller who may not raise priorities has a say in how a process is scheduled. The process's lock may be
  /// held.
  static func owns(_ caller: Credentials, _ process: Process) -> Bool {
    let user = process.attributes.credentials.user
    return caller.user.effective == user.real || caller.user.effective == user.effective
  }

  /// What an unprivileged caller may do (sched(7)): less than before, and what RLIMIT_RTPRIO and RLIMIT_NICE allow.
  /// The process's lock may be held.
  private static func mayApply(
    _ policy: SchedulingPolicy, to thread: ThreadPointer, of process: Process, by caller: Credentials
  ) -> Bool {
    let old = thread.pointee.schedulingPolicy
    let limits = process.attributes.limits
    guard owns(caller, process) else { return false }
    if old.isResetOnFork, !policy.isResetOnFork { return false }
    func mayHave(_ nice: Int8) -> Bool { 20 - Int64(nice) <= Int64(min(limits[.nice].soft, 40)) }
    if policy.isRealTime {
      let highest = limits[.realTimePriority].soft
      if policy.number != old.number, highest == 0 { return false }
      return policy.priority <= old.priority || UInt64(policy.priority) <= highest
    }
    if old.number == SchedulingPolicy.idle, policy.number != old.number, !mayHave(old.nice) { return false }
    return policy.nice >= old.nice || mayHave(policy.nice)
  }

  /// sched_getscheduler(2)
  static func sched_getscheduler(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    guard Int32(truncatingIfNeeded: arguments.first) >= 0 else { throw .invalid }
    var policy = SchedulingPolicy()
    try withThread(arguments.first) { thread throws(Errno) in policy = thread.pointee.schedulingPolicy }
    return Int64(policy.number | (policy.isResetOnFork ? resetOnFork : 0))
  }

  /// sched_getparam(2)
  static func sched_getparam(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    guard arguments.second != 0, Int32(truncatingIfNeeded: arguments.first) >= 0 else { throw .invalid }
    var policy = SchedulingPolicy()
    try withThread(arguments.first) { thread throws(Errno) in policy = thread.pointee.schedulingPolicy }
    guard UserMemory.store(policy.priority, to: arguments.second) else { throw .badAddress }
    return 0
  }

  /// sched_get_priority_max(2)
  static func sched_get_priority_max(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try Int64(priorities(arguments).upperBound)
  }

  /// sched_get_priority_min(2)
  static func sched_get_priority_min(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try Int64(priorities(arguments).lowerBound)
  }

  private static func priorities(_ arguments: SystemCallArguments) throws(Errno) -> ClosedRange<UInt32> {
    let number = UInt32(truncatingIfNeeded: arguments.first)
    if number == 6 { return 0...0 }  // SCHED_DEADLINE is known by name alone
    guard let priorities = SchedulingPolicy.priorities(of: number) else { throw .invalid }
    return priorities
  }

  /// sched_rr_get_interval(2)
  static func sched_rr_get_interval(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    guard Int32(truncatingIfNeeded: arguments.first) >= 0 else { throw .invalid }
    var policy = SchedulingPolicy()
    try withThread(arguments.first) { thread throws(Errno) in policy = thread.pointee.schedulingPolicy }
    let slice: UInt64 =
      switch policy.number {
      case SchedulingPolicy.firstInFirstOut: 0
      case SchedulingPolicy.roundRobin: 100_000_000
      default: Time.nanoseconds(ticks: UInt64(Time.sliceTicks))
      }
    guard UserMemory.store(TimeSpecification(nanoseconds: slice), to: arguments.second) else {
      throw .badAddress
    }
    return 0
  }

  /// Linux's `struct sched_attr`, with what bounds the processor's speed, which nothing here does.
  private struct SchedulingAttributes: BitwiseCopyable {
    var size: UInt32 = 56
    var policy: UInt32 = 0
    var flags: UInt64 = 0
    var nice: Int32 = 0
    var priority: UInt32 = 0
    var runtime: UInt64 = 0
    var deadline: UInt64 = 0
    var period: UInt64 = 0
    var smallestUse: UInt32 = 0
    var largestUse: UInt32 = 0

    static var firstSize: Int { 48 }
    static var size: Int { 56 }
    // Its flags.
    static var resetOnFork: UInt64 { 1 }
    static var keepPolicy: UInt64 { 8 }
    static var keepParameters: UInt64 { 16 }
    /// With those that concern deadlines alone, and change nothing without.
    static var knownFlags: UInt64 { 31 }
  }

  /// sched_setattr(2)
  static func sched_setattr(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    guard arguments.second != 0, Int32(truncatingIfNeeded: arguments.first) >= 0,
      arguments.third & 0xFFFF_FFFF == 0
    else { throw .invalid }
    guard let size = UserMemory.load(UInt32(0), from: arguments.second) else { throw .badAddress }
    let attributes = try schedulingAttributes(at: arguments.second, size: size == 0 ? 48 : Int(size))
    guard Int32(bitPattern: attributes.policy) >= 0, attributes.flags & ~SchedulingAttributes.knownFlags == 0 else {
      throw .invalid
    }
    let caller = Scheduler.current.pointee.process!.credentials
    try withThread(arguments.first) { thread throws(Errno) in
      var policy = thread.pointee.schedulingPolicy
      if attributes.flags & SchedulingAttributes.keepPolicy == 0 { policy.number = attributes.policy }
      // Of a thread without priorities it is the nice value that stays.
      let keeps = attributes.flags & SchedulingAttributes.keepParameters != 0
      let wasRealTime = thread.pointee.schedulingPolicy.isRealTime
      if !keeps || !wasRealTime { policy.priority = attributes.priority }
      // SCHED_IDLE goes by no nice value, and leaves it.
      if policy.number == 0 || policy.number == 3, !keeps || wasRealTime {
        policy.nice = Int8(min(max(attributes.nice, -20), 19))
      }
      policy.isResetOnFork = attributes.flags & SchedulingAttributes.resetOnFork != 0
      try apply(policy, to: thread, by: caller, keepsParameters: keeps)
    }
    return 0
  }

  /// The structure as a program of any age gave it: what it does not know is 0, and so has to be what this does not.
  private static func schedulingAttributes(at address: UInt64, size: Int) throws(Errno) -> SchedulingAttributes {
    var attributes = SchedulingAttributes()
    attributes.size = 0
    var isKnown = size >= SchedulingAttributes.firstSize && size <= 4096
    if isKnown {
      for offset in stride(from: SchedulingAttributes.size, to: size, by: 1) {
        guard let byte = UserMemory.load(UInt8(0), from: address &+ UInt64(offset)) else { throw .badAddress }
        if byte != 0 { isKnown = false }
      }
    }
    guard isKnown else {
      // How much this one knows is for the next attempt.
      _ = UserMemory.store(UInt32(SchedulingAttributes.size), to: address)
      throw .argumentsTooLong
    }
    let isRead = withUnsafeMutableBytes(of: &attributes) {
      UserMemory.copyIn($0.baseAddress!, from: address, count: min(size, SchedulingAttributes.size))
    }
    guard isRead else { throw .badAddress }
    return attributes
  }

  /// sched_getattr(2)
  static func sched_getattr(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let size = arguments.third & 0xFFFF_FFFF
    guard arguments.second != 0, Int32(truncatingIfNeeded: arguments.first) >= 0, size >= 48, size <= 4096,
      arguments.fourth & 0xFFFF_FFFF == 0
    else { throw .invalid }
    var attributes = SchedulingAttributes()
    try withThread(arguments.first) { thread throws(Errno) in
      let policy = thread.pointee.schedulingPolicy
      attributes.policy = policy.number
      attributes.flags = policy.isResetOnFork ? 1 : 0
      if policy.isRealTime {
        attributes.priority = policy.priority
      } else {
        attributes.nice = Int32(policy.nice)
      }
    }
    let count = min(Int(size), SchedulingAttributes.size)
    attributes.size = UInt32(count)
    let isStored = withUnsafeBytes(of: attributes) {
      UserMemory.copyOut($0.baseAddress!, to: arguments.second, count: count)
    }
    guard isStored else { throw .badAddress }
    return 0
  }

  /// getcpu(2)
  static func getcpu(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let cpu = cpuNumber()
    if arguments.first != 0, !UserMemory.store(cpu, to: arguments.first) { throw .badAddress }
    // All memory is equally far.
    if arguments.second != 0, !UserMemory.store(UInt32(0), to: arguments.second) { throw .badAddress }
    return 0
  }
}
