import Core
import Testing

@Suite struct PathWalkTests {
  /// /, /a, /a/b, /a/b/file, links beside, and a mount on /mnt.
  let root = TestFile("", .directory)
  let mounted = TestFile("", .directory)

  init() {
    let a = root.add("a", .directory)
    let b = a.add("b", .directory)
    let file = b.add("file")
    a.add("toFile", .link("b/file"))
    a.add("toDirectory", .link("b"))
    a.add("toDirectoryWithSlash", .link("b/"))
    a.add("absolute", .link("/a/b/file"))
    a.add("up", .link("../a/b"))
    a.add("dangling", .link("b/new"))
    a.add("empty", .link(""))
    a.add("self", .link("self"))
    a.add("magic", .magic(file))
    a.add("magicDirectory", .magic(b))
    let point = root.add("mnt", .directory)
    point.mounted = mounted
    mounted.point = point
    mounted.add("inside")
  }

  struct Outcome {
    var found: String?
    var place: String
    var end: PathWalk<TestTree>.End
    var name: String
    var hasTrailingSlash: Bool
  }

  func resolve(
    _ path: String, _ goal: PathGoal = .file, from start: String? = nil, _ restrictions: PathRestrictions = []
  ) throws(Errno) -> Outcome {
    let tree = TestTree(root: root)
    var first = root
    if let start { first = try resolveFile(start, tree) }
    let bytes = Array(path.utf8)
    var walk = PathWalk(tree, from: first, restrictions)
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 1)
    defer { memory.deallocate() }
    memory.copyBytes(from: bytes)
    try walk.resolve(ByteView(base: UnsafeRawPointer(memory.baseAddress!), count: bytes.count), for: goal)
    return Outcome(
      found: walk.found?.path, place: walk.place.path, end: walk.end,
      name: String(decoding: walk.name.bytes, as: UTF8.self), hasTrailingSlash: walk.hasTrailingSlash)
  }

  private func resolveFile(_ path: String, _ tree: TestTree) throws(Errno) -> TestFile {
    var place = root
    for part in path.split(separator: "/") {
      guard let next = place.children.first(where: { $0.name == part }) else { throw .noEntry }
      place = next.mounted ?? next
    }
    return place
  }

  @Test(arguments: [
    ("/", "/"), ("///", "/"), ("a", "/a"), ("/a/b/file", "/a/b/file"), ("a//b///file", "/a/b/file"),
    ("./a/./b/.", "/a/b"), ("a/b/..", "/a"), ("../../a", "/a"), ("a/b/", "/a/b"), ("a/toFile", "/a/b/file"),
    ("a/toDirectory/file", "/a/b/file"), ("a/absolute", "/a/b/file"), ("a/up/file", "/a/b/file"),
    ("a/toDirectory/", "/a/b"), ("a/toDirectoryWithSlash/file", "/a/b/file"), ("a/magic", "/a/b/file"),
    ("a/magicDirectory/file", "/a/b/file"), ("a/magicDirectory/..", "/a"), ("mnt", "/mnt"),
    ("mnt/inside", "/mnt/inside"), ("mnt/..", "/"), ("mnt/../a", "/a"),
  ])
  func pathLeadsToItsFile(path: String, expected: String) throws {
    #expect(try resolve(path).found == expected)
  }

  @Test(arguments: [
    ("", Errno.noEntry), ("x", .noEntry), ("x/..", .noEntry), ("a/x/b", .noEntry), ("a/empty", .noEntry),
    ("a/dangling", .noEntry), ("a/b/file/", .notDirectory), ("a/b/file/x", .notDirectory),
    ("a/b/file/..", .notDirectory), ("a/b/file/.", .notDirectory), ("a/toFile/", .notDirectory),
    ("a/magic/", .notDirectory), ("a/self", .tooManySymbolicLinks), ("a/self/x", .tooManySymbolicLinks),
  ])
  func pathThatLeadsNowhereSaysWhy(path: String, expected: Errno) {
    #expect(throws: expected) { try resolve(path) }
  }

  @Test func lengthsAreLimited() throws {
    #expect(throws: Errno.noEntry) { try resolve(String(repeating: "n", count: 255)) }
    #expect(throws: Errno.nameTooLong) { try resolve(String(repeating: "n", count: 256)) }
    #expect(try resolve(String(repeating: "/", count: 4095)).found == "/")
    #expect(throws: Errno.nameTooLong) { try resolve(String(repeating: "/", count: 4096)) }
  }

  @Test func fortyLinksAreFollowedAndNotOneMore() throws {
    for number in 0..<42 { root.add("l\(number)", .link(number == 0 ? "a" : "l\(number - 1)")) }
    #expect(try resolve("l39").found == "/a")
    #expect(throws: Errno.tooManySymbolicLinks) { try resolve("l40") }
    #expect(try resolve("l40", .fileOrLink).found == "/l40")
  }

  @Test func lastLinkIsTheFileWhereItIsNotToBeFollowed() throws {
    #expect(try resolve("a/toFile", .fileOrLink).found == "/a/toFile")
    #expect(try resolve("a/toDirectory/", .fileOrLink).found == "/a/b")
    #expect(try resolve("a/self", .fileOrLink).found == "/a/self")
  }

  @Test func whatIsToBeMadeHasItsDirectoryAndName() throws {
    var outcome = try resolve("a/b/new", .creation)
    #expect(outcome.found == nil && outcome.place == "/a/b" && outcome.name == "new" && outcome.end == .name)
    outcome = try resolve("a/dangling", .creation)
    #expect(outcome.found == nil && outcome.place == "/a/b" && outcome.name == "new")
    outcome = try resolve("a/dangling", .creationOrLink)
    #expect(outcome.found == "/a/dangling")
    #expect(try resolve("a/b/new/", .creation).hasTrailingSlash)
    #expect(throws: Errno.noEntry) { try resolve("a/new/x", .creation) }
  }

  @Test func parentIsFoundWithoutALookAtTheLastComponent() throws {
    var outcome = try resolve("a/toDirectory/anything/", .parent)
    #expect(outcome.found == nil && outcome.place == "/a/b" && outcome.name == "anything" && outcome.hasTrailingSlash)
    outcome = try resolve("a/toFile", .parent)
    #expect(outcome.place == "/a" && outcome.name == "toFile")
    #expect(try resolve("a/b/..", .parent).end == .dotDot)
    #expect(try resolve("a/b/.", .parent).end == .dot)
    #expect(try resolve("/", .parent).end == .root)
    #expect(throws: Errno.notDirectory) { try resolve("a/b/file/x", .parent) }
  }

  @Test func directoriesThatMayNotBeSearchedStopThePath() {
    root.children[0].maySearch = false
    #expect(throws: Errno.access) { try resolve("a/b") }
    #expect(throws: Errno.access) { try resolve("a/..") }
    #expect((try? resolve("a").found) == "/a")
  }

  @Test func restrictionsHold() throws {
    #expect(try resolve("b/file", from: "a", .beneath).found == "/a/b/file")
    #expect(throws: Errno.crossDevice) { try resolve("..", from: "a", .beneath) }
    #expect(throws: Errno.crossDevice) { try resolve("/a", from: "a", .beneath) }
    #expect(throws: Errno.crossDevice) { try resolve("up", from: "a", .beneath) }
    #expect(throws: Errno.crossDevice) { try resolve("absolute", from: "a", .beneath) }
    #expect(try resolve("../../b", from: "a", .inRoot).found == "/a/b")
    #expect(try resolve("/b/file", from: "a", .inRoot).found == "/a/b/file")
    #expect(throws: Errno.noEntry) { try resolve("absolute", from: "a", .inRoot) }
    #expect(throws: Errno.tooManySymbolicLinks) { try resolve("a/toFile", .noLinks) }
    #expect(throws: Errno.tooManySymbolicLinks) { try resolve("a/magic", .noMagicLinks) }
    #expect(try resolve("a/toFile", .noMagicLinks).found == "/a/b/file")
    #expect(throws: Errno.crossDevice) { try resolve("mnt", .noMountCrossing) }
    #expect(throws: Errno.crossDevice) { try resolve("..", from: "mnt", .noMountCrossing) }
  }

  @Test func rootOfAProcessIsNotLeft() throws {
    let tree = TestTree(root: root.children[0])
    var walk = PathWalk(tree, from: root.children[0])
    try walk.resolve(ByteView("../../b/../.."), for: .file)
    #expect(walk.found === root.children[0])
  }
}

extension PathWalkTests {
  fileprivate func resolve(_ path: String, _ restrictions: PathRestrictions) throws(Errno) -> Outcome {
    try resolve(path, .file, from: nil, restrictions)
  }

  fileprivate func resolve(
    _ path: String, from start: String, _ restrictions: PathRestrictions
  ) throws(Errno) -> Outcome {
    try resolve(path, .file, from: start, restrictions)
  }
}
