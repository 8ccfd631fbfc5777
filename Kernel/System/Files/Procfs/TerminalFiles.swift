import Core
import Machine

/// Files in /proc about terminals: where the console is, and which numbers terminals have (proc_consoles(5),
/// proc_tty(5)).
enum TerminalFiles {
  static func add(to root: ProcRoot) {
    root.addFile("consoles") { text throws(Errno) in
      // Enabled, behind /dev/console, shows the log from its start, and may be used at any time.
      let start = text.needed
      text.put("ttyS0")
      text.pad(from: start, to: 21)
      text.put("-W- (EC p a) ")
      text.put(SerialDevices.major, width: 4)
      text.put(":")
      text.put(SerialDevices.firstSerialMinor)
      text.put("\n")
    }
    let terminals = root.addDirectory("tty")
    terminals.addFile("drivers") { text throws(Errno) in writeDrivers(to: &text) }
    terminals.addFile("ldiscs") { text throws(Errno) in text.put("n_tty       0\n") }
  }

  private static func writeDrivers(to text: inout TextBuffer) {
    typealias Alias = TerminalAliases.Minor
    let alias = TerminalAliases.major
    let serial = SerialDevices.firstSerialMinor
    let lastSerial = SecondSerialLine.shared == nil ? serial : serial + 1
    let lastPseudoTerminal = UInt32(PseudoTerminals.limit) - 1
    put("/dev/tty", "/dev/tty", alias, Alias.controlling, kind: "system:/dev/tty", &text)
    put("/dev/console", "/dev/console", alias, Alias.console, kind: "system:console", &text)
    put("/dev/ptmx", "/dev/ptmx", alias, Alias.multiplexer, kind: "system", &text)
    put("serial", "/dev/ttyS", SerialDevices.major, serial, lastSerial, kind: "serial", &text)
    put("pty_slave", "/dev/pts", PseudoTerminalDevices.major, 0, lastPseudoTerminal, kind: "pty:slave", &text)
  }

  /// - Parameters:
  ///   - first: the minor number of its first device.
  ///   - last: that of its last one, where it has several.
  private static func put(
    _ name: StaticString, _ path: StaticString, _ major: UInt32, _ first: UInt32, _ last: UInt32? = nil,
    kind: StaticString, _ text: inout TextBuffer
  ) {
    let start = text.needed
    text.put(name)
    text.pad(from: start, to: 21)
    text.put(path)
    text.pad(from: start, to: 35)
    text.put(major, width: 3)
    text.put(" ")
    if let last, last > first {
      text.put(first)
      text.put("-")
      text.put(last)
    } else {
      text.put(first, width: 7)
    }
    text.put(" ")
    text.put(kind)
    text.put("\n")
  }
}
