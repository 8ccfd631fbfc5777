import Core
import Machine

/// The first file system: in memory, filled from the boot archive as Linux's initramfs is.
public enum RootFileSystem {
  nonisolated(unsafe) private static var storedRoot: Path?

  /// The root of all.
  static var root: Path { storedRoot.unsafelyUnwrapped }

  /// Makes the file system with what it always has. While the machine comes up.
  static func initialize() {
    FileMutexes.initialize()
    FileTree.initialize()
    FileLocks.initialize()
    CharacterDevices.initialize()
    SystemFileSystem.initialize()
    DeviceNodes.registerDrivers()
    let fileSystem = MemoryFileSystem(
      typeName: "rootfs", magic: MemoryMagic.tmpfs, budget: PageBudget(limit: .max))
    do throws(Errno) {
      let mount = try Mount(root: fileSystem.makeRoot(permissions: 0o755), source: ByteView("rootfs"), flags: [])
      Mounts.addRoot(mount)
      storedRoot = Path(mount, mount.root)
      let lookup = PathLookup(root: root, identity: .root)
      try FileTree.makeNode(ByteView("dev"), from: root, lookup, mode: .directory.with(permissions: 0o755))
      try DeviceNodes.populate(FileTree.find(ByteView("dev"), from: root, lookup), lookup)
      try DeviceNodes.makeFileSystem()
      try PseudoTerminalFileSystem.mount(on: FileTree.find(ByteView("dev/pts"), from: root, lookup))
      try FileTree.makeNode(ByteView("root"), from: root, lookup, mode: .directory.with(permissions: 0o700))
    } catch {
      panic("not enough memory for the root file system")
    }
  }

  /// Unpacks the boot archive. In a thread, before programs run.
  public static func unpack(_ archive: ByteView?) {
    guard let archive else {
      log("no archive: GRUB loaded no module; add `module2 /boot/initrd.cpio` to grub.cfg")
      return
    }
    var unpacker = ArchiveUnpacker(archive)
    unpacker.unpack()
    Frames.add(memoryOf: archive)
  }
}

/// statfs(2)'s f_type of the file systems in memory (linux/magic.h).
enum MemoryMagic {
  static var ramfs: UInt64 { 0x8584_58F6 }
  static var tmpfs: UInt64 { 0x0102_1994 }
}
