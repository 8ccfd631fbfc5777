import Core
import Machine

extension SystemCalls {
  /// As much as Linux transfers in one call, so that the result fits.
  static var transferLimit: UInt64 { 0x7FFF_F000 }

  /// The open file behind a descriptor of the current process.
  static func file(_ descriptor: UInt64) throws(Errno) -> OpenFile {
    try Scheduler.current.pointee.process!.files.file(Int32(truncatingIfNeeded: descriptor))
  }

  /// read(2)
  static func read(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let file = try file(arguments.first)
    guard file.flags.isReadable else { throw .badFile }
    let count = Int(min(arguments.third, transferLimit))
    guard UserMemory.contains(arguments.second, count: count) else { throw .badAddress }
    var buffer = TransferBuffer(user: arguments.second, count: count)
    return Int64(try file.read(&buffer, at: nil))
  }

  /// write(2)
  static func write(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let file = try file(arguments.first)
    guard file.flags.isWritable else { throw .badFile }
    let count = Int(min(arguments.third, transferLimit))
    guard UserMemory.contains(arguments.second, count: count) else { throw .badAddress }
    var buffer = TransferBuffer(user: arguments.second, count: count)
    return Int64(try file.write(&buffer, at: nil))
  }

  /// close(2)
  static func close(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try Scheduler.current.pointee.process!.files.close(Int32(truncatingIfNeeded: arguments.first))
    return 0
  }
}
