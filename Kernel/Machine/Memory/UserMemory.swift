import Core
import Instructions

/// Access to the memory of the current thread's address space. Any address may be given: what lies outside
/// the user half, or is not mapped, makes the call fail.
///
/// Interrupts are enabled and no spin lock is held: the access may fault and the fault may sleep.
public enum UserMemory {
  /// The first address behind the user half that a program can map (the last page is kept free, so that no
  /// SYSCALL lies at its end).
  public static var limit: UInt64 { 0x7FFF_FFFF_F000 }

  @inline(__always)
  public static func contains(_ address: UInt64, count: Int) -> Bool {
    count >= 0 && address <= limit && UInt64(count) <= limit &- address
  }

  /// Copies bytes from user memory. False where not all of them could be read.
  public static func copyIn(
    _ destination: UnsafeMutableRawPointer, from address: UInt64, count: Int
  ) -> Bool {
    guard contains(address, count: count) else { return false }
    return copyUserBytes(destination, UnsafeRawPointer(bitPattern: UInt(address)), count) == 0
  }

  /// Copies bytes to user memory. False where not all of them could be written.
  public static func copyOut(
    _ source: UnsafeRawPointer, to address: UInt64, count: Int
  ) -> Bool {
    guard contains(address, count: count) else { return false }
    return copyUserBytes(UnsafeMutableRawPointer(bitPattern: UInt(address)), source, count) == 0
  }

  /// Copies bytes from user memory up to the first that cannot be read. Returns how many.
  public static func copyInAsFarAsPossible(
    _ destination: UnsafeMutableRawPointer, from address: UInt64, count: Int
  ) -> Int {
    guard let possible = clamped(count, at: address) else { return 0 }
    return possible - Int(copyUserBytes(destination, UnsafeRawPointer(bitPattern: UInt(address)), possible))
  }

  /// Copies bytes to user memory up to the first that cannot be written. Returns how many.
  public static func copyOutAsFarAsPossible(
    _ source: UnsafeRawPointer, to address: UInt64, count: Int
  ) -> Int {
    guard let possible = clamped(count, at: address) else { return 0 }
    return possible
      - Int(copyUserBytes(UnsafeMutableRawPointer(bitPattern: UInt(address)), source, possible))
  }

  /// How many of `count` bytes from an address lie in the user half; nil for none.
  @inline(__always)
  private static func clamped(_ count: Int, at address: UInt64) -> Int? {
    guard count > 0, address < limit else { return nil }
    return min(count, Int(limit &- address))
  }

  /// Writes zeros to user memory.
  public static func clear(_ address: UInt64, count: Int) -> Bool {
    guard contains(address, count: count) else { return false }
    return clearUserBytes(UnsafeMutableRawPointer(bitPattern: UInt(address)), count) == 0
  }

  /// Copies a string with its terminating zero into a buffer.
  ///
  /// - Returns: its length without the zero; `buffer.count` where the string is longer than fits; nil after
  ///   a bad address.
  public static func copyInString(_ buffer: UnsafeMutableBufferPointer<UInt8>, from address: UInt64) -> Int? {
    guard address < limit else { return nil }
    let bound = Int(min(UInt64(buffer.count), limit &- address))
    let length = copyUserString(buffer.baseAddress, UnsafePointer(bitPattern: UInt(address)), bound)
    if length < 0 || (length == bound && bound < buffer.count) { return nil }
    return Int(length)
  }

  /// Reads a value of a trivial type.
  public static func load<Value: BitwiseCopyable>(_ initial: Value, from address: UInt64) -> Value? {
    var value = initial
    let isRead = withUnsafeMutableBytes(of: &value) {
      copyIn($0.baseAddress.unsafelyUnwrapped, from: address, count: MemoryLayout<Value>.size)
    }
    return isRead ? value : nil
  }

  /// Writes a value of a trivial type, which must have no padding.
  public static func store<Value: BitwiseCopyable>(_ value: Value, to address: UInt64) -> Bool {
    withUnsafeBytes(of: value) {
      copyOut($0.baseAddress.unsafelyUnwrapped, to: address, count: MemoryLayout<Value>.size)
    }
  }

  /// Reads an aligned 32-bit word in one access; nil after a fault.
  public static func loadWord(_ address: UInt64) -> UInt32? {
    guard contains(address, count: 4) else { return nil }
    var value: UInt32 = 0
    return loadUserWord(UnsafePointer(bitPattern: UInt(address)), &value) == 0 ? value : nil
  }

  /// What became of an atomic access to a word.
  public enum ExchangeOutcome: Equatable, Sendable {
    case exchanged
    /// The word was not as expected: this is what it was.
    case different(UInt32)
    case faulted
  }

  /// Replaces an aligned 32-bit word in one access, where it is as expected.
  public static func compareExchange(
    _ address: UInt64, expected: UInt32, with value: UInt32
  ) -> ExchangeOutcome {
    guard contains(address, count: 4) else { return .faulted }
    var found: UInt32 = 0
    guard
      compareExchangeUserWord(UnsafeMutablePointer(bitPattern: UInt(address)), expected, value, &found) == 0
    else { return .faulted }
    return found == expected ? .exchanged : .different(found)
  }

  /// Makes a word's page writable, if the program may write to it. False after a bad address.
  public static func prepareToWrite(_ address: UInt64) -> Bool {
    // Writes the word as it is, in one access.
    compareExchange(address, expected: 0, with: 0) != .faulted
  }
}
