import Core
import Machine

/// Makes the files of a cpio archive, over what is there already, as Linux does with its initial file system: an
/// entry takes the place of one of another type; a directory that is there keeps its entries; what cannot be made,
/// since its directory is missing, is left out.
struct ArchiveUnpacker {
  private let archive: ByteView
  private let root = RootFileSystem.root
  private let lookup: PathLookup
  /// Files of which the archive has announced several names.
  private var linked: [Linked] = []
  /// The times of directories, which they get last.
  private var directories: [(node: FileNode, time: Int64)] = []

  private struct Linked {
    var inode: UInt32
    var device: UInt64
    var type: UInt32
    var path: Path
  }

  init(_ archive: ByteView) {
    self.archive = archive
    lookup = PathLookup(root: root, identity: .root)
  }

  /// Makes the files.
  ///
  /// A damaged archive is named with its fault; the entries before the damage stay.
  mutating func unpack() {
    var reader = CPIOArchive(archive)
    var count = 0
    do throws(CPIOError) {
      while let entry = try reader.next() {
        count += 1
        do throws(Errno) {
          try add(entry)
        } catch {
          if error == .noSpace || error == .outOfMemory {
            log("initrd.cpio: no memory for \(entry.name.bytes); give the machine more, or make the archive smaller")
            break
          }
        }
      }
      if count == 0 { log("initrd.cpio is empty; build it anew") }
    } catch {
      log("initrd.cpio is damaged after \(count) entries: \(error.message); build it anew")
    }
    // Now that nothing is made any more, directories get their times.
    for directory in directories {
      directory.node.accessTime = directory.time
      directory.node.modificationTime = directory.time
    }
  }

  private func find(_ name: ByteView) -> Path? {
    if name.isEmpty { return root }
    do throws(Errno) {
      return try FileTree.find(name, from: root, lookup, followsLast: false)
    } catch {
      return nil
    }
  }

  private mutating func add(_ entry: CPIOEntry) throws(Errno) {
    let mode = FileMode(rawValue: entry.mode & 0xFFFF)
    switch mode.type {
    case .directory:
      if !entry.name.isEmpty { try clear(entry.name, for: mode) }
      let path = try findOrMake(entry, mode)
      setAttributes(of: path, entry)
      directories.append((path.node, Int64(entry.mtime) * 1_000_000_000))
    case .symbolicLink:
      try clear(entry.name, for: nil)
      guard entry.data.count < PathLimits.path else { throw .nameTooLong }
      let path = try FileTree.makeLink(to: entry.data, entry.name, from: root, lookup)
      path.node.owner = entry.uid
      path.node.group = entry.gid
      setTimes(of: path.node, entry)
    case .regular, .characterDevice, .blockDevice, .fifo, .socket:
      try clear(entry.name, for: mode)
      let path = try link(entry, mode)
      if mode.isRegular, entry.data.count > 0 || entry.nlink < 2 {
        try write(entry.data, to: path.node)
      }
      setAttributes(of: path, entry)
    default: break
    }
  }

  /// The file of an entry: one that is there, one that the archive has named before, or a new one.
  private mutating func link(_ entry: CPIOEntry, _ mode: FileMode) throws(Errno) -> Path {
    let device = UInt64(entry.deviceMajor) << 32 | UInt64(entry.deviceMinor)
    let isLinked = entry.nlink >= 2 && mode.type != .directory
    if isLinked {
      for known in linked.reversed()
      where known.inode == entry.inode && known.device == device && known.type == mode.type.rawValue {
        if let path = find(entry.name) {
          if path.node === known.path.node { return path }
          try FileTree.unlink(entry.name, from: root, lookup)
        }
        try FileTree.link(known.path, to: entry.name, from: root, lookup)
        return known.path
      }
    }
    let path = try findOrMake(entry, mode)
    if isLinked {
      linked.append(Linked(inode: entry.inode, device: device, type: mode.type.rawValue, path: path))
    }
    return path
  }

  private func findOrMake(_ entry: CPIOEntry, _ mode: FileMode) throws(Errno) -> Path {
    if let path = find(entry.name) { return path }
    return try make(entry, mode)
  }

  private func make(_ entry: CPIOEntry, _ mode: FileMode) throws(Errno) -> Path {
    try FileTree.makeNode(
      entry.name, from: root, lookup, mode: mode,
      deviceNumber: mode.isDevice ? DeviceNumber(major: entry.rdevMajor, minor: entry.rdevMinor).rawValue : 0)
  }

  /// Removes what an entry cannot use: a file of another type, or any for nil.
  private func clear(_ name: ByteView, for mode: FileMode?) throws(Errno) {
    guard let path = find(name), path.node.mode.type != mode?.type else { return }
    if path.node.mode.isDirectory {
      try FileTree.removeDirectory(name, from: root, lookup)
    } else {
      try FileTree.unlink(name, from: root, lookup)
    }
  }

  private func write(_ data: ByteView, to node: FileNode) throws(Errno) {
    guard let store = node.pages else { return }
    try store.truncate(to: 0)
    var done = 0
    while done < data.count {
      let rest = UnsafeRawBufferPointer(rebasing: data.bytes[done...])
      let count = try store.write(at: UInt64(done), from: rest)
      guard count > 0 else { throw .noSpace }
      done += count
    }
  }

  private func setAttributes(of path: Path, _ entry: CPIOEntry) {
    let node = path.node
    node.mode = node.mode.with(permissions: entry.mode)
    node.owner = entry.uid
    node.group = entry.gid
    setTimes(of: node, entry)
  }

  private func setTimes(of node: FileNode, _ entry: CPIOEntry) {
    let time = Int64(entry.mtime) * 1_000_000_000
    node.accessTime = time
    node.modificationTime = time
  }
}
