/// What a core tells of a thread beside its FPU state: Linux's `struct elf_prstatus`, 336 bytes (NT_PRSTATUS).
public struct CoreThreadStatus: Sendable {
  public static var sizeInBytes: Int { 336 }

  /// The signal that ended the process.
  public var signal: UInt8 = 0
  public var pending: UInt64 = 0
  public var blocked: UInt64 = 0
  public var identifier: Int32 = 0
  public var parent: Int32 = 0
  public var group: Int32 = 0
  public var session: Int32 = 0
  /// In microseconds.
  public var userTime: UInt64 = 0
  public var systemTime: UInt64 = 0
  public var registers = InlineArray<27, UInt64>(repeating: 0)

  public init() {}

  /// - Parameter bytes: at least `sizeInBytes`.
  public func write(to bytes: UnsafeMutableRawBufferPointer) {
    bytes.zero(0..<Self.sizeInBytes)
    bytes.set(Int32(signal), at: 0)
    bytes.set(UInt16(signal), at: 12)
    bytes.set(pending, at: 16)
    bytes.set(blocked, at: 24)
    bytes.set(identifier, at: 32)
    bytes.set(parent, at: 36)
    bytes.set(group, at: 40)
    bytes.set(session, at: 44)
    bytes.set(userTime / 1_000_000, at: 48)
    bytes.set(userTime % 1_000_000, at: 56)
    bytes.set(systemTime / 1_000_000, at: 64)
    bytes.set(systemTime % 1_000_000, at: 72)
    for index in 0..<UserRegisters.count { bytes.set(registers[index], at: 112 + index * 8) }
    bytes.set(Int32(1), at: 328)  // there is FPU state
  }
}

/// What a core tells of the process: Linux's `struct elf_prpsinfo`, 136 bytes (NT_PRPSINFO).
public struct CoreProcessInformation: Sendable {
  public static var sizeInBytes: Int { 136 }
  /// The bytes of the command line that are kept, a zero behind them included.
  public static var argumentsLimit: Int { 80 }

  public var nice: Int8 = 0
  public var user: UInt32 = 0
  public var group: UInt32 = 0
  public var identifier: Int32 = 0
  public var parent: Int32 = 0
  public var processGroup: Int32 = 0
  public var session: Int32 = 0
  /// The program's name.
  public var name = InlineArray<16, UInt8>(repeating: 0)
  /// The command line as it lies in memory, with zeros between the words.
  public var arguments = InlineArray<80, UInt8>(repeating: 0)
  public var argumentsCount = 0

  public init() {}

  /// - Parameter bytes: at least `sizeInBytes`.
  public func write(to bytes: UnsafeMutableRawBufferPointer) {
    bytes.zero(0..<Self.sizeInBytes)
    bytes.set(UInt8(ascii: "R"), at: 1)
    bytes.set(UInt8(bitPattern: nice), at: 3)
    bytes.set(user, at: 16)
    bytes.set(group, at: 20)
    bytes.set(identifier, at: 24)
    bytes.set(parent, at: 28)
    bytes.set(processGroup, at: 32)
    bytes.set(session, at: 36)
    for index in 0..<16 { bytes.set(name[index], at: 40 + index) }
    let count = min(argumentsCount, Self.argumentsLimit - 1)
    for index in 0..<count { bytes.set(arguments[index] == 0 ? 32 : arguments[index], at: 56 + index) }
  }
}
