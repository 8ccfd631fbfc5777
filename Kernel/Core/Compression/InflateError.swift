/// Why a compressed stream cannot be read on (RFC 1951, RFC 1952).
public enum InflateError: UInt8, Error, CaseIterable, Sendable {
  case truncated
  case badBlockType
  case badStoredLength
  case badCodeLengths
  case badCode
  case badDistance
  case outputFull
  case badMethod
  case badFlags
  case badHeaderChecksum
  case badChecksum
  case badLength
  case otherCompression

  public var message: StaticString {
    switch self {
    case .truncated: "gzip: the data is cut off"
    case .badBlockType: "gzip: a block is of no known type"
    case .badStoredLength: "gzip: a stored block's two lengths differ"
    case .badCodeLengths: "gzip: the lengths of a block's codes make no code"
    case .badCode: "gzip: a code that its block does not define"
    case .badDistance: "gzip: a copy from before the start"
    case .outputFull: "gzip: not enough memory for what is inside"
    case .badMethod: "gzip: not compressed by deflate"
    case .badFlags: "gzip: a header with unknown flags"
    case .badHeaderChecksum: "gzip: the header has the wrong checksum"
    case .badChecksum: "gzip: the data has the wrong checksum"
    case .badLength: "gzip: the data has another length than noted at its end"
    case .otherCompression: "neither cpio (newc) nor gzip; xz, zstd, bzip2 and lz4 are not known here"
    }
  }
}
