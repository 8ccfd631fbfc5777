/// The pointers that the kernel put on the stack: argument or environment strings, then a null.
public typealias StringVector = UnsafePointer<UnsafePointer<UInt8>?>

/// Exit statuses that all programs share.
public enum ExitStatus {
  public static let passed: Int32 = 0
  /// A register, or a result, was not what it must be.
  public static let mismatch: Int32 = 1
  public static let usage: Int32 = 2
  /// The CPU, or the kernel's XCR0, lacks the instruction set.
  public static let unsupported: Int32 = 3
}

/// One word of the command line.
public struct Argument {
  public let text: UnsafePointer<UInt8>

  public init(text: UnsafePointer<UInt8>) {
    self.text = text
  }

  public func matches(_ other: StaticString) -> Bool {
    let count = other.utf8CodeUnitCount
    for index in 0..<count where text[index] != other.utf8Start[index] { return false }
    return text[count] == 0
  }

  /// The decimal number that the whole word is, or nil for anything else and for what exceeds 64 bits.
  public var number: UInt? {
    guard text[0] != 0 else { return nil }
    var result: UInt = 0
    var index = 0
    while text[index] != 0 {
      let digit = text[index] &- UInt8(ascii: "0")
      guard digit < 10 else { return nil }
      let (product, overflowed) = result.multipliedReportingOverflow(by: 10)
      let (sum, carried) = product.addingReportingOverflow(UInt(digit))
      guard !overflowed, !carried else { return nil }
      result = sum
      index += 1
    }
    return result
  }
}

/// The words of a command line, taken one after the other.
public struct Arguments {
  public let vector: StringVector
  private let count: Int
  private var position = 1

  public init(count: Int32, vector: StringVector) {
    self.count = Int(count)
    self.vector = vector
  }

  /// The first word: what the program was started as.
  public var programPath: Argument? {
    guard count > 0, let text = vector[0] else { return nil }
    return Argument(text: text)
  }

  public mutating func next() -> Argument? {
    guard position < count, let text = vector[position] else { return nil }
    position += 1
    return Argument(text: text)
  }
}

/// Says what is wrong with the command line and ends the program.
public func refuseUsage(
  program: StaticString, _ message: StaticString, _ argument: Argument? = nil
) -> Never {
  var line = TextLine()
  line.add(program)
  line.add(": ")
  line.add(message)
  if let argument {
    line.add(" ")
    line.add(text: argument.text)
  }
  line.write(to: 2)
  exitProcess(ExitStatus.usage)
}
