/// What a path is resolved for.
public enum PathGoal: Sendable {
  /// The file, which has to be there; a symbolic link at the end is followed.
  case file
  /// The same, and a symbolic link at the end is the file.
  case fileOrLink
  /// The file, or the directory where it could be made; a symbolic link at the end is followed.
  case creation
  /// The same, and a symbolic link at the end is the file.
  case creationOrLink
  /// The directory of the last component, which need not be there and is not looked at.
  case parent

  fileprivate var followsLast: Bool { self == .file || self == .creation }
  fileprivate var allowsMissing: Bool { self == .creation || self == .creationOrLink }
}

/// Resolves a path (path_resolution(7)).
///
///     var walk = PathWalk(tree, from: workingDirectory)
///     try walk.resolve(path, for: .file)
///     use(walk.found)
///
/// The path's bytes stay the caller's until the walk has ended. Links do not recurse: what is left of the path is
/// put behind a link's target.
public struct PathWalk<Tree: PathTree>: ~Copyable {
  /// What the last component was.
  public enum End: Sendable {
    /// There was none: the path was slashes alone.
    case root
    case dot
    case dotDot
    case name
    /// A link that named no path.
    case link
  }

  private let tree: Tree
  private let start: Tree.Place
  private let restrictions: PathRestrictions

  /// Where the walk has come to. After `resolve`, the directory of the last component where `end` is `name` and
  /// the goal was not a plain file.
  public private(set) var place: Tree.Place
  /// What the path names; nil where it is missing and may be, and for the goal `parent`.
  public private(set) var found: Tree.Place?
  public private(set) var end = End.root
  /// The last component, where `end` is `name`. Its bytes are the path's or the walk's.
  public private(set) var name = ByteView("")
  /// Whether slashes follow the last component: it has to be a directory.
  public private(set) var hasTrailingSlash = false

  /// What is left of the path.
  private var rest = ByteView("")
  /// The text that `rest` is part of, once a link has been followed.
  private var linkText: UnsafeMutableRawPointer?
  private var linkCount = 0

  /// - Parameter start: where a relative path begins.
  public init(_ tree: Tree, from start: Tree.Place, _ restrictions: PathRestrictions = []) {
    self.tree = tree
    self.start = start
    self.restrictions = restrictions
    place = start
  }

  deinit {
    if let linkText { tree.free(linkText) }
  }

  /// Goes along a path.
  ///
  /// - Throws: ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG, EXDEV by a restriction, ENOMEM.
  public mutating func resolve(_ path: ByteView, for goal: PathGoal) throws(Errno) {
    guard path.count > 0 else { throw .noEntry }
    guard path.count < PathLimits.path else { throw .nameTooLong }
    rest = path
    if path.bytes[0] == slash { try goToRoot() }
    while try step(goal) {}
  }

  /// Goes along one component; false at the end of the path.
  private mutating func step(_ goal: PathGoal) throws(Errno) -> Bool {
    let bytes = rest.bytes
    var first = 0
    while first < bytes.count, bytes[first] == slash { first &+= 1 }
    guard first < bytes.count else {
      end = .root
      found = place
      return false
    }
    var behind = first &+ 1
    while behind < bytes.count, bytes[behind] != slash { behind &+= 1 }
    var next = behind
    while next < bytes.count, bytes[next] == slash { next &+= 1 }
    let component = ByteView(base: bytes.baseAddress.unsafelyUnwrapped + first, count: behind &- first)
    let isLast = next == bytes.count
    hasTrailingSlash = isLast && next > behind
    rest = ByteView(base: bytes.baseAddress.unsafelyUnwrapped + next, count: bytes.count &- next)

    try tree.checkSearch(place)
    if component.bytes[0] == dot, component.count <= 2, component.bytes[component.count &- 1] == dot {
      return try stepByDots(component.count, isLast, goal)
    }
    guard component.count <= PathLimits.name else { throw .nameTooLong }
    if isLast {
      end = .name
      name = component
      if case .parent = goal { return false }
    }
    let child: Tree.Place
    do throws(Errno) {
      child = try tree.child(of: place, named: component)
    } catch {
      if error == .noEntry, isLast, goal.allowsMissing { return false }
      throw error
    }
    if restrictions.contains(.noMountCrossing), !tree.areOnSameMount(place, child) { throw .crossDevice }
    if tree.isSymbolicLink(child), !isLast || hasTrailingSlash || goal.followsLast {
      return try follow(child)
    }
    if isLast {
      // What makes a file decides for itself what a slash behind it means.
      if hasTrailingSlash, !goal.allowsMissing, !tree.isDirectory(child) { throw .notDirectory }
      found = child
      return false
    }
    place = child
    return true
  }

  /// `.` or `..`.
  private mutating func stepByDots(_ count: Int, _ isLast: Bool, _ goal: PathGoal) throws(Errno) -> Bool {
    if isLast {
      end = count == 1 ? .dot : .dotDot
      if case .parent = goal { return false }
    }
    if count == 2 { try goToParent() }
    if isLast { found = place }
    return !isLast
  }

  private mutating func goToRoot() throws(Errno) {
    if restrictions.contains(.beneath) { throw .crossDevice }
    let root = restrictions.contains(.inRoot) ? start : tree.root
    if restrictions.contains(.noMountCrossing), !tree.areOnSameMount(place, root) { throw .crossDevice }
    place = root
  }

  private mutating func goToParent() throws(Errno) {
    if !restrictions.isDisjoint(with: [.beneath, .inRoot]), tree.areSame(place, start) {
      if restrictions.contains(.beneath) { throw .crossDevice }
      return
    }
    let parent = try tree.parent(of: place)
    if restrictions.contains(.noMountCrossing), !tree.areOnSameMount(place, parent) { throw .crossDevice }
    place = parent
  }

  /// Follows a link; false where that was the end of the path.
  private mutating func follow(_ link: Tree.Place) throws(Errno) -> Bool {
    linkCount += 1
    guard linkCount <= PathLimits.links, !restrictions.contains(.noLinks) else { throw .tooManySymbolicLinks }
    let capacity = PathLimits.path + 1 + rest.count
    guard let memory = tree.allocate(capacity) else { throw .outOfMemory }
    let target: PathTarget<Tree.Place>
    do throws(Errno) {
      target = try tree.target(
        of: link, into: UnsafeMutableRawBufferPointer(start: memory, count: PathLimits.path))
    } catch {
      tree.free(memory)
      throw error
    }
    switch target {
    case .place(let target):
      tree.free(memory)
      guard restrictions.isDisjoint(with: [.noMagicLinks, .beneath, .inRoot]) else {
        throw restrictions.contains(.noMagicLinks) ? .tooManySymbolicLinks : .crossDevice
      }
      if restrictions.contains(.noMountCrossing), !tree.areOnSameMount(place, target) { throw .crossDevice }
      place = target
      guard rest.isEmpty else { return true }
      if hasTrailingSlash, !tree.isDirectory(target) { throw .notDirectory }
      end = .link
      found = target
      return false
    case .text(let length):
      var count = length
      if length > 0, rest.count > 0 || hasTrailingSlash {
        memory.storeBytes(of: slash, toByteOffset: count, as: UInt8.self)
        count += 1
        if let base = rest.base { (memory + count).copyMemory(from: base, byteCount: rest.count) }
        count += rest.count
      }
      if let linkText { tree.free(linkText) }
      linkText = memory
      guard length > 0 else { throw .noEntry }
      rest = ByteView(base: memory, count: count)
      if rest.bytes[0] == slash { try goToRoot() }
      return true
    }
  }
}

private var slash: UInt8 { UInt8(ascii: "/") }
private var dot: UInt8 { UInt8(ascii: ".") }
