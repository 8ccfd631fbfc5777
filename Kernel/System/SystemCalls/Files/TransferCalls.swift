import Core
import Machine

/// Reading and writing.
extension SystemCalls {
  /// As much as Linux transfers in one call, so that the result fits.
  static var transferLimit: UInt64 { 0x7FFF_F000 }

  /// read(2)
  static func read(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let file = try file(arguments.first)
    guard file.flags.isReadable else { throw .badFile }
    var buffer = try userBuffer(arguments, for: file, reading: true)
    return Int64(try file.read(&buffer, at: nil))
  }

  /// write(2)
  static func write(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let file = try file(arguments.first)
    guard file.flags.isWritable else { throw .badFile }
    var buffer = try userBuffer(arguments, for: file, reading: false)
    return Int64(try file.write(&buffer, at: nil))
  }

  /// pread64(2)
  static func pread64(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    guard Int64(bitPattern: arguments.fourth) >= 0 else { throw .invalid }
    let file = try file(arguments.first)
    guard file.hasPosition else { throw .illegalSeek }
    guard file.flags.isReadable else { throw .badFile }
    var buffer = try userBuffer(arguments, for: file, reading: true)
    return Int64(try file.read(&buffer, at: Int64(arguments.fourth)))
  }

  /// pwrite64(2)
  static func pwrite64(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    guard Int64(bitPattern: arguments.fourth) >= 0 else { throw .invalid }
    let file = try file(arguments.first)
    guard file.hasPosition else { throw .illegalSeek }
    guard file.flags.isWritable else { throw .badFile }
    var buffer = try userBuffer(arguments, for: file, reading: false)
    return Int64(try file.write(&buffer, at: Int64(arguments.fourth)))
  }

  /// The second and third argument as a buffer.
  @inline(__always)
  private static func userBuffer(
    _ arguments: SystemCallArguments, for file: OpenFile, reading: Bool
  ) throws(Errno) -> TransferBuffer {
    // A count beyond all memory is no count that Linux calls invalid: there is no such buffer.
    guard let all = Int(exactly: arguments.third), UserMemory.contains(arguments.second, count: all) else {
      throw file.refusesTransfer(reading: reading) ? .invalid : .badAddress
    }
    return TransferBuffer(user: arguments.second, count: Int(min(arguments.third, transferLimit)))
  }

  // MARK: Vectors

  /// readv(2)
  static func readv(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try transferVector(arguments, at: nil, reads: true)
  }

  /// writev(2)
  static func writev(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try transferVector(arguments, at: nil, reads: false)
  }

  /// preadv(2)
  static func preadv(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    guard Int64(bitPattern: arguments.fourth) >= 0 else { throw .invalid }
    return try transferVector(arguments, at: Int64(arguments.fourth), reads: true)
  }

  /// pwritev(2)
  static func pwritev(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    guard Int64(bitPattern: arguments.fourth) >= 0 else { throw .invalid }
    return try transferVector(arguments, at: Int64(arguments.fourth), reads: false)
  }

  /// preadv2(2)
  static func preadv2(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try transferVector(
      arguments, at: try position(arguments), reads: true, flags: UInt32(truncatingIfNeeded: arguments.sixth))
  }

  /// pwritev2(2)
  static func pwritev2(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try transferVector(
      arguments, at: try position(arguments), reads: false, flags: UInt32(truncatingIfNeeded: arguments.sixth))
  }

  /// The offset of preadv2 and pwritev2: -1 stands for the file's own.
  private static func position(_ arguments: SystemCallArguments) throws(Errno) -> Int64? {
    let position = Int64(bitPattern: arguments.fourth)
    if position == -1 { return nil }
    guard position >= 0 else { throw .invalid }
    return position
  }

  private static func transferVector(
    _ arguments: SystemCallArguments, at position: Int64?, reads: Bool, flags: UInt32 = 0
  ) throws(Errno) -> Int64 {
    let file = try file(arguments.first)
    if position != nil, !file.hasPosition { throw .illegalSeek }
    guard reads ? file.flags.isReadable : file.flags.isWritable else { throw .badFile }
    // RWF_HIPRI, RWF_DSYNC and RWF_SYNC ask for what is so anyway; RWF_NOWAIT and RWF_APPEND need more.
    guard flags & ~0x1F == 0 else { throw .notSupported }
    let pieces = try UserVector(arguments.second, count: arguments.third)
    var buffer = pieces.buffer
    // Nothing is no transfer, whatever the file would say of one.
    if buffer.remaining == 0 {
      if file.refusesTransfer(reading: reads) { throw .invalid }
      return 0
    }
    if flags & 0x10 != 0, !reads { return Int64(try file.append(&buffer, at: position)) }
    return Int64(reads ? try file.read(&buffer, at: position) : try file.write(&buffer, at: position))
  }
}

/// An array of iovec that a program gives, copied out of its memory (readv(2)).
struct UserVector: ~Copyable {
  /// IOV_MAX
  static var limit: UInt64 { 1024 }

  private let pieces: UnsafeMutableBufferPointer<TransferBuffer.Piece>

  /// - Throws: EINVAL for too many pieces, or lengths whose sum is no length; EFAULT; ENOMEM.
  init(_ address: UInt64, count: UInt64) throws(Errno) { pieces = try Self.copy(address, count) }

  deinit { KernelHeap.deallocate(pieces.baseAddress!) }

  private static func copy(
    _ address: UInt64, _ count: UInt64
  ) throws(Errno) -> UnsafeMutableBufferPointer<TransferBuffer.Piece> {
    guard count <= limit else { throw .invalid }
    let size = Int(count) * MemoryLayout<TransferBuffer.Piece>.stride
    guard let memory = KernelHeap.allocate(size: max(size, 16), alignment: 16) else { throw .outOfMemory }
    let pieces = UnsafeMutableBufferPointer(
      start: memory.bindMemory(to: TransferBuffer.Piece.self, capacity: Int(count)), count: Int(count))
    if let failure = read(into: pieces, from: address) {
      KernelHeap.deallocate(memory)
      throw failure
    }
    return pieces
  }

  private static func read(
    into pieces: UnsafeMutableBufferPointer<TransferBuffer.Piece>, from address: UInt64
  ) -> Errno? {
    // struct iovec is an address and a length, as a piece is.
    guard
      UserMemory.copyIn(
        pieces.baseAddress!, from: address, count: pieces.count * MemoryLayout<TransferBuffer.Piece>.stride)
    else { return .badAddress }
    var room = Int(SystemCalls.transferLimit)
    for index in pieces.indices {
      guard pieces[index].count >= 0 else { return .invalid }
      guard UserMemory.contains(pieces[index].address, count: pieces[index].count) else { return .badAddress }
      pieces[index].count = min(pieces[index].count, room)
      room -= pieces[index].count
    }
    return nil
  }

  /// The pieces as a buffer, which is valid as long as this value lives.
  var buffer: TransferBuffer { TransferBuffer(user: UnsafeBufferPointer(pieces)) }
}
