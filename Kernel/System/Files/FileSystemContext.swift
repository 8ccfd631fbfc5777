import Core
import Machine

/// Where a process's paths begin, and what its new files may not have (path_resolution(7), umask(2)). Shared by
/// processes that clone(2) makes with CLONE_FS.
final class FileSystemContext: @unchecked Sendable {
  var lock = SpinLock()
  /// Under `lock`, as the rest.
  var umask: UInt32 = 0o022

  init() {}

  /// A copy for a child of fork(2).
  func copy() -> FileSystemContext {
    let copy = FileSystemContext()
    lock.withLock { copy.umask = umask }
    return copy
  }
}
