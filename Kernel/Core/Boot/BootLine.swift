/// The boot line: `name=value` words for the kernel and, after a word `--`, arguments for init.
///
/// As on Linux (kernel-parameters, bootparam(7)), init also gets the words that the kernel does not know:
/// see `InitWords`. Where no init is to run, they are warned of instead.
extension BootOptions {
  /// Reads the boot line, calls `warn` for each word that is not as it should be, and goes on.
  ///
  /// The options refer to the bytes of `line`, which must stay where they are.
  public init(parsing line: ByteView, warn: (BootLineWarning) -> Void) {
    self.init()
    self.line = line
    readOptions(of: line, warn)
    if runsInit { return }
    var words = BootLineWords(line)
    while let word = words.next(), word.text != "--" {
      if word.isForInit {
        warn(BootLineWarning(kind: .unknownWord, word: word.text, allowed: BootOption.allNames))
      }
    }
  }

  private mutating func readOptions(of line: ByteView, _ warn: (BootLineWarning) -> Void) {
    var seen = SeenOptions()
    var words = BootLineWords(line)
    while let word = words.next() {
      if word.text == "--" {
        initArguments = words.remainder
        return
      }
      guard !word.isUnterminated else {
        warn(
          BootLineWarning(
            kind: .unterminatedQuote, word: word.text, allowed: "a closing double quote after the value"))
        continue
      }
      guard let option = BootOption(named: word.name) else {
        // With a dot in its name it is an option of some part of the kernel, and never init's.
        if !word.isForInit, !word.isOfLinux {
          warn(BootLineWarning(kind: .unknownWord, word: word.text, allowed: BootOption.allNames))
        }
        continue
      }
      guard !word.isMisquoted, set(option, to: word.value) else {
        warn(BootLineWarning(kind: .badValue, word: word.text, allowed: option.allowed))
        continue
      }
      if !seen.insert(option) {
        warn(BootLineWarning(kind: .duplicate, word: word.text, allowed: "one such word: the last counts"))
      }
    }
  }

  /// Sets one option; false where the option does not take the value, and then nothing is changed.
  private mutating func set(_ option: BootOption, to value: ByteView?) -> Bool {
    switch option {
    case .strategy: assign(FPUStrategy(named: value), to: &strategy)
    case .saveInstruction: assign(SaveInstruction(named: value), to: &saveInstruction)
    case .cpus: assign(numberOfCPUs(value), to: &maximumCPUs)
    case .initPath: assign(nonEmpty(value), to: &initPath)
    case .ramDiskInitPath: assign(nonEmpty(value), to: &ramDiskInitPath)
    case .run: assign(BootRun(named: value), to: &run)
    case .seed: assign(value?.unsignedInteger, to: &seed)
    case .tour: value == nil && assign(.tour, to: &run)
    case .bench: value == nil && assign(.bench, to: &run)
    case .selftest: setSelfTest(filter: value)
    case .selftestLong: value == nil && assign(true, to: &runsLongSelfTests)
    case .poweroff: value == nil && assign(true, to: &powersOffAfterRun)
    case .monitor: value == nil && assign(true, to: &showsMonitorAfterRun)
    }
  }

  private mutating func setSelfTest(filter: ByteView?) -> Bool {
    if let filter {
      guard !filter.isEmpty else { return false }
      selfTestFilter = filter
    }
    run = .selftest
    return true
  }
}

/// Stores what a value was read as; false, and nothing stored, where it could not be read.
private func assign<T>(_ value: T?, to option: inout T?) -> Bool {
  guard let value else { return false }
  option = value
  return true
}

private func assign(_ value: Bool, to option: inout Bool) -> Bool {
  option = value
  return true
}

private func numberOfCPUs(_ value: ByteView?) -> Int? {
  guard let number = value?.unsignedInteger, number >= 1 else { return nil }
  return number <= UInt64(BootOptions.largestMaximumCPUs) ? Int(number) : nil
}

private func nonEmpty(_ value: ByteView?) -> ByteView? {
  guard let value, !value.isEmpty else { return nil }
  return value
}

/// The options that were given already, a bit for each.
private struct SeenOptions {
  private var bits: UInt32 = 0

  /// Notes an option; false where it was noted before. Every word that chooses the run counts as one.
  mutating func insert(_ option: BootOption) -> Bool {
    let bit: UInt32 = 1 << UInt32(option.setsRun ? BootOption.run.rawValue : option.rawValue)
    defer { bits |= bit }
    return bits & bit == 0
  }
}
