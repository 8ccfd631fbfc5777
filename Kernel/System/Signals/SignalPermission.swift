import Core
import Machine

/// Who may send signals to whom (kill(2)).
extension Signals {
  /// A sender, for a look at many receivers under the lock of `Processes`.
  struct Sender {
    private let process: Process
    private let credentials: Credentials

    init(_ process: Process) {
      self.process = process
      credentials = process.credentials
    }

    func maySend(_ signal: Signal?, to receiver: Process) -> Bool {
      if receiver === process || credentials.effective.contains(.kill) { return true }
      // Read without the lock, which is not for places where interrupts are disabled: as good a moment as any.
      let user = receiver.attributes.credentials.user
      let own = credentials.user
      if own.effective == user.saved || own.effective == user.real || own.real == user.saved
        || own.real == user.real
      {
        return true
      }
      return signal == .continue && receiver.session == process.session
    }
  }

  static func maySend(_ signal: Signal?, from sender: Process, to receiver: Process) -> Bool {
    // Read without the lock: only the sender itself changes them.
    if receiver === sender || sender.attributes.credentials.effective.contains(.kill) { return true }
    return Sender(sender).maySend(signal, to: receiver)
  }

  /// The real user of a process, as its signals tell it.
  static func userIdentifier(of process: Process) -> UInt32 { process.attributes.credentials.user.real }
}

extension Process {
  /// How many signals may be queued (RLIMIT_SIGPENDING).
  var queuedSignalLimit: UInt64 { attributes.limits[.pendingSignals].soft }
}
