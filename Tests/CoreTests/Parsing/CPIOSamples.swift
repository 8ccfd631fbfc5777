/// Builds an archive of the newc format, entry by entry.
struct CPIOSample {
  var bytes: [UInt8] = []

  mutating func entry(
    _ name: String, _ data: [UInt8] = [], mode: UInt32 = 0o100644, inode: UInt32 = 1, nlink: UInt32 = 1,
    magic: String = "070701", checksum: UInt32 = 0, nameSize: UInt32? = nil, fileSize: UInt32? = nil
  ) {
    bytes.append(text: magic)
    let numbers: [UInt32] = [
      inode, mode, 1000, 100, nlink, 0x5F5E_100F, fileSize ?? UInt32(data.count), 8, 1, 4, 64,
      nameSize ?? UInt32(name.utf8.count + 1), checksum,
    ]
    for number in numbers {
      let digits = String(number, radix: 16, uppercase: number % 2 == 0)
      bytes.append(text: String(repeating: "0", count: 8 - digits.count) + digits)
    }
    bytes.append(text: name + "\0")
    bytes.pad(to: 4)
    bytes += data
    bytes.pad(to: 4)
  }

  mutating func trailer() {
    entry("TRAILER!!!", mode: 0)
  }

  static func archive(_ entries: [(String, [UInt8])]) -> [UInt8] {
    var sample = CPIOSample()
    for (name, data) in entries { sample.entry(name, data) }
    sample.trailer()
    return sample.bytes
  }

  /// Directories, files of awkward sizes, a hard link, a symbolic link, and a second archive.
  static var full: [UInt8] {
    var sample = CPIOSample()
    sample.entry(".", mode: 0o040755, nlink: 2)
    sample.entry("./bin", mode: 0o040755, inode: 2, nlink: 2)
    sample.entry("./bin/tour", Array("tour!".utf8), mode: 0o100755, inode: 3)
    sample.entry("/bin/empty", [], inode: 4)
    sample.entry("bin/link", [], inode: 5, nlink: 2)
    sample.entry("bin/last", [1, 2, 3], inode: 5, nlink: 2)
    sample.entry("sh", Array("bin/tour".utf8), mode: 0o120777, inode: 6, magic: "070702")
    sample.entry("checked", [255, 255, 2], inode: 7, magic: "070702", checksum: 512)
    sample.trailer()
    sample.bytes.pad(to: 512)
    sample.entry("bin/tour", Array("newer".utf8), mode: 0o100755)
    sample.trailer()
    sample.bytes.pad(to: 512)
    return sample.bytes
  }
}
