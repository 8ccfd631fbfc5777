import Assembly
import Runtime

func checkMapping(_ checks: inout Checks) {
  let mmap = SystemCallNumber.mmap
  let page = UInt(Mapping.pageSize)
  let readWrite = Mapping.read | Mapping.write
  let flags = Mapping.private | Mapping.anonymous
  let result = callSystem(mmap, 0, 4 * page, readWrite, flags, UInt.max, 0)
  guard result > 0, let memory = UnsafeMutableRawPointer(bitPattern: result) else {
    checks.expect("mmap", result, atLeast: 1)
    return
  }
  checks.expect("mmap gives whole pages", result & 4095, equals: 0)
  var sum = 0
  for offset in stride(from: 0, to: 4 * Mapping.pageSize, by: 64) {
    sum |= Int(memory.load(fromByteOffset: offset, as: UInt8.self))
  }
  checks.expect("new memory is zero", sum, equals: 0)
  memory.storeBytes(of: 77, as: Int.self)

  checks.expect(
    "mmap of nothing", callSystem(mmap, 0, 0, readWrite, flags, UInt.max, 0),
    error: ErrorNumber.invalid)
  checks.expect(
    "mmap neither private nor shared", callSystem(mmap, 0, page, readWrite, Mapping.anonymous, UInt.max, 0),
    error: ErrorNumber.invalid)
  checks.expect(
    "mmap of more than there is", callSystem(mmap, 0, 1 << 60, readWrite, flags, UInt.max, 0),
    error: ErrorNumber.noMemory)
  checks.expect(
    "mmap of a bad descriptor", callSystem(mmap, 0, page, readWrite, Mapping.private, 999, 0),
    error: ErrorNumber.badDescriptor)
  checks.expect(
    "mmap fixed at an odd address",
    callSystem(mmap, UInt(result) + 1, page, readWrite, flags | Mapping.fixed, UInt.max, 0),
    error: ErrorNumber.invalid)
  checks.expect(
    "mmap fixed over a page",
    callSystem(mmap, UInt(result), page, readWrite, flags | Mapping.fixed, UInt.max, 0), equals: result)
  checks.expect("the page is new", memory.load(as: Int.self), equals: 0)

  checkProtection(&checks, memory)
  let munmap = SystemCallNumber.munmap
  checks.expect("munmap in the middle", callSystem(munmap, UInt(result) + page, page), equals: 0)
  checks.expect("munmap again", callSystem(munmap, UInt(result) + page, page), equals: 0)
  checks.expect(
    "write from unmapped memory", callSystem(SystemCallNumber.write, 1, UInt(result) + page, 0x10),
    error: ErrorNumber.badAddress)
  checks.expect(
    "munmap of an odd address", callSystem(munmap, UInt(result) + 1, page),
    error: ErrorNumber.invalid)
  checks.expect("munmap of nothing", callSystem(munmap, UInt(result), 0), error: ErrorNumber.invalid)
  checks.expect("munmap across the hole", callSystem(munmap, UInt(result), 4 * page), equals: 0)
}

/// Each protection is tried by a child, whose end tells what came of it.
private func checkProtection(_ checks: inout Checks, _ memory: UnsafeMutableRawPointer) {
  let mprotect = SystemCallNumber.mprotect
  let page = UInt(Mapping.pageSize)
  let start = address(memory)
  let segmentationFault = 11
  checks.expect("mprotect to read only", callSystem(mprotect, start, page, Mapping.read), equals: 0)
  checks.expect("reading read-only memory", endOfChild { _ = touchByte(memory) }, equals: 0)
  checks.expect(
    "writing read-only memory", endOfChild { memory.storeBytes(of: 1, as: UInt8.self) },
    equals: segmentationFault)
  checks.expect("mprotect to nothing", callSystem(mprotect, start, page, Mapping.none), equals: 0)
  checks.expect(
    "reading protected memory", endOfChild { _ = touchByte(memory) },
    equals: segmentationFault)
  checks.expect(
    "mprotect to read and write", callSystem(mprotect, start, page, Mapping.read | Mapping.write), equals: 0)
  checks.expect("writing again", endOfChild { memory.storeBytes(of: 1, as: UInt8.self) }, equals: 0)
  checks.expect(
    "mprotect at an odd address", callSystem(mprotect, start + 1, page, 1),
    error: ErrorNumber.invalid)
  checks.expect("mprotect of a hole", callSystem(mprotect, 0x1000, page, 1), error: ErrorNumber.noMemory)
}

/// Runs `body` in a child. Returns 0, or the signal that ended it.
private func endOfChild(_ body: () -> Void) -> Int {
  let child = callSystem(SystemCallNumber.fork)
  if child == 0 {
    body()
    exitProcess(0)
  }
  return Int(waitForChild(child).status)
}

func checkBreak(_ checks: inout Checks) {
  let brk = SystemCallNumber.brk
  let start = callSystem(brk, 0)
  checks.expect("brk tells the break", start, atLeast: 1)
  guard start > 0, let memory = UnsafeMutableRawPointer(bitPattern: start) else { return }
  let size = 5 * Mapping.pageSize + 100
  checks.expect("brk grows", callSystem(brk, UInt(start + size)), equals: start + size)
  var sum = 0
  for offset in stride(from: 0, to: size, by: 50) {
    sum |= Int(memory.load(fromByteOffset: offset, as: UInt8.self))
    memory.storeBytes(of: 9, toByteOffset: offset, as: UInt8.self)
  }
  checks.expect("memory below the break is zero", sum, equals: 0)
  checks.expect("brk shrinks", callSystem(brk, UInt(start)), equals: start)
  checks.expect("brk refuses an address below its start", callSystem(brk, 0x1000), equals: start)
  checks.expect("brk refuses an address in the kernel", callSystem(brk, kernelAddress), equals: start)
}
