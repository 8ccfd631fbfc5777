import Core
import Machine

/// A file system in memory: rootfs, tmpfs, ramfs and devtmpfs are such.
final class MemoryFileSystem: FileSystem, @unchecked Sendable {
  private let magic: UInt64
  /// What its files may have; nil for no bound but the memory's.
  let budget: PageBudget?

  init(typeName: StaticString, magic: UInt64, budget: PageBudget? = nil) {
    self.magic = magic
    self.budget = budget
    super.init(device: FileSystem.makeDevice(), typeName: typeName)
  }

  /// The entry of a new root directory.
  func makeRoot(permissions: UInt32) -> DirectoryEntry {
    let root = MemoryDirectory(
      fileSystem: self, number: makeNumber(), mode: .directory.with(permissions: permissions))
    root.stampNew()
    return DirectoryEntry(root: root)
  }

  /// What is cut when the file system is given up: its entries refer to each other both ways.
  private var keptRoot: MemoryDirectory?

  /// Has `release` take the whole tree apart.
  func keep(_ root: DirectoryEntry) { keptRoot = unsafeDowncast(root.node, to: MemoryDirectory.self) }

  override func release() {
    keptRoot?.clear()
    keptRoot = nil
  }

  /// Files take the kernel's own memory: enough of it has to be left.
  static func checkMemory() throws(Errno) {
    guard Frames.freeCount > Frames.reserve * 2 else { throw .noSpace }
  }

  override func makeNode(_ mode: FileMode, deviceNumber: UInt64) throws(Errno) -> FileNode {
    try Self.checkMemory()
    let node: FileNode
    switch mode.type {
    case .regular:
      node = MemoryFile(
        fileSystem: self, number: makeNumber(), mode: mode, budget: budget, isSealable: magic != MemoryMagic.ramfs)
    case .directory:
      node = MemoryDirectory(fileSystem: self, number: makeNumber(), mode: mode)
    case .fifo:
      guard let pipe = Pipe() else { throw .noSpace }
      node = PipeNode(pipe: pipe, fileSystem: self, number: makeNumber(), mode: mode)
    default:
      node = SpecialNode(fileSystem: self, number: makeNumber(), mode: mode, deviceNumber: deviceNumber)
    }
    node.stampNew()
    return node
  }

  override func makeLink(to target: ByteView) throws(Errno) -> FileNode {
    try Self.checkMemory()
    let node = try MemoryLink(fileSystem: self, number: makeNumber(), target: target)
    node.stampNew()
    return node
  }

  override var statistics: FileSystemStatistics {
    var statistics = FileSystemStatistics()
    statistics.magic = magic
    let half = UInt64(Frames.totalCount) / 2
    let used = budget?.used ?? 0
    // What has no bound of its own has what is there.
    let limit = budget.map { $0.limit == .max ? max(half, used) : $0.limit } ?? half
    statistics.blocks = limit
    statistics.freeBlocks = min(UInt64(Frames.freeCount), limit - min(used, limit))
    statistics.files = half
    statistics.freeFiles = statistics.freeBlocks
    return statistics
  }
}

extension FileNode {
  /// All times of a new file are now.
  func stampNew() {
    let now = FileTime.now
    accessTime = now
    modificationTime = now
    statusChangeTime = now
  }

  /// The contents have changed.
  func stampModified() {
    let now = FileTime.now
    modificationTime = now
    statusChangeTime = now
  }

  /// The contents have been read: the access time is brought up to date where it is older than the last change or
  /// than a day (mount(2), MS_RELATIME).
  @inline(__always)
  func stampAccessed() {
    if accessTime > modificationTime, accessTime > statusChangeTime { return }
    stampAccessedNow()
  }

  @inline(never)
  private func stampAccessedNow() { accessTime = max(FileTime.now, accessTime) }
}

/// The clock of files' times.
enum FileTime {
  /// Nanoseconds since 1970.
  static var now: Int64 { Int64(bitPattern: WallClock.nanoseconds) }
}
