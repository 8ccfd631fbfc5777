import Assembly

/// A thread of this process, with a stack of its own.
///
/// The mapping holds, from below: the stack, and at its top the thread's record. The thread pointer (the FS
/// base) points at the record's `ownAddress`, so that the thread can tell whether the base is its own.
public struct Thread {
  private let memory: UnsafeMutableRawPointer
  private let block: UnsafeMutablePointer<Block>

  private struct Block {
    var record: ThreadRecord
    /// What `fs:0` reads in this thread.
    var ownAddress: UInt64
    /// The thread's identifier, which the kernel clears when the thread has ended.
    var identifier: UInt32
  }

  private static let sizeInBytes = 32 * Mapping.pageSize
  private static let blockSize = 64

  /// CLONE_VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, SETTLS, PARENT_SETTID and CHILD_CLEARTID.
  static let cloneFlags: UInt = 0x3D_0F00

  /// Starts a thread in `entry`, whose record has `context`; nil where memory or the kernel fails.
  public init?(
    context: UnsafeMutableRawPointer?,
    entry: @escaping @convention(c) (UnsafeMutablePointer<ThreadRecord>?) -> Void
  ) {
    guard let memory = Mapping.allocate(sizeInBytes: Self.sizeInBytes) else { return nil }
    self.memory = memory
    let top = memory + Self.sizeInBytes - Self.blockSize
    block = top.bindMemory(to: Block.self, capacity: 1)
    block.pointee.record = ThreadRecord(entry: entry, context: context)
    let ownAddress = top + MemoryLayout<Block>.offset(of: \.ownAddress).unsafelyUnwrapped
    block.pointee.ownAddress = UInt64(UInt(bitPattern: ownAddress))
    let identifier = (top + MemoryLayout<Block>.offset(of: \.identifier).unsafelyUnwrapped)
      .assumingMemoryBound(to: UInt32.self)
    let result = top.withMemoryRebound(to: ThreadRecord.self, capacity: 1) {
      cloneThread(Self.cloneFlags, top, identifier, identifier, ownAddress, $0)
    }
    guard result > 0 else {
      Mapping.free(memory, sizeInBytes: Self.sizeInBytes)
      return nil
    }
  }

  /// Whether the running thread, started by this type with `record`, has its own thread pointer.
  public static func hasOwnThreadPointer(_ record: UnsafeMutablePointer<ThreadRecord>) -> Bool {
    let expected =
      UnsafeRawPointer(record) + MemoryLayout<Block>.offset(of: \.ownAddress).unsafelyUnwrapped
    return readThreadPointerWord() == UInt64(UInt(bitPattern: expected))
  }

  /// Waits until the thread has ended, and gives its memory back.
  public consuming func join() {
    let identifier =
      (UnsafeMutableRawPointer(block) + MemoryLayout<Block>.offset(of: \.identifier).unsafelyUnwrapped)
      .assumingMemoryBound(to: UInt32.self)
    while true {
      let value = loadWord(identifier)
      if value == 0 { break }
      _ = callSystem(SystemCallNumber.futex, address(identifier), Futex.wait, UInt(value), 0)
    }
    Mapping.free(memory, sizeInBytes: Self.sizeInBytes)
  }
}

/// Operations of futex, as Linux numbers them.
public enum Futex {
  public static let wait: UInt = 0
  public static let wake: UInt = 1
}
