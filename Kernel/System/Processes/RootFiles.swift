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

  /// How a region names a file as its source: by where its data begins.
  static func source(of file: File) -> UInt64 {
    UInt64(UInt(bitPattern: file.data.base))
  }

  /// Copies bytes of a source; the region's `sourceBytes` has bounded the range.
  ///
  /// - Returns: the number of bytes, the buffer's whole count.
  static func read(source: UInt64, offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    guard buffer.count > 0, let data = UnsafeRawPointer(bitPattern: UInt(source)) else { return 0 }
    buffer.baseAddress!.copyMemory(from: data + Int(offset), byteCount: buffer.count)
    return buffer.count
  }
}
