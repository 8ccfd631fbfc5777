/// What the boot line has for init: `name=value` words for its environment, others as its arguments.
///
///     var words = options.initWords
///     while let word = words.next() { ... }
///
/// As on Linux: before `--` those whose name the kernel does not know; after it every word, as an argument.
/// A name with a dot in it belongs to a part of the kernel, and init never sees it.
public struct InitWords {
  /// One word, its quotes taken off.
  public enum Word: Sendable {
    case argument(ByteView)
    case variable(name: ByteView, value: ByteView)
  }

  private var words: BootLineWords
  private var isAfterDashes = false

  init(_ line: ByteView) {
    words = BootLineWords(line)
  }

  /// The next word for init, or nil at the end of the line.
  public mutating func next() -> Word? {
    while let word = words.next() {
      if isAfterDashes { return .argument(word.unquoted) }
      if word.text == "--" {
        isAfterDashes = true
      } else if word.isForInit {
        guard let value = word.value else { return .argument(word.name) }
        return .variable(name: word.name, value: value)
      }
    }
    return nil
  }
}

extension BootOptions {
  /// The words for init, in their order.
  public var initWords: InitWords { InitWords(line) }
}

extension BootLineWords.Word {
  /// Whether init gets the word, where it stands before `--`.
  var isForInit: Bool {
    !isUnterminated && !isMisquoted && !name.isEmpty && BootOption(named: name) == nil && !isOfLinux
      && name.firstIndex(of: UInt8(ascii: ".")) == nil
  }

  /// Whether Linux takes the word for itself, and it has no meaning here: it is passed over in silence, so
  /// that boot lines written for Linux can stay as they are.
  var isOfLinux: Bool {
    switch true {
    case name == "console", name == "earlyprintk", name == "earlycon", name == "loglevel", name == "quiet",
      name == "debug", name == "root", name == "rootfstype", name == "rootflags", name == "rootwait",
      name == "rootdelay", name == "ro", name == "rw", name == "panic", name == "nokaslr",
      name == "mitigations", name == "initrd", name == "clocksource", name == "tsc", name == "noapic",
      name == "acpi", name == "pci", name == "nomodeset", name == "vga":
      true
    default: false
    }
  }
}
