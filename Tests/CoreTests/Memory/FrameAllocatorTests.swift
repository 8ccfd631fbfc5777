import Core
import Testing

@Suite struct FrameAllocatorTests {
  /// Records for the length of a test.
  final class Memory {
    let records: UnsafeMutablePointer<FrameRecord>
    init(frames: Int) { records = .allocate(capacity: frames) }
    deinit { records.deallocate() }
  }

  @Test func recordsTakeSixteenBytes() {
    #expect(MemoryLayout<FrameRecord>.size == 16)
    #expect(MemoryLayout<FrameRecord>.stride == 16)
  }

  @Test func everyFrameIsReservedAtFirst() {
    let memory = Memory(frames: 64)
    var frames = FrameAllocator(records: memory.records, count: 64)
    #expect(frames.freeFrameCount == 0)
    #expect(frames.allocate(order: 0) == nil)
    #expect(frames.free(3, order: 0) == .notAllocated)
  }

  @Test func addFormsTheLargestAlignedBlocks() {
    let memory = Memory(frames: 4096)
    var frames = FrameAllocator(records: memory.records, count: 4096)
    #expect(frames.add(1..<4095) == 4094)
    #expect((0...10).map { frames.countFreeBlocks(order: $0) } == [2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2])
    // The two frames left out complete every block.
    frames.add(4095..<5000)
    frames.add(-5..<1)
    #expect((0...10).map { frames.countFreeBlocks(order: $0) } == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4])
    #expect(frames.freeFrameCount == 4096)
    #expect(frames.totalFrameCount == 4096)
  }

  @Test func emptyAndForeignRangesAddNothing() {
    let memory = Memory(frames: 16)
    var frames = FrameAllocator(records: memory.records, count: 16)
    #expect(frames.add(4..<4) == 0)
    #expect(frames.add(16..<100) == 0)
    #expect(frames.add(Int.min..<0) == 0)
    #expect(frames.totalFrameCount == 0)
  }

  @Test func misuseIsNamedAndChangesNothing() throws {
    let memory = Memory(frames: 64)
    var frames = FrameAllocator(records: memory.records, count: 64)
    frames.add(0..<64)
    let block = try #require(frames.allocate(order: 2) as Int?)
    let inside = block + 1
    #expect(frames.free(block, order: 1) == .wrongOrder)
    #expect(frames.free(inside, order: 0) == .notAllocated)
    #expect(frames.free(64, order: 0) == .outOfRange)
    #expect(frames.free(-1, order: 0) == .outOfRange)
    #expect(frames.freeFrameCount == 60)
    let neighbor = try #require(frames.allocate(order: 2) as Int?)
    #expect(frames.free(block, order: 2) == .freed)
    #expect(frames.free(block, order: 2) == .alreadyFree)
    #expect(frames.free(neighbor, order: 2) == .freed)
    #expect(frames.free(neighbor, order: 2) != .freed)
    #expect(frames.freeFrameCount == 64)
    #expect(frames.allocate(order: 11) == nil)
    #expect(frames.allocate(order: -1) == nil)
    #expect(frames.countFreeBlocks(order: 6) == 1)
  }

  @Test func referencesAreCountedFromOne() throws {
    let memory = Memory(frames: 8)
    var frames = FrameAllocator(records: memory.records, count: 8)
    frames.add(0..<8)
    let frame = try #require(frames.allocate(order: 0) as Int?)
    #expect(frames.retain(frame) == true)
    #expect(frames.release(frame) == 1)
    #expect(frames.release(frame) == 0)
    #expect(frames.release(frame) == nil)
    #expect(frames.free(frame, order: 0) == .freed)
    #expect(frames.retain(frame) == false)
    #expect(frames.release(frame) == nil)
    #expect(frames.retain(8) == false)
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func randomOperationsNeverOverlapAndLoseNothing(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let limit = 3000
    let memory = Memory(frames: limit)
    var frames = FrameAllocator(records: memory.records, count: limit)
    // A memory map with holes: the model is one flag for each frame.
    var usable = [Bool](repeating: false, count: limit)
    for range in [3..<159, 256..<2049, 2100..<2101, 2300..<3000] {
      frames.add(range)
      for frame in range { usable[frame] = true }
    }
    let initialBlocks = (0...10).map { frames.countFreeBlocks(order: $0) }
    var taken = [Bool](repeating: false, count: limit)
    var blocks: [(frame: Int, order: Int)] = []
    var freeFrames = usable.count { $0 }
    for step in 0..<20_000 {
      let filling = (step / 2000).isMultiple(of: 2)
      if random.below(10) < (filling ? 7 : 3) {
        let order = min(random.below(12), random.below(12))
        if let frame = frames.allocate(order: order) {
          #expect(frame % (1 << order) == 0)
          for inside in frame..<frame + (1 << order) {
            #expect(usable[inside] && !taken[inside])
            taken[inside] = true
          }
          freeFrames -= 1 << order
          blocks.append((frame, order))
        } else if order <= 10 {
          // Refusal is right only where no aligned block of the size is wholly free.
          let size = 1 << order
          let candidate = stride(from: 0, through: limit - size, by: size).first { start in
            (start..<start + size).allSatisfy { usable[$0] && !taken[$0] }
          }
          #expect(candidate == nil)
        }
      } else if !blocks.isEmpty {
        let block = blocks.swapRemove(at: random.below(blocks.count))
        #expect(frames.free(block.frame, order: block.order) == .freed)
        for inside in block.frame..<block.frame + (1 << block.order) { taken[inside] = false }
        freeFrames += 1 << block.order
      }
      #expect(frames.freeFrameCount == freeFrames)
    }
    for block in blocks { #expect(frames.free(block.frame, order: block.order) == .freed) }
    #expect((0...10).map { frames.countFreeBlocks(order: $0) } == initialBlocks)
    #expect(frames.freeFrameCount == frames.totalFrameCount)
  }
}
