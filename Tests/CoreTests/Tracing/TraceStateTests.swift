import Core
import Testing

/// A state behind a reference, so that what changes it can stand in an expectation.
private final class Subject {
  var state = TraceState()

  func takeReport(leaves: Bool = false) -> Int32? { state.takeReport(leaves: leaves) }
  func listen() -> Bool { state.listen() }
}

@Suite struct TraceStateTests {
  private func stopped(_ stop: TraceState.Stop, code: Int32) -> Subject {
    let subject = Subject()
    subject.state.begin(stop, code: code)
    return subject
  }

  @Test func stopIsReportedOnce() {
    let subject = stopped(.signalDelivery, code: 10)
    #expect(subject.takeReport(leaves: true) == Int32(10 << 8 | 0x7F))
    #expect(subject.takeReport() == Int32(10 << 8 | 0x7F))
    #expect(subject.takeReport() == nil)
    #expect(subject.state.isUsable)
    #expect(subject.state.mayStay)
  }

  @Test func eventStandsAboveTheSignal() {
    let subject = stopped(.event, code: 5 | TraceEvent.clone.rawValue << 8)
    #expect(subject.takeReport() == Int32(3 << 16 | 5 << 8 | 0x7F))
  }

  @Test func signalOfTheTracerIsWhatItGoesOnWith() {
    let subject = stopped(.signalDelivery, code: 10)
    subject.state.resume(signal: 15)
    #expect(!subject.state.mayStay)
    #expect(subject.state.injectedSignal == 15)
    #expect(subject.takeReport() == nil)
    // The next stop begins without one.
    subject.state.begin(.systemCallEntry, code: 5)
    #expect(subject.state.injectedSignal == 0)
  }

  @Test func deathEndsAStopWithoutAReport() {
    let subject = stopped(.systemCallExit, code: 0x85)
    subject.state.end()
    #expect(!subject.state.isUsable)
    #expect(subject.takeReport() == nil)
  }

  @Test func listenerIsOutOfReachUntilSomethingHappens() {
    let subject = stopped(.trap, code: 19 | 128 << 8)
    #expect(subject.takeReport() != nil)
    #expect(subject.listen())
    #expect(!subject.state.isUsable)
    #expect(subject.state.mayStay)
    subject.state.notice()
    #expect(!subject.state.mayStay)
    #expect(subject.state.wantsTrap)
    subject.state.begin(.trap, code: 5 | 128 << 8)
    #expect(!subject.state.wantsTrap)
    #expect(subject.takeReport() == Int32(128 << 16 | 5 << 8 | 0x7F))
  }

  @Test func noticeBeforeListenEndsTheStopAtOnce() {
    let subject = stopped(.trap, code: 19 | 128 << 8)
    subject.state.notice()
    #expect(subject.state.mayStay)
    #expect(subject.listen())
    #expect(!subject.state.mayStay)
  }

  @Test(arguments: [TraceState.Stop.none, .signalDelivery, .group, .systemCallEntry, .systemCallExit, .event])
  func onlyATrapListens(_ stop: TraceState.Stop) {
    let subject = stopped(stop, code: 5)
    #expect(!subject.listen())
  }

  @Test func interruptOutlivesAnotherStop() {
    let subject = Subject()
    subject.state.interrupt()
    subject.state.begin(.systemCallExit, code: 5)
    subject.state.resume(signal: 0)
    #expect(subject.state.wantsTrap)
    subject.state.begin(.trap, code: 5 | 128 << 8)
    #expect(!subject.state.wantsTrap)
  }
}

@Suite struct TraceEventTests {
  @Test func clonesAreToldApartAsByLinux() {
    #expect(TraceEvent.ofClone(isVfork: true, exitSignal: 17) == .vfork)
    #expect(TraceEvent.ofClone(isVfork: false, exitSignal: 17) == .fork)
    #expect(TraceEvent.ofClone(isVfork: false, exitSignal: 0) == .clone)
  }

  @Test func everyEventButTheStopHasAnOption() {
    var options: TraceOptions = []
    for number: Int32 in 1...6 { options.formUnion(TraceEvent(rawValue: number)!.option!) }
    #expect(options.rawValue == 0x7E)
    #expect(TraceEvent.stop.option == nil)
    #expect(TraceOptions.all.rawValue == 0x1000FF)
  }
}
