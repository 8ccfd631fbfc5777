import Core
import Machine

/// The tree of files as a path leads through it, for whoever asks.
struct PathLookup: PathTree {
  let root: Path
  let identity: FileIdentity

  @inline(__always)
  func isSymbolicLink(_ place: Path) -> Bool { place.node.mode.isSymbolicLink }

  @inline(__always)
  func isDirectory(_ place: Path) -> Bool { place.node.mode.isDirectory }

  @inline(__always)
  func checkSearch(_ place: Path) throws(Errno) {
    guard place.node.mode.isDirectory else { throw .notDirectory }
    try identity.check(place.node, .execute)
  }

  @inline(__always)
  func child(of directory: Path, named name: ByteView) throws(Errno) -> Path {
    let entry = try directory.node.entry(named: name, in: directory.entry)
    let place = Path(directory.mount, entry)
    return entry.node.mountCount == 0 ? place : Mounts.top(of: place)
  }

  func parent(of directory: Path) throws(Errno) -> Path {
    var place = directory
    while true {
      if place.isSame(as: root) { return place }
      if place.entry.node === place.mount.root.node {
        guard let point = Mounts.point(of: place.mount) else { return place }
        place = point
        continue
      }
      guard let parent = place.entry.parent else { return place }
      return Mounts.top(of: Path(place.mount, parent))
    }
  }

  func target(of link: Path, into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> PathTarget<Path> {
    link.node.stampAccessed()
    if let path = try link.node.linkedPath() { return .place(path) }
    return .text(count: try link.node.readLink(into: buffer))
  }

  func areSame(_ first: Path, _ second: Path) -> Bool { first.isSame(as: second) }
  func areOnSameMount(_ first: Path, _ second: Path) -> Bool { first.mount === second.mount }

  func allocate(_ count: Int) -> UnsafeMutableRawPointer? { KernelHeap.allocate(size: count, alignment: 8) }
  func free(_ memory: UnsafeMutableRawPointer) { KernelHeap.deallocate(memory) }
}

/// The text of a path, from a process's root directory on.
enum PathText {
  /// What a path is called.
  struct Result {
    /// Where in the buffer the text is: it ends with the buffer.
    var start: Int
    /// Whether the file can be reached from the root directory.
    var isReachable: Bool
    /// Whether its name has been removed.
    var isRemoved: Bool
  }

  /// Writes the absolute path of a file to the end of a buffer.
  ///
  /// - Throws: ENAMETOOLONG where the buffer is too small.
  static func write(
    _ path: Path, from root: Path, into buffer: UnsafeMutableRawBufferPointer
  ) throws(Errno) -> Result {
    var result = Result(start: buffer.count, isReachable: true, isRemoved: false)
    var place = path
    var isFirst = true
    while !place.isSame(as: root) {
      if place.entry === place.mount.root || place.entry.node === place.mount.root.node {
        guard let point = Mounts.point(of: place.mount) else {
          result.isReachable = place.mount === root.mount && root.entry === place.mount.root
          break
        }
        place = point
        continue
      }
      // The name is copied with the lock held: a rename may free it.
      var parent: DirectoryEntry?
      let fits: Bool = DirectoryEntry.ties.withLock {
        if isFirst { result.isRemoved = place.entry.isRemovedWithTiesHeld }
        parent = place.entry.parentWithTiesHeld
        let name = place.entry.name
        guard let bytes = name.base, name.count < result.start else { return false }
        result.start -= name.count
        (buffer.baseAddress! + result.start).copyMemory(from: bytes, byteCount: name.count)
        result.start -= 1
        buffer[result.start] = UInt8(ascii: "/")
        return true
      }
      guard fits else { throw .nameTooLong }
      isFirst = false
      guard let parent else { break }
      place = Path(place.mount, parent)
    }
    if result.start == buffer.count {
      guard buffer.count > 0 else { throw .nameTooLong }
      result.start -= 1
      buffer[result.start] = UInt8(ascii: "/")
    }
    return result
  }

  /// Copies a file's absolute path to the start of a buffer, as links of /proc show it.
  ///
  /// - Returns: its length.
  static func copy(_ path: Path, into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
    guard let base = buffer.baseAddress else { throw .nameTooLong }
    let root = Scheduler.current.pointee.process?.fileSystem.root ?? RootFileSystem.root
    let result = try write(path, from: root, into: buffer)
    var count = buffer.count - result.start
    base.copyMemory(from: base + result.start, byteCount: count)
    let suffix = ByteView(" (deleted)")
    if result.isRemoved, buffer.count - count >= suffix.count {
      (base + count).copyMemory(from: suffix.base!, byteCount: suffix.count)
      count += suffix.count
    }
    return count
  }
}
