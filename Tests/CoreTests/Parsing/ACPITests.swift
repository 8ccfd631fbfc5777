import Core
import Testing

/// Physical memory with tables in it.
struct FirmwareMemory {
  let tables: [(address: UInt64, view: ByteView)]

  func read(_ address: UInt64, _ count: Int) -> ByteView? {
    for table in tables where address >= table.address && address - table.address < UInt64(table.view.count) {
      return table.view.slice(at: Int(address - table.address), count: count)
    }
    return nil
  }
}

@Suite struct ACPITests {
  @Test func rootPointerOfVersion1LeadsToTheRSDT() throws {
    try withView(rsdpVersion1(rsdt: 0x7FE_1234)) { view in
      let rsdp = try RSDP(view)
      #expect(rsdp.revision == 0 && !rsdp.isExtended && rsdp.rootTable == 0x7FE_1234)
    }
  }

  @Test func rootPointerOfVersion2LeadsToTheXSDT() throws {
    try withView(rsdpVersion2(rsdt: 0x1000, xsdt: 0x1_2345_6789)) { view in
      let rsdp = try RSDP(view)
      #expect(rsdp.revision == 2 && rsdp.isExtended && rsdp.rootTable == 0x1_2345_6789)
    }
    try withView(rsdpVersion2(rsdt: 0x1000, xsdt: 0)) { view in
      let rsdp = try RSDP(view)
      #expect(rsdp.rootTable == 0x1000 && !rsdp.isExtended)
    }
  }

  @Test(arguments: ["RSDT", "XSDT"])
  func tablesAreFoundBySignature(kind: String) throws {
    let pointer = kind == "XSDT" ? rsdpVersion2(rsdt: 0, xsdt: 0x1000) : rsdpVersion1(rsdt: 0x1000)
    try withView(rootTable(kind, [0, 0x5000, 0x6000])) { root in
      try withView(acpiTable("APIC", madtContent)) { madt in
        try withView(acpiTable("HPET", [1, 2, 3])) { hpet in
          let firmware = FirmwareMemory(tables: [(0x1000, root), (0x6000, madt), (0x5000, hpet)])
          let tables = try withView(pointer) { try RootTable(RSDP($0), read: firmware.read) }
          #expect(tables.count == 3)
          #expect((-1...3).map { tables.address(at: $0) } == [nil, 0, 0x5000, 0x6000, nil])
          let found = try #require(try tables.find("APIC", read: firmware.read))
          #expect(found.signature == "APIC" && found.bytes == madt)
          #expect(found.content.count == madtContent.count)
          #expect(try tables.find("HPET", read: firmware.read)?.content.count == 3)
          #expect(try tables.find("FACP", read: firmware.read) == nil)
        }
      }
    }
  }

  @Test func brokenTableThatNobodyAsksForIsLeftAlone() throws {
    try withView(rootTable("RSDT", [0x9000, 0x5000, 0x6000])) { root in
      try withView(acpiTable("HPET", [1]).setting(0, at: 4, as: UInt32.self)) { broken in
        try withView(acpiTable("APIC", madtContent)) { madt in
          let firmware = FirmwareMemory(tables: [(0x5000, broken), (0x6000, madt)])
          let tables = try RootTable(SystemDescriptionTable(root))
          #expect(try tables.find("APIC", read: firmware.read) != nil)
          #expect(throws: ACPIError.tableLength) { try tables.find("HPET", read: firmware.read) }
          #expect(throws: ACPIError.tableUnreadable) { try tables.find("FACP", read: firmware.read) }
        }
      }
    }
  }

  @Test func everyTypeOfMADTEntryIsDecoded() throws {
    try withView(acpiTable("APIC", madtContent)) { view in
      let madt = try MADT(SystemDescriptionTable(view))
      #expect(madt.localAPICAddress == 0x1_FEE0_0000)
      #expect(madt.hasLegacyControllers)
      var entries: [MADTEntry] = []
      madt.forEachEntry { entries.append($0) }
      typealias CPU = MADTEntry.LocalAPIC
      #expect(
        entries == [
          .localAPIC(CPU(processorID: 0, apicID: 0, isEnabled: true, isOnlineCapable: false)),
          .localAPIC(CPU(processorID: 1, apicID: 2, isEnabled: false, isOnlineCapable: true)),
          .ioAPIC(id: 4, address: 0xFEC0_0000, interruptBase: 24),
          .interruptSourceOverride(source: 0, interrupt: 2, polarity: .busDefault, trigger: .busDefault),
          .interruptSourceOverride(source: 9, interrupt: 9, polarity: .activeHigh, trigger: .level),
          .interruptSourceOverride(source: 5, interrupt: 5, polarity: .activeLow, trigger: .edge),
          .interruptSourceOverride(source: 6, interrupt: 6, polarity: .busDefault, trigger: .busDefault),
          .localAPICNMI(processorID: nil, pin: 1, polarity: .activeHigh, trigger: .edge),
          .localAPICNMI(processorID: 3, pin: 0, polarity: .busDefault, trigger: .busDefault),
          .x2APIC(CPU(processorID: 0x1234, apicID: 0x100, isEnabled: true, isOnlineCapable: false)),
          .localAPICNMI(processorID: nil, pin: 1, polarity: .activeLow, trigger: .level),
          .localAPICNMI(processorID: 7, pin: 0, polarity: .busDefault, trigger: .busDefault),
          .localAPICAddressOverride(0x1_FEE0_0000),
        ])
    }
  }

  @Test func MADTWithoutEntriesHasItsAddress() throws {
    try withView(acpiTable("APIC", Array(madtContent[..<8]))) { view in
      let madt = try MADT(SystemDescriptionTable(view))
      #expect(madt.localAPICAddress == 0xFEE0_0000)
      madt.forEachEntry { _ in Issue.record("an entry out of nowhere") }
    }
  }

  @Test func timerIsFoundInOldAndNewTables() throws {
    func parse(_ bytes: [UInt8]) throws -> FADT {
      try withView(bytes) { try FADT(SystemDescriptionTable($0)) }
    }
    let old = try parse(fadt())
    #expect(old.timerPort == 0x608 && old.timerBits == 32)
    #expect(try parse(fadt(flags: 0)).timerBits == 24)
    #expect(try parse(fadt(extended: (1, 0xB008))).timerPort == 0xB008)
    #expect(try parse(fadt(extended: (0, 0xFED0_0000))).timerPort == 0x608)
    #expect(try parse(fadt(extended: (1, 0))).timerPort == 0x608)
    #expect(try parse(fadt(port: 0)).timerPort == nil)
    #expect(try parse(fadt(length: 0)).timerPort == nil)
    #expect(try parse(fadt(port: 0x1_0000)).timerPort == nil)
    #expect(try parse(fadt(extended: (1, .max))).timerPort == nil)
  }
}
