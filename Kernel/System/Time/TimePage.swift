import Core
import Machine

/// The page from which programs read the time without a system call, and the shared object that does so,
/// mapped together into every program (vdso(7)).
enum TimePage {
  /// The page of the time and those of the object behind it; nil where memory was out at the start.
  nonisolated(unsafe) private static var store: PageStore?
  nonisolated(unsafe) private static var page: UnsafeMutablePointer<TimePageContents>?

  /// In bytes, the time's page included.
  nonisolated(unsafe) private static var size: UInt64 = 0

  static func initialize() {
    let start = addressOfVDSOImageStart()
    let count = Int(addressOfVDSOImageEnd() - start)
    // SAFETY: the assembly puts the object between the two symbols.
    let image = UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: UInt(start)), count: count)
    let store = PageStore()
    do throws(Errno) {
      guard try store.write(at: 4096, from: image) == count else { return }
    } catch {
      return
    }
    guard case .frame(let frame) = store.frame(at: 0) else { return }
    size = (UInt64(count) + 2 * 4096 - 1) & ~4095
    do throws(Errno) { try store.truncate(to: size) } catch { return }
    page = PhysicalMemory.pointer(to: frame).assumingMemoryBound(to: TimePageContents.self)
    self.store = store
    update()
  }

  /// Whether a region is a part of what `map` maps.
  static func isMapped(by region: MemoryRegion) -> Bool {
    region.hasSource && region.sourceID == store?.identity
  }

  /// The wall clock or the scale has changed. Calls do not overlap.
  static func update() {
    guard let page else { return }
    // A reader that sees an odd number, or another one than before, comes again. Stores are seen in their
    // order.
    page.pointee.sequence &+= 1
    memoryFence()
    page.pointee.start = Time.start
    page.pointee.multiplier = Time.scale.multiplier
    page.pointee.wallOffset = WallClock.offset
    memoryFence()
    page.pointee.sequence &+= 1
  }

  /// Maps the pages into a new program's memory.
  ///
  /// - Returns: where the object begins, for AT_SYSINFO_EHDR; 0 where it could not be mapped, and the program
  ///   has to go by system calls.
  static func map(into space: AddressSpace) -> UInt64 {
    guard let store else { return 0 }
    do throws(AddressSpace.Failure) {
      let address = try space.mapAnywhere(size: size, hint: 0, of: MappedSource(store: store)) { start in
        MemoryRegion(
          start: start, end: start + size, protection: .read, kind: .sourceShared, sourceID: store.identity,
          attributes: .neverWritable)
      }
      try space.protect(address + 4096..<address + size, [.read, .execute])
      return address + 4096
    } catch {
      return 0
    }
  }
}
