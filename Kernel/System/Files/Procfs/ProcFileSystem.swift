import Core
import Machine

/// The file system that shows processes and the kernel itself (proc(5)). There is one, however often it is mounted.
final class ProcFileSystem: FileSystem, @unchecked Sendable {
  nonisolated(unsafe) private static var storedShared: ProcFileSystem?
  static var shared: ProcFileSystem { storedShared.unsafelyUnwrapped }

  override var makesFiles: Bool { false }

  private var storedRoot: ProcRoot?
  /// The entry of its root directory.
  var root: DirectoryEntry { DirectoryEntry(root: storedRoot.unsafelyUnwrapped) }

  private init() { super.init(device: FileSystem.makeDevice(), typeName: "proc") }

  /// While the machine comes up.
  ///
  /// - Parameter commandLine: what the boot loader gave, which stays in memory.
  static func initialize(commandLine: ByteView) {
    let fileSystem = ProcFileSystem()
    storedShared = fileSystem
    fileSystem.storedRoot = ProcRoot(fileSystem, commandLine)
  }

  /// The numbers of files of processes begin above those of all others.
  static func number(of identifier: Int32, isTask: Bool, _ kind: UInt64, descriptor: Int32 = 0) -> UInt64 {
    UInt64(UInt32(bitPattern: identifier)) << 32 | (isTask ? 1 << 31 : 0) | kind << 24
      | UInt64(UInt32(bitPattern: descriptor) & 0xFF_FFFF)
  }

  override var statistics: FileSystemStatistics {
    var statistics = FileSystemStatistics()
    statistics.magic = 0x9FA0  // PROC_SUPER_MAGIC
    return statistics
  }
}

/// /proc: files of the system, and a directory for each process.
final class ProcRoot: FixedDirectory, @unchecked Sendable {
  /// The position of process n is this and n.
  private static var processPosition: Int64 { 256 }

  init(_ fileSystem: ProcFileSystem, _ commandLine: ByteView) {
    super.init(fileSystem: fileSystem, number: fileSystem.makeNumber(), permissions: 0o555)
    add("self", ComputedLink(fileSystem: fileSystem, number: fileSystem.makeNumber()) { text throws(Errno) in
      guard let process = Scheduler.current.pointee.process else { throw .noEntry }
      text.put(process.identifier)
    })
    add("thread-self", ComputedLink(fileSystem: fileSystem, number: fileSystem.makeNumber()) { text throws(Errno) in
      guard let process = Scheduler.current.pointee.process else { throw .noEntry }
      text.put(process.identifier)
      text.put("/task/")
      text.put(Scheduler.current.pointee.identifier)
    })
    add("mounts", ComputedLink(fileSystem: fileSystem, number: fileSystem.makeNumber()) { text throws(Errno) in
      text.put("self/mounts")
    })
    SystemFiles.add(to: self, commandLine)
    MachineFiles.add(to: self)
    TerminalFiles.add(to: self)
    SettingFiles.add(to: self)
    InterProcessFiles.add(to: self)
  }

  override func lookUp(_ name: ByteView) throws(Errno) -> FileNode {
    guard let identifier = name.processIdentifier else { return try super.lookUp(name) }
    if let process = Processes.find(identifier) { return ProcessDirectory(process) }
    // A thread has a directory too, though none that is listed.
    guard let process = Threads.process(ofThread: identifier), Processes.find(process.identifier) === process else {
      throw .noEntry
    }
    return ProcessDirectory(process, thread: identifier)
  }

  override func list(from position: Int64, into listing: inout DirectoryListing) throws(Errno) {
    if position < Self.processPosition {
      try super.list(from: position, into: &listing)
      if listing.isFull { return }
    }
    var next = Int32(clamping: max(position - Self.processPosition, 1))
    while true {
      let batch = Processes.identifiers(from: next)
      for index in 0..<batch.count {
        let identifier = batch[index]
        let isAdded = listing.addNumber(
          identifier, number: ProcFileSystem.number(of: identifier, isTask: false, 0),
          type: FileMode.directory.directoryEntryType, position: Self.processPosition + Int64(identifier) + 1)
        guard isAdded else { return }
      }
      guard batch.isFull else { return }
      next = batch[batch.count - 1] + 1
    }
  }
}

/// The lowest of many numbers, sorted: a part of a listing.
struct NumberBatch {
  private static var capacity: Int { 64 }
  private var numbers = InlineArray<64, Int32>(repeating: 0)
  private(set) var count = 0

  var isFull: Bool { count == Self.capacity }
  subscript(index: Int) -> Int32 { numbers[index] }

  /// Takes a number in, if it is among the lowest.
  mutating func insert(_ number: Int32) {
    var index = count
    if isFull {
      guard number < numbers[count - 1] else { return }
      index -= 1
    } else {
      count += 1
    }
    while index > 0, numbers[index - 1] > number {
      numbers[index] = numbers[index - 1]
      index -= 1
    }
    numbers[index] = number
  }
}

extension Processes {
  /// The lowest identifiers of processes from a number on.
  static func identifiers(from first: Int32) -> NumberBatch {
    var batch = NumberBatch()
    forEach { if $0.identifier >= first { batch.insert($0.identifier) } }
    return batch
  }
}

extension DirectoryListing {
  /// Adds an entry whose name is a number.
  mutating func addNumber(_ name: Int32, number: UInt64, type: UInt8, position: Int64) -> Bool {
    var bytes = InlineArray<16, UInt8>(repeating: 0)
    return withUnsafeMutableBytes(of: &bytes) { memory in
      var text = TextBuffer(memory)
      text.put(name)
      return add(
        ByteView(base: memory.baseAddress!, count: text.count), number: number, type: type, position: position)
    }
  }
}

extension ByteView {
  /// The text as a number above 0 without signs or leading zeros: a process's or a thread's.
  var processIdentifier: Int32? {
    guard let number = descriptorNumber, number > 0 else { return nil }
    return number
  }

  /// The same, or 0.
  var descriptorNumber: Int32? {
    guard count > 0, count <= 10, bytes[0] != 48 || count == 1 else { return nil }
    var number: Int64 = 0
    for byte in bytes {
      guard byte >= 48, byte < 58 else { return nil }
      number = number * 10 + Int64(byte - 48)
    }
    return Int32(exactly: number)
  }

  /// The text of a setting as a number: blanks and a newline may follow.
  var settingNumber: Int64? {
    var index = 0
    var isNegative = false
    if count > 0, bytes[0] == UInt8(ascii: "-") {
      isNegative = true
      index = 1
    }
    let first = index
    var number: Int64 = 0
    while index < count, bytes[index] >= 48, bytes[index] < 58 {
      guard number < 1 << 56 else { return nil }
      number = number * 10 + Int64(bytes[index] - 48)
      index += 1
    }
    guard index > first else { return nil }
    while index < count {
      guard bytes[index] == 10 || bytes[index] == 32 || bytes[index] == 9 || bytes[index] == 0 else { return nil }
      index += 1
    }
    return isNegative ? -number : number
  }

  /// The text without newlines at its end.
  var withoutNewline: ByteView {
    var length = count
    while length > 0, bytes[length - 1] == 10 { length -= 1 }
    return slice(at: 0, count: length) ?? self
  }
}
