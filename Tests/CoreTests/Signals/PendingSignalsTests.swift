import Core
import Testing

/// A queue with records of the test's own.
private struct Queue: ~Copyable {
  var pending = PendingSignals()

  mutating func send(_ number: UInt8, value: UInt64 = 0) {
    let signal = Signal(rawValue: number)!
    if pending.isSuperfluous(signal) { return }
    let record = PendingSignals.Record.allocate(capacity: 1)
    record.initialize(
      to: QueuedSignal(SignalInformation(number: Int32(number), code: SignalCode.queue, fields: (0, value, 0, 0))))
    pending.append(record)
  }

  /// The value of the next one; nil where it came without a record.
  mutating func take(_ number: UInt8) -> UInt64? {
    guard let record = pending.take(Signal(rawValue: number)!) else { return nil }
    defer { record.deallocate() }
    return record.pointee.information.fields.1
  }
}

@Suite struct PendingSignalsTests {
  @Test func realTimeSignalsComeInTheOrderInWhichTheyWereSent() {
    var queue = Queue()
    for value in 1...5 as ClosedRange<UInt64> {
      queue.send(40, value: value)
      queue.send(34, value: value + 10)
    }
    #expect((1...5).map { _ in queue.take(34)! } == [11, 12, 13, 14, 15])
    #expect(queue.pending.signals == SignalSet(Signal(rawValue: 40)!))
    #expect((1...5).map { _ in queue.take(40)! } == [1, 2, 3, 4, 5])
    #expect(queue.pending.signals.isEmpty)
  }

  @Test func standardSignalWaitsOnce() {
    var queue = Queue()
    queue.send(10, value: 1)
    queue.send(10, value: 2)
    #expect(queue.take(10) == 1)
    #expect(queue.pending.signals.isEmpty)
  }

  @Test func signalWithoutRecordIsPendingAllTheSame() {
    var queue = Queue()
    queue.pending.mark(.terminate)
    #expect(queue.pending.signals.contains(.terminate))
    #expect(queue.take(15) == nil)
    #expect(queue.pending.signals.isEmpty)
  }

  @Test func lookingAtTheQueueTakesNothing() {
    var queue = Queue()
    queue.send(40, value: 1)
    queue.pending.mark(.terminate)
    queue.send(34, value: 2)
    #expect(queue.pending.information(at: 0)?.fields.1 == 1)
    #expect(queue.pending.information(at: 1)?.fields.1 == 2)
    #expect(queue.pending.information(at: 2) == nil)
    #expect(queue.pending.information(at: .max) == nil)
    #expect(queue.take(40) == 1)
    #expect(queue.take(34) == 2)
  }

  @Test func aFilesSignalSaysWhatForWhereItsCodesAllow() {
    let ownCodes = SignalInformation.ofFile(.trap, reason: .input, descriptor: 5)
    #expect(ownCodes.code == -5)
    #expect(ownCodes.fields.0 == 0x41)
    #expect(ownCodes.fields.1 == 5)
    for signal in [Signal.inputOutput, .user1, Signal(rawValue: 40)!] {
      #expect(SignalInformation.ofFile(signal, reason: .output, descriptor: 5).code == 2)
    }
  }

  @Test func removingASetLeavesTheOthers() {
    var queue = Queue()
    for number in [19, 20, 18, 40, 40] as [UInt8] { queue.send(number) }
    var freed = 0
    queue.pending.removeAll(.stops) {
      freed += 1
      $0.deallocate()
    }
    #expect(freed == 2)
    #expect(queue.pending.signals == [SignalSet(.continue), SignalSet(Signal(rawValue: 40)!)])
    _ = queue.take(18)
    queue.pending.removeAll(SignalSet(rawValue: .max)) { $0.deallocate() }
    #expect(queue.pending.signals.isEmpty)
    queue.send(12, value: 3)
    #expect(queue.take(12) == 3)
  }

  @Test func timersRecordIsTakenOffWhereverItStands() {
    var queue = Queue()
    queue.send(40, value: 1)
    let own = PendingSignals.Record.allocate(capacity: 1)
    own.initialize(to: QueuedSignal(.timer(Signal(rawValue: 40)!, timer: 7, overrun: 0, value: 9), isOwned: true))
    queue.pending.append(own)
    queue.send(40, value: 2)
    #expect(own.pointee.isQueued)
    queue.pending.remove(own)
    #expect(!own.pointee.isQueued)
    #expect(queue.take(40) == 1)
    #expect(queue.take(40) == 2)
    #expect(queue.pending.signals.isEmpty)
    own.deallocate()
  }
}

@Suite struct SignalSetTests {
  @Test func faultsComeBeforeOthersAndThenTheLowestNumber() {
    let set: SignalSet = [SignalSet(.hangup), SignalSet(.segmentationFault), SignalSet(.bus), SignalSet(.user1)]
    #expect(set.next == .bus)
    #expect(set.subtracting(SignalSet(.bus)).next == .segmentationFault)
    #expect(set.intersection([SignalSet(.hangup), SignalSet(.user1)]).next == .hangup)
    #expect(SignalSet().next == nil)
    #expect(SignalSet(rawValue: 1 << 63).next == Signal(rawValue: 64))
  }

  @Test func constantSetsHoldWhatTheirNamesSay() {
    #expect(SignalSet.unblockable == [SignalSet(.kill), SignalSet(.stop)])
    #expect(
      SignalSet.stops
        == [SignalSet(.stop), SignalSet(.terminalStop), SignalSet(.terminalInput), SignalSet(.terminalOutput)])
    #expect(SignalSet.ignoredByDefault == [SignalSet(.child), SignalSet(.urgent), SignalSet(.windowChange)])
    #expect(
      SignalSet.synchronous
        == [
          SignalSet(.segmentationFault), SignalSet(.bus), SignalSet(.illegalInstruction), SignalSet(.trap),
          SignalSet(.floatingPoint), SignalSet(.badSystemCall),
        ])
    let dumping: [Signal] = [
      .quit, .illegalInstruction, .trap, .abort, .bus, .floatingPoint, .segmentationFault, .processorTimeLimit,
      .fileSizeLimit, .badSystemCall,
    ]
    #expect(SignalSet.dumpsCore == dumping.reduce(into: SignalSet()) { $0.insert(SignalSet($1)) })
  }

  @Test func defaultActions() {
    #expect(Signal.terminate.defaultAction == .terminate)
    #expect(Signal(rawValue: 64)!.defaultAction == .terminate)
    #expect(Signal.abort.defaultAction == .dumpCore)
    #expect(Signal.child.defaultAction == .ignore)
    #expect(Signal.terminalInput.defaultAction == .stop)
    #expect(Signal.continue.defaultAction == .continue)
    #expect(Signal(rawValue: 0) == nil)
    #expect(Signal(rawValue: 65) == nil)
  }
}
