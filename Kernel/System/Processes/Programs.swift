import Core
import Machine

/// Programs that the kernel itself starts.
public enum Programs {
  /// Starts a program of the archive.
  ///
  /// - Parameters:
  ///   - path: such as `/bin/sse`.
  ///   - arguments: words separated by blanks, without the program's name.
  ///   - affinity: the CPUs that may run it, a bit each.
  /// - Returns: the process, to wait for or to end.
  public static func start(
    _ path: ByteView, arguments: ByteView, nice: Int = 0, affinity: UInt64 = .max
  ) throws(ProgramError) -> Process {
    guard var vector = StringVector(capacity: 4096), var environment = StringVector(capacity: 64) else {
      throw .outOfMemory
    }
    guard vector.append(path), vector.appendWords(of: arguments) else { throw .argumentsTooLong }
    guard environment.append(ByteView("PATH=/bin")) else { throw .argumentsTooLong }
    return try start(path, vector, environment, nice: nice, affinity: affinity)
  }

  /// The same with a whole list of arguments, the program's name first, and an environment.
  ///
  /// - Parameter isFirst: whether it is process 1, which orphans become children of.
  static func start(
    _ path: ByteView, _ vector: borrowing StringVector, _ environment: borrowing StringVector, nice: Int = 0,
    affinity: UInt64 = .max, isFirst: Bool = false
  ) throws(ProgramError) -> Process {
    let lookup = PathLookup(root: RootFileSystem.root, identity: .root)
    let place: Path
    do throws(Errno) {
      place = try FileTree.find(path, from: lookup.root, lookup)
    } catch {
      throw .failed(error)
    }
    let image = try ProgramLoader.load(
      place,
      ProgramImage.Start(
        path: path, credentials: Credentials(), stackLimit: AddressSpaceLayout.defaultStackLimit),
      scriptPath: path, lookup: lookup, from: lookup.root, arguments: vector, environment: environment)

    let identifier = isFirst ? Processes.firstIdentifier : Threads.makeIdentifier()
    let process = Process(
      identifier: identifier, addressSpace: image.space, files: DescriptorTable(),
      fileSystem: FileSystemContext(), signalActions: SignalActions())
    try openConsole(for: process)
    process.setName(path)
    guard let thread = Threads.create(process: process, nice: nice, identifier: identifier) else {
      throw .outOfMemory
    }
    thread.pointee.affinity = affinity
    thread.setName(path: path)
    thread.setAddressSpace(image.space)
    thread.userFrame.initialize(to: startFrame(of: image))
    Threads.prepareStack(
      of: thread, at: UInt64(UInt(bitPattern: thread.userFrame)), function: 0, argument: 0)
    Processes.add(process, parent: nil)
    _ = process.add(thread)
    Threads.start(thread)
    return process
  }

  /// Descriptors 0 to 2 are the console.
  private static func openConsole(for process: Process) throws(ProgramError) {
    let console: OpenFile
    do throws(Errno) {
      console = try FileTree.openConsole()
    } catch {
      // As on Linux the program then starts without.
      return log("/dev/console cannot be opened: the archive has something else of that name")
    }
    for _ in 0..<3 {
      do throws(Errno) { _ = try process.files.add(console) } catch { throw .outOfMemory }
    }
  }

  /// As above, with texts that stand in the kernel.
  public static func start(
    _ path: StaticString, _ arguments: StaticString = "", nice: Int = 0, affinity: UInt64 = .max
  ) throws(ProgramError) -> Process {
    try start(ByteView(path), arguments: ByteView(arguments), nice: nice, affinity: affinity)
  }

  /// The registers at a program's first instruction: all zero but RIP, RSP and the flags.
  static func startFrame(of image: ProgramImage) -> TrapFrame {
    var frame = TrapFrame()
    frame.rip = image.entry
    frame.rsp = image.stackPointer
    frame.cs = UInt64(USER_CODE_SELECTOR)
    frame.ss = UInt64(USER_DATA_SELECTOR)
    frame.rflags = RFLAGS_INTERRUPT | 2
    return frame
  }
}
