/// The entries of a directory by name, and in the order in which they were made.
///
/// Up to `listLimit` entries are looked through one by one; from there on a hash table is kept, which grows with
/// them where memory allows. The table keeps its entries alive. The caller has a lock for it.
public struct DirectoryTable<Entry: DirectoryTableEntry>: ~Copyable {
  /// With more entries there is a hash table.
  public static var listLimit: Int { 8 }
  private static var largestBucketCount: Int { 1 << 15 }

  public private(set) var count = 0
  private var oldest: Unmanaged<Entry>?
  private var newest: Unmanaged<Entry>?
  private var buckets: UnsafeMutablePointer<Unmanaged<Entry>?>?
  private var bucketCount = 0
  private var lastPosition: Int64 = 0
  /// Where the last look for a position ended: the next one most likely goes on from there.
  private var cursor: Unmanaged<Entry>?

  public init() {}

  deinit {
    var next = oldest
    while let entry = next {
      next = entry._withUnsafeGuaranteedRef { $0.links.newer }
      entry.release()
    }
    buckets?.deallocate()
  }

  public var isEmpty: Bool { count == 0 }

  // MARK: Looking

  /// The entry with a name, or nil.
  public func find(_ name: ByteView) -> Entry? {
    if count == 0 { return nil }
    let hash = NameHash.of(name)
    var next = buckets.map { $0[Int(hash) & (bucketCount &- 1)] } ?? oldest
    while let candidate = next {
      let found: Bool = candidate._withUnsafeGuaranteedRef { $0.nameHash == hash && $0.name.isSame(as: name) }
      if found { return candidate.takeUnretainedValue() }
      next = candidate._withUnsafeGuaranteedRef { buckets == nil ? $0.links.newer : $0.links.nextInBucket }
    }
    return nil
  }

  /// The newest entry whose position is below this one. A listing goes from the newest to the oldest: whatever is made
  /// meanwhile, or gets another name, does not come in front of it, where it would never end.
  public mutating func newest(below position: Int64) -> Entry? {
    var next = newest
    if let cursor, cursor._withUnsafeGuaranteedRef({ $0.links.position >= position }) { next = cursor }
    while let candidate = next {
      if candidate._withUnsafeGuaranteedRef({ $0.links.position < position }) {
        cursor = candidate
        return candidate.takeUnretainedValue()
      }
      next = candidate._withUnsafeGuaranteedRef { $0.links.older }
    }
    return nil
  }

  /// The entry that was made before one of this table.
  public func next(before entry: Entry) -> Entry? { entry.links.older?.takeUnretainedValue() }

  // MARK: Changing

  /// Takes an entry in that is in no table, and whose name is not in this one.
  ///
  /// - Parameter allocate: memory for a hash table of so many bytes; without, lookups become slower.
  public mutating func insert(_ entry: Entry, allocate: (Int) -> UnsafeMutableRawPointer?) {
    let held = Unmanaged.passRetained(entry)
    lastPosition += 1
    entry.links = DirectoryTableLinks(position: lastPosition, older: newest)
    if let newest { newest._withUnsafeGuaranteedRef { $0.links.newer = held } } else { oldest = held }
    newest = held
    count += 1
    if count > max(bucketCount, Self.listLimit), bucketCount < Self.largestBucketCount, grow(allocate) { return }
    putIntoBucket(held)
  }

  /// Takes an entry of this table out.
  public mutating func remove(_ entry: Entry) {
    let links = entry.links
    if cursor?.toOpaque() == Unmanaged.passUnretained(entry).toOpaque() { cursor = links.newer }
    if let older = links.older { older._withUnsafeGuaranteedRef { $0.links.newer = links.newer } } else { oldest = links.newer }
    if let newer = links.newer { newer._withUnsafeGuaranteedRef { $0.links.older = links.older } } else { newest = links.older }
    if let buckets {
      let bucket = buckets + Int(entry.nameHash) & (bucketCount &- 1)
      let held = Unmanaged.passUnretained(entry)
      if bucket.pointee?.toOpaque() == held.toOpaque() {
        bucket.pointee = links.nextInBucket
      } else {
        var previous = bucket.pointee
        while let candidate = previous {
          let next = candidate._withUnsafeGuaranteedRef { $0.links.nextInBucket }
          if next?.toOpaque() == held.toOpaque() {
            candidate._withUnsafeGuaranteedRef { $0.links.nextInBucket = links.nextInBucket }
            break
          }
          previous = next
        }
      }
    }
    entry.links = DirectoryTableLinks()
    count -= 1
    Unmanaged.passUnretained(entry).release()
  }

  /// Takes all entries out.
  public mutating func removeAll() {
    while let entry = oldest?.takeUnretainedValue() { remove(entry) }
  }

  /// Doubles the hash table, or makes the first.
  private mutating func grow(_ allocate: (Int) -> UnsafeMutableRawPointer?) -> Bool {
    let newCount = max(bucketCount * 2, 16)
    guard let memory = allocate(newCount * MemoryLayout<Unmanaged<Entry>?>.stride) else { return false }
    buckets?.deallocate()
    let new = memory.bindMemory(to: Unmanaged<Entry>?.self, capacity: newCount)
    new.initialize(repeating: nil, count: newCount)
    buckets = new
    bucketCount = newCount
    var next = oldest
    while let entry = next {
      putIntoBucket(entry)
      next = entry._withUnsafeGuaranteedRef { $0.links.newer }
    }
    return true
  }

  private func putIntoBucket(_ entry: Unmanaged<Entry>) {
    guard let buckets else { return }
    let bucket = buckets + Int(entry._withUnsafeGuaranteedRef { $0.nameHash }) & (bucketCount &- 1)
    entry._withUnsafeGuaranteedRef { $0.links.nextInBucket = bucket.pointee }
    bucket.pointee = entry
  }
}

/// What a `DirectoryTable` holds.
public protocol DirectoryTableEntry: AnyObject {
  var name: ByteView { get }
  /// `NameHash.of(name)`
  var nameHash: UInt32 { get }
  /// The table's.
  var links: DirectoryTableLinks<Self> { get set }
}

/// Where an entry is in its table.
public struct DirectoryTableLinks<Entry: AnyObject> {
  /// Rises from entry to entry; 0 for an entry in no table.
  public internal(set) var position: Int64 = 0
  var older: Unmanaged<Entry>?
  var newer: Unmanaged<Entry>?
  var nextInBucket: Unmanaged<Entry>?

  public init() {}

  init(position: Int64, older: Unmanaged<Entry>?) {
    self.position = position
    self.older = older
  }
}

/// Hashes of names.
public enum NameHash {
  public static func of(_ name: ByteView) -> UInt32 {
    let bytes = name.bytes
    var hash = UInt64(truncatingIfNeeded: bytes.count) &* 0x9E37_79B9_7F4A_7C15
    var offset = 0
    while offset &+ 8 <= bytes.count {
      hash = (hash ^ bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) &* 0xFF51_AFD7_ED55_8CCD
      hash ^= hash >> 32
      offset &+= 8
    }
    var tail: UInt64 = 0
    while offset < bytes.count {
      tail = tail << 8 | UInt64(bytes[offset])
      offset &+= 1
    }
    hash = (hash ^ tail) &* 0xC4CE_B9FE_1A85_EC53
    return UInt32(truncatingIfNeeded: hash >> 32)
  }
}

extension ByteView {
  /// As `==`, some bytes at a time.
  func isSame(as other: ByteView) -> Bool {
    guard count == other.count else { return false }
    let left = bytes
    let right = other.bytes
    var offset = 0
    while offset &+ 8 <= left.count {
      if left.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        != right.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      { return false }
      offset &+= 8
    }
    while offset < left.count {
      if left[offset] != right[offset] { return false }
      offset &+= 1
    }
    return true
  }
}
