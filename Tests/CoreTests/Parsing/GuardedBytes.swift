import Core
import Glibc

/// Bytes whose end is the end of readable memory: a parser that reads one byte too many crashes the test.
final class GuardedBytes {
  private let mapping: UnsafeMutableRawPointer
  private let readableSize: Int

  init(capacity: Int) {
    readableSize = (capacity + 4095) / 4096 * 4096
    mapping = mmap(
      nil, readableSize + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    precondition(mapping != MAP_FAILED)
    precondition(mprotect(mapping + readableSize, 4096, PROT_NONE) == 0)
  }

  deinit {
    munmap(mapping, readableSize + 4096)
  }

  /// A view of a copy of `bytes`, valid until the next copy or the end of this object.
  func view(_ bytes: some Collection<UInt8>) -> ByteView {
    precondition(bytes.count <= readableSize)
    let start = mapping + (readableSize - bytes.count)
    let place = UnsafeMutableRawBufferPointer(start: start, count: bytes.count)
    place.copyBytes(from: bytes)
    return ByteView(UnsafeRawBufferPointer(place))
  }
}

/// Runs `body` over a guarded copy of `bytes`.
@discardableResult
func withView<R>(_ bytes: [UInt8], _ body: (ByteView) throws -> R) rethrows -> R {
  let memory = GuardedBytes(capacity: bytes.count)
  return try withExtendedLifetime(memory) { try body(memory.view(bytes)) }
}

extension ByteView {
  var string: String { String(decoding: bytes, as: UTF8.self) }
}
