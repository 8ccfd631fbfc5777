// A static Swift program with Foundation, threads and tasks: much of a large run-time library in one test.
import Foundation

func say(_ text: String) { FileHandle.standardError.write(Data(("    " + text + "\n").utf8)) }

nonisolated(unsafe) var failures = 0
func check(_ condition: Bool, _ what: String, line: Int = #line) {
  if condition { return }
  failures += 1
  say("not ok main.swift:\(line): \(what)")
}

/// Sums square roots, so that SIMD registers are live all the time.
func sumOfRoots(_ range: Range<Int>) -> Double {
  range.reduce(0.0) { $0 + Double($1).squareRoot() }
}

check(String(format: "%.6f", Double.pi) == "3.141593", "formatting a number")
let formatter = ISO8601DateFormatter()
check(formatter.string(from: Date(timeIntervalSince1970: 1_000_000_000)) == "2001-09-09T01:46:40Z", "a date")

struct Point: Codable, Equatable { var x: Double, y: [Int], name: String }
let point = Point(x: 1.5, y: [1, 2, 3], name: "n\u{00E9}edle")
do {
  let data = try JSONEncoder().encode(point)
  let decoded = try JSONDecoder().decode(Point.self, from: data)
  check(decoded == point, "JSON")
  let file = URL(fileURLWithPath: NSTemporaryDirectory()).appendingPathComponent("swift-test-\(getpid())")
  try data.write(to: file)
  let content = try Data(contentsOf: file)
  check(content == data, "a file")
  try FileManager.default.removeItem(at: file)
  check(!FileManager.default.fileExists(atPath: file.path), "a file that was removed")
} catch {
  check(false, "an error: \(error)")
}

let expected = sumOfRoots(1..<200_000)
let lock = NSLock()
nonisolated(unsafe) var sums: [Double] = []
let threads = (0..<8).map { _ in
  Thread {
    let sum = sumOfRoots(1..<200_000)
    lock.lock()
    sums.append(sum)
    lock.unlock()
  }
}
for thread in threads { thread.start() }
while true {
  lock.lock()
  let count = sums.count
  lock.unlock()
  if count == 8 { break }
  Thread.sleep(forTimeInterval: 0.005)
}
check(sums.allSatisfy { $0 == expected }, "threads computed \(sums)")

let group = DispatchGroup()
for _ in 0..<8 {
  DispatchQueue.global().async(group: group) {
    let sum = sumOfRoots(1..<200_000)
    lock.lock()
    if sum != expected { failures += 1 }
    lock.unlock()
  }
}
group.wait()

let total = await withTaskGroup(of: Double.self) { group in
  for index in 0..<16 { group.addTask { sumOfRoots(index * 1000..<(index + 1) * 1000) } }
  return await group.reduce(0, +)
}
check(abs(total - sumOfRoots(0..<16000)) < 0.001, "tasks computed \(total)")
say("Swift on \(ProcessInfo.processInfo.activeProcessorCount) CPUs: \(failures) failures")
exit(failures == 0 ? 0 : 1)
