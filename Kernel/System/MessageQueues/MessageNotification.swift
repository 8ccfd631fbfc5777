import Core
import Machine

/// Whom a queue tells that a message has come while it was empty, and nobody waited for one (mq_notify(3)).
struct MessageNotification {
  /// The process that has asked. Its record is kept, not its identifier: one that comes later is another.
  let process: Process
  /// How many programs it had begun by then: another program is not told.
  private let executionCount: UInt32
  /// 0 where nobody is told but the place is taken (SIGEV_NONE).
  let signal: Int32
  let isSignal: Bool
  private let value: UInt64

  /// - Parameter signal: nil for SIGEV_NONE.
  init(_ process: Process, signal: Int32?, value: UInt64) {
    self.process = process
    executionCount = process.executionCount
    self.signal = signal ?? 0
    isSignal = signal != nil
    self.value = value
  }

  /// `sigev_notify`
  var kind: Int32 { isSignal ? 0 : 1 }

  /// Sends the signal, if there is one, in the name of the current process. No lock is held.
  func tell() {
    guard let signal = Signal(rawValue: UInt8(truncatingIfNeeded: signal)),
      process.executionCount == executionCount, let sender = Scheduler.current.pointee.process
    else { return }
    Signals.send(
      .messageQueue(signal, process: sender.identifier, user: sender.credentials.user.real, value: value), to: process)
  }
}
