extension RegionMap {
  /// The address of unmapped memory that is large enough.
  ///
  /// Takes time in proportion to the number of regions. Leaves the guard distance below stacks free.
  ///
  /// - Parameters:
  ///   - size: in bytes, rounded up to whole pages.
  ///   - alignment: in bytes, a power of two of at least 4096.
  ///   - limits: where to look; what lies outside of the map's bounds is left out.
  ///   - direction: which end to begin at.
  /// - Returns: nil if there is no such place, or the size is 0.
  public func findGap(
    size: UInt64, alignment: UInt64 = 4096, within limits: Range<UInt64>, direction: GapDirection
  ) -> UInt64? {
    guard size > 0, let length = UserAddress.roundedUpToPages(size), alignment >= 4096,
      alignment & (alignment &- 1) == 0
    else { return nil }
    let allowed = limits.clamped(to: bounds)
    guard !allowed.isEmpty else { return nil }
    switch direction {
    case .bottomUp:
      var index = firstIndex(endingAfter: allowed.lowerBound)
      var start = allowed.lowerBound
      while true {
        let end = min(gapEnd(at: index), allowed.upperBound)
        let place = Self.lowestPlace(length, alignment, from: start, to: end)
        if let place { return place }
        guard let region = self[index], region.end < allowed.upperBound else { return nil }
        start = max(region.end, allowed.lowerBound)
        index &+= 1
      }
    case .topDown:
      // The gap before the region with this place; `count` stands for the gap after the last one.
      var index = firstIndex(endingAfter: allowed.upperBound)
      while true {
        let below = self[index &- 1]
        let start = max(below?.end ?? 0, allowed.lowerBound)
        let end = min(gapEnd(at: index), allowed.upperBound)
        if end >= length {
          let place = (end &- length) & ~(alignment &- 1)
          if place >= start { return place }
        }
        guard let below, below.start > allowed.lowerBound else { return nil }
        index &-= 1
      }
    }
  }

  /// Where the gap before a region ends.
  private func gapEnd(at index: Int) -> UInt64 {
    guard let region = self[index] else { return .max }
    guard region.growsDown else { return region.start }
    return region.start > Self.stackGuardSizeInBytes ? region.start &- Self.stackGuardSizeInBytes : 0
  }

  private static func lowestPlace(
    _ length: UInt64, _ alignment: UInt64, from start: UInt64, to end: UInt64
  ) -> UInt64? {
    let raised = start.addingReportingOverflow(alignment &- 1)
    guard !raised.overflow else { return nil }
    let place = raised.partialValue & ~(alignment &- 1)
    return place <= end && end &- place >= length ? place : nil
  }
}

/// Which end of an address range to begin a search at.
public enum GapDirection: Sendable {
  case bottomUp
  case topDown
}

/// What to do when mapping memory where something is mapped.
public enum RegionPlacement: Sendable {
  case onlyIfFree
  case replacing
}

/// Why a change to a region map was refused. The map is as before.
public enum RegionMapError: UInt8, Error, Sendable {
  case empty
  case misaligned
  case outOfBounds
  case sourceOverflow
  case overlap
  case notMapped
  case tooManyRegions
  case needsStorage

  public var message: StaticString {
    switch self {
    case .empty: "the address range is empty"
    case .misaligned: "the address range does not consist of whole pages"
    case .outOfBounds: "the address range is not open to programs"
    case .sourceOverflow: "the region extends past the largest offset of its source"
    case .overlap: "something is mapped in the address range"
    case .notMapped: "part of the address range is not mapped"
    case .tooManyRegions: "the address space has too many regions"
    case .needsStorage: "the region map has no room for a change"
    }
  }
}
