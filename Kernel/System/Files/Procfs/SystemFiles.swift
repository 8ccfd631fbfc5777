import Core
import Machine

/// Files in /proc about the kernel and what runs on it.
enum SystemFiles {
  static func add(to root: ProcRoot, _ commandLine: ByteView) {
    root.addFile("version") { text throws(Errno) in
      text.put("Linux version ")
      text.put(SystemIdentity.release)
      text.put(" (needletail) (swiftc) ")
      text.put(SystemIdentity.version)
      text.put("\n")
    }
    root.addFile("cmdline") { text throws(Errno) in
      text.put(commandLine)
      text.put("\n")
    }
    root.addFile("uptime") { text throws(Errno) in writeUptime(to: &text) }
    root.addFile("loadavg") { text throws(Errno) in
      SystemLoad.current.write(
        to: &text, runnable: SystemLoad.activeThreads, threads: Threads.count, lastIdentifier: Threads.lastIdentifier)
    }
    root.addFile("stat") { text throws(Errno) in writeStat(to: &text) }
    root.addFile("filesystems") { text throws(Errno) in FileSystemTypes.writeNames(to: &text) }
    root.addFile("swaps") { text throws(Errno) in
      text.put("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n")
    }
    root.addFile("partitions") { text throws(Errno) in text.put("major minor  #blocks  name\n\n") }
    root.addFile("diskstats") { text throws(Errno) in }
    root.addFile("locks") { text throws(Errno) in writeLocks(to: &text) }
    root.addFile("devices") { text throws(Errno) in
      text.put("Character devices:\n")
      CharacterDevices.writeNames(to: &text)
      text.put("\nBlock devices:\n")
    }
    root.addFile(
      "sysrq-trigger", permissions: 0o200, { text throws(Errno) in throw .inputOutput },
      receiver: { value throws(Errno) in if value.count > 0 { SystemRequest.perform(value[0]) } })
    root.addFile("modules") { text throws(Errno) in }
    root.addFile("needletail") { text throws(Errno) in writeFPU(to: &text) }
  }

  private static func writeUptime(to text: inout TextBuffer) {
    var idle: UInt64 = 0
    for number in 0..<CPUs.count { idle += CPUTimes(number).idle }
    text.put(hundredths: Time.nanosecondsSinceBoot / 10_000_000)
    text.put(" ")
    text.put(hundredths: idle)
    text.put("\n")
  }

  /// /proc/stat (proc_stat(5))
  private static func writeStat(to text: inout TextBuffer) {
    var all = CPUTimes()
    var interrupts: UInt64 = 0
    var switches: UInt64 = 0
    for number in 0..<CPUs.count {
      let cpu = CPUs[number]
      all = all + CPUTimes(number)
      interrupts += cpu.pointee.timerInterrupts + cpu.pointee.interprocessorInterrupts + cpu.pointee.serialInterrupts
      switches += cpu.pointee.switches
    }
    all.write(to: &text, cpu: nil)
    for number in 0..<CPUs.count where CPUs.onlineMask >> UInt64(number) & 1 != 0 {
      CPUTimes(number).write(to: &text, cpu: number)
    }
    text.put("intr ")
    text.put(interrupts)
    text.put("\nctxt ")
    text.put(switches)
    text.put("\nbtime ")
    text.put(WallClock.offset / 1_000_000_000)
    text.put("\nprocesses ")
    text.put(Threads.lastIdentifier)
    text.put("\nprocs_running ")
    text.put(SystemLoad.activeThreads)
    text.put("\nprocs_blocked 0\n")
  }

  /// /proc/locks
  private static func writeLocks(to text: inout TextBuffer) {
    var number = 0
    FileLocks.forEach { entry in
      number += 1
      let device = DeviceNumber(rawValue: entry.node.fileSystem.device)
      FileLockLine(
        number: number, family: entry.family, record: entry.record, deviceMajor: device.major,
        deviceMinor: device.minor, inode: entry.node.number
      ).write(to: &text)
    }
  }

  /// /proc/needletail: how FPU state is switched, and what each CPU has counted.
  private static func writeFPU(to text: inout TextBuffer) {
    text.put("strategy:         ")
    text.put(KernelFPU.strategy.name)
    text.put("\nsave instruction: ")
    text.put(KernelFPU.configuration.instruction.name)
    text.put("\nstate area:       ")
    text.put(KernelFPU.areaSize)
    text.put(" bytes\n\n")
    let table = CounterTable(cpuCount: CPUs.count)
    table.writeHeader(to: &text, labelWidth: 22)
    for event in FPUEvent.allCases {
      table.writeRow(event.name, labelWidth: 22, note: "", to: &text) { CPUs[$0].pointee.fpuCounters[event] }
    }
  }
}

extension CPUTimes {
  /// What a CPU has spent its time on so far: exact where it was idle, else as its timer interrupts have found it.
  init(_ number: Int) {
    self.init()
    let cpu = CPUs[number]
    let perTick = Time.interruptsPerSecond / 100
    user = cpu.pointee.userSamples / perTick
    nice = cpu.pointee.niceSamples / perTick
    system = cpu.pointee.systemSamples / perTick
    if let thread = cpu.pointee.idle { idle = Time.nanoseconds(ticks: thread.presentRunTicks) / 10_000_000 }
  }
}
