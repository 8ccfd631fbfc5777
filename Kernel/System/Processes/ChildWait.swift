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

  func matches(_ child: Process) -> Bool {
    switch children {
    case .any: break
    case .process(let identifier): if child.identifier != identifier { return false }
    case .group(let group): if child.group != group { return false }
    }
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

/// A child that has something to report.
struct ChildReport {
  let child: Process
  /// As wait4(2) has it.
  let status: Int32
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
    lock.withLock {
      var hasMatch = false
      var next = parent.firstChild
      while let child = next {
        next = child.nextSibling
        guard selection.matches(child) else { continue }
        if child.ending != nil {
          guard selection.options.contains(.exited) else { continue }
          if !selection.options.contains(.leave) { forget(child) }
          return .found(ChildReport(child: child, status: child.exitStatus))
        }
        hasMatch = true
        if let status = child.takeStopOrContinue(selection.options) {
          return .found(ChildReport(child: child, status: status))
        }
      }
      return hasMatch ? .none : .noChildren
    }
  }

  /// Waits for a report; nil where there is none and the caller does not want to wait.
  static func waitForReport(of parent: Process, _ selection: ChildSelection) throws(Errno) -> ChildReport? {
    while true {
      let before = parent.childEvents.load()
      switch takeReport(of: parent, selection) {
      case .found(let report):
        if report.child.ending != nil, !selection.options.contains(.leave) { parent.addUsage(ofChild: report.child) }
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
