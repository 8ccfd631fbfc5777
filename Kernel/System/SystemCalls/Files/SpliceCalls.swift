import Core
import Machine

/// Moving bytes from file to file inside the kernel. They are copied, in pieces of a bounded size.
extension SystemCalls {
  /// The size of a piece.
  private static var portion: Int { 65_536 }

  /// Whether a signal waits: long transfers end early for one.
  private static var isInterrupted: Bool { Scheduler.current.pointee.head.hasSignal != 0 }

  /// Calls `body` with kernel memory for a piece.
  private static func withPortion<Result>(
    _ body: (UnsafeMutableRawBufferPointer) throws(Errno) -> Result
  ) throws(Errno) -> Result {
    guard Frames.freeCount > Frames.reserve + portion / 4096,
      let memory = KernelHeap.allocate(size: portion, alignment: 4096)
    else { throw .outOfMemory }
    defer { KernelHeap.deallocate(memory) }
    return try body(UnsafeMutableRawBufferPointer(start: memory, count: portion))
  }

  // MARK: sendfile

  /// sendfile(2)
  static func sendfile(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    var given: Int64? = nil
    if arguments.third != 0 {
      guard let offset = UserMemory.load(Int64(0), from: arguments.third) else { throw .badAddress }
      given = offset
    }
    let source = try file(arguments.second)
    guard source.flags.isReadable else { throw .badFile }
    if given != nil, !source.hasPosition { throw .illegalSeek }
    var position = try self.position(given, of: source)
    try checkPosition(position, count: arguments.fourth)
    let target = try file(arguments.first)
    guard target.flags.isWritable else { throw .badFile }
    let limit = Int(min(arguments.fourth, transferLimit))
    if let end = target.pipeEnd {
      let total = try spliceIn(source, at: given, end, limit, isNonBlocking: end.isNonBlocking)
      if let given { try storeOffset(given + Int64(total), to: arguments.third) }
      return Int64(total)
    }
    guard source.hasPosition, source.node.mode.isRegular || source.node.mode.type == .blockDevice,
      !target.flags.contains(.append)
    else { throw .invalid }
    let total = try copy(from: source, &position, to: target, limit: limit)
    if given != nil {
      try storeOffset(position, to: arguments.third)
    } else {
      _ = try source.seek(position, 0)
    }
    return Int64(total)
  }

  /// The position that is given, or else where the file stands; 0 where it has none.
  private static func position(_ given: Int64?, of file: OpenFile) throws(Errno) -> Int64 {
    if let given { return given }
    return file.hasPosition ? try file.seek(0, 1) : 0
  }

  /// Bytes from a position on have positions as well: a device may take them there or not, and move by them.
  private static func checkPosition(_ position: Int64, count: UInt64) throws(Errno) {
    guard position >= 0, count <= UInt64(Int64.max), !position.addingReportingOverflow(Int64(count)).overflow else {
      throw .invalid
    }
  }

  private static func storeOffset(_ offset: Int64, to address: UInt64) throws(Errno) {
    guard UserMemory.store(offset, to: address) else { throw .badAddress }
  }

  /// Copies bytes of a file with positions to another file, whose own position moves.
  private static func copy(
    from source: OpenFile, _ position: inout Int64, to target: OpenFile, limit: Int
  ) throws(Errno) -> Int {
    var start = position
    var total = 0
    defer { position = start }
    return try withPortion { memory throws(Errno) in
      do throws(Errno) {
        while total < limit {
          if total > 0, isInterrupted { break }
          let room = UnsafeMutableRawBufferPointer(rebasing: memory[0..<min(memory.count, limit - total)])
          var input = TransferBuffer(kernel: room)
          let count = try source.read(&input, at: start)
          if count == 0 { break }
          // Whoever has nothing to write may write it anywhere.
          guard target.isSplicable else { throw .invalid }
          var output = TransferBuffer(kernel: UnsafeMutableRawBufferPointer(rebasing: memory[0..<count]))
          let written = try target.write(&output, at: nil)
          start += Int64(written)
          total += written
          if written < count { break }
        }
      } catch {
        if total == 0 { throw error }
      }
      return total
    }
  }

  // MARK: splice

  /// splice(2)
  static func splice(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let limit = Int(min(arguments.fifth, transferLimit))
    let flags = arguments.sixth & 0xFFFF_FFFF
    if limit == 0 { return 0 }
    guard flags & ~0xF == 0 else { throw .invalid }
    let source = try file(arguments.first)
    let target = try file(arguments.third)
    // A pipe has no offsets.
    if source.pipeEnd != nil && arguments.second != 0 || target.pipeEnd != nil && arguments.fourth != 0 {
      throw .illegalSeek
    }
    guard source.flags.isReadable, target.flags.isWritable else { throw .badFile }
    let isNonBlocking = flags & 2 != 0  // SPLICE_F_NONBLOCK
    if let end = source.pipeEnd {
      if let other = target.pipeEnd, other.pipe === end.pipe { throw .invalid }
      return try spliceOut(of: end, target, arguments.fourth, arguments.fifth, isNonBlocking)
    }
    guard let end = target.pipeEnd else { throw .invalid }
    let position = try offset(at: arguments.second, of: source)
    let total = try spliceIn(
      source, at: position, end, limit, isNonBlocking: isNonBlocking || end.isNonBlocking)
    if let position { try storeOffset(position + Int64(total), to: arguments.second) }
    return Int64(total)
  }

  /// The offset that a program gives for a file, or nil for the file's own.
  private static func offset(at address: UInt64, of file: OpenFile) throws(Errno) -> Int64? {
    if address == 0 { return nil }
    guard file.hasPosition else { throw .invalid }
    guard let offset = UserMemory.load(Int64(0), from: address) else { throw .badAddress }
    guard offset >= 0 else { throw .invalid }
    return offset
  }

  /// From a pipe: what is there, and not more.
  private static func spliceOut(
    of end: PipeFile, _ target: OpenFile, _ offsetAddress: UInt64, _ count: UInt64, _ isNonBlocking: Bool
  ) throws(Errno) -> Int64 {
    var position = try offset(at: offsetAddress, of: target)
    guard target.isSplicable, !target.flags.contains(.append) else { throw .invalid }
    if target.pipeEnd == nil { try checkPosition(try self.position(position, of: target), count: count) }
    let limit = Int(min(count, transferLimit))
    if target.pipeEnd != nil, isNonBlocking || target.isNonBlocking, target.poll().isDisjoint(with: [.output, .error]) {
      throw .tryAgain
    }
    let total = try end.pipe.take(limit, isNonBlocking: isNonBlocking || end.isNonBlocking) { bytes throws(Errno) in
      var buffer = TransferBuffer(kernel: UnsafeMutableRawBufferPointer(mutating: bytes))
      let count = try target.write(&buffer, at: position)
      if let start = position { position = start + Int64(count) }
      return count
    }
    // Before the end of what there is to read comes that nobody would read it.
    if total == 0, let targetEnd = target.pipeEnd { try targetEnd.checkReaders() }
    if let position { try storeOffset(position, to: offsetAddress) }
    return Int64(total)
  }

  /// Into a pipe: as much as fits, or what a source without positions has at once.
  ///
  /// - Parameters:
  ///   - position: where in the source; nil for where it stands, which then moves.
  private static func spliceIn(
    _ source: OpenFile, at position: Int64?, _ end: PipeFile, _ limit: Int, isNonBlocking: Bool
  ) throws(Errno) -> Int {
    let start = if position == nil, source.hasPosition { try source.seek(0, 1) } else { position }
    // Where others write between the look at the room and the write, it waits: what was taken cannot be put back.
    let room = try end.pipe.waitForRoom(isNonBlocking: isNonBlocking)
    // Before a byte is taken from the source: nobody would get it.
    try end.checkReaders()
    // What a pipe has goes over by splice(2) alone.
    guard source.isSplicable, source.pipeEnd == nil else { throw .invalid }
    if isNonBlocking, !source.hasPosition, source.poll().isDisjoint(with: [.input, .hangUp, .error]) {
      throw .tryAgain
    }
    let total = try withPortion { memory throws(Errno) in
      let count = min(limit, room, memory.count)
      if let start { try checkPosition(start, count: UInt64(count)) }
      var input = TransferBuffer(kernel: UnsafeMutableRawBufferPointer(rebasing: memory[0..<count]))
      let got = try source.read(&input, at: start)
      if got == 0 { return 0 }
      var output = TransferBuffer(kernel: UnsafeMutableRawBufferPointer(rebasing: memory[0..<got]))
      return try end.splice(&output, isNonBlocking: isNonBlocking && source.hasPosition)
    }
    if position == nil, let start { _ = try source.seek(start + Int64(total), 0) }
    return total
  }

  /// tee(2)
  static func tee(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let flags = arguments.fourth & 0xFFFF_FFFF
    guard flags & ~0xF == 0 else { throw .invalid }
    let limit = Int(min(arguments.third, transferLimit))
    if limit == 0 { return 0 }
    let source = try file(arguments.first)
    let target = try file(arguments.second)
    guard source.flags.isReadable, target.flags.isWritable else { throw .badFile }
    guard let from = source.pipeEnd?.pipe, let to = target.pipeEnd?.pipe, from !== to else { throw .invalid }
    let isNonBlocking = flags & 2 != 0
    // The source keeps its bytes: they go over in one piece, which the target has room for.
    return try withPortion { memory throws(Errno) in
      let found = try from.peek(
        UnsafeMutableRawBufferPointer(rebasing: memory[0..<min(limit, memory.count)]),
        isNonBlocking: isNonBlocking || source.isNonBlocking)
      if found == 0 {
        // Before the end of what there is to read comes that nobody would read it.
        try target.pipeEnd!.checkReaders()
        return 0
      }
      let room = try to.waitForRoom(isNonBlocking: isNonBlocking || target.isNonBlocking)
      let count = min(found, room)
      var output = TransferBuffer(kernel: UnsafeMutableRawBufferPointer(rebasing: memory[0..<count]))
      return Int64(try target.write(&output, at: nil))
    }
  }

  /// vmsplice(2): the pages of a program are copied, which it cannot tell from a gift.
  static func vmsplice(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let flags = arguments.fourth & 0xFFFF_FFFF
    guard flags & ~0xF == 0 else { throw .invalid }
    let target = try file(arguments.first)
    guard let end = target.pipeEnd else { throw .badFile }
    guard arguments.third <= 1024 else { throw .invalid }
    // What the descriptor says of waiting is for read(2) and write(2).
    let isNonBlocking = flags & 2 != 0
    var header = SocketMessageHeader()
    header.vector = arguments.second
    header.vectorCount = arguments.third
    return try header.withBuffer { buffer throws(Errno) in
      if buffer.remaining == 0 { return 0 }
      if end.flags.isWritable { return Int64(try end.splice(&buffer, isNonBlocking: isNonBlocking)) }
      // Unlike read(2) this does not end with a packet, nor throw the rest of one away.
      return Int64(
        try end.pipe.take(buffer.remaining, isNonBlocking: isNonBlocking) { bytes throws(Errno) in
          try buffer.put(bytes)
          return bytes.count
        })
    }
  }
}
