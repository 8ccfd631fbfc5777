import Core

/// What a register file or a state area holds, told by who wrote it.
///
/// One identity stands for data, MXCSR and a pending exception alike, since each operation of the machine
/// moves them together: whoever sees a thread's data also sees its rounding mode and its pending exception.
enum Contents {
  /// The initial configuration of every component.
  static var initial: Int { 0 }
  /// What a kernel SIMD section computed.
  static var kernelData: Int { 1 }
  /// In an area: malformed, a restore faults. In registers: what a restore that faulted left behind, or what
  /// a CPU has after power-on.
  static var garbage: Int { 2 }
  /// What some thread had once and no living thread has now.
  static var stale: Int { 3 }
  /// What thread `thread` has now.
  static func current(_ thread: Int) -> Int { 4 + thread }

  static func name(_ contents: Int) -> String {
    switch contents {
    case initial: "the initial state"
    case kernelData: "kernel data"
    case garbage: "garbage"
    case stale: "stale data"
    default: "the state of thread \(contents - 4)"
    }
  }
}

/// What a CPU is doing.
enum Mode {
  static var kernel: Int { 0 }
  static var user: Int { 1 }
  static var kernelSection: Int { 2 }
  static var offline: Int { 3 }
}

/// One field of `World`.
struct Field {
  let shift: Int
  let mask: UInt64
}

/// Two CPUs and three user threads in one word; each CPU has an idle thread too, which is a kernel thread.
///
/// The state space is finite because contents are canonical: a thread that computes gets *the* current
/// contents, and every copy of what it had before becomes stale. Nothing that only counts is in here.
struct World: Hashable {
  var bits: UInt64 = 0

  static var threads: Int { 3 }
  static var cpus: Int { 2 }
  /// As an owner: none. As the current thread: the CPU's idle thread. As rights: nobody's.
  static var nobody: Int { 3 }

  subscript(cpu cpu: Int, field: Field) -> Int {
    get { Int((bits &>> UInt64(30 &+ 13 &* cpu &+ field.shift)) & field.mask) }
    set {
      let shift = UInt64(30 &+ 13 &* cpu &+ field.shift)
      bits = bits & ~(field.mask &<< shift) | UInt64(newValue) &<< shift
    }
  }

  subscript(thread thread: Int, field: Field) -> Int {
    get { Int((bits &>> UInt64(10 &* thread &+ field.shift)) & field.mask) }
    set {
      let shift = UInt64(10 &* thread &+ field.shift)
      bits = bits & ~(field.mask &<< shift) | UInt64(newValue) &<< shift
    }
  }

  var strategy: FPUStrategy {
    get { FPUStrategy(rawValue: UInt8(bits &>> 56 & 3))! }
    set { bits = bits & ~(3 &<< 56) | UInt64(newValue.rawValue) &<< 56 }
  }

  /// The CPU that runs the thread, or nil.
  func cpu(running thread: Int) -> Int? {
    if self[cpu: 0, .current] == thread { return 0 }
    if self[cpu: 1, .current] == thread { return 1 }
    return nil
  }

  /// Whatever equals the thread's present state is out of date from now on.
  mutating func makeStale(_ thread: Int) {
    let current = Contents.current(thread)
    for cpu in 0..<World.cpus where self[cpu: cpu, .registers] == current {
      self[cpu: cpu, .registers] = Contents.stale
    }
    for other in 0..<World.threads where self[thread: other, .area] == current {
      self[thread: other, .area] = Contents.stale
    }
  }

  /// The thread's protection-key rights change: every copy of them is out of date.
  mutating func makeRightsStale(_ thread: Int) {
    for cpu in 0..<World.cpus where self[cpu: cpu, .rights] == thread {
      self[cpu: cpu, .rights] = World.nobody
    }
    self[thread: thread, .savedRights] = 0
  }

  /// Both CPUs idle, two threads that have not run yet, room for a third.
  static func start(_ strategy: FPUStrategy) -> World {
    var world = World()
    world.strategy = strategy
    for cpu in 0..<cpus {
      world[cpu: cpu, .current] = nobody
      world[cpu: cpu, .owner] = nobody
      world[cpu: cpu, .rights] = nobody
      world[cpu: cpu, .registers] = Contents.garbage
    }
    for thread in 0..<2 {
      world[thread: thread, .isAlive] = 1
      world[thread: thread, .area] = Contents.current(thread)
      world[thread: thread, .savedRights] = 1
    }
    return world
  }
}

/// Fields of a thread.
extension Field {
  static var isAlive: Field { Field(shift: 0, mask: 1) }
  /// 0 is none, otherwise the CPU's number plus 1.
  static var lastCPU: Field { Field(shift: 1, mask: 3) }
  static var isLive: Field { Field(shift: 3, mask: 1) }
  /// Whether the registers were live in more slices in a row than the threshold of the load ahead.
  static var usesOften: Field { Field(shift: 4, mask: 1) }
  static var loadOnReturn: Field { Field(shift: 5, mask: 1) }
  static var area: Field { Field(shift: 6, mask: 7) }
  /// Whether the saved protection-key rights are the thread's present ones.
  static var savedRights: Field { Field(shift: 9, mask: 1) }
}

/// Fields of a CPU.
extension Field {
  static var current: Field { Field(shift: 0, mask: 3) }
  static var mode: Field { Field(shift: 2, mask: 3) }
  static var trapsOnUse: Field { Field(shift: 4, mask: 1) }
  static var owner: Field { Field(shift: 5, mask: 3) }
  static var registers: Field { Field(shift: 7, mask: 7) }
  /// Whose protection-key rights PKRU holds.
  static var rights: Field { Field(shift: 10, mask: 3) }
  /// The kernel's own record of an open section; whether one is open in fact is told by `mode`.
  static var sectionFlag: Field { Field(shift: 12, mask: 1) }
}
