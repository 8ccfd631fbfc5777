/// Why a table of the firmware was refused.
public enum ACPIError: UInt8, Error, CaseIterable, Sendable {
  case rsdpTruncated
  case rsdpSignature
  case rsdpChecksum
  case rsdpLength
  case rsdpExtendedChecksum
  case rsdpWithoutTable
  case tableUnreadable
  case tableTruncated
  case tableLength
  case tableChecksum
  case tableSignature
  case rootTableEntryCutOff
  case madtTooShort
  case madtEntryTooShort
  case madtEntryBeyondEnd
  case fadtTooShort

  public var message: StaticString {
    switch self {
    case .rsdpTruncated: "ACPI: the root pointer is cut off"
    case .rsdpSignature: "ACPI: the root pointer has the wrong signature"
    case .rsdpChecksum: "ACPI: the root pointer has the wrong checksum"
    case .rsdpLength: "ACPI: the root pointer has an impossible length"
    case .rsdpExtendedChecksum: "ACPI: the root pointer has the wrong extended checksum"
    case .rsdpWithoutTable: "ACPI: the root pointer points to no table"
    case .tableUnreadable: "ACPI: a table is in memory that cannot be read"
    case .tableTruncated: "ACPI: a table is cut off"
    case .tableLength: "ACPI: a table is shorter than its header"
    case .tableChecksum: "ACPI: a table has the wrong checksum"
    case .tableSignature: "ACPI: a table has the wrong signature"
    case .rootTableEntryCutOff: "ACPI: the root table ends inside an entry"
    case .madtTooShort: "ACPI: the MADT is too short"
    case .madtEntryTooShort: "ACPI: an entry of the MADT is too short for its type"
    case .madtEntryBeyondEnd: "ACPI: an entry of the MADT reaches beyond its end"
    case .fadtTooShort: "ACPI: the FADT is too short"
    }
  }
}
