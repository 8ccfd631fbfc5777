import Core
import Machine

/// A device node, FIFO or socket in a file system: the name of something that lives elsewhere.
final class SpecialNode: FileNode, @unchecked Sendable {
  private let device: UInt64

  init(fileSystem: FileSystem, number: UInt64, mode: FileMode, deviceNumber: UInt64) {
    device = deviceNumber
    super.init(fileSystem: fileSystem, number: number, mode: mode)
  }

  override var deviceNumber: UInt64 { device }

  override func open(_ flags: OpenFlags) throws(Errno) -> OpenFile {
    switch mode.type {
    case .characterDevice: try CharacterDevices.open(self, flags)
    default: throw .noSuchDeviceOrAddress
    }
  }
}

/// What opens a character device: a class for each kind, registered under a major number.
class CharacterDriver: @unchecked Sendable {
  init() {}

  /// - Parameter minor: which of its devices.
  func open(_ node: FileNode, minor: UInt32, _ flags: OpenFlags) throws(Errno) -> OpenFile {
    throw .noSuchDeviceOrAddress
  }
}

/// The character devices by their major numbers (Linux's devices.txt).
enum CharacterDevices {
  private static var limit: Int { 256 }
  nonisolated(unsafe) private static var drivers: UnsafeMutablePointer<CharacterDriver?>?

  /// While the machine comes up.
  static func initialize() {
    drivers = KernelHeap.allocateArray(of: CharacterDriver?.self, count: limit, repeating: nil)
  }

  /// While the machine comes up, before programs run.
  static func register(_ driver: CharacterDriver, major: Int) { drivers![major] = driver }

  /// Writes the lines of /proc/devices.
  static func writeNames(to text: inout TextBuffer) {
    for major in 0..<limit where drivers![major] != nil {
      text.put(major, width: 3)
      text.put(" ")
      text.put(name(of: major))
      text.put("\n")
    }
  }

  private static func name(of major: Int) -> StaticString {
    switch major {
    case 1: "mem"
    case 4: "ttyS"
    case 5: "/dev/tty"
    case 10: "misc"
    case 128: "ptm"
    case 136: "pts"
    default: "other"
    }
  }

  static func open(_ node: FileNode, _ flags: OpenFlags) throws(Errno) -> OpenFile {
    let number = DeviceNumber(rawValue: node.deviceNumber)
    guard number.major < limit, let driver = drivers![Int(number.major)] else { throw .noSuchDeviceOrAddress }
    return try driver.open(node, minor: number.minor, flags)
  }
}
