import Core
import Machine

/// Mounting.
extension SystemCalls {
  /// mount(2)'s flags that say what to do, with Linux's values.
  private enum MountRequest {
    static var remount: UInt64 { 0x20 }
    static var bind: UInt64 { 0x1000 }
    static var move: UInt64 { 0x2000 }
    static var recursive: UInt64 { 0x4000 }
    /// MS_UNBINDABLE, MS_PRIVATE, MS_SLAVE, MS_SHARED
    static var propagation: UInt64 { 0x1E_0000 }
  }

  /// mount(2)
  static func mount(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    var flags = arguments.fourth
    if flags & 0xFFFF_0000 == 0xC0ED_0000 { flags &= 0xFFFF }
    let kept = MountFlags(rawValue: flags).intersection(.kept)
    let target = try find(AtFlags.workingDirectoryArgument, arguments.second)
    guard FileIdentity.current.mayAdministrate else { throw .notPermitted }
    FileTree.changes.acquire()
    defer { FileTree.changes.release() }
    // From here on nobody removes it; before that somebody may have.
    if target.entry.hasBeenRemoved { throw .noEntry }
    if flags & MountRequest.remount != 0 {
      guard target.node === target.mount.root.node else { throw .invalid }
      target.mount.flags = kept
      return 0
    }
    if flags & MountRequest.bind != 0 {
      guard arguments.first != 0 else { throw .invalid }
      let source = try find(AtFlags.workingDirectoryArgument, arguments.first)
      guard source.node.mode.isDirectory == target.node.mode.isDirectory else { throw .notDirectory }
      let mount = try Mount(
        root: source.entry, source: source.mount.source.name, flags: source.mount.flags)
      try Mounts.add(mount, on: target)
      if flags & MountRequest.recursive != 0 { try Mounts.copy(below: source, to: mount) }
      return 0
    }
    if flags & MountRequest.propagation != 0 {
      // There is one tree of mounts, of which nothing is passed on.
      guard target.node === target.mount.root.node else { throw .invalid }
      return 0
    }
    if flags & MountRequest.move != 0 {
      guard arguments.first != 0 else { throw .invalid }
      try move(try find(AtFlags.workingDirectoryArgument, arguments.first), to: target)
      return 0
    }
    guard arguments.third != 0 else { throw .invalid }
    let typeName = try UserPath(arguments.third)
    let source = try mountSource(arguments.first)
    let options = try MountOptions(arguments.fifth)
    guard target.node.mode.isDirectory else { throw .notDirectory }
    let root = try FileSystemTypes.makeRoot(typeName.view, options)
    guard root.node !== target.node else { throw .busy }
    try Mounts.add(Mount(root: root, source: source.view, flags: kept), on: target)
    return 0
  }

  private static func mountSource(_ address: UInt64) throws(Errno) -> UserPath {
    if address == 0 { return try UserPath(literal: "none") }
    return try UserPath(address)
  }

  private static func move(_ source: Path, to target: Path) throws(Errno) {
    guard source.node === source.mount.root.node, source.node.mode.isDirectory == target.node.mode.isDirectory else {
      throw .invalid
    }
    // Not into itself.
    var next: Path? = target
    while let place = next {
      if place.mount === source.mount { throw .tooManySymbolicLinks }
      next = Mounts.point(of: place.mount)
    }
    try Mounts.move(source.mount, to: target)
  }

  /// umount2(2): MNT_FORCE, MNT_DETACH, MNT_EXPIRE, UMOUNT_NOFOLLOW
  static func umount2(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let flags = UInt32(truncatingIfNeeded: arguments.second)
    guard flags & ~0xF == 0, flags & 4 == 0 || flags & 3 == 0 else { throw .invalid }
    let identifier = try mountIdentifier(arguments.first, followsLast: flags & 8 == 0)
    FileTree.changes.acquire()
    defer { FileTree.changes.release() }
    try Mounts.remove(identifier, isLazy: flags & 2 != 0)
    return 0
  }

  /// In a function of its own: the path that it finds uses the mount as long as it is there.
  @inline(never)
  private static func mountIdentifier(_ address: UInt64, followsLast: Bool) throws(Errno) -> UInt64 {
    let path = try find(AtFlags.workingDirectoryArgument, address, followsLast: followsLast)
    guard FileIdentity.current.mayAdministrate else { throw .notPermitted }
    guard path.node === path.mount.root.node else { throw .invalid }
    return path.mount.identifier
  }

  /// Whether a mount is another one or lies in it, over whatever is in between.
  private static func isReached(_ mount: Mount, from other: Mount) -> Bool {
    var next: Mount? = mount
    while let candidate = next {
      if candidate === other { return true }
      next = Mounts.point(of: candidate)?.mount
    }
    return false
  }

  /// pivot_root(2): as on Linux not from the first file system of all, which is what programs have here.
  static func pivot_root(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let new = try find(AtFlags.workingDirectoryArgument, arguments.first)
    let old = try find(AtFlags.workingDirectoryArgument, arguments.second)
    guard FileIdentity.current.mayAdministrate else { throw .notPermitted }
    guard new.node.mode.isDirectory, old.node.mode.isDirectory else { throw .notDirectory }
    FileTree.changes.acquire()
    defer { FileTree.changes.release() }
    if new.entry.hasBeenRemoved || old.entry.hasBeenRemoved { throw .noEntry }
    let root = fileSystem.root
    if new.mount === root.mount || old.mount === root.mount { throw .busy }
    guard root.node === root.mount.root.node, let point = Mounts.point(of: root.mount),
      new.node === new.mount.root.node
    else { throw .invalid }
    // Else the two would only be reached from each other.
    guard isReached(old.mount, from: new.mount), isReached(new.mount, from: root.mount) else { throw .invalid }
    try Mounts.move(root.mount, to: old)
    try Mounts.move(new.mount, to: point)
    let context = fileSystem
    if context.workingDirectory.isSame(as: root) { context.workingDirectory = new }
    context.root = new
    return 0
  }
}
