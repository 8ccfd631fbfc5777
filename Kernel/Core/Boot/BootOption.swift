/// An enumeration whose cases the boot line calls by name. The raw values run from 0 without a gap.
protocol NamedOnBootLine: RawRepresentable where RawValue == UInt8 {
  var name: StaticString { get }
}

extension NamedOnBootLine {
  /// The case of that name, if any. Walks the raw values, since `allCases` would allocate an array and the
  /// boot line is read before there is a heap.
  init?(named name: ByteView?) {
    guard let name else { return nil }
    var rawValue: UInt8 = 0
    while let candidate = Self(rawValue: rawValue) {
      if name == candidate.name {
        self = candidate
        return
      }
      rawValue += 1
    }
    return nil
  }
}

extension FPUStrategy: NamedOnBootLine {}
extension SaveInstruction: NamedOnBootLine {}
extension BootRun: NamedOnBootLine {}

/// The options that the boot line knows, by the name that stands before the `=`.
enum BootOption: UInt8, NamedOnBootLine {
  case strategy, saveInstruction, cpus, initPath, ramDiskInitPath, run, tour, selftest, bench, selftestLong, poweroff, monitor, seed

  var name: StaticString {
    switch self {
    case .strategy: "fpu.strategy"
    case .saveInstruction: "fpu.save"
    case .cpus: "cpus"
    case .initPath: "init"
    case .ramDiskInitPath: "rdinit"
    case .run: "run"
    case .tour: "tour"
    case .selftest: "selftest"
    case .bench: "bench"
    case .selftestLong: "selftest.long"
    case .poweroff: "poweroff"
    case .monitor: "monitor"
    case .seed: "seed"
    }
  }

  /// The values that the option takes, for a warning.
  var allowed: StaticString {
    switch self {
    case .strategy: "eager, lazy or deferred"
    case .saveInstruction: "fxsave, xsave, xsaveopt, xsavec or xsaves"
    case .cpus: "a number from 1 to 64"
    case .initPath, .ramDiskInitPath: "the path of a program"
    case .run: "monitor, tour, selftest, bench or init"
    case .selftest: "nothing, or a part of a test's name"
    case .tour, .bench, .selftestLong, .poweroff, .monitor: "the word alone, without a value"
    case .seed: "a number of 64 bits, decimal or hexadecimal after 0x"
    }
  }

  /// Whether the word chooses what runs.
  var setsRun: Bool {
    switch self {
    case .run, .tour, .selftest, .bench: true
    default: false
    }
  }

  /// Every name, for a warning about one that is not among them.
  static var allNames: StaticString {
    """
    fpu.strategy=, fpu.save=, cpus=, init=, rdinit=, run=, tour, selftest, selftest=, bench, \
    selftest.long, poweroff, monitor, seed=
    """
  }
}
