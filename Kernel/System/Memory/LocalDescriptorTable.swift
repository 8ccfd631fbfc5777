import Machine

/// A local descriptor table: where it lies in the kernel's heap and how many descriptors it has (Intel SDM volume 3,
/// section 3.5.1), or none. All in one word, which a switch reads while another CPU writes it.
///
/// Not changed from when a CPU may have it loaded until none has: a CPU reads a descriptor by parts, and what was
/// found to be loadable has to stay so for the next instruction. A change makes another table.
struct LocalDescriptorTable {
  /// The lower 48 bits of the address, then the size of the descriptors but the first, in bytes. 0 for no table.
  private(set) var word: UInt64

  static var none: LocalDescriptorTable { LocalDescriptorTable(word: 0) }

  private init(word: UInt64) { self.word = word }

  /// A copy with `count` descriptors at least, those behind its own 0; nil when memory is out.
  ///
  /// - Parameter count: at most 8192; not 0 for a copy of `none`.
  func copy(count: Int) -> LocalDescriptorTable? {
    let present = self.count
    let count = max(count, present)
    guard Frames.freeCount > Frames.reserve + 32, let memory = KernelHeap.allocate(size: count * 8, alignment: 16)
    else { return nil }
    let copied = memory.bindMemory(to: UInt64.self, capacity: count)
    if present > 0 { copied.initialize(from: descriptors, count: present) }
    (copied + present).initialize(repeating: 0, count: count - present)
    // The kernel's addresses have their upper 16 bits set.
    return LocalDescriptorTable(word: UInt64(UInt(bitPattern: memory)) << 16 | UInt64(count - 1) * 8)
  }

  func deallocate() {
    if !isNone { KernelHeap.deallocate(descriptors) }
  }

  @inline(__always)
  var isNone: Bool { word == 0 }
  var count: Int { isNone ? 0 : Int(word & 0xFFFF) / 8 + 1 }
  /// Not of `none`.
  var descriptors: UnsafeMutablePointer<UInt64> {
    // SAFETY: `init` has put the address there.
    UnsafeMutableRawPointer(bitPattern: Int(Int64(bitPattern: word) >> 16)).unsafelyUnwrapped
      .assumingMemoryBound(to: UInt64.self)
  }

  /// Loads it on the CPU that executes this, unless it has no table and had none. Interrupts are disabled.
  func load(on cpu: CPUPointer) {
    if word | cpu.pointee.localTable.word == 0 { return }
    cpu.pointee.localTable = self
    let base = isNone ? 0 : UInt64(UInt(bitPattern: descriptors))
    DescriptorTables.loadLocal(area: cpu.pointee.area, base: base, sizeInBytes: count * 8)
  }
}
