import Assembly

extension PatternImage {
  /// Prints a line for each register that differs, up to `limit` of them.
  ///
  /// - Returns: how many lines it printed.
  public func reportDifferences(program: StaticString, round: UInt, limit: Int) -> Int {
    var reported = 0
    for index in 0..<count where reported < limit && isDifferent(register(index)) {
      report(register(index), program: program, round: round)
      reported += 1
    }
    return reported
  }

  private func isDifferent(_ register: RegisterDescription) -> Bool {
    let offset = Int(register.offset)
    for place in offset..<offset + Int(register.size)
    where expected.load(fromByteOffset: place, as: UInt8.self)
      != observed.load(fromByteOffset: place, as: UInt8.self)
    {
      return true
    }
    return false
  }

  private func report(_ register: RegisterDescription, program: StaticString, round: UInt) {
    var line = TextLine()
    line.add("MISMATCH ")
    line.add(program)
    line.add(" pid ")
    line.add(processIdentifier())
    line.add(" tid ")
    line.add(threadIdentifier())
    line.add(" round ")
    line.add(round)
    line.add(" register ")
    withName(of: register) { name, size in line.add(text: name, limit: size) }
    line.add(" expected ")
    add(register, of: expected, to: &line)
    line.add(" found ")
    add(register, of: observed, to: &line)
    line.write()
  }

  private func add(
    _ register: RegisterDescription, of image: UnsafeMutableRawPointer, to line: inout TextLine
  ) {
    let bytes = UnsafePointer((image + Int(register.offset)).assumingMemoryBound(to: UInt8.self))
    line.add(hexadecimal: bytes, sizeInBytes: Int(register.size))
  }
}
