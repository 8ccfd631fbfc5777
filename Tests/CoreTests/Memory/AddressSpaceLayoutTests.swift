import Core
import Testing

@Suite struct AddressSpaceLayoutTests {
  @Test func partsAreInOrderWhateverTheRandomBits() {
    var random = SeededGenerator(seed: 3)
    for round in 0..<2000 {
      let bits: (UInt64, UInt64) = round == 0 ? (.max, .max) : (random.next(), random.next())
      let limit: UInt64 = [0, 8 << 20, 1 << 40, .max][random.below(4)]
      let layout = AddressSpaceLayout(stackLimit: limit, random: bits)
      for address in [layout.stackTop, layout.mappingTop, layout.programBase, layout.breakOffset] {
        #expect(address & 4095 == 0)
      }
      #expect(layout.stackTop <= UserRange.limit - 4096)
      #expect(layout.mappingTop + (128 << 20) < layout.stackTop)
      #expect(layout.mappingTop > 1 << 40)
      #expect(layout.programBase >= 0x5555_5555_4000)
      #expect(layout.programBase < 0x5700_0000_0000)
      #expect(layout.breakOffset < 32 << 20)
      if limit == 8 << 20 { #expect(layout.programBase + (1 << 30) < layout.mappingTop) }
    }
  }

  @Test func layoutWithoutRandomnessIsTheSameEachTime() {
    #expect(AddressSpaceLayout.fixed == AddressSpaceLayout(stackLimit: 8 << 20, random: (0, 0)))
    #expect(AddressSpaceLayout.fixed.programBase == 0x5555_5555_4000)
  }
}
