import Core
import Machine

/// What a program's start has left in its memory: arguments, environment, auxiliary vector.
enum ProcessMemoryFiles {
  /// /proc/PID/cmdline: the arguments, a zero behind each. Empty for a zombie.
  static func writeCommandLine(of process: Process, to text: inout TextBuffer) {
    guard let space = process.sharedAddressSpace else { return }
    write(space.startArea.arguments, of: space, to: &text)
  }

  /// /proc/PID/environ
  static func writeEnvironment(of space: AddressSpace, to text: inout TextBuffer) {
    write(space.startArea.environment, of: space, to: &text)
  }

  /// /proc/PID/auxv
  static func writeAuxiliaryVector(of space: AddressSpace, to text: inout TextBuffer) {
    write(space.startArea.auxiliaryVector, of: space, to: &text)
  }

  /// What the program has there now: it may have written over it. Page by page, since a read holds a lock.
  private static func write(_ range: Range<UInt64>, of space: AddressSpace, to text: inout TextBuffer) {
    var address = range.lowerBound
    while address < range.upperBound {
      let end = min((address & ~4095) + 4096, range.upperBound)
      let length = Int(end - address)
      let before = text.needed
      text.put(atMost: length) { space.read(address, into: $0) }
      if text.needed - before < length { return }
      address = end
    }
  }
}
