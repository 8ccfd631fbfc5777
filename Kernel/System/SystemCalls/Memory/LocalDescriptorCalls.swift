import Core
import Machine

/// The segments that a program makes itself.
extension SystemCalls {
  /// modify_ldt(2)
  ///
  /// Errors come as on Linux: as a negative `int`, which a 64-bit program finds without its sign extended.
  static func modify_ldt(_ arguments: SystemCallArguments) -> Int64 {
    do throws(Errno) {
      return try modifyLocalTable(Int32(truncatingIfNeeded: arguments.first), arguments.second, arguments.third)
    } catch {
      return -error.number & 0xFFFF_FFFF
    }
  }

  private static func modifyLocalTable(
    _ function: Int32, _ address: UInt64, _ count: UInt64
  ) throws(Errno) -> Int64 {
    switch function {
    case 0: return try readLocalTable(to: address, count: count)
    case 1, 0x11: try writeLocalTable(from: address, count: count, isOld: function == 1)
    case 2:
      // There is no default table: zeros, as many as Linux has on x86-64.
      let count = Int(min(count, 128))
      guard UserMemory.clear(address, count: count) else { throw .badAddress }
      return Int64(count)
    default: throw .notImplemented
    }
    return 0
  }

  /// - Returns: how many bytes were asked for, at most a table's: what there is not of it reads as zeros.
  private static func readLocalTable(to address: UInt64, count: UInt64) throws(Errno) -> Int64 {
    guard let table = Scheduler.current.pointee.process!.addressSpace!.copiedLocalTable() else { throw .outOfMemory }
    defer { table.deallocate() }
    if table.isNone { return 0 }
    let count = Int(min(count, UInt64(LocalDescriptorRequest.entryLimit * 8)))
    let present = min(count, table.count * 8)
    guard UserMemory.copyOut(table.descriptors, to: address, count: present),
      UserMemory.clear(address &+ UInt64(present), count: count - present)
    else { throw .badAddress }
    return Int64(count)
  }

  private static func writeLocalTable(from address: UInt64, count: UInt64, isOld: Bool) throws(Errno) {
    guard count == UInt64(MemoryLayout<UserSegment>.size) else { throw .invalid }
    guard let segment = UserMemory.load(UserSegment(), from: address) else { throw .badAddress }
    guard let descriptor = LocalDescriptorRequest.descriptor(for: segment, isOld: isOld) else { throw .invalid }
    try Scheduler.current.pointee.process!.addressSpace!.setLocalDescriptor(Int(segment.entryNumber), descriptor)
  }
}
