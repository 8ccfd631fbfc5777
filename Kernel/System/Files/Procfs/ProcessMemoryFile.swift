import Core
import Machine

/// /proc/PID/mem: the memory of a process, as its debugger has it. The position is the address.
final class ProcessMemoryNode: FileNode, @unchecked Sendable {
  private let process: Process

  init(_ process: Process, _ number: UInt64) {
    self.process = process
    super.init(fileSystem: ProcFileSystem.shared, number: number, mode: .regular.with(permissions: 0o600))
    stampNew()
    ProcessNodes.setOwner(of: self, process)
  }

  override func open(_ flags: OpenFlags) throws(Errno) -> OpenFile {
    try process.checkPresence()
    return OpenProcessMemory(self, try ProcessAccess.program(of: process), flags)
  }

  override func checkAttributesAreChangeable() throws(Errno) { throw .notPermitted }

  override func truncate(to size: Int64) throws(Errno) {}
}

/// It stays that of the program that ran when it was opened: once the process executes another one or ends, there is
/// nothing in it any more.
final class OpenProcessMemory: OpenFile, @unchecked Sendable {
  private let program: ProgramMemory

  init(_ node: FileNode, _ program: ProgramMemory, _ flags: OpenFlags) {
    self.program = program
    super.init(node: node, flags: flags)
  }

  override var hasPosition: Bool { true }

  override func read(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int {
    guard let space = program.space else { return 0 }
    return try transfer(buffer.remaining, at: position) { (address, memory) throws(Errno) in
      let count = space.readForDebugger(address, into: memory)
      if count > 0 { try buffer.put(UnsafeRawBufferPointer(rebasing: memory[0..<count])) }
      return count
    }
  }

  override func write(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int {
    guard let space = program.space else { return 0 }
    return try transfer(buffer.remaining, at: position) { (address, memory) throws(Errno) in
      try buffer.take(into: memory)
      return space.writeForDebugger(UnsafeRawBufferPointer(memory), at: address)
    }
  }

  /// - Parameter copy: gets an address and room for some bytes; returns how many it has transferred.
  private func transfer(
    _ count: Int, at position: Int64?,
    _ copy: (UInt64, UnsafeMutableRawBufferPointer) throws(Errno) -> Int
  ) throws(Errno) -> Int {
    let mutex = FileMutexes.position(of: self)
    mutex.acquire()
    defer { mutex.release() }
    guard let memory = KernelHeap.allocate(size: 4096, alignment: 16) else { throw .outOfMemory }
    defer { KernelHeap.deallocate(memory) }
    let start = position ?? offset
    var done = 0
    while done < count {
      let wanted = min(count - done, 4096)
      let transferred: Int
      do throws(Errno) {
        transferred = try copy(
          UInt64(bitPattern: start) &+ UInt64(done), UnsafeMutableRawBufferPointer(start: memory, count: wanted))
      } catch {
        if done == 0 { throw error }
        break
      }
      done += transferred
      if transferred < wanted { break }
    }
    // What is not mapped is no end of the file.
    if done == 0, count > 0 { throw .inputOutput }
    if position == nil { offset = start &+ Int64(done) }
    return done
  }

  override func seek(_ offset: Int64, _ whence: Int32) throws(Errno) -> Int64 { try seekAnywhere(offset, whence) }
}

extension OpenFile {
  /// lseek(2) of a file whose positions are addresses: those of the upper half are no errors, and there is no end.
  final func seekAnywhere(_ offset: Int64, _ whence: Int32) throws(Errno) -> Int64 {
    let mutex = FileMutexes.position(of: self)
    mutex.acquire()
    defer { mutex.release() }
    switch whence {
    case Whence.set: self.offset = offset
    case Whence.current: self.offset &+= offset
    default: throw .invalid
    }
    return self.offset
  }
}
