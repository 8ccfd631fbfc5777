/// A thread's hardware breakpoints as its tracer sees and sets them: the debug registers of `struct user`
/// (PTRACE_POKEUSER; Intel SDM volume 3, section 18.2), with Linux's rules for what may stand in them.
///
/// Linux makes a breakpoint of its own of each of the four: it is there from the first write of its address, or from
/// the first time that DR7 enables it, and is looked at again with each write of either. So what is refused depends on
/// what was written before.
public struct DebugRegisters: Sendable {
  /// How many breakpoints there are: DR0 to DR3.
  public static var count: Int { 4 }
  /// The bits of DR6 that always read as 1.
  public static var statusReserved: UInt64 { 0xFFFF_0FF0 }
  /// DR6.BS: a single step.
  public static var stepStatus: UInt64 { 1 << 14 }
  /// DR6.B0 to B3.
  public static var breakpointStatus: UInt64 { 0xF }
  /// DR7 with no breakpoint enabled: its bit 10 always reads as 1.
  public static var noneEnabled: UInt64 { 1 << 10 }

  /// DR0 to DR3.
  private var addresses = InlineArray<4, UInt64>(repeating: 0)
  /// What each waits for, in the way of DR7: R/W in the lower two bits, LEN in the upper two.
  private var kinds = InlineArray<4, UInt8>(repeating: 0)
  /// Which are there, and which of these are enabled, a bit each.
  private var present: UInt8 = 0
  private var enabled: UInt8 = 0
  /// DR7 as it was written last.
  private var control: UInt64 = 0
  /// DR6 with the bits that mean something set where they are.
  private var status: UInt64 = 0

  public init() {}

  /// Whether a CPU has to watch for anything.
  public var isActive: Bool { enabled != 0 }

  // MARK: As the tracer sees them

  /// - Parameter number: 0 to 7.
  public func read(_ number: Int) -> UInt64 {
    switch number {
    case 0..<Self.count: addresses[number]
    case 6: status ^ Self.statusReserved
    case 7: control
    default: 0
    }
  }

  /// - Parameters:
  ///   - number: 0 to 7.
  ///   - addressLimit: the first address that may not be watched.
  /// - Throws: EIO for registers that there are not, EINVAL for a value that cannot be, which then changes nothing that
  ///   is enabled.
  public mutating func write(_ value: UInt64, to number: Int, addressLimit: UInt64) throws(Errno) {
    switch number {
    case 0..<Self.count: try setAddress(value, of: number, addressLimit)
    case 6: status = value ^ Self.statusReserved
    case 7:
      let old = enabledControl
      guard apply(value, addressLimit) else {
        _ = apply(old, addressLimit)
        throw .invalid
      }
      control = value
    default: throw .inputOutput
    }
  }

  private mutating func setAddress(_ address: UInt64, of index: Int, _ limit: UInt64) throws(Errno) {
    let isPresent = present & 1 << index != 0
    // One byte that is written, until DR7 says what it is to be.
    let kind = isPresent ? kinds[index] : 1
    guard Self.mayWatch(address, kind, limit) else { throw .invalid }
    addresses[index] = address
    kinds[index] = kind
    present |= 1 << index
  }

  /// Enables and disables what DR7 says; what lies outside its fields has no effect, GD neither.
  ///
  /// - Returns: false at the first that cannot be, with those before it changed.
  private mutating func apply(_ control: UInt64, _ limit: UInt64) -> Bool {
    for index in 0..<Self.count {
      let isEnabled = control >> (2 * UInt64(index)) & 3 != 0
      guard isEnabled || present & 1 << index != 0 else { continue }
      let kind = UInt8(truncatingIfNeeded: control >> (16 + 4 * UInt64(index)) & 0xF)
      guard Self.mayWatch(addresses[index], kind, limit) else { return false }
      kinds[index] = kind
      present |= 1 << index
      if isEnabled { enabled |= 1 << index } else { enabled &= ~(1 << index) }
    }
    return true
  }

  /// Whether there is a breakpoint of a kind at an address: not of instructions longer than a byte, not of ports, and
  /// aligned to what it watches.
  private static func mayWatch(_ address: UInt64, _ kind: UInt8, _ limit: UInt64) -> Bool {
    let size: UInt64
    switch (kind & 3, kind >> 2) {
    case (0, 0): size = 1
    case (0, _), (2, _): return false
    case (_, 0): size = 1
    case (_, 1): size = 2
    case (_, 2): size = 8
    default: size = 4
    }
    return address & (size - 1) == 0 && address < limit && limit - address >= size
  }

  // MARK: In the CPU

  /// The fields of DR7 of those that are enabled, as Linux writes them: each for all tasks (G0 to G3), exactly (GE).
  private var enabledControl: UInt64 {
    var value: UInt64 = 0
    for index in 0..<Self.count where enabled & 1 << index != 0 {
      value |= 2 << (2 * UInt64(index)) | UInt64(kinds[index]) << (16 + 4 * UInt64(index)) | 1 << 9
    }
    return value
  }

  /// What DR7 is to be while the thread runs.
  public var hardwareControl: UInt64 { enabledControl | Self.noneEnabled }

  /// What one of DR0 to DR3 is to be while the thread runs; nil where it does not matter.
  public func hardwareAddress(_ index: Int) -> UInt64? {
    enabled & 1 << index != 0 ? addresses[index] : nil
  }

  /// What a debug exception in the thread's user mode means for it.
  public struct Trap: Equatable, Sendable {
    /// Whether the instruction has not been executed, so that it has to be by RFLAGS.RF.
    public var isBeforeInstruction: Bool
    /// SIGTRAP's code; nil for no signal.
    public var code: Int32?

    public init(isBeforeInstruction: Bool = false, code: Int32? = nil) {
      self.isBeforeInstruction = isBeforeInstruction
      self.code = code
    }
  }

  /// Notes a debug exception in the thread's user mode.
  ///
  /// Bits of registers that are not enabled may be set too, and mean nothing (Intel SDM volume 3, section 18.2.3).
  ///
  /// - Parameter register: DR6.
  public mutating func trapped(_ register: UInt64) -> Trap {
    let found = register ^ Self.statusReserved
    var trap = Trap()
    status = found & Self.stepStatus
    for index in 0..<Self.count where UInt64(enabled) & found & 1 << index != 0 {
      if kinds[index] & 3 == 0 {
        // After a step, the breakpoint comes anew with the next attempt.
        if status & Self.stepStatus != 0 { continue }
        trap.isBeforeInstruction = true
      }
      status |= 1 << index
    }
    if status & Self.stepStatus != 0 {
      trap.code = SignalCode.trace
    } else if status & Self.breakpointStatus != 0 {
      trap.code = SignalCode.hardwareBreakpoint
    } else if found == 0 {
      // INT1, which says nothing.
      trap.code = SignalCode.breakpoint
    }
    return trap
  }
}
