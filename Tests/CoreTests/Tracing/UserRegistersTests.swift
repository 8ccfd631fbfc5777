import Core
import Testing

@Suite struct UserRegistersTests {
  private func mayWrite(_ value: UInt64, _ index: Int) -> Bool {
    UserRegisters.mayWrite(value, to: index, addressLimit: 0x7FFF_FFFF_F000)
  }

  @Test func selectorsAreOfPrivilege3OrNone() {
    for index in [UserRegisters.cs, UserRegisters.ss] {
      for value: UInt64 in [7, 0x23, 0x2B, 0x33, 0x3B, 0xFFFF] { #expect(mayWrite(value, index)) }
      for value: UInt64 in [0, 4, 0x10, 0x18, 0x29, 0x32, 0x1_0000] { #expect(!mayWrite(value, index)) }
    }
    for index in UserRegisters.otherSelectors {
      for value: UInt64 in [0, 3, 7, 0x2B, 0x1_0000] { #expect(mayWrite(value, index)) }
      for value: UInt64 in [1, 4, 0x10, 0x28] { #expect(!mayWrite(value, index)) }
    }
  }

  @Test func eachSelectorHasItsPlaceInTheWord() {
    #expect(UserRegisters.otherSelectors.map(UserRegisters.selectorShift) == [0, 16, 32, 48])
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
