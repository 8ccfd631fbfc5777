import Core

/// The first program, as Linux starts it (kernel/init/main.c has the order; bootparam(7) the words).
extension Programs {
  /// Starts what the boot line names by `rdinit=` or `init=`, else the first there is of /init, /sbin/init,
  /// /etc/init, /bin/init and /bin/sh.
  ///
  /// Its environment is HOME=/ and TERM=linux with the boot line's variables, which may replace these.
  public static func startInit(_ options: BootOptions) throws(ProgramError) -> Process {
    if let path = options.ramDiskInitPath ?? options.initPath { return try startInit(path, options) }
    let candidates: InlineArray<5, StaticString> = ["/init", "/sbin/init", "/etc/init", "/bin/init", "/bin/sh"]
    for index in 0..<candidates.count {
      do throws(ProgramError) {
        return try startInit(ByteView(candidates[index]), options)
      } catch {
        guard case .failed(.noEntry) = error else { throw error }
      }
    }
    throw .failed(.noEntry)
  }

  private static func startInit(_ path: ByteView, _ options: BootOptions) throws(ProgramError) -> Process {
    guard var vector = StringVector(capacity: 4096), var environment = StringVector(capacity: 4096) else {
      throw .outOfMemory
    }
    var hasRoom = vector.append(path)
    if !options.initWords.contains(variable: "HOME") {
      hasRoom = environment.append(ByteView("HOME=/")) && hasRoom
    }
    if !options.initWords.contains(variable: "TERM") {
      hasRoom = environment.append(ByteView("TERM=linux")) && hasRoom
    }
    var words = options.initWords
    while let word = words.next() {
      switch word {
      case .argument(let text): hasRoom = vector.append(text) && hasRoom
      case .variable(let name, let value): hasRoom = environment.append(name: name, value: value) && hasRoom
      }
    }
    guard hasRoom else { throw .argumentsTooLong }
    return try start(path, vector, environment, isFirst: true)
  }
}

extension InitWords {
  /// Whether a variable of that name is among the words.
  fileprivate func contains(variable name: StaticString) -> Bool {
    var words = self
    while let word = words.next() {
      if case .variable(let candidate, _) = word, candidate == name { return true }
    }
    return false
  }
}
