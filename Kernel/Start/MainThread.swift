import Core
import Machine
import SelfTests
import System

/// The kernel's first thread: does what the boot line asks for.
enum MainThread {
  static func start(_ environment: BootEnvironment) {
    // Handed to the thread, which keeps it for good: the machine ends with it.
    let memory = UnsafeMutablePointer<BootEnvironment>.allocate(capacity: 1)
    memory.initialize(to: environment)
    let isStarted = Threads.startKernelThread(argument: UInt64(UInt(bitPattern: memory))) { argument in
      // SAFETY: the address of the line above.
      MainThread.run(UnsafePointer<BootEnvironment>(bitPattern: UInt(argument)).unsafelyUnwrapped.pointee)
    }
    if !isStarted { panic("not enough memory for the first thread") }
  }

  private static func run(_ environment: BootEnvironment) {
    RootFileSystem.unpack(environment.archive)
    switch environment.options.run ?? .`init` {
    case .selftest: Shutdown.finish(SelfTests.run(environment.options) ? .passed : .failed)
    case .monitor: runMonitor(.passed, environment)
    case .bench: Shutdown.finish(Bench.run() ? .passed : .failed)
    case .tour: runTour(environment)
    case .`init`: runInit(environment)
    }
  }

  /// The first program, and then the end of the machine, or a prompt where the boot line asks for it.
  private static func runInit(_ environment: BootEnvironment) -> Never {
    let status = InitRun.run(environment.options)
    if environment.options.showsMonitorAfterRun { runMonitor(status, environment) }
    Shutdown.finish(status)
  }

  /// The tour, and then a prompt unless the boot line wants the machine off.
  private static func runTour(_ environment: BootEnvironment) -> Never {
    let status: ExitStatus = Tour.run(report: true, seed: environment.options.seed ?? 1) ? .passed : .failed
    if environment.options.powersOffAfterRun { Shutdown.finish(status) }
    runMonitor(status, environment)
  }

  private static func runMonitor(_ status: ExitStatus, _ environment: BootEnvironment) -> Never {
    Monitor.run(status: status, seed: environment.options.seed ?? 1) { filter in
      var options = environment.options
      options.selfTestFilter = filter
      return SelfTests.run(options)
    }
  }
}
