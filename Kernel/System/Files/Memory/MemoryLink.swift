import Core
import Machine

/// A symbolic link of a file system in memory.
final class MemoryLink: FileNode, @unchecked Sendable {
  private let text: UnsafeMutableRawPointer
  private let count: Int

  init(fileSystem: FileSystem, number: UInt64, target: ByteView) throws(Errno) {
    text = try DirectoryEntry.copy(target)
    count = target.count
    super.init(fileSystem: fileSystem, number: number, mode: .symbolicLink.with(permissions: 0o777))
  }

  deinit { KernelHeap.deallocate(text) }

  override var size: Int64 { Int64(count) }

  override func readLink(into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
    let length = min(count, buffer.count)
    if length > 0 { buffer.baseAddress!.copyMemory(from: text, byteCount: length) }
    return length
  }
}
