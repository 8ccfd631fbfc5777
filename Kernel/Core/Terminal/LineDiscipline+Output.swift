/// What programs write, and echo, on the way to the screen.
extension LineDiscipline {
  /// Treats what a program writes, as far as the output has room.
  ///
  /// - Returns: how many of the bytes have been taken.
  public mutating func write(_ bytes: UnsafeRawBufferPointer, _ effects: inout some TerminalEffects) -> Int {
    guard attributes.output.contains(.process) else {
      let count = min(bytes.count, effects.outputRoom)
      effects.output(UnsafeRawBufferPointer(rebasing: bytes[0..<count]))
      return count
    }
    var index = 0
    while index < bytes.count {
      // Text goes in one piece, up to the next byte that is more than itself.
      let room = min(bytes.count - index, effects.outputRoom)
      var run = 0
      while run < room, isPlain(bytes[index + run]) {
        if !isContinuation(bytes[index + run]) { column += 1 }
        run += 1
      }
      if run > 0 {
        effects.output(UnsafeRawBufferPointer(rebasing: bytes[index..<index + run]))
        index += run
      } else {
        guard process(bytes[index], &effects) else { break }
        index += 1
      }
    }
    return index
  }

  private func isPlain(_ byte: UInt8) -> Bool {
    !isControl(byte) && !attributes.output.contains(.toUppercase)
  }

  /// Puts a byte out as the output flags say.
  ///
  /// - Returns: false, and nothing done, where there is no room for what would come of it.
  private mutating func process(_ byte: UInt8, _ effects: inout some TerminalEffects) -> Bool {
    let flags = attributes.output
    let room = effects.outputRoom
    guard room > 0 else { return false }
    switch byte {
    case 10:
      if flags.contains(.newlineReturns) { column = 0 }
      if flags.contains(.newlineToReturnNewline) {
        guard room >= 2 else { return false }
        column = 0
        effects.output(13)
      }
      lineColumn = column
      effects.output(10)
    case 13:
      if flags.contains(.noReturnAtColumnZero), column == 0 { return true }
      if flags.contains(.returnToNewline) {
        if flags.contains(.newlineReturns) {
          column = 0
          lineColumn = 0
        }
        effects.output(10)
      } else {
        column = 0
        lineColumn = 0
        effects.output(13)
      }
    case 9:
      let spaces = 8 - column & 7
      if flags.contains(.expandTabs) {
        guard room >= spaces else { return false }
        for _ in 0..<spaces { effects.output(32) }
      } else {
        effects.output(9)
      }
      column += spaces
    case 8:
      if column > 0 { column -= 1 }
      effects.output(8)
    default:
      if !isControl(byte), !isContinuation(byte) { column += 1 }
      effects.output(flags.contains(.toUppercase) ? uppercase(byte) : byte)
    }
    return true
  }

  // MARK: Echo

  /// Echoes a byte; a control character, but tab, as ^ and a letter (ECHOCTL).
  mutating func echo(_ byte: UInt8, _ effects: inout some TerminalEffects) {
    if isControl(byte), byte != 9, attributes.local.contains(.echoControl) {
      guard effects.outputRoom >= 2 else { return }
      effects.output(UInt8(ascii: "^"))
      effects.output(byte ^ 0x40)
      column += 2
    } else {
      echoAsIs(byte, &effects)
    }
  }

  /// Echoes a byte that only the output flags change.
  mutating func echoAsIs(_ byte: UInt8, _ effects: inout some TerminalEffects) {
    if attributes.output.contains(.process) {
      _ = process(byte, &effects)
    } else if effects.outputRoom > 0 {
      effects.output(byte)
    }
  }
}
