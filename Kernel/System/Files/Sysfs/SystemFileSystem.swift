import Core
import Machine

/// The file system that shows devices (sysfs(5)), as far as programs ask: CPUs, terminals, and the directories that
/// they expect. There is one, however often it is mounted.
final class SystemFileSystem: FileSystem, @unchecked Sendable {
  nonisolated(unsafe) private static var storedShared: SystemFileSystem?
  static var shared: SystemFileSystem { storedShared.unsafelyUnwrapped }

  private var storedRoot: FixedDirectory?
  /// The entry of its root directory.
  var root: DirectoryEntry { DirectoryEntry(root: storedRoot.unsafelyUnwrapped) }

  private init() { super.init(device: FileSystem.makeDevice(), typeName: "sysfs") }

  /// While the machine comes up, once all CPUs have.
  static func initialize() {
    let fileSystem = SystemFileSystem()
    storedShared = fileSystem
    let root = FixedDirectory(fileSystem: fileSystem, number: fileSystem.makeNumber(), permissions: 0o555)
    fileSystem.storedRoot = root
    _ = root.addDirectory("block")
    _ = root.addDirectory("bus")
    DeviceFiles.addClasses(to: root.addDirectory("class"))
    _ = root.addDirectory("dev")
    let devices = root.addDirectory("devices").addDirectory("system")
    CPUFiles.add(to: devices.addDirectory("cpu"))
    _ = root.addDirectory("fs")
    _ = root.addDirectory("kernel")
    _ = root.addDirectory("module")
  }

  override var statistics: FileSystemStatistics {
    var statistics = FileSystemStatistics()
    statistics.magic = 0x6265_6572  // SYSFS_MAGIC
    return statistics
  }
}

/// /sys/class
enum DeviceFiles {
  static func addClasses(to classes: FixedDirectory) {
    let terminals = classes.addDirectory("tty")
    add("console", DeviceNumber(major: 5, minor: 1), to: terminals)
    add("ptmx", DeviceNumber(major: 5, minor: 2), to: terminals)
    add("tty", DeviceNumber(major: 5, minor: 0), to: terminals)
    add("ttyS0", DeviceNumber(major: 4, minor: 64), to: terminals)
    let memory = classes.addDirectory("mem")
    add("full", DeviceNumber(major: 1, minor: 7), to: memory)
    add("null", DeviceNumber(major: 1, minor: 3), to: memory)
    add("random", DeviceNumber(major: 1, minor: 8), to: memory)
    add("urandom", DeviceNumber(major: 1, minor: 9), to: memory)
    add("zero", DeviceNumber(major: 1, minor: 5), to: memory)
  }

  private static func add(_ name: StaticString, _ number: DeviceNumber, to directory: FixedDirectory) {
    let device = directory.addDirectory(name)
    device.addFile("dev") { text throws(Errno) in
      text.put(number.major)
      text.put(":")
      text.put(number.minor)
      text.put("\n")
    }
    device.addFile(
      "uevent", permissions: 0o644,
      { text throws(Errno) in
        text.put("MAJOR=")
        text.put(number.major)
        text.put("\nMINOR=")
        text.put(number.minor)
        text.put("\nDEVNAME=")
        text.put(name)
        text.put("\n")
      },
      receiver: { action throws(Errno) in if !isAction(action) { throw .invalid } })
  }

  /// Whether a device may be told so (Linux's Documentation/ABI/testing/sysfs-uevent): an action, and an identifier of
  /// 36 characters where somebody waits for the event. There is nobody who could.
  private static func isAction(_ text: ByteView) -> Bool {
    let text = text.withoutNewline
    let length = text.firstIndex(of: UInt8(ascii: " ")) ?? text.count
    guard let action = text.slice(at: 0, count: length), length == text.count || text.count > length + 36 else {
      return false
    }
    return action == "add" || action == "remove" || action == "change" || action == "move" || action == "online"
      || action == "offline" || action == "bind" || action == "unbind"
  }
}

/// /sys/devices/system/cpu
enum CPUFiles {
  static func add(to directory: FixedDirectory) {
    addList("online", to: directory) { CPUs.onlineMask }
    addList("offline", to: directory) { CPUs.allMask & ~CPUs.onlineMask }
    addList("possible", to: directory) { CPUs.allMask }
    addList("present", to: directory) { CPUs.allMask }
    addNumber("kernel_max", to: directory) { UInt64(CPUs.limit - 1) }
    for number in 0..<CPUs.count {
      let cpu = directory.addDirectory("cpu", numbered: number)
      // The first one takes the devices' interrupts and stays: it has no such file.
      if number > 0 { addSwitch(number, to: cpu) }
      let topology = cpu.addDirectory("topology")
      addNumber("core_id", to: topology) { UInt64(number) }
      addNumber("physical_package_id", to: topology) { 0 }
      addList("thread_siblings_list", to: topology) { 1 << UInt64(number) }
      addList("core_siblings_list", to: topology) { CPUs.allMask }
      addList("package_cpus_list", to: topology) { CPUs.allMask }
    }
  }

  private static func addList(
    _ name: StaticString, to directory: FixedDirectory, _ mask: @escaping () -> UInt64
  ) {
    directory.addFile(name) { text throws(Errno) in
      CPUList(mask()).write(to: &text)
      text.put("\n")
    }
  }

  private static func addNumber(
    _ name: StaticString, to directory: FixedDirectory, _ number: @escaping () -> UInt64
  ) {
    directory.addFile(name) { text throws(Errno) in
      text.put(number())
      text.put("\n")
    }
  }

  /// cpuN/online: 0 or 1 takes the CPU out of use or puts it back.
  private static func addSwitch(_ number: Int, to cpu: FixedDirectory) {
    cpu.addFile(
      "online", permissions: 0o644,
      { text throws(Errno) in text.put(CPUs.onlineMask >> UInt64(number) & 1 == 0 ? "0\n" : "1\n") },
      receiver: { value throws(Errno) in
        guard let wanted = value.settingNumber, wanted == 0 || wanted == 1 else { throw .invalid }
        do throws(CPUOffline.Refusal) {
          if wanted == 0 { try CPUOffline.takeOffline(number) } else { try CPUOffline.bringOnline(number) }
        } catch {
          switch error {
          case .alreadyOffline, .alreadyOnline: return
          case .noSuchCPU, .firstCPU: throw .invalid
          }
        }
      })
  }
}
