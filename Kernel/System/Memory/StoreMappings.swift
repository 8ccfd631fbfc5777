import Core

/// The mappings of an address space, linked, and found by their store: a program may have as many stores as regions,
/// and who looks for one holds the space's lock.
///
/// The lock guards it. Few are looked for one after the other, more in buckets. Where there is no memory for buckets,
/// or for more of them, it goes on with those that there are.
struct StoreMappings {
  private(set) var first: StoreMapping?
  private var count = 0
  private var buckets: UnsafeMutablePointer<Unmanaged<StoreMapping>?>?
  private var bucketBits: UInt64 = 0

  private static var mostWithoutBuckets: Int { 16 }
  /// How many there may be for each bucket before there are more buckets.
  private static var mostInBucket: Int { 4 }

  init() {}

  /// The mapping of a store.
  ///
  /// - Parameter identity: the store's.
  func find(_ identity: UInt64) -> StoreMapping? {
    if let buckets {
      var next = buckets[bucket(of: identity)]
      while let mapping = next {
        let isFound = mapping._withUnsafeGuaranteedRef { $0.store.identity == identity }
        if isFound { return mapping.takeUnretainedValue() }
        next = mapping._withUnsafeGuaranteedRef { $0.nextInBucket }
      }
      return nil
    }
    var next = first
    while let mapping = next {
      if mapping.store.identity == identity { return mapping }
      next = mapping.nextInSpace
    }
    return nil
  }

  /// Takes in a mapping of a store that has none yet.
  mutating func insert(_ mapping: StoreMapping) {
    first?.previousInSpace = mapping
    mapping.nextInSpace = first
    first = mapping
    count += 1
    let limit = buckets == nil ? Self.mostWithoutBuckets : Self.mostInBucket &<< Int(bucketBits)
    if count > limit, makeBuckets() { return }
    link(mapping)
  }

  /// Takes a mapping out, which the caller holds.
  mutating func remove(_ mapping: StoreMapping) {
    if let buckets { unlink(mapping, from: buckets + bucket(of: mapping.store.identity)) }
    mapping.nextInSpace?.previousInSpace = mapping.previousInSpace
    if let previous = mapping.previousInSpace {
      previous.nextInSpace = mapping.nextInSpace
    } else {
      first = mapping.nextInSpace
    }
    mapping.nextInSpace = nil
    mapping.previousInSpace = nil
    count -= 1
  }

  /// Gives the memory of the buckets back; the mappings stay linked.
  mutating func deallocateBuckets() {
    if let buckets { KernelHeap.deallocate(buckets) }
    buckets = nil
  }

  private func bucket(of identity: UInt64) -> Int {
    Int((identity >> 4 &* 0x9E37_79B9_7F4A_7C15) >> (64 - bucketBits))
  }

  private func link(_ mapping: StoreMapping) {
    guard let buckets else { return }
    let place = buckets + bucket(of: mapping.store.identity)
    mapping.nextInBucket = place.pointee
    place.pointee = Unmanaged.passUnretained(mapping)
  }

  private func unlink(_ mapping: StoreMapping, from bucket: UnsafeMutablePointer<Unmanaged<StoreMapping>?>) {
    let removed = Unmanaged.passUnretained(mapping).toOpaque()
    var previous: Unmanaged<StoreMapping>?
    var next = bucket.pointee
    while let candidate = next {
      let following = candidate._withUnsafeGuaranteedRef { $0.nextInBucket }
      if candidate.toOpaque() == removed {
        if let previous {
          previous._withUnsafeGuaranteedRef { $0.nextInBucket = following }
        } else {
          bucket.pointee = following
        }
        return
      }
      previous = candidate
      next = following
    }
  }

  /// Has all of the mappings in four times as many buckets.
  ///
  /// - Returns: false where there is no memory for them; nothing has changed then.
  private mutating func makeBuckets() -> Bool {
    let bits = buckets == nil ? 5 : bucketBits + 2
    let size = (1 << Int(bits)) * MemoryLayout<Unmanaged<StoreMapping>?>.stride
    guard Frames.freeCount > Frames.reserve, let memory = KernelHeap.allocate(size: size, alignment: 16) else {
      return false
    }
    deallocateBuckets()
    let made = memory.bindMemory(to: Unmanaged<StoreMapping>?.self, capacity: 1 << Int(bits))
    made.initialize(repeating: nil, count: 1 << Int(bits))
    buckets = made
    bucketBits = bits
    var next = first
    while let mapping = next {
      link(mapping)
      next = mapping.nextInSpace
    }
    return true
  }
}
