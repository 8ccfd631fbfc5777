import Core
import Machine

/// The order in which the kernel comes up.
public enum SystemStart {
  /// From the first Swift instruction to all CPUs running idle threads.
  ///
  /// Returns as the first CPU's idle thread, interrupts disabled; the caller starts threads and then calls
  /// `runIdle`.
  public static func bringUp(informationAt address: UInt64) -> BootEnvironment {
    Console.initialize()
    Console.print("")
    let memory = BootMemory(informationAt: address)
    Frames.initializeZeros()
    KernelHeap.initialize()
    KernelLog.initialize()
    KernelStacks.initialize()
    DeviceMemory.initialize()
    Platform.detectProcessor()
    CPUStartup.setUpFirst()

    let options = BootOptions(parsing: memory.information.commandLine ?? ByteView("")) { warning in
      log("boot line: \(warning.kind.message): \(warning.word.bytes) (\(warning.allowed))")
    }
    Platform.discover(rsdp: memory.information.rsdp)
    Time.calibrate()
    WallClock.initialize()
    KernelFPU.configure(forced: options.saveInstruction, strategy: options.strategy ?? .deferred)
    KernelFPU.enableOnThisCPU()
    CPUStartup.adoptFirst(apicID: Platform.apicID(at: 0))
    DebuggerSupport.initialize(measuring: Scheduler.current)
    CPUStartup.startOthers(limit: options.maximumCPUs ?? CPUs.limit)
    SerialTerminal.initialize()
    ConsoleInput.initialize()
    SecondSerialLine.initialize()
    RandomSource.initialize()
    TimePage.initialize()
    SystemIdentity.initialize()
    Futexes.initialize()
    PriorityFutexes.initialize()
    CPUOffline.initialize()
    PageStore.initialize()
    InterProcess.initialize()
    Processes.initialize()
    AnonymousFiles.initialize()
    EpollNesting.initialize()
    RootFileSystem.initialize()
    FileSystemContext.initialize()
    AnonymousMount.initialize()
    MessageQueueFileSystem.initialize()
    ProcFileSystem.initialize(commandLine: memory.information.commandLine ?? ByteView(""))
    FileLocks.initialize()
    Time.startTimerOnThisCPU()
    log(
      "\(CPUs.count) CPUs, \(Frames.totalCount >> 8) MiB of memory, TSC \(Time.frequency / 1_000_000) MHz, up after \(Time.nanosecondsSinceBoot / 1_000_000) ms"
    )
    return BootEnvironment(options: options, archive: memory.archive)
  }

  /// The first CPU goes idle; its first threads have been started.
  public static func runIdle() -> Never { Idle.run() }
}

/// What the boot line and the boot loader leave to whoever decides what to run.
public struct BootEnvironment: Sendable {
  public let options: BootOptions
  /// The archive with the root file system, or nil where the boot loader loaded none.
  public let archive: ByteView?
}
