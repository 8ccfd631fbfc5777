import Core
import Machine
import System

/// Frames, the heap, kernel stacks and the translations of addresses.
enum MemoryTests {
  static var all: [SelfTest] {
    [
      SelfTest("memory.frames.areExclusiveAndAllComeBack", framesAreExclusiveAndAllComeBack),
      SelfTest("memory.heap.keepsContentsAndComesBack", heapKeepsContentsAndComesBack),
      SelfTest("memory.objects.areFreedWithTheLastReference", objectsAreFreedWithTheLastReference),
      SelfTest("memory.arrays.areCopiedBeforeAWrite", arraysAreCopiedBeforeAWrite),
      SelfTest("memory.outOfMemory.isAnErrorThatPasses", outOfMemoryIsAnErrorThatPasses),
      SelfTest("memory.kernelStack.hasGuardPage", kernelStackHasGuardPage),
      SelfTest("memory.translations.areDroppedOnAllCPUs", translationsAreDroppedOnAllCPUs),
    ]
  }

  /// Blocks of all sizes, marked by their address: no two overlap, and all of them come back.
  private static func framesAreExclusiveAndAllComeBack(_ test: Test) {
    struct Block {
      var address: UInt64
      var order: Int
    }
    SelfTestAccess.releaseUnusedMemory()
    var blocks: [Block] = []
    blocks.reserveCapacity(512)
    let before = Frames.freeCount
    for _ in 0..<4000 {
      if blocks.count < 512, test.random.next(below: 3) > 0 {
        let order = test.random.next(below: 6)
        guard let address = Frames.allocate(order: order) else { continue }
        test.expect(address & (4096 << UInt64(order) - 1) == 0, "block \(hex: address) of order \(order)")
        mark(address, order: order, address)
        blocks.append(Block(address: address, order: order))
      } else if !blocks.isEmpty {
        let block = blocks.remove(at: test.random.next(below: blocks.count))
        test.expect(
          isMarked(block.address, order: block.order, block.address),
          "block \(hex: block.address) of order \(block.order) was overwritten")
        mark(block.address, order: block.order, 0)
        Frames.free(block.address, order: block.order)
      }
    }
    for block in blocks {
      test.expect(
        isMarked(block.address, order: block.order, block.address), "block \(hex: block.address) overwritten")
      Frames.free(block.address, order: block.order)
    }
    test.expectEqual(Frames.freeCount, before, "free frames")
  }

  /// Marks the first word of each frame of a block.
  private static func mark(_ address: UInt64, order: Int, _ value: UInt64) {
    for frame in 0..<1 << order {
      PhysicalMemory.pointer(to: address).storeBytes(of: value, toByteOffset: frame * 4096, as: UInt64.self)
    }
  }

  private static func isMarked(_ address: UInt64, order: Int, _ value: UInt64) -> Bool {
    for frame in 0..<1 << order {
      let found = PhysicalMemory.pointer(to: address).load(fromByteOffset: frame * 4096, as: UInt64.self)
      if found != value { return false }
    }
    return true
  }

  /// Random blocks on all CPUs at once keep what was written, and all memory comes back.
  private static func heapKeepsContentsAndComesBack(_ test: Test) {
    let threads = Threads.count
    var bytes: [Int] = []
    var frames: [Int] = []
    bytes.reserveCapacity(5)
    frames.reserveCapacity(5)
    // What leaks takes more each time. A few bytes of another thread may be in use in one of the rounds.
    for round in 0..<5 {
      useHeap(test)
      Support.settle(downTo: threads)
      bytes.append(KernelHeap.bytesInUse)
      frames.append(Frames.freeCount)
      if round > 0, bytes[round] == bytes[round - 1], frames[round] == frames[round - 1] { return }
    }
    test.expect(bytes[4] <= bytes[0], "\(bytes[4]) bytes in use, \(bytes[0]) four rounds before")
    test.expect(frames[4] >= frames[0], "\(frames[4]) free frames, \(frames[0]) four rounds before")
  }

  private static func useHeap(_ test: Test) {
    let group = WorkGroup()
    for _ in 0..<CPUs.count {
      let seed = test.random.next()
      group.start { _ in useHeap(test, seed) }
    }
    group.wait()
  }

  private static func useHeap(_ test: Test, _ seed: UInt64) {
    var random = RandomNumbers(seed: seed)
    var blocks: [UnsafeMutableRawBufferPointer] = []
    blocks.reserveCapacity(64)
    let deadline = Support.deadline(milliseconds: 100)
    var step = 0
    while step < 100 || readTimeStampCounter() < deadline && step < 2000 {
      step += 1
      if blocks.count < 64, random.next(below: 5) > 1 {
        // Mostly small, some of several pages.
        let size = 8 + random.next(below: random.next(below: 8) == 0 ? 10_000 : 500)
        let alignment = 8 << random.next(below: 5)
        guard let start = KernelHeap.allocate(size: size, alignment: alignment) else {
          test.expect(false, "\(size) bytes refused")
          continue
        }
        test.expectEqual(Int(bitPattern: start) & (alignment - 1), 0, "misalignment to \(alignment)")
        let block = UnsafeMutableRawBufferPointer(start: start, count: size)
        fill(block)
        blocks.append(block)
      } else if !blocks.isEmpty {
        let block = blocks.remove(at: random.next(below: blocks.count))
        test.expect(isFilled(block), "step \(step): block of \(block.count) bytes was overwritten")
        KernelHeap.deallocate(block.baseAddress!)
      }
    }
    for block in blocks {
      test.expect(isFilled(block), "block of \(block.count) bytes was overwritten")
      KernelHeap.deallocate(block.baseAddress!)
    }
  }

  private static func fill(_ block: UnsafeMutableRawBufferPointer) {
    let value = UInt8(truncatingIfNeeded: Int(bitPattern: block.baseAddress) >> 4)
    block.initializeMemory(as: UInt8.self, repeating: value)
  }

  private static func isFilled(_ block: UnsafeMutableRawBufferPointer) -> Bool {
    let value = UInt8(truncatingIfNeeded: Int(bitPattern: block.baseAddress) >> 4)
    return block.allSatisfy { $0 == value }
  }

  private final class Object {
    let ends: Shared
    let next: Object?

    init(ends: Shared, next: Object?) {
      self.ends = ends
      self.next = next
    }

    deinit { ends.add(1) }
  }

  private static func objectsAreFreedWithTheLastReference(_ test: Test) {
    let ends = Shared()
    let bytes = KernelHeap.bytesInUse
    var chain: Object?
    for _ in 0..<10 { chain = Object(ends: ends, next: chain) }
    test.expect(KernelHeap.bytesInUse > bytes, "objects take no memory")
    var other = chain
    chain = nil
    test.expectEqual(ends.value, 0, "objects that ended with a reference left")
    test.expect(other?.next != nil, "the chain is cut")
    other = nil
    test.expectEqual(ends.value, 10, "objects that ended")
    test.expectEqual(KernelHeap.bytesInUse, bytes, "bytes in use")
  }

  private static func arraysAreCopiedBeforeAWrite(_ test: Test) {
    var first: [Int] = []
    for number in 0..<8 { first.append(number + test.random.next(below: 1)) }
    let second = first
    first[3] = 100
    test.expectEqual(first[3], 100, "the element that was written")
    test.expectEqual(second[3], 3, "the same element of the other array")
  }

  /// With all of a program's memory gone, requests are refused, threads run on, and after that all is well.
  private static func outOfMemoryIsAnErrorThatPasses(_ test: Test) {
    let threads = Threads.count
    let stop = Shared()
    let turns = Shared()
    let group = WorkGroup()
    group.start { _ in
      while stop.value == 0 {
        turns.add(1)
        Sleep.milliseconds(1)
      }
    }
    SelfTestAccess.releaseUnusedMemory()
    let before = Frames.freeCount

    // Each frame's first word holds the one before.
    var last: UInt64 = 0
    var taken = 0
    while let frame = Frames.allocateForUser() {
      PhysicalMemory.pointer(to: frame).storeBytes(of: last, as: UInt64.self)
      last = frame
      taken += 1
    }
    test.expect(taken > 0, "there was no memory to take")
    test.expect(Frames.freeCount <= Frames.reserve, "\(Frames.freeCount) frames are free, but none was given")
    test.expect(Frames.allocate(order: 10) == nil, "a block of 4 MiB came from a reserve of 2 MiB")
    for size in [8193, 65_536, 1 << 20] {
      let block = KernelHeap.allocate(size: size, alignment: 16)
      test.expect(block == nil, "a block of \(size) bytes came from the reserve")
      if let block { KernelHeap.deallocate(block) }
    }
    test.expect(!Threads.startKernelThread({ _ in }), "a thread got a stack without memory")
    let turnsBefore = turns.value
    let goesOn = Support.sleep { turns.value >= turnsBefore + 3 }
    test.expect(goesOn, "a thread that needs no memory stopped")

    while last != 0 {
      let frame = last
      last = PhysicalMemory.pointer(to: frame).load(as: UInt64.self)
      Frames.free(frame, order: 0)
    }
    stop.value = 1
    group.wait()
    Support.settle(downTo: threads)
    // The worker's stack was in use at the first count.
    test.expect(Frames.freeCount >= before, "\(Frames.freeCount) free frames, \(before) before")
    test.note("\(taken) frames were taken")
  }

  private static func kernelStackHasGuardPage(_ test: Test) {
    let top = SelfTestAccess.ownStackTop
    let bottom = top - KernelStacks.sizeInBytes
    var address = bottom
    while address < top {
      let entry = PageTable.kernel.entry(for: address)?.pointee
      test.expect(entry?.isPresent == true, "stack page \(hex: address) is absent")
      test.expect(entry?.flags.contains(.noExecute) == true, "stack page \(hex: address) can be executed")
      address += 4096
    }
    for guardPage in [bottom - 4096, top] {
      let isPresent = PageTable.kernel.entry(for: guardPage)?.pointee.isPresent ?? false
      test.expect(!isPresent, "the page at \(hex: guardPage), beside the stack, is mapped")
    }
  }

  /// The same address leads to another frame: no CPU goes on with the translation that it knew.
  private static func translationsAreDroppedOnAllCPUs(_ test: Test) {
    let phase = Shared()
    let arrived = Shared()
    let address = Shared()
    let group = WorkGroup()
    for cpu in 0..<CPUs.count {
      group.start(affinity: Support.mask(of: cpu)) { _ in
        for round in 1...2 {
          while phase.value < round { Scheduler.yield() }
          let word = UnsafePointer<UInt64>(bitPattern: address.value)!
          test.expectEqual(word.pointee, UInt64(round), "CPU \(cpuNumber()) read in round \(round)")
          arrived.add(1)
        }
      }
    }
    SelfTestAccess.releaseUnusedMemory()
    guard let top = KernelStacks.allocate() else { return test.expect(false, "no stack") }
    address.value = Int(bitPattern: UInt(top - 8))
    let oldFrame = writeThroughDirectMap(1, at: top - 8)
    phase.value = 1
    while arrived.value < CPUs.count { Scheduler.yield() }

    KernelStacks.free(top)
    SelfTestAccess.releaseUnusedMemory()
    // Keeps the old frame from coming back at once.
    var decoys: [UInt64] = []
    decoys.reserveCapacity(64)
    while decoys.count < 64, let frame = Frames.allocate(order: 0) {
      decoys.append(frame)
      if frame == oldFrame { break }
    }
    let again = KernelStacks.allocate()
    if again == top, let newFrame = writeThroughDirectMap(2, at: top - 8) {
      test.expect(newFrame != oldFrame, "the frame is still the old one: nothing is proven")
    } else {
      test.expect(false, "the stack came back elsewhere: nothing is proven")
    }
    phase.value = 2
    group.wait()
    if let again { KernelStacks.free(again) }
    for frame in decoys { Frames.free(frame, order: 0) }
  }

  /// Writes a word to whatever frame an address of the kernel's half leads to, past its translation.
  private static func writeThroughDirectMap(_ value: UInt64, at address: UInt64) -> UInt64? {
    guard let entry = PageTable.kernel.entry(for: address)?.pointee, entry.isPresent else { return nil }
    PhysicalMemory.pointer(to: entry.frame)
      .storeBytes(of: value, toByteOffset: Int(address & 4095), as: UInt64.self)
    return entry.frame
  }
}
