/// Who may do what with a System V object (sysvipc(7), "Resource access permissions").
public struct InterProcessPermissions: Equatable, Sendable {
  public var owner: UInt32
  public var group: UInt32
  public let creator: UInt32
  public let creatorGroup: UInt32
  /// The nine bits of permissions, and above them what the kind of object keeps there.
  public var mode: UInt32

  public static var read: UInt32 { 0o444 }
  public static var write: UInt32 { 0o222 }

  /// A new object's.
  public init(user: UInt32, group: UInt32, mode: UInt32) {
    owner = user
    creator = user
    self.group = group
    creatorGroup = group
    self.mode = mode & 0o777
  }

  /// Whether the permissions grant an access to a user without capabilities.
  ///
  /// - Parameters:
  ///   - wanted: permissions as a mode has them, for the owner, the group or others: all mean the same here.
  ///   - isMember: whether the user is in a group.
  public func grant(_ wanted: UInt32, to user: UInt32, isMember: (UInt32) -> Bool) -> Bool {
    let requested = (wanted >> 6 | wanted >> 3 | wanted) & 7
    var granted = mode
    if isOwner(user) {
      granted >>= 6
    } else if isMember(creatorGroup) || isMember(group) {
      granted >>= 3
    }
    return requested & ~granted == 0
  }

  /// Whether a user may change or remove the object.
  public func isOwner(_ user: UInt32) -> Bool { user == owner || user == creator }

  /// Takes over another owner, group and permissions (IPC_SET).
  ///
  /// - Returns: false where one of them is no identifier.
  public mutating func set(owner: UInt32, group: UInt32, mode: UInt32) -> Bool {
    guard owner != .max, group != .max else { return false }
    self.owner = owner
    self.group = group
    self.mode = self.mode & ~0o777 | mode & 0o777
    return true
  }
}
