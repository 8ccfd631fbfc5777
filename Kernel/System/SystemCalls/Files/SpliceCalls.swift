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
    if let given {
      guard source.hasPosition else { throw .illegalSeek }
      guard given >= 0 else { throw .invalid }
    }
    let target = try file(arguments.first)
    guard target.flags.isWritable else { throw .badFile }
    guard source.hasPosition, source.node.mode.isRegular || source.node.mode.type == .blockDevice,
      !target.flags.contains(.append)
    else { throw .invalid }
    let limit = Int(min(arguments.fourth, transferLimit))
    var position = if let given { given } else { try source.seek(0, 1) }
    let total = try copy(from: source, &position, to: target, limit: limit)
    if arguments.third != 0 {
      guard UserMemory.store(position, to: arguments.third) else { throw .badAddress }
    } else {
      _ = try source.seek(position, 0)
    }
    return Int64(total)
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
    if source.pipe != nil && arguments.second != 0 || target.pipe != nil && arguments.fourth != 0 {
      throw .illegalSeek
    }
    guard source.flags.isReadable, target.flags.isWritable else { throw .badFile }
    let isNonBlocking = flags & 2 != 0  // SPLICE_F_NONBLOCK
    if let pipe = source.pipe {
      if let other = target.pipe, other === pipe { throw .invalid }
      return try spliceOut(of: pipe, source, target, arguments.fourth, limit, isNonBlocking)
    }
    guard let pipe = target.pipe else { throw .invalid }
    return try spliceIn(source, arguments.second, pipe, target, limit, isNonBlocking)
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
    of pipe: Pipe, _ source: OpenFile, _ target: OpenFile, _ offsetAddress: UInt64, _ limit: Int,
    _ isNonBlocking: Bool
  ) throws(Errno) -> Int64 {
    if target.flags.contains(.append) { throw .invalid }
    var position = try offset(at: offsetAddress, of: target)
    if target.pipe != nil, isNonBlocking || target.isNonBlocking, target.poll().isDisjoint(with: [.output, .error]) {
      throw .tryAgain
    }
    let total = try pipe.take(limit, isNonBlocking: isNonBlocking || source.isNonBlocking) { bytes throws(Errno) in
      var buffer = TransferBuffer(kernel: UnsafeMutableRawBufferPointer(mutating: bytes))
      let count = try target.write(&buffer, at: position)
      if let start = position { position = start + Int64(count) }
      return count
    }
    if let position {
      guard UserMemory.store(position, to: offsetAddress) else { throw .badAddress }
    }
    return Int64(total)
  }

  /// Into a pipe: as much as fits, or what a source without positions has at once.
  private static func spliceIn(
    _ source: OpenFile, _ offsetAddress: UInt64, _ pipe: Pipe, _ target: OpenFile, _ limit: Int,
    _ isNonBlocking: Bool
  ) throws(Errno) -> Int64 {
    var position = try offset(at: offsetAddress, of: source)
    let movesFile = position == nil && source.hasPosition
    if movesFile { position = try source.seek(0, 1) }
    // Nobody else's writes are to come between the look at the room and the write; that one may only make it wait.
    let room = try pipe.waitForRoom(isNonBlocking: isNonBlocking || target.isNonBlocking)
    // Before a byte is taken from the source: nobody would get it.
    if target.poll().contains(.error) {
      Signals.send(.brokenPipe, toThread: Scheduler.current)
      throw .brokenPipe
    }
    if isNonBlocking, !source.hasPosition, source.poll().isDisjoint(with: [.input, .hangUp, .error]) {
      throw .tryAgain
    }
    let total = try withPortion { memory throws(Errno) in
      let count = min(limit, room, memory.count)
      var input = TransferBuffer(kernel: UnsafeMutableRawBufferPointer(rebasing: memory[0..<count]))
      let got = try source.read(&input, at: position)
      if got == 0 { return 0 }
      var output = TransferBuffer(kernel: UnsafeMutableRawBufferPointer(rebasing: memory[0..<got]))
      return try target.write(&output, at: nil)
    }
    if let position {
      if movesFile {
        _ = try source.seek(position + Int64(total), 0)
      } else {
        guard UserMemory.store(position + Int64(total), to: offsetAddress) else { throw .badAddress }
      }
    }
    return Int64(total)
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
    guard let from = source.pipe, let to = target.pipe, from !== to else { throw .invalid }
    let isNonBlocking = flags & 2 != 0
    // The source keeps its bytes: they go over in one piece, which the target has room for.
    return try withPortion { memory throws(Errno) in
      let found = try from.peek(
        UnsafeMutableRawBufferPointer(rebasing: memory[0..<min(limit, memory.count)]),
        isNonBlocking: isNonBlocking || source.isNonBlocking)
      if found == 0 { return 0 }
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
    guard target.pipe != nil else { throw .badFile }
    guard arguments.third <= 1024 else { throw .invalid }
    if flags & 2 != 0,
      target.poll().isDisjoint(with: target.flags.isWritable ? [.output, .error] : [.input, .hangUp])
    {
      throw .tryAgain
    }
    var header = SocketMessageHeader()
    header.vector = arguments.second
    header.vectorCount = arguments.third
    return try header.withBuffer { buffer throws(Errno) in
      Int64(try target.flags.isWritable ? target.write(&buffer, at: nil) : target.read(&buffer, at: nil))
    }
  }
}
