import Core

/// The kinds of program that the tour runs.
enum TourProgram: Int, CaseIterable {
  case sse, integer, x87, avx, mixed, avx512, protectionKeys, forkexec, threads

  var path: StaticString {
    switch self {
    case .sse: "/bin/sse"
    case .integer: "/bin/integer"
    case .x87: "/bin/x87"
    case .avx: "/bin/avx"
    case .mixed: "/bin/mixed"
    case .avx512: "/bin/avx512"
    case .protectionKeys: "/bin/pkru"
    case .forkexec: "/bin/forkexec"
    case .threads: "/bin/threads"
    }
  }

  /// What it keeps its patterns in.
  var summary: StaticString {
    switch self {
    case .sse: "sse"
    case .integer: "integer"
    case .x87: "x87"
    case .avx: "avx"
    case .mixed: "mixed"
    case .avx512: "avx512"
    case .protectionKeys: "pkru"
    case .forkexec: "forkexec"
    case .threads: "threads"
    }
  }

  /// Rounds without end; between load and check each spins for a while, in which it may be preempted.
  var arguments: StaticString {
    switch self {
    case .threads: "--rounds 0 --quiet --threads 4"
    // Most of its time goes into fork and exec: the spin is short.
    case .forkexec: "--rounds 0 --quiet --spin 5000"
    default: "--rounds 0 --quiet"
    }
  }

  /// The threads that run at the same time in one process.
  var threadCount: Int {
    switch self {
    case .threads: 5
    default: 1
    }
  }

  /// Why this machine cannot run it; nil where it can.
  var missing: StaticString? {
    let configuration = KernelFPU.configuration
    switch self {
    case .avx: return configuration.mask.contains(.avx) ? nil : "no AVX state"
    case .avx512: return configuration.mask.isSuperset(of: .avx512) ? nil : "no AVX-512 state"
    case .protectionKeys: return configuration.pkruEnabled ? nil : "no protection keys"
    default: return nil
    }
  }

  /// Whether there may be many of it: one register set, one thread.
  var isPlain: Bool {
    switch self {
    case .forkexec, .threads, .protectionKeys: false
    default: true
    }
  }

  /// How many of each kind to run, by raw value: one of each that the machine can run, then the plain ones in
  /// turn until there are six threads for each CPU.
  static func counts(cpus: Int) -> InlineArray<9, Int> {
    var counts = InlineArray<9, Int>(repeating: 0)
    var threads = 0
    for program in allCases where program.missing == nil {
      counts[program.rawValue] = 1
      threads += program.threadCount
    }
    while true {
      for program in allCases where program.isPlain && program.missing == nil {
        if threads >= cpus * 6 { return counts }
        counts[program.rawValue] += 1
        threads += 1
      }
    }
  }
}
