@testable import Core
import Testing

@Suite struct I386CallNumbersTests {
  @Test func callsThatMeanTheSameHaveTheirNumbersOfX8664() {
    let pairs: [(UInt32, UInt64)] = [
      (0, 219), (1, 60), (3, 0), (6, 3), (20, 39), (37, 62), (45, 12), (91, 11), (125, 10), (150, 149), (153, 152),
      (154, 142), (157, 145), (198, 94), (208, 117), (211, 120), (224, 186), (226, 188), (237, 199), (252, 231),
      (270, 234), (293, 255), (295, 257), (298, 260), (301, 263), (307, 269), (327, 289), (332, 294), (407, 230),
      (422, 202), (439, 439),
    ]
    for (number, same) in pairs { #expect(I386CallNumbers.sameCall(as: number) == same) }
  }

  @Test func callsWithStructuresOfTheirOwnAreNotTakenForOthers() {
    // execve, ptrace, ioctl, sigaction, readv, rt_sigreturn, rt_sigaction, sigaltstack, stat64, futex, set_robust_list
    for number: UInt32 in [11, 26, 54, 67, 145, 173, 174, 186, 195, 240, 311, 120, 435, 500, 0x4000_0014, .max] {
      #expect(I386CallNumbers.sameCall(as: number) == nil)
    }
  }

  @Test func noTwoNumbersAreTheSameCall() {
    var seen: Set<UInt64> = []
    for number: UInt32 in 0..<512 {
      guard let same = I386CallNumbers.sameCall(as: number) else { continue }
      #expect(seen.insert(same).inserted, "\(number)")
    }
  }

  @Test func identifiersThatDoNotFitAreToldAsNobody() {
    #expect(I386CallNumbers.shortIdentifier(0) == 0)
    #expect(I386CallNumbers.shortIdentifier(65535) == 65535)
    #expect(I386CallNumbers.shortIdentifier(65536) == 65534)
    #expect(I386CallNumbers.shortIdentifier(0xFFFF_FFFE) == 65534)
  }
}
