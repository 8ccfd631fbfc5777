import Core
import Machine

/// A kernel thread that takes part in the tour until it is told to stop. Subclasses say what it does.
class TourThread: @unchecked Sendable {
  private var stopRequest = AtomicWord()
  private var end = AtomicWord()

  init() {}

  var shouldStop: Bool { stopRequest.load() != 0 }

  /// What the thread does, until `shouldStop`.
  func run() {}

  /// - Returns: false where there is no memory for the thread.
  final func start(nice: Int = 0) -> Bool {
    let argument = UInt64(UInt(bitPattern: Unmanaged.passRetained(self).toOpaque()))
    let isStarted = Threads.startKernelThread(nice: nice, argument: argument) { argument in
      // SAFETY: the reference that `start` gave to this thread.
      let thread = Unmanaged<TourThread>.fromOpaque(UnsafeRawPointer(bitPattern: UInt(argument))!)
      thread.takeUnretainedValue().run()
      thread.takeUnretainedValue().end.store(1)
      thread.release()
    }
    if !isStarted {
      Unmanaged.passUnretained(self).release()
      end.store(1)
    }
    return isStarted
  }

  /// Has the thread end, and waits for it.
  final func stop() {
    stopRequest.store(1)
    while end.load() == 0 { Sleep.milliseconds(1) }
  }
}
