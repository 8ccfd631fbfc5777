import Core
import Machine

/// The files in the directory of a process or a thread.
enum ProcessFileKind: UInt8, CaseIterable {
  // Listed by `ls` in this order; the first three and `fd`, `fdinfo`, `task` are no plain files.
  case task, descriptors, descriptorInformation, workingDirectory, root, executable
  case stat, status, statm, commandLine, name, environment, auxiliaryVector, maps, smaps, limits
  case mounts, mountInformation, inputOutput, waitChannel, outOfMemoryScore, outOfMemoryAdjustment
  case architectureStatus, fpu, personality, memory
  case systemCall, mappings, pageMap

  var fileName: StaticString {
    switch self {
    case .task: "task"
    case .descriptors: "fd"
    case .descriptorInformation: "fdinfo"
    case .workingDirectory: "cwd"
    case .root: "root"
    case .executable: "exe"
    case .stat: "stat"
    case .status: "status"
    case .statm: "statm"
    case .commandLine: "cmdline"
    case .name: "comm"
    case .environment: "environ"
    case .auxiliaryVector: "auxv"
    case .maps: "maps"
    case .smaps: "smaps"
    case .limits: "limits"
    case .mounts: "mounts"
    case .mountInformation: "mountinfo"
    case .inputOutput: "io"
    case .waitChannel: "wchan"
    case .outOfMemoryScore: "oom_score"
    case .outOfMemoryAdjustment: "oom_score_adj"
    case .architectureStatus: "arch_status"
    case .fpu: "fpu"
    case .personality: "personality"
    case .memory: "mem"
    case .systemCall: "syscall"
    case .mappings: "map_files"
    case .pageMap: "pagemap"
    }
  }

  /// Type and permissions, as on Linux.
  var mode: FileMode {
    switch self {
    case .task: .directory.with(permissions: 0o555)
    case .descriptors, .mappings: .directory.with(permissions: 0o500)
    case .descriptorInformation: .directory.with(permissions: 0o555)
    case .workingDirectory, .root, .executable: .symbolicLink.with(permissions: 0o777)
    case .environment, .auxiliaryVector, .inputOutput, .personality, .systemCall, .pageMap:
      .regular.with(permissions: 0o400)
    case .memory: .regular.with(permissions: 0o600)
    case .name, .outOfMemoryAdjustment: .regular.with(permissions: 0o644)
    default: .regular.with(permissions: 0o444)
    }
  }

  /// Whether only who may look into the process may open it, whatever the permissions say.
  var isProtected: Bool { isOfMemory || self == .inputOutput || self == .personality }

  /// Whether it stays that of the program that ran when it was opened.
  var isOfMemory: Bool {
    switch self {
    case .environment, .auxiliaryVector, .maps, .smaps: true
    default: false
    }
  }

  /// A thread's directory has no threads in it, and no mappings.
  func exists(inTask isTask: Bool) -> Bool { !(isTask && (self == .task || self == .mappings)) }
}
