/// The identifiers of one kind of System V objects (sysvipc(7)): the place in a table, and above it a sequence number, so
/// that an identifier whose object has gone names no other one for a long time.
///
/// Places are given out in turn: a place that has been given up is used again after all others below a bound, which grows
/// with the number of objects. The sequence number goes up whenever the turn begins anew. The caller provides the lock.
public struct IdentifierSequence: Sendable {
  /// How many places there can be.
  public static var placeLimit: Int { 1 << placeBits }
  private static var placeBits: Int32 { 15 }
  private static var sequenceLimit: Int32 { .max >> placeBits }
  /// So many places are used before the first one is used again.
  private static var shortestTurn: Int { 64 }

  /// How many identifiers are in use.
  public private(set) var count = 0
  /// The identifier that the next object is to get, if its place is free (/proc/sys/kernel/msg_next_id and the like);
  /// -1 for any.
  public var wish: Int32 = -1
  private var sequence: Int32 = 0
  private var lastPlace = -1
  /// Where the search for a free place begins.
  private var cursor = 0

  public init() {}

  /// The place of an identifier, which is not negative.
  public static func place(of identifier: Int32) -> Int { Int(identifier) & (placeLimit - 1) }

  public static func sequence(of identifier: Int32) -> Int32 { identifier >> placeBits }

  /// A new identifier.
  ///
  /// - Parameters:
  ///   - limit: how many there may be.
  ///   - isTaken: whether a place is in use.
  /// - Returns: nil where there are so many.
  public mutating func allocate(limit: Int, isTaken: (Int) -> Bool) -> Int32? {
    guard count < min(limit, Self.placeLimit) else { return nil }
    let wished = wish
    wish = -1
    if wished >= 0 {
      guard let place = Self.free(from: Self.place(of: wished), to: Self.placeLimit, isTaken) else { return nil }
      count += 1
      return wished & ~Int32(Self.placeLimit - 1) | Int32(place)
    }
    let end = min(max(count * 3 / 2, Self.shortestTurn), Self.placeLimit)
    guard let place = Self.free(from: cursor, to: end, isTaken) ?? Self.free(from: 0, to: end, isTaken) else {
      return nil
    }
    cursor = place + 1
    if place <= lastPlace {
      sequence += 1
      if sequence >= Self.sequenceLimit { sequence = 0 }
    }
    lastPlace = place
    count += 1
    return sequence << Self.placeBits | Int32(place)
  }

  private static func free(from start: Int, to end: Int, _ isTaken: (Int) -> Bool) -> Int? {
    var place = start
    while place < end {
      if !isTaken(place) { return place }
      place += 1
    }
    return nil
  }

  /// An identifier is not in use any more.
  public mutating func release() { count -= 1 }
}
