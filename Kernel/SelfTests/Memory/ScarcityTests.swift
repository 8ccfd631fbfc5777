import Core
import Machine
import System

/// What the kernel makes for programs while memory runs out, at whichever frame it does.
enum ScarcityTests {
  static var all: [SelfTest] {
    [
      SelfTest("memory.scarcity.forkFailsAsAWhole", forkFailsAsAWhole),
      SelfTest("memory.scarcity.openFailsBeforeAFileIsMade", openFailsBeforeAFileIsMade),
    ]
  }

  /// Frames that a test keeps from everybody else, linked by their first words.
  private struct Hoard {
    var last: UInt64 = 0

    /// Takes frames until so many are left besides the reserve.
    mutating func take(leaving count: Int) {
      while Frames.freeCount > Frames.reserve + count, let frame = Frames.allocateForUser() {
        PhysicalMemory.pointer(to: frame).storeBytes(of: last, as: UInt64.self)
        last = frame
      }
    }

    mutating func giveBack(_ count: Int = .max) {
      var count = count
      while last != 0, count > 0 {
        let frame = last
        last = PhysicalMemory.pointer(to: frame).load(as: UInt64.self)
        Frames.free(frame, order: 0)
        count -= 1
      }
    }
  }

  /// With each number of frames, from none to more than enough, the memory of a program is copied whole or not at all,
  /// and what there was of the copy has gone.
  private static func forkFailsAsAWhole(_ test: Test) {
    guard let memory = SelfTestAccess.makeMemory() else { return test.expect(false, "no memory was made") }
    var hoard = Hoard()
    SelfTestAccess.releaseUnusedMemory()
    let before = Frames.freeCount
    hoard.take(leaving: 0)
    var failures = 0
    var successes = 0
    while successes < 5, failures < 1000 {
      SelfTestAccess.releaseUnusedMemory()
      let free = Frames.freeCount
      if memory.duplicate() != nil { successes += 1 } else { failures += 1 }
      SelfTestAccess.releaseUnusedMemory()
      test.expect(Frames.freeCount >= free, "\(Frames.freeCount) frames are free, \(free) before attempt \(failures)")
      hoard.giveBack(1)
    }
    hoard.giveBack()
    SelfTestAccess.releaseUnusedMemory()
    // The copies' page tables alone are more than 40.
    test.expect(failures > 40, "only \(failures) copies failed: nothing is proven")
    test.expectEqual(successes, 5, "copies with enough memory")
    test.expect(Frames.freeCount >= before, "\(Frames.freeCount) frames are free, \(before) before")
  }

  private static func openFailsBeforeAFileIsMade(_ test: Test) {
    let readWrite: UInt32 = 2
    let create: UInt32 = 0o100
    let path: UInt32 = 0o1000_0000
    let noEntry: Int64 = 2
    let outOfMemory: Int64 = 12
    var hoard = Hoard()
    SelfTestAccess.releaseUnusedMemory()
    hoard.take(leaving: 0)
    test.expectEqual(SelfTestAccess.open("/dev/console", readWrite), outOfMemory, "opening a file without memory")
    test.expectEqual(SelfTestAccess.open("/", path), outOfMemory, "opening a place without memory")
    test.expectEqual(
      SelfTestAccess.open("/scarce", readWrite | create), outOfMemory, "making a file without memory")
    hoard.giveBack()
    test.expectEqual(SelfTestAccess.open("/dev/console", readWrite), 0, "opening a file afterwards")
    test.expectEqual(SelfTestAccess.open("/scarce", readWrite), noEntry, "a file that could not be opened")
  }
}
