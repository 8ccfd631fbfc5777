import Core
import Machine

/// Signals as a file (signalfd(2)): those of whoever reads.
final class SignalFile: OpenFile, @unchecked Sendable {
  override func refusesTransfer(reading: Bool) -> Bool { !reading }

  override var anonymousName: StaticString { "[signalfd]" }
  /// Those that are read; another one after signalfd4 of the descriptor. One word.
  var mask: SignalSet

  init(node: FileNode, flags: OpenFlags, mask: SignalSet) {
    self.mask = mask
    super.init(node: node, flags: flags)
  }

  override var signals: SignalFile? { self }
  override func seek(_ offset: Int64, _ whence: Int32) throws(Errno) -> Int64 { 0 }

  /// The current process's: it hears of its own signals.
  override var watchers: WatcherList? {
    let process = Scheduler.current.pointee.process!
    let new = WatcherList()
    return process.signalLock.withLock {
      if let list = process.signalWatchers { return list }
      process.signalWatchers = new
      return new
    }
  }

  override func read(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int {
    guard buffer.remaining >= 128 else { throw .invalid }
    var total = 0
    while buffer.remaining >= 128 {
      let information: SignalInformation
      do throws(Errno) {
        information = try SignalWait.take(mask, until: isNonBlocking || total > 0 ? 0 : nil)
      } catch {
        if total > 0 { return total }
        throw error == .interrupted ? .restart : error
      }
      var record = Self.record(information)
      try withUnsafeBytes(of: &record) { bytes throws(Errno) in try buffer.put(bytes) }
      total += 128
    }
    return total
  }

  override func poll() -> PollEvents {
    let thread = Scheduler.current
    let process = thread.pointee.process!
    let isThere = process.signalLock.withLock {
      let pending = thread.pointee.signals.pending.signals.union(process.signals.pending.signals)
      return !pending.intersection(mask).isEmpty
    }
    return isThere ? [.input, .inputNormal] : []
  }

  /// `struct signalfd_siginfo`
  private static func record(_ information: SignalInformation) -> InlineArray<32, UInt32> {
    var words = InlineArray<32, UInt32>(repeating: 0)
    func store(_ value: UInt64, at word: Int) {
      words[word] = UInt32(truncatingIfNeeded: value)
      words[word + 1] = UInt32(truncatingIfNeeded: value >> 32)
    }
    let fields = information.fields
    let low = UInt32(truncatingIfNeeded: fields.0)
    let high = UInt32(truncatingIfNeeded: fields.0 >> 32)
    words[0] = UInt32(bitPattern: information.number)
    words[1] = UInt32(bitPattern: information.errorNumber)
    words[2] = UInt32(bitPattern: information.code)
    let isFault = information.code > 0 && SignalSet.synchronous.contains(information.signal)
    if information.code == SignalCode.timer {
      words[6] = low  // ssi_tid
      words[8] = high  // ssi_overrun
    } else if isFault {
      store(fields.0, at: 18)  // ssi_addr
      return words
    } else {
      words[3] = low  // ssi_pid
      words[4] = high  // ssi_uid
    }
    if information.code > 0, information.number == 17 {
      words[10] = UInt32(truncatingIfNeeded: fields.1)  // ssi_status
      store(fields.2, at: 14)  // ssi_utime
      store(fields.3, at: 16)  // ssi_stime
    } else {
      words[11] = UInt32(truncatingIfNeeded: fields.1)  // ssi_int
      store(fields.1, at: 12)  // ssi_ptr
    }
    return words
  }
}
