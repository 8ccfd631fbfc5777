/// A signal that waits to be delivered, with what it tells. A record that the caller makes and frees.
public struct QueuedSignal {
  public var information: SignalInformation
  /// A timer's own record, which is not freed when the signal is taken.
  public var isOwned: Bool
  /// A timer's overrun when its signal was taken last.
  public private(set) var takenOverrun: Int32 = 0
  /// Whose limit it counts against: a number of the kernel's; 0 for nobody's.
  public var account: UInt8 = 0
  /// Whether it is on a queue.
  public internal(set) var isQueued = false
  var next: UnsafeMutablePointer<QueuedSignal>?

  public init(_ information: SignalInformation, isOwned: Bool = false) {
    self.information = information
    self.isOwned = isOwned
  }

  mutating func noteTaken() { takenOverrun = information.overrun }
}

/// The signals that wait for a thread or for a process.
///
/// A signal below 32 waits at most once. Of a real-time signal each one waits that was sent, in that order. A
/// signal can be pending without a record, where memory for one was out: it then tells nothing.
public struct PendingSignals {
  public typealias Record = UnsafeMutablePointer<QueuedSignal>

  /// Those of which at least one waits.
  public private(set) var signals: SignalSet = []
  private var first: Record?
  private var last: Record?

  public init() {}

  /// Whether one more of this signal changes nothing, and is not to be added.
  @inline(__always)
  public func isSuperfluous(_ signal: Signal) -> Bool { !signal.isRealTime && signals.contains(signal) }

  /// Adds a signal with its record, which is on no queue.
  public mutating func append(_ record: Record) {
    signals.insert(SignalSet(record.pointee.information.signal))
    record.pointee.next = nil
    record.pointee.isQueued = true
    if let last { last.pointee.next = record } else { first = record }
    last = record
  }

  /// Adds a signal without a record.
  public mutating func mark(_ signal: Signal) { signals.insert(SignalSet(signal)) }

  /// Takes the first one of a signal, which is pending.
  ///
  /// - Returns: its record, the caller's to free unless it `isOwned`; nil where there was none.
  public mutating func take(_ signal: Signal) -> Record? {
    var found: Record?
    var previous: Record?
    var hasMore = false
    var next = first
    while let record = next {
      next = record.pointee.next
      if record.pointee.information.number != Int32(signal.rawValue) {
        if found == nil { previous = record }
        continue
      }
      if found != nil {
        hasMore = true
        break
      }
      found = record
      // At most one of these waits.
      if !signal.isRealTime { break }
    }
    if let found { unlink(found, after: previous) }
    if !hasMore { signals.remove(SignalSet(signal)) }
    return found
  }

  /// Takes a record off the queue wherever it stands; nothing where it is on another.
  public mutating func remove(_ record: Record) {
    var previous: Record?
    var next = first
    while let candidate = next {
      if candidate == record {
        let signal = record.pointee.information.signal
        unlink(record, after: previous)
        if !hasRecord(of: signal) { signals.remove(SignalSet(signal)) }
        return
      }
      previous = candidate
      next = candidate.pointee.next
    }
  }

  /// Drops all signals of a set.
  ///
  /// - Parameter free: gets each record that is not owned by a timer.
  public mutating func removeAll(_ set: SignalSet, free: (Record) -> Void) {
    guard !signals.isDisjoint(with: set) else { return }
    signals.subtract(set)
    var previous: Record?
    var next = first
    while let record = next {
      next = record.pointee.next
      if set.contains(record.pointee.information.signal) {
        unlink(record, after: previous)
        if !record.pointee.isOwned { free(record) }
      } else {
        previous = record
      }
    }
  }

  /// What the signal at a place of the queue tells (PTRACE_PEEKSIGINFO); nil behind its end. Signals without a record
  /// are not on it.
  public func information(at index: UInt64) -> SignalInformation? {
    var index = index
    var next = first
    while let record = next {
      if index == 0 { return record.pointee.information }
      index -= 1
      next = record.pointee.next
    }
    return nil
  }

  private func hasRecord(of signal: Signal) -> Bool {
    var next = first
    while let record = next {
      if record.pointee.information.number == Int32(signal.rawValue) { return true }
      next = record.pointee.next
    }
    return false
  }

  private mutating func unlink(_ record: Record, after previous: Record?) {
    if let previous { previous.pointee.next = record.pointee.next } else { first = record.pointee.next }
    if last == record { last = previous }
    record.pointee.next = nil
    record.pointee.isQueued = false
    if record.pointee.isOwned { record.pointee.noteTaken() }
  }
}
