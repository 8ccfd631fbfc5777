// Compiled to assembly text only: the build turns each "->name value" into a nasm constant, so that
// structures and constants shared with assembly have one source, the headers.
#include "CPUArea.h"
#include "MemoryLayout.h"
#include "Selectors.h"

#define CONSTANT(name, value) __asm__ volatile("\n->" #name " %c0" : : "i"(value))
#define OFFSET(type, field) CONSTANT(type##_##field, offsetof(struct type, field))

void offsets(void) {
  CONSTANT(KERNEL_BASE, KERNEL_BASE);
  CONSTANT(DIRECT_MAP_SLOT, DIRECT_MAP_SLOT);
  CONSTANT(KERNEL_SLOT, KERNEL_SLOT);
  CONSTANT(STARTUP_PAGE, STARTUP_PAGE);

  OFFSET(CPUArea, self);
  OFFSET(CPUArea, currentThread);
  OFFSET(CPUArea, kernelStackTop);
  OFFSET(CPUArea, userStackPointer);
  OFFSET(CPUArea, preemptionDisabled);
  OFFSET(CPUArea, needsReschedule);
  OFFSET(CPUArea, globalDescriptors);
  CONSTANT(CPUArea_size, sizeof(struct CPUArea));

  CONSTANT(ThreadHead_returnWork, offsetof(struct ThreadHead, needsSequenceCheck));

  OFFSET(TrapFrame, vector);
  OFFSET(TrapFrame, errorCode);
  OFFSET(TrapFrame, rip);
  OFFSET(TrapFrame, cs);
  OFFSET(TrapFrame, rflags);
  OFFSET(TrapFrame, rsp);
  CONSTANT(SYSTEM_CALL_VECTOR, SYSTEM_CALL_VECTOR);
  CONSTANT(I386_CALL_VECTOR, I386_CALL_VECTOR);

  CONSTANT(KERNEL_CODE_SELECTOR, KERNEL_CODE_SELECTOR);
  CONSTANT(KERNEL_DATA_SELECTOR, KERNEL_DATA_SELECTOR);
  CONSTANT(USER_CODE_SELECTOR, USER_CODE_SELECTOR);
  CONSTANT(USER_DATA_SELECTOR, USER_DATA_SELECTOR);
}
