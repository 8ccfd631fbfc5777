import Core
import Machine

/// How a CPU becomes part of the machine, the first as well as the others.
enum CPUStartup {
  nonisolated(unsafe) private static var arrived = AtomicWord()
  /// Sets up the CPU that booted. Afterwards `CPURecord.current` and exceptions work on it.
  static func setUpFirst() {
    let area = UnsafeMutablePointer<CPUArea>(bitPattern: UInt(addressOfFirstCPUArea())).unsafelyUnwrapped
    DescriptorTables.fillInterruptDescriptors()
    loadDescriptors(area)
    let cpu = makeRecord(number: 0, apicID: 0, area: area)
    cpu.pointee.activeRoot = PageTable.kernel.root
    CPUs.add(cpu)
    protect()
    prepareSystemCalls()
  }

  /// Gives the first CPU its idle thread: the code that runs now becomes that thread.
  static func adoptFirst(apicID: UInt32) {
    let old = CPUs[0]
    let cpu = makeRecord(number: 0, apicID: apicID, area: old.pointee.area)
    cpu.pointee.activeRoot = PageTable.kernel.root
    CPUs.add(cpu)
    old.deinitialize(count: 1)
    KernelHeap.deallocate(old)
    makeIdleThread(cpu)
  }

  /// Starts the other CPUs, up to `limit` in all.
  static func startOthers(limit: Int) {
    let limit = min(limit, Platform.reportedCPUs)
    if limit <= 1 { return }
    let page = PhysicalMemory.pointer(to: PhysicalAddress(STARTUP_PAGE))
    let code = UnsafeRawPointer(bitPattern: UInt(addressOfStartupCodeStart())).unsafelyUnwrapped
    page.copyMemory(from: code, byteCount: Int(addressOfStartupCodeEnd() - addressOfStartupCodeStart()))
    let mailbox = (page + Int(addressOfStartupMailbox() - addressOfStartupCodeStart()))
      .assumingMemoryBound(to: StartupMailbox.self)
    mailbox.pointee.root = UInt32(addressOfBootPML4())
    // LMA is set by the CPU itself.
    mailbox.pointee.efer = UInt32(truncatingIfNeeded: readMSR(MSR.efer)) & ~(1 << 10)
    mailbox.pointee.cr0 = UInt32(truncatingIfNeeded: readCR0()) & ~UInt32(CR0.taskSwitched)
    for index in 1..<limit {
      let number = CPUs.count
      if !start(number: number, apicID: Platform.apicID(at: index), mailbox) {
        log("CPU with APIC identifier \(Platform.apicID(at: index)) does not answer; left unused")
      }
    }
  }

  private static func start(
    number: Int, apicID: UInt32, _ mailbox: UnsafeMutablePointer<StartupMailbox>
  ) -> Bool {
    guard let memory = KernelHeap.allocate(size: MemoryLayout<CPUArea>.size, alignment: 64) else {
      return false
    }
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: MemoryLayout<CPUArea>.size)
    let area = memory.assumingMemoryBound(to: CPUArea.self)
    area.pointee.`self` = area
    let cpu = makeRecord(number: number, apicID: apicID, area: area)
    cpu.pointee.activeRoot = PageTable.kernel.root
    makeIdleThread(cpu)
    guard let idle = cpu.pointee.idle else { return false }
    area.pointee.kernelStackTop = idle.pointee.stackTop
    mailbox.pointee.apicID = apicID
    // Last, and visible after the rest.
    _ = exchangeWord64(&mailbox.pointee.area, UInt64(UInt(bitPattern: area)))

    let before = arrived.load()
    // INIT, 10 ms, then the start-up interrupt, twice if need be (Intel SDM volume 3, section 9.4.4).
    Platform.localAPIC.sendInitialize(to: apicID)
    IntervalTimer.wait(ticks: 11932)
    for _ in 0..<2 {
      Platform.localAPIC.sendStartup(page: UInt8(STARTUP_PAGE >> 12), to: apicID)
      if waitForArrival(after: before, milliseconds: 1000) { return true }
    }
    // Take the area back, unless the CPU has it by now: then it is only slow.
    if exchangeWord64(&mailbox.pointee.area, 0) != 0 { return false }
    return waitForArrival(after: before, milliseconds: 10_000)
  }

  private static func waitForArrival(after before: UInt32, milliseconds: UInt64) -> Bool {
    let deadline = readTimeStampCounter() &+ Time.ticks(nanoseconds: milliseconds * 1_000_000)
    while readTimeStampCounter() < deadline {
      if arrived.load() != before { return true }
      spinHint()
    }
    return false
  }

  /// The first Swift code of every CPU but the first, on its idle thread's stack. Interrupts are disabled.
  fileprivate static func enter() -> Never {
    let cpu = CPURecord.current
    loadDescriptors(cpu.pointee.area)
    adopt(cpu)
    protect()
    prepareSystemCalls()
    Platform.localAPIC.enable(spuriousVector: Vector.spurious, errorVector: Vector.apicError)
    KernelFPU.enableOnThisCPU()
    CPUs.add(cpu)
    arrived.add(1)
    Time.startTimerOnThisCPU()
    Idle.run()
  }

  private static func makeRecord(
    number: Int, apicID: UInt32, area: UnsafeMutablePointer<CPUArea>
  ) -> CPUPointer {
    guard
      let memory = KernelHeap.allocate(
        size: MemoryLayout<CPURecord>.size, alignment: max(16, MemoryLayout<CPURecord>.alignment))
    else { panic("not enough memory for CPU \(number)") }
    let cpu = memory.bindMemory(to: CPURecord.self, capacity: 1)
    cpu.initialize(
      to: CPURecord(number: number, apicID: apicID, area: area, sliceTicks: Time.sliceTicks))
    area.pointee.number = UInt32(number)
    area.pointee.apicID = apicID
    area.pointee.record = UnsafeMutableRawPointer(cpu)
    return cpu
  }

  private static func makeIdleThread(_ cpu: CPUPointer) {
    guard let idle = Threads.create(process: nil, nice: 19, identifier: 0) else {
      panic("not enough memory for the idle thread of CPU \(cpu.pointee.number)")
    }
    idle.pointee.isIdle = true
    idle.pointee.state = .runnable
    idle.pointee.cpu = Int32(cpu.pointee.number)
    idle.pointee.affinity = 1 << UInt64(cpu.pointee.number)
    cpu.pointee.idle = idle
    cpu.pointee.running = idle
    if cpu.pointee.number == 0 { adopt(cpu) }
  }

  /// The code that runs on this CPU becomes its idle thread.
  private static func adopt(_ cpu: CPUPointer) {
    let idle = cpu.pointee.idle.unsafelyUnwrapped
    cpuSetCurrentThread(idle)
    cpuSetKernelStackTop(idle.pointee.stackTop)
    cpu.pointee.area.pointee.taskState.privilegeStacks.0 = idle.pointee.stackTop
    cpu.pointee.lastTick = readTimeStampCounter()
  }

  private static func loadDescriptors(_ area: UnsafeMutablePointer<CPUArea>) {
    DescriptorTables.load(area: area) { _ in
      guard let top = KernelStacks.allocate() else { panic("not enough memory for interrupt stacks") }
      return top
    }
    // Loading segment registers may have cleared GS: it points to the area again.
    writeMSR(0xC000_0101, UInt64(UInt(bitPattern: area)))
    DescriptorTables.loadInterruptDescriptors()
  }

  /// Switches on what the CPU has against executing or touching user memory from the kernel by mistake.
  private static func protect() {
    let features = Platform.features
    var cr4 = readCR4()
    if features.smep { cr4 |= CR4.smep }
    if features.smap { cr4 |= CR4.smap }
    if features.umip { cr4 |= CR4.umip }
    if features.fsgsbase { cr4 |= CR4.segmentBases }
    writeCR4(cr4)
    if features.smap { setUserAccessGuarded() }
    Segments.hasBaseInstructions = features.fsgsbase
  }

  /// Sets up SYSCALL and SYSRET (Intel SDM volume 4; AMD APM volume 2, section 6.1).
  private static func prepareSystemCalls() {
    writeMSR(MSR.efer, readMSR(MSR.efer) | 1)
    writeMSR(MSR.star, UInt64(KERNEL_CODE_SELECTOR) << 32 | UInt64(USER_CODE32_SELECTOR) << 48)
    writeMSR(MSR.lstar, addressOfSystemCallEntry())
    writeMSR(MSR.cstar, addressOfSystemCallEntry32())
    // TF, IF, DF, IOPL, NT, AC: nothing of the program's flags steers the kernel.
    writeMSR(MSR.flagMask, 0x4_7700)
    writeMSR(MSR.kernelGSBase, 0)
    // What RDTSCP and RDPID give programs.
    if Platform.features.rdtscp { writeMSR(MSR.tscAuxiliary, UInt64(cpuNumber())) }
  }
}

/// Where the assembly enters Swift on every CPU but the first.
@c(applicationProcessorMain)
func applicationProcessorMain() {
  CPUStartup.enter()
}
