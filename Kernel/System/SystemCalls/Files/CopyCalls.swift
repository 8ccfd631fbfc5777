import Core
import Machine

extension SystemCalls {
  /// copy_file_range(2)
  static func copy_file_range(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let source = try file(arguments.first)
    let target = try file(arguments.third)
    var sourceOffset = try offset(arguments.second, of: source)
    var targetOffset = try offset(arguments.fourth, of: target)
    guard arguments.sixth & 0xFFFF_FFFF == 0 else { throw .invalid }
    if source.node.mode.isDirectory || target.node.mode.isDirectory { throw .isDirectory }
    guard source.node.mode.isRegular, target.node.mode.isRegular else { throw .invalid }
    guard source.flags.isReadable, target.flags.isWritable, !target.flags.contains(.append) else { throw .badFile }
    guard source.node.fileSystem === target.node.fileSystem else { throw .crossDevice }
    let lastOffset = max(UInt64(bitPattern: sourceOffset), UInt64(bitPattern: targetOffset))
    if lastOffset.addingReportingOverflow(arguments.fifth).overflow { throw .overflow }
    guard sourceOffset >= 0, targetOffset >= 0 else { throw .invalid }
    // What the source does not have is not copied, so that it overlaps with nothing.
    let available = UInt64(max(source.node.size - sourceOffset, 0))
    let count = Int64(min(arguments.fifth, available, transferLimit))
    guard !targetOffset.addingReportingOverflow(count).overflow else { throw .invalid }
    if source.node === target.node, sourceOffset < targetOffset + count, targetOffset < sourceOffset + count {
      throw .invalid
    }
    guard let memory = KernelHeap.allocate(size: 4096, alignment: 64) else { throw .outOfMemory }
    defer { KernelHeap.deallocate(memory) }
    var done: Int64 = 0
    var failure: Errno?
    while done < count {
      // A long transfer ends early for a signal.
      if done > 0, Scheduler.current.pointee.head.hasSignal != 0 { break }
      let portion = Int(min(4096, count - done))
      do throws(Errno) {
        var input = TransferBuffer(kernel: UnsafeMutableRawBufferPointer(start: memory, count: portion))
        let length = try source.read(&input, at: sourceOffset)
        if length == 0 { break }
        var output = TransferBuffer(kernel: UnsafeMutableRawBufferPointer(start: memory, count: length))
        let written = try target.write(&output, at: targetOffset)
        sourceOffset += Int64(written)
        targetOffset += Int64(written)
        done += Int64(written)
        if written < length { break }
      } catch {
        failure = error
        break
      }
    }
    if done == 0, let failure { throw failure }
    try storeOffset(sourceOffset, arguments.second, of: source)
    try storeOffset(targetOffset, arguments.fourth, of: target)
    return done
  }

  private static func offset(_ address: UInt64, of file: OpenFile) throws(Errno) -> Int64 {
    if address == 0 { return file.offset }
    guard let offset = UserMemory.load(Int64(0), from: address) else { throw .badAddress }
    return offset
  }

  private static func storeOffset(_ offset: Int64, _ address: UInt64, of file: OpenFile) throws(Errno) {
    if address == 0 {
      file.offset = offset
    } else {
      guard UserMemory.store(offset, to: address) else { throw .badAddress }
    }
  }
}
