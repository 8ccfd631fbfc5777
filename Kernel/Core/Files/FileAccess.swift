/// What somebody wants to do with a file, with access(2)'s values: R_OK, W_OK, X_OK.
public struct FileAccess: OptionSet, Sendable {
  public let rawValue: UInt32

  @inline(__always)
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// To run a program, or to look names up in a directory.
  public static var execute: FileAccess { FileAccess(rawValue: 1) }
  public static var write: FileAccess { FileAccess(rawValue: 2) }
  public static var read: FileAccess { FileAccess(rawValue: 4) }

  /// Whether a file's mode grants the access.
  ///
  /// - Parameters:
  ///   - isOwner: whether the file is the asker's; then the owner's permissions count and no others.
  ///   - isMember: whether the asker is in the file's group; is called where that matters.
  @inline(__always)
  public func isGranted(by mode: FileMode, isOwner: Bool, isMember: () -> Bool) -> Bool {
    let granted: UInt32
    if isOwner {
      granted = mode.rawValue >> 6
    } else if mode.rawValue >> 3 & 7 != mode.rawValue & 7, isMember() {
      granted = mode.rawValue >> 3
    } else {
      granted = mode.rawValue
    }
    return rawValue & ~granted & 7 == 0
  }

  /// Whether someone whom permissions do not stop may have the access (CAP_DAC_OVERRIDE): to run a file that
  /// nobody may run is not possible all the same.
  public func isGrantedToPrivileged(by mode: FileMode) -> Bool {
    mode.isDirectory || !contains(.execute) || mode.rawValue & 0o111 != 0
  }
}
