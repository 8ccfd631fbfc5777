/// Reads a cpio archive of the newc format, or several in a row, as Linux takes for its initial file system.
///
///     var archive = CPIOArchive(module)
///     while let entry = try archive.next() { ... }
///
/// The format: a header, the name with a NUL, and the data, the latter two padded to four bytes. An entry
/// named `TRAILER!!!` ends the archive; zeros may follow, and then another archive. After an error the
/// reader stays where it is, and gives the same error again.
public struct CPIOArchive: Sendable {
  /// In bytes, with the NUL: Linux's limit for a path.
  public static let largestNameSize = 4096

  private let image: ByteView
  private var offset = 0
  /// Whether an archive has begun, and its trailer has not come yet.
  private var isInsideArchive = false

  public init(_ image: ByteView) {
    self.image = image
  }

  /// The next entry, or nil after the last.
  public mutating func next() throws(CPIOError) -> CPIOEntry? {
    while true {
      if !isInsideArchive {
        guard try skipPadding() else { return nil }
        isInsideArchive = true
      }
      guard offset < image.count else { throw .missingTrailer }
      let (entry, end) = try entry(at: offset)
      offset = end
      if entry.name != "TRAILER!!!" { return entry }
      isInsideArchive = false
    }
  }

  /// Where the first archive of the image ends, behind its trailer.
  ///
  /// Reads it from its start, wherever `next` is.
  func endOfFirst() throws(CPIOError) -> Int {
    var archive = CPIOArchive(image)
    guard try archive.skipPadding() else { return image.count }
    while true {
      guard archive.offset < image.count else { throw .missingTrailer }
      let (entry, end) = try entry(at: archive.offset)
      archive.offset = min(end, image.count)
      if entry.name == "TRAILER!!!" { return archive.offset }
    }
  }

  /// The last entry of that name, since a later one replaces an earlier one; nil where there is none.
  ///
  /// Reads the whole image from its start, wherever `next` is. Leading slashes of `path` do not matter.
  public func find(_ path: ByteView) throws(CPIOError) -> CPIOEntry? {
    let name = path.withoutRoot
    var found: CPIOEntry?
    var archive = CPIOArchive(image)
    while let entry = try archive.next() {
      if entry.name == name { found = entry }
    }
    return found
  }

  /// Goes to the next archive; false where only zeros are left.
  private mutating func skipPadding() throws(CPIOError) -> Bool {
    while offset < image.count, image[offset] == 0 { offset += 1 }
    guard offset < image.count else { return false }
    guard offset % 4 == 0 else { throw .misalignedArchive }
    return true
  }

  /// Reads the entry whose header is at `start`, and tells where the next one is.
  private func entry(at start: Int) throws(CPIOError) -> (CPIOEntry, end: Int) {
    guard let headerBytes = image.slice(at: start, count: CPIOHeader.size) else { throw .headerTruncated }
    let header = try CPIOHeader(headerBytes)
    let nameStart = start + CPIOHeader.size
    let nameSize = Int(header[.nameSize])
    let name = try name(at: nameStart, size: nameSize)
    // None of the sums can overflow: the parts are below 2^32, and `start` is inside the image.
    let dataStart = roundedUpToFour(nameStart + nameSize)
    let fileSize = Int(header[.fileSize])
    // The padding may be cut off where nothing is to follow it.
    let dataOffset = fileSize == 0 ? min(dataStart, image.count) : dataStart
    guard let data = image.slice(at: dataOffset, count: fileSize) else { throw .dataTruncated }
    let entry = CPIOEntry(name: name, header: header, data: data)
    guard !header.hasChecksum || !entry.isRegularFile || data.sumOfBytes == header[.checksum] else {
      throw .badChecksum
    }
    return (entry, roundedUpToFour(dataStart + fileSize))
  }

  private func name(at offset: Int, size: Int) throws(CPIOError) -> ByteView {
    guard size > 0 else { throw .nameEmpty }
    guard size <= Self.largestNameSize else { throw .nameTooLong }
    guard let bytes = image.slice(at: offset, count: size) else { throw .nameTruncated }
    guard let name = bytes.cString(at: 0), name.count == size - 1 else { throw .nameNotTerminated }
    guard !name.hasParentComponent else { throw .nameLeavesArchive }
    return name.withoutRoot
  }
}

extension CPIOEntry {
  fileprivate init(name: ByteView, header: CPIOHeader, data: ByteView) {
    self.name = name
    inode = header[.inode]
    mode = header[.mode]
    uid = header[.uid]
    gid = header[.gid]
    nlink = header[.nlink]
    mtime = header[.mtime]
    deviceMajor = header[.deviceMajor]
    deviceMinor = header[.deviceMinor]
    rdevMajor = header[.rdevMajor]
    rdevMinor = header[.rdevMinor]
    self.data = data
  }
}

private func roundedUpToFour(_ offset: Int) -> Int { (offset + 3) & ~3 }

extension ByteView {
  /// A path without any `/` and `./` in front, and empty for `.` itself.
  fileprivate var withoutRoot: ByteView {
    var path = self
    while true {
      if path == "." { return path.suffix(from: 1) ?? path }
      let length = path.hasPrefix("/") ? 1 : path.hasPrefix("./") ? 2 : 0
      guard length > 0, let shorter = path.suffix(from: length) else { return path }
      path = shorter
    }
  }

  /// Whether a component of the path is `..`.
  fileprivate var hasParentComponent: Bool {
    var rest = self
    while true {
      let length = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.count
      if length == 2, rest.hasPrefix("..") { return true }
      guard let shorter = rest.suffix(from: length + 1) else { return false }
      rest = shorter
    }
  }
}
