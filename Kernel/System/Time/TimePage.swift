/// What programs read the time from without a system call.
enum TimePage {
  /// The wall clock was set.
  static func update() {}
}
