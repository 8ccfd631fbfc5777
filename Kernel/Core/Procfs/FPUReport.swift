extension FPUCounters {
  /// Writes a line for each counter: a thread's in /proc/PID/fpu.
  public func write(to text: inout TextBuffer) {
    for event in FPUEvent.allCases {
      let start = text.needed
      text.put(event.name)
      text.put(":")
      text.pad(from: start, to: 24)
      text.put(self[event])
      text.put("\n")
    }
  }
}

extension FPUThreadState {
  /// Writes /proc/PID/arch_status as Linux does: milliseconds since AVX-512 was last found in use; -1 for never.
  ///
  /// - Parameter elapsed: since then.
  public static func writeArchitectureStatus(millisecondsSinceAVX512 elapsed: UInt64?, to text: inout TextBuffer) {
    text.put("AVX512_elapsed_ms:\t")
    if let elapsed { text.put(elapsed) } else { text.put("-1") }
    text.put("\n")
  }
}
