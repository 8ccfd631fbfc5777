import Core
import Machine

/// The files of the archive that GRUB loaded: the root file system, read where it lies.
public enum RootFiles {
  struct File {
    let name: ByteView
    let data: ByteView
  }

  nonisolated(unsafe) private static var archive: CPIOArchive?

  /// Takes the archive over, after a look at every entry.
  ///
  /// A damaged archive is named with its fault; the entries before the damage stay usable.
  static func initialize(_ image: ByteView?) {
    guard let image else {
      log("no archive: GRUB loaded no module; add `module2 /boot/initrd.cpio` to grub.cfg")
      return
    }
    var count = 0
    var reader = CPIOArchive(image)
    do throws(CPIOError) {
      while try reader.next() != nil { count += 1 }
      if count == 0 { log("initrd.cpio is empty; build it anew") }
    } catch {
      log("initrd.cpio is damaged after \(count) entries: \(error.message); build it anew")
    }
    if count > 0 { archive = CPIOArchive(image) }
  }

  /// The regular file at a path (leading slashes are left out), or nil.
  static func find(_ path: ByteView) -> File? {
    guard let archive else { return nil }
    var name = path
    while name.count > 0, name[0] == 47 { name = name.suffix(from: 1) ?? name }
    do throws(CPIOError) {
      guard let entry = try archive.find(name), entry.isRegularFile else { return nil }
      return File(name: entry.name, data: entry.data)
    } catch {
      return nil
    }
  }

  /// Files that have been run, in pages, by where their data begins in the archive.
  nonisolated(unsafe) private static var stores: [(base: UInt, store: PageStore)] = []
  nonisolated(unsafe) private static var lock = SpinLock()

  /// The contents of a file in pages; nil when memory is out.
  static func store(of file: File) -> PageStore? {
    let base = UInt(bitPattern: file.data.base)
    lock.acquire()
    defer { lock.release() }
    for entry in stores where entry.base == base { return entry.store }
    let store = PageStore()
    do throws(Errno) {
      guard try store.write(at: 0, from: file.data.bytes) == file.data.count else { return nil }
    } catch {
      return nil
    }
    stores.append((base, store))
    return store
  }
}
