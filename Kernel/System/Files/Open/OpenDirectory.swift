import Core
import Machine

/// An open directory: what getdents64(2) reads. Its offset is the position of the next entry.
final class OpenDirectory: OpenFile, @unchecked Sendable {
  /// It has one, if nothing to read there: pread(2) answers EISDIR.
  override var hasPosition: Bool { true }
  override func read(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int {
    if (position ?? offset).addingReportingOverflow(Int64(buffer.remaining)).overflow { throw .invalid }
    throw .isDirectory
  }
  override func poll() -> PollEvents { [.input, .output, .inputNormal, .outputNormal] }

  override func seek(_ offset: Int64, _ whence: Int32) throws(Errno) -> Int64 {
    let mutex = FileMutexes.position(of: self)
    mutex.acquire()
    defer { mutex.release() }
    guard whence == Whence.set || whence == Whence.current else { throw .invalid }
    self.offset = try Whence.position(offset, whence, current: self.offset, size: 0)
    return self.offset
  }

  override func readDirectory(into listing: inout DirectoryListing) throws(Errno) {
    guard let location else { throw .notDirectory }
    if location.entry.hasBeenRemoved { throw .noEntry }
    let mutex = FileMutexes.position(of: self)
    mutex.acquire()
    defer { mutex.release() }
    let directoryType = FileMode.directory.directoryEntryType
    listing.nextPosition = offset
    if listing.nextPosition == 0 {
      guard listing.add(ByteView("."), number: node.number, type: directoryType, position: 1) else { return }
    }
    if listing.nextPosition == 1 {
      let parent = location.entry.parent?.node.number ?? node.number
      guard listing.add(ByteView(".."), number: parent, type: directoryType, position: 2) else {
        offset = 1
        return
      }
    }
    try node.list(from: listing.nextPosition, into: &listing)
    offset = listing.nextPosition
    if !flags.contains(.noAccessTime) { node.stampAccessed() }
  }
}

/// The buffer that a directory is listed into, in the form of getdents64(2) or getdents(2).
struct DirectoryListing {
  private let buffer: UnsafeMutableRawBufferPointer
  private let isOldForm: Bool
  /// How many bytes have been filled.
  private(set) var count = 0
  /// The position of the entry after the last that was added.
  fileprivate(set) var nextPosition: Int64 = 0
  /// Whether an entry had no room.
  private(set) var isFull = false

  init(_ buffer: UnsafeMutableRawBufferPointer, isOldForm: Bool) {
    self.buffer = buffer
    self.isOldForm = isOldForm
  }

  /// Adds an entry.
  ///
  /// - Parameter position: of the entry after it, by which the directory finds that: above 2, where the entries begin.
  /// - Returns: false where there is no room for it.
  mutating func add(_ name: ByteView, number: UInt64, type: UInt8, position: Int64) -> Bool {
    // struct linux_dirent64: number, position, record length, type, name with its zero; the old form has the
    // type in the record's last byte.
    let nameOffset = isOldForm ? 18 : 19
    let length = (nameOffset + name.count + (isOldForm ? 2 : 1) + 7) & ~7
    guard length <= buffer.count - count, let base = buffer.baseAddress else {
      isFull = true
      return false
    }
    let record = base + count
    (record + length - 8).storeBytes(of: 0, as: UInt64.self)
    record.storeBytes(of: number, as: UInt64.self)
    record.storeBytes(of: position, toByteOffset: 8, as: Int64.self)
    record.storeBytes(of: UInt16(length), toByteOffset: 16, as: UInt16.self)
    if let bytes = name.base { (record + nameOffset).copyMemory(from: bytes, byteCount: name.count) }
    record.storeBytes(of: 0, toByteOffset: nameOffset + name.count, as: UInt8.self)
    record.storeBytes(of: type, toByteOffset: isOldForm ? length - 1 : 18, as: UInt8.self)
    count += length
    nextPosition = position
    return true
  }
}
