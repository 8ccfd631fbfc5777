import Core
import Machine

/// A directory that makes its entries when it is asked: a subclass overrides `lookUp` and `list`.
class GeneratedDirectory: FileNode, @unchecked Sendable {
  init(fileSystem: FileSystem, number: UInt64, permissions: UInt32) {
    super.init(fileSystem: fileSystem, number: number, mode: .directory.with(permissions: permissions))
    linkCount = 2
    stampNew()
  }

  override func open(_ flags: OpenFlags) throws(Errno) -> OpenFile { OpenDirectory(node: self, flags: flags) }
  override func checkAttributesAreChangeable() throws(Errno) { throw .notPermitted }
}

/// A directory whose entries stay the same from its making on.
class FixedDirectory: GeneratedDirectory, @unchecked Sendable {
  private struct Entry {
    /// Memory that lives as long as the kernel.
    let name: ByteView
    let node: FileNode
  }

  private var entries: [Entry] = []

  /// The position behind the last entry.
  final var endPosition: Int64 { Int64(entries.count) + 2 }

  /// While the machine comes up.
  @discardableResult
  final func add<Node: FileNode>(_ name: StaticString, _ node: Node) -> Node { add(ByteView(name), node) }

  private final func add<Node: FileNode>(_ name: ByteView, _ node: Node) -> Node {
    entries.append(Entry(name: name, node: node))
    if node.mode.isDirectory { linkCount += 1 }
    return node
  }

  /// Adds a directory.
  final func addDirectory(_ name: StaticString, permissions: UInt32 = 0o555) -> FixedDirectory {
    add(name, FixedDirectory(fileSystem: fileSystem, number: fileSystem.makeNumber(), permissions: permissions))
  }

  /// Adds a directory whose name ends in a number.
  final func addDirectory(_ name: StaticString, numbered number: Int) -> FixedDirectory {
    let size = name.utf8CodeUnitCount + 20
    let memory = UnsafeMutableRawBufferPointer(
      start: KernelHeap.allocateArray(of: UInt8.self, count: size, repeating: 0), count: size)
    var text = TextBuffer(memory)
    text.put(name)
    text.put(number)
    return add(
      ByteView(base: memory.baseAddress!, count: text.count),
      FixedDirectory(fileSystem: fileSystem, number: fileSystem.makeNumber(), permissions: 0o555))
  }

  /// Adds a file.
  final func addFile(
    _ name: StaticString, permissions: UInt32 = 0o444,
    _ generator: @escaping (inout TextBuffer) throws(Errno) -> Void,
    receiver: ((ByteView) throws(Errno) -> Void)? = nil
  ) {
    add(
      name,
      ComputedFile(
        fileSystem: fileSystem, number: fileSystem.makeNumber(), permissions: permissions, generator,
        receiver: receiver))
  }

  override func lookUp(_ name: ByteView) throws(Errno) -> FileNode {
    for entry in entries where name == entry.name { return entry.node }
    throw .noEntry
  }

  override func list(from position: Int64, into listing: inout DirectoryListing) throws(Errno) {
    var position = max(position, 2)
    while position < endPosition {
      let entry = entries[Int(position) - 2]
      guard
        listing.add(
          entry.name, number: entry.node.number, type: entry.node.mode.directoryEntryType,
          position: position + 1)
      else { return }
      position += 1
    }
  }
}

/// A symbolic link whose target is made when it is read.
final class ComputedLink: FileNode, @unchecked Sendable {
  private let generator: (inout TextBuffer) throws(Errno) -> Void

  init(fileSystem: FileSystem, number: UInt64, _ generator: @escaping (inout TextBuffer) throws(Errno) -> Void) {
    self.generator = generator
    super.init(fileSystem: fileSystem, number: number, mode: .symbolicLink.with(permissions: 0o777))
    stampNew()
  }

  override func checkAttributesAreChangeable() throws(Errno) { throw .notPermitted }

  override func readLink(into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
    var text = TextBuffer(buffer)
    try generator(&text)
    return text.count
  }
}
