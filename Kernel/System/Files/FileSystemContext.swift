import Core
import Machine

/// Where a process's paths begin, and what its new files may not have (path_resolution(7), umask(2)). Shared by
/// processes that clone(2) makes with CLONE_FS.
final class FileSystemContext: @unchecked Sendable {
  private var lock = SpinLock()
  /// Under `lock`, as the rest.
  private var storedRoot: Path
  private var storedWorkingDirectory: Path
  private var storedMask: UInt32 = 0o022

  /// At the root of all.
  init() {
    storedRoot = RootFileSystem.root
    storedWorkingDirectory = storedRoot
  }

  nonisolated(unsafe) private static var storedOfEnded: FileSystemContext?

  /// That of all processes which have ended.
  static var ofEnded: FileSystemContext { storedOfEnded.unsafelyUnwrapped }

  /// While the machine comes up, once there is a root.
  static func initialize() { storedOfEnded = FileSystemContext() }

  private init(copying other: FileSystemContext) {
    storedRoot = other.storedRoot
    storedWorkingDirectory = other.storedWorkingDirectory
    storedMask = other.storedMask
  }

  /// Where absolute paths begin.
  var root: Path {
    get { lock.withLock { storedRoot } }
    set {
      // What was there before is released with the lock released.
      var value = newValue
      lock.withLock { swap(&storedRoot, &value) }
      withExtendedLifetime(value) {}
    }
  }

  /// Where relative paths begin.
  var workingDirectory: Path {
    get { lock.withLock { storedWorkingDirectory } }
    set {
      var value = newValue
      lock.withLock { swap(&storedWorkingDirectory, &value) }
      withExtendedLifetime(value) {}
    }
  }

  /// Permissions that new files do not get: one word, which may be read at any time.
  var umask: UInt32 { storedMask }

  /// Sets them.
  ///
  /// - Returns: what they were.
  func setMask(_ mask: UInt32) -> UInt32 {
    lock.withLock {
      let old = storedMask
      storedMask = mask & 0o777
      return old
    }
  }

  /// A copy for a child of fork(2).
  func copy() -> FileSystemContext {
    lock.withLock { FileSystemContext(copying: self) }
  }
}
