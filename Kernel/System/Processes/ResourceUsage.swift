import Core
import Machine

/// What threads have used of the machine, as getrusage(2) and times(2) report it.
struct ResourceUsage {
  var userTicks: UInt64 = 0
  var systemTicks: UInt64 = 0
  var pageFaults: UInt64 = 0
  var voluntarySwitches: UInt64 = 0
  var involuntarySwitches: UInt64 = 0

  mutating func add(_ other: ResourceUsage) {
    userTicks &+= other.userTicks
    systemTicks &+= other.systemTicks
    pageFaults &+= other.pageFaults
    voluntarySwitches &+= other.voluntarySwitches
    involuntarySwitches &+= other.involuntarySwitches
  }

  var userNanoseconds: UInt64 { Time.nanoseconds(ticks: userTicks) }
  var systemNanoseconds: UInt64 { Time.nanoseconds(ticks: systemTicks) }

  /// Linux's `struct rusage`: 18 words.
  var words: InlineArray<18, UInt64> {
    var words = InlineArray<18, UInt64>(repeating: 0)
    let user = userNanoseconds
    let system = systemNanoseconds
    words[0] = user / 1_000_000_000
    words[1] = user % 1_000_000_000 / 1000
    words[2] = system / 1_000_000_000
    words[3] = system % 1_000_000_000 / 1000
    words[8] = pageFaults
    words[16] = voluntarySwitches
    words[17] = involuntarySwitches
    return words
  }

  /// Writes a `struct rusage` to user memory. False after a bad address.
  func store(to address: UInt64) -> Bool { UserMemory.store(words, to: address) }
}

extension Thread {
  /// What the thread has used so far.
  ///
  /// The time is exact; how it is divided between user mode and kernel is what the timer interrupts have
  /// found, so that no system call pays for it.
  var usage: ResourceUsage {
    var usage = ResourceUsage()
    let samples = userSamples &+ systemSamples
    if samples == 0 {
      usage.userTicks = runTicks
    } else {
      usage.userTicks = multiplyAndDivide(runTicks, userSamples, samples)
    }
    usage.systemTicks = runTicks &- usage.userTicks
    usage.pageFaults = pageFaults
    usage.voluntarySwitches = switches > preemptions ? switches &- preemptions : 0
    usage.involuntarySwitches = preemptions
    return usage
  }
}

extension UnsafeMutablePointer where Pointee == Thread {
  /// Ticks on a CPU, those since the last charge included. No queue's lock is held.
  ///
  /// Under the queue's lock: a charge that is half done would count the same time twice, and a clock went back then.
  var presentRunTicks: UInt64 {
    Scheduler.withQueue(of: self) { cpu in
      guard cpu.pointee.running == self else { return pointee.runTicks }
      let now = readTimeStampCounter()
      let last = cpu.pointee.lastTick
      return pointee.runTicks &+ (now > last ? now &- last : 0)
    }
  }
}

extension Process {
  /// What its threads have had on CPUs, up to now.
  var presentRunTicks: UInt64 {
    var ticks: UInt64 = 0
    // At once: a thread that ends in between would count neither here nor there.
    withThreads { first, ended in
      ticks = ended
      var next = first
      while let thread = next {
        ticks &+= thread.presentRunTicks
        next = thread.pointee.nextInProcess
      }
    }
    return ticks
  }

  /// What its threads have used, those that have ended included.
  var usage: ResourceUsage { counters.usage }

  /// A child has ended and been waited for: what it and its children have used counts as this one's
  /// children's.
  func addUsage(ofChild child: Process) {
    var usage = child.usage
    usage.add(child.lock.withLock { child.childUsage })
    lock.withLock { childUsage.add(usage) }
  }
}
