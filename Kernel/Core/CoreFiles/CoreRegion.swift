/// How much of a region of memory goes into a core (core(5), "Controlling which mappings are written to the core dump",
/// with Linux's default).
public enum CoreRegion: Sendable {
  /// Nothing but its place.
  case none
  /// Its first page, by which a debugger knows a program or a library.
  case firstPage
  case whole

  /// - Parameters:
  ///   - hasFile: whether a file is mapped; the kernel's own object (vdso(7)) is none.
  ///   - hasOwnPages: whether the process has written to it.
  ///   - beginsWithHeader: whether it begins with an ELF header.
  public static func choose(
    _ region: MemoryRegion, hasFile: Bool, hasOwnPages: Bool, beginsWithHeader: Bool
  ) -> CoreRegion {
    if region.attributes.contains(.notDumped) { return .none }
    // As shared memory without a file.
    if region.attributes.contains(.segment) { return .whole }
    switch region.kind {
    case .anonymousPrivate, .anonymousShared: return .whole
    case .sourcePrivate, .sourceShared:
      guard hasFile else { return region.protection.contains(.execute) ? .whole : .none }
      if region.kind == .sourceShared { return .none }
      if hasOwnPages { return .whole }
      return beginsWithHeader && region.protection.contains(.read) ? .firstPage : .none
    }
  }

  /// In bytes.
  public func size(of region: MemoryRegion) -> UInt64 {
    switch self {
    case .none: 0
    case .firstPage: CoreFile.pageSize
    case .whole: region.length
    }
  }
}
