import Core
import Machine

/// A thread's registration for restartable sequences (rseq(2)).
struct RestartableSequence {
  /// Where the program has its `struct rseq`; 0 for none.
  var address: UInt64 = 0
  /// What stands before each abort handler.
  var signature: UInt32 = 0
}
