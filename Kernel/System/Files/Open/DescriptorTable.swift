import Core
import Machine

/// A process's file descriptors. Shared by processes that clone(2) makes with CLONE_FILES.
final class DescriptorTable: @unchecked Sendable {
  struct Entry {
    var file: OpenFile?
    var closesOnExec = false
  }

  /// Guards `entries`. No file is released with it held: its end may wake others or free memory.
  private var lock = SpinLock()
  private var entries: [Entry] = []

  init() {}

  /// The open file behind a descriptor.
  func file(_ descriptor: Int32) throws(Errno) -> OpenFile {
    let file: OpenFile? = lock.withLock {
      descriptor >= 0 && Int(descriptor) < entries.count ? entries[Int(descriptor)].file : nil
    }
    guard let file else { throw .badFile }
    return file
  }

  /// Gives a file the lowest free descriptor from `minimum` on.
  ///
  /// - Parameter limit: RLIMIT_NOFILE: no descriptor is as large.
  /// - Throws: `tooManyFiles`
  func add(_ file: OpenFile, closesOnExec: Bool = false, minimum: Int32 = 0, limit: Int32 = 1024) throws(Errno)
    -> Int32
  {
    let descriptor: Int32? = lock.withLock {
      var candidate = Int(minimum)
      while candidate < entries.count, entries[candidate].file != nil { candidate += 1 }
      guard candidate < Int(limit) else { return nil }
      while entries.count <= candidate { entries.append(Entry()) }
      entries[candidate] = Entry(file: file, closesOnExec: closesOnExec)
      return Int32(candidate)
    }
    guard let descriptor else { throw .tooManyFiles }
    return descriptor
  }

  /// close(2)
  func close(_ descriptor: Int32) throws(Errno) {
    let file: OpenFile? = lock.withLock {
      guard descriptor >= 0, Int(descriptor) < entries.count else { return nil }
      let file = entries[Int(descriptor)].file
      entries[Int(descriptor)] = Entry()
      return file
    }
    guard file != nil else { throw .badFile }
  }

  /// A copy for a child of fork(2): the same open files under the same numbers.
  func copy() -> DescriptorTable {
    let copy = DescriptorTable()
    copy.entries = lock.withLock { entries }
    return copy
  }

  /// execve(2) closes what is marked so.
  func closeOnExec() {
    var closed: [OpenFile] = []
    lock.withLock {
      for index in entries.indices where entries[index].closesOnExec {
        if let file = entries[index].file { closed.append(file) }
        entries[index] = Entry()
      }
    }
    withExtendedLifetime(closed) {}
  }
}
