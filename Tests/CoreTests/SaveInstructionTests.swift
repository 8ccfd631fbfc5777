import Core
import Testing

@Suite struct SaveInstructionTests {
  @Test func ladderRunsFromFXSAVEToXSAVES() {
    #expect(SaveInstruction.allCases == SaveInstruction.allCases.sorted())
    #expect(SaveInstruction.allCases.filter(\.usesCompactedFormat) == [.xsavec, .xsaves])
  }
}
