import Core
import Machine

extension SystemCalls {
  /// write(2): descriptors 1 and 2 are the console.
  static func write(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    guard arguments.first == 1 || arguments.first == 2 else { throw .badFile }
    // As Linux cuts it, so that the result fits.
    let count = Int(min(arguments.third, 0x7FFF_F000))
    guard UserMemory.contains(arguments.second, count: count) else { throw .badAddress }
    var written = 0
    var piece = InlineArray<256, UInt8>(repeating: 0)
    while written < count {
      let length = min(256, count - written)
      let isCopied = withUnsafeMutableBytes(of: &piece) {
        UserMemory.copyIn($0.baseAddress!, from: arguments.second + UInt64(written), count: length)
      }
      guard isCopied else {
        if written > 0 { return Int64(written) }
        throw .badAddress
      }
      withUnsafeBytes(of: piece) { Console.write(UnsafeRawBufferPointer(rebasing: $0[0..<length])) }
      written += length
    }
    return Int64(written)
  }
}
