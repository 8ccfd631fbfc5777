import Core
import Machine

/// /proc/sys: settings of the kernel, most of them fixed.
enum SettingFiles {
  static func add(to root: ProcRoot) {
    let settings = root.addDirectory("sys")
    addKernel(to: settings.addDirectory("kernel"))
    let memory = settings.addDirectory("vm")
    // Programs get what is plausible (Linux's heuristic), and `max_map_count` is Linux's number: here only memory
    // bounds the regions.
    add("overcommit_memory", 0, to: memory)
    add("max_map_count", 65530, to: memory)
    add("mmap_min_addr", AddressSpace.lowestAddress, to: memory)
    add("swappiness", 0, to: memory)
    let files = settings.addDirectory("fs")
    add("nr_open", ResourceLimits.openFilesMaximum, to: files)
    files.addFile("file-max") { text throws(Errno) in
      text.put(Int64.max)
      text.put("\n")
    }
    add("pipe-max-size", 1 << 20, to: files)
    MessageQueueAccounts.addFiles(to: files)
  }

  private static func addKernel(to kernel: FixedDirectory) {
    kernel.addFile("ostype") { text throws(Errno) in text.put("Linux\n") }
    kernel.addFile("osrelease") { text throws(Errno) in
      text.put(SystemIdentity.release)
      text.put("\n")
    }
    kernel.addFile("version") { text throws(Errno) in
      text.put(SystemIdentity.version)
      text.put("\n")
    }
    addName("hostname", to: kernel) { SystemIdentity.hostName! }
    addName("domainname", to: kernel) { SystemIdentity.domainName! }
    kernel.addFile("core_pattern") { text throws(Errno) in text.put("core\n") }
    add("core_uses_pid", 0, to: kernel)
    add("pid_max", UInt64(ThreadIdentifiers.limit), to: kernel)
    kernel.addFile("threads-max") { text throws(Errno) in
      text.put(Threads.limit)
      text.put("\n")
    }
    add("ngroups_max", UInt64(SupplementaryGroups.limit), to: kernel)
    add("cap_last_cap", Capabilities.last, to: kernel)
    add("overflowuid", 65534, to: kernel)
    add("overflowgid", 65534, to: kernel)
    InterProcessFiles.addSettings(to: kernel)
    let random = kernel.addDirectory("random")
    let boot = (RandomSource.next(), RandomSource.next())
    random.addFile("boot_id") { text throws(Errno) in
      text.put(uuid: boot.0, boot.1)
      text.put("\n")
    }
    random.addFile("uuid") { text throws(Errno) in
      text.put(uuid: RandomSource.next(), RandomSource.next())
      text.put("\n")
    }
    add("entropy_avail", 256, to: random)
    add("poolsize", 256, to: random)
  }

  /// A number that never changes.
  private static func add(_ name: StaticString, _ number: UInt64, to directory: FixedDirectory) {
    directory.addFile(name) { text throws(Errno) in
      text.put(number)
      text.put("\n")
    }
  }

  /// One of the system's names, which root may change.
  private static func addName(
    _ name: StaticString, to directory: FixedDirectory, _ memory: @escaping () -> UnsafeMutablePointer<UInt8>
  ) {
    directory.addFile(
      name, permissions: 0o644,
      { text throws(Errno) in
        let copy = SystemIdentity.lock.withLock {
          var copy = InlineArray<65, UInt8>(repeating: 0)
          for index in 0..<65 { copy[index] = memory()[index] }
          return copy
        }
        withUnsafeBytes(of: copy) { text.put(zeroTerminated: $0) }
        text.put("\n")
      },
      receiver: { value throws(Errno) in
        let text = value.withoutNewline
        let cut = text.slice(at: 0, count: min(text.count, 64)) ?? text
        SystemIdentity.lock.withLock { SystemIdentity.set(memory(), to: cut) }
      })
  }
}
