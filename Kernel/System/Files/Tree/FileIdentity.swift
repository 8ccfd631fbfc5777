import Core
import Machine

/// Who asks for access to a file: the user and the groups that count for files (credentials(7)), and which checks
/// do not stop him (capabilities(7)).
struct FileIdentity {
  let user: UInt32
  let group: UInt32
  let capabilities: Capabilities

  /// The kernel's own.
  static var root: FileIdentity { FileIdentity(user: 0, group: 0, capabilities: .all) }

  /// That of the process that runs.
  static var current: FileIdentity {
    guard let process = Scheduler.current.pointee.process else { return root }
    process.lock.acquire()
    let identity = FileIdentity(
      user: process.attributes.credentials.user.fileSystem, group: process.attributes.credentials.group.fileSystem,
      capabilities: process.attributes.credentials.effective)
    process.lock.release()
    return identity
  }

  /// That of the process that runs, with its real user and group and what they may do (access(2)).
  static var currentReal: FileIdentity {
    let credentials = Scheduler.current.pointee.process!.credentials
    return FileIdentity(
      user: credentials.user.real, group: credentials.group.real,
      capabilities: credentials.user.real == 0 ? credentials.permitted : [])
  }

  @inline(__always)
  var overridesPermissions: Bool { capabilities.contains(.overridePermissions) }
  var mayChangeOwner: Bool { capabilities.contains(.changeOwner) }
  var keepsSetIDBits: Bool { capabilities.contains(.keepSetIDBits) }
  var mayMakeDevices: Bool { capabilities.contains(.makeDevices) }
  var mayAdministrate: Bool { capabilities.contains(.administration) }
  private var overridesOwner: Bool { capabilities.contains(.fileOwner) }
  /// CAP_DAC_READ_SEARCH
  private var overridesReading: Bool { capabilities.contains(.searchDirectories) }

  func isMember(of other: UInt32) -> Bool {
    group == other || Scheduler.current.pointee.process?.isInGroup(other) ?? false
  }

  /// Throws EACCES where the file's permissions do not grant an access.
  @inline(__always)
  func check(_ node: FileNode, _ access: FileAccess) throws(Errno) {
    if overridesPermissions, node.mode.isDirectory { return }
    try checkAll(node, access)
  }

  func mayRead(_ node: FileNode) -> Bool {
    do throws(Errno) { try check(node, .read) } catch { return false }
    return true
  }

  @inline(never)
  private func checkAll(_ node: FileNode, _ access: FileAccess) throws(Errno) {
    if access.isGranted(by: node.mode, isOwner: user == node.owner, isMember: { isMember(of: node.group) }) {
      return
    }
    if overridesPermissions, access.isGrantedToPrivileged(by: node.mode) { return }
    if overridesReading, access.isSubset(of: node.mode.isDirectory ? [.read, .execute] : .read) { return }
    if node.isOfCaller { return }
    throw .access
  }

  /// Whether the file is the asker's, or he may do as if it were.
  func owns(_ node: FileNode) -> Bool { user == node.owner || overridesOwner }

  /// Throws where an entry may not be taken out of a directory, since its sticky bit is set (inode(7)).
  func checkSticky(_ directory: FileNode, _ node: FileNode) throws(Errno) {
    if directory.mode.rawValue & FileMode.sticky == 0 || overridesOwner { return }
    guard user == node.owner || user == directory.owner else { throw .notPermitted }
  }
}

/// Changes of files' attributes.
enum FileAttributes {
  /// Guards modes, owners and groups against a change between a look at them and what is done on the strength of it:
  /// whoever may give a file the set-user-ID bit must not give it to the file of another owner, and who runs a file
  /// gets the owner who has the bit. Outside of a process's lock.
  nonisolated(unsafe) static var lock = SpinLock()

  /// A write takes the set-user-ID bit and, of files that the group may run, the set-group-ID bit away, unless the
  /// writer is privileged (inode(7)).
  @inline(__always)
  static func dropSetIDBits(of node: FileNode) {
    if node.mode.rawValue & (FileMode.setUser | FileMode.setGroup) != 0 { dropSetIDBitsNow(of: node) }
  }

  @inline(never)
  private static func dropSetIDBitsNow(of node: FileNode) {
    if FileIdentity.current.keepsSetIDBits { return }
    lock.withLock { node.mode = withoutSetIDBits(node.mode) }
  }

  static func withoutSetIDBits(_ mode: FileMode) -> FileMode {
    var rawValue = mode.rawValue & ~FileMode.setUser
    if rawValue & 0o010 != 0 { rawValue &= ~FileMode.setGroup }
    return FileMode(rawValue: rawValue)
  }
}
