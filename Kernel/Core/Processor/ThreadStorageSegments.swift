/// The segments that a thread has of its own in the global descriptor table (set_thread_area(2)).
public struct ThreadStorageSegments: Sendable {
  /// The table's entries for them, as on Linux.
  public static var entries: Range<Int> { 12..<15 }

  /// 0 for none.
  public private(set) var descriptors = InlineArray<3, UInt64>(repeating: 0)

  public init() {}

  public var isEmpty: Bool { descriptors[0] | descriptors[1] | descriptors[2] == 0 }

  /// The first entry that has no segment.
  public var freeEntry: UInt32? {
    for index in 0..<Self.entries.count where descriptors[index] == 0 {
      return UInt32(Self.entries.lowerBound + index)
    }
    return nil
  }

  /// The segment of one of `entries`; nil for another entry.
  public subscript(entry: UInt32) -> UInt64? {
    Self.entries.contains(Int(entry)) ? descriptors[Int(entry) - Self.entries.lowerBound] : nil
  }

  /// Makes a segment what a program asks for, in the entry that it names: one of `entries`.
  public mutating func set(_ segment: UserSegment) {
    let isNone = segment.isEmpty || segment.isZero
    descriptors[Int(segment.entryNumber) - Self.entries.lowerBound] = isNone ? 0 : segment.descriptor
  }
}

extension UserSegment {
  /// Whether set_thread_area(2) takes it: data of 32 bits, or none.
  public var isForThreadStorage: Bool {
    isEmpty || isZero || flags.contains(.is32Bit) && flags.isDisjoint(with: [.isCode, .isNotPresent])
  }

  /// What a descriptor says, as get_thread_area(2) tells it.
  public init(entryNumber: UInt32, descriptor: UInt64) {
    func flag(_ bit: UInt64, _ flag: Flags) -> Flags { (descriptor >> bit) & 1 == 1 ? flag : [] }
    func absent(_ bit: UInt64, _ flag: Flags) -> Flags { (descriptor >> bit) & 1 == 0 ? flag : [] }
    self.init(
      entryNumber: entryNumber, base: UInt32(truncatingIfNeeded: Self.base(of: descriptor)),
      limit: UInt32(truncatingIfNeeded: descriptor & 0xFFFF | (descriptor >> 32) & 0xF_0000),
      flags: flag(42, .isDownwardsOrConforming).union(flag(43, .isCode)).union(absent(41, .isRestricted))
        .union(absent(47, .isNotPresent)).union(flag(52, .isAvailable)).union(flag(54, .is32Bit))
        .union(flag(55, .limitInPages)))
  }
}
