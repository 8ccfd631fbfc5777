import Core
import Machine

/// What wait4(2) and waitid(2) ask for.
struct ChildSelection {
  enum Children {
    case any
    case process(Int32)
    case group(Int32)
  }

  var children: Children
  var options: WaitOptions
  /// The calling thread's identifier, for `__WNOTHREAD`.
  var caller: Int32

  private func names(_ identifier: Int32, _ group: Int32) -> Bool {
    switch children {
    case .any: true
    case .process(let wanted): identifier == wanted
    case .group(let wanted): group == wanted
    }
  }

  /// Tracees are waited for whatever they send at their end.
  func matches(_ tracee: Tracee) -> Bool {
    if options.contains(.ownChildren), tracee.tracerThread != caller { return false }
    return names(tracee.identifier, tracee.process.group)
  }

  func matches(_ child: Process) -> Bool {
    guard names(child.identifier, child.group) else { return false }
    if options.contains(.ownChildren), child.creator != caller { return false }
    if options.contains(.allChildren) { return true }
    return (child.exitSignal != Signal.child.rawValue) == options.contains(.clones)
  }
}

/// The options of wait4(2) and waitid(2).
struct WaitOptions: OptionSet {
  let rawValue: UInt32

  static var noHang: WaitOptions { WaitOptions(rawValue: 1) }
  static var stopped: WaitOptions { WaitOptions(rawValue: 2) }
  static var exited: WaitOptions { WaitOptions(rawValue: 4) }
  static var continued: WaitOptions { WaitOptions(rawValue: 8) }
  /// The child can be waited for again.
  static var leave: WaitOptions { WaitOptions(rawValue: 0x0100_0000) }
  static var ownChildren: WaitOptions { WaitOptions(rawValue: 0x2000_0000) }
  static var allChildren: WaitOptions { WaitOptions(rawValue: 0x4000_0000) }
  static var clones: WaitOptions { WaitOptions(rawValue: 0x8000_0000) }

  /// Those of wait4.
  static var forWait4: WaitOptions { [.noHang, .stopped, .continued, .ownChildren, .allChildren, .clones] }
  static var forWaitID: WaitOptions { forWait4.union([.exited, .leave]) }
}

/// A child or a tracee that has something to report.
struct ChildReport {
  let child: Process
  /// The child's; of a tracee the thread's.
  let identifier: Int32
  /// As wait4(2) has it.
  let status: Int32
  /// Whether a tracee has stopped for the caller.
  var isTraceStop = false
  /// Whether the child has ended, so that its usage is the caller's children's from now on.
  var isEnd = false
}

extension Processes {
  enum WaitResult {
    case found(ChildReport)
    /// There are matching children, none of which has anything to report.
    case none
    case noChildren
  }

  /// Looks for a child that has something to report, and takes the report.
  static func takeReport(of parent: Process, _ selection: ChildSelection) -> WaitResult {
    var woken: Process?
    defer { woken?.changed.wake() }
    return lock.withLock {
      var hasMatch = false
      var next = parent.firstChild
      while let child = next {
        next = child.nextSibling
        guard selection.matches(child) else { continue }
        let tracer = child.leaderTracee?.tracer
        if child.ending != nil {
          if tracer != nil, tracer !== parent {
            // Its tracer comes first.
            hasMatch = true
            continue
          }
          guard selection.options.contains(.exited) else { continue }
          if !selection.options.contains(.leave) {
            if let tracee = child.leaderTracee { Tracing.unlink(tracee) }
            forget(child)
          }
          return .found(
            ChildReport(child: child, identifier: child.identifier, status: child.exitStatus, isEnd: true))
        }
        hasMatch = true
        let options = tracer === parent ? selection.options.subtracting(.stopped) : selection.options
        if let status = child.takeStopOrContinue(options) {
          return .found(ChildReport(child: child, identifier: child.identifier, status: status))
        }
      }
      if parent.firstTracee != nil, let report = takeTraceeReport(of: parent, selection, &hasMatch, &woken) {
        return .found(report)
      }
      return hasMatch ? .none : .noChildren
    }
  }

  /// The same for those that a process traces. The lock is held.
  private static func takeTraceeReport(
    of tracer: Process, _ selection: ChildSelection, _ hasMatch: inout Bool, _ woken: inout Process?
  ) -> ChildReport? {
    let leaves = selection.options.contains(.leave)
    var next = tracer.firstTracee
    while let tracee = next {
      next = tracee.next
      guard selection.matches(tracee) else { continue }
      let hasEnded = tracee.isLeader ? tracee.process.ending != nil : tracee.endStatus != nil
      guard hasEnded else {
        hasMatch = true
        guard let status = tracee.takeStop(leaves: leaves) else { continue }
        return ChildReport(
          child: tracee.process, identifier: tracee.identifier, status: status, isTraceStop: true)
      }
      guard selection.options.contains(.exited) else { continue }
      let status = tracee.isLeader ? tracee.process.exitStatus : tracee.endStatus ?? 0
      let isOwnChild = tracee.process.parent === tracer
      if !leaves {
        Tracing.unlink(tracee)
        if tracee.isLeader {
          if isOwnChild { forget(tracee.process) } else { woken = giveToParent(tracee.process, after: tracer) }
        }
      }
      return ChildReport(
        child: tracee.process, identifier: tracee.identifier, status: status, isEnd: tracee.isLeader && isOwnChild)
    }
    return nil
  }

  /// Waits for a report; nil where there is none and the caller does not want to wait.
  static func waitForReport(of parent: Process, _ selection: ChildSelection) throws(Errno) -> ChildReport? {
    while true {
      let before = parent.childEvents.load()
      switch takeReport(of: parent, selection) {
      case .found(let report):
        if report.isEnd, !selection.options.contains(.leave) { parent.addUsage(ofChild: report.child) }
        return report
      case .noChildren: throw .noChildren
      case .none: break
      }
      if selection.options.contains(.noHang) { return nil }
      if parent.changed.wait({ parent.childEvents.load() != before }) == .interrupted { throw .restart }
    }
  }
}

extension Process {
  /// A stop or a continuation that has not been reported; nil for none.
  fileprivate func takeStopOrContinue(_ options: WaitOptions) -> Int32? {
    signalLock.withLock {
      let stop = signals.stopReport
      if stop != 0, options.contains(.stopped) {
        if !options.contains(.leave) { signals.stopReport = 0 }
        return stop
      }
      if signals.hasContinueReport, options.contains(.continued) {
        if !options.contains(.leave) { signals.hasContinueReport = false }
        return WaitStatus.continued
      }
      return nil
    }
  }
}
