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
  /// PR_SET_SECUREBITS
  public private(set) var secureBits: SecureBits = []
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

  /// setfsuid(2) changes nothing where that is not permitted, and does not say so. What root may do with files goes
  /// and comes with its identifier.
  public mutating func setfsuid(_ identifier: UInt32) {
    guard identifier != Self.unchanged,
      user.isOneOfThree(identifier) || identifier == user.fileSystem || effective.contains(.setUserIDs)
    else { return }
    let old = user.fileSystem
    user.fileSystem = identifier
    if secureBits.contains(.noSetUserFixup) { return }
    if old == 0, identifier != 0 { effective.subtract(.ofFileSystem) }
    if old != 0, identifier == 0 { effective.formUnion(permitted.intersection(.ofFileSystem)) }
  }

  /// What becomes of the capabilities when the user changes (capabilities(7), "Effect of user ID changes").
  private mutating func adopt(_ new: Identifiers) {
    let old = user
    user = new
    if secureBits.contains(.noSetUserFixup) { return }
    if old.hasRoot, !new.hasRoot {
      if !keepsCapabilities {
        permitted = []
        effective = []
      }
      // Even with those that are kept: no program of the new user's begins with them.
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

  /// Whether the permitted capabilities outlive the change to a user other than root (PR_GET_KEEPCAPS).
  public var keepsCapabilities: Bool { secureBits.contains(.keepCapabilities) }

  /// PR_SET_KEEPCAPS, for one execve.
  public mutating func setKeepsCapabilities(_ keeps: Bool) -> Bool {
    if secureBits.contains(SecureBits.keepCapabilities.lock) { return false }
    if keeps { secureBits.insert(.keepCapabilities) } else { secureBits.remove(.keepCapabilities) }
    return true
  }

  /// PR_SET_SECUREBITS: a lock stays, and so does what it locks.
  public mutating func setSecureBits(_ value: UInt64) -> Bool {
    guard value <= UInt64(SecureBits.all.rawValue), effective.contains(.setCapabilities) else { return false }
    let new = SecureBits(rawValue: UInt32(value))
    let locks = secureBits.intersection(.locks)
    guard new.isSuperset(of: locks), (secureBits.rawValue ^ new.rawValue) & (locks.rawValue >> 1) == 0 else {
      return false
    }
    secureBits = new
    return true
  }

  /// PR_CAP_AMBIENT_RAISE
  public mutating func raiseAmbient(_ capability: Capabilities) -> Bool {
    guard permitted.isSuperset(of: capability), inheritable.isSuperset(of: capability),
      !secureBits.contains(.noAmbientRaise)
    else { return false }
    ambient.formUnion(capability)
    return true
  }

  /// Whether these, after those, show that the process may do what others may not see into: its memory is no other's
  /// to read then, and its parent's end no signal for it (prctl(2), PR_SET_DUMPABLE and PR_SET_PDEATHSIG).
  public func isGuarded(after old: Credentials) -> Bool {
    user.effective != old.user.effective || user.fileSystem != old.user.fileSystem
      || group.effective != old.group.effective || group.fileSystem != old.group.fileSystem
      || !permitted.isSubset(of: old.permitted)
  }

  /// A new program begins (capabilities(7), "Transformation of capabilities during execve"). No file has
  /// capabilities of its own.
  public mutating func startProgram() {
    // Whoever is another by the file brings nothing along.
    if user.effective != user.real || group.effective != group.real { ambient = [] }
    var granted = ambient
    let isRoot = !secureBits.contains(.noRoot) && user.effective == 0
    if isRoot || !secureBits.contains(.noRoot) && user.real == 0 { granted.formUnion(inheritable.union(bounding)) }
    if hasNoNewPrivileges { granted.formIntersection(permitted) }
    permitted = granted
    effective = isRoot ? granted : ambient
    user.saved = user.effective
    user.fileSystem = user.effective
    group.saved = group.effective
    group.fileSystem = group.effective
    secureBits.remove(.keepCapabilities)
  }

  /// Whether a signal may go from this process to another (kill(2)).
  public func maySignal(_ target: Credentials) -> Bool {
    effective.contains(.kill) || user.effective == target.user.saved || user.effective == target.user.real
      || user.real == target.user.saved || user.real == target.user.real
  }
}
