import Core
import Testing

/// The CPUID leaves of a real processor, as recorded on it.
///
/// `leaves` has one line for each leaf: leaf, subleaf, EAX, EBX, ECX, EDX, in hexadecimal. Lines of zeros and
/// leaves that nothing here decodes are left out.
struct CPUIDRecord: CPUIDSource, Sendable, CustomTestStringConvertible {
  /// The processor's model.
  let name: String
  /// XCR0 when the record was made: subleaves 0 and 1 of leaf 0Dh give sizes for it.
  let xcr0: StateComponentMask
  /// How many bits of the record are the CPU's own: false where only leaf 0Dh is published.
  let isWhole: Bool
  private let registers: [UInt64: CPUIDRegisters]

  init(_ name: String, xcr0: UInt64, isWhole: Bool = true, leaves: String) {
    self.name = name
    self.xcr0 = StateComponentMask(rawValue: xcr0)
    self.isWhole = isWhole
    var registers: [UInt64: CPUIDRegisters] = [:]
    for line in leaves.split(separator: "\n") {
      let words = line.split(separator: " ").map { UInt32($0, radix: 16)! }
      precondition(words.count == 6)
      registers[UInt64(words[0]) << 32 | UInt64(words[1])] = CPUIDRegisters(
        eax: words[2], ebx: words[3], ecx: words[4], edx: words[5])
    }
    if !isWhole {
      // All that reading leaf 0Dh takes: that it exists, and that there is XSAVE.
      registers[0] = CPUIDRegisters(eax: 0xD, ebx: 0, ecx: 0, edx: 0)
      registers[1 << 32] = CPUIDRegisters(eax: 0, ebx: 0, ecx: 1 << 26, edx: 0)
    }
    self.registers = registers
  }

  func cpuid(leaf: UInt32, subleaf: UInt32) -> CPUIDRegisters {
    registers[UInt64(leaf) << 32 | UInt64(subleaf)] ?? .zero
  }

  /// The record with one leaf replaced.
  func replacing(leaf: UInt32, subleaf: UInt32, with value: CPUIDRegisters) -> CPUIDRecord {
    CPUIDRecord(self, adding: [UInt64(leaf) << 32 | UInt64(subleaf): value])
  }

  private init(_ other: CPUIDRecord, adding more: [UInt64: CPUIDRegisters]) {
    name = other.name
    xcr0 = other.xcr0
    isWhole = other.isWhole
    registers = other.registers.merging(more) { $1 }
  }

  var processor: ProcessorFeatures { ProcessorFeatures(self) }
  var features: ExtendedStateFeatures { ExtendedStateFeatures(self) }
  var ladder: SaveInstructionLadder { SaveInstructionLadder(processor: processor, features: features) }
  var testDescription: String { name }
}
