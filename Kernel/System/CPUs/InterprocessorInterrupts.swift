import Machine

/// Why one CPU interrupts another. One vector serves all: the reasons are bits in the receiver's record.
enum InterprocessorRequest: UInt32 {
  /// Look at the run queue again.
  case reschedule = 1
  /// Drop TLB entries (`TLBShootdown`).
  case flush = 2
  /// Wait for a change of the FPU's strategy or instruction (`FPUChange`).
  case fpuChange = 4
  /// Execute a memory barrier (`MemoryBarrier`).
  case memoryBarrier = 8
}

enum InterprocessorInterrupts {
  /// Has another CPU serve a request. In any context; returns before it is served.
  static func send(_ request: InterprocessorRequest, to cpu: CPUPointer) {
    let before = cpu.pointee.requests.insert(request.rawValue)
    // With a bit set, an interrupt is on its way already.
    if before != 0 { return }
    // The command register is this CPU's: no interrupt handler may come between its two halves.
    Interrupts.withDisabled { Platform.localAPIC.send(vector: Vector.interprocessor, to: cpu.pointee.apicID) }
  }

  /// Serves what this CPU is asked for. Interrupts are disabled; also called when a
  /// kernel SIMD section ends, which may have put a request off.
  static func serve() {
    let cpu = CPURecord.current
    let requests = cpu.pointee.requests.exchange(0)
    if requests & InterprocessorRequest.flush.rawValue != 0 {
      cpu.pointee.flushRequests &+= 1
      TLBShootdown.serve()
    }
    if requests & InterprocessorRequest.reschedule.rawValue != 0 {
      cpu.pointee.rescheduleRequests &+= 1
      Placement.requestRescheduleHere()
    }
    if requests & InterprocessorRequest.memoryBarrier.rawValue != 0 {
      cpu.pointee.callRequests &+= 1
      MemoryBarrier.serve()
    }
    if requests & InterprocessorRequest.fpuChange.rawValue != 0 {
      cpu.pointee.callRequests &+= 1
      FPUChange.join()
    }
  }
}
