/// The files that a path leads through, as `PathWalk` sees them.
public protocol PathTree {
  /// A file where it is mounted and named.
  associatedtype Place

  /// Where absolute paths begin.
  var root: Place { get }

  func isSymbolicLink(_ place: Place) -> Bool
  func isDirectory(_ place: Place) -> Bool

  /// Throws ENOTDIR for what is no directory, EACCES where names may not be looked up in it.
  func checkSearch(_ place: Place) throws(Errno)

  /// The entry of a directory; where something is mounted on it, the root of that.
  func child(of directory: Place, named name: ByteView) throws(Errno) -> Place

  /// What `..` means; the root's is itself.
  func parent(of directory: Place) throws(Errno) -> Place

  /// Where a symbolic link leads.
  ///
  /// - Parameter buffer: gets the text of the target, `PathLimits.path` bytes at most.
  func target(of link: Place, into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> PathTarget<Place>

  func areSame(_ first: Place, _ second: Place) -> Bool
  func areOnSameMount(_ first: Place, _ second: Place) -> Bool

  /// Memory for the text of a symbolic link; nil when there is none.
  func allocate(_ count: Int) -> UnsafeMutableRawPointer?
  func free(_ memory: UnsafeMutableRawPointer)
}

/// Where a symbolic link leads.
public enum PathTarget<Place> {
  /// On by the text in the buffer.
  case text(count: Int)
  /// Straight to a file: the links of /proc that name no path.
  case place(Place)
}

public enum PathLimits {
  /// Bytes of a path with its NUL (PATH_MAX).
  public static var path: Int { 4096 }
  /// Bytes of one component (NAME_MAX).
  public static var name: Int { 255 }
  /// Symbolic links in one resolution.
  public static var links: Int { 40 }
}

/// What a path may not do (openat2(2)'s `resolve`).
public struct PathRestrictions: OptionSet, Sendable {
  public let rawValue: UInt64

  public init(rawValue: UInt64) { self.rawValue = rawValue }

  public static var noMountCrossing: PathRestrictions { PathRestrictions(rawValue: 0x1) }  // RESOLVE_NO_XDEV
  public static var noMagicLinks: PathRestrictions { PathRestrictions(rawValue: 0x2) }  // RESOLVE_NO_MAGICLINKS
  public static var noLinks: PathRestrictions { PathRestrictions(rawValue: 0x4) }  // RESOLVE_NO_SYMLINKS
  public static var beneath: PathRestrictions { PathRestrictions(rawValue: 0x8) }  // RESOLVE_BENEATH
  public static var inRoot: PathRestrictions { PathRestrictions(rawValue: 0x10) }  // RESOLVE_IN_ROOT
}
