import Instructions

/// An entry of a page table of any level (Intel SDM volume 3, section 4.5).
public struct PageTableEntry: Equatable, Sendable {
  public var bits: UInt64

  @inline(__always)
  public init(bits: UInt64) { self.bits = bits }

  @inline(__always)
  public init(frame: PhysicalAddress, flags: Flags) { bits = frame | flags.rawValue }

  public static var absent: PageTableEntry { PageTableEntry(bits: 0) }

  public struct Flags: OptionSet, Sendable {
    public let rawValue: UInt64
    @inline(__always)
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static var present: Flags { Flags(rawValue: 1 << 0) }
    public static var writable: Flags { Flags(rawValue: 1 << 1) }
    public static var user: Flags { Flags(rawValue: 1 << 2) }
    public static var writeThrough: Flags { Flags(rawValue: 1 << 3) }
    public static var cacheDisabled: Flags { Flags(rawValue: 1 << 4) }
    public static var accessed: Flags { Flags(rawValue: 1 << 5) }
    public static var dirty: Flags { Flags(rawValue: 1 << 6) }
    public static var large: Flags { Flags(rawValue: 1 << 7) }
    public static var global: Flags { Flags(rawValue: 1 << 8) }
    /// Ignored by the CPU: keeps an entry that is not present from being zero, for memory without any access.
    public static var held: Flags { Flags(rawValue: 1 << 9) }
    public static var noExecute: Flags { Flags(rawValue: 1 << 63) }
    /// The page's protection key, 0 to 15 (section 4.6.2).
    @inline(__always)
    public init(protectionKey: UInt8) { rawValue = UInt64(protectionKey & 15) << 59 }
  }

  @inline(__always)
  public var isPresent: Bool { bits & 1 != 0 }
  /// Whether a last-level entry holds a frame: one that is present, or one whose page nobody may touch.
  @inline(__always)
  public var holdsFrame: Bool { bits != 0 }
  @inline(__always)
  public var frame: PhysicalAddress { bits & 0x000F_FFFF_FFFF_F000 }
  @inline(__always)
  public var flags: Flags { Flags(rawValue: bits & ~0x000F_FFFF_FFFF_F000) }
}

/// A four-level page table, by the physical address of its root.
///
/// The caller holds the lock of the address space that the table belongs to, and sends the TLB shootdown.
public struct PageTable: Sendable {
  public let root: PhysicalAddress

  @inline(__always)
  public init(root: PhysicalAddress) { self.root = root }

  /// The table that maps the kernel alone.
  public static var kernel: PageTable {
    PageTable(root: addressOfKernelPML4())
  }

  @inline(__always)
  private static func table(_ frame: PhysicalAddress) -> UnsafeMutablePointer<PageTableEntry> {
    PhysicalMemory.pointer(to: frame).assumingMemoryBound(to: PageTableEntry.self)
  }

  /// The slot of an address in a table of `level` (4 is the root).
  @inline(__always)
  private static func slot(_ address: UInt64, level: Int) -> Int {
    Int(truncatingIfNeeded: address >> UInt64(12 &+ 9 &* (level &- 1)) & 511)
  }

  /// The last-level entry for an address, or nil where no table is there yet.
  public func entry(for address: UInt64) -> UnsafeMutablePointer<PageTableEntry>? {
    var table = Self.table(root)
    var level = 4
    while level > 1 {
      let entry = table[Self.slot(address, level: level)]
      if !entry.isPresent || entry.flags.contains(.large) { return nil }
      table = Self.table(entry.frame)
      level &-= 1
    }
    return table + Self.slot(address, level: 1)
  }

  /// The last-level entry for an address, with the tables on the way made.
  ///
  /// - Parameters:
  ///   - user: whether user mode may reach what is mapped below.
  ///   - allocateTable: gives a zeroed frame, or nil when memory is out.
  /// - Returns: nil when memory is out.
  public func makeEntry(
    for address: UInt64, user: Bool, allocateTable: () -> PhysicalAddress?
  ) -> UnsafeMutablePointer<PageTableEntry>? {
    var flags: PageTableEntry.Flags = [.present, .writable]
    if user { flags.insert(.user) }
    var table = Self.table(root)
    var level = 4
    while level > 1 {
      let entry = table + Self.slot(address, level: level)
      if !entry.pointee.isPresent {
        guard let frame = allocateTable() else { return nil }
        entry.pointee = PageTableEntry(frame: frame, flags: flags)
      }
      table = Self.table(entry.pointee.frame)
      level &-= 1
    }
    return table + Self.slot(address, level: 1)
  }

  /// Calls `body` with each last-level entry that holds a frame in a page-aligned range; tables that are
  /// absent are passed over whole.
  public func forEachEntry(
    in range: Range<UInt64>, _ body: (UInt64, UnsafeMutablePointer<PageTableEntry>) -> Void
  ) {
    var address = range.lowerBound
    while address < range.upperBound {
      var table = Self.table(root)
      var level = 4
      while level > 1 {
        let entry = table[Self.slot(address, level: level)]
        if !entry.isPresent { break }
        table = Self.table(entry.frame)
        level &-= 1
      }
      if level > 1 {
        // Nothing below: go on behind the gap that this entry would map.
        let span = UInt64(1) << UInt64(12 &+ 9 &* (level &- 1))
        address = (address | (span &- 1)) &+ 1
        if address == 0 { return }
        continue
      }
      var slot = Self.slot(address, level: 1)
      while slot < 512, address < range.upperBound {
        if table[slot].holdsFrame { body(address, table + slot) }
        slot &+= 1
        address &+= 4096
      }
    }
  }

  /// The first page with a frame in a page-aligned range; tables that are absent are passed over whole.
  public func firstEntry(in range: Range<UInt64>) -> UInt64? {
    var address = range.lowerBound
    while address < range.upperBound {
      guard let entry = entry(for: address) else {
        address = nextTable(after: address)
        if address == 0 { return nil }
        continue
      }
      if entry.pointee.holdsFrame { return address }
      address &+= 4096
    }
    return nil
  }

  /// Fills another table's entries of a page-aligned range, all of them absent, from the ones that hold a
  /// frame here.
  ///
  /// - Parameters:
  ///   - allocateTable: gives a zeroed frame, or nil when memory is out.
  ///   - copy: gets an entry, which it may change, and gives the copy.
  /// - Returns: false when memory is out.
  @inline(__always)
  public func copyEntries(
    in range: Range<UInt64>, to other: PageTable, allocateTable: () -> PhysicalAddress?,
    _ copy: (UnsafeMutablePointer<PageTableEntry>) -> PageTableEntry
  ) -> Bool {
    var address = range.lowerBound
    while address < range.upperBound {
      let end = min((address | 0x1F_FFFF) &+ 1, range.upperBound)
      guard var entry = entry(for: address) else {
        address = nextTable(after: address)
        continue
      }
      var target: UnsafeMutablePointer<PageTableEntry>? = nil
      while address < end {
        if entry.pointee.holdsFrame {
          if target == nil {
            target = other.makeEntry(for: address, user: true, allocateTable: allocateTable)
            if target == nil { return false }
          }
          target.unsafelyUnwrapped.pointee = copy(entry)
        }
        entry += 1
        if let next = target { target = next + 1 }
        address &+= 4096
      }
    }
    return true
  }

  /// The first address above one without a last-level table at which there may be one.
  private func nextTable(after address: UInt64) -> UInt64 {
    var table = Self.table(root)
    var level = 4
    while level > 2 {
      let entry = table[Self.slot(address, level: level)]
      if !entry.isPresent { break }
      table = Self.table(entry.frame)
      level &-= 1
    }
    return (address | (UInt64(1) << UInt64(12 &+ 9 &* (level &- 1)) &- 1)) &+ 1
  }

  /// Gives back every table of the user half; the pages have been unmapped before.
  public func freeUserTables(_ free: (PhysicalAddress) -> Void) {
    let top = Self.table(root)
    Self.forEachPresent(in: top, count: 256) { entry in
      Self.freeTables(entry.pointee.frame, level: 3, free)
      entry.pointee = .absent
    }
  }

  /// Calls `body` with each present entry of a table, most of whose entries are absent, and so zero: looks at
  /// four at a time.
  @inline(__always)
  private static func forEachPresent(
    in table: UnsafeMutablePointer<PageTableEntry>, count: Int,
    _ body: (UnsafeMutablePointer<PageTableEntry>) -> Void
  ) {
    var entry = table
    let end = table + count
    while entry < end {
      if entry[0].bits | entry[1].bits | entry[2].bits | entry[3].bits != 0 {
        for slot in 0..<4 where entry[slot].isPresent { body(entry + slot) }
      }
      entry += 4
    }
  }

  private static func freeTables(_ frame: PhysicalAddress, level: Int, _ free: (PhysicalAddress) -> Void) {
    if level > 1 {
      forEachPresent(in: table(frame), count: 512) { freeTables($0.pointee.frame, level: level - 1, free) }
    }
    free(frame)
  }

  /// Makes the root in its new frame: no user memory, and the kernel's half of another table.
  public func initialize(kernelHalfFrom other: PageTable) {
    let source = Self.table(other.root)
    let destination = Self.table(root)
    UnsafeMutableRawPointer(destination).initializeMemory(as: UInt8.self, repeating: 0, count: 2048)
    UnsafeMutableRawPointer(destination + 256).copyMemory(from: source + 256, byteCount: 2048)
  }

  /// Makes the top-level entries of the kernel's half that are filled only later, so that every address
  /// space shares them from its beginning.
  public func reserveKernelSlot(_ slot: Int, table frame: PhysicalAddress) {
    Self.table(root)[slot] = PageTableEntry(frame: frame, flags: [.present, .writable])
  }
}
