/// Makes the sum of the bytes in `range` zero by the one at `place`.
func fixChecksum(_ bytes: inout [UInt8], _ range: Range<Int>, at place: Int) {
  bytes[place] = 0
  bytes[place] = 0 &- bytes[range].reduce(0, &+)
}

func rsdpVersion1(rsdt: UInt32, revision: UInt8 = 0) -> [UInt8] {
  var bytes = Array("RSD PTR \0BOCHS ".utf8)
  bytes.append(revision)
  bytes.append(rsdt, as: UInt32.self)
  fixChecksum(&bytes, 0..<20, at: 8)
  return bytes
}

func rsdpVersion2(rsdt: UInt32, xsdt: UInt64, length: UInt32 = 36) -> [UInt8] {
  var bytes = rsdpVersion1(rsdt: rsdt, revision: 2)
  bytes.append(length, as: UInt32.self)
  bytes.append(xsdt, as: UInt64.self)
  bytes += [0, 0, 0, 0]
  fixChecksum(&bytes, 0..<36, at: 32)
  return bytes
}

/// A table with header, right length and right checksum.
func acpiTable(_ signature: String, _ content: [UInt8]) -> [UInt8] {
  var bytes = Array(signature.utf8)
  bytes.append(UInt32(36 + content.count), as: UInt32.self)
  bytes += [1, 0]
  bytes.append(text: "BOCHS BXPC    \u{1}\0\0\0BXPC\u{1}\0\0\0")
  bytes += content
  fixChecksum(&bytes, 0..<bytes.count, at: 9)
  return bytes
}

func rootTable(_ signature: String, _ addresses: [UInt64]) -> [UInt8] {
  var content: [UInt8] = []
  for address in addresses {
    if signature == "XSDT" {
      content.append(address, as: UInt64.self)
    } else {
      content.append(UInt32(address), as: UInt32.self)
    }
  }
  return acpiTable(signature, content)
}

/// Every type of entry that is decoded, among some that are not.
let madtContent: [UInt8] =
  [0x00, 0x00, 0xE0, 0xFE, 1, 0, 0, 0]
  + [0, 8, 0, 0, 1, 0, 0, 0]
  + [0, 8, 1, 2, 2, 0, 0, 0]
  + [0x7F, 5, 1, 2, 3]
  + [1, 12, 4, 0, 0x00, 0x00, 0xC0, 0xFE, 24, 0, 0, 0]
  + [2, 10, 0, 0, 2, 0, 0, 0, 0, 0]
  + [2, 10, 0, 9, 9, 0, 0, 0, 0b1101, 0]
  + [2, 10, 0, 5, 5, 0, 0, 0, 0b0111, 0]
  + [2, 10, 0, 6, 6, 0, 0, 0, 0b1010, 0]
  + [4, 6, 0xFF, 0b0101, 0, 1]
  + [4, 6, 3, 0, 0, 0]
  + [9, 16, 0, 0, 0x00, 0x01, 0, 0, 1, 0, 0, 0, 0x34, 0x12, 0, 0]
  + [10, 12, 0b1111, 0, 0xFF, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0]
  + [10, 12, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0]
  + [0x80, 2]
  + [5, 12, 0, 0, 0x00, 0x00, 0xE0, 0xFE, 0x01, 0, 0, 0]

/// A fixed description table of ACPI 1.0, or a longer one with the extended timer block.
func fadt(
  port: UInt32 = 0x608, length: UInt8 = 4, flags: UInt32 = 1 << 8,
  extended: (space: UInt8, address: UInt64)? = nil
) -> [UInt8] {
  var content = [UInt8](repeating: 0, count: (extended == nil ? 116 : 244) - 36)
  content.set(port, at: 76 - 36, as: UInt32.self)
  content[91 - 36] = length
  content.set(flags, at: 112 - 36, as: UInt32.self)
  if let extended {
    content[208 - 36] = extended.space
    content.set(extended.address, at: 212 - 36, as: UInt64.self)
  }
  return acpiTable("FACP", content)
}
