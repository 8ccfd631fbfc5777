import Core
import Machine

/// A counter as a file (eventfd(2)).
final class EventCounter: OpenFile, @unchecked Sendable {
  override var anonymousName: StaticString { "[eventfd]" }
  private static var largest: UInt64 { .max - 1 }
  private static var ready: PollEvents { [.input, .inputNormal, .output, .outputNormal] }

  /// Guards the count. Taken inside the lock of the readiness's queue.
  private var lock = InterruptLock()
  private var count: UInt64
  /// Whether a read takes 1 (EFD_SEMAPHORE).
  private let isSemaphore: Bool
  private let storedReadiness = Readiness()

  init(node: FileNode, flags: OpenFlags, count: UInt64, isSemaphore: Bool) {
    self.count = count
    self.isSemaphore = isSemaphore
    super.init(node: node, flags: flags)
  }

  /// Does nothing, and says so of no error.
  override func seek(_ offset: Int64, _ whence: Int32) throws(Errno) -> Int64 { 0 }

  override var readiness: Readiness? { storedReadiness }

  /// Takes the count, or 1 of it; nil where it is 0.
  private func takeCount() -> UInt64? {
    lock.withLock {
      guard count > 0 else { return nil }
      let taken = isSemaphore ? 1 : count
      count -= taken
      return taken
    }
  }

  private func addCount(_ value: UInt64) -> Bool {
    lock.withLock {
      guard value <= Self.largest - count else { return false }
      count += value
      return true
    }
  }

  override func read(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int {
    guard buffer.remaining >= 8 else { throw .invalid }
    var taken = takeCount()
    while taken == nil {
      if isNonBlocking { throw .tryAgain }
      if storedReadiness.queue.wait({ lock.withLock { count > 0 } }) == .interrupted { throw .restart }
      taken = takeCount()
    }
    storedReadiness.notify([.output, .outputNormal])
    var value = taken!
    try withUnsafeBytes(of: &value) { bytes throws(Errno) in try buffer.put(bytes) }
    return 8
  }

  /// Each piece of a vector is a write of its own, and none follows one that was longer than a number.
  override func write(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int {
    var total = 0
    while true {
      let count = buffer.nextPieceCount()
      do throws(Errno) {
        guard count >= 8 else { throw .invalid }
        try add(&buffer)
      } catch {
        if total > 0 { return total }
        throw error
      }
      total += 8
      if count > 8 || buffer.remaining == 0 { return total }
    }
  }

  /// Adds the number that comes next.
  private func add(_ buffer: inout TransferBuffer) throws(Errno) {
    var value: UInt64 = 0
    try withUnsafeMutableBytes(of: &value) { bytes throws(Errno) in try buffer.take(into: bytes) }
    guard value != .max else { throw .invalid }
    while !addCount(value) {
      if isNonBlocking { throw .tryAgain }
      let outcome = storedReadiness.queue.wait { lock.withLock { value <= Self.largest - count } }
      if outcome == .interrupted { throw .restart }
    }
    storedReadiness.notify([.input, .inputNormal])
  }

  override func poll() -> PollEvents {
    lock.withLock {
      var events: PollEvents = []
      if count > 0 { events.insert([.input, .inputNormal]) }
      if count < Self.largest { events.insert([.output, .outputNormal]) }
      return events
    }
  }
}
