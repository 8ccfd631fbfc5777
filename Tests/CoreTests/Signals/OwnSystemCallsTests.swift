import Core
import Testing

@Suite struct OwnSystemCallsTests {
  private func made(
    _ mode: UInt64, _ offset: UInt64 = 0, _ count: UInt64 = 0, _ selector: UInt64 = 0
  ) -> Result<OwnSystemCalls, Errno> {
    Result { () throws(Errno) in
      try OwnSystemCalls(mode: mode, offset: offset, count: count, selector: selector)
    }
  }

  private func calls(_ offset: UInt64, _ count: UInt64, selector: UInt64 = 0x1000) throws(Errno) -> OwnSystemCalls {
    try OwnSystemCalls(mode: 1, offset: offset, count: count, selector: selector)
  }

  @Test func argumentsAreLinuxs() {
    #expect(made(2) == .failure(.invalid))
    #expect(made(1 << 32) == .failure(.invalid))
    #expect(made(0, 1) == .failure(.invalid))
    #expect(made(0, 0, 1) == .failure(.invalid))
    #expect(made(0, 0, 0, 1) == .failure(.invalid))
    #expect(made(0) == .success(OwnSystemCalls()))
    #expect(made(1, 1, 0, .max) == .failure(.invalid))
    #expect(made(1, 16, 0 &- 16) == .failure(.invalid))
    #expect(made(1, 1, 1, .max) == .failure(.badAddress))
    #expect(made(1, 1, 1, UserRange.limit) == .failure(.badAddress))
    #expect((try? made(1, 1, 1, UserRange.limit - 1).get())?.isOn == true)
    #expect((try? made(1, 0, .max).get())?.isOn == true)
    #expect((try? made(1, 0 &- 16, 15).get())?.isOn == true)
  }

  @Test func selectorIsLookedAtOutsideOfTheRangeOnly() throws {
    let calls = try calls(0x4000, 0x10)
    for address in [0x3FFF, 0x4010, 0, .max] as [UInt64] {
      #expect(calls.decide(callBefore: address) { _ in 0 } == .made)
      #expect(calls.decide(callBefore: address) { _ in 1 } == .dispatched)
      #expect(calls.decide(callBefore: address) { _ in 2 } == .meaningless)
      #expect(calls.decide(callBefore: address) { _ in 255 } == .meaningless)
      #expect(calls.decide(callBefore: address) { _ in nil } == .unreadable)
      #expect(calls.decide(callBefore: address) { $0 == 0x1000 ? 1 : nil } == .dispatched)
    }
    for address in [0x4000, 0x400F] as [UInt64] {
      #expect(calls.decide(callBefore: address) { _ in nil } == .made)
    }
  }

  @Test func everythingOutsideIsTheProgramsWithoutASelector() throws {
    let calls = try calls(0, 0x10, selector: 0)
    #expect(calls.decide(callBefore: 0x10) { _ in nil } == .dispatched)
    #expect(calls.decide(callBefore: 0xF) { _ in nil } == .made)
  }

  @Test func signalTellsTheCall() {
    let information = SignalInformation.systemCall(-2, after: 0x1234, isI386: false)
    #expect(information.number == 31 && information.code == 2)
    #expect(information.fields.0 == 0x1234 && information.fields.1 == 0xC000_003E_FFFF_FFFE)
    #expect(SignalInformation.systemCall(1, after: 0, isI386: true).fields.1 == 0x4000_0003_0000_0001)
  }
}
