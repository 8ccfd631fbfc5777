import Core
import Machine

/// Who is to hear of a file, and how: F_SETOWN and F_SETSIG (fcntl(2)). Under the lock of `Processes`.
struct AsynchronousOwner {
  /// A process, the group of a negative number, or 0 for nobody.
  var identifier: Int32 = 0
  /// F_SETSIG's signal; 0 for SIGIO, which then tells nothing.
  var signal: UInt8 = 0
  /// Who has set the owner: whoever is told has to be somebody that he may signal.
  fileprivate var realUser: UInt32 = 0
  fileprivate var effectiveUser: UInt32 = 0

  /// The current process sets the owner.
  mutating func set(_ identifier: Int32) {
    let user = Scheduler.current.pointee.process!.attributes.credentials.user
    self.identifier = identifier
    realUser = user.real
    effectiveUser = user.effective
  }

  fileprivate func mayTell(_ process: Process) -> Bool {
    let user = process.attributes.credentials.user
    return effectiveUser == 0 || effectiveUser == user.saved || effectiveUser == user.real
      || realUser == user.saved || realUser == user.real
  }
}

/// Tells a file's owner by a signal that the file may have become ready (O_ASYNC).
///
/// It is a watcher of the file as long as the file has the flag. Linux's files know which of these signals they can
/// cause: `OpenFile.asynchronousEvents`.
final class AsynchronousNotice: ReadinessWatcher, @unchecked Sendable {
  private let list: WatcherList
  /// The descriptor by which O_ASYNC was set, which F_SETSIG's signal names.
  private let descriptor: Int32
  /// It ends with the file, and looks at nothing of it that a subclass has. No reference is taken, since the last one
  /// may have gone.
  private let file: Unmanaged<OpenFile>

  private init(_ file: OpenFile, _ list: WatcherList, descriptor: Int32, _ events: PollEvents) {
    self.file = .passUnretained(file)
    self.list = list
    self.descriptor = descriptor
    super.init(events: events)
  }

  /// In any context, under the lock of the list; inside of it that of `Processes`, and signal locks.
  override func signal(_ events: PollEvents) -> Bool {
    let events = events.intersection(self.events)
    return Processes.lock.withLock {
      let owner = file._withUnsafeGuaranteedRef { $0.asynchronousOwner }
      if owner.identifier > 0 {
        guard let process = Processes.findLocked(owner.identifier), owner.mayTell(process) else { return false }
        tell(process, owner, events)
      } else if owner.identifier < 0 {
        Processes.forEachLocked { process in
          if process.group == -owner.identifier, process.ending == nil, owner.mayTell(process) {
            tell(process, owner, events)
          }
        }
      }
      return false
    }
  }

  private func tell(_ process: Process, _ owner: AsynchronousOwner, _ events: PollEvents) {
    if let signal = Signal(rawValue: owner.signal) {
      let information = SignalInformation.ofFile(
        signal, reason: FileReadiness(isInput: events.contains(.input), isOutput: events.contains(.output)),
        descriptor: descriptor)
      // What cannot be queued becomes the signal that needs not be.
      if Signals.send(information, to: process) { return }
    }
    Signals.send(.fromKernel(.inputOutput), to: process)
  }

  // MARK: F_SETFL

  /// Sets or clears O_ASYNC of a file; nothing where it is as wanted, or where the file does not tell anybody.
  static func set(_ isOn: Bool, _ file: OpenFile, descriptor: Int32) throws(Errno) {
    guard let events = file.asynchronousEvents, let list = file.watchers else { return }
    let mutex = FileMutexes.position(of: file)
    mutex.acquire()
    defer { mutex.release() }
    guard isOn else {
      end(file)
      file.flags.remove(.asynchronous)
      return
    }
    // The flag does not tell: another thread that changes others may have written it back as it was before. A second
    // notice would leave the first one behind when the file ends.
    if file.asynchronousNotice != nil {
      file.flags.insert(.asynchronous)
      return
    }
    guard Frames.freeCount > Frames.reserve else { throw .outOfMemory }
    let usualOwner = file.usualAsynchronousOwner
    Processes.lock.withLock {
      if usualOwner != 0, file.asynchronousOwner.identifier == 0 { file.asynchronousOwner.set(usualOwner) }
    }
    let notice = AsynchronousNotice(file, list, descriptor: descriptor, events)
    file.asynchronousNotice = notice
    file.flags.insert(.asynchronous)
    list.add(notice)
  }

  /// The file tells nobody any more.
  static func end(_ file: OpenFile) {
    guard let notice = file.asynchronousNotice else { return }
    notice.list.remove(notice)
    file.asynchronousNotice = nil
  }
}
