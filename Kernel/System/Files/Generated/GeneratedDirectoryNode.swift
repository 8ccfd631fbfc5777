import Core
import Machine

/// A directory that programs cannot change. It has the files that were added to it; a class derived from it adds
/// others that it makes up as they are asked for, by `lookUp` and `list`.
class GeneratedDirectoryNode: FileNode, @unchecked Sendable {
  private struct Child {
    var name: StaticString
    var node: FileNode
  }

  /// Filled before anybody sees the directory, and constant from then on.
  private var children: [Child] = []

  init(_ fileSystem: FileSystem, number: UInt64, permissions: UInt32 = 0o555) {
    super.init(fileSystem: fileSystem, number: number, mode: .directory.with(permissions: permissions))
    linkCount = 2
    stampNew()
  }

  /// Adds a file that stays.
  func add(_ name: StaticString, _ node: FileNode) {
    children.append(Child(name: name, node: node))
    if node.mode.isDirectory { linkCount += 1 }
  }

  /// Adds a directory that stays.
  func addDirectory(_ name: StaticString) -> GeneratedDirectoryNode {
    let directory = GeneratedDirectoryNode(fileSystem, number: fileSystem.makeNumber())
    add(name, directory)
    return directory
  }

  /// Adds a file that stays, whose text a function writes.
  func addFile(_ name: StaticString, _ generator: @escaping GeneratedFunctionNode.Generator) {
    add(name, GeneratedFunctionNode(fileSystem, generator))
  }

  override func open(_ flags: OpenFlags) throws(Errno) -> OpenFile { OpenDirectory(node: self, flags: flags) }
  override func checkAttributesAreChangeable() throws(Errno) { throw .notPermitted }

  override func lookUp(_ name: ByteView) throws(Errno) -> FileNode {
    for child in children where name == child.name { return child.node }
    throw .noEntry
  }

  /// The first position behind those of the files that stay.
  final var positionAfterChildren: Int64 { Int64(children.count) + 2 }

  override func list(from position: Int64, into listing: inout DirectoryListing) throws(Errno) {
    var index = Int(position) - 2
    while index >= 0, index < children.count {
      let child = children[index]
      guard
        listing.add(
          ByteView(child.name), number: child.node.number, type: child.node.mode.directoryEntryType,
          position: Int64(index) + 3)
      else { return }
      index += 1
    }
  }
}
