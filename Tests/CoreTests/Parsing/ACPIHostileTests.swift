import Core
import Testing

@Suite struct ACPIHostileTests {
  static func useMADT(_ view: ByteView) throws(ACPIError) -> Int {
    let madt = try MADT(SystemDescriptionTable(view))
    var count = 0
    madt.forEachEntry { _ in count += 1 }
    return count
  }

  static var broken: [(ACPIError, () throws -> Void)] {
    func rsdp(_ bytes: [UInt8]) -> () throws -> Void {
      { _ = try withView(bytes) { try RSDP($0) } }
    }
    func table(_ bytes: [UInt8]) -> () throws -> Void {
      { _ = try withView(bytes) { try SystemDescriptionTable($0) } }
    }
    func root(_ bytes: [UInt8]) -> () throws -> Void {
      { _ = try withView(bytes) { try RootTable(SystemDescriptionTable($0)) } }
    }
    func madt(_ content: [UInt8]) -> () throws -> Void {
      { _ = try withView(acpiTable("APIC", content)) { try useMADT($0) } }
    }
    func reading(_ pointer: [UInt8], _ memory: [UInt8], at address: UInt64 = 0x1000) -> () throws -> Void {
      {
        _ = try withView(pointer) { pointer in
          try withView(memory) { memory in
            try RootTable(RSDP(pointer), read: FirmwareMemory(tables: [(address, memory)]).read)
          }
        }
      }
    }
    let version1 = rsdpVersion1(rsdt: 0x1000)
    let version2 = rsdpVersion2(rsdt: 0x1000, xsdt: 0x2000)
    let hpet = acpiTable("HPET", [1, 2, 3])
    let start = Array(madtContent[..<8])
    return [
      (.rsdpTruncated, rsdp(Array(version1.dropLast()))), (.rsdpTruncated, rsdp(Array(version2.dropLast()))),
      (.rsdpSignature, rsdp(version1.setting(0x51, at: 0, as: UInt8.self))),
      (.rsdpChecksum, rsdp(version1.setting(0x51, at: 9, as: UInt8.self))),
      (.rsdpLength, rsdp(rsdpVersion2(rsdt: 1, xsdt: 1, length: 35))),
      (.rsdpLength, rsdp(rsdpVersion2(rsdt: 1, xsdt: 1, length: 37))),
      (.rsdpLength, rsdp(rsdpVersion2(rsdt: 1, xsdt: 1, length: .max))),
      (.rsdpExtendedChecksum, rsdp(version2.setting(1, at: 35, as: UInt8.self))),
      (.rsdpWithoutTable, rsdp(rsdpVersion1(rsdt: 0))),
      (.rsdpWithoutTable, rsdp(rsdpVersion2(rsdt: 0, xsdt: 0))),
      (.tableUnreadable, reading(version1, rootTable("RSDT", []), at: 0x9000)),
      (.tableUnreadable, reading(version1, rootTable("RSDT", [1]).setting(.max, at: 4, as: UInt32.self))),
      (.tableTruncated, table(Array(hpet.dropLast()))), (.tableTruncated, table([])),
      (.tableTruncated, table(hpet.setting(.max, at: 4, as: UInt32.self))),
      (.tableLength, table(hpet.setting(35, at: 4, as: UInt32.self))),
      (.tableLength, reading(version1, rootTable("RSDT", [1]).setting(0, at: 4, as: UInt32.self))),
      (.tableChecksum, table(hpet.setting(0, at: 38, as: UInt8.self))),
      (.tableSignature, root(hpet)), (.tableSignature, reading(version1, rootTable("XSDT", []))),
      (.tableSignature, { _ = try withView(hpet) { try useMADT($0) } }),
      (.tableSignature, { _ = try withView(hpet) { try FADT(SystemDescriptionTable($0)) } }),
      (.rootTableEntryCutOff, root(acpiTable("RSDT", [1, 2, 3]))),
      (.rootTableEntryCutOff, root(acpiTable("XSDT", [1, 2, 3, 4]))),
      (.madtTooShort, madt(Array(start.dropLast()))), (.madtTooShort, madt([])),
      (.madtEntryTooShort, madt(start + [0, 0, 1, 1])), (.madtEntryTooShort, madt(start + [0x7F, 0])),
      (.madtEntryTooShort, madt(start + [0x7F, 1])),
      (.madtEntryTooShort, madt(start + [0, 7, 0, 0, 0, 0, 0])),
      (.madtEntryTooShort, madt(start + [1, 2])), (.madtEntryTooShort, madt(start + [2, 2])),
      (.madtEntryTooShort, madt(start + [4, 2])), (.madtEntryTooShort, madt(start + [5, 2])),
      (.madtEntryTooShort, madt(start + [9, 2])), (.madtEntryTooShort, madt(start + [10, 2])),
      (.madtEntryBeyondEnd, madt(start + [0, 8, 0, 0, 1, 0, 0])), (.madtEntryBeyondEnd, madt(start + [0x7F])),
      (.madtEntryBeyondEnd, madt(start + [0x7F, 255])),
      (
        .fadtTooShort,
        {
          _ = try withView(acpiTable("FACP", [UInt8](repeating: 0, count: 79))) {
            try FADT(SystemDescriptionTable($0))
          }
        }
      ),
    ]
  }

  @Test func eachDefectHasItsName() {
    for (error, provoke) in Self.broken {
      #expect(throws: error) { try provoke() }
    }
    #expect(Set(Self.broken.map(\.0)) == Set(ACPIError.allCases))
    for error in ACPIError.allCases { #expect(error.message.utf8CodeUnitCount > 0) }
  }

  @Test func everyTruncationIsRefused() {
    for sample in [rsdpVersion1(rsdt: 1), rsdpVersion2(rsdt: 1, xsdt: 2)] {
      forEachTruncation(of: sample) { count, view in
        if count < sample.count { #expect(throws: ACPIError.rsdpTruncated) { try RSDP(view) } }
      }
    }
    let madt = acpiTable("APIC", madtContent)
    forEachTruncation(of: madt) { count, view in
      if count < madt.count { #expect(throws: ACPIError.tableTruncated) { try Self.useMADT(view) } }
    }
  }

  /// Every length that a firmware could state wrongly, with a checksum that does not give it away.
  @Test func MADTThatEndsInsideAnEntryIsRefused() {
    var accepted: [Int] = []
    for count in 0...madtContent.count {
      withView(acpiTable("APIC", Array(madtContent[..<count]))) { view in
        if (try? Self.useMADT(view)) != nil { accepted.append(count) }
      }
    }
    #expect(accepted == [8, 16, 24, 29, 41, 51, 61, 71, 81, 87, 93, 109, 121, 133, 135, 147])
  }

  @Test func damagedRootPointersNeverTrap() {
    var accepted = 0
    let sample = rsdpVersion2(rsdt: 1, xsdt: 2)
    forEachMutation(of: sample, count: 20_000, seed: 3) { if (try? RSDP($0)) != nil { accepted += 1 } }
    let repaired: (inout [UInt8]) -> Void = { bytes in
      guard bytes.count >= 20 else { return }
      fixChecksum(&bytes, 0..<20, at: 8)
      if bytes.count >= 36 { fixChecksum(&bytes, 0..<36, at: 32) }
    }
    forEachMutation(of: sample, count: 20_000, seed: 4, repair: repaired) {
      if (try? RSDP($0)) != nil { accepted += 1 }
    }
    #expect(accepted > 100 && accepted < 39_000)
  }

  @Test func damagedTablesNeverTrap() {
    var decoded = 0
    // Checksums are repaired after the damage, so that it reaches the code behind them.
    let repaired: (inout [UInt8]) -> Void = { bytes in
      guard bytes.count >= 36 else { return }
      if !bytes.count.isMultiple(of: 5) { bytes.set(UInt32(bytes.count), at: 4, as: UInt32.self) }
      fixChecksum(&bytes, 0..<bytes.count, at: 9)
    }
    forEachMutation(of: acpiTable("APIC", madtContent), count: 30_000, seed: 5, repair: repaired) {
      if let count = try? Self.useMADT($0) { decoded += count }
    }
    let roots = rootTable("XSDT", [0, 0x1000, 0x2000])
    forEachMutation(of: roots, count: 10_000, seed: 6, repair: repaired) { view in
      let firmware = FirmwareMemory(tables: [(0x1000, view), (0x2000, view)])
      if let tables = try? RootTable(SystemDescriptionTable(view)) {
        decoded += (try? tables.find("XSDT", read: firmware.read)) == nil ? 0 : 1
      }
    }
    forEachMutation(of: fadt(extended: (1, 0x608)), count: 10_000, seed: 7, repair: repaired) { view in
      decoded += (try? FADT(SystemDescriptionTable(view)))?.timerBits ?? 0
    }
    #expect(decoded > 1000)
  }
}
