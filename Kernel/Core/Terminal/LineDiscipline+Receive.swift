/// What a byte from the wire does.
extension LineDiscipline {
  private static var newline: UInt8 { 10 }
  private static var carriageReturn: UInt8 { 13 }

  /// Takes a byte that has been typed. The caller has looked at `hasRoom`.
  public mutating func receive(_ typed: UInt8, _ effects: inout some TerminalEffects) {
    // A line that is too long keeps its last place for what comes next, which may be its end.
    if head - tail == Self.capacity { head -= 1 }
    var byte = typed
    if attributes.input.contains(.strip) { byte &= 0x7F }
    if attributes.input.contains(.toLowercase), attributes.local.contains(.extended) {
      byte = lowercase(byte)
    }
    if attributes.local.contains(.externalProcessing) {
      append(byte)
      return effects.becameReadable()
    }
    if isNextLiteral {
      isNextLiteral = false
      return take(byte, &effects)
    }
    if attributes.input.contains(.flowControl) {
      if matches(byte, .start) { return startByKey(&effects) }
      if matches(byte, .stop) { return stopByKey(&effects) }
    }
    if attributes.local.contains(.signals), let signal = signal(of: byte) {
      return interrupt(signal, key: byte, &effects)
    }
    if isStoppedByKey, attributes.input.contains([.flowControl, .anyCharacterStarts]) { startByKey(&effects) }
    var isReturn = false
    if byte == Self.carriageReturn {
      if attributes.input.contains(.ignoreReturn) { return }
      if attributes.input.contains(.returnToNewline) {
        byte = Self.newline
        isReturn = true
      }
    } else if byte == Self.newline, attributes.input.contains(.newlineToReturn) {
      byte = Self.carriageReturn
    }
    if isCanonical, edit(byte, &effects) { return }
    take(byte, isReturn: isReturn, &effects)
  }

  /// A break on the line: a zero, an interrupt, or nothing (termios(3), IGNBRK and BRKINT).
  public mutating func receiveBreak(_ effects: inout some TerminalEffects) {
    if attributes.input.contains(.ignoreBreak) { return }
    if attributes.input.contains(.breakInterrupts) {
      send(.interrupt, &effects)
      return
    }
    if attributes.input.contains(.markErrors) {
      append(0xFF)
      append(0)
    }
    append(0)
    if !isCanonical { effects.becameReadable() }
  }

  /// Adds a byte that means nothing special here.
  ///
  /// - Parameter isReturn: it is a return that ICRNL changed: its echo is a new line, where a newline's own
  ///   echo, which has no meaning for it here either, is that of a control character.
  private mutating func take(_ byte: UInt8, isReturn: Bool = false, _ effects: inout some TerminalEffects) {
    if attributes.local.contains(.echo) {
      finishShowingErased(&effects)
      if isReturn {
        echoAsIs(byte, &effects)
      } else {
        if isLineEmpty { lineColumn = column }
        echo(byte, &effects)
      }
    }
    // A real 0xFF is told from a mark by being there twice.
    if byte == 0xFF, attributes.input.contains(.markErrors) { append(byte) }
    append(byte)
    if !isCanonical { effects.becameReadable() }
    stopSenderIfFull(&effects)
  }

  /// The keys of canonical mode.
  ///
  /// - Returns: whether the byte was one.
  private mutating func edit(_ byte: UInt8, _ effects: inout some TerminalEffects) -> Bool {
    let isExtended = attributes.local.contains(.extended)
    let echoes = attributes.local.contains(.echo)
    if matches(byte, .erase) {
      erase(.character, &effects)
    } else if matches(byte, .kill) {
      kill(&effects)
    } else if isExtended, matches(byte, .wordErase) {
      erase(.word, &effects)
    } else if isExtended, matches(byte, .literalNext) {
      isNextLiteral = true
      if echoes {
        finishShowingErased(&effects)
        if attributes.local.contains(.echoControl) {
          echoAsIs(UInt8(ascii: "^"), &effects)
          echoAsIs(8, &effects)
        }
      }
    } else if isExtended, echoes, matches(byte, .reprint) {
      finishShowingErased(&effects)
      echo(byte, &effects)
      echoAsIs(Self.newline, &effects)
      for place in lineEnd..<head { echo(self.byte(at: place), &effects) }
    } else if byte == Self.newline {
      if echoes || attributes.local.contains(.echoNewline) { echoAsIs(byte, &effects) }
      endLine(byte, &effects)
    } else if matches(byte, .endOfFile) {
      endLine(0, &effects)
    } else if matches(byte, .endOfLine) || isExtended && matches(byte, .secondEndOfLine) {
      if echoes {
        if isLineEmpty { lineColumn = column }
        echo(byte, &effects)
      }
      endLine(byte, &effects)
    } else {
      return false
    }
    return true
  }

  /// The line can be read from now on.
  ///
  /// - Parameter delimiter: its last byte; 0 for none, from VEOF.
  private mutating func endLine(_ delimiter: UInt8, _ effects: inout some TerminalEffects) {
    isShowingErased = false
    guard head - tail < Self.capacity else { return }
    markDelimiter(head)
    append(delimiter)
    lineEnd = head
    effects.becameReadable()
    stopSenderIfFull(&effects)
  }

  // MARK: Signals

  private func signal(of byte: UInt8) -> TerminalSignal? {
    if matches(byte, .interrupt) { return .interrupt }
    if matches(byte, .quit) { return .quit }
    return matches(byte, .suspend) ? .stop : nil
  }

  private mutating func interrupt(
    _ signal: TerminalSignal, key: UInt8, _ effects: inout some TerminalEffects
  ) {
    send(signal, &effects)
    if attributes.input.contains(.flowControl), isStoppedByKey { startByKey(&effects) }
    if attributes.local.contains(.echo) { echo(key, &effects) }
  }

  /// Sends a signal, and throws away what waits in both directions unless NOFLSH forbids it.
  private mutating func send(_ signal: TerminalSignal, _ effects: inout some TerminalEffects) {
    effects.signal(signal)
    if attributes.local.contains(.noFlush) { return }
    discardInput()
    effects.discardOutput()
    restartSender(&effects)
  }

  // MARK: Flow control

  private mutating func stopByKey(_ effects: inout some TerminalEffects) {
    let wasStopped = isStopped
    isStoppedByKey = true
    if !wasStopped { effects.outputStopped() }
  }

  private mutating func startByKey(_ effects: inout some TerminalEffects) {
    let wasStopped = isStopped
    isStoppedByKey = false
    if wasStopped, !isStopped { effects.outputStarted() }
  }

  /// tcflow(3) with TCOOFF.
  public mutating func stopByCall(_ effects: inout some TerminalEffects) {
    let wasStopped = isStopped
    isStoppedByCall = true
    if !wasStopped { effects.outputStopped() }
  }

  /// tcflow(3) with TCOON.
  public mutating func startByCall(_ effects: inout some TerminalEffects) {
    if !isStoppedByCall { return }
    isStoppedByCall = false
    isStoppedByKey = false
    effects.outputStarted()
  }

  /// With fewer free places than this the sender is asked to wait (IXOFF); with as few bytes waiting, to go
  /// on.
  private static var threshold: Int { 128 }

  private mutating func stopSenderIfFull(_ effects: inout some TerminalEffects) {
    guard asksSenderToStop, attributes.input.contains(.sendsFlowControl), !isSenderStopped,
      Self.capacity - (head - tail) < Self.threshold, !isCanonical || lineEnd != tail
    else { return }
    isSenderStopped = true
    sendFlowControl(.stop, &effects)
  }

  /// Asks a sender that has been stopped to go on, once enough has been read.
  public mutating func restartSender(_ effects: inout some TerminalEffects) {
    guard isSenderStopped, head - tail <= Self.threshold else { return }
    isSenderStopped = false
    sendFlowControl(.start, &effects)
  }

  /// Sends VSTOP or VSTART to the other side (tcflow(3) with TCIOFF and TCION).
  public func sendFlowControl(_ character: ControlCharacter, _ effects: inout some TerminalEffects) {
    if attributes[character] != 0 { effects.outputAtOnce(attributes[character]) }
  }

  // MARK: Characters

  /// Whether a byte is a control character that is in use: 0 disables one.
  func matches(_ byte: UInt8, _ character: ControlCharacter) -> Bool {
    byte != 0 && byte == attributes[character]
  }

  /// Whether a byte goes on with a character of UTF-8 that others have begun.
  func isContinuation(_ byte: UInt8) -> Bool { attributes.input.contains(.utf8) && byte & 0xC0 == 0x80 }
}

/// ASCII's control characters.
func isControl(_ byte: UInt8) -> Bool { byte < 32 || byte == 127 }

// The letters are those of ISO 8859-1, as in Linux: with them the first byte of most letters of UTF-8 is one too,
// which is why a word is erased with its accents. The multiplication and the division sign are none.

func lowercase(_ byte: UInt8) -> UInt8 {
  switch byte {
  case 0x41...0x5A, 0xC0...0xD6, 0xD8...0xDE: byte + 32
  default: byte
  }
}

func uppercase(_ byte: UInt8) -> UInt8 {
  switch byte {
  case 0x61...0x7A, 0xDF...0xF6, 0xF8...0xFF: byte - 32
  default: byte
  }
}
