/// The general registers as debuggers and cores lay them out: Linux's `struct user_regs_struct`, 27 words
/// (NT_PRSTATUS, PTRACE_GETREGS, the beginning of PTRACE_PEEKUSER's area).
public enum UserRegisters {
  public static var count: Int { 27 }
  public static var sizeInBytes: Int { count * 8 }

  // The indices of those that are not the general registers of a trap's frame, which come first.
  public static var rax: Int { 10 }
  public static var originalRAX: Int { 15 }
  public static var rip: Int { 16 }
  public static var cs: Int { 17 }
  public static var flags: Int { 18 }
  public static var rsp: Int { 19 }
  public static var ss: Int { 20 }
  public static var fsBase: Int { 21 }
  public static var gsBase: Int { 22 }
  /// DS, ES, FS and GS.
  public static var otherSelectors: Range<Int> { 23..<27 }
  /// Where one of these lies in a word that has all four.
  public static func selectorShift(_ index: Int) -> UInt64 { UInt64(index - otherSelectors.lowerBound) * 16 }

  public static var trapFlag: UInt64 { 1 << 8 }
  /// The next instruction is executed though a breakpoint is set at it.
  public static var resumeFlag: UInt64 { 1 << 16 }
  /// The flags that a debugger may change: RF, AC, NT, OF, DF, TF, SF, ZF, AF, PF, CF.
  public static var changeableFlags: UInt64 { 0x5_4DD5 }

  /// The flags of a thread after a debugger's write.
  public static func flags(_ present: UInt64, changedTo value: UInt64) -> UInt64 {
    present & ~changeableFlags | value & changeableFlags
  }

  /// Whether a debugger may write a value to a register (EIO otherwise).
  ///
  /// Of a selector the privilege alone counts, and that CS and SS have one: with a segment that is none the thread
  /// faults on its way to user mode.
  ///
  /// - Parameter addressLimit: the first address that a segment may not begin at.
  public static func mayWrite(_ value: UInt64, to index: Int, addressLimit: UInt64) -> Bool {
    switch index {
    case cs, ss: value & 3 == 3
    case fsBase, gsBase: value < addressLimit
    case otherSelectors: value & 0xFFFF == 0 || value & 3 == 3
    default: true
    }
  }

  /// Whether the CPU takes an address for an instruction's: a return to another one faults in the kernel.
  @inline(__always)
  public static func isCanonical(_ address: UInt64) -> Bool {
    let upper = Int64(bitPattern: address) >> 47
    return upper == 0 || upper == -1
  }
}

/// The area that PTRACE_PEEKUSER and PTRACE_POKEUSER reach: Linux's `struct user`.
public enum UserArea {
  public static var sizeInBytes: UInt64 { 928 }
  /// Where DR0 to DR7 lie in it.
  public static var debugRegisters: Range<UInt64> { 848..<912 }

  public enum Place: Equatable, Sendable {
    /// A word of `UserRegisters`.
    case register(Int)
    case debugRegister(Int)
    /// Reads as 0, and is not written.
    case other
  }

  /// What lies at an offset; nil where a word can be read nowhere (EIO).
  public static func place(at offset: UInt64) -> Place? {
    guard offset & 7 == 0, offset < sizeInBytes else { return nil }
    if offset < UInt64(UserRegisters.sizeInBytes) { return .register(Int(offset >> 3)) }
    if debugRegisters.contains(offset) {
      return .debugRegister(Int((offset - debugRegisters.lowerBound) >> 3))
    }
    return .other
  }
}
