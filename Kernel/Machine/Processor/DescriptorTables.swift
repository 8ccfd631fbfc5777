import Core
import Instructions

/// The segments, task state and interrupt descriptors of a CPU (Intel SDM volume 3, sections 3.4, 6.14 and
/// 8.7).
public enum DescriptorTables {
  /// Which of the task state's interrupt stacks a vector runs on.
  public enum InterruptStack: Int, CaseIterable, Sendable {
    case doubleFault = 0
    case nonMaskable = 1
    case debug = 2
    case machineCheck = 3
  }

  /// Loads this CPU's own descriptors. GS has to be set anew after it.
  ///
  /// - Parameters:
  ///   - area: this CPU's area; GS points there already.
  ///   - stackTop: gives the top of the stack for each interrupt stack.
  public static func load(
    area: UnsafeMutablePointer<CPUArea>, stackTop: (InterruptStack) -> UInt64
  ) {
    area.pointee.taskState.portMapBase = UInt16(MemoryLayout<TaskStateSegment>.size)
    withUnsafeMutablePointer(to: &area.pointee.taskState) { taskState in
      // SAFETY: interruptStacks is seven 64-bit values at byte 36 of the packed structure.
      let stacks = UnsafeMutableRawPointer(taskState) + 36
      for stack in InterruptStack.allCases {
        stacks.storeBytes(of: stackTop(stack), toByteOffset: stack.rawValue * 8, as: UInt64.self)
      }
    }
    let taskState = withUnsafeMutablePointer(to: &area.pointee.taskState) { UInt64(UInt(bitPattern: $0)) }
    withUnsafeMutablePointer(to: &area.pointee.globalDescriptors) { table in
      let descriptors = UnsafeMutableRawPointer(table).assumingMemoryBound(to: UInt64.self)
      descriptors[0] = 0
      descriptors[1] = 0
      descriptors[2] = 0x00AF_9B00_0000_FFFF  // kernel code
      descriptors[3] = 0x00CF_9300_0000_FFFF  // kernel data
      descriptors[4] = 0x00CF_FB00_0000_FFFF  // user code, 32-bit: SYSRET's base
      descriptors[5] = 0x00CF_F300_0000_FFFF  // user data
      descriptors[6] = 0x00AF_FB00_0000_FFFF  // user code
      let limit = UInt64(MemoryLayout<TaskStateSegment>.size - 1)
      descriptors[7] =
        limit | (taskState & 0xFF_FFFF) << 16 | 0x89 << 40 | (taskState >> 24 & 0xFF) << 56
      descriptors[8] = taskState >> 32
      // For LSL in user mode, which gives its limit: a data segment that nobody loads.
      descriptors[9] = 0x0040_F100_0000_0000 | UInt64(area.pointee.number)
      // 10 and 11 are for the local table of a program that has one; the rest is each thread's own.
      for index in 10..<15 { descriptors[index] = 0 }
      loadGlobalDescriptorTable(descriptors, 15 * 8 - 1)
    }
    reloadSegments(UInt64(KERNEL_CODE_SELECTOR), UInt64(KERNEL_DATA_SELECTOR))
    // What the boot has left there is no program's. GS loses its base, too, which the caller sets again.
    clearFSAndGS()
    loadTaskRegister(UInt16(TASK_STATE_SELECTOR))
    // After a reset the local table lies at address 0, a program's, with room for every selector (Intel SDM volume 3,
    // table 9-1).
    loadLocalDescriptorTable(0)
  }

  /// Puts a thread's own segments into this CPU's table. Interrupts are disabled.
  @inline(never)
  public static func load(_ segments: ThreadStorageSegments) {
    withUnsafeMutablePointer(to: &cpuArea().pointee.globalDescriptors) { table in
      let own = UnsafeMutableRawPointer(table).assumingMemoryBound(to: UInt64.self)
        + ThreadStorageSegments.entries.lowerBound
      for index in 0..<ThreadStorageSegments.entries.count { own[index] = segments.descriptors[index] }
    }
  }

  /// Loads a program's local descriptor table on this CPU, or with 0 for its size none (Intel SDM volume 3, section
  /// 3.5.1). Interrupts are disabled.
  ///
  /// - Parameter area: this CPU's area.
  public static func loadLocal(area: UnsafeMutablePointer<CPUArea>, base: UInt64, sizeInBytes: Int) {
    guard sizeInBytes > 0 else { return loadLocalDescriptorTable(0) }
    let slot = Int(LOCAL_TABLE_SELECTOR) / 8
    withUnsafeMutablePointer(to: &area.pointee.globalDescriptors) { table in
      let descriptors = UnsafeMutableRawPointer(table).assumingMemoryBound(to: UInt64.self)
      descriptors[slot] =
        UInt64(sizeInBytes - 1) | (base & 0xFF_FFFF) << 16 | 0x82 << 40 | (base >> 24 & 0xFF) << 56
      descriptors[slot + 1] = base >> 32
    }
    loadLocalDescriptorTable(UInt16(LOCAL_TABLE_SELECTOR))
  }

  /// One interrupt gate, 16 bytes.
  struct Gate {
    var low: UInt64 = 0
    var high: UInt64 = 0
  }

  nonisolated(unsafe) private static var gates = InlineArray<256, Gate>(repeating: Gate())

  /// Fills the interrupt descriptor table, which all CPUs share. Called once, by the first CPU.
  ///
  /// Every gate disables interrupts. Those of breakpoints, overflows and i386 calls may be called by INT from user mode.
  public static func fillInterruptDescriptors() {
    // SAFETY: the assembly defines 256 addresses there.
    let stubs = UnsafePointer<UInt64>(bitPattern: UInt(addressOfInterruptStubs())).unsafelyUnwrapped
    for vector in 0..<256 {
      let stub = stubs[vector]
      let stack: UInt64 =
        switch vector {
        case 1: UInt64(InterruptStack.debug.rawValue + 1)
        case 2: UInt64(InterruptStack.nonMaskable.rawValue + 1)
        case 8: UInt64(InterruptStack.doubleFault.rawValue + 1)
        case 18: UInt64(InterruptStack.machineCheck.rawValue + 1)
        default: 0
        }
      let privilege: UInt64 = vector == 3 || vector == 4 || vector == I386_CALL_VECTOR ? 3 : 0
      var gate = Gate()
      gate.low = stub & 0xFFFF | UInt64(KERNEL_CODE_SELECTOR) << 16 | stack << 32 | 0x8E << 40
      gate.low |= privilege << 45 | (stub >> 16 & 0xFFFF) << 48
      gate.high = stub >> 32
      gates[vector] = gate
    }
  }

  /// Loads the shared interrupt descriptor table on this CPU.
  public static func loadInterruptDescriptors() {
    withUnsafePointer(to: &gates) { loadInterruptDescriptorTable($0, 256 * 16 - 1) }
  }
}
