import Core
import Machine

/// open(2)'s flags, with Linux's x86-64 values.
struct OpenFlags: OptionSet, Sendable {
  let rawValue: UInt32

  init(rawValue: UInt32) { self.rawValue = rawValue }

  static var writeOnly: OpenFlags { OpenFlags(rawValue: 0o1) }
  static var readWrite: OpenFlags { OpenFlags(rawValue: 0o2) }
  static var create: OpenFlags { OpenFlags(rawValue: 0o100) }
  static var exclusive: OpenFlags { OpenFlags(rawValue: 0o200) }
  static var noControllingTerminal: OpenFlags { OpenFlags(rawValue: 0o400) }
  static var truncate: OpenFlags { OpenFlags(rawValue: 0o1000) }
  static var append: OpenFlags { OpenFlags(rawValue: 0o2000) }
  static var nonBlocking: OpenFlags { OpenFlags(rawValue: 0o4000) }
  static var dataSynchronous: OpenFlags { OpenFlags(rawValue: 0o10000) }
  static var asynchronous: OpenFlags { OpenFlags(rawValue: 0o20000) }
  static var direct: OpenFlags { OpenFlags(rawValue: 0o40000) }
  static var largeFile: OpenFlags { OpenFlags(rawValue: 0o100000) }
  static var directory: OpenFlags { OpenFlags(rawValue: 0o200000) }
  static var noFollow: OpenFlags { OpenFlags(rawValue: 0o400000) }
  static var noAccessTime: OpenFlags { OpenFlags(rawValue: 0o1000000) }
  static var closeOnExec: OpenFlags { OpenFlags(rawValue: 0o2000000) }
  static var path: OpenFlags { OpenFlags(rawValue: 0o10000000) }
  /// O_TMPFILE, without the O_DIRECTORY that goes with it.
  static var temporary: OpenFlags { OpenFlags(rawValue: 0o20000000) }
  /// The access mode.
  static var accessMode: OpenFlags { OpenFlags(rawValue: 3) }

  var isReadable: Bool { rawValue & 3 == 0 || rawValue & 3 == 2 }
  var isWritable: Bool { rawValue & 3 == 1 || rawValue & 3 == 2 }
}

/// poll(2)'s events, which are epoll's too.
struct PollEvents: OptionSet, Sendable {
  let rawValue: UInt32

  init(rawValue: UInt32) { self.rawValue = rawValue }

  static var input: PollEvents { PollEvents(rawValue: 0x1) }  // POLLIN
  static var priority: PollEvents { PollEvents(rawValue: 0x2) }  // POLLPRI
  static var output: PollEvents { PollEvents(rawValue: 0x4) }  // POLLOUT
  static var error: PollEvents { PollEvents(rawValue: 0x8) }  // POLLERR
  static var hangUp: PollEvents { PollEvents(rawValue: 0x10) }  // POLLHUP
  static var invalid: PollEvents { PollEvents(rawValue: 0x20) }  // POLLNVAL
  static var inputNormal: PollEvents { PollEvents(rawValue: 0x40) }  // POLLRDNORM
  static var outputNormal: PollEvents { PollEvents(rawValue: 0x100) }  // POLLWRNORM
  static var readHangUp: PollEvents { PollEvents(rawValue: 0x2000) }  // POLLRDHUP
  static var all: PollEvents { PollEvents(rawValue: 0xFFFF) }
}

/// An open file description (open(2), Notes): what descriptors refer to. Shared by those that dup and fork make.
///
/// Its end, once no descriptor and no running call refers to it, is `deinit`: a subclass that has something to
/// tell (a pipe's other end) does so there. So nobody drops a reference with a spin lock held.
///
/// All methods run in a thread that holds no spin lock: they may sleep and touch user memory.
public class OpenFile: @unchecked Sendable {
  /// What fstat(2) looks at.
  let node: FileNode
  /// Where it was opened; nil for what has no place in the tree of files. Set once, before a descriptor is made.
  var location: Path?
  /// The access mode and the status flags that F_GETFL gives. F_SETFL changes some.
  var flags: OpenFlags
  /// Who hears of O_ASYNC's events.
  final var asynchronousOwner = AsynchronousOwner()
  /// What tells him; nil without O_ASYNC. Under the mutex of the position.
  final var asynchronousNotice: AsynchronousNotice?
  /// Whether the open file may own locks.
  var mayOwnLocks = false
  /// Whether `descriptorClosed` is to be called.
  final var hearsOfClosing = false
  /// Where the next read or write begins, of files that have a position.
  var offset: Int64 = 0

  init(node: FileNode, flags: OpenFlags) {
    self.node = node
    self.flags = flags
  }

  var isNonBlocking: Bool { flags.contains(.nonBlocking) }

  /// read(2) and its kin. The descriptor has been seen to be readable.
  ///
  /// - Parameter position: pread(2)'s offset; nil for the file's own, which then moves.
  /// - Returns: how many bytes were put into `buffer`; 0 at the end of the file.
  func read(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int { throw .invalid }

  /// write(2) and its kin. The descriptor has been seen to be writable.
  func write(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int { throw .invalid }

  /// pwritev2(2) with RWF_APPEND: at the end, whatever the position.
  ///
  /// - Parameter position: nil where the file's own moves; what is written lies at the end in any case.
  func append(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int {
    try write(&buffer, at: position)
  }

  /// Whether it has no such transfer at all. Asked where there is nothing to transfer, or no place for it.
  func refusesTransfer(reading: Bool) -> Bool { false }

  /// lseek(2). Files without a position answer ESPIPE.
  func seek(_ offset: Int64, _ whence: Int32) throws(Errno) -> Int64 { throw .illegalSeek }

  /// getdents64(2): lists what follows the offset.
  func readDirectory(into listing: inout DirectoryListing) throws(Errno) { throw .notDirectory }

  /// Whether pread(2) and pwrite(2) work.
  var hasPosition: Bool { false }

  /// ioctl(2)
  func control(_ request: UInt32, _ argument: UInt64) throws(Errno) -> Int64 { throw .notTerminal }

  /// What mmap(2) maps of the file. The access has been seen to be allowed.
  ///
  /// - Parameters:
  ///   - size: in bytes, whole pages.
  ///   - isShared: whether writes are to be seen by others.
  func memory(size: UInt64, isShared: Bool) throws(Errno) -> MappedMemory {
    guard let store = node.pages else { throw .noDevice }
    return .source(MappedSource(store: store, file: self))
  }

  /// A new address space maps the file too: a copy of one that did. With locks of both held.
  func mappingIsCopied() {}

  /// An address space has unmapped a part of the file that counts as an attachment (`RegionAttributes.segment`). With its
  /// lock held.
  func regionIsRemoved() {}

  /// An address space does not map the file any more.
  func mappingIsEnded() {}

  /// Whether no shared mapping may be written (F_SEAL_WRITE).
  var refusesSharedWrites: Bool { false }

  /// Has the file not be written for as long as this open file lives, or until `allowWriting`: a program that is run
  /// from it.
  ///
  /// - Throws: ETXTBSY where somebody has it open for writing.
  func denyWriting() throws(Errno) {}
  func allowWriting() {}

  /// fcntl(2)'s commands that only some kinds of files know: F_SETPIPE_SZ, F_ADD_SEALS and the like.
  /// Linux has an error of its own for files that are of another kind.
  func manipulate(_ command: UInt32, _ argument: UInt64) throws(Errno) -> Int64 {
    switch command {
    case 1031, 1032: throw .badFile  // F_SETPIPE_SZ, F_GETPIPE_SZ
    case 1033: throw flags.isWritable ? .invalid : .notPermitted  // F_ADD_SEALS
    default: throw .invalid
    }
  }

  /// Puts what /proc calls a file that has a path of its own though nobody can look it up.
  ///
  /// - Returns: false where there is none.
  func putAnonymousPath(_ text: inout TextBuffer) -> Bool { false }

  /// What /proc calls a file that is in no file system, without `anon_inode:`; empty where it has a number instead.
  var anonymousName: StaticString { "" }

  /// Whether splice(2) moves bytes out of it or into it: not where what a read gives is no part of a stream.
  final var isSplicable: Bool { anonymousName.utf8CodeUnitCount == 0 && !node.mode.isDirectory }

  /// A process has closed a descriptor of it, and may have others: called where `hearsOfClosing`.
  func descriptorClosed() {}

  /// What could be done now without waiting (poll(2)).
  func poll() -> PollEvents { [.input, .output, .inputNormal, .outputNormal] }

  /// Tells of changes of what `poll` says; nil for files that are always ready.
  var readiness: Readiness? { nil }

  /// The same for files that have no `Readiness` because they see to their waiting threads themselves.
  var watchers: WatcherList? { readiness?.watchers }

  /// What O_ASYNC tells of; nil for files that it means nothing to.
  var asynchronousEvents: PollEvents? { nil }
  /// Who hears of it where no owner was set before; nil for nobody.
  var usualAsynchronousOwner: (AsynchronousOwner.Kind, Int32)? { nil }

  /// Itself, of an end of a pipe or FIFO.
  var pipeEnd: PipeFile? { nil }
  /// Itself, of an epoll instance.
  var epoll: Epoll? { nil }
  /// Itself, of a timerfd.
  var timer: TimerFile? { nil }
  /// Itself, of a signalfd.
  var signals: SignalFile? { nil }
  /// Itself, of a pidfd.
  var processHandle: ProcessHandle? { nil }
  /// Itself, of a message queue.
  var messageQueue: MessageQueueFile? { nil }
  /// Itself, of a socket.
  var socket: Socket? { nil }
  /// The epoll items that watch it, under the lock of all `EpollLinks`.
  final var epollLinks: EpollLinks?

  deinit {
    check(cpuPreemptionDisabled() == 0, "a file ends while a spin lock is held")
    if asynchronousNotice != nil { AsynchronousNotice.end(self) }
    epollLinks?.fileEnded()
    if mayOwnLocks { FileLocks.releaseLocks(of: self) }
  }
}
