import Core
import Machine

/// Files in /proc about the machine.
enum MachineFiles {
  static func add(to root: ProcRoot) {
    root.addFile("cpuinfo") { text throws(Errno) in writeProcessors(to: &text) }
    root.addFile("meminfo") { text throws(Errno) in memoryReport.write(to: &text) }
    root.addFile("vmstat") { text throws(Errno) in writeMemoryCounters(to: &text) }
    root.addFile("interrupts") { text throws(Errno) in writeInterrupts(to: &text) }
  }

  /// All CPUs are alike: the features are those of the one that runs this.
  private static func writeProcessors(to text: inout TextBuffer) {
    let report = ProcessorReport(HardwareCPUID())
    for number in 0..<CPUs.count where CPUs.onlineMask >> UInt64(number) & 1 != 0 {
      report.write(
        to: &text,
        .init(
          number: number, apicIdentifier: CPUs[number].pointee.apicID, cpuCount: CPUs.count,
          frequency: Time.frequency))
    }
  }

  private static var memoryReport: MemoryReport {
    var report = MemoryReport()
    report.total = UInt64(Frames.totalCount) << 2
    report.free = UInt64(Frames.freeCount) << 2
    report.available = UInt64(max(Frames.freeCount - Frames.reserve, 0)) << 2
    report.heap = UInt64(KernelHeap.bytesInUse) >> 10
    report.stacks = UInt64(Threads.count) * (KernelStacks.sizeInBytes >> 10)
    // Pages that programs share count for each of them: at most what is in use.
    var resident: UInt64 = 0
    var tables: UInt64 = 0
    Processes.forEach { process in
      let counts = process.memoryCounts
      resident += UInt64(counts.resident)
      tables += UInt64(counts.tables)
    }
    let used = report.total - min(report.free + report.heap + report.stacks, report.total)
    report.pageTables = tables << 2
    report.anonymous = min(resident << 2, used)
    report.mapped = report.anonymous
    report.committed = report.anonymous
    report.files = used - min(report.anonymous + report.pageTables, used)
    return report
  }

  /// /proc/vmstat: what there is of it.
  private static func writeMemoryCounters(to text: inout TextBuffer) {
    let report = memoryReport
    func put(_ label: StaticString, _ number: UInt64) {
      text.put(label)
      text.put(" ")
      text.put(number)
      text.put("\n")
    }
    put("nr_free_pages", report.free >> 2)
    put("nr_anon_pages", report.anonymous >> 2)
    put("nr_mapped", report.mapped >> 2)
    put("nr_file_pages", report.files >> 2)
    put("nr_page_table_pages", report.pageTables >> 2)
    put("nr_kernel_stack", report.stacks)
    put("pgpgin", 0)
    put("pgpgout", 0)
    put("pswpin", 0)
    put("pswpout", 0)
  }

  /// /proc/interrupts
  private static func writeInterrupts(to text: inout TextBuffer) {
    let table = CounterTable(cpuCount: CPUs.count)
    table.writeHeader(to: &text, labelWidth: 4)
    table.writeRow("4", labelWidth: 4, note: "IO-APIC   4-edge      ttyS0", to: &text) {
      CPUs[$0].pointee.serialInterrupts
    }
    table.writeRow("LOC", labelWidth: 4, note: "Local timer interrupts", to: &text) {
      CPUs[$0].pointee.timerInterrupts
    }
    table.writeRow("RES", labelWidth: 4, note: "Rescheduling interrupts", to: &text) {
      CPUs[$0].pointee.rescheduleRequests
    }
    table.writeRow("CAL", labelWidth: 4, note: "Function call interrupts", to: &text) {
      CPUs[$0].pointee.callRequests
    }
    table.writeRow("TLB", labelWidth: 4, note: "TLB shootdowns", to: &text) { CPUs[$0].pointee.flushRequests }
    text.put("ERR:          0\n")
  }
}
