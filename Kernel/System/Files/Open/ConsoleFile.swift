import Core
import Machine

/// The console as programs start with it on descriptors 0 to 2: writes go to the serial line.
final class ConsoleFile: OpenFile, @unchecked Sendable {
  override func write(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int {
    var piece = InlineArray<256, UInt8>(repeating: 0)
    var written = 0
    while buffer.remaining > 0 {
      let length = min(256, buffer.remaining)
      do throws(Errno) {
        try withUnsafeMutableBytes(of: &piece) { bytes throws(Errno) in
          try buffer.take(into: UnsafeMutableRawBufferPointer(rebasing: bytes[0..<length]))
        }
      } catch {
        if written > 0 { return written }
        throw error
      }
      withUnsafeBytes(of: piece) { Console.write(UnsafeRawBufferPointer(rebasing: $0[0..<length])) }
      written += length
    }
    return written
  }
}
