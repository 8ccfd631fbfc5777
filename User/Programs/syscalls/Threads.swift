import Assembly
import Runtime

func checkThreads(_ checks: inout Checks) {
  guard let memory = Mapping.allocate(sizeInBytes: Mapping.pageSize) else {
    checks.expect("memory for a thread", false)
    return
  }
  let words = memory.bindMemory(to: UInt32.self, capacity: 3)
  let thread = Thread(context: memory) { record in
    guard let record, let context = record.pointee.context else { return }
    let words = context.assumingMemoryBound(to: UInt32.self)
    storeWord(words, UInt32(truncatingIfNeeded: threadIdentifier()))
    storeWord(words + 1, UInt32(truncatingIfNeeded: processIdentifier()))
    storeWord(words + 2, Thread.hasOwnThreadPointer(record) ? 1 : 0)
  }
  checks.expect("clone of a thread", thread != nil)
  thread?.join()
  checks.expect("a thread's own identifier", Int(words[0]) != processIdentifier() && words[0] != 0)
  checks.expect("a thread's process identifier", Int(words[1]), equals: processIdentifier())
  checks.expect("CLONE_SETTLS", Int(words[2]), equals: 1)

  let cloneThread: UInt = 0x10000
  checks.expect(
    "clone of a thread without its signal handlers", callSystem(SystemCallNumber.clone, cloneThread),
    error: ErrorNumber.invalid)
  checks.expect(
    "clone of signal handlers without memory", callSystem(SystemCallNumber.clone, 0x800),
    error: ErrorNumber.invalid)
}

/// The FS base, by which a thread finds what is its own.
func checkThreadPointer(_ checks: inout Checks) {
  let archPrctl = SystemCallNumber.archPrctl
  let setFS: UInt = 0x1002
  let getFS: UInt = 0x1003
  var base: UInt = 0
  var selfPointer: UInt = 0
  withUnsafeMutablePointer(to: &selfPointer) {
    $0.pointee = 0x5AFE
    checks.expect("arch_prctl sets FS", callSystem(archPrctl, setFS, address($0)), equals: 0)
    checks.expect("FS reads the word", Int(readThreadPointerWord()), equals: 0x5AFE)
    let expected = address($0)
    withUnsafeMutablePointer(to: &base) {
      checks.expect("arch_prctl gets FS", callSystem(archPrctl, getFS, address($0)), equals: 0)
      checks.expect("the FS base", $0.pointee == expected)
    }
  }
  checks.expect("arch_prctl with a kernel address", callSystem(archPrctl, setFS, kernelAddress), error: 1)
  checks.expect(
    "arch_prctl to a bad address", callSystem(archPrctl, getFS, kernelAddress), error: ErrorNumber.badAddress)
  checks.expect("arch_prctl with a bad code", callSystem(archPrctl, 0x7777, 0), error: ErrorNumber.invalid)
}
