import Core
import Machine

/// The notes of a core: of the thread that was ended first, then of the process, then of the other threads.
enum CoreNotes {
  static func write(
    _ process: Process, _ signal: Signal, _ information: SignalInformation, _ regions: borrowing CoreRegions,
    to writer: inout CoreWriter
  ) throws(Errno) {
    let current = Scheduler.current
    try putStatus(of: current, process, signal, to: &writer)
    let description = describe(process)
    try put(.process, count: CoreProcessInformation.sizeInBytes, to: &writer) { description.write(to: $0) }
    try put(.signal, count: SignalInformation.userSizeInBytes, to: &writer) { bytes in
      for index in 0..<bytes.count { bytes[index] = 0 }
      withUnsafeBytes(of: information) { bytes.copyMemory(from: $0) }
    }
    try putAuxiliaryVector(of: process, to: &writer)
    try putFiles(of: process, regions, to: &writer)
    try putState(of: current, to: &writer)
    var after: Int32 = 0
    while let thread = nextThread(of: process, after: &after) {
      if thread == current { continue }
      freeze(thread)
      defer { Scheduler.thawToSleep(thread) }
      try putStatus(of: thread, process, signal, to: &writer)
      try putState(of: thread, to: &writer)
    }
  }

  /// The thread with the lowest identifier above one. They all wait for the core to be written.
  private static func nextThread(of process: Process, after identifier: inout Int32) -> ThreadPointer? {
    var found: ThreadPointer?
    let last = identifier
    process.forEachThread { thread in
      let number = thread.pointee.identifier
      if number > last, number < found?.pointee.identifier ?? .max { found = thread }
    }
    identifier = found?.pointee.identifier ?? .max
    return found
  }

  /// Waits until a thread that waits is off its CPU: its FPU state has been saved then.
  private static func freeze(_ thread: ThreadPointer) {
    while !Scheduler.freeze(thread) { Scheduler.yield() }
  }

  private static func put(
    _ note: CoreFile.Note, count: Int, to writer: inout CoreWriter,
    _ fill: (UnsafeMutableRawBufferPointer) -> Void
  ) throws(Errno) {
    try writer.put(count: CoreFile.noteHeaderSize) { CoreFile.writeNoteHeader(note, count: count, to: $0) }
    try writer.put(count: count, fill)
    let padding = CoreFile.size(ofNoteWith: count) - CoreFile.noteHeaderSize - count
    if padding > 0 { try writer.put(count: padding) { for index in 0..<$0.count { $0[index] = 0 } } }
  }

  private static func putStatus(
    of thread: ThreadPointer, _ process: Process, _ signal: Signal, to writer: inout CoreWriter
  ) throws(Errno) {
    var status = CoreThreadStatus()
    status.signal = signal.rawValue
    status.pending = thread.pointee.signals.pending.signals.rawValue
    status.blocked = thread.pointee.signals.blocked.rawValue
    status.identifier = thread.pointee.identifier
    status.parent = Int32(truncatingIfNeeded: Processes.parentIdentifier(of: process))
    status.group = process.group
    status.session = process.session
    let usage = thread.pointee.usage
    status.userTime = usage.userNanoseconds / 1000
    status.systemTime = usage.systemNanoseconds / 1000
    if thread == Scheduler.current { Segments.note(thread) }
    status.registers = TraceRegisters.read(of: thread, hidesTrapFlag: false)
    try put(.threadStatus, count: CoreThreadStatus.sizeInBytes, to: &writer) { status.write(to: $0) }
  }

  private static func putState(of thread: ThreadPointer, to writer: inout CoreWriter) throws(Errno) {
    let size = FPUStateAccess.sizeInBytes
    guard size <= Int(CoreFile.pageSize), let memory = KernelHeap.allocate(size: size, alignment: 64) else {
      throw .outOfMemory
    }
    defer { KernelHeap.deallocate(memory) }
    let image = UnsafeMutableRawBufferPointer(start: memory, count: size)
    FPUStateAccess.read(of: thread, into: image)
    KernelFPU.configuration.describe(image)
    try put(.legacyState, count: StateArea.legacySizeInBytes, to: &writer) { bytes in
      bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(image)[0..<bytes.count]))
    }
    guard KernelFPU.configuration.usesXSAVE else { return }
    try put(.extendedState, count: size, to: &writer) { $0.copyMemory(from: UnsafeRawBufferPointer(image)) }
  }

  private static func describe(_ process: Process) -> CoreProcessInformation {
    let thread = Scheduler.current
    var description = CoreProcessInformation()
    let credentials = process.credentials
    description.nice = thread.pointee.schedulingPolicy.nice
    description.user = credentials.user.real
    description.group = credentials.group.real
    description.identifier = process.identifier
    description.parent = Int32(truncatingIfNeeded: Processes.parentIdentifier(of: process))
    description.processGroup = process.group
    description.session = process.session
    description.name = thread.pointee.name
    if let space = process.addressSpace {
      let arguments = space.startArea.arguments
      let wanted = min(arguments.count, CoreProcessInformation.argumentsLimit)
      description.argumentsCount = withUnsafeMutableBytes(of: &description.arguments) {
        space.readForDebugger(
          arguments.lowerBound, into: UnsafeMutableRawBufferPointer(rebasing: $0[0..<wanted]))
      }
    }
    return description
  }

  private static func putAuxiliaryVector(of process: Process, to writer: inout CoreWriter) throws(Errno) {
    guard let space = process.addressSpace else { return }
    let vector = space.startArea.auxiliaryVector
    guard !vector.isEmpty, vector.count <= Int(CoreFile.pageSize) else { return }
    try put(.auxiliaryVector, count: vector.count, to: &writer) { bytes in
      let count = space.readForDebugger(vector.lowerBound, into: bytes)
      for index in count..<bytes.count { bytes[index] = 0 }
    }
  }

  /// NT_FILE: the files that are mapped, where, and from which of their pages on. As many as there is room for.
  private static func putFiles(
    of process: Process, _ regions: borrowing CoreRegions, to writer: inout CoreWriter
  ) throws(Errno) {
    guard let space = process.addressSpace else { return }
    let capacity = Int(CoreFile.pageSize) * 4
    guard let memory = KernelHeap.allocate(size: capacity + PathLimits.path * 2, alignment: 16) else {
      throw .outOfMemory
    }
    defer { KernelHeap.deallocate(memory) }
    let entries = UnsafeMutableRawBufferPointer(start: memory, count: capacity / 2)
    var names = TextBuffer(UnsafeMutableRawBufferPointer(start: memory + capacity / 2, count: capacity / 2))
    let path = UnsafeMutableRawBufferPointer(start: memory + capacity, count: PathLimits.path)
    let name = UnsafeMutableRawBufferPointer(start: memory + capacity + PathLimits.path, count: PathLimits.path)
    let root = process.fileSystem.root
    var count = 0
    for index in 0..<regions.count {
      let region = regions[index].region
      guard region.namesSource, let (_, file) = space.region(endingAfter: region.start), let file else { continue }
      var text = TextBuffer(name)
      ProcessPaths.put(file, from: root, path, &text)
      text.put(byte: 0)
      guard (count + 1) * 24 <= entries.count, names.count + text.count <= capacity / 2 else { break }
      let words = (entries.baseAddress! + count * 24).assumingMemoryBound(to: UInt64.self)
      words[0] = region.start
      words[1] = region.end
      words[2] = region.sourceOffset / CoreFile.pageSize
      names.put(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(name)[0..<text.count]))
      count += 1
    }
    let size = 16 + count * 24 + names.count
    try writer.put(count: CoreFile.noteHeaderSize) { CoreFile.writeNoteHeader(.files, count: size, to: $0) }
    let head: (UInt64, UInt64) = (UInt64(count), CoreFile.pageSize)
    try withUnsafeBytes(of: head) { bytes throws(Errno) in try writer.put(bytes) }
    try writer.put(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(entries)[0..<count * 24]))
    try writer.put(UnsafeRawBufferPointer(start: memory + capacity / 2, count: names.count))
    let padding = CoreFile.size(ofNoteWith: size) - CoreFile.noteHeaderSize - size
    if padding > 0 { try writer.put(count: padding) { for index in 0..<$0.count { $0[index] = 0 } } }
  }
}
