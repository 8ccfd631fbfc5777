@testable import Core
import Testing

@Suite struct CloneTests {
  @Test func flagsHaveToFitTogether() {
    let thread: CloneFlags = [.thread, .signalHandlers, .memory]
    #expect(thread.isConsistent)
    #expect(!CloneFlags([.thread, .memory]).isConsistent)
    #expect(!CloneFlags([.signalHandlers]).isConsistent)
    #expect(!thread.union(.clearSignalHandlers).isConsistent)
    #expect(!CloneFlags([.newMounts]).isConsistent)
    #expect(CloneFlags([.processDescriptor]).isConsistent)
    #expect(!thread.union(.processDescriptor).isConsistent)
    #expect(!CloneFlags([.processDescriptor, .detached]).isConsistent)
    #expect(CloneFlags([.memory, .vfork, .inputOutput]).isConsistent)
  }

  @Test func stackAndSignalOfClone3AreChecked() {
    let limit: UInt64 = 0x7FFF_FFFF_F000
    var arguments = CloneArguments()
    #expect(arguments.isValid(addressLimit: limit))
    arguments.exitSignal = 65
    #expect(!arguments.isValid(addressLimit: limit))
    arguments.exitSignal = 17
    arguments.stack = 0x1000
    #expect(!arguments.isValid(addressLimit: limit))
    arguments.stackSize = 0x1000
    #expect(arguments.isValid(addressLimit: limit))
    arguments.stackSize = limit
    #expect(!arguments.isValid(addressLimit: limit))
    arguments.stackSize = 0x1000
    arguments.flags = CloneFlags([.parent]).rawValue
    #expect(!arguments.isValid(addressLimit: limit), "it has its creator's signal")
    arguments.flags = 0x40
    #expect(!arguments.isValid(addressLimit: limit), "the signal is not in the flags")
    arguments.flags = 1 << 40
    #expect(!arguments.isValid(addressLimit: limit))
  }

  @Test func restartableSectionIsChecked() {
    var section = RestartableSequenceSection()
    section.start = 0x1000
    section.length = 0x10
    section.abortHandler = 0x2000
    let limit: UInt64 = 0x10000
    #expect(section.isValid(addressLimit: limit))
    #expect(section.contains(0x1000) && section.contains(0x100F))
    #expect(!section.contains(0x1010) && !section.contains(0xFFF))
    section.abortHandler = 0x1008
    #expect(!section.isValid(addressLimit: limit))
    section.abortHandler = 0x2000
    section.length = .max
    #expect(!section.isValid(addressLimit: limit))
    section.length = 0x10
    section.flags = 1
    #expect(!section.isValid(addressLimit: limit))
  }
}
