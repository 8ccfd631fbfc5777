import Core
import Machine

extension KernelFPU {
  /// Decides instruction, XCR0 and area together, once, on the first CPU.
  ///
  /// - Parameter forced: the boot line's choice.
  static func configure(forced: SaveInstruction?, strategy: FPUStrategy) {
    let maskField = readMXCSRMaskField()
    let ladder = findOut(forced: forced, maskField)
    let choice = ladder.choose(forced: forced, mxcsrMaskField: maskField)
    if let refusal = choice.refusal, let forced {
      log("fpu.save=\(forced.name) is not possible: \(refusal.message)")
    }
    self.ladder = ladder
    self.strategy = strategy
    areaSize = choice.configuration.areaSize
    for instruction in SaveInstruction.allCases where ladder.refusal(of: instruction) == nil {
      let other = ladder.choose(forced: instruction, mxcsrMaskField: maskField).configuration
      areaSize = max(areaSize, other.areaSize)
    }
    install(choice.configuration)
    scratchSize = max(choice.configuration.userSize, StateArea.legacySizeInBytes)
    storedScratchImage = KernelHeap.allocate(size: scratchSize, alignment: 64)
    if storedScratchImage == nil { panic("not enough memory for the FPU") }
    report(choice.configuration)
  }

  private static func report(_ configuration: FPUConfiguration) {
    let components = configuration.xcr0.rawValue
    log(
      """
      FPU: \(configuration.instruction.name), \(strategy.name) load, components \(hex: components), \
      area \(configuration.areaSize) bytes
      """)
    if strategy == .lazy, Platform.features.speculatesPastDeviceNotAvailable {
      log("warning: on this CPU the lazy strategy leaks registers by speculation (CVE-2018-3665)")
    }
    if strategy == .lazy, !trapsOnExtendedSave(configuration) {
      log(
        """
        warning: this emulator executes XSAVE and XRSTOR with CR0.TS set, where processors raise #NM: programs that \
        use them can lose registers under the lazy strategy; fpu.strategy=deferred is safe
        """)
    }
  }

  private static func readMXCSRMaskField() -> UInt32 {
    withScratch(size: StateArea.legacySizeInBytes) { FPUHardware.readMXCSRMaskField(scratch: $0) }
  }

  /// What this CPU can be asked for. Where an emulator gets the compacted format wrong, its instructions are
  /// left out; or AVX is, if the boot line insists on one of them.
  private static func findOut(forced: SaveInstruction?, _ maskField: UInt32) -> SaveInstructionLadder {
    var features = ExtendedStateFeatures(HardwareCPUID())
    var ladder = SaveInstructionLadder(processor: Platform.features, features: features)
    guard ladder.refusal(of: .xsavec) == nil else { return ladder }
    // AVX alone shows where extended components are put.
    let isLaidOutRightly = tryOut(ladder, maskField) { configuration, scratch in
      !configuration.mask.contains(.avx) || FPUHardware.writesCompactedFormatRightly(configuration, scratch: scratch)
    }
    if !isLaidOutRightly {
      log("this CPU writes the compacted format otherwise than CPUID says")
      guard let forced, forced.usesCompactedFormat, ladder.refusal(of: forced) == nil else {
        ladder.hasUsableCompactedFormat = false
        return ladder
      }
      log("without AVX, since \(forced.name) was asked for")
      features.xcr0Supported = .legacy
      ladder = SaveInstructionLadder(processor: Platform.features, features: features)
    }
    ladder.initializesMXCSR = tryOut(ladder, maskField, FPUHardware.initializesMXCSR)
    if !ladder.initializesMXCSR {
      log("this CPU leaves MXCSR alone where a compacted area has SSE initial: it is loaded before each restore")
    }
    return ladder
  }

  /// What the CPU does with XSAVEC, which it has.
  private static func tryOut(
    _ ladder: SaveInstructionLadder, _ maskField: UInt32,
    _ probe: (FPUConfiguration, UnsafeMutableRawPointer) -> Bool
  ) -> Bool {
    let configuration = ladder.choose(forced: .xsavec, mxcsrMaskField: maskField).configuration
    return withScratch(size: configuration.areaSize) { probe(configuration, $0) }
  }

  /// Tries out whether CR0.TS stops XSAVE.
  private static func trapsOnExtendedSave(_ configuration: FPUConfiguration) -> Bool {
    withScratch(size: configuration.areaSize) {
      FPUHardware.trapsOnExtendedSave(configuration, scratch: $0)
    }
  }

  /// Room for an area while nothing runs yet.
  private static func withScratch<Result>(size: Int, _ body: (UnsafeMutableRawPointer) -> Result) -> Result {
    guard let scratch = KernelHeap.allocate(size: size, alignment: 64) else {
      panic("not enough memory for the FPU")
    }
    defer { KernelHeap.deallocate(scratch) }
    return body(scratch)
  }
}
