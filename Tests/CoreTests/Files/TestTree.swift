import Core

/// A small tree of files for `PathWalk`. Not for two threads at once.
final class TestFile {
  enum Kind {
    case directory, regular
    case link(String)
    /// A link that leads to a file and names no path.
    case magic(TestFile)
  }

  let name: String
  let kind: Kind
  var children: [TestFile] = []
  unowned(unsafe) var parent: TestFile?
  /// The root of what is mounted here.
  var mounted: TestFile?
  /// Where this root is mounted.
  unowned(unsafe) var point: TestFile?
  var maySearch = true

  init(_ name: String, _ kind: Kind) {
    self.name = name
    self.kind = kind
  }

  @discardableResult
  func add(_ name: String, _ kind: Kind = .regular) -> TestFile {
    let child = TestFile(name, kind)
    child.parent = self
    children.append(child)
    return child
  }

  /// The root of the mount that the file is in.
  var mountRoot: TestFile { parent?.mountRoot ?? self }

  /// Where it is, with the mounts on the way.
  var path: String {
    if let parent { return (parent.path == "/" ? "" : parent.path) + "/" + name }
    return point?.path ?? "/"
  }
}

struct TestTree: PathTree {
  let root: TestFile

  func isSymbolicLink(_ place: TestFile) -> Bool {
    switch place.kind {
    case .link, .magic: true
    default: false
    }
  }

  func isDirectory(_ place: TestFile) -> Bool { if case .directory = place.kind { true } else { false } }

  func checkSearch(_ place: TestFile) throws(Errno) {
    guard isDirectory(place) else { throw .notDirectory }
    guard place.maySearch else { throw .access }
  }

  func child(of directory: TestFile, named name: ByteView) throws(Errno) -> TestFile {
    let text = String(decoding: name.bytes, as: UTF8.self)
    guard let child = directory.children.first(where: { $0.name == text }) else { throw .noEntry }
    return child.mounted ?? child
  }

  func parent(of directory: TestFile) throws(Errno) -> TestFile {
    var place = directory
    while place !== root {
      if let parent = place.parent { return parent.mounted ?? parent }
      guard let point = place.point else { break }
      place = point
    }
    return place
  }

  func target(of link: TestFile, into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> PathTarget<TestFile> {
    switch link.kind {
    case .magic(let file): return .place(file)
    case .link(let text):
      buffer.copyBytes(from: text.utf8)
      return .text(count: text.utf8.count)
    default: throw .invalid
    }
  }

  func areSame(_ first: TestFile, _ second: TestFile) -> Bool { first === second }
  func areOnSameMount(_ first: TestFile, _ second: TestFile) -> Bool { first.mountRoot === second.mountRoot }
  func allocate(_ count: Int) -> UnsafeMutableRawPointer? { .allocate(byteCount: count, alignment: 8) }
  func free(_ memory: UnsafeMutableRawPointer) { memory.deallocate() }
}
