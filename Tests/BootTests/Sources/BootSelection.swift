import Foundation

/// Which boots were asked for. `make test` sets the variables; without them nothing boots.
enum BootSelection {
  private static let environment = ProcessInfo.processInfo.environment

  /// The image is built, and boots are wanted.
  static let isWanted = environment["NEEDLETAIL_BOOT_TESTS"] == "1"
  /// `full`, `all`, `quick` or part of a boot's name.
  static let words = environment["NEEDLETAIL_MATRIX"] ?? "full"

  /// Whether boots beside the matrix, which are short, are wanted: with all, with a few, or by their name.
  static func includes(_ name: String) -> Bool {
    isWanted && ["", "full", "all", "quick", name].contains(words)
  }

  /// Whether boots are wanted that take long, or much of the host: with all, or by their name.
  static func asksFor(_ name: String) -> Bool {
    isWanted && ["all", name].contains(words)
  }
}
