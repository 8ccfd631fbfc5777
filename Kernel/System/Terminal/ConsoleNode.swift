import Core
import Machine

/// /dev/console as the first program has it open, whatever the archive has in /dev.
final class ConsoleNode: FileNode, @unchecked Sendable {
  nonisolated(unsafe) private static var stored: ConsoleNode?
  static var shared: ConsoleNode { stored! }

  /// While the machine comes up.
  static func initialize() {
    stored = ConsoleNode(
      fileSystem: FileSystem(device: 1, typeName: "rootfs"), number: 1,
      mode: FileMode.characterDevice.with(permissions: 0o600))
  }

  override var deviceNumber: UInt64 { DeviceNumber(major: 5, minor: 1).rawValue }
}
