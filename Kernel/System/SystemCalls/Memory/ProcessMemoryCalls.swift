import Core
import Machine

/// Memory of other processes.
extension SystemCalls {
  /// process_vm_readv(2)
  static func process_vm_readv(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try transfer(arguments) { (remote, remoteAddress, localAddress, buffer) in
      let count = remote.read(remoteAddress, into: buffer)
      return UserMemory.copyOutAsFarAsPossible(buffer.baseAddress!, to: localAddress, count: count)
    }
  }

  /// process_vm_writev(2)
  static func process_vm_writev(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try transfer(arguments) { (remote, remoteAddress, localAddress, buffer) in
      let count = UserMemory.copyInAsFarAsPossible(buffer.baseAddress!, from: localAddress, count: buffer.count)
      return remote.writeAsFarAsPossible(
        UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[0..<count]), at: remoteAddress)
    }
  }

  /// - Parameter copy: gets the other's memory, an address there, one of the caller's, and room for as many bytes
  ///   as are wanted; returns how many it has copied.
  private static func transfer(
    _ arguments: SystemCallArguments,
    _ copy: (AddressSpace, UInt64, UInt64, UnsafeMutableRawBufferPointer) -> Int
  ) throws(Errno) -> Int64 {
    guard arguments.sixth == 0 else { throw .invalid }
    var local = try MemoryPieces(at: arguments.second, count: arguments.third)
    var remote = try MemoryPieces(at: arguments.fourth, count: arguments.fifth)
    let number = Int32(truncatingIfNeeded: arguments.first)
    guard number > 0 else { throw .noProcess }
    let own = Scheduler.current.pointee.process!
    guard let process = number == own.identifier ? own : Threads.process(ofThread: number) else { throw .noProcess }
    guard let space = try ProcessAccess.tracedMemory(of: process) else { throw .noProcess }
    guard let memory = KernelHeap.allocate(size: 4096, alignment: 16) else { throw .outOfMemory }
    defer { KernelHeap.deallocate(memory) }
    var total: Int64 = 0
    do throws(Errno) {
      // As much as any transfer at most, and no more where the caller is to end.
      while total < Int64(transferLimit), !Scheduler.current.isBeingKilled, let target = try local.next(),
        let source = try remote.next()
      {
        let wanted = Int(min(target.count, source.count, 4096))
        let done = copy(
          space, source.address, target.address, UnsafeMutableRawBufferPointer(start: memory, count: wanted))
        local.advance(by: UInt64(done))
        remote.advance(by: UInt64(done))
        total += Int64(done)
        if done < wanted { throw .badAddress }
      }
    } catch {
      // What has been copied counts.
      if total == 0 { throw error }
    }
    return total
  }
}

/// The pieces of memory that an array of `struct iovec` in user memory names, one after the other.
private struct MemoryPieces {
  struct Piece {
    var address: UInt64
    var count: UInt64
  }

  /// IOV_MAX
  private static var limit: UInt64 { 1024 }

  private var place: UInt64
  private var remaining: UInt64
  private var current = Piece(address: 0, count: 0)

  init(at place: UInt64, count: UInt64) throws(Errno) {
    guard count <= Self.limit else { throw .invalid }
    self.place = place
    remaining = count
  }

  /// What is left of the piece that the walk has come to; nil behind the last.
  mutating func next() throws(Errno) -> Piece? {
    while current.count == 0 {
      if remaining == 0 { return nil }
      guard let pair = UserMemory.load((UInt64(0), UInt64(0)), from: place) else { throw .badAddress }
      guard pair.1 <= UInt64(Int64.max) else { throw .invalid }
      current = Piece(address: pair.0, count: pair.1)
      place &+= 16
      remaining -= 1
    }
    return current
  }

  mutating func advance(by count: UInt64) {
    current.address &+= count
    current.count -= count
  }
}
