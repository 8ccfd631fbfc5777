import Core
import Machine

/// What files are called in /proc.
enum ProcessPaths {
  /// Puts the path of an open file, or what a file without a place is called.
  ///
  /// - Parameter buffer: PATH_MAX bytes to work in.
  static func put(
    _ file: OpenFile, from root: Path, _ buffer: UnsafeMutableRawBufferPointer, _ text: inout TextBuffer
  ) {
    if let location = file.location, location.mount !== AnonymousMount.shared {
      put(location, from: root, buffer, &text)
    } else if file.anonymousName.utf8CodeUnitCount > 0 {
      text.put("anon_inode:")
      text.put(file.anonymousName)
    } else if !file.putAnonymousPath(&text) {
      putAnonymous(file.node, &text)
    }
  }

  /// Puts the path of a place, and whether its name has gone.
  static func put(
    _ place: Path, from root: Path, _ buffer: UnsafeMutableRawBufferPointer, _ text: inout TextBuffer
  ) {
    do throws(Errno) {
      let result = try PathText.write(place, from: root, into: buffer)
      text.put(onOneLine: UnsafeRawBufferPointer(rebasing: buffer[result.start...]))
      if result.isRemoved { text.put(" (deleted)") }
    } catch {
      text.put("...")
    }
  }

  /// `pipe:[17]` and the like.
  private static func putAnonymous(_ node: FileNode, _ text: inout TextBuffer) {
    switch node.mode.type {
    case .fifo: text.put("pipe:[")
    case .socket: text.put("socket:[")
    case .characterDevice:
      // The console, which is opened before there are names.
      text.put("/dev/console")
      return
    case .regular:
      text.put("/memfd:")
      if let name = node.givenName { text.put(onOneLine: UnsafeRawBufferPointer(start: name.base, count: name.count)) }
      text.put(" (deleted)")
      return
    default:
      text.put("anon_inode:[")
      text.put(node.number)
      text.put("]")
      return
    }
    text.put(node.number)
    text.put("]")
  }
}

/// The place of files that have none, so that a link of /proc can lead to them: a mount that is mounted nowhere.
enum AnonymousMount {
  nonisolated(unsafe) private static var storedShared: Mount?
  static var shared: Mount { storedShared.unsafelyUnwrapped }

  /// While the machine comes up.
  static func initialize() {
    let fileSystem = FileSystem(device: FileSystem.makeDevice(), typeName: "anonymous")
    let node = FileNode(fileSystem: fileSystem, number: 1, mode: .directory)
    do throws(Errno) {
      storedShared = try Mount(root: DirectoryEntry(root: node), source: ByteView("none"), flags: [])
    } catch {
      panic("not enough memory to start")
    }
  }

  /// A place for an open file.
  static func place(of file: OpenFile) -> Path { Path(shared, DirectoryEntry(root: file.node)) }
}
