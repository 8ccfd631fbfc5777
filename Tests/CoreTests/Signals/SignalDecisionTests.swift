import Core
import Testing

@Suite struct SystemCallRestartTests {
  private func decide(_ error: Int64, _ flags: SignalActionFlags?) -> SystemCallRestart {
    .decide(result: UInt64(bitPattern: -error), handler: flags)
  }

  @Test func handlerDecidesWhetherACallIsMadeAgain() {
    #expect(decide(512, nil) == .again)
    #expect(decide(512, []) == .interrupted)
    #expect(decide(512, .restart) == .again)
    #expect(decide(513, []) == .again)
    #expect(decide(514, nil) == .again)
    #expect(decide(514, .restart) == .interrupted)
    #expect(decide(516, nil) == .resumed)
    #expect(decide(516, .restart) == .interrupted)
  }

  @Test func otherResultsStay() {
    #expect(decide(4, .restart) == .none)
    #expect(decide(0, nil) == .none)
    #expect(SystemCallRestart.decide(result: 7, handler: nil) == .none)
  }
}

@Suite struct SignalFramePlacementTests {
  private func place(
    _ stackPointer: UInt64, alternate: AlternateSignalStack = .none, wantsAlternate: Bool = false,
    stateSize: UInt64 = 2700
  ) -> SignalFramePlacement? {
    .place(
      stackPointer: stackPointer, alternate: alternate, wantsAlternate: wantsAlternate, frameSize: 440,
      stateSize: stateSize)
  }

  @Test func frameIsAlignedAndLeavesTheRedZone() {
    for stackPointer in (0x7FFF_0000 as UInt64)..<0x7FFF_0100 {
      for stateSize in [512, 836, 2700] as [UInt64] {
        let place = place(stackPointer, stateSize: stateSize)!
        #expect(place.state % 64 == 0)
        #expect(place.frame % 16 == 8)
        #expect(place.end <= stackPointer - 128)
        #expect(place.frame + 440 <= place.state)
        #expect(stackPointer - place.frame < 128 + stateSize + 64 + 440 + 32)
      }
    }
  }

  @Test func stackWithoutRoomIsRefused() {
    #expect(place(0) == nil)
    #expect(place(128) == nil)
    #expect(place(3000) == nil)
    #expect(place(.max) != nil)
  }

  @Test func alternateStackIsUsedFromItsTopAndWithinItsBounds() {
    let stack = AlternateSignalStack(base: 0x10000, flags: 0, size: 8192)
    let first = place(0x7FFF_0000, alternate: stack, wantsAlternate: true)!
    #expect(first.end <= 0x12000 && first.frame > 0x10000)
    // On it already: below the red zone, as on any stack.
    let second = place(first.frame, alternate: stack, wantsAlternate: true)!
    #expect(second.end <= first.frame - 128)
    #expect(place(second.frame, alternate: stack, wantsAlternate: true) == nil)
    #expect(place(second.frame, alternate: stack, wantsAlternate: false) == nil)
    #expect(place(0x7FFF_0000, alternate: stack, wantsAlternate: false)!.frame > 0x7FFE_0000)
  }

  /// As on Linux: SA_ONSTACK goes by where the red zone ends, the overflow by where the program stands.
  @Test func redZoneAtTheEndsOfTheAlternateStackIsLinux() {
    let stack = AlternateSignalStack(base: 0x10000, flags: 0, size: 8192)
    // Standing on its last bytes a handler begins at its top again, or without SA_ONSTACK has no room.
    #expect(place(0x10040, alternate: stack, wantsAlternate: true)!.frame > 0x11000)
    #expect(place(0x10040, alternate: stack) == nil)
    // Standing above it, with the red zone on it, the frame follows, and may leave it.
    let above = place(0x12040, alternate: stack, wantsAlternate: true)!
    #expect(above.end <= 0x12040 - 128)
    let small = AlternateSignalStack(base: 0x11800, flags: 0, size: 2048)
    #expect(place(0x12040, alternate: small, wantsAlternate: true)!.frame < 0x11800)
    #expect(place(0x12000, alternate: small, wantsAlternate: true) == nil)
    #expect(place(0x7FFF_0000, alternate: small, wantsAlternate: true) == nil)
  }

  @Test func disarmedStackIsNeverInUse() {
    let stack = AlternateSignalStack(base: 0x10000, flags: AlternateSignalStack.autodisarm, size: 8192)
    #expect(!stack.isInUse(at: 0x11000))
    #expect(place(0x11000, alternate: stack, wantsAlternate: true)!.end <= 0x12000)
  }
}

@Suite struct AlternateSignalStackTests {
  private let stack = AlternateSignalStack(base: 0x10000, flags: 0, size: 8192)

  private func refusal(_ request: AlternateSignalStack, at stackPointer: UInt64 = 0x7FFF_0000)
    -> AlternateSignalStack.Refusal?
  {
    do throws(AlternateSignalStack.Refusal) {
      _ = try stack.replaced(by: request, stackPointer: stackPointer)
      return nil
    } catch {
      return error
    }
  }

  /// Linux's MINSIGSTKSZ, whatever a frame takes.
  @Test func sizeHasALowerBound() {
    #expect(refusal(AlternateSignalStack(base: 0, flags: 0, size: 2047)) == .tooSmall)
    #expect(refusal(AlternateSignalStack(base: 0, flags: 0, size: 2048)) == nil)
    #expect(refusal(AlternateSignalStack(base: 0, flags: AlternateSignalStack.disabled, size: 0)) == nil)
  }

  @Test func flagsHaveToBeKnown() {
    #expect(refusal(AlternateSignalStack(base: 0, flags: 3, size: 8192)) == .invalid)
    #expect(refusal(AlternateSignalStack(base: 0, flags: 4, size: 8192)) == .invalid)
    #expect(refusal(AlternateSignalStack(base: 0, flags: 1, size: 8192)) == nil)
    #expect(refusal(AlternateSignalStack(base: 0, flags: 0x8000_0000, size: 8192)) == nil)
  }

  @Test func stackInUseStays() {
    #expect(refusal(AlternateSignalStack(base: 0, flags: 0, size: 8192), at: 0x10001) == .inUse)
    #expect(refusal(AlternateSignalStack(base: 0, flags: 0, size: 8192), at: 0x12000) == .inUse)
    #expect(refusal(AlternateSignalStack(base: 0, flags: 0, size: 8192), at: 0x10000) == nil)
    #expect(stack.reported(at: 0x11000).flags == 1)
    #expect(stack.reported(at: 0x13000).flags == 0)
    #expect(AlternateSignalStack.none.reported(at: 0).flags == 2)
    #expect(AlternateSignalStack.initial.reported(at: 0).flags == 2)
  }

  @Test func execKeepsTheFlagsAlone() {
    let disarmed = AlternateSignalStack(base: 0x10000, flags: AlternateSignalStack.autodisarm, size: 8192)
    #expect(disarmed.afterExec.base == 0 && disarmed.afterExec.size == 0)
    #expect(disarmed.afterExec.flags == AlternateSignalStack.autodisarm)
  }
}

@Suite struct FloatingPointFaultTests {
  @Test func firstUnmaskedExceptionCounts() {
    #expect(FloatingPointFault.code(controlWord: 0x037F, statusWord: 0x003F) == 0)
    #expect(FloatingPointFault.code(controlWord: 0x037E, statusWord: 0x0041) == SignalCode.floatingPointInvalid)
    #expect(FloatingPointFault.code(controlWord: 0x037B, statusWord: 0x0024) == SignalCode.floatingPointDivide)
    #expect(FloatingPointFault.code(controlWord: 0x0377, statusWord: 0x0008) == SignalCode.floatingPointOverflow)
    #expect(FloatingPointFault.code(controlWord: 0x036F, statusWord: 0x0010) == SignalCode.floatingPointUnderflow)
    #expect(FloatingPointFault.code(controlWord: 0x037D, statusWord: 0x0002) == SignalCode.floatingPointUnderflow)
    #expect(FloatingPointFault.code(controlWord: 0x035F, statusWord: 0x0020) == SignalCode.floatingPointInexact)
  }

  @Test func mxcsrHasItsMasksSevenBitsUp() {
    #expect(FloatingPointFault.code(mxcsr: 0x1FBF) == 0)
    #expect(FloatingPointFault.code(mxcsr: 0x1D84) == SignalCode.floatingPointDivide)
    #expect(FloatingPointFault.code(mxcsr: 0x1F01) == SignalCode.floatingPointInvalid)
    #expect(FloatingPointFault.code(mxcsr: 0x0F20) == SignalCode.floatingPointInexact)
  }
}

@Suite struct SignalTargetTests {
  private let usual = SignalTarget.Candidate(
    blocked: SignalSet(.user2), isEnding: false, isStopped: false, isRunning: false, hasSignal: false)

  private func isWilling(_ signal: Signal, _ change: (inout SignalTarget.Candidate) -> Void) -> Bool {
    var candidate = usual
    change(&candidate)
    return SignalTarget.isWilling(candidate, signal)
  }

  @Test func threadThatSeesToASignalIsWilling() {
    #expect(isWilling(.user1) { _ in })
    #expect(!isWilling(.user2) { _ in })
    #expect(!isWilling(.user1) { $0.isEnding = true })
    #expect(!isWilling(.user1) { $0.isStopped = true })
    #expect(!isWilling(.user1) { $0.hasSignal = true })
    #expect(isWilling(.user1) {
      $0.hasSignal = true
      $0.isRunning = true
    })
    #expect(!isWilling(.user1) {
      $0.isStopped = true
      $0.isRunning = true
    })
  }

  @Test func threadTakesWhatItDoesNotBlock() {
    let set: SignalSet = [SignalSet(.user1), SignalSet(.user2), SignalSet(.terminate)]
    #expect(usual.takes(set) == [SignalSet(.user1), SignalSet(.terminate)])
    var candidate = usual
    candidate.hasSignal = true
    #expect(candidate.takes(set) == [SignalSet(.user1), SignalSet(.terminate)])
    candidate.isStopped = true
    #expect(candidate.takes(set).isEmpty)
    candidate = usual
    candidate.isEnding = true
    #expect(candidate.takes(set).isEmpty)
  }
}

@Suite struct SignalActionTests {
  @Test func maskInTheHandler() {
    let action = SignalAction(handler: 0x1000, mask: SignalSet(.terminate))
    #expect(
      action.blockedInHandler(.user1, before: SignalSet(.hangup))
        == [SignalSet(.hangup), SignalSet(.terminate), SignalSet(.user1)])
    var open = action
    open.flags = .noDefer
    #expect(!open.blockedInHandler(.user1, before: []).contains(.user1))
  }

  @Test func whatIsNeverLearnt() {
    #expect(SignalAction(handler: 1).discards(.terminate))
    #expect(!SignalAction.default.discards(.terminate))
    #expect(SignalAction.default.discards(.child))
    #expect(SignalAction.default.discards(.continue))
    #expect(!SignalAction(handler: 0x1000).discards(.child))
  }

  @Test func waitStatuses() {
    #expect(WaitStatus.childInformation(WaitStatus.exited(127)) == (SignalCode.childExited, 127))
    #expect(WaitStatus.childInformation(WaitStatus.killed(by: .kill)) == (SignalCode.childKilled, 9))
    #expect(WaitStatus.childInformation(WaitStatus.stopped(by: .terminalStop)) == (SignalCode.childStopped, 20))
    #expect(WaitStatus.childInformation(WaitStatus.continued) == (SignalCode.childContinued, 18))
  }
}

@Suite struct TimerScheduleTests {
  @Test func expiriesThatPassedAreCounted() {
    var schedule = TimerSchedule(expiry: 100, interval: 10)
    #expect(schedule.advance(to: 99) == 0)
    #expect(schedule.advance(to: 100) == 1)
    #expect(schedule.expiry == 110)
    #expect(schedule.advance(to: 135) == 3)
    #expect(schedule.expiry == 140)
    #expect(schedule.remaining(at: 135) == 5)
    #expect(schedule.remaining(at: 150) == 1)
  }

  @Test func onceIsOnce() {
    var schedule = TimerSchedule(expiry: 100, interval: 0)
    #expect(schedule.advance(to: 500) == 1)
    #expect(!schedule.isArmed)
    #expect(schedule.advance(to: 600) == 0)
    #expect(schedule.remaining(at: 600) == 0)
  }

  @Test func farExpiriesDoNotOverflow() {
    var schedule = TimerSchedule(expiry: 1, interval: .max - 1)
    #expect(schedule.advance(to: 5) == 1)
    #expect(schedule.expiry == .max)
  }
}
