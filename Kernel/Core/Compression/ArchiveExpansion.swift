/// Makes plain cpio archives of an image of several, plain and compressed by gzip, as Linux takes them for its
/// initial file system: one behind the other, with zeros between.
///
///     let expansion = ArchiveExpansion(image, workspace: pages)
///     let size = expansion.count(limit: memory)
///     let result = expansion.expand(into: buffer)
///
/// What was read before a fault stays; a compressed part with a fault in it goes as a whole.
public struct ArchiveExpansion {
  public struct Result: Sendable {
    /// How many bytes the plain archives have.
    public var byteCount: Int
    /// What is wrong with the image; nil where nothing is.
    public var fault: InflateError?
    /// Where in the image the part with the fault begins.
    public var faultOffset: Int
  }

  private let image: ByteView
  private let workspace: UnsafeMutableRawPointer

  /// How large the workspace has to be, in bytes.
  public static var workspaceSize: Int { Inflate.memorySize }

  /// - Parameter workspace: `workspaceSize` bytes on a multiple of two, the caller's.
  public init(_ image: ByteView, workspace: UnsafeMutableRawPointer) {
    self.image = image
    self.workspace = workspace
  }

  /// Whether there is anything to expand. False for plain archives, which can be read where they lie, and
  /// for what is no archive at all, which `CPIOArchive` names.
  public static func isNeeded(for image: ByteView) -> Bool {
    var offset = 0
    while offset < image.count {
      if image[offset] == 0 {
        offset += 1
      } else if isOtherCompression(image, at: offset) || GzipHeader.isPresent(in: image, at: offset) {
        return true
      } else if let end = endOfArchive(image, at: offset) {
        offset = end
      } else {
        return false
      }
    }
    return false
  }

  /// How many bytes `expand` needs, found by reading everything but keeping nothing.
  ///
  /// - Parameter limit: the most that there is memory for, in bytes; more is a fault.
  public func count(limit: Int) -> Result {
    var output = InflateCounter(limit: limit)
    return expand(into: &output)
  }

  /// Writes the plain archives to memory that has room for what `count` gave.
  public func expand(into memory: UnsafeMutableRawBufferPointer) -> Result {
    var output = InflateBuffer(memory)
    return expand(into: &output)
  }

  private func expand(into output: inout some InflateOutput) -> Result {
    let inflate = Inflate(memory: workspace)
    var offset = 0
    while offset < image.count {
      if image[offset] == 0 {
        offset += 1
        continue
      }
      let start = output.count
      do throws(InflateError) {
        offset = try expandPart(at: offset, inflate, into: &output)
        // Where the next one has to begin.
        while output.count % 4 != 0 { try output.append(0) }
      } catch {
        output.truncate(to: start)
        return Result(byteCount: start, fault: error, faultOffset: offset)
      }
    }
    return Result(byteCount: output.count, fault: nil, faultOffset: offset)
  }

  /// Expands one archive; returns where it ends.
  private func expandPart(
    at offset: Int, _ inflate: Inflate, into output: inout some InflateOutput
  ) throws(InflateError) -> Int {
    if GzipHeader.isPresent(in: image, at: offset) {
      return try expandMember(at: offset, inflate, into: &output)
    }
    guard !Self.isOtherCompression(image, at: offset) else { throw .otherCompression }
    // What is no whole archive stays as it is: the one that reads its entries names the fault.
    let end = Self.endOfArchive(image, at: offset) ?? image.count
    if let bytes = image.slice(at: offset, count: end - offset) { try output.append(bytes) }
    return end
  }

  /// A header, deflated blocks, the checksum and the length modulo 2^32 (RFC 1952, section 2.3).
  private func expandMember(
    at offset: Int, _ inflate: Inflate, into output: inout some InflateOutput
  ) throws(InflateError) -> Int {
    let start = output.count
    var input = BitReader(image, at: try GzipHeader(image, at: offset).dataOffset)
    try inflate.run(&input, into: &output)
    let trailer = try input.takeBytes(8)
    guard let checksum = trailer.integer(at: 0, as: UInt32.self),
      let length = trailer.integer(at: 4, as: UInt32.self)
    else { throw .truncated }
    guard output.hasChecksum(checksum, from: start) else { throw .badChecksum }
    guard UInt32(truncatingIfNeeded: output.count - start) == length else { throw .badLength }
    return input.byteOffset
  }

  /// Where the plain archive there ends, or nil where it cannot be read to its trailer.
  private static func endOfArchive(_ image: ByteView, at offset: Int) -> Int? {
    guard let rest = image.suffix(from: offset) else { return nil }
    do throws(CPIOError) { return offset + (try CPIOArchive(rest).endOfFirst()) } catch { return nil }
  }

  /// Whether the bytes begin as bzip2, xz, lzma, lzo, lz4 or zstd do, which Linux may know.
  private static func isOtherCompression(_ image: ByteView, at offset: Int) -> Bool {
    guard let start = image.integer(at: offset, as: UInt32.self) else { return false }
    switch start {
    case 0x587A_37FD, 0x4F5A_4C89, 0x184C_2102, 0x184D_2204, 0xFD2F_B528: return true
    default: return start & 0xFF_FFFF == 0x68_5A42 || start & 0xFF_FFFF == 0x5D
    }
  }
}
