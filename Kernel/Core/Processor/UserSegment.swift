/// A segment as a program asks for it: Linux's `struct user_desc`, 16 bytes (modify_ldt(2), set_thread_area(2)).
public struct UserSegment: BitwiseCopyable, Equatable, Sendable {
  public var entryNumber: UInt32
  public var base: UInt32
  /// The last offset, in bytes or, with `limitInPages`, in pages of 4 KiB.
  public var limit: UInt32
  public var flags: Flags

  public init(entryNumber: UInt32 = 0, base: UInt32 = 0, limit: UInt32 = 0, flags: Flags = []) {
    self.entryNumber = entryNumber
    self.base = base
    self.limit = limit
    self.flags = flags
  }

  /// The bit fields behind the limit. What lies above them says nothing.
  public struct Flags: OptionSet, BitwiseCopyable, Sendable {
    public let rawValue: UInt32
    @inline(__always)
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// `seg_32bit`
    public static var is32Bit: Flags { Flags(rawValue: 1 << 0) }
    /// The lower bit of `contents`: data that grows downwards, code of any privilege.
    public static var isDownwardsOrConforming: Flags { Flags(rawValue: 1 << 1) }
    /// The upper bit of `contents`.
    public static var isCode: Flags { Flags(rawValue: 1 << 2) }
    /// `read_exec_only`: data that cannot be written, code that cannot be read.
    public static var isRestricted: Flags { Flags(rawValue: 1 << 3) }
    /// `limit_in_pages`
    public static var limitInPages: Flags { Flags(rawValue: 1 << 4) }
    /// `seg_not_present`
    public static var isNotPresent: Flags { Flags(rawValue: 1 << 5) }
    /// `useable`: a bit that the program has for itself.
    public static var isAvailable: Flags { Flags(rawValue: 1 << 6) }
    /// All that say something, but for `lm`, which programs do not get.
    public static var meaningful: Flags { Flags(rawValue: 0x7F) }
  }

  /// Asks for no segment in the entry (`LDT_empty`).
  public var isEmpty: Bool {
    base == 0 && limit == 0 && flags.intersection(.meaningful) == [.isRestricted, .isNotPresent]
  }

  /// All zeros but for the entry, which set_thread_area(2) takes for none too (`LDT_zero`).
  public var isZero: Bool { base == 0 && limit == 0 && flags.isDisjoint(with: .meaningful) }

  /// Code of any privilege (`contents` 3).
  public var isConforming: Bool { flags.isSuperset(of: [.isDownwardsOrConforming, .isCode]) }

  /// Whether SS takes it as a stack of 16 bits. IRET to such a stack loads SP alone, and leaves the program what the
  /// kernel's stack pointer has above it.
  public var is16BitStack: Bool { flags.isDisjoint(with: [.is32Bit, .isCode, .isRestricted]) }

  /// The descriptor (Intel SDM volume 3, section 3.4.5): of ring 3, accessed, so that no CPU writes it, and never for
  /// 64-bit code.
  public var descriptor: UInt64 {
    var type: UInt64 = 1
    if !flags.contains(.isRestricted) { type |= 2 }
    if flags.contains(.isDownwardsOrConforming) { type |= 4 }
    if flags.contains(.isCode) { type |= 8 }
    let limit = UInt64(limit)
    let base = UInt64(base)
    var descriptor = limit & 0xFFFF | (base & 0xFF_FFFF) << 16 | type << 40
    descriptor |= (limit >> 16 & 0xF) << 48 | (base >> 24) << 56
    // No system segment, and privilege 3.
    descriptor |= 0x70 << 40
    if !flags.contains(.isNotPresent) { descriptor |= 1 << 47 }
    if flags.contains(.isAvailable) { descriptor |= 1 << 52 }
    if flags.contains(.is32Bit) { descriptor |= 1 << 54 }
    if flags.contains(.limitInPages) { descriptor |= 1 << 55 }
    return descriptor
  }

  /// The base in a descriptor of a code or data segment.
  public static func base(of descriptor: UInt64) -> UInt64 {
    descriptor >> 16 & 0xFF_FFFF | (descriptor >> 56) << 24
  }
}

/// An entry of a local descriptor table as modify_ldt(2) is asked for it.
public enum LocalDescriptorRequest {
  /// As many entries as a selector can name.
  public static var entryLimit: Int { 8192 }

  /// The descriptor to be stored; 0 for none.
  ///
  /// - Parameter isOld: whether by function 1, which knows no present segments of `contents` 3 and no available bit.
  /// - Returns: nil where the request is refused (EINVAL). What Linux would take: a 16-bit stack.
  public static func descriptor(for segment: UserSegment, isOld: Bool) -> UInt64? {
    guard segment.entryNumber < UInt32(entryLimit) else { return nil }
    if segment.isConforming, isOld || !segment.flags.contains(.isNotPresent) { return nil }
    if segment.isEmpty || isOld && segment.base == 0 && segment.limit == 0 { return 0 }
    if segment.is16BitStack { return nil }
    var segment = segment
    if isOld { segment.flags.remove(.isAvailable) }
    return segment.descriptor
  }
}
