import Core
import Machine

/// The pseudo-terminals whose master is open, by their numbers in /dev/pts.
enum PseudoTerminals {
  /// How many there may be, as Linux has it (/proc/sys/kernel/pty/max).
  static var limit: Int { 4096 }

  nonisolated(unsafe) private static var lock = SpinLock()
  /// nil where a number is free.
  nonisolated(unsafe) private static var storedTerminals: [PseudoTerminal?]?
  private static var terminals: [PseudoTerminal?] {
    get { storedTerminals ?? [] }
    _modify {
      if storedTerminals == nil { storedTerminals = [] }
      yield &storedTerminals!
    }
  }

  /// A new one, with the lowest free number.
  ///
  /// - Throws: ENOSPC, ENOMEM.
  static func make() throws(Errno) -> PseudoTerminal {
    while true {
      let index = lock.withLock { terminals.firstIndex { $0 == nil } ?? terminals.count }
      guard index < limit else { throw .noSpace }
      guard let terminal = PseudoTerminal(index: index) else { throw .outOfMemory }
      let isTaken = lock.withLock {
        if index == terminals.count { terminals.append(nil) }
        if index > terminals.count || terminals[index] != nil { return false }
        terminals[index] = terminal
        return true
      }
      if isTaken { return terminal }
    }
  }

  static func find(_ index: Int) -> PseudoTerminal? {
    lock.withLock { index >= 0 && index < terminals.count ? terminals[index] : nil }
  }

  /// The first one from a number on.
  static func first(from index: Int) -> PseudoTerminal? {
    lock.withLock {
      var index = max(index, 0)
      while index < terminals.count {
        if let terminal = terminals[index] { return terminal }
        index += 1
      }
      return nil
    }
  }

  static func first(where condition: (PseudoTerminal) -> Bool) -> PseudoTerminal? {
    lock.withLock {
      for case let terminal? in terminals where condition(terminal) { return terminal }
      return nil
    }
  }

  /// The caller refers to it, so that it does not end here.
  static func remove(_ terminal: PseudoTerminal) {
    lock.withLock {
      if terminal.index < terminals.count, terminals[terminal.index] === terminal {
        terminals[terminal.index] = nil
      }
    }
  }

  static var count: Int {
    lock.withLock {
      var count = 0
      for case .some in terminals { count += 1 }
      return count
    }
  }
}
