import Core
import Testing

@Suite struct ProcessorFeaturesTests {
  struct Expected: Sendable, CustomTestStringConvertible {
    let record: CPUIDRecord
    let vendor: ProcessorVendor
    let family, model, stepping: UInt32
    /// The names of the features that the processor has, among those in `names`.
    let features: Set<String>
    var testDescription: String { record.name }
  }

  static let common: Set<String> = ["fxsr", "sse2", "syscall", "nx", "pge"]
  static let nehalem: Set<String> = common.union(["sse42", "rdtscp", "invariantTSC"])

  static let expected: [Expected] = [
    Expected(record: .k8, vendor: .amd, family: 15, model: 5, stepping: 10, features: common),
    Expected(
      record: .k10, vendor: .amd, family: 0x10, model: 2, stepping: 3,
      features: common.union(["page1GB", "rdtscp", "invariantTSC"])),
    Expected(record: .core2, vendor: .intel, family: 6, model: 15, stepping: 6, features: common),
    Expected(record: .nehalem, vendor: .intel, family: 6, model: 0x1A, stepping: 5, features: nehalem),
    Expected(
      record: .sandyBridge, vendor: .intel, family: 6, model: 0x2A, stepping: 7,
      features: nehalem.union(["xsave", "avx", "pcid", "x2apic", "tscDeadline"])),
    Expected(
      record: .piledriver, vendor: .amd, family: 0x15, model: 0x10, stepping: 1,
      features: nehalem.union(["xsave", "avx", "page1GB"])),
    Expected(
      record: .haswell, vendor: .intel, family: 6, model: 0x45, stepping: 1,
      features: nehalem.union([
        "xsave", "avx", "avx2", "pcid", "x2apic", "tscDeadline", "fsgsbase", "smep", "erms", "rdrand",
        "page1GB",
      ])),
    Expected(
      record: .skylake, vendor: .intel, family: 6, model: 0x5E, stepping: 3,
      features: nehalem.union([
        "xsave", "avx", "avx2", "pcid", "x2apic", "tscDeadline", "fsgsbase", "smep", "smap", "erms",
        "rdrand", "rdseed", "page1GB",
      ])),
    Expected(
      record: .cascadeLake, vendor: .intel, family: 6, model: 0x55, stepping: 6,
      features: nehalem.union([
        "xsave", "avx", "avx2", "avx512f", "pcid", "x2apic", "tscDeadline", "fsgsbase", "smep", "smap",
        "erms", "rdrand", "rdseed", "page1GB", "pku",
      ])),
    Expected(
      record: .iceLakeServer, vendor: .intel, family: 6, model: 0x6A, stepping: 0,
      features: nehalem.union([
        "xsave", "avx", "avx2", "avx512f", "pcid", "x2apic", "tscDeadline", "fsgsbase", "smep", "smap",
        "erms", "rdrand", "rdseed", "page1GB", "pku", "umip", "la57", "fsrm",
      ])),
    Expected(
      record: .zen1, vendor: .amd, family: 0x17, model: 1, stepping: 2,
      features: nehalem.union([
        "xsave", "avx", "avx2", "fsgsbase", "smep", "smap", "rdrand", "rdseed", "page1GB", "xSaveErPtr",
      ])),
    Expected(
      record: .hygon, vendor: .hygon, family: 0x18, model: 0, stepping: 1,
      features: nehalem.union([
        "xsave", "avx", "avx2", "fsgsbase", "smep", "smap", "rdrand", "rdseed", "page1GB", "xSaveErPtr",
      ])),
    Expected(
      record: .zen4, vendor: .amd, family: 0x19, model: 0x61, stepping: 2,
      features: nehalem.union([
        "xsave", "avx", "avx2", "avx512f", "x2apic", "fsgsbase", "smep", "smap", "erms",
        "rdrand", "rdseed", "page1GB", "pku", "umip", "fsrm", "xSaveErPtr",
      ])),
    Expected(
      record: .zen5, vendor: .amd, family: 0x1A, model: 2, stepping: 1,
      features: nehalem.union([
        "xsave", "avx", "avx2", "avx512f", "pcid", "x2apic", "tscDeadline", "fsgsbase", "smep", "smap",
        "erms", "rdrand", "rdseed", "page1GB", "umip", "fsrm", "xSaveErPtr", "hypervisor",
      ])),
  ]

  static func names(_ cpu: ProcessorFeatures) -> Set<String> {
    let all: [(String, Bool)] = [
      ("fxsr", cpu.fxsr), ("sse2", cpu.sse2), ("sse42", cpu.sse42), ("avx", cpu.avx), ("avx2", cpu.avx2),
      ("avx512f", cpu.avx512f), ("xsave", cpu.xsave), ("xSaveErPtr", cpu.xSaveErPtr), ("nx", cpu.nx),
      ("smep", cpu.smep), ("smap", cpu.smap), ("umip", cpu.umip), ("pku", cpu.pku), ("pge", cpu.pge),
      ("pcid", cpu.pcid), ("page1GB", cpu.page1GB), ("la57", cpu.la57), ("syscall", cpu.syscall),
      ("fsgsbase", cpu.fsgsbase), ("x2apic", cpu.x2apic), ("tscDeadline", cpu.tscDeadline),
      ("invariantTSC", cpu.invariantTSC), ("rdtscp", cpu.rdtscp), ("rdrand", cpu.rdrand),
      ("rdseed", cpu.rdseed), ("erms", cpu.erms), ("fsrm", cpu.fsrm), ("hypervisor", cpu.hypervisor),
    ]
    return Set(all.filter(\.1).map(\.0))
  }

  @Test(arguments: expected) func recordedProcessorsDecodeToWhatTheyAre(expected: Expected) {
    let cpu = expected.record.processor
    #expect(cpu.vendor == expected.vendor)
    #expect(cpu.family == expected.family)
    #expect(cpu.model == expected.model)
    #expect(cpu.stepping == expected.stepping)
    #expect(Self.names(cpu) == expected.features)
    #expect(cpu.fpu && cpu.sse && cpu.longMode && cpu.tsc && cpu.apic)
  }

  @Test func everyWholeRecordIsChecked() {
    #expect(Set(Self.expected.map(\.record.name)) == Set(CPUIDRecord.whole.map(\.name)))
  }

  @Test func initialAPICIdentifierIsTheUpperByte() {
    #expect(CPUIDRecord.cascadeLake.processor.initialAPICIdentifier == 0x44)
  }

  /// Intel processors answer a leaf beyond the last with the data of the last one.
  struct RepeatingLastLeaf: CPUIDSource {
    let last: UInt32
    func cpuid(leaf: UInt32, subleaf: UInt32) -> CPUIDRegisters {
      if leaf == 0 { return CPUIDRegisters(eax: last, ebx: 0, ecx: 0, edx: 0) }
      return CPUIDRegisters(eax: .max, ebx: .max, ecx: .max, edx: .max)
    }
  }

  @Test func leavesBeyondTheLastOneReadAsZero() {
    let cpu = ProcessorFeatures(RepeatingLastLeaf(last: 1))
    #expect(cpu.sse2 && cpu.avx)
    #expect(!cpu.avx2 && !cpu.pku && !cpu.fsrm)
    // The answer at 8000_0000h is not a leaf number of that range.
    #expect(cpu.lastExtendedLeaf == 0)
    #expect(!cpu.nx && !cpu.syscall && !cpu.invariantTSC && !cpu.xSaveErPtr)
    #expect(ExtendedStateFeatures(RepeatingLastLeaf(last: 1)) == .none)
  }

  @Test func exceptionPointersLeakOnAMDWithoutXSaveErPtrOnly() {
    let leaking = CPUIDRecord.whole.filter { $0.processor.leaksFPUExceptionPointers }
    #expect(leaking.map(\.name) == [CPUIDRecord.k8, .k10, .piledriver].map(\.name))
  }

  @Test func lazyRestoreIsUnsafeOnIntelCoreDesignsOnly() {
    let speculating = CPUIDRecord.whole.filter { $0.processor.speculatesPastDeviceNotAvailable }
    #expect(speculating.map(\.name) == CPUIDRecord.whole.filter { $0.processor.vendor == .intel }.map(\.name))
    // An Atom C3000 (Goldmont) and a Xeon Phi do not.
    var cpu = CPUIDRecord.skylake.processor
    cpu.model = 0x5F
    #expect(!cpu.speculatesPastDeviceNotAvailable)
    cpu.model = 0x57
    #expect(!cpu.speculatesPastDeviceNotAvailable)
  }
}
