@testable import Core
import Testing

/// A ring with its bytes, as the kernel's pipe has them.
private final class ModelPipe {
  var ring: PipeRing
  var bytes: [UInt8]
  private var marks: UnsafeMutablePointer<PipeRing.Packet>

  init(capacity: Int) {
    ring = PipeRing(capacity: capacity)
    bytes = [UInt8](repeating: 0, count: capacity)
    marks = .allocate(capacity: ring.packetLimit)
    _ = ring.setPacketMemory(marks)
  }
  deinit { marks.deallocate() }

  func write(_ data: [UInt8], isPacket: Bool = false) -> Int {
    let count = ring.writableCount(
      data.count, isWhole: data.count <= PipeRing.atomicSize, isPacket: isPacket)
    var done = 0
    while done < count {
      let place = ring.place(of: ring.tail &+ UInt64(done))
      for index in 0..<min(place.count, count - done) {
        bytes[place.page * PipeRing.pageSize + place.offset + index] = data[done + index]
      }
      done += min(place.count, count - done)
    }
    ring.commitWrite(count, isPacket: isPacket)
    return count
  }

  func read(_ size: Int) -> [UInt8] {
    let reservation = ring.readable(size)
    var data: [UInt8] = []
    while data.count < reservation.count {
      let place = ring.place(of: ring.head &+ UInt64(data.count))
      for index in 0..<min(place.count, reservation.count - data.count) {
        data.append(bytes[place.page * PipeRing.pageSize + place.offset + index])
      }
    }
    ring.commitRead(reservation.consumed, isPacket: reservation.isPacket, mayRestart: true)
    return data
  }

  func resize(to capacity: Int) {
    var moved = [UInt8](repeating: 0, count: capacity)
    for index in 0..<ring.count {
      let place = ring.place(of: ring.head &+ UInt64(index))
      moved[index] = bytes[place.page * PipeRing.pageSize + place.offset]
    }
    bytes = moved
    let newMarks = UnsafeMutablePointer<PipeRing.Packet>.allocate(capacity: capacity / PipeRing.pageSize)
    _ = ring.resize(to: capacity, packetMemory: newMarks)
    marks.deallocate()
    marks = newMarks
  }
}

private func pattern(_ count: Int, from start: Int = 0) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: ($0 + start) &* 31 &+ ($0 + start) >> 8) }
}

@Suite struct PipeRingTests {
  @Test func bytesComeOutInTheOrderInWhichTheyWentIn() {
    let pipe = ModelPipe(capacity: 8192)
    var random = SeededGenerator(seed: 5)
    var written = 0
    var read = 0
    while read < 300_000 {
      if random.next() & 1 == 0 {
        written += pipe.write(pattern(Int.random(in: 1...6000, using: &random), from: written))
      } else {
        let size = Int.random(in: 1...5000, using: &random)
        let data = pipe.read(size)
        #expect(data == pattern(data.count, from: read))
        read += data.count
      }
      #expect(pipe.ring.count == written - read)
    }
  }

  @Test func writeOfUpToPIPE_BUFGoesInWholeOrNotAtAll() {
    let pipe = ModelPipe(capacity: 8192)
    #expect(pipe.write(pattern(4097)) == 4097)
    #expect(pipe.write(pattern(4096)) == 0)
    #expect(pipe.write(pattern(4095)) == 4095)
    #expect(pipe.write(pattern(1)) == 0)
    #expect(!pipe.ring.isWritable)
  }

  @Test func largeWriteTakesWhatRoomThereIsOnceThereIsAPage() {
    let pipe = ModelPipe(capacity: 8192)
    #expect(pipe.write(pattern(10_000)) == 8192)
    #expect(pipe.read(4095).count == 4095)
    #expect(!pipe.ring.isWritable)
    #expect(pipe.write(pattern(5000)) == 0)
    #expect(pipe.read(1).count == 1)
    #expect(pipe.ring.isWritable)
    #expect(pipe.write(pattern(5000)) == 4096)
  }

  @Test func pipeTakesExactlyItsCapacity() {
    let pipe = ModelPipe(capacity: PipeRing.defaultCapacity)
    var total = 0
    while pipe.write([1]) == 1 { total += 1 }
    #expect(total == 65536)
  }

  @Test func emptyRingBeginsAtItsFirstPageAgain() {
    let pipe = ModelPipe(capacity: 8192)
    for _ in 0..<10_000 {
      #expect(pipe.write([7]) == 1)
      #expect(pipe.ring.tail == 1)
      #expect(pipe.read(10) == [7])
    }
    pipe.ring.commitWrite(1, isPacket: false)
    pipe.ring.commitRead(1, isPacket: false, mayRestart: false)
    #expect(pipe.ring.tail == 1)
  }

  @Test func packetIsReadAloneAndItsRestIsLost() {
    let pipe = ModelPipe(capacity: 8192)
    #expect(pipe.write([1, 2, 3], isPacket: true) == 3)
    #expect(pipe.write([4, 5], isPacket: true) == 2)
    #expect(pipe.ring.count == 5)
    #expect(pipe.read(100) == [1, 2, 3])
    #expect(pipe.read(1) == [4])
    #expect(pipe.ring.count == 0)
    #expect(pipe.read(1) == [])
  }

  @Test func aSpliceLeavesTheRestOfAPacket() {
    let pipe = ModelPipe(capacity: 8192)
    _ = pipe.write([1, 2, 3], isPacket: true)
    _ = pipe.write([4, 5], isPacket: true)
    pipe.ring.commitPacketPart(2)
    #expect(pipe.ring.packetCount == 2)
    #expect(pipe.read(100) == [3])
    #expect(pipe.read(100) == [4, 5])
    #expect(pipe.ring.packetCount == 0)
  }

  @Test func packetsAndPlainBytesMayFollowEachOther() {
    let pipe = ModelPipe(capacity: 16384)
    _ = pipe.write([1, 2])
    _ = pipe.write([3, 4], isPacket: true)
    _ = pipe.write([5, 6])
    _ = pipe.write([7], isPacket: true)
    #expect(pipe.read(100) == [1, 2])
    #expect(pipe.read(100) == [3, 4])
    #expect(pipe.read(1) == [5])
    #expect(pipe.read(100) == [6])
    #expect(pipe.read(100) == [7])
  }

  @Test func eachPageHasRoomForOnePacket() {
    let pipe = ModelPipe(capacity: 8192)
    #expect(pipe.write([1], isPacket: true) == 1)
    #expect(pipe.ring.isWritable)
    #expect(pipe.write(pattern(5000), isPacket: true) == 4096)
    #expect(pipe.write([1], isPacket: true) == 0)
    #expect(!pipe.ring.isWritable)
    #expect(pipe.read(1) == [1])
    #expect(pipe.write([2], isPacket: true) == 1)
  }

  @Test func sizeIsRoundedUpToAPowerOfTwoOfPages() {
    #expect(PipeRing.capacity(forSize: 0) == 4096)
    #expect(PipeRing.capacity(forSize: 4096) == 4096)
    #expect(PipeRing.capacity(forSize: 4097) == 8192)
    #expect(PipeRing.capacity(forSize: 70_000) == 131_072)
    #expect(PipeRing.capacity(forSize: 1 << 31) == 1 << 31)
    #expect(PipeRing.capacity(forSize: (1 << 31) + 1) == nil)
  }

  @Test func anotherSizeKeepsWhatIsThere() {
    let pipe = ModelPipe(capacity: 8192)
    _ = pipe.write(pattern(6000))
    _ = pipe.read(5000)
    _ = pipe.write(pattern(4000, from: 6000))
    _ = pipe.write([9, 9], isPacket: true)
    #expect(!pipe.ring.fits(4096))
    pipe.resize(to: 16384)
    #expect(pipe.read(100_000) == pattern(5000, from: 5000))
    _ = pipe.write([8])
    #expect(pipe.read(100) == [9, 9])
    #expect(pipe.ring.fits(4096))
    pipe.resize(to: 4096)
    #expect(pipe.read(100) == [8])
    #expect(pipe.write(pattern(4096)) == 4096)
  }
}
