import Core

/// The ends of a pipe: how many can read and write, and who waits for the other end of a FIFO.
extension Pipe {
  /// What the other ends were when one was opened.
  struct Ends {
    let hasReader: Bool
    let hasWriter: Bool
    /// `readersOpened` and `writersOpened`.
    let readersOpened: UInt32
    let writersOpened: UInt32
  }

  /// Counts another open end.
  ///
  /// - Returns: what was there before. An end that is found here may write, close and be gone before the caller
  ///   does anything else: whether to wait for one is to be decided by this alone.
  @discardableResult
  func open(isReader: Bool, isWriter: Bool) -> Ends {
    lock.withLock {
      let before = Ends(
        hasReader: readerCount > 0, hasWriter: writerCount > 0, readersOpened: readersOpened,
        writersOpened: writersOpened)
      if isReader {
        readerCount += 1
        readersOpened &+= 1
      }
      if isWriter {
        writerCount += 1
        writersOpened &+= 1
      }
      Self.wakeAll(&waitingOthers)
      return before
    }
  }

  /// An open file has ended. The last to go takes what is in the pipe along.
  func close(isReader: Bool, isWriter: Bool) {
    var hasEnded = false
    lock.withLock {
      if isReader { readerCount -= 1 }
      if isWriter { writerCount -= 1 }
      if readerCount == 0 { Self.wakeAll(&waitingWriters) }
      if writerCount == 0 { Self.wakeAll(&waitingReaders) }
      hasEnded = readerCount == 0 && writerCount == 0
      if hasEnded {
        // Nobody copies: a call would keep its open file alive.
        while ring.count > 0 {
          let rest = ring.readable(.max)
          ring.commitRead(rest.consumed, isPacket: rest.isPacket, mayRestart: true)
        }
      }
    }
    if hasEnded { freeUnusedPages() }
    watchers.notify(.all)
  }

  /// Waits for the other end of a FIFO to be opened, as open(2) does (fifo(7)), where there was none.
  ///
  /// - Parameter ends: what was there when this end was opened.
  func waitForReader(since ends: Ends) throws(Errno) {
    if !ends.hasReader { try waitForOther { readersOpened != ends.readersOpened } }
  }

  func waitForWriter(since ends: Ends) throws(Errno) {
    if !ends.hasWriter { try waitForOther { writersOpened != ends.writersOpened } }
  }

  private func waitForOther(_ isThere: () -> Bool) throws(Errno) {
    let wereEnabled = lock.acquire()
    while !isThere() {
      if !wait(among: .others), !isThere() {
        lock.release(wereEnabled)
        throw .restart
      }
    }
    lock.release(wereEnabled)
  }
}
