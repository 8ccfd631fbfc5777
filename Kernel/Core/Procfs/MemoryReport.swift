/// The machine's memory as /proc/meminfo tells of it, in KiB (proc_meminfo(5)).
public struct MemoryReport: Sendable {
  public var total: UInt64 = 0
  public var free: UInt64 = 0
  /// What programs could have: free memory without the kernel's reserve.
  public var available: UInt64 = 0
  /// Pages of files. All files are in memory, so that none of it could be given up.
  public var files: UInt64 = 0
  /// Pages of programs that no file is behind.
  public var anonymous: UInt64 = 0
  public var mapped: UInt64 = 0
  public var heap: UInt64 = 0
  public var stacks: UInt64 = 0
  public var pageTables: UInt64 = 0
  /// What programs have been promised.
  public var committed: UInt64 = 0

  public init() {}

  public func write(to text: inout TextBuffer) {
    Self.put("MemTotal:", total, &text)
    Self.put("MemFree:", free, &text)
    Self.put("MemAvailable:", available, &text)
    Self.put("Buffers:", 0, &text)
    Self.put("Cached:", files, &text)
    Self.put("SwapCached:", 0, &text)
    Self.put("Active:", anonymous, &text)
    Self.put("Inactive:", files, &text)
    Self.put("Active(anon):", anonymous, &text)
    Self.put("Inactive(anon):", 0, &text)
    Self.put("Active(file):", 0, &text)
    Self.put("Inactive(file):", 0, &text)
    Self.put("Unevictable:", files, &text)
    Self.put("Mlocked:", 0, &text)
    Self.put("SwapTotal:", 0, &text)
    Self.put("SwapFree:", 0, &text)
    Self.put("Dirty:", 0, &text)
    Self.put("Writeback:", 0, &text)
    Self.put("AnonPages:", anonymous, &text)
    Self.put("Mapped:", mapped, &text)
    Self.put("Shmem:", files, &text)
    Self.put("KReclaimable:", 0, &text)
    Self.put("Slab:", heap, &text)
    Self.put("SReclaimable:", 0, &text)
    Self.put("SUnreclaim:", heap, &text)
    Self.put("KernelStack:", stacks, &text)
    Self.put("PageTables:", pageTables, &text)
    Self.put("NFS_Unstable:", 0, &text)
    Self.put("Bounce:", 0, &text)
    Self.put("WritebackTmp:", 0, &text)
    Self.put("CommitLimit:", total, &text)
    Self.put("Committed_AS:", committed, &text)
    Self.put("VmallocTotal:", 0, &text)
    Self.put("VmallocUsed:", 0, &text)
    Self.put("VmallocChunk:", 0, &text)
  }

  /// The number ends in column 24, before its unit.
  private static func put(_ label: StaticString, _ kibibytes: UInt64, _ text: inout TextBuffer) {
    let start = text.needed
    text.put(label)
    text.pad(from: start, to: 16)
    text.put(kibibytes, width: 8)
    text.put(" kB\n")
  }
}
