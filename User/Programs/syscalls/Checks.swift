import Runtime

/// Counts checks and prints a line for each: `ok NAME`, or `not ok NAME expected E found F`.
struct Checks {
  private(set) var failures = 0
  private(set) var count = 0
  let isQuiet: Bool

  mutating func expect(_ name: StaticString, _ found: Int, equals expected: Int) {
    report(name, found == expected, found, "expected ", expected)
  }

  mutating func expect(_ name: StaticString, _ found: Int, error: Int) {
    expect(name, found, equals: -error)
  }

  mutating func expect(_ name: StaticString, _ found: Int, atLeast least: Int) {
    report(name, found >= least, found, "expected at least ", least)
  }

  mutating func expect(_ name: StaticString, _ condition: Bool) {
    report(name, condition, condition ? 1 : 0, "expected ", 1)
  }

  private mutating func report(
    _ name: StaticString, _ isRight: Bool, _ found: Int, _ words: StaticString, _ expected: Int
  ) {
    count += 1
    if !isRight { failures += 1 }
    if isRight && isQuiet { return }
    var line = TextLine()
    line.add(isRight ? "ok " : "not ok ")
    line.add(name)
    if !isRight {
      line.add(" ")
      line.add(words)
      line.add(expected)
      line.add(" found ")
      line.add(found)
    }
    line.write()
  }
}

/// An address of the kernel's half, at which no program has memory.
let kernelAddress: UInt = 0xFFFF_FFFF_8010_0000

/// An address that no mapping of these programs covers.
let unmappedAddress: UInt = 0x10
