import Core
import Machine

/// What the machine has besides CPUs and memory, found through ACPI. Set up by the first CPU.
public enum Platform {
  nonisolated(unsafe) private static var storedFeatures: ProcessorFeatures?
  nonisolated(unsafe) private static var localAPICBase: UInt64 = 0
  /// Room for `CPUs.limit`.
  nonisolated(unsafe) private static var apicIDs: UnsafeMutablePointer<UInt32>?
  /// The CPUs that the firmware reports, whether or not they have come up.
  nonisolated(unsafe) static var reportedCPUs = 0

  /// 1 once a non-maskable interrupt means that another CPU panics.
  nonisolated(unsafe) static var stopsOnNonMaskable = AtomicWord()

  public static var features: ProcessorFeatures { storedFeatures! }
  @inline(__always)
  static var localAPIC: LocalAPIC { LocalAPIC(base: localAPICBase) }

  static func detectProcessor() {
    storedFeatures = ProcessorFeatures(HardwareCPUID())
  }

  /// The APIC identifier of the n-th CPU that was found; the first is the CPU that booted.
  static func apicID(at index: Int) -> UInt32 { apicIDs![index] }

  /// Finds CPUs and interrupt controllers, and switches to them from the legacy ones.
  ///
  /// Without usable ACPI tables the machine goes on with the one CPU.
  static func discover(rsdp: ByteView?) {
    LegacyInterruptController.disable()
    var apicAddress: UInt64 = 0xFEE0_0000
    var ioAPICAddress: UInt64 = 0xFEC0_0000
    var ioAPICBase: UInt32 = 0
    var serial = ISAInterrupt(SerialPort.firstInterrupt)
    var secondSerial = ISAInterrupt(SerialPort.secondInterrupt)
    var found = InlineArray<64, UInt32>(repeating: 0)
    var foundCount = 0
    var skipped = 0

    do throws(ACPIError) {
      guard let rsdp else { throw .rsdpTruncated }
      let root = try RootTable(RSDP(rsdp), read: readPhysical)
      guard let table = try root.find("APIC", read: readPhysical) else { throw .tableSignature }
      let madt = try MADT(table)
      apicAddress = madt.localAPICAddress
      var hasIOAPIC = false
      madt.forEachEntry { entry in
        switch entry {
        case .localAPIC(let apic):
          guard apic.isEnabled else { break }
          if foundCount < CPUs.limit {
            found[foundCount] = apic.apicID
            foundCount += 1
          } else {
            skipped += 1
          }
        case .x2APIC(let apic):
          // Without x2APIC mode a CPU with a wide identifier cannot be reached.
          if apic.isEnabled, apic.apicID > 254 { skipped += 1 }
        case .ioAPIC(_, let address, let interruptBase):
          if !hasIOAPIC || interruptBase == 0 {
            ioAPICAddress = UInt64(address)
            ioAPICBase = interruptBase
            hasIOAPIC = true
          }
        case .interruptSourceOverride(let source, let interrupt, let polarity, let trigger):
          let isActiveLow = polarity == .activeLow
          let isLevelTriggered = trigger == .level
          serial.override(source, interrupt, activeLow: isActiveLow, levelTriggered: isLevelTriggered)
          secondSerial.override(source, interrupt, activeLow: isActiveLow, levelTriggered: isLevelTriggered)
        case .localAPICNMI, .localAPICAddressOverride:
          break
        }
      }
    } catch {
      log("\(error.message); going on with one CPU")
    }
    if skipped > 0 { log("\(skipped) CPUs left unused: at most \(CPUs.limit), with identifiers up to 254") }

    localAPICBase = DeviceMemory.map(apicAddress)
    localAPIC.enable(spuriousVector: Vector.spurious, errorVector: Vector.apicError)
    let own = localAPIC.identifier
    let apicIDs = KernelHeap.allocateArray(of: UInt32.self, count: CPUs.limit, repeating: 0)
    self.apicIDs = apicIDs
    apicIDs[0] = own
    reportedCPUs = 1
    for index in 0..<foundCount where found[index] != own && reportedCPUs < CPUs.limit {
      apicIDs[reportedCPUs] = found[index]
      reportedCPUs += 1
    }

    let ioAPIC = IOAPIC(base: DeviceMemory.map(ioAPICAddress))
    ioAPIC.maskAll()
    serial.route(to: Vector.serial, ioAPIC, firstInput: ioAPICBase, apicID: own)
    if SerialPort.second.isPresent {
      secondSerial.route(to: Vector.secondSerial, ioAPIC, firstInput: ioAPICBase, apicID: own)
    }
  }

  /// Where an interrupt of the ISA bus arrives (ACPI, section 5.2.12.5).
  private struct ISAInterrupt {
    private let number: UInt8
    private var input: UInt32
    private var isActiveLow = false
    private var isLevelTriggered = false

    init(_ number: UInt8) {
      self.number = number
      input = UInt32(number)
    }

    mutating func override(_ source: UInt8, _ interrupt: UInt32, activeLow: Bool, levelTriggered: Bool) {
      guard source == number else { return }
      input = interrupt
      isActiveLow = activeLow
      isLevelTriggered = levelTriggered
    }

    func route(to vector: UInt8, _ ioAPIC: IOAPIC, firstInput: UInt32, apicID: UInt32) {
      let index = Int(input) - Int(firstInput)
      guard index >= 0, index < ioAPIC.inputCount else { return }
      ioAPIC.route(
        input: index, vector: vector, apicID: apicID, activeLow: isActiveLow, levelTriggered: isLevelTriggered)
    }
  }

  private static func readPhysical(_ address: UInt64, _ count: Int) -> ByteView? {
    guard count >= 0, address <= Frames.directMapSize,
      UInt64(count) <= Frames.directMapSize - address
    else { return nil }
    return ByteView(base: PhysicalMemory.pointer(to: address), count: count)
  }
}

/// Interrupt vectors. 0 to 31 are the CPU's exceptions.
public enum Vector {
  public static var divideError: UInt64 { 0 }
  public static var debug: UInt64 { 1 }
  public static var nonMaskable: UInt64 { 2 }
  public static var breakpoint: UInt64 { 3 }
  public static var invalidOpcode: UInt64 { 6 }
  public static var deviceNotAvailable: UInt64 { 7 }
  public static var doubleFault: UInt64 { 8 }
  public static var segmentNotPresent: UInt64 { 11 }
  public static var stackFault: UInt64 { 12 }
  public static var generalProtection: UInt64 { 13 }
  public static var pageFault: UInt64 { 14 }
  public static var x87FloatingPoint: UInt64 { 16 }
  public static var alignmentCheck: UInt64 { 17 }
  public static var machineCheck: UInt64 { 18 }
  public static var simdFloatingPoint: UInt64 { 19 }

  public static var timer: UInt8 { 0x40 }
  public static var serial: UInt8 { 0x41 }
  public static var secondSerial: UInt8 { 0x42 }
  public static var interprocessor: UInt8 { 0xF0 }
  public static var apicError: UInt8 { 0xFE }
  public static var spurious: UInt8 { 0xFF }

  /// The exception's name for reports, or nil for an interrupt.
  static func name(_ vector: UInt64) -> StaticString? {
    switch vector {
    case 0: "divide error"
    case 1: "debug exception"
    case 2: "non-maskable interrupt"
    case 3: "breakpoint"
    case 4: "overflow"
    case 5: "bound range exceeded"
    case 6: "invalid opcode"
    case 7: "device not available"
    case 8: "double fault"
    case 10: "invalid task state"
    case 11: "segment not present"
    case 12: "stack fault"
    case 13: "general protection fault"
    case 14: "page fault"
    case 16: "x87 floating-point exception"
    case 17: "alignment check"
    case 18: "machine check"
    case 19: "SIMD floating-point exception"
    case ..<32: "reserved exception"
    default: nil
    }
  }
}
