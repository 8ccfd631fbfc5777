import Core
import Machine

/// Why a program could not be started. Nothing has changed then.
public enum ProgramError: Error, Sendable {
  case notAProgram(ELFError)
  case outOfMemory
  case argumentsTooLong
  case failed(Errno)

  public var message: StaticString {
    switch self {
    case .notAProgram(let error): error.message
    case .outOfMemory: "out of memory"
    case .argumentsTooLong: "the arguments are too long"
    case .failed(.noEntry): "no such file"
    case .failed(.notDirectory): "part of the path is no directory"
    case .failed(.access): "not a file that may be run"
    case .failed(.notExecutable): "neither a program nor a script"
    case .failed(.tooManySymbolicLinks): "too many links or scripts behind each other"
    case .failed: "it cannot be loaded"
    }
  }

  var errno: Errno {
    switch self {
    case .notAProgram: .notExecutable
    case .outOfMemory: .outOfMemory
    case .argumentsTooLong: .argumentsTooLong
    case .failed(let errno): errno
    }
  }
}

/// From a file to a program in memory: scripts lead to their interpreters (execve(2)).
enum ProgramLoader {
  /// How many scripts may be each other's interpreters.
  private static var scriptLimit: Int { 5 }

  /// - Parameters:
  ///   - place: the file.
  ///   - scriptPath: what a script's interpreter is told to read.
  ///   - directory: where relative paths of interpreters begin.
  static func load(
    _ place: Path, _ start: ProgramImage.Start, scriptPath: ByteView, lookup: PathLookup, from directory: Path,
    arguments: borrowing StringVector, environment: borrowing StringVector
  ) throws(ProgramError) -> ProgramImage {
    let program = try ProgramFile(place, lookup.identity)
    if !ScriptLine.begins(program.head) {
      return try ProgramImage.load(
        program, start, lookup: lookup, from: directory, arguments: arguments, environment: environment)
    }
    var replaced = try arguments.behind(line(of: program), script: scriptPath)
    var place = try find(replaced.first, lookup, directory)
    var depth = 1
    while true {
      let next = try ProgramFile(place, lookup.identity)
      if !ScriptLine.begins(next.head) {
        return try ProgramImage.load(
          next, start, lookup: lookup, from: directory, arguments: replaced, environment: environment)
      }
      if depth == scriptLimit { throw .failed(.tooManySymbolicLinks) }
      depth += 1
      replaced = try replaced.behind(line(of: next), script: replaced.first)
      place = try find(replaced.first, lookup, directory)
    }
  }

  private static func line(of program: borrowing ProgramFile) throws(ProgramError) -> ScriptLine {
    guard let line = ScriptLine(program.head) else { throw .failed(.notExecutable) }
    return line
  }

  private static func find(
    _ path: ByteView, _ lookup: PathLookup, _ directory: Path
  ) throws(ProgramError) -> Path {
    do throws(Errno) {
      return try FileTree.find(path, from: directory, lookup)
    } catch {
      throw .failed(error)
    }
  }
}
