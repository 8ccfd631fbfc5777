@testable import Core
import Testing

@Suite struct ThreadStorageSegmentsTests {
  private let flat: UserSegment.Flags = [.is32Bit, .limitInPages]

  @Test func onlyDataOf32BitsThatIsPresentIsTaken() {
    #expect(UserSegment(base: 1, flags: .is32Bit).isForThreadStorage)
    #expect(UserSegment(base: 1, flags: [.is32Bit, .isDownwardsOrConforming, .isRestricted]).isForThreadStorage)
    #expect(!UserSegment(base: 1).isForThreadStorage)
    #expect(!UserSegment(base: 1, flags: [.is32Bit, .isCode]).isForThreadStorage)
    #expect(!UserSegment(base: 1, flags: [.is32Bit, .isNotPresent]).isForThreadStorage)
    // The two ways to ask for none.
    #expect(UserSegment(entryNumber: 13).isForThreadStorage)
    #expect(UserSegment(flags: [.isRestricted, .isNotPresent]).isForThreadStorage)
  }

  @Test func descriptorsTellWhatTheyWereMadeOf() {
    for flags: UInt32 in 0..<128 {
      let segment = UserSegment(
        entryNumber: 14, base: 0x8765_4321, limit: 0x9_ABCD, flags: UserSegment.Flags(rawValue: flags))
      #expect(UserSegment(entryNumber: 14, descriptor: segment.descriptor) == segment)
    }
  }

  @Test func entriesAreFilledInOrderAndEmptied() {
    var segments = ThreadStorageSegments()
    #expect(segments.isEmpty)
    for entry: UInt32 in 12...14 {
      #expect(segments.freeEntry == entry)
      segments.set(UserSegment(entryNumber: entry, base: entry, limit: 5, flags: flat))
      #expect(segments[entry] != 0)
    }
    #expect(segments.freeEntry == nil)
    #expect(segments[11] == nil && segments[15] == nil && segments[.max] == nil)
    segments.set(UserSegment(entryNumber: 13))
    #expect(segments.freeEntry == 13 && segments[13] == 0)
    segments.set(UserSegment(entryNumber: 12, flags: [.isRestricted, .isNotPresent]))
    segments.set(UserSegment(entryNumber: 14))
    #expect(segments.isEmpty)
  }
}
