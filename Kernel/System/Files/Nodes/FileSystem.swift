import Core
import Machine

/// A file system that can be mounted: what the files in it have in common.
public class FileSystem: @unchecked Sendable {
  /// st_dev of its files.
  let device: UInt64
  /// As in /proc/mounts and mount(8) -t.
  let typeName: StaticString
  private var lastNumber = AtomicWord()
  /// Mounts of it, those included that have been taken away and are in use still.
  var mountCount = AtomicWord()

  init(device: UInt64, typeName: StaticString) {
    self.device = device
    self.typeName = typeName
  }

  /// Whether programs may make files in it at all. Where they may not, as in /proc, a missing name is ENOENT to
  /// whoever would make it.
  var makesFiles: Bool { true }

  /// Whether its files may get further names (link(2)).
  var makesLinks: Bool { true }

  /// A new file without a name.
  ///
  /// - Parameter deviceNumber: of device nodes.
  func makeNode(_ mode: FileMode, deviceNumber: UInt64) throws(Errno) -> FileNode { throw .notPermitted }

  /// A new symbolic link without a name.
  func makeLink(to target: ByteView) throws(Errno) -> FileNode { throw .notPermitted }

  /// statfs(2)
  var statistics: FileSystemStatistics { FileSystemStatistics() }

  /// It has been unmounted for the last time and is not used any more. No lock is held.
  func release() {}

  /// An inode number that no other file has.
  final func makeNumber() -> UInt64 { UInt64(lastNumber.add(1)) &+ 1 }

  /// The lower ones are for file systems that are not mounted.
  nonisolated(unsafe) private static var lastDevice = AtomicWord(0x1F)

  /// A device number for a file system without a device, as Linux's are: of major number 0.
  static func makeDevice() -> UInt64 { UInt64(lastDevice.add(1)) &+ 1 }
}

/// What statfs(2) tells, in blocks of 4096 bytes.
struct FileSystemStatistics {
  /// f_type (linux/magic.h)
  var magic: UInt64 = 0
  var blocks: UInt64 = 0
  var freeBlocks: UInt64 = 0
  var files: UInt64 = 0
  var freeFiles: UInt64 = 0
}
