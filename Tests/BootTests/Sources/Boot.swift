import Testing

/// One boot of the kernel in an emulator: what is emulated, and the words of the boot line.
struct Boot: Sendable, CustomTestStringConvertible {
  enum Emulator: Sendable {
    case qemu
    /// Slow, but it has XSAVEC, XSAVES, AVX-512 and PKU.
    /// Bochs 3, where Scripts/fetch-bochs could get it; else the installed one.
    case bochs
    /// The one that is installed: in Debian 12 Bochs 2.7, which gets the compacted format wrong.
    case installedBochs
  }

  var name: String
  var emulator: Emulator
  /// The emulator's name of a CPU model, with QEMU's feature switches.
  var cpuModel: String
  var cpus: Int
  var words: String
  var timeoutSeconds: Int
  /// The archive of programs, from the root of the tree.
  var archive = "build/initrd.cpio"
  /// Whether QEMU counts instructions as time, so that the host's load changes nothing.
  var countsInstructions = false

  var testDescription: String { name }
}

extension Boot {
  static let strategies = ["eager", "lazy", "deferred"]

  /// A rung of the ladder of save instructions, and a QEMU model that stands on it.
  static let models = [
    (name: "fxsave", cpu: "Opteron_G1"),
    // QEMU 7.2 executes a write of CR4.OSXSAVE for ever where CPUID leaf 0xD, subleaf 1, names no feature.
    (name: "xsave", cpu: "Nehalem,+xsave,+xgetbv1,level=0xd"),
    (name: "avx", cpu: "SandyBridge"),
    (name: "max", cpu: "max"),
  ]

  /// - Parameter save: the save instruction to force; nil for the best that the CPU has.
  static func selfTest(
    _ emulator: Emulator, model: String, cpu: String, cpus: Int, strategy: String, save: String? = nil,
    timeoutSeconds: Int
  ) -> Boot {
    Boot(
      name: "\(model)-\(cpus)cpu-\(strategy)" + (save.map { "-\($0)" } ?? ""), emulator: emulator,
      cpuModel: cpu, cpus: cpus,
      words: "run=selftest poweroff fpu.strategy=\(strategy)" + (save.map { " fpu.save=\($0)" } ?? ""),
      timeoutSeconds: timeoutSeconds)
  }

  /// Each instruction that is not the best of some model, forced. Bochs alone has XSAVEC and XSAVES.
  static let forcedInstructions: [Boot] =
    ["xsavec", "xsaveopt", "xsave", "fxsave"].map {
      selfTest(
        .bochs, model: "bochs-skylake_x", cpu: "corei7_skylake_x", cpus: 2, strategy: "deferred", save: $0,
        timeoutSeconds: 400)
    }
    // A compacted format that the kernel has to refuse; forced, it does without AVX.
    + [nil, "xsaves"].map {
      selfTest(
        .installedBochs, model: "bochs-installed", cpu: "corei7_skylake_x", cpus: 2, strategy: "deferred", save: $0,
        timeoutSeconds: 400)
    }
    + ["xsave", "fxsave"].map {
      selfTest(
        .qemu, model: "max", cpu: "max", cpus: 2, strategy: "lazy", save: $0, timeoutSeconds: 120)
    }

  /// Every boot, the longest first, so that none of them is left for the end alone.
  static let fullMatrix: [Boot] =
    strategies.map {
      selfTest(
        .bochs, model: "bochs-skylake_x", cpu: "corei7_skylake_x", cpus: 2, strategy: $0, timeoutSeconds: 400)
    }
    // This model of Bochs' has protection keys.
    + strategies.map {
      selfTest(.bochs, model: "bochs-tigerlake", cpu: "tigerlake", cpus: 2, strategy: $0, timeoutSeconds: 400)
    }
    + forcedInstructions
    + [
      Boot(
        name: "long-2cpu", emulator: .qemu, cpuModel: "max", cpus: 2,
        words: "selftest=threads.end selftest.long poweroff", timeoutSeconds: 240),
      selfTest(.qemu, model: "max", cpu: "max", cpus: 16, strategy: "deferred", timeoutSeconds: 240)
    ]
    + [4, 2, 1].flatMap { cpus in
      models.flatMap { model in
        strategies.map {
          selfTest(
            .qemu, model: model.name, cpu: model.cpu, cpus: cpus, strategy: $0, timeoutSeconds: 120)
        }
      }
    }

  /// A few boots that touch each model, each strategy and each number of CPUs.
  static let quickNames: Set = [
    "max-4cpu-deferred", "avx-2cpu-lazy", "xsave-1cpu-eager", "fxsave-2cpu-deferred", "tour-2cpu",
    "linux-max-4cpu-deferred", "linux-exit-status", "linux-shell",
  ]

  /// The tour, which tests itself under each strategy in one boot.
  static let tours = [4, 2, 1].map {
    Boot(
      name: "tour-\($0)cpu", emulator: .qemu, cpuModel: "max", cpus: $0, words: "run=tour poweroff",
      timeoutSeconds: 240)
  }

  /// Those of `boots` that are asked for.
  static func select(_ boots: [Boot], by words: String = BootSelection.words) -> [Boot] {
    BootSelection.select(boots, by: words) { $0.name }
  }
}
