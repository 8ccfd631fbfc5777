import Core
import Testing

@Suite struct UserSegmentTests {
  private static let none: UserSegment.Flags = [.isRestricted, .isNotPresent]

  private func descriptor(_ segment: UserSegment, isOld: Bool = false) -> UInt64? {
    LocalDescriptorRequest.descriptor(for: segment, isOld: isOld)
  }

  @Test func descriptorHasTheManualsLayout() {
    let data = UserSegment(base: 0x1234_5678, limit: 0xF_EDCB, flags: [.is32Bit, .limitInPages])
    #expect(data.descriptor == 0x12CF_F334_5678_EDCB)
    let code = UserSegment(limit: 10, flags: [.is32Bit, .isCode, .isRestricted, .isAvailable])
    #expect(code.descriptor == 0x0050_F900_0000_000A)
    let absent = UserSegment(flags: [.isCode, .isDownwardsOrConforming, .isNotPresent])
    #expect(absent.descriptor == 0x0000_7F00_0000_0000)
    #expect(UserSegment.base(of: data.descriptor) == 0x1234_5678)
  }

  @Test func everyDescriptorIsOfRing3AndOf32BitsAtMost() {
    for bits in 0..<UInt32(1 << 9) {
      let made = UserSegment(base: .max, limit: .max, flags: .init(rawValue: bits)).descriptor
      #expect(made >> 44 & 1 == 1, "a system segment")
      #expect(made >> 45 & 3 == 3)
      #expect(made >> 53 & 1 == 0, "64-bit code")
      #expect(made >> 40 & 1 == 1, "not accessed")
    }
  }

  @Test func stacksOf16BitsAreRefused() {
    for flags: UserSegment.Flags in [[], .isDownwardsOrConforming, .limitInPages, .isNotPresent] {
      let segment = UserSegment(base: 1, limit: 1, flags: flags)
      #expect(descriptor(segment) == nil)
      #expect(descriptor(segment, isOld: true) == nil)
      #expect(descriptor(UserSegment(base: 1, limit: 1, flags: flags.union(.is32Bit))) != nil)
    }
    for flags: UserSegment.Flags in [.isCode, .isRestricted, [.isDownwardsOrConforming, .isRestricted]] {
      #expect(descriptor(UserSegment(base: 1, flags: flags)) != nil)
    }
  }

  @Test func conformingCodeIsTakenWhereItIsNotPresent() {
    let conforming: UserSegment.Flags = [.is32Bit, .isCode, .isDownwardsOrConforming]
    #expect(descriptor(UserSegment(flags: conforming)) == nil)
    #expect(descriptor(UserSegment(limit: 1, flags: conforming.union(.isNotPresent))) != nil)
    #expect(descriptor(UserSegment(limit: 1, flags: conforming.union(.isNotPresent)), isOld: true) == nil)
  }

  @Test func entriesAreClearedInLinuxsWays() {
    #expect(descriptor(UserSegment(flags: Self.none)) == 0)
    // `lm` and what lies above it say nothing.
    #expect(descriptor(UserSegment(flags: Self.none.union(.init(rawValue: 0xFFFF_FF80)))) == 0)
    #expect(descriptor(UserSegment(base: 1, flags: Self.none)) != 0)
    #expect(descriptor(UserSegment(flags: Self.none.union(.isAvailable))) != 0)
    // Function 1 looks at base and limit alone.
    #expect(descriptor(UserSegment(flags: [.is32Bit]), isOld: true) == 0)
    #expect(descriptor(UserSegment(flags: []), isOld: true) == 0)
    #expect(descriptor(UserSegment(limit: 1, flags: [.is32Bit]), isOld: true) != 0)
    #expect(UserSegment(flags: .init(rawValue: 0x80)).isZero)
    #expect(!UserSegment(flags: .isAvailable).isZero)
  }

  @Test func entriesEndAtTheLastThatASelectorNames() {
    #expect(descriptor(UserSegment(entryNumber: 8191, limit: 1, flags: .is32Bit)) != nil)
    #expect(descriptor(UserSegment(entryNumber: 8192, limit: 1, flags: .is32Bit)) == nil)
    #expect(descriptor(UserSegment(entryNumber: 8192, flags: Self.none)) == nil)
    #expect(descriptor(UserSegment(entryNumber: .max, flags: Self.none)) == nil)
  }

  @Test func availableBitIsNotForFunction1() {
    let segment = UserSegment(limit: 1, flags: [.is32Bit, .isAvailable])
    #expect(descriptor(segment).map { $0 >> 52 & 1 } == 1)
    #expect(descriptor(segment, isOld: true).map { $0 >> 52 & 1 } == 0)
  }

  @Test func rightsTellWhatCanBeLoaded() {
    func rights(_ segment: UserSegment) -> SegmentAccessRights {
      SegmentAccessRights(rawValue: UInt32(truncatingIfNeeded: segment.descriptor >> 32 & 0xFF_FF00))
    }
    #expect(rights(UserSegment(flags: .is32Bit)).isReadable)
    #expect(rights(UserSegment(flags: .is32Bit)).isStack)
    #expect(rights(UserSegment(flags: [.isRestricted])).isReadable)
    #expect(!rights(UserSegment(flags: [.isRestricted])).isStack)
    #expect(rights(UserSegment(flags: [.isCode])).isReadable)
    #expect(!rights(UserSegment(flags: [.isCode])).isStack)
    #expect(!rights(UserSegment(flags: [.isCode, .isRestricted])).isReadable)
    #expect(!rights(UserSegment(flags: [.is32Bit, .isNotPresent])).isReadable)
    #expect(!rights(UserSegment(flags: [.is32Bit, .isNotPresent])).isStack)
    // The kernel's data, a task state, nothing.
    for value: UInt32 in [0x9300, 0x8900, 0xE900, 0] {
      #expect(!SegmentAccessRights(rawValue: value).isReadable)
      #expect(!SegmentAccessRights(rawValue: value).isStack)
    }
  }
}
