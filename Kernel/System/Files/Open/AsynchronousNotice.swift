import Core
import Machine

/// Who is to hear of a file, and how: F_SETOWN and F_SETSIG (fcntl(2)). Under the lock of `Processes`.
struct AsynchronousOwner {
  /// Linux's F_OWNER_TID, F_OWNER_PID and F_OWNER_PGRP.
  enum Kind: UInt32 {
    case thread, process, group
  }

  private(set) var kind = Kind.process
  /// Of the thread, process or group; 0 for nobody. Once it has been given to another, that one is meant, while Linux
  /// tells nobody.
  private(set) var identifier: Int32 = 0
  /// The process of a thread.
  fileprivate private(set) var processIdentifier: Int32 = 0
  /// F_SETSIG's signal; 0 for SIGIO, which then tells nothing.
  var signal: UInt8 = 0
  /// Who has set the owner: whoever is told has to be somebody that he may signal.
  private var realUser: UInt32 = 0
  private var effectiveUser: UInt32 = 0

  /// The number that F_GETOWN gives.
  var signedIdentifier: Int32 { kind == .group ? -identifier : identifier }

  /// The current process sets the owner.
  ///
  /// - Parameter processIdentifier: the process of a thread that lives; nil where there is none.
  /// - Throws: ESRCH where there is nobody of the name.
  mutating func set(_ kind: Kind, _ identifier: Int32, processIdentifier: Int32?) throws(Errno) {
    if identifier != 0, processIdentifier == nil {
      var isFound = false
      Processes.forEachLocked { process in
        if process.identifier == identifier || process.group == identifier { isFound = true }
      }
      guard isFound else { throw .noProcess }
    }
    let user = Scheduler.current.pointee.process!.attributes.credentials.user
    self.kind = kind
    self.identifier = identifier
    self.processIdentifier = processIdentifier ?? identifier
    realUser = user.real
    effectiveUser = user.effective
  }

  fileprivate func mayTell(_ process: Process) -> Bool {
    let user = process.attributes.credentials.user
    return effectiveUser == 0 || effectiveUser == user.saved || effectiveUser == user.real
      || realUser == user.saved || realUser == user.real
  }
}

extension OpenFile {
  /// F_SETOWN and F_SETOWN_EX.
  ///
  /// - Throws: ESRCH where there is nobody of the name.
  final func setAsynchronousOwner(_ kind: AsynchronousOwner.Kind, _ identifier: Int32) throws(Errno) {
    let process = Threads.process(ofThread: identifier)?.identifier
    let wereEnabled = Processes.lock.acquire()
    defer { Processes.lock.release(wereEnabled) }
    try asynchronousOwner.set(kind, identifier, processIdentifier: process)
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
    Processes.lock.withLock {
      let owner = file._withUnsafeGuaranteedRef { $0.asynchronousOwner }
      if owner.identifier == 0 { return }
      if owner.kind == .group {
        Processes.forEachLocked { process in
          if process.group == owner.identifier, process.ending == nil { tell(process, owner, events) }
        }
      } else {
        let identifier = owner.kind == .thread ? owner.processIdentifier : owner.identifier
        if let process = Processes.findLocked(identifier) { tell(process, owner, events) }
      }
    }
    return false
  }

  private func tell(_ process: Process, _ owner: AsynchronousOwner, _ events: PollEvents) {
    guard owner.mayTell(process) else { return }
    if let signal = Signal(rawValue: owner.signal) {
      let reason = FileReadiness(isInput: events.contains(.input), isOutput: events.contains(.output))
      // What cannot be queued becomes the signal that needs not be.
      if send(.ofFile(signal, reason: reason, descriptor: descriptor), process, owner) { return }
    }
    _ = send(.fromKernel(.inputOutput), process, owner)
  }

  private func send(_ information: SignalInformation, _ process: Process, _ owner: AsynchronousOwner) -> Bool {
    guard owner.kind == .thread else { return Signals.send(information, to: process) }
    return Signals.send(information, to: process, thread: owner.identifier) ?? true
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
    if let (kind, identifier) = file.usualAsynchronousOwner,
      Processes.lock.withLock({ file.asynchronousOwner.identifier }) == 0
    {
      // A group may have ended meanwhile: then there is nobody to tell.
      do throws(Errno) { try file.setAsynchronousOwner(kind, identifier) } catch {}
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
