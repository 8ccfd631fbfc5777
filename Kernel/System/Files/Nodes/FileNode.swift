import Core
import Machine

/// A file as the file system knows it: Linux's inode. One object for each file, however many names it has.
///
/// The base class refuses every operation with the errno that Linux gives for a file of another kind; each kind
/// overrides what it can. Kept alive by its directory entries, open files and mappings.
///
/// All methods run in a thread that holds no spin lock: they may sleep and touch user memory. The attributes are
/// words that may be read at any time; `linkCount` changes under `FileTree.changes`.
public class FileNode: @unchecked Sendable {
  /// Where the file lives: its device number and what can be done there.
  let fileSystem: FileSystem
  /// The inode number, unique in `fileSystem`.
  let number: UInt64
  /// The file's type and permissions as st_mode has them (inode(7)).
  var mode: FileMode
  var owner: UInt32 = 0
  var group: UInt32 = 0
  var linkCount: UInt32 = 1
  /// Nanoseconds of the real-time clock since 1970.
  var accessTime: Int64 = 0
  var modificationTime: Int64 = 0
  var statusChangeTime: Int64 = 0
  /// Whether the file has been made without a name and may get one (O_TMPFILE).
  var isTemporary = false
  /// Whether processes have had record locks on it, which closing a descriptor of it ends.
  var mayHaveRecordLocks = false
  /// How many mounts there are on the file, under the lock of `Mounts`. Where it is 0 no lookup asks for one.
  var mountCount: Int32 = 0
  /// What another part of the kernel keeps with the file while it is in use: a FIFO's pipe, a socket that is bound
  /// to it. Whose it is says what guards it.
  var attachment: NodeAttachment?

  init(fileSystem: FileSystem, number: UInt64, mode: FileMode) {
    self.fileSystem = fileSystem
    self.number = number
    self.mode = mode
  }

  /// st_size: bytes of a regular file, length of a symbolic link's target.
  var size: Int64 { 0 }
  /// st_rdev: which device a device node stands for (makedev(3), Linux's encoding).
  var deviceNumber: UInt64 { 0 }
  /// st_blocks: what the file takes, in units of 512 bytes.
  var blockCount: Int64 { 0 }
  /// The contents as pages, of files that have them so: for mmap(2) and exec.
  var pages: PageStore? { nil }
  /// The process whose directory in /proc it is.
  var shownProcess: Process? { nil }
  /// What memfd_create(2) was given for it; nil for others.
  var givenName: ByteView? { nil }

  /// Whether it is the running process's own, open to it whatever the permissions say: its descriptors under /proc.
  var isOfCaller: Bool { false }

  /// Throws ETXTBSY where the file is a program that runs.
  func checkIsNotRunning() throws(Errno) {}

  /// Makes an open file of it (open(2)), once permissions have been checked; `O_TRUNC` is seen to afterwards.
  func open(_ flags: OpenFlags) throws(Errno) -> OpenFile { throw .noSuchDeviceOrAddress }

  /// Reads bytes into kernel memory: for exec and the kernel's own use.
  ///
  /// - Returns: how many; fewer than asked for only at the end of the file.
  func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int { throw .invalid }

  /// truncate(2). Whether the caller may has been seen to.
  func truncate(to size: Int64) throws(Errno) { throw .invalid }

  /// fallocate(2). Whether the caller may has been seen to.
  func allocate(_ range: Range<UInt64>, _ mode: FileAllocationMode) throws(Errno) { throw .notSupported }

  /// Throws where mode, owner or times of the file may be changed by nobody.
  func checkAttributesAreChangeable() throws(Errno) {}

  // MARK: Directories

  /// The entry with this name, which is neither `.` nor `..`: of directories that make their files as they are
  /// asked for.
  func lookUp(_ name: ByteView) throws(Errno) -> FileNode { throw mode.isDirectory ? .noEntry : .notDirectory }

  /// The entry with this name, which is neither `.` nor `..`.
  ///
  /// - Parameter directory: an entry for this directory.
  func entry(named name: ByteView, in directory: DirectoryEntry) throws(Errno) -> DirectoryEntry {
    // Whoever makes it its working directory keeps what is made here, and the ways to it.
    guard Frames.freeCount > Frames.reserve / 2 else { throw .outOfMemory }
    return try DirectoryEntry(name: name, node: lookUp(name), parent: directory)
  }

  /// Lists the entries but `.` and `..`, until there is no more room.
  ///
  /// - Parameter position: of the first one: 2, or as an entry before was listed with, which is above that.
  func list(from position: Int64, into listing: inout DirectoryListing) throws(Errno) { throw .notDirectory }

  /// Takes in an entry whose name is not there. `FileTree.changes` is held.
  func insert(_ entry: DirectoryEntry) throws(Errno) { throw .notPermitted }

  /// Takes an entry out. `FileTree.changes` is held.
  func remove(_ entry: DirectoryEntry) throws(Errno) { throw .notPermitted }

  /// Moves an entry to another directory or name, or to both, in the place of `replaced`, if there is one: nobody
  /// finds both names or neither. `FileTree.changes` is held.
  func move(
    _ entry: DirectoryEntry, to target: DirectoryEntry, named name: ByteView, replacing replaced: DirectoryEntry?
  ) throws(Errno) { throw .notPermitted }

  /// Has two entries change places. `FileTree.changes` is held.
  func exchange(_ first: DirectoryEntry, with second: DirectoryEntry) throws(Errno) { throw .invalid }

  /// Whether a directory has no entries but `.` and `..`.
  var isEmptyDirectory: Bool { false }
  /// Whether it takes no new entries, since it has been removed. `FileTree.changes` is held.
  var isRemovedDirectory: Bool { false }
  /// A directory has been removed: it takes no new entries. `FileTree.changes` is held.
  func markRemoved() {}

  // MARK: Symbolic links

  /// The target, copied into a buffer of PATH_MAX bytes (readlink(2)).
  ///
  /// - Returns: its length.
  func readLink(into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int { throw .invalid }

  /// Where a link of /proc leads that names no path but a file; nil for all others, whose text is followed.
  func linkedPath() throws(Errno) -> Path? { nil }
}

/// What another part of the kernel keeps with a file node: a base to derive from.
class NodeAttachment: @unchecked Sendable {
  init() {}
}

/// What fallocate(2) is to do.
enum FileAllocationMode {
  case extend
  case keepSize
  case punchHole

  /// - Returns: nil for what only other file systems can do.
  /// - Throws: EOPNOTSUPP for flags that are not known, or not together; EINVAL.
  static func decode(_ flags: UInt32) throws(Errno) -> FileAllocationMode? {
    let keepSize: UInt32 = 1, punchHole: UInt32 = 2, collapse: UInt32 = 8, zero: UInt32 = 0x10
    let insert: UInt32 = 0x20, unshare: UInt32 = 0x40
    guard flags & ~(keepSize | punchHole | collapse | zero | insert | unshare) == 0 else { throw .notSupported }
    let makesHole = flags & punchHole != 0
    if makesHole, flags & zero != 0 || flags & keepSize == 0 { throw .notSupported }
    for alone in [collapse, insert] where flags & alone != 0 && flags != alone { throw .invalid }
    if flags & unshare != 0, flags & ~(unshare | keepSize) != 0 { throw .invalid }
    if flags & (collapse | zero | insert | unshare) != 0 { return nil }
    return makesHole ? .punchHole : flags & keepSize != 0 ? .keepSize : .extend
  }
}
