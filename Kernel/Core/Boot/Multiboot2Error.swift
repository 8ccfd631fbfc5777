/// Why the boot information of a multiboot2 loader was refused.
public enum Multiboot2Error: UInt8, Error, CaseIterable, Sendable {
  case truncatedHeader
  case totalSizeTooSmall
  case totalSizeBeyondMemory
  case tagTooSmall
  case tagBeyondEnd
  case missingEndTag
  case endTagTooLarge
  case unterminatedText
  case moduleTagTooSmall
  case moduleEndsBeforeStart
  case memoryMapTagTooSmall
  case memoryMapEntryTooSmall
  case memoryMapEntryCutOff
  case memoryRegionOverflows
  case rsdpTagTooSmall

  public var message: StaticString {
    switch self {
    case .truncatedHeader: "boot information: shorter than its own header"
    case .totalSizeTooSmall: "boot information: total size leaves no room for an end tag"
    case .totalSizeBeyondMemory: "boot information: total size is beyond the memory it is in"
    case .tagTooSmall: "boot information: a tag is smaller than its header"
    case .tagBeyondEnd: "boot information: a tag reaches beyond the end"
    case .missingEndTag: "boot information: no end tag"
    case .endTagTooLarge: "boot information: the end tag has a content"
    case .unterminatedText: "boot information: a text has no end"
    case .moduleTagTooSmall: "boot information: a module tag is too small"
    case .moduleEndsBeforeStart: "boot information: a module ends before it starts"
    case .memoryMapTagTooSmall: "boot information: the memory map tag is too small"
    case .memoryMapEntryTooSmall: "boot information: the entries of the memory map are too small"
    case .memoryMapEntryCutOff: "boot information: the memory map ends inside an entry"
    case .memoryRegionOverflows: "boot information: a memory region ends beyond 64 bits"
    case .rsdpTagTooSmall: "boot information: the copy of the ACPI root pointer is too small"
    }
  }
}
