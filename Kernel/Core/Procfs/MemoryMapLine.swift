/// A line of /proc/PID/maps (proc_pid_maps(5)): a region without its name.
public struct MemoryMapLine: Sendable {
  public var region: MemoryRegion
  /// Of the file behind it; 0 for none.
  public var deviceMajor: UInt32 = 0
  public var deviceMinor: UInt32 = 0
  public var inode: UInt64 = 0

  public init(_ region: MemoryRegion) { self.region = region }

  /// Writes the line up to where the name begins.
  public func write(to text: inout TextBuffer) {
    text.put(hexadecimal: region.start, digits: 8)
    text.put("-")
    text.put(hexadecimal: region.end, digits: 8)
    text.put(" ")
    text.put(byte: region.protection.contains(.read) ? UInt8(ascii: "r") : UInt8(ascii: "-"))
    text.put(byte: region.protection.contains(.write) ? UInt8(ascii: "w") : UInt8(ascii: "-"))
    text.put(byte: region.protection.contains(.execute) ? UInt8(ascii: "x") : UInt8(ascii: "-"))
    text.put(byte: region.isShared ? UInt8(ascii: "s") : UInt8(ascii: "p"))
    text.put(" ")
    text.put(hexadecimal: region.namesSource ? region.sourceOffset : 0, digits: 8)
    text.put(" ")
    text.put(hexadecimal: UInt64(deviceMajor), digits: 2)
    text.put(":")
    text.put(hexadecimal: UInt64(deviceMinor), digits: 2)
    text.put(" ")
    text.put(inode)
    text.put(" ")
  }

  /// The column in which the name begins.
  public static var nameColumn: Int { 73 }
}
