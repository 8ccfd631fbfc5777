import Core
import Machine

/// A process as a file (pidfd_open(2)): readable once it has ended, which poll(2) tells.
///
/// It keeps the process's record, not its identifier: a process that comes later with the same one is another.
final class ProcessHandle: OpenFile, @unchecked Sendable {
  override func refusesTransfer(reading: Bool) -> Bool { true }

  override var anonymousName: StaticString { "[pidfd]" }
  let process: Process

  init(_ process: Process, flags: OpenFlags) {
    self.process = process
    super.init(node: AnonymousFiles.eventNode, flags: flags)
  }

  override var processHandle: ProcessHandle? { self }
  override func seek(_ offset: Int64, _ whence: Int32) throws(Errno) -> Int64 { 0 }

  override var watchers: WatcherList? {
    let new = WatcherList()
    return process.lock.withLock {
      if let list = process.endWatchers { return list }
      process.endWatchers = new
      return new
    }
  }

  override func poll() -> PollEvents { process.ending == nil ? [] : [.input, .inputNormal] }
}

extension Process {
  /// Whether it runs, or nobody has waited for it yet.
  var isInTable: Bool { Processes.find(identifier) === self }
}
