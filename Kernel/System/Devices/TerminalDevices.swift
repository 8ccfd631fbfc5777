import Core
import Machine

/// Major number 4: the serial lines, ttyS0 and ttyS1.
final class SerialDevices: CharacterDriver, @unchecked Sendable {
  static var major: UInt32 { 4 }
  static var firstSerialMinor: UInt32 { 64 }

  override func open(_ node: FileNode, minor: UInt32, _ flags: OpenFlags) throws(Errno) -> OpenFile {
    switch minor {
    case Self.firstSerialMinor: if let terminal = Terminals.serial { return try terminal.open(node, flags) }
    case Self.firstSerialMinor + 1:
      if let terminal = SecondSerialLine.shared { return try terminal.open(node, flags) }
    default: break
    }
    throw .noSuchDeviceOrAddress
  }
}

/// Major number 5: the names by which a terminal is found (tty(4), console(4), ptmx(4)).
final class TerminalAliases: CharacterDriver, @unchecked Sendable {
  static var major: UInt32 { 5 }

  enum Minor {
    static var controlling: UInt32 { 0 }
    static var console: UInt32 { 1 }
    static var multiplexer: UInt32 { 2 }
  }

  override func open(_ node: FileNode, minor: UInt32, _ flags: OpenFlags) throws(Errno) -> OpenFile {
    switch minor {
    case Minor.controlling:
      guard let terminal = Terminals.controlling else { throw .noSuchDeviceOrAddress }
      return try terminal.open(node, flags)
    case Minor.console:
      guard let terminal = Terminals.serial else { throw .noSuchDeviceOrAddress }
      // It never becomes the controlling terminal by being opened.
      return TerminalFile(
        terminal, node: node, flags: flags.subtracting(.noControllingTerminal), isConsole: true)
    case Minor.multiplexer: return try PseudoTerminalFileSystem.openMaster(node, flags)
    default: throw .noSuchDeviceOrAddress
    }
  }
}

/// Major number 136: the slaves of pseudo-terminals, wherever somebody has made a node for one.
final class PseudoTerminalDevices: CharacterDriver, @unchecked Sendable {
  static var major: UInt32 { 136 }

  override func open(_ node: FileNode, minor: UInt32, _ flags: OpenFlags) throws(Errno) -> OpenFile {
    guard let terminal = PseudoTerminals.find(Int(minor)) else { throw .inputOutput }
    return try terminal.openSlave(node, flags)
  }
}

extension TerminalDevice {
  /// open(2) of its node, or of /dev/tty.
  func open(_ node: FileNode, _ flags: OpenFlags) throws(Errno) -> OpenFile {
    if lock.withLock({ isExclusive }), !FileIdentity.current.mayAdministrate { throw .busy }
    let file = TerminalFile(self, node: node, flags: flags.subtracting(.noControllingTerminal))
    if !flags.contains(.noControllingTerminal) { acquireOnOpen(flags) }
    return file
  }
}

extension PseudoTerminal {
  /// open(2) of the slave.
  func openSlave(_ node: FileNode, _ flags: OpenFlags) throws(Errno) -> OpenFile {
    if lock.withLock({ isLocked || !isMasterOpen }) { throw .inputOutput }
    return try open(node, flags)
  }
}
