/// Why an archive cannot be read on.
public enum CPIOError: UInt8, Error, CaseIterable, Sendable {
  case headerTruncated
  case badMagic
  case badNumber
  case nameEmpty
  case nameTooLong
  case nameTruncated
  case nameNotTerminated
  case nameLeavesArchive
  case dataTruncated
  case badChecksum
  case missingTrailer
  case misalignedArchive

  public var message: StaticString {
    switch self {
    case .headerTruncated: "cpio: a header is cut off"
    case .badMagic: "cpio: not a header of the newc format"
    case .badNumber: "cpio: a number in a header is not hexadecimal"
    case .nameEmpty: "cpio: a name has no byte"
    case .nameTooLong: "cpio: a name is too long"
    case .nameTruncated: "cpio: a name is cut off"
    case .nameNotTerminated: "cpio: a name does not end where its header says"
    case .nameLeavesArchive: "cpio: a name leads out of the archive by .."
    case .dataTruncated: "cpio: a file's data is cut off"
    case .badChecksum: "cpio: a file's data has the wrong checksum"
    case .missingTrailer: "cpio: the archive ends without a trailer"
    case .misalignedArchive: "cpio: a further archive is not on a multiple of four bytes"
    }
  }
}
