import Foundation

/// Which boots were asked for. `make test` sets the variables; without them nothing boots.
enum BootSelection {
  private static let environment = ProcessInfo.processInfo.environment

  /// The image is built, and boots are wanted.
  static let isWanted = environment["NEEDLETAIL_BOOT_TESTS"] == "1"
  /// `full`, `quick` or part of a boot's name.
  static let words = environment["NEEDLETAIL_MATRIX"] ?? "full"

  /// Whether a group of short boots is wanted: with all, with a few, or by its name.
  static func includes(_ group: String) -> Bool { isWanted && ["", "full", "quick", group].contains(words) }

  /// Those of `items` that are asked for: all, those that `quickNames` holds, or those with the words in their names.
  static func select<Item>(
    _ items: [Item], by words: String = words, quickNames: Set<String> = Boot.quickNames, name: (Item) -> String
  ) -> [Item] {
    switch words {
    case "", "full": items
    case "quick": items.filter { quickNames.contains(name($0)) }
    default: items.filter { name($0).contains(words) }
    }
  }
}
