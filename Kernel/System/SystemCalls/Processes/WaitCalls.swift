import Core
import Machine

/// Waiting for children.
extension SystemCalls {
  /// wait4(2)
  static func wait4(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let options = WaitOptions(rawValue: UInt32(truncatingIfNeeded: arguments.third))
    guard WaitOptions.forWait4.isSuperset(of: options) else { throw .invalid }
    let number = Int32(truncatingIfNeeded: arguments.first)
    guard number != .min else { throw .noProcess }
    let process = Scheduler.current.pointee.process!
    let children: ChildSelection.Children =
      switch number {
      case -1: .any
      case 0: .group(process.group)
      case ..<0: .group(-number)
      default: .process(number)
      }
    let selection = ChildSelection(
      children: children, options: options.union(.exited), caller: Scheduler.current.pointee.identifier)
    guard let report = try Processes.waitForReport(of: process, selection) else { return 0 }
    if arguments.second != 0, !UserMemory.store(report.status, to: arguments.second) { throw .badAddress }
    if arguments.fourth != 0 { try storeUsage(of: report.child, to: arguments.fourth) }
    return Int64(report.identifier)
  }

  /// waitid(2), with the kernel's fifth argument for the usage of resources.
  static func waitid(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    do throws(Errno) {
      return try waitForInformation(arguments)
    } catch {
      // Linux clears the information even where it fails, and that it cannot is the error then.
      if arguments.third != 0 {
        let zeros: InlineArray<3, UInt64> = [0, 0, 0]
        guard UserMemory.store(zeros, to: arguments.third), UserMemory.store(Int32(0), to: arguments.third &+ 24)
        else { throw .badAddress }
      }
      throw error
    }
  }

  private static func waitForInformation(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    var options = WaitOptions(rawValue: UInt32(truncatingIfNeeded: arguments.fourth))
    guard WaitOptions.forWaitID.isSuperset(of: options),
      !options.isDisjoint(with: [.exited, .stopped, .continued])
    else { throw .invalid }
    let process = Scheduler.current.pointee.process!
    let number = Int32(truncatingIfNeeded: arguments.second)
    var isNonBlocking = false
    let children: ChildSelection.Children
    switch Int32(truncatingIfNeeded: arguments.first) {
    case 0:  // P_ALL
      children = .any
    case 1:  // P_PID
      guard number > 0 else { throw .invalid }
      children = .process(number)
    case 2:  // P_PGID
      guard number >= 0 else { throw .invalid }
      children = .group(number == 0 ? process.group : number)
    case 3:  // P_PIDFD
      guard number >= 0 else { throw .invalid }
      let file = try processHandle(arguments.second)
      children = .process(file.process.identifier)
      isNonBlocking = file.isNonBlocking && !options.contains(.noHang)
      if isNonBlocking { options.insert(.noHang) }
    default:
      throw .invalid
    }
    let selection = ChildSelection(
      children: children, options: options, caller: Scheduler.current.pointee.identifier)
    let report = try Processes.waitForReport(of: process, selection)
    if report == nil, isNonBlocking { throw .tryAgain }
    if let report, arguments.fifth != 0 { try storeUsage(of: report.child, to: arguments.fifth) }
    if arguments.third != 0 {
      // As on Linux nothing but these members is written, and zeros where there is no report.
      var words: InlineArray<3, UInt64> = [0, 0, 0]
      if let report {
        var (code, status) = WaitStatus.childInformation(report.status)
        if report.isTraceStop { (code, status) = (SignalCode.childTrapped, report.status >> 8) }
        words[0] = UInt64(Signal.child.rawValue)
        words[1] = UInt64(UInt32(bitPattern: code))
        words[2] = UInt64(UInt32(bitPattern: report.identifier))
        guard UserMemory.store(status, to: arguments.third &+ 24) else { throw .badAddress }
      } else {
        guard UserMemory.store(Int32(0), to: arguments.third &+ 24) else { throw .badAddress }
      }
      guard UserMemory.store(words, to: arguments.third) else { throw .badAddress }
    }
    return 0
  }

  /// Writes what an ended child has used, as getrusage(2) lays it out.
  private static func storeUsage(of child: Process, to address: UInt64) throws(Errno) {
    var usage = child.usage
    usage.add(child.lock.withLock { child.childUsage })
    guard usage.store(to: address) else { throw .badAddress }
  }
}
