/// Who a process is, and what it may do (credentials(7), capabilities(7)). The supplementary groups are kept
/// beside.
///
/// Each method that changes something follows the manual page of its name and answers whether it was
/// permitted; nothing has changed otherwise.
public struct Credentials: Equatable, Sendable {
  /// Real, effective, saved and file-system identifier, of the user or of the group.
  public struct Identifiers: Equatable, Sendable {
    public var real, effective, saved, fileSystem: UInt32

    public init(all identifier: UInt32) {
      real = identifier
      effective = identifier
      saved = identifier
      fileSystem = identifier
    }

    /// Whether one of the first three is 0.
    var hasRoot: Bool { real == 0 || effective == 0 || saved == 0 }

    func isOneOfThree(_ identifier: UInt32) -> Bool {
      identifier == real || identifier == effective || identifier == saved
    }
  }

  public var user: Identifiers
  public var group: Identifiers
  public var effective: Capabilities
  public var permitted: Capabilities
  public var inheritable: Capabilities = []
  public var ambient: Capabilities = []
  public var bounding: Capabilities = .all
  /// Whether the permitted capabilities outlive the change to a user other than root (PR_SET_KEEPCAPS); for
  /// one execve.
  public var keepsCapabilities = false
  /// PR_SET_NO_NEW_PRIVS: for good, children included.
  public var hasNoNewPrivileges = false

  /// Root's.
  public init() {
    user = Identifiers(all: 0)
    group = Identifiers(all: 0)
    effective = .all
    permitted = .all
  }

  /// An argument that means "leave it".
  public static var unchanged: UInt32 { .max }

  // MARK: Users

  public mutating func setuid(_ identifier: UInt32) -> Bool {
    var new = user
    if effective.contains(.setUserIDs) {
      new = Identifiers(all: identifier)
    } else if identifier == user.real || identifier == user.saved {
      new.effective = identifier
      new.fileSystem = identifier
    } else {
      return false
    }
    adopt(new)
    return true
  }

  public mutating func setreuid(real: UInt32, effective: UInt32) -> Bool {
    guard
      let new = Self.exchanged(
        user, real: real, effective: effective, mayAll: self.effective.contains(.setUserIDs))
    else { return false }
    adopt(new)
    return true
  }

  public mutating func setresuid(real: UInt32, effective: UInt32, saved: UInt32) -> Bool {
    guard
      let new = Self.replaced(
        user, real: real, effective: effective, saved: saved, mayAll: self.effective.contains(.setUserIDs))
    else { return false }
    adopt(new)
    return true
  }

  /// setfsuid(2) changes nothing where that is not permitted, and does not say so.
  public mutating func setfsuid(_ identifier: UInt32) {
    guard identifier != Self.unchanged else { return }
    if user.isOneOfThree(identifier) || identifier == user.fileSystem || effective.contains(.setUserIDs) {
      user.fileSystem = identifier
    }
  }

  /// What becomes of the capabilities when the user changes (capabilities(7), "Effect of user ID changes").
  private mutating func adopt(_ new: Identifiers) {
    let old = user
    user = new
    if old.hasRoot, !new.hasRoot, !keepsCapabilities {
      permitted = []
      effective = []
      ambient = []
    }
    if old.effective == 0, new.effective != 0 { effective = [] }
    if old.effective != 0, new.effective == 0 { effective = permitted }
  }

  // MARK: Groups

  public mutating func setgid(_ identifier: UInt32) -> Bool {
    if effective.contains(.setGroupIDs) {
      group = Identifiers(all: identifier)
    } else if identifier == group.real || identifier == group.saved {
      group.effective = identifier
      group.fileSystem = identifier
    } else {
      return false
    }
    return true
  }

  public mutating func setregid(real: UInt32, effective: UInt32) -> Bool {
    guard
      let new = Self.exchanged(
        group, real: real, effective: effective, mayAll: self.effective.contains(.setGroupIDs))
    else { return false }
    group = new
    return true
  }

  public mutating func setresgid(real: UInt32, effective: UInt32, saved: UInt32) -> Bool {
    guard
      let new = Self.replaced(
        group, real: real, effective: effective, saved: saved, mayAll: self.effective.contains(.setGroupIDs))
    else { return false }
    group = new
    return true
  }

  public mutating func setfsgid(_ identifier: UInt32) {
    guard identifier != Self.unchanged else { return }
    if group.isOneOfThree(identifier) || identifier == group.fileSystem || effective.contains(.setGroupIDs) {
      group.fileSystem = identifier
    }
  }

  // MARK: Both

  /// setreuid and setregid: the saved identifier follows the effective one where the real one is set, or the
  /// effective one becomes other than the real one was.
  private static func exchanged(
    _ old: Identifiers, real: UInt32, effective: UInt32, mayAll: Bool
  ) -> Identifiers? {
    var new = old
    if real != unchanged {
      guard mayAll || real == old.real || real == old.effective else { return nil }
      new.real = real
    }
    if effective != unchanged {
      guard mayAll || old.isOneOfThree(effective) else { return nil }
      new.effective = effective
    }
    if real != unchanged || effective != unchanged && effective != old.real { new.saved = new.effective }
    new.fileSystem = new.effective
    return new
  }

  private static func replaced(
    _ old: Identifiers, real: UInt32, effective: UInt32, saved: UInt32, mayAll: Bool
  ) -> Identifiers? {
    func isPermitted(_ identifier: UInt32) -> Bool {
      identifier == unchanged || mayAll || old.isOneOfThree(identifier)
    }
    guard isPermitted(real), isPermitted(effective), isPermitted(saved) else { return nil }
    var new = old
    if real != unchanged { new.real = real }
    if effective != unchanged { new.effective = effective }
    if saved != unchanged { new.saved = saved }
    new.fileSystem = new.effective
    return new
  }

  // MARK: Capabilities

  /// capset(2)
  public mutating func setCapabilities(
    effective: Capabilities, permitted: Capabilities, inheritable: Capabilities
  ) -> Bool {
    var inherits = self.inheritable.union(bounding)
    if !self.effective.contains(.setCapabilities) {
      inherits.formIntersection(self.inheritable.union(self.permitted))
    }
    guard inheritable.isSubset(of: inherits), permitted.isSubset(of: self.permitted),
      effective.isSubset(of: permitted)
    else { return false }
    self.effective = effective
    self.permitted = permitted
    self.inheritable = inheritable
    ambient = ambient.intersection(permitted).intersection(inheritable)
    return true
  }

  /// A new program begins (capabilities(7), "Transformation of capabilities during execve"). No file has
  /// capabilities of its own.
  public mutating func startProgram() {
    var granted = ambient
    if user.real == 0 || user.effective == 0 { granted.formUnion(inheritable.union(bounding)) }
    if hasNoNewPrivileges { granted.formIntersection(permitted) }
    permitted = granted
    effective = user.effective == 0 ? granted : ambient
    user.saved = user.effective
    user.fileSystem = user.effective
    group.saved = group.effective
    group.fileSystem = group.effective
    keepsCapabilities = false
  }

  /// Whether a signal may go from this process to another (kill(2)).
  public func maySignal(_ target: Credentials) -> Bool {
    effective.contains(.kill) || user.effective == target.user.saved || user.effective == target.user.real
      || user.real == target.user.saved || user.real == target.user.real
  }
}
