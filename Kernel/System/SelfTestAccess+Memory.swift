import Core
import Machine

extension SelfTestAccess {
  /// Memory as a program has it that nobody runs: private pages that have been written to, in several regions, one of
  /// them kept from children, shared pages of several stores, and a local descriptor table.
  package static func makeMemory() -> AddressSpace? {
    guard let space = AddressSpace() else { return nil }
    do throws(Errno) {
      for number in 0..<40 as Range<UInt64> {
        // Each in a last-level table of its own.
        let start = 0x1000_0000 + number << 21
        let isShared = number >= 20
        try space.map(
          MemoryRegion(
            start: start, end: start + 8192, protection: [.read, .write],
            kind: isShared ? .anonymousShared : .anonymousPrivate),
          of: isShared ? MappedSource(store: PageStore(size: 8192)) : nil, replacing: false)
        var word = number
        guard withUnsafeBytes(of: &word, { space.write($0, at: start) }) else { return nil }
      }
      _ = try space.setAttributes(of: 0x1000_0000..<0x1000_2000, insert: .notForked)
      try space.setLocalDescriptor(7, 0)
    } catch {
      return nil
    }
    return space
  }

  /// open(2) by the kernel, from the root directory.
  ///
  /// - Returns: 0, or the error's number.
  package static func open(_ path: StaticString, _ flags: UInt32) -> Int64 {
    let root = RootFileSystem.root
    do throws(Errno) {
      _ = try FileTree.open(
        ByteView(path), from: root, PathLookup(root: root, identity: .root),
        FileTree.OpenRequest(flags: OpenFlags(rawValue: flags), permissions: 0o600))
      return 0
    } catch {
      return error.number
    }
  }
}
