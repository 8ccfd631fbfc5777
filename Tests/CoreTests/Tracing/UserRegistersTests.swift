import Core
import Testing

@Suite struct UserRegistersTests {
  private func mayWrite(_ value: UInt64, _ index: Int) -> Bool {
    UserRegisters.mayWrite(value, to: index, code: 0x33, stack: 0x2B, addressLimit: 0x7FFF_FFFF_F000)
  }

  @Test func selectorsAreTheProgramsOrNone() {
    #expect(mayWrite(0x33, UserRegisters.cs))
    #expect(mayWrite(0x2B, UserRegisters.ss))
    for value: UInt64 in [0, 0x10, 0x18, 0x2B, 0x38, 0x3B] { #expect(!mayWrite(value, UserRegisters.cs)) }
    for value: UInt64 in [0, 0x10, 0x18, 0x33] { #expect(!mayWrite(value, UserRegisters.ss)) }
    for index in UserRegisters.otherSelectors {
      #expect(mayWrite(0, index))
      #expect(!mayWrite(0x10, index))
    }
  }

  @Test func segmentsBeginInTheUserHalf() {
    for index in [UserRegisters.fsBase, UserRegisters.gsBase] {
      #expect(mayWrite(0x7FFF_FFFF_EFFF, index))
      #expect(!mayWrite(0x7FFF_FFFF_F000, index))
      #expect(!mayWrite(.max, index))
    }
  }

  @Test func flagsOfTheSystemStay() {
    // IOPL, VM, VIP, IF cannot be set; IF cannot be cleared.
    #expect(UserRegisters.flags(0x202, changedTo: .max) == 0x202 | UserRegisters.changeableFlags)
    #expect(UserRegisters.flags(0x202, changedTo: 0) == 0x202)
    #expect(UserRegisters.changeableFlags & 0x3200 == 0)
  }

  @Test func canonicalAddressesEndAtBit47() {
    for address: UInt64 in [0, 0x7FFF_FFFF_FFFF, 0xFFFF_8000_0000_0000, .max] {
      #expect(UserRegisters.isCanonical(address))
    }
    for address: UInt64 in [0x8000_0000_0000, 1 << 62, 0xFFFF_7FFF_FFFF_FFFF] {
      #expect(!UserRegisters.isCanonical(address))
    }
  }

  @Test func userAreaIsLinuxs() {
    #expect(UserArea.place(at: 0) == .register(0))
    #expect(UserArea.place(at: 26 * 8) == .register(26))
    #expect(UserArea.place(at: 27 * 8) == .other)
    #expect(UserArea.place(at: 848) == .debugRegister(0))
    #expect(UserArea.place(at: 848 + 56) == .debugRegister(7))
    #expect(UserArea.place(at: 912) == .other)
    #expect(UserArea.place(at: 928) == nil)
    #expect(UserArea.place(at: 4) == nil)
    #expect(UserArea.place(at: .max - 7) == nil)
  }
}
