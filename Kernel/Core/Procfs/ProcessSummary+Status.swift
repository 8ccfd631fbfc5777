extension ProcessSummary {
  /// Writes /proc/PID/status (proc_pid_status(5)).
  ///
  /// - Parameter groups: the supplementary groups.
  public func writeStatus(to text: inout TextBuffer, groups: UnsafeBufferPointer<UInt32>) {
    text.put("Name:\t")
    writeName(to: &text)
    text.put("\nUmask:\t")
    text.put(octal: UInt64(umask), digits: 4)
    text.put("\nState:\t")
    text.put(state.name)
    Self.put("\nTgid:\t", processIdentifier, &text)
    Self.put("\nNgid:\t", 0, &text)
    Self.put("\nPid:\t", identifier, &text)
    Self.put("\nPPid:\t", parent, &text)
    Self.put("\nTracerPid:\t", tracer, &text)
    Self.put("\nUid:", credentials.user, &text)
    Self.put("\nGid:", credentials.group, &text)
    Self.put("\nFDSize:\t", descriptorTableSize, &text)
    text.put("\nGroups:\t")
    for group in groups {
      text.put(group)
      text.put(" ")
    }
    Self.put("\nNStgid:\t", processIdentifier, &text)
    Self.put("\nNSpid:\t", identifier, &text)
    Self.put("\nNSpgid:\t", group, &text)
    Self.put("\nNSsid:\t", session, &text)
    Self.put("\nKthread:\t", 0, &text)
    text.put("\n")
    if memory.isPresent { writeMemoryStatus(to: &text) }
    writeSignalStatus(to: &text)
    writeCapabilities(to: &text)
    writeSchedulingStatus(to: &text)
  }

  /// A name with a newline or a backslash in it stays one word on one line.
  private func writeName(to text: inout TextBuffer) {
    for index in 0..<16 {
      let byte = name[index]
      if byte == 0 { return }
      switch byte {
      case 10: text.put("\\n")
      case 92: text.put("\\\\")
      default: text.put(byte: byte)
      }
    }
  }

  private func writeMemoryStatus(to text: inout TextBuffer) {
    // The peaks are not kept: what is now is the least that they can be.
    Self.put("VmPeak:", kibibytes: memory.mapped, &text)
    Self.put("VmSize:", kibibytes: memory.mapped, &text)
    Self.put("VmLck:", kibibytes: memory.locked, &text)
    Self.put("VmPin:", kibibytes: 0, &text)
    Self.put("VmHWM:", kibibytes: memory.resident, &text)
    Self.put("VmRSS:", kibibytes: memory.resident, &text)
    let others = memory.residentFiles + memory.residentShared
    Self.put("RssAnon:", kibibytes: memory.resident > others ? memory.resident - others : 0, &text)
    Self.put("RssFile:", kibibytes: memory.residentFiles, &text)
    Self.put("RssShmem:", kibibytes: memory.residentShared, &text)
    Self.put("VmData:", kibibytes: memory.data, &text)
    Self.put("VmStk:", kibibytes: memory.stack, &text)
    Self.put("VmExe:", kibibytes: memory.executable, &text)
    Self.put("VmLib:", kibibytes: memory.libraries, &text)
    Self.put("VmPTE:", kibibytes: memory.pageTables, &text)
    Self.put("VmSwap:", kibibytes: 0, &text)
    text.put("CoreDumping:\t0\nTHP_enabled:\t0\n")
  }

  private func writeSignalStatus(to text: inout TextBuffer) {
    Self.put("Threads:\t", threadCount, &text)
    Self.put("\nSigQ:\t", queuedSignals, &text)
    Self.put("/", queuedSignalLimit, &text)
    Self.put("\nSigPnd:\t", bits: pending, &text)
    Self.put("\nShdPnd:\t", bits: sharedPending, &text)
    Self.put("\nSigBlk:\t", bits: blocked, &text)
    Self.put("\nSigIgn:\t", bits: ignored, &text)
    Self.put("\nSigCgt:\t", bits: caught, &text)
    text.put("\n")
  }

  private func writeCapabilities(to text: inout TextBuffer) {
    Self.put("CapInh:\t", bits: credentials.inheritable.rawValue, &text)
    Self.put("\nCapPrm:\t", bits: credentials.permitted.rawValue, &text)
    Self.put("\nCapEff:\t", bits: credentials.effective.rawValue, &text)
    Self.put("\nCapBnd:\t", bits: credentials.bounding.rawValue, &text)
    Self.put("\nCapAmb:\t", bits: credentials.ambient.rawValue, &text)
    Self.put("\nNoNewPrivs:\t", credentials.hasNoNewPrivileges ? 1 : 0, &text)
    text.put("\nSeccomp:\t0\nSeccomp_filters:\t0\n")
  }

  private func writeSchedulingStatus(to text: inout TextBuffer) {
    let mask = affinity & (cpuCount >= 64 ? .max : 1 << UInt64(cpuCount) - 1)
    text.put("Cpus_allowed:\t")
    CPUList(mask).writeMask(to: &text, cpuCount: cpuCount)
    text.put("\nCpus_allowed_list:\t")
    CPUList(mask).write(to: &text)
    text.put("\nMems_allowed:\t1\nMems_allowed_list:\t0")
    Self.put("\nvoluntary_ctxt_switches:\t", voluntarySwitches, &text)
    Self.put("\nnonvoluntary_ctxt_switches:\t", involuntarySwitches, &text)
    text.put("\n")
  }

  private static func put<Number: FixedWidthInteger>(
    _ label: StaticString, _ number: Number, _ text: inout TextBuffer
  ) {
    text.put(label)
    text.put(number)
  }

  private static func put(_ label: StaticString, _ identifiers: Credentials.Identifiers, _ text: inout TextBuffer) {
    text.put(label)
    put("\t", identifiers.real, &text)
    put("\t", identifiers.effective, &text)
    put("\t", identifiers.saved, &text)
    put("\t", identifiers.fileSystem, &text)
  }

  private static func put(_ label: StaticString, bits: UInt64, _ text: inout TextBuffer) {
    text.put(label)
    text.put(hexadecimal: bits, digits: 16)
  }

  private static func put(_ label: StaticString, kibibytes bytes: UInt64, _ text: inout TextBuffer) {
    text.put(label)
    text.put("\t")
    text.put(bytes >> 10, width: 8)
    text.put(" kB\n")
  }
}
