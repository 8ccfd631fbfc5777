extension ProcessSummary {
  /// Writes the line of /proc/PID/stat (proc_pid_stat(5)).
  ///
  /// - Parameter showsAddresses: whether the reader may look into the process: without, its addresses are zeros.
  public func writeStat(to text: inout TextBuffer, showsAddresses: Bool) {
    text.put(identifier)
    text.put(" (")
    withUnsafeBytes(of: name) { text.put(zeroTerminated: $0) }
    text.put(") ")
    text.put(byte: state.rawValue)
    Self.put(parent, &text)
    Self.put(group, &text)
    Self.put(session, &text)
    Self.put(terminal, &text)
    Self.put(foregroundGroup, &text)
    // Flags: PF_RANDOMIZE.
    Self.put(0x40_0000, &text)
    Self.put(pageFaults, &text)
    Self.put(childPageFaults, &text)
    // Nothing is ever read from a disk.
    Self.put(0, &text)
    Self.put(0, &text)
    Self.put(userTime, &text)
    Self.put(systemTime, &text)
    Self.put(childUserTime, &text)
    Self.put(childSystemTime, &text)
    Self.put(realTimePriority > 0 ? -1 - Int64(realTimePriority) : 20 + Int64(nice), &text)
    Self.put(nice, &text)
    Self.put(threadCount, &text)
    Self.put(0, &text)
    Self.put(startTime, &text)
    Self.put(memory.mapped, &text)
    Self.put(memory.resident >> 12, &text)
    // RLIMIT_RSS
    Self.put(UInt64.max, &text)
    writeAddresses(to: &text, isVisible: showsAddresses)
    Self.put(pending & 0x7FFF_FFFF, &text)
    Self.put(blocked & 0x7FFF_FFFF, &text)
    Self.put(ignored & 0x7FFF_FFFF, &text)
    Self.put(caught & 0x7FFF_FFFF, &text)
    // The wait channel, swap twice.
    for _ in 0..<3 { Self.put(0, &text) }
    Self.put(exitSignal, &text)
    Self.put(cpu, &text)
    Self.put(realTimePriority, &text)
    Self.put(policy, &text)
    // Delays by disks, time of guests and of children's guests.
    for _ in 0..<3 { Self.put(0, &text) }
    let isVisible = showsAddresses && memory.isPresent
    Self.put(isVisible ? memory.dataSegment.lowerBound : 0, &text)
    Self.put(isVisible ? memory.dataSegment.upperBound : 0, &text)
    Self.put(isVisible ? memory.heapStart : 0, &text)
    Self.put(isVisible ? memory.arguments.lowerBound : 0, &text)
    Self.put(isVisible ? memory.arguments.upperBound : 0, &text)
    Self.put(isVisible ? memory.environment.lowerBound : 0, &text)
    Self.put(isVisible ? memory.environment.upperBound : 0, &text)
    Self.put(showsAddresses ? exitStatus : 0, &text)
    text.put("\n")
  }

  /// startcode, endcode, startstack, and ESP and EIP, which Linux shows of programs that dump core only.
  private func writeAddresses(to text: inout TextBuffer, isVisible: Bool) {
    guard memory.isPresent else {
      for _ in 0..<5 { Self.put(0, &text) }
      return
    }
    Self.put(isVisible ? memory.code.lowerBound : 1, &text)
    Self.put(isVisible ? memory.code.upperBound : 1, &text)
    Self.put(isVisible ? memory.stackStart : 0, &text)
    Self.put(0, &text)
    Self.put(0, &text)
  }

  private static func put<Number: FixedWidthInteger>(_ number: Number, _ text: inout TextBuffer) {
    text.put(" ")
    text.put(number)
  }

  /// Writes the line of /proc/PID/statm: pages (proc_pid_statm(5)).
  public func writeMemory(to text: inout TextBuffer) {
    text.put(memory.mapped >> 12)
    Self.put(memory.resident >> 12, &text)
    Self.put((memory.residentFiles + memory.residentShared) >> 12, &text)
    Self.put(memory.executable >> 12, &text)
    Self.put(0, &text)
    Self.put((memory.data + memory.stack) >> 12, &text)
    Self.put(0, &text)
    text.put("\n")
  }
}
