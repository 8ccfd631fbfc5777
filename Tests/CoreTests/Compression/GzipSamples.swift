import Foundation

/// Compressed samples, made by the host's gzip and by hand.
enum GzipSample {
  /// What the host's gzip makes of some bytes.
  static func compress(_ bytes: [UInt8], level: Int = 6) throws -> [UInt8] {
    let directory = FileManager.default.temporaryDirectory.appending(path: "gzip-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let file = directory.appending(path: "sample")
    try Data(bytes).write(to: file)
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["gzip", "-\(level)", file.path]
    try process.run()
    process.waitUntilExit()
    return [UInt8](try Data(contentsOf: file.appendingPathExtension("gz")))
  }

  /// A member with one stored block and every field that a header can have but its own checksum.
  static func stored(_ bytes: [UInt8], checksum: UInt32, flags: UInt8 = 0x1C) -> [UInt8] {
    var member: [UInt8] = [0x1F, 0x8B, 8, flags, 0, 0, 0, 0, 0, 3]
    if flags & 4 != 0 { member += [3, 0, 1, 2, 3] }
    if flags & 8 != 0 { member += Array("name\0".utf8) }
    if flags & 16 != 0 { member += Array("comment\0".utf8) }
    let length = UInt16(bytes.count)
    member += [1, UInt8(length & 255), UInt8(length >> 8), UInt8(~length & 255), UInt8(~length >> 8)]
    member += bytes
    for value in [checksum, UInt32(bytes.count)] {
      for shift: UInt32 in [0, 8, 16, 24] { member.append(UInt8(value >> shift & 255)) }
    }
    return member
  }

  /// Deflated blocks in the shell of a member.
  static func member(blocks: [UInt8]) -> [UInt8] {
    [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3] + blocks + [0, 0, 0, 0, 0, 0, 0, 0]
  }
}
