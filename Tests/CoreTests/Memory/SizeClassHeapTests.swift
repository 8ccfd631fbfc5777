import Core
import Testing

/// A piece of host memory that plays the machine's, with its records and allocator.
private final class HostMemory {
  let directMap: UnsafeMutableRawPointer
  let records: UnsafeMutablePointer<FrameRecord>
  let count: Int
  var allocator: FrameAllocator

  init(frames count: Int) {
    self.count = count
    directMap = .allocate(byteCount: count * 4096, alignment: 4096)
    records = .allocate(capacity: count)
    allocator = FrameAllocator(records: records, count: count)
    // Frame 0 stays out, as on the machine.
    allocator.add(1..<count)
  }

  deinit {
    directMap.deallocate()
    records.deallocate()
  }
}

private struct HostSource: FrameSource {
  let memory: HostMemory
  var directMap: UnsafeMutableRawPointer { memory.directMap }
  var records: UnsafeMutablePointer<FrameRecord> { memory.records }
  var frameLimit: Int { memory.count }

  func allocateRun(order: Int) -> UnsafeMutableRawPointer? {
    memory.allocator.allocate(order: order).map { memory.directMap + $0 * 4096 }
  }

  func freeRun(_ start: UnsafeMutableRawPointer, order: Int) {
    let outcome = memory.allocator.free((start - memory.directMap) / 4096, order: order)
    #expect(outcome == .freed)
  }
}

@Suite struct SizeClassHeapTests {
  private func makeHeap(frames: Int) -> SizeClassHeap<HostSource> {
    SizeClassHeap(source: HostSource(memory: HostMemory(frames: frames)))
  }

  @Test func sizesAreRoundedUpToTheNearestClass() throws {
    var heap = makeHeap(frames: 64)
    let classes = [16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048]
    for size in 0...2048 {
      let pointer = try #require(heap.allocate(size: size) as UnsafeMutableRawPointer?)
      #expect(heap.sizeOfAllocation(pointer) == classes.first { $0 >= size })
      #expect(heap.deallocate(pointer) == .freed)
    }
    for (size, expected) in [(2049, 4096), (4097, 8192), (12_289, 16_384), (65_536, 65_536)] {
      let pointer = try #require(heap.allocate(size: size) as UnsafeMutableRawPointer?)
      #expect(heap.sizeOfAllocation(pointer) == expected)
      #expect(heap.deallocate(pointer) == .freed)
    }
    #expect(heap.bytesInUse == 0)
  }

  @Test func everyAlignmentUpToAFrameIsHonored() throws {
    var heap = makeHeap(frames: 2048)
    for power in 0...12 {
      for size in [1, 17, 33, 40, 65, 100, 129, 192, 300, 577, 700, 1025, 1400, 2048, 2049, 5000] {
        for _ in 0..<3 {
          let alignment = 1 << power
          let pointer = try #require(
            heap.allocate(size: size, alignment: alignment) as UnsafeMutableRawPointer?)
          #expect(UInt(bitPattern: pointer) % UInt(alignment) == 0, "size \(size), alignment \(alignment)")
          #expect(heap.sizeOfAllocation(pointer)! >= size)
        }
      }
    }
  }

  @Test func impossibleRequestsAreRefused() {
    var heap = makeHeap(frames: 4096)
    #expect(heap.allocate(size: -1) == nil)
    #expect(heap.allocate(size: 16, alignment: 0) == nil)
    #expect(heap.allocate(size: 16, alignment: 24) == nil)
    #expect(heap.allocate(size: 16, alignment: 8192) == nil)
    #expect(heap.allocate(size: Int.max, alignment: 4096) == nil)
    #expect(heap.allocate(size: Int.max) == nil)
    #expect(heap.allocate(size: 4 << 20 + 1) == nil)
    #expect(heap.allocate(size: 4 << 20) != nil)
  }

  @Test func exhaustionIsReportedAndPasses() {
    var heap = makeHeap(frames: 9)
    var pointers: [UnsafeMutableRawPointer] = []
    while let pointer = heap.allocate(size: 64) { pointers.append(pointer) }
    #expect(pointers.count == 8 * 64)
    #expect(heap.framesHeld == 8)
    #expect(heap.allocate(size: 4096) == nil)
    for pointer in pointers { #expect(heap.deallocate(pointer) == .freed) }
    #expect(heap.framesHeld == 1)
    #expect(heap.allocate(size: 4096) != nil)
  }

  @Test func oneEmptySlabIsKeptForEachClass() throws {
    var heap = makeHeap(frames: 64)
    let pointer = try #require(heap.allocate(size: 1500) as UnsafeMutableRawPointer?)
    #expect(heap.framesHeld == 2)
    #expect(heap.deallocate(pointer) == .freed)
    #expect(heap.framesHeld == 2)
    #expect(heap.allocate(size: 1500) == pointer)
    #expect(heap.deallocate(pointer) == .freed)
    #expect(heap.releaseEmptySlabs() == 2)
    #expect(heap.framesHeld == 0)
    #expect(heap.source.memory.allocator.freeFrameCount == 63)
  }

  @Test func wrongPointersAndDoubleFreesAreRefused() throws {
    var heap = makeHeap(frames: 64)
    let first = try #require(heap.allocate(size: 100) as UnsafeMutableRawPointer?)
    let second = try #require(heap.allocate(size: 100) as UnsafeMutableRawPointer?)
    let large = try #require(heap.allocate(size: 10_000) as UnsafeMutableRawPointer?)
    #expect(heap.deallocate(first + 8) == .notFromHeap)
    #expect(heap.deallocate(large + 16) == .notFromHeap)
    #expect(heap.deallocate(large + 4096) == .notFromHeap)
    #expect(heap.deallocate(heap.source.memory.directMap) == .notFromHeap)
    #expect(heap.deallocate(heap.source.memory.directMap - 4096) == .notFromHeap)
    #expect(heap.deallocate(heap.source.memory.directMap + 64 * 4096) == .notFromHeap)
    #expect(heap.deallocate(first) == .freed)
    #expect(heap.deallocate(first) == .alreadyFree)
    #expect(heap.deallocate(second) == .freed)
    #expect(heap.deallocate(second) == .alreadyFree)
    #expect(heap.deallocate(large) == .freed)
    #expect(heap.deallocate(large) == .notFromHeap)
    #expect(heap.bytesInUse == 0)
  }

  @Test(arguments: [11, 12, 13] as [UInt64])
  func randomOperationsKeepContentsAndReturnAllMemory(seed: UInt64) {
    struct Object {
      let pointer: UnsafeMutableRawPointer
      let size: Int
      let stamp: UInt8
    }
    var random = SeededGenerator(seed: seed)
    var heap = makeHeap(frames: 600)
    let framesAtFirst = heap.source.memory.allocator.freeFrameCount
    var objects: [Object] = []
    var bytesInUse = 0
    var refusals = 0
    for step in 0..<30_000 {
      let filling = (step / 3000).isMultiple(of: 2)
      if random.below(10) < (filling ? 8 : 2) {
        let size = random.below(20) == 0 ? random.below(40_000) : random.below(1 << (1 + random.below(11)))
        let alignment = 1 << random.below(8)
        guard let pointer = heap.allocate(size: size, alignment: alignment) else {
          refusals += 1
          continue
        }
        #expect(UInt(bitPattern: pointer) % UInt(alignment) == 0)
        let usable = heap.sizeOfAllocation(pointer)!
        let stamp = UInt8(truncatingIfNeeded: random.next())
        pointer.initializeMemory(as: UInt8.self, repeating: stamp, count: usable)
        objects.append(Object(pointer: pointer, size: usable, stamp: stamp))
        bytesInUse += usable
      } else if !objects.isEmpty {
        let object = objects.swapRemove(at: random.below(objects.count))
        // Another object, or the heap itself, writing into this one would show.
        let bytes = UnsafeRawBufferPointer(start: object.pointer, count: object.size)
        #expect(bytes.allSatisfy { $0 == object.stamp })
        #expect(heap.deallocate(object.pointer) == .freed)
        bytesInUse -= object.size
      }
      #expect(heap.bytesInUse == bytesInUse)
    }
    #expect(refusals > 0)
    for object in objects { #expect(heap.deallocate(object.pointer) == .freed) }
    heap.releaseEmptySlabs()
    #expect(heap.framesHeld == 0)
    #expect(heap.bytesInUse == 0)
    #expect(heap.source.memory.allocator.freeFrameCount == framesAtFirst)
  }
}
