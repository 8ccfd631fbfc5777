import HardwareXSAVE
import Testing

@testable import Core

/// The processor that the tests run on.
private struct HostCPUID: CPUIDSource {
  func cpuid(leaf: UInt32, subleaf: UInt32) -> CPUIDRegisters {
    var out: [UInt32] = [0, 0, 0, 0]
    hostCPUID(leaf, subleaf, &out)
    return CPUIDRegisters(eax: out[0], ebx: out[1], ecx: out[2], edx: out[3])
  }
}

/// An area of memory as XSAVE wants it.
private final class Area {
  let bytes: UnsafeMutableRawBufferPointer

  init(count: Int) {
    bytes = .allocate(byteCount: count, alignment: 64)
    _ = bytes.initializeMemory(as: UInt8.self, repeating: 0)
  }

  deinit { bytes.deallocate() }

  var readable: UnsafeRawBufferPointer { UnsafeRawBufferPointer(bytes) }
  func array(_ range: Range<Int>) -> [UInt8] { Array(bytes[range]) }
  func load<T: BitwiseCopyable>(_ offset: Int, as type: T.Type) -> T {
    bytes.load(fromByteOffset: offset, as: type)
  }
}

/// Core's layouts and conversions against a real processor's XSAVE, XSAVEC and XRSTOR. No emulator at hand
/// writes the compacted format of AVX rightly.
@Suite(.enabled(if: hostHasXSAVEC() != 0, "the host's processor has no XSAVEC"))
struct HardwareLayoutTests {
  /// x87, SSE and AVX, which every processor with XSAVEC has.
  private let mask: StateComponentMask = [.x87, .sse, .avx]

  private func configuration(_ instruction: SaveInstruction) -> FPUConfiguration {
    var features = ExtendedStateFeatures(HostCPUID())
    features.xcr0Supported = mask
    return SaveInstructionLadder(processor: ProcessorFeatures(HostCPUID()), features: features)
      .choose(forced: instruction, mxcsrMaskField: mxcsrMaskField).configuration
  }

  /// MXCSR_MASK differs between makers: AMD's has bit 17.
  private var mxcsrMaskField: UInt32 {
    capture(seed: 0).standard.load(StateArea.mxcsrMaskOffset, as: UInt32.self)
  }

  private func capture(seed: UInt64) -> (pattern: [UInt8], standard: Area, compacted: Area) {
    var generator = SeededGenerator(seed: seed)
    let pattern = generator.bytes(512)
    let standard = Area(count: 4096)
    let compacted = Area(count: 4096)
    hostCapture(pattern, standard.bytes.baseAddress, compacted.bytes.baseAddress, mask.rawValue)
    return (pattern, standard, compacted)
  }

  @Test func compactedComponentsLieWhereCoreComputesThem() throws {
    let state = capture(seed: 1)
    defer { withExtendedLifetime(state) {} }
    let configuration = configuration(.xsavec)
    let offset = try #require(configuration.layout.offset(of: .avx))
    for register in 0..<16 {
      let upper = Array(state.pattern[register * 32 + 16..<register * 32 + 32])
      #expect(state.compacted.array(offset + register * 16..<offset + register * 16 + 16) == upper)
    }
    #expect(state.compacted.load(520, as: UInt64.self) == configuration.xcompBV)
  }

  @Test func compactedToStandardIsWhatXSAVEWrites() {
    let state = capture(seed: 2)
    defer { withExtendedLifetime(state) {} }
    let configuration = configuration(.xsavec)
    let image = Area(count: configuration.userSize)
    defer { withExtendedLifetime(image) {} }
    configuration.toStandardFormat(source: state.compacted.readable, into: image.bytes, includePKRU: nil)
    // Without the legacy region's bytes for software, and FIP and FDP, which depend on the processor.
    for range in [0..<8, 24..<416, 512..<520, 576..<832] {
      #expect(image.array(range) == state.standard.array(range), "bytes \(range)")
    }
  }

  @Test(arguments: [SaveInstruction.xsave, .xsavec])
  func anAreaFromAUserImageRestoresToTheSameRegisters(instruction: SaveInstruction) throws {
    let state = capture(seed: 3)
    defer { withExtendedLifetime(state) {} }
    let configuration = configuration(instruction)
    let area = Area(count: configuration.areaSize)
    defer { withExtendedLifetime(area) {} }
    let image = UnsafeRawBufferPointer(rebasing: state.standard.readable[0..<configuration.userSize])
    try configuration.fromStandardFormat(image, kind: .standard(mask), into: area.bytes)
    let after = Area(count: 4096)
    hostRestoreAndCapture(area.bytes.baseAddress, after.bytes.baseAddress, mask.rawValue)
    for range in [0..<6, 24..<28, 32..<416, 576..<832] {
      #expect(after.array(range) == state.standard.array(range), "bytes \(range)")
    }
  }

  @Test(arguments: [SaveInstruction.xsave, .xsavec])
  func theInitialImageRestoresToTheInitialState(instruction: SaveInstruction) {
    let configuration = configuration(instruction)
    let area = Area(count: configuration.areaSize)
    defer { withExtendedLifetime(area) {} }
    InitialState.write(into: area.bytes, configuration: configuration)
    _ = capture(seed: 4)
    let after = Area(count: 4096)
    hostRestoreAndCapture(area.bytes.baseAddress, after.bytes.baseAddress, mask.rawValue)
    #expect(after.load(0, as: UInt16.self) == 0x037F)
    #expect(after.load(24, as: UInt32.self) == 0x1F80)
    #expect(after.array(160..<416).allSatisfy { $0 == 0 })
    #expect(after.array(576..<832).allSatisfy { $0 == 0 })
  }
}
