/// Which thread of a process is told of a signal that is the process's.
public enum SignalTarget {
  /// What is known of one thread.
  public struct Candidate: Sendable {
    public var blocked: SignalSet
    /// Whether it is on its way out.
    public var isEnding: Bool
    /// Whether it is stopped, by its process or by its tracer. When it goes on it looks for signals by itself.
    public var isStopped: Bool
    /// Whether it runs, and so sees the signal at once.
    public var isRunning: Bool
    /// Whether it has another signal to see to.
    public var hasSignal: Bool

    public init(blocked: SignalSet, isEnding: Bool, isStopped: Bool, isRunning: Bool, hasSignal: Bool) {
      self.blocked = blocked
      self.isEnding = isEnding
      self.isStopped = isStopped
      self.isRunning = isRunning
      self.hasSignal = hasSignal
    }

    /// Which signals of a set the thread sees to once it has been told.
    public func takes(_ set: SignalSet) -> SignalSet { isEnding || isStopped ? [] : set.subtracting(blocked) }
  }

  /// Whether the thread is a good choice. Whoever finds none leaves the signal to the first thread that unblocks
  /// it.
  public static func isWilling(_ candidate: Candidate, _ signal: Signal) -> Bool {
    !candidate.takes(SignalSet(signal)).isEmpty && (candidate.isRunning || !candidate.hasSignal)
  }
}
