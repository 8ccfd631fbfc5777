extension LoadAverage {
  /// Writes the line of /proc/loadavg (proc_loadavg(5)).
  ///
  /// - Parameters:
  ///   - runnable: threads that run or wait for a CPU now.
  ///   - threads: all there are.
  ///   - lastIdentifier: that of the latest process or thread.
  public func write(to text: inout TextBuffer, runnable: UInt64, threads: Int, lastIdentifier: Int32) {
    let one = UInt64(1) << Self.fractionBits
    for index in 0..<3 {
      let rounded = values[index] + one / 200
      text.put(rounded >> Self.fractionBits)
      text.put(".")
      text.put((rounded & (one - 1)) * 100 >> Self.fractionBits, digits: 2)
      text.put(" ")
    }
    text.put(runnable)
    text.put("/")
    text.put(threads)
    text.put(" ")
    text.put(lastIdentifier)
    text.put("\n")
  }
}
