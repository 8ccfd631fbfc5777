// Reads and writes of this CPU's area, each a single instruction relative to GS: right on whichever CPU it
// executes, and never cached by the compiler across anything.
#pragma once
#include "CPUArea.h"
#include "Inlining.h"

#define CPU_FIELD(name, Name, type, suffix)                                                                  \
  INSTRUCTION type cpu##Name(void) {                                                                         \
    type value;                                                                                              \
    __asm__ volatile("mov" suffix " %%gs:%c1, %0" : "=r"(value) : "i"(offsetof(struct CPUArea, name)));      \
    return value;                                                                                            \
  }                                                                                                          \
  INSTRUCTION void cpuSet##Name(type value) {                                                                \
    __asm__ volatile("mov" suffix " %0, %%gs:%c1"                                                            \
                     :                                                                                       \
                     : "r"(value), "i"(offsetof(struct CPUArea, name))                                       \
                     : "memory");                                                                            \
  }

CPU_FIELD(self, Area, struct CPUArea *, "q")
CPU_FIELD(currentThread, CurrentThread, void *, "q")
CPU_FIELD(kernelStackTop, KernelStackTop, uint64_t, "q")
CPU_FIELD(number, Number, uint32_t, "l")
CPU_FIELD(preemptionDisabled, PreemptionDisabled, uint32_t, "l")
CPU_FIELD(needsReschedule, NeedsReschedule, uint32_t, "l")
CPU_FIELD(interruptDepth, InterruptDepth, uint32_t, "l")
CPU_FIELD(fpuOwner, FPUOwner, void *, "q")
CPU_FIELD(fpuTrapsOnUse, FPUTrapsOnUse, uint32_t, "l")
CPU_FIELD(fpuKernelSectionOpen, FPUKernelSectionOpen, uint32_t, "l")
CPU_FIELD(fpuReady, FPUReady, uint32_t, "l")
CPU_FIELD(protectionKeyRights, ProtectionKeyRights, uint32_t, "l")
CPU_FIELD(record, Record, void *, "q")
#undef CPU_FIELD

INSTRUCTION void cpuIncrementPreemptionDisabled(void) {
  __asm__ volatile("incl %%gs:%c0" : : "i"(offsetof(struct CPUArea, preemptionDisabled)) : "memory", "cc");
}
INSTRUCTION void cpuDecrementPreemptionDisabled(void) {
  __asm__ volatile("decl %%gs:%c0" : : "i"(offsetof(struct CPUArea, preemptionDisabled)) : "memory", "cc");
}
// A comparison with a field is one instruction.
#define CPU_FIELD_COMPARISON(name, Name, type, suffix)                                                       \
  INSTRUCTION _Bool cpu##Name##Is(type value) {                                                              \
    _Bool isEqual;                                                                                           \
    __asm__ volatile("cmp" suffix " %1, %%gs:%c2"                                                            \
                     : "=@cce"(isEqual)                                                                      \
                     : "r"(value), "i"(offsetof(struct CPUArea, name)));                                     \
    return isEqual;                                                                                          \
  }
CPU_FIELD_COMPARISON(number, Number, uint32_t, "l")
CPU_FIELD_COMPARISON(fpuOwner, FPUOwner, const void *, "q")
CPU_FIELD_COMPARISON(protectionKeyRights, ProtectionKeyRights, uint32_t, "l")
#undef CPU_FIELD_COMPARISON

// Counts an event. Its number is a constant at every call, where a single INC is left of this.
INSTRUCTION void cpuCountFPUEvent(uint64_t event) {
#define COUNTER(number)                                                                                      \
  case number:                                                                                               \
    __asm__ volatile("incq %%gs:%c0" : : "i"(offsetof(struct CPUArea, fpuCounters[number])) : "memory", "cc"); \
    break;
  switch (event) {
    COUNTER(0) COUNTER(1) COUNTER(2) COUNTER(3) COUNTER(4) COUNTER(5) COUNTER(6) COUNTER(7)
  }
#undef COUNTER
}
// Takes `ended` out of the owner of another CPU's area, if it stands there.
INSTRUCTION void cpuRemoveFPUOwner(struct CPUArea *area, void *ended) {
  void *none = 0;
  __asm__ volatile("lock cmpxchgq %2, %1" : "+a"(ended), "+m"(area->fpuOwner) : "r"(none) : "memory", "cc");
}
