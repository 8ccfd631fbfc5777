import Testing

@testable import Core

/// Lines as Linux prints them.
@Suite struct ProcfsTextTests {
  @Test func listsOfCPUsAreRanges() {
    #expect(generated { CPUList(0b1).write(to: &$0) } == "0")
    #expect(generated { CPUList(0b1011_1101).write(to: &$0) } == "0,2-5,7")
    #expect(generated { CPUList(.max).write(to: &$0) } == "0-63")
    #expect(generated { CPUList(0).write(to: &$0) } == "")
    #expect(generated { CPUList(0xF).writeMask(to: &$0, cpuCount: 4) } == "f")
    #expect(generated { CPUList(0x3_0000_0001).writeMask(to: &$0, cpuCount: 40) } == "03,00000001")
  }

  @Test func aRegionOfAFile() {
    var line = MemoryMapLine(
      MemoryRegion(
        start: 0x5602_038a_0000, end: 0x5602_038a_6000, protection: [.read, .execute], kind: .sourcePrivate,
        sourceID: 1, sourceOffset: 0x2000))
    line.deviceMajor = 0xFE
    line.inode = 254163
    let text = generated { text in
      line.write(to: &text)
      text.pad(from: 0, to: MemoryMapLine.nameColumn)
      text.put("/usr/bin/head")
    }
    #expect(text == "5602038a0000-5602038a6000 r-xp 00002000 fe:00 254163                     /usr/bin/head")
  }

  @Test func aRegionWithoutAName() {
    let line = MemoryMapLine(
      MemoryRegion(start: 0x40_0000, end: 0x40_1000, protection: [], kind: .anonymousShared, sourceID: 9))
    #expect(generated { line.write(to: &$0) } == "00400000-00401000 ---s 00000000 00:00 0 ")
  }

  @Test func locksOfEachFamily() {
    func line(_ number: Int, _ family: RecordLocks.Family, _ record: RecordLocks.Record) -> String {
      let line = FileLockLine(
        number: number, family: family, record: record, deviceMajor: 0xFE, deviceMinor: 0, inode: 16_221_310)
      return generated { line.write(to: &$0) }
    }
    #expect(
      line(6, .process, .init(owner: 1, process: 4738, kind: .exclusive, start: 5, last: 14))
        == "6: POSIX  ADVISORY  WRITE 4738 fe:00:16221310 5 14\n")
    #expect(
      line(7, .whole, .init(owner: 1, process: 4738, kind: .shared, start: 0, last: .max))
        == "7: FLOCK  ADVISORY  READ 4738 fe:00:16221310 0 EOF\n")
    #expect(
      line(10, .openFile, .init(owner: 1, process: -1, kind: .shared, start: 203, last: 203))
        == "10: OFDLCK ADVISORY  READ -1 fe:00:16221310 203 203\n")
  }

  @Test func limits() {
    var limits = ResourceLimits()
    limits[.openFiles] = ResourceLimit(soft: 20000, hard: 20000)
    let lines = generated { limits.write(to: &$0) }.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count == 18)
    #expect(lines[0] == "Limit                     Soft Limit           Hard Limit           Units     ")
    #expect(lines[4] == "Max stack size            8388608              unlimited            bytes     ")
    #expect(lines[8] == "Max open files            20000                20000                files     ")
    #expect(lines[14] == "Max nice priority         0                    0                              ")
  }

  @Test func memory() {
    var report = MemoryReport()
    report.total = 24_684_092
    report.free = 3
    let lines = generated { report.write(to: &$0) }.split(separator: "\n")
    #expect(lines[0] == "MemTotal:       24684092 kB")
    #expect(lines[1] == "MemFree:               3 kB")
    #expect(lines[9] == "Inactive(anon):        0 kB")
  }

  @Test func timesOfCPUs() {
    var times = CPUTimes()
    times.user = 1
    times.idle = 290_304
    #expect(generated { times.write(to: &$0, cpu: 3) } == "cpu3 1 0 0 290304 0 0 0 0 0 0\n")
    #expect(generated { (times + times).write(to: &$0, cpu: nil) } == "cpu  2 0 0 580608 0 0 0 0 0 0\n")
  }

  @Test func loadIsRoundedToHundredths() {
    var load = LoadAverage()
    for _ in 0..<2000 { load.add(active: 2) }
    #expect(
      generated { load.write(to: &$0, runnable: 3, threads: 204, lastIdentifier: 32532) }
        == "2.00 2.00 2.00 3/204 32532\n")
  }

  @Test func countersHaveAColumnForEachCPU() {
    let table = CounterTable(cpuCount: 2)
    let text = generated { text in
      table.writeHeader(to: &text, labelWidth: 4)
      table.writeRow("LOC", labelWidth: 4, note: "Local timer interrupts", to: &text) { $0 == 0 ? 12 : 3456 }
    }
    #expect(text == "           CPU0       CPU1\nLOC:         12       3456  Local timer interrupts\n")
  }

  // MARK: Processes

  private func makeSummary() -> ProcessSummary {
    var summary = ProcessSummary()
    summary.identifier = 12
    summary.processIdentifier = 12
    for (index, byte) in Array("a (b) c".utf8).enumerated() { summary.name[index] = byte }
    summary.state = .sleeping
    summary.parent = 1
    summary.group = 12
    summary.session = 12
    summary.threadCount = 1
    summary.cpuCount = 4
    summary.affinity = .max
    summary.memory.isPresent = true
    summary.memory.mapped = 3_133_440
    summary.memory.resident = 413 << 12
    summary.memory.code = 0x1000..<0x2000
    summary.ignored = 4
    summary.exitStatus = 256
    return summary
  }

  @Test func theLineOfAProcessHas52Fields() {
    let line = generated { makeSummary().writeStat(to: &$0, showsAddresses: true) }
    #expect(line.hasPrefix("12 (a (b) c) S 1 12 12 0 -1 "))
    #expect(line.hasSuffix(" 256\n"))
    let fields = line.dropFirst("12 (a (b) c) ".count).dropLast().split(separator: " ")
    #expect(fields.count == 50)
    #expect(fields[22 - 3 + 1] == "3133440" && fields[23 - 3 + 1] == "413")
    #expect(fields[26 - 3] == "4096" && fields[27 - 3] == "8192")
    #expect(fields[33 - 3] == "4" && fields[38 - 3] == "17")
  }

  @Test func addressesAreHiddenFromStrangers() {
    let line = generated { makeSummary().writeStat(to: &$0, showsAddresses: false) }
    let fields = line.dropFirst("12 (a (b) c) ".count).dropLast().split(separator: " ")
    #expect(fields[26 - 3] == "1" && fields[27 - 3] == "1" && fields[52 - 3] == "0")
  }

  @Test func aZombieHasNoMemory() {
    var summary = makeSummary()
    summary.memory = MemorySummary()
    summary.state = .zombie
    let none = UnsafeBufferPointer<UInt32>(start: nil, count: 0)
    let status = generated { summary.writeStatus(to: &$0, groups: none) }
    #expect(status.contains("State:\tZ (zombie)\n") && !status.contains("VmSize"))
  }

  @Test func statusIsLabelled() {
    let groups: [UInt32] = [4, 24]
    let status = groups.withUnsafeBufferPointer { groups in
      generated { makeSummary().writeStatus(to: &$0, groups: groups) }
    }
    let lines = status.split(separator: "\n")
    for line in [
      "Name:\ta (b) c", "Umask:\t0000", "State:\tS (sleeping)", "Tgid:\t12", "PPid:\t1", "Uid:\t0\t0\t0\t0",
      "Groups:\t4 24 ", "VmSize:\t    3060 kB", "VmRSS:\t    1652 kB", "Threads:\t1",
      "SigIgn:\t0000000000000004", "CapEff:\t000001ffffffffff", "Cpus_allowed:\tf", "Cpus_allowed_list:\t0-3",
    ] {
      #expect(lines.contains { $0 == line }, "\(line)")
    }
  }

  // MARK: CPUID

  private struct Source: CPUIDSource {
    func cpuid(leaf: UInt32, subleaf: UInt32) -> CPUIDRegisters {
      switch leaf {
      case 0: CPUIDRegisters(eax: 7, ebx: 0x756e_6547, ecx: 0x6c65_746e, edx: 0x4965_6e69)
      case 1: CPUIDRegisters(eax: 0x0006_0fb1, ebx: 8 << 8, ecx: 1 << 27 | 1 << 28, edx: 1 << 0 | 1 << 26)
      case 7: CPUIDRegisters(eax: 0, ebx: 1 << 16, ecx: 1 << 3, edx: 0)
      case 0x8000_0000: CPUIDRegisters(eax: 0x8000_0008, ebx: 0, ecx: 0, edx: 0)
      case 0x8000_0001: CPUIDRegisters(eax: 0, ebx: 0, ecx: 1, edx: 1 << 29)
      case 0x8000_0008: CPUIDRegisters(eax: 0x3028, ebx: 0, ecx: 0, edx: 0)
      default: .zero
      }
    }
  }

  @Test func aProcessorByItsCPUID() {
    let text = generated { text in
      ProcessorReport(Source()).write(
        to: &text, .init(number: 1, apicIdentifier: 3, cpuCount: 2, frequency: 2_596_098_000))
    }
    let lines = text.split(separator: "\n")
    for line in [
      "processor\t: 1", "vendor_id\t: GenuineIntel", "cpu MHz\t\t: 2596.098", "apicid\t\t: 3",
      "flags\t\t: fpu sse2 lm rep_good nopl cpuid avx lahf_lm avx512f pku ospke", "bogomips\t: 5192.19",
      "clflush size\t: 64", "address sizes\t: 40 bits physical, 48 bits virtual",
    ] {
      #expect(lines.contains { $0 == line }, "\(line)")
    }
    #expect(text.hasSuffix("power management:\n\n"))
  }

  @Test func theTimeStampOfAVX512() {
    #expect(
      generated { FPUThreadState.writeArchitectureStatus(millisecondsSinceAVX512: nil, to: &$0) }
        == "AVX512_elapsed_ms:\t-1\n")
    #expect(
      generated { FPUThreadState.writeArchitectureStatus(millisecondsSinceAVX512: 40, to: &$0) }
        == "AVX512_elapsed_ms:\t40\n")
  }
}
