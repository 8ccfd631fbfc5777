/// A CPU as /proc/cpuinfo tells of it, read by CPUID.
public struct ProcessorReport<Source: CPUIDSource> {
  private let cpu: GuardedCPUID<Source>
  private let features: ProcessorFeatures

  public init(_ source: Source) {
    cpu = GuardedCPUID(source)
    features = ProcessorFeatures(source)
  }

  /// What CPUID does not say.
  public struct Place: Sendable {
    public var number: Int
    public var apicIdentifier: UInt32
    public var cpuCount: Int
    /// Of the time-stamp counter, in Hz.
    public var frequency: UInt64

    public init(number: Int, apicIdentifier: UInt32, cpuCount: Int, frequency: UInt64) {
      self.number = number
      self.apicIdentifier = apicIdentifier
      self.cpuCount = cpuCount
      self.frequency = frequency
    }
  }

  /// Writes the paragraph of one CPU.
  public func write(to text: inout TextBuffer, _ place: Place) {
    Self.put("processor\t: ", place.number, &text)
    text.put("vendor_id\t: ")
    writeVendor(to: &text)
    Self.put("\ncpu family\t: ", features.family, &text)
    Self.put("model\t\t: ", features.model, &text)
    text.put("model name\t: ")
    writeModelName(to: &text)
    Self.put("\nstepping\t: ", features.stepping, &text)
    text.put("cpu MHz\t\t: ")
    text.put(place.frequency / 1_000_000)
    text.put(".")
    text.put(place.frequency / 1000 % 1000, digits: 3)
    text.put("\n")
    Self.put("physical id\t: ", 0, &text)
    Self.put("siblings\t: ", place.cpuCount, &text)
    Self.put("core id\t\t: ", place.number, &text)
    Self.put("cpu cores\t: ", place.cpuCount, &text)
    Self.put("apicid\t\t: ", place.apicIdentifier, &text)
    Self.put("initial apicid\t: ", place.apicIdentifier, &text)
    text.put("fpu\t\t: yes\nfpu_exception\t: yes\n")
    Self.put("cpuid level\t: ", cpu.lastBasicLeaf, &text)
    text.put("wp\t\t: yes\nflags\t\t:")
    writeFlags(to: &text)
    text.put("\nbugs\t\t:\nbogomips\t: ")
    text.put(hundredths: place.frequency / 5000)
    text.put("\n")
    let lineSize = (cpu.cpuid(leaf: 1, subleaf: 0).ebx >> 8 & 0xFF) * 8
    Self.put("clflush size\t: ", lineSize, &text)
    Self.put("cache_alignment\t: ", lineSize, &text)
    let sizes = cpu.cpuid(leaf: 0x8000_0008, subleaf: 0).eax
    text.put("address sizes\t: ")
    text.put(sizes & 0xFF)
    text.put(" bits physical, ")
    text.put(sizes >> 8 & 0xFF)
    text.put(" bits virtual\npower management:\n\n")
  }

  private static func put<Number: FixedWidthInteger>(
    _ label: StaticString, _ number: Number, _ text: inout TextBuffer
  ) {
    text.put(label)
    text.put(number)
    text.put("\n")
  }

  private func writeVendor(to text: inout TextBuffer) {
    let leaf = cpu.cpuid(leaf: 0, subleaf: 0)
    Self.put(characters: leaf.ebx, &text)
    Self.put(characters: leaf.edx, &text)
    Self.put(characters: leaf.ecx, &text)
  }

  /// The brand string without the blanks around it.
  private func writeModelName(to text: inout TextBuffer) {
    var name = InlineArray<48, UInt8>(repeating: 0)
    var count = 0
    for leaf in UInt32(0x8000_0002)...0x8000_0004 {
      let part = cpu.cpuid(leaf: leaf, subleaf: 0)
      let registers: InlineArray<4, UInt32> = [part.eax, part.ebx, part.ecx, part.edx]
      for index in 0..<4 {
        for shift in stride(from: UInt32(0), to: 32, by: 8) {
          name[count] = UInt8(truncatingIfNeeded: registers[index] >> shift)
          count += 1
        }
      }
    }
    var start = 0
    while start < 48, name[start] == 32 { start += 1 }
    var end = start
    while end < 48, name[end] != 0 { end += 1 }
    while end > start, name[end - 1] == 32 { end -= 1 }
    if start == end { return text.put("unknown") }
    for index in start..<end { text.put(byte: name[index]) }
  }

  private static func put(characters: UInt32, _ text: inout TextBuffer) {
    for index in UInt32(0)..<4 { text.put(byte: UInt8(truncatingIfNeeded: characters >> (index * 8))) }
  }

  /// Writes the names of the features that there are, each with a blank before it, in Linux's order.
  public func writeFlags(to text: inout TextBuffer) {
    let basic = cpu.cpuid(leaf: 1, subleaf: 0)
    let extended = cpu.cpuid(leaf: 0x8000_0001, subleaf: 0)
    let structured = cpu.cpuid(leaf: 7, subleaf: 0)
    let structured1 = structured.eax >= 1 ? cpu.cpuid(leaf: 7, subleaf: 1) : .zero
    let state = features.xsave ? cpu.cpuid(leaf: 0xD, subleaf: 1) : .zero
    Self.put(basic.edx, ProcessorFlags.basicEDX, &text)
    Self.put(extended.edx, ProcessorFlags.extendedEDX, &text)
    if features.invariantTSC { text.put(" constant_tsc nonstop_tsc") }
    text.put(" rep_good nopl cpuid")
    Self.put(basic.ecx, ProcessorFlags.basicECX, &text)
    Self.put(extended.ecx, ProcessorFlags.extendedECX, &text)
    Self.put(structured.ebx, ProcessorFlags.structuredEBX, &text)
    Self.put(state.eax, ProcessorFlags.extendedStateEAX, &text)
    Self.put(structured1.eax, ProcessorFlags.structured1EAX, &text)
    Self.put(cpu.cpuid(leaf: 0x8000_0008, subleaf: 0).ebx, ProcessorFlags.sizesEBX, &text)
    Self.put(cpu.cpuid(leaf: 6, subleaf: 0).eax, ProcessorFlags.powerEAX, &text)
    Self.put(structured.ecx, ProcessorFlags.structuredECX, &text)
    if features.pku { text.put(" ospke") }
    Self.put(structured.edx, ProcessorFlags.structuredEDX, &text)
  }

  private static func put(_ register: UInt32, _ name: (UInt32) -> StaticString?, _ text: inout TextBuffer) {
    for bit in UInt32(0)..<32 where register >> bit & 1 != 0 {
      guard let name = name(bit) else { continue }
      text.put(" ")
      text.put(name)
    }
  }
}
