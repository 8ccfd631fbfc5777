import Core
import Machine
import System

/// The pages of files and of shared memory, and the lock whose holder may sleep.
enum PageStoreTests {
  static var all: [SelfTest] {
    [
      SelfTest("memory.pageStore.holdsWhatWasWritten", storeHoldsWhatWasWritten),
      SelfTest("memory.pageStore.isSparseAndGivesAllBack", storeIsSparseAndGivesAllBack),
      SelfTest("memory.mutex.hasOneHolderThatMaySleep", mutexHasOneHolder),
    ]
  }

  /// Writes, cuts and holes at random, against an array of bytes.
  private static func storeHoldsWhatWasWritten(_ test: Test) {
    let room = 5 * 4096
    let store = PageStore()
    var model = [UInt8](repeating: 0, count: room)
    var size = 0
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: room, alignment: 16)
    defer { buffer.deallocate() }
    for step in 0..<400 {
      let start = test.random.next(below: room)
      let length = 1 + test.random.next(below: min(room - start, 3 * 4096))
      do throws(Errno) {
        switch test.random.next(below: 5) {
        case 0, 1:
          for index in 0..<length { buffer[index] = UInt8(truncatingIfNeeded: step &+ index) }
          let bytes = UnsafeRawBufferPointer(rebasing: buffer[0..<length])
          test.expectEqual(try store.write(at: UInt64(start), from: bytes), length, "bytes written")
          for index in 0..<length { model[start + index] = UInt8(truncatingIfNeeded: step &+ index) }
          size = max(size, start + length)
        case 2:
          try store.truncate(to: UInt64(start))
          for index in start..<room { model[index] = 0 }
          size = start
        case 3:
          store.punchHole(UInt64(start)..<UInt64(start + length))
          for index in start..<start + length { model[index] = 0 }
        default:
          try store.allocate(UInt64(start)..<UInt64(start + length), extends: false)
        }
      } catch {
        test.expect(false, "step \(step): error \(error.number)")
      }
      test.expectEqual(Int(store.size), size, "the size after step \(step)")
      let from = test.random.next(below: room)
      let count = store.read(
        at: UInt64(from), into: UnsafeMutableRawBufferPointer(rebasing: buffer[0..<room - from]))
      test.expectEqual(count, max(size - from, 0), "bytes read in step \(step)")
      var isEqual = true
      for index in 0..<count where buffer[index] != model[from + index] { isEqual = false }
      test.expect(isEqual, "step \(step): the bytes differ")
    }
  }

  private static func storeIsSparseAndGivesAllBack(_ test: Test) {
    SelfTestAccess.releaseUnusedMemory()
    let frames = Frames.freeCount
    let bytes = KernelHeap.bytesInUse
    useSparseStore(test)
    SelfTestAccess.releaseUnusedMemory()
    test.expectEqual(Frames.freeCount, frames, "free frames")
    test.expectEqual(KernelHeap.bytesInUse, bytes, "bytes in use")
  }

  @inline(never)
  private static func useSparseStore(_ test: Test) {
    let store = PageStore(size: 1 << 40)
    var word: UInt64 = 77
    do throws(Errno) {
      for offset in [0, 4096 * 70, 1 << 39, 1 << 45] as [UInt64] {
        _ = try withUnsafeBytes(of: &word) { bytes throws(Errno) in try store.write(at: offset, from: bytes) }
      }
      test.expectEqual(store.residentPages, 4, "pages with a frame")
      test.expectEqual(store.size, 1 << 45 + 8, "the size")
      test.expectEqual(store.nextData(from: 1) ?? 0, 1, "data in the first page")
      test.expectEqual(store.nextHole(from: 1), 4096, "the first hole")
      test.expectEqual(store.nextData(from: 4096) ?? 0, 4096 * 70, "the next data")
      test.expect(store.nextData(from: 1 << 45 + 8) == nil, "data behind the end")
      try store.truncate(to: 1 << 39)
      test.expectEqual(store.residentPages, 2, "pages after the cut")
      switch store.frame(at: 1 << 27) {
      case .beyondEnd: break
      default: test.expect(false, "a page behind the end was mapped")
      }
      switch store.frame(at: 70) {
      case .frame(let frame):
        test.expectEqual(PhysicalMemory.pointer(to: frame).load(as: UInt64.self), 77, "the mapped word")
        Frames.release(frame)
      default: test.expect(false, "a page that is there was not mapped")
      }
      var isTooLarge = false
      do throws(Errno) { try store.truncate(to: 1 << 63) } catch { isTooLarge = error == .fileTooLarge }
      test.expect(isTooLarge, "a store of 2^63 bytes was made")
    } catch {
      test.expect(false, "error \(error.number)")
    }
  }

  private static func mutexHasOneHolder(_ test: Test) {
    let mutex = Mutex()
    let inside = Shared()
    let turns = Shared()
    let group = WorkGroup()
    for _ in 0..<2 * min(CPUs.count, 4) {
      group.start { _ in
        for turn in 0..<50 {
          mutex.withLock {
            test.expectEqual(inside.add(1), 1, "holders")
            if turn & 7 == 0 { Sleep.milliseconds(1) } else { Scheduler.yield() }
            inside.add(-1)
          }
          turns.add(1)
        }
      }
    }
    group.wait()
    test.expectEqual(turns.value, 100 * min(CPUs.count, 4), "turns")
    test.expect(mutex.tryAcquire(), "the lock is held by nobody")
    test.expect(!mutex.tryAcquire(), "the lock has two holders")
    mutex.release()
  }
}
