import Core
import Machine

/// What open(2) with O_PATH gives: a place in the tree of files, of which nothing can be read.
final class PathFile: OpenFile, @unchecked Sendable {
  override func read(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int { throw .badFile }
  override func write(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int { throw .badFile }
}
