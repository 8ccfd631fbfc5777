import Core
import Machine

/// The chain of calls, by frame pointers, with the names that the build links in.
public enum Backtrace {
  /// Prints the callers that a chain of frame pointers leads to.
  public static func print(from framePointer: UInt64) {
    var frame = framePointer
    for _ in 0..<32 {
      // A frame lies in the kernel's half, aligned, and the next one above it.
      guard frame >= DIRECT_MAP_BASE, frame & 7 == 0, frame < .max - 16,
        isReadable(frame), isReadable(frame + 8),
        let words = UnsafePointer<UInt64>(bitPattern: UInt(frame))
      else { return }
      let returnAddress = words[1]
      if returnAddress < KERNEL_BASE { return }
      printFrame(returnAddress)
      if words[0] <= frame { return }
      frame = words[0]
    }
  }

  /// Prints one address as function + offset.
  public static func printFrame(_ address: UInt64) {
    if let symbol = Symbols.find(address) {
      Console.print("  at \(hex: address) \(symbol.name)+\(hex: symbol.offset)")
    } else {
      Console.print("  at \(hex: address)")
    }
  }

  /// Whether a backtrace can read a word of the kernel's half without a fault.
  private static func isReadable(_ address: UInt64) -> Bool {
    if address >= KERNEL_BASE { return address < addressOfImageEnd() }
    if address < STACK_AREA_BASE { return address &- DIRECT_MAP_BASE < Frames.directMapSize }
    return PageTable.kernel.entry(for: address).map { $0.pointee.isPresent } ?? false
  }
}

/// The kernel's functions by address.
public enum Symbols {
  public struct Found {
    public let name: UnsafeRawBufferPointer
    /// In bytes from the function's start.
    public let offset: UInt64
  }

  /// The function that an address of the image lies in, or nil.
  public static func find(_ address: UInt64) -> Found? {
    guard address >= addressOfTextStart(), address < addressOfTextEnd() else { return nil }
    // SAFETY: the build fills the table as Assembly.h describes it; with no functions the count is 0.
    let count = Int(UnsafePointer<UInt64>(bitPattern: UInt(addressOfSymbolTableCount()))!.pointee)
    let addresses = UnsafePointer<UInt32>(bitPattern: UInt(addressOfSymbolTableAddresses()))!
    let nameOffsets = UnsafePointer<UInt32>(bitPattern: UInt(addressOfSymbolTableNameOffsets()))!
    let names = UnsafePointer<UInt8>(bitPattern: UInt(addressOfSymbolTableNames()))!
    let target = UInt32(truncatingIfNeeded: address &- KERNEL_BASE)
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if addresses[middle] <= target { low = middle + 1 } else { high = middle }
    }
    if low == 0 { return nil }
    let name = names + Int(nameOffsets[low - 1])
    var length = 0
    while name[length] != 0 { length += 1 }
    return Found(
      name: UnsafeRawBufferPointer(start: name, count: length), offset: UInt64(target - addresses[low - 1]))
  }
}
