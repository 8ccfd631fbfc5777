import Core
import Machine

/// Sending signals.
extension SystemCalls {
  /// The signal that an argument names; nil for 0, by which a program only asks whether it might send one.
  static func signal(_ argument: UInt64) throws(Errno) -> Signal? {
    guard isSignal(argument) else { throw .invalid }
    return Signal(rawValue: UInt8(truncatingIfNeeded: argument))
  }

  /// Whether an argument names a signal, or 0.
  private static func isSignal(_ argument: UInt64) -> Bool { UInt32(truncatingIfNeeded: argument) <= 64 }

  /// What a signal says that the caller sends itself.
  static func information(_ signal: Signal, code: Int32 = SignalCode.user) -> SignalInformation {
    let process = Scheduler.current.pointee.process!
    return .fromProcess(signal, process: process.identifier, user: Signals.userIdentifier(of: process), code: code)
  }

  /// kill(2)
  static func kill(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let target = Int32(truncatingIfNeeded: arguments.first)
    let caller = Scheduler.current.pointee.process!
    if target > 0 {
      // Nobody to send it to is the error before a signal that is none.
      // The identifier of any of its threads names a process here, as on Linux.
      guard let process = target == caller.identifier ? caller : Processes.find(target) ?? process(ofThread: target)
      else { throw .noProcess }
      let signal = try signal(arguments.second)
      guard process === caller || Signals.maySend(signal, from: caller, to: process) else { throw .notPermitted }
      if let signal { Signals.send(information(signal), to: process) }
      return 0
    }
    guard target != .min else { throw .noProcess }
    try sendToMany(arguments.second, from: caller, isForAll: target == -1) { process in
      switch target {
      case 0: process.group == caller.group
      case -1: process.identifier != Processes.firstIdentifier && process !== caller
      default: process.group == -target
      }
    }
    return 0
  }

  /// Sends the signal that an argument names to each process of a choice to which the caller may. Fails where there
  /// is none, before it looks whether the argument is a signal.
  ///
  /// - Parameter isForAll: whether it is no failure, as on Linux, that the caller may send to none of them.
  private static func sendToMany(
    _ argument: UInt64, from caller: Process, isForAll: Bool, where isChosen: (Process) -> Bool
  ) throws(Errno) {
    let isSignal = isSignal(argument)
    let signal = isSignal ? try signal(argument) : nil
    var isFound = false
    var isSent = false
    let own = signal.map { information($0) }
    let sender = Signals.Sender(caller)
    Processes.forEach { process in
      guard isChosen(process) else { return }
      isFound = true
      guard isSignal, sender.maySend(signal, to: process) else { return }
      isSent = true
      if let own { Signals.send(own, to: process) }
    }
    if isSent { return }
    guard isFound else { throw .noProcess }
    guard isSignal else { throw .invalid }
    if !isForAll { throw .notPermitted }
  }

  /// tgkill(2)
  static func tgkill(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let group = Int32(truncatingIfNeeded: arguments.first)
    let identifier = Int32(truncatingIfNeeded: arguments.second)
    guard group > 0, identifier > 0 else { throw .invalid }
    try kill(identifier, of: group, arguments.third)
    return 0
  }

  /// tkill(2)
  static func tkill(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let identifier = Int32(truncatingIfNeeded: arguments.first)
    guard identifier > 0 else { throw .invalid }
    try kill(identifier, of: nil, arguments.second)
    return 0
  }

  /// Sends the signal that an argument names to one thread, which is looked for first.
  ///
  /// - Parameter group: the process that the thread must be of; nil for any.
  private static func kill(_ identifier: Int32, of group: Int32?, _ argument: UInt64) throws(Errno) {
    guard let process = process(ofThread: identifier), group == nil || group == process.identifier else {
      throw .noProcess
    }
    let signal = try signal(argument)
    try send(signal.map { information($0, code: SignalCode.threadKill) }, to: process, thread: identifier)
  }

  /// rt_sigqueueinfo(2)
  static func rt_sigqueueinfo(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let identifier = Int32(truncatingIfNeeded: arguments.first)
    let information = try queuedInformation(arguments.second, at: arguments.third, isOwn: identifier)
    guard let process = Processes.find(identifier) ?? process(ofThread: identifier) else { throw .noProcess }
    let signal = try signal(arguments.second)
    guard Signals.maySend(signal, from: Scheduler.current.pointee.process!, to: process) else {
      throw .notPermitted
    }
    if let information, !Signals.send(information, to: process) { throw .tryAgain }
    return 0
  }

  /// rt_tgsigqueueinfo(2)
  static func rt_tgsigqueueinfo(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let group = Int32(truncatingIfNeeded: arguments.first)
    let identifier = Int32(truncatingIfNeeded: arguments.second)
    let information = try queuedInformation(arguments.third, at: arguments.fourth, isOwn: identifier)
    guard group > 0, identifier > 0 else { throw .invalid }
    guard let process = Processes.find(group) else { throw .noProcess }
    try send(information, to: process, thread: identifier)
    return 0
  }

  /// What a program has a signal say. Only to itself may it pretend to be the kernel or kill(2).
  private static func queuedInformation(
    _ number: UInt64, at address: UInt64, isOwn identifier: Int32
  ) throws(Errno) -> SignalInformation? {
    guard var information = UserMemory.load(SignalInformation.empty, from: address) else { throw .badAddress }
    let thread = Scheduler.current
    let isOwn = identifier == thread.pointee.identifier || identifier == thread.pointee.processIdentifier
    if information.code >= 0 || information.code == SignalCode.threadKill, !isOwn { throw .notPermitted }
    guard let signal = try signal(number) else { return nil }
    information.number = Int32(signal.rawValue)
    return information
  }

  /// - Parameter information: nil where only to ask.
  private static func send(
    _ information: SignalInformation?, to process: Process, thread identifier: Int32
  ) throws(Errno) {
    guard let isQueued = Signals.send(nil, to: process, thread: identifier), isQueued else { throw .noProcess }
    guard Signals.maySend(information?.signal, from: Scheduler.current.pointee.process!, to: process) else {
      throw .notPermitted
    }
    guard let information else { return }
    if Signals.send(information, to: process, thread: identifier) == false { throw .tryAgain }
  }

  /// The process that has a thread with this identifier, which has not ended.
  static func process(ofThread identifier: Int32) -> Process? {
    let own = Scheduler.current.pointee.process!
    if Signals.send(nil, to: own, thread: identifier) != nil { return own }
    guard let process = Threads.process(ofThread: identifier),
      Signals.send(nil, to: process, thread: identifier) != nil
    else { return nil }
    return process
  }
}
