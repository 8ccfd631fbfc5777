import Core
import Machine

/// /proc/PID/mounts and mountinfo: what is mounted where, from the process's root directory on.
enum MountFiles {
  static func writeMounts(of process: Process, to text: inout TextBuffer) throws(Errno) {
    try forEach(process) { mount, path in
      let start = mount.source.name
      text.put(escaped: start.isEmpty ? ByteView("none").bytes : start.bytes)
      text.put(" ")
      text.put(escaped: path)
      text.put(" ")
      text.put(mount.fileSystem.typeName)
      text.put(" ")
      writeOptions(of: mount, to: &text)
      text.put(" 0 0\n")
    }
  }

  /// proc_pid_mountinfo(5)
  static func writeMountInformation(of process: Process, to text: inout TextBuffer) throws(Errno) {
    try forEach(process) { mount, path in
      let device = DeviceNumber(rawValue: mount.fileSystem.device)
      text.put(mount.identifier)
      text.put(" ")
      text.put(Mounts.point(of: mount)?.mount.identifier ?? mount.identifier)
      text.put(" ")
      text.put(device.major)
      text.put(":")
      text.put(device.minor)
      text.put(" / ")
      text.put(escaped: path)
      text.put(" ")
      writeOptions(of: mount, to: &text)
      text.put(" - ")
      text.put(mount.fileSystem.typeName)
      text.put(" ")
      let source = mount.source.name
      text.put(escaped: source.isEmpty ? ByteView("none").bytes : source.bytes)
      text.put(mount.flags.contains(.readOnly) ? " ro\n" : " rw\n")
    }
  }

  /// Calls `body` with each mount and its path; with no lock held.
  private static func forEach(
    _ process: Process, _ body: (Mount, UnsafeRawBufferPointer) -> Void
  ) throws(Errno) {
    let root = process.sharedFileSystem.root
    guard let memory = KernelHeap.allocate(size: PathLimits.path, alignment: 8) else { throw .outOfMemory }
    defer { KernelHeap.deallocate(memory) }
    let buffer = UnsafeMutableRawBufferPointer(start: memory, count: PathLimits.path)
    for mount in Mounts.all {
      guard let result = try? PathText.write(Path(mount, mount.root), from: root, into: buffer) else { continue }
      if result.isReachable { body(mount, UnsafeRawBufferPointer(rebasing: buffer[result.start...])) }
    }
  }

  private static func writeOptions(of mount: Mount, to text: inout TextBuffer) {
    let flags = mount.flags
    text.put(flags.contains(.readOnly) ? "ro" : "rw")
    if flags.contains(.noSetID) { text.put(",nosuid") }
    if flags.contains(.noDevices) { text.put(",nodev") }
    if flags.contains(.noExecution) { text.put(",noexec") }
    if flags.contains(.noAccessTime) { text.put(",noatime") } else { text.put(",relatime") }
    if flags.contains(.noDirectoryAccessTime) { text.put(",nodiratime") }
  }
}
