import Core
import Machine

extension SystemCalls {
  /// select(2), the raw call: the timeout is changed to what is left of it.
  static func select(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    var deadline: UInt64?
    if arguments.fifth != 0 {
      // `struct timeval`
      guard let time = UserMemory.load(TimeSpecification.zero, from: arguments.fifth) else { throw .badAddress }
      guard time.seconds >= 0, time.nanoseconds >= 0 else { throw .invalid }
      let (seconds, microseconds) = (UInt64(time.seconds), UInt64(time.nanoseconds))
      let bounded = min(seconds, 1_000_000_000) + min(microseconds / 1_000_000, 1_000_000_000)
      deadline = Self.deadline(nanoseconds: bounded * 1_000_000_000 + microseconds % 1_000_000 * 1000)
    }
    defer {
      if let deadline, deadline != 0 {
        let left = remainingNanoseconds(until: deadline)
        let time = TimeSpecification(
          seconds: Int64(left / 1_000_000_000), nanoseconds: Int64(left % 1_000_000_000 / 1000))
        _ = UserMemory.store(time, to: arguments.fifth)
      }
    }
    return try select(arguments, until: deadline)
  }

  /// pselect6(2), the raw call: the last argument is the address of a mask's address and size.
  static func pselect6(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    var mask: (address: UInt64, size: UInt64) = (0, 0)
    if arguments.sixth != 0 {
      guard let address = UserMemory.load(UInt64(0), from: arguments.sixth),
        let size = UserMemory.load(UInt64(0), from: arguments.sixth &+ 8)
      else { throw .badAddress }
      mask = (address, size)
    }
    let deadline = try deadline(timeSpecificationAt: arguments.fifth)
    defer {
      if let deadline, deadline != 0 {
        let remaining = TimeSpecification(nanoseconds: remainingNanoseconds(until: deadline))
        _ = UserMemory.store(remaining, to: arguments.fifth)
      }
    }
    return try withSignalMask(at: mask.address, size: mask.size) { () throws(Errno) in
      try select(arguments, until: deadline)
    }
  }

  /// The events that each of the three sets stands for (select(2), Notes).
  private static var setEvents: (PollEvents, PollEvents, PollEvents) {
    (
      PollEvents(rawValue: 0x40 | 0x80 | 0x1 | 0x10 | 0x8), PollEvents(rawValue: 0x200 | 0x100 | 0x4 | 0x8),
      .priority
    )
  }

  private static func select(_ arguments: SystemCallArguments, until deadline: UInt64?) throws(Errno) -> Int64 {
    let requested = Int32(truncatingIfNeeded: arguments.first)
    guard requested >= 0 else { throw .invalid }
    let process = Scheduler.current.pointee.process!
    // Descriptors that no process has are nobody's.
    let count = min(Int(requested), Int(min(process.limit(.openFiles), ResourceLimits.openFilesMaximum)))
    let words = (count + 63) / 64
    let sets = try DescriptorSets(words: words)
    defer { sets.deallocate() }
    let addresses = (arguments.second, arguments.third, arguments.fourth)
    try sets.load(0, from: addresses.0)
    try sets.load(1, from: addresses.1)
    try sets.load(2, from: addresses.2)

    var entries = HeapArray<PollEntry>()
    defer { entries.removeAll() }
    let events = setEvents
    for word in 0..<words {
      var bits = sets[0, word] | sets[1, word] | sets[2, word]
      while bits != 0 {
        let bit = UInt64(1) << UInt64(bits.trailingZeroBitCount)
        let descriptor = word * 64 + bits.trailingZeroBitCount
        bits &= bits - 1
        if descriptor >= count { break }
        var wanted: PollEvents = []
        if sets[0, word] & bit != 0 { wanted.formUnion(events.0) }
        if sets[1, word] & bit != 0 { wanted.formUnion(events.1) }
        if sets[2, word] & bit != 0 { wanted.formUnion(events.2) }
        guard entries.makeRoom() else { throw .outOfMemory }
        let file = try self.file(UInt64(descriptor))
        entries.append(PollEntry(descriptor: Int32(descriptor), file: file, wanted: wanted))
      }
    }
    _ = try PollWait.wait(entries, until: deadline)

    var total: Int64 = 0
    for index in 0..<entries.count {
      let word = Int(entries[index].descriptor) / 64
      let bit = UInt64(1) << UInt64(entries[index].descriptor & 63)
      func report(_ set: Int, _ events: PollEvents) {
        guard sets[set, word] & bit != 0, !entries[index].found.isDisjoint(with: events) else { return }
        sets[set + 3, word] |= bit
        total += 1
      }
      report(0, events.0)
      report(1, events.1)
      report(2, events.2)
    }
    try sets.store(0, to: addresses.0)
    try sets.store(1, to: addresses.1)
    try sets.store(2, to: addresses.2)
    return total
  }
}

/// Three sets of descriptors as they came, and three as they go back, a bit each: in kernel memory.
private struct DescriptorSets {
  private let memory: UnsafeMutablePointer<UInt64>
  private let words: Int

  init(words: Int) throws(Errno) {
    guard let memory = KernelHeap.allocate(size: max(words, 1) * 6 * 8, alignment: 8) else { throw .outOfMemory }
    self.memory = memory.bindMemory(to: UInt64.self, capacity: words * 6)
    self.words = words
    self.memory.initialize(repeating: 0, count: words * 6)
  }

  func deallocate() { KernelHeap.deallocate(memory) }

  /// Sets 3 to 5 are the results.
  subscript(set: Int, word: Int) -> UInt64 {
    get { memory[set * words + word] }
    nonmutating set { memory[set * words + word] = newValue }
  }

  func load(_ set: Int, from address: UInt64) throws(Errno) {
    if address == 0 { return }
    guard UserMemory.copyIn(memory + set * words, from: address, count: words * 8) else { throw .badAddress }
  }

  /// Puts the set's results where it came from.
  func store(_ set: Int, to address: UInt64) throws(Errno) {
    if address == 0 { return }
    guard UserMemory.copyOut(memory + (set + 3) * words, to: address, count: words * 8) else { throw .badAddress }
  }
}
