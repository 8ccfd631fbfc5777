import Core
import Testing

@Suite struct DebugRegistersTests {
  private static let limit: UInt64 = 0x7FFF_FFFF_F000
  private var registers = DebugRegisters()

  /// Nil where it was taken.
  private mutating func write(_ value: UInt64, _ number: Int) -> Errno? {
    do throws(Errno) {
      try registers.write(value, to: number, addressLimit: Self.limit)
      return nil
    } catch {
      return error
    }
  }

  /// DR7 with one breakpoint enabled.
  private func control(_ index: Int, kind: UInt64) -> UInt64 {
    1 << (2 * UInt64(index)) | kind << (16 + 4 * UInt64(index))
  }

  @Test func theyReadAsTheCPUsAtFirst() {
    for number in [0, 1, 2, 3, 4, 5, 7] { #expect(registers.read(number) == 0) }
    #expect(registers.read(6) == 0xFFFF_0FF0)
    #expect(!registers.isActive)
    #expect(registers.hardwareControl == 0x400)
  }

  @Test mutating func whatIsEnabledIsLoaded() {
    #expect(write(0x1000, 1) == nil)
    #expect(registers.hardwareAddress(1) == nil)
    #expect(write(control(1, kind: 0b1101), 7) == nil)
    #expect(registers.isActive)
    #expect(registers.hardwareControl == 0x400 | 0x200 | 0b1000 | 0b1101 << 20)
    #expect(registers.hardwareAddress(1) == 0x1000)
    #expect(registers.hardwareAddress(0) == nil)
    #expect(registers.read(7) == control(1, kind: 0b1101))
    #expect(write(0, 7) == nil)
    #expect(!registers.isActive)
    #expect(registers.read(1) == 0x1000)
  }

  @Test mutating func thereAreNoDR4AndDR5() {
    #expect(write(0, 4) == .inputOutput)
    #expect(write(0, 5) == .inputOutput)
  }

  @Test mutating func portsAndLongInstructionsAreRefused() {
    for kind: UInt64 in [0b0010, 0b0110, 0b1110, 0b0100, 0b1000, 0b1100] {
      #expect(write(control(0, kind: kind), 7) == .invalid)
      // One that nobody has made and that is not enabled is not looked at.
      #expect(write(kind << 16, 7) == nil)
    }
    #expect(write(control(0, kind: 0), 7) == nil)
  }

  @Test mutating func whatIsWatchedIsAligned() {
    for (kind, size) in [(0b0001, 1), (0b0101, 2), (0b1101, 4), (0b1001, 8)] as [(UInt64, UInt64)] {
      for offset: UInt64 in 0..<8 {
        registers = DebugRegisters()
        #expect(write(0x1000 + offset, 2) == nil)
        #expect(write(control(2, kind: kind), 7) == (offset % size == 0 ? nil : .invalid))
      }
      #expect(write(control(2, kind: kind), 7) == (size == 1 ? nil : .invalid))
      #expect(write(0x2000, 2) == nil)
      #expect(write(control(2, kind: kind), 7) == nil)
      #expect(write(0x2001, 2) == (size == 1 ? nil : .invalid))
      #expect(registers.read(2) == (size == 1 ? 0x2001 : 0x2000))
    }
  }

  @Test mutating func addressesAreThePrograms() {
    #expect(write(Self.limit, 0) == .invalid)
    #expect(write(.max, 0) == .invalid)
    #expect(write(0xFFFF_8000_0000_0000, 0) == .invalid)
    #expect(write(Self.limit - 8, 0) == nil)
    #expect(write(control(0, kind: 0b1011), 7) == nil)
  }

  @Test mutating func aRefusedWriteLeavesWhatIsEnabled() {
    #expect(write(0x1000, 0) == nil)
    #expect(write(0x1001, 3) == nil)
    #expect(write(control(0, kind: 0b1101), 7) == nil)
    let before = registers.hardwareControl
    #expect(write(control(1, kind: 0) | control(3, kind: 0b1101), 7) == .invalid)
    #expect(registers.hardwareControl == before)
    #expect(registers.read(7) == control(0, kind: 0b1101))
    #expect(registers.hardwareAddress(1) == nil)
  }

  @Test mutating func theRestOfDR7HasNoEffect() {
    #expect(write(0xFFFF_FFFF_0000_FC00, 7) == nil)
    #expect(registers.read(7) == 0xFFFF_FFFF_0000_FC00)
    #expect(registers.hardwareControl == 0x400)
  }

  @Test mutating func aHitIsToldByItsBit() {
    #expect(write(0x1000, 1) == nil)
    #expect(write(control(1, kind: 0b1101), 7) == nil)
    // Bits of those that are not enabled mean nothing.
    #expect(registers.trapped(0xFFFF_0FF7) == .init(isBeforeInstruction: false, code: 4))
    #expect(registers.read(6) == 0xFFFF_0FF2)
    #expect(registers.trapped(0xFFFF_0FF1) == .init(isBeforeInstruction: false, code: nil))
    #expect(registers.read(6) == 0xFFFF_0FF0)
  }

  @Test mutating func anInstructionIsStoppedBeforeUnlessAStepHasEnded() {
    #expect(write(control(0, kind: 0), 7) == nil)
    #expect(registers.trapped(0xFFFF_0FF1) == .init(isBeforeInstruction: true, code: 4))
    #expect(registers.trapped(0xFFFF_4FF1) == .init(isBeforeInstruction: false, code: 2))
    #expect(registers.read(6) == 0xFFFF_4FF0)
  }

  @Test mutating func interruptOneIsABreakpoint() {
    #expect(registers.trapped(0xFFFF_0FF0) == .init(isBeforeInstruction: false, code: 1))
  }
}
