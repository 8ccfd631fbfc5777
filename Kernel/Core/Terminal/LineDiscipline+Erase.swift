/// Erasing in the line that is being typed, and how it is shown.
extension LineDiscipline {
  enum EraseUnit { case character, word, line }

  /// VKILL.
  mutating func kill(_ effects: inout some TerminalEffects) {
    if isLineEmpty { return }
    let local = attributes.local
    guard local.contains(.echo) else {
      head = lineEnd
      return
    }
    if local.contains([.echoKill, .echoKillErases, .echoErase]) { return erase(.line, &effects) }
    head = lineEnd
    finishShowingErased(&effects)
    echo(attributes[.kill], &effects)
    if local.contains(.echoKill) { echoAsIs(10, &effects) }
  }

  /// Takes characters off the end of the line: one, a word with the blanks after it, or all.
  mutating func erase(_ unit: EraseUnit, _ effects: inout some TerminalEffects) {
    var isInWord = false
    while head != lineEnd {
      // The first byte of the last character.
      var start = head - 1
      while isContinuation(byte(at: start)), start != lineEnd { start -= 1 }
      let first = byte(at: start)
      if isContinuation(first) { break }
      if unit == .word {
        if isWordCharacter(first) { isInWord = true } else if isInWord { break }
      }
      let end = head
      head = start
      if attributes.local.contains(.echo) { showErased(start..<end, unit, &effects) }
      if unit == .character { break }
    }
    if isLineEmpty, attributes.local.contains(.echo) { finishShowingErased(&effects) }
  }

  private func isWordCharacter(_ byte: UInt8) -> Bool {
    lowercase(byte) != byte || uppercase(byte) != byte
      || byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") || byte == UInt8(ascii: "_")
  }

  /// Shows that the character at these places, just taken off the line, is gone.
  private mutating func showErased(
    _ places: Range<Int>, _ unit: EraseUnit, _ effects: inout some TerminalEffects
  ) {
    let first = byte(at: places.lowerBound)
    if attributes.local.contains(.echoErasedText) {
      if !isShowingErased {
        echoAsIs(UInt8(ascii: "\\"), &effects)
        isShowingErased = true
      }
      echo(first, &effects)
      for place in places.dropFirst() {
        echoAsIs(byte(at: place), &effects)
        if column > 0, !isContinuation(byte(at: place)) { column -= 1 }
      }
    } else if unit == .character, !attributes.local.contains(.echoErase) {
      echo(attributes[.erase], &effects)
    } else if first == 9 {
      eraseTab(&effects)
    } else if isControl(first) {
      if attributes.local.contains(.echoControl) { for _ in 0..<2 { eraseColumn(&effects) } }
    } else {
      eraseColumn(&effects)
    }
  }

  private mutating func eraseColumn(_ effects: inout some TerminalEffects) {
    echoAsIs(8, &effects)
    echoAsIs(32, &effects)
    echoAsIs(8, &effects)
  }

  /// Moves back over a tab at the end of the line: as far as the text before it says.
  private mutating func eraseTab(_ effects: inout some TerminalEffects) {
    var columns = 0
    var place = head
    var isAfterTab = false
    while place != lineEnd, !isAfterTab {
      place -= 1
      let byte = byte(at: place)
      if byte == 9 {
        isAfterTab = true
      } else if isControl(byte) {
        if attributes.local.contains(.echoControl) { columns += 2 }
      } else if !isContinuation(byte) {
        columns += 1
      }
    }
    if !isAfterTab { columns += lineColumn }
    for _ in 0..<8 - columns & 7 {
      effects.output(8)
      if column > 0 { column -= 1 }
    }
  }

  mutating func finishShowingErased(_ effects: inout some TerminalEffects) {
    if !isShowingErased { return }
    isShowingErased = false
    echoAsIs(UInt8(ascii: "/"), &effects)
  }
}
