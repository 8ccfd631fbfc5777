import Core
import Machine

/// What a thread has on account of the program that it runs.
extension UnsafeMutablePointer where Pointee == Thread {
  /// A thread that is being made gets what clone(2) hands on of the current one.
  func inherit(from parent: ThreadPointer) {
    pointee.affinity = parent.pointee.affinity
    Segments.note(parent)
    pointee.segmentSelectors = parent.pointee.segmentSelectors
    pointee.fsBase = parent.pointee.fsBase
    pointee.gsBase = parent.pointee.gsBase
    pointee.ownSegments = parent.pointee.ownSegments
    pointee.hasOwnSegments = parent.pointee.hasOwnSegments
    pointee.name = parent.pointee.name
    pointee.schedulingPolicy = parent.pointee.schedulingPolicy.inherited
    pointee.scheduling.set(claim)
    pointee.timerSlack = parent.pointee.timerSlack
    pointee.inputOutputPriority = parent.pointee.inputOutputPriority
  }

  /// Whether the current thread is to end: it, its process, or by a SIGKILL that it has not seen to yet.
  var isBeingKilled: Bool {
    if pointee.isToEnd { return true }
    guard let process = pointee.process else { return false }
    return process.isExiting.load() != 0 || isSentKill(process)
  }

  /// Whether a SIGKILL waits for the thread or its process.
  func isSentKill(_ process: Process) -> Bool {
    process.signals.pending.signals.union(pointee.signals.pending.signals).contains(.kill)
  }

  /// The current thread begins a new program (execve(2)).
  func startProgram(path: ByteView) {
    pointee.clearChildThreadID = 0
    pointee.robustList = 0
    pointee.restartableSequence = RestartableSequence()
    SystemCallDispatch.end(of: self)
    setName(path: path)
    Segments.change(of: self) { thread in
      thread.pointee.segmentSelectors = 0
      thread.pointee.fsBase = 0
      thread.pointee.gsBase = 0
    }
    Segments.removeOwn(of: self)
    HardwareBreakpoints.startProgram(self)
  }

  /// What the run queue goes by: the policy, and the priority that others lend the thread.
  var claim: SchedulingClaim {
    var claim = pointee.schedulingPolicy.claim
    let lent = pointee.lentPriority
    if lent > claim.priority { claim = SchedulingClaim(nice: claim.nice, priority: lent) }
    return claim
  }

  /// Names the thread by the last part of a path.
  func setName(path: ByteView) {
    var start = 0
    for index in 0..<path.count where path[index] == 47 { start = index + 1 }
    setName(path.suffix(from: start) ?? path)
  }

  /// Names the thread; 15 bytes are kept.
  func setName(_ name: ByteView) {
    var bytes = InlineArray<16, UInt8>(repeating: 0)
    for index in 0..<min(name.count, 15) { bytes[index] = name[index] }
    pointee.name = bytes
  }
}

/// Linux's scheduling policies (sched(7)).
struct SchedulingPolicy: Equatable {
  static var other: UInt32 { 0 }
  static var firstInFirstOut: UInt32 { 1 }
  static var roundRobin: UInt32 { 2 }
  static var batch: UInt32 { 3 }
  static var idle: UInt32 { 5 }

  var number: UInt32 = 0
  /// 1 to 99 for the two real-time policies, 0 for the others.
  var priority: UInt32 = 0
  /// What nice(2) has set, whatever the policy makes of it.
  var nice: Int8 = 0
  /// Whether children get the ordinary policy (SCHED_RESET_ON_FORK).
  var isResetOnFork = false

  var isRealTime: Bool { number == Self.firstInFirstOut || number == Self.roundRobin }

  var inherited: SchedulingPolicy {
    if !isResetOnFork { return self }
    return SchedulingPolicy(number: isRealTime ? Self.other : number, nice: max(nice, 0))
  }

  /// What the run queue makes of it.
  var claim: SchedulingClaim {
    SchedulingClaim(
      nice: number == Self.idle ? 19 : Int(nice), priority: isRealTime ? UInt8(truncatingIfNeeded: priority) : 0,
      isRoundRobin: number == Self.roundRobin)
  }

  /// The priorities that a policy has; nil for one that does not exist.
  static func priorities(of policy: UInt32) -> ClosedRange<UInt32>? {
    switch policy {
    case firstInFirstOut, roundRobin: 1...99
    case other, batch, idle: 0...0
    default: nil
    }
  }
}
