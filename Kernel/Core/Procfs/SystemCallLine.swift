/// The line of /proc/PID/syscall (proc(5)): the system call in which a thread waits.
public struct SystemCallLine: Sendable {
  /// Nil where the thread waits outside of a call.
  public var number: Int32?
  /// As the registers have them.
  public var arguments: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0)
  /// Of the program.
  public var stackPointer: UInt64 = 0
  public var instructionPointer: UInt64 = 0

  /// That of a thread that has ended.
  public init() {}

  public func write(to text: inout TextBuffer) {
    func put(_ value: UInt64) {
      text.put(" 0x")
      text.put(hexadecimal: value, digits: 1)
    }
    if let number {
      text.put(number)
      put(arguments.0)
      put(arguments.1)
      put(arguments.2)
      put(arguments.3)
      put(arguments.4)
      put(arguments.5)
    } else {
      text.put("-1")
    }
    put(stackPointer)
    put(instructionPointer)
    text.put("\n")
  }

}
