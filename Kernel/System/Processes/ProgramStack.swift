import Core
import Machine

/// The first stack of a program: strings, auxiliary vector, pointers (System V ABI, AMD64 supplement, section
/// 3.4.1).
enum ProgramStack {
  /// Maps the stack and fills it.
  ///
  /// - Parameter auxiliary: gets the pairs that name addresses of the stack.
  /// - Returns: the stack pointer.
  static func layOut(
    in space: AddressSpace, path: ByteView, isExecutable: Bool, _ auxiliary: inout AuxiliaryVector,
    arguments: borrowing StringVector, environment: borrowing StringVector
  ) throws(ProgramError) -> UInt64 {
    let stackTop = space.layout.stackTop
    let strings = UInt64(path.count + arguments.byteCount + environment.byteCount)
    let pointers = UInt64(arguments.count + environment.count + AuxiliaryVector.capacity * 2 + 4) * 8
    let size = (strings + pointers + 0x2_1000 + 4095) & ~4095
    do throws(Errno) {
      try space.map(
        MemoryRegion(
          start: stackTop - size, end: stackTop,
          protection: isExecutable ? [.read, .write, .execute] : [.read, .write], growsDown: true),
        replacing: true)
    } catch {
      throw .failed(error)
    }

    var top = stackTop - 8
    func push(_ bytes: UnsafeRawBufferPointer) throws(ProgramError) -> UInt64 {
      top -= UInt64(bytes.count)
      guard bytes.count == 0 || space.write(bytes, at: top) else { throw .outOfMemory }
      return top
    }
    func pushText(_ text: ByteView) throws(ProgramError) -> UInt64 {
      top -= 1  // the page is zero already
      return try push(text.bytes)
    }
    auxiliary.append(.executablePath, try pushText(path))
    let environmentAddress = try push(environment.bytes)
    let environmentEnd = environmentAddress + UInt64(environment.byteCount)
    let argumentsAddress = try push(arguments.bytes)
    auxiliary.append(.platform, try pushText(ByteView("x86_64")))
    var random = (RandomSource.next(), RandomSource.next())
    auxiliary.append(
      .random, try withUnsafeBytes(of: &random) { bytes throws(ProgramError) in try push(bytes) })

    let words = 1 + arguments.count + 1 + environment.count + 1 + auxiliary.wordCount
    guard let memory = KernelHeap.allocate(size: words * 8, alignment: 16) else { throw .outOfMemory }
    defer { KernelHeap.deallocate(memory) }
    let table = memory.bindMemory(to: UInt64.self, capacity: words)
    table[0] = UInt64(arguments.count)
    var next = 1
    next = fill(table, from: next, strings: arguments.bytes, at: argumentsAddress)
    next = fill(table, from: next, strings: environment.bytes, at: environmentAddress)
    for index in 0..<auxiliary.wordCount { table[next + index] = auxiliary[index] }
    let stackPointer = (top - UInt64(words * 8)) & ~15
    guard space.write(UnsafeRawBufferPointer(start: memory, count: words * 8), at: stackPointer) else {
      throw .outOfMemory
    }
    space.startArea.arguments = argumentsAddress..<environmentAddress
    space.startArea.environment = environmentAddress..<environmentEnd
    let auxiliaryAddress = stackPointer + UInt64(next * 8)
    space.startArea.auxiliaryVector = auxiliaryAddress..<auxiliaryAddress + UInt64(auxiliary.wordCount * 8)
    space.startArea.stackPointer = stackPointer
    return stackPointer
  }

  /// Writes the address of each string, and a null pointer. Returns the next free place.
  private static func fill(
    _ table: UnsafeMutablePointer<UInt64>, from first: Int, strings: UnsafeRawBufferPointer,
    at address: UInt64
  ) -> Int {
    var place = first
    var offset = 0
    while offset < strings.count {
      table[place] = address + UInt64(offset)
      place += 1
      while strings[offset] != 0 { offset += 1 }
      offset += 1
    }
    table[place] = 0
    return place + 1
  }
}
