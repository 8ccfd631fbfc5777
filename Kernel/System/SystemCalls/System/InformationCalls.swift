import Core
import Machine

/// How busy the machine is on average.
enum SystemLoad {
  nonisolated(unsafe) private static var lock = InterruptLock()
  nonisolated(unsafe) private static var storedAverage: LoadAverage?
  /// Samples taken, or left out while nothing ran.
  nonisolated(unsafe) private static var samples: UInt64 = 0

  /// The average up to now.
  static var current: LoadAverage {
    update()
    return lock.withLock { storedAverage ?? LoadAverage() }
  }

  /// Takes the samples that are due: from timer interrupts, and before the average is read. Where some are late, all
  /// CPUs were idle meanwhile.
  static func update() {
    let due = Time.nanosecondsSinceBoot / (LoadAverage.interval * 1_000_000_000)
    if due == samples { return }
    lock.withLock {
      // After a few hours of idleness nothing is left.
      var average = storedAverage ?? LoadAverage()
      while samples + 2000 < due { samples += 1 }
      while samples < due {
        samples += 1
        average.add(active: samples == due ? activeThreads : 0)
      }
      storedAverage = average
    }
  }

  /// Threads that run or wait for a CPU.
  static var activeThreads: UInt64 {
    var count = 0
    for number in 0..<CPUs.count {
      let cpu = CPUs[number]
      count += cpu.pointee.queue.count + (cpu.pointee.running == cpu.pointee.idle ? 0 : 1)
    }
    return UInt64(count)
  }
}

extension SystemCalls {
  /// sysinfo(2): a structure of 112 bytes.
  static func sysinfo(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    var words = InlineArray<14, UInt64>(repeating: 0)
    words[0] = Time.nanosecondsSinceBoot / 1_000_000_000
    let load = SystemLoad.current
    // Here with 16 binary places.
    for index in 0..<3 { words[1 + index] = load.values[index] << (16 - LoadAverage.fractionBits) }
    words[4] = UInt64(Frames.totalCount) << 12
    words[5] = UInt64(Frames.freeCount) << 12
    words[10] = UInt64(min(Threads.count, 0xFFFF))
    words[13] = 1  // bytes in a unit
    guard UserMemory.store(words, to: arguments.first) else { throw .badAddress }
    return 0
  }
}
