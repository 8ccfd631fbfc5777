// The routines written in assembly, as Swift sees them. Each is described where it is written.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "Inlining.h"

// Entry/
void switchStacks(uint64_t *saved, uint64_t next);

// Entry/startup.asm
struct StartupMailbox {
  // Taken by the CPU that is started, which leaves 0.
  uint64_t area;
  uint32_t root, efer, cr0, apicID;
};

// Memory/
extern uint8_t userAccessGuarded;
INSTRUCTION void setUserAccessGuarded(void) { userAccessGuarded = 1; }
size_t copyUserBytes(void *destination, const void *source, size_t count);
size_t clearUserBytes(void *destination, size_t count);
int64_t copyUserString(uint8_t *destination, const uint8_t *source, size_t limit);
uint32_t tryRetainObject(void *object);
int32_t loadUserWord(const uint32_t *address, uint32_t *value);
int32_t compareExchangeUserWord(uint32_t *address, uint32_t expected, uint32_t value, uint32_t *found);

// FPU/
void fpuSaveFXSAVE(void *area, uint64_t mask);
void fpuSaveXSAVE(void *area, uint64_t mask);
void fpuSaveXSAVEOPT(void *area, uint64_t mask);
void fpuSaveXSAVEC(void *area, uint64_t mask);
void fpuSaveXSAVES(void *area, uint64_t mask);
int32_t fpuRestoreFXRSTOR(const void *area, uint64_t mask);
int32_t fpuRestoreXRSTOR(const void *area, uint64_t mask);
int32_t fpuRestoreXRSTORS(const void *area, uint64_t mask);
int32_t fpuRestoreXRSTORWithMXCSR(const void *area, uint64_t mask);
int32_t fpuRestoreXRSTORSWithMXCSR(const void *area, uint64_t mask);
int32_t fpuSaveUserXSAVE(void *state, uint64_t mask, uint64_t stateSize, uint64_t description);
int32_t fpuSaveUserFXSAVE(void *state, uint64_t description);
int32_t fpuRestoreUserXRSTOR(const void *state, uint64_t mask);
int32_t fpuRestoreUserFXRSTOR(const void *state);
void fpuScrubExceptionPointers(void);
void fpuInitialize(void);
void fpuLoadMXCSR(uint32_t value);
void fpuClearXMM(void);
void fpuProbeCompactedFormat(void *area, uint64_t mask);
int32_t fpuProbeTrapOnUse(void *area, uint64_t mask);
uint32_t fpuReadMXCSR(void);
uint16_t fpuReadControlWord(void);
uint16_t fpuReadStatusWord(void);
uint32_t fpuReadDataPointer(void);
void fpuLoadControlWord(uint16_t value);
void fpuFillLegacyRegisters(const uint64_t *pattern);
void fpuFillYMMRegisters(const uint64_t *pattern);
uint32_t fpuCompareXMMRegisters(const uint64_t *pattern);
void simdXORBlocksSSE2(uint8_t *destination, const uint8_t *source, size_t count);
void simdXORBlocksAVX(uint8_t *destination, const uint8_t *source, size_t count);

// Debugger.asm: where members lie in a thread's record, in bytes from its beginning.
struct DebugLayout {
  uint32_t isFilled;
  uint32_t identifier, lastCPU, state, cpu, listNext;
};
extern struct DebugLayout debugLayout;
extern void *debugFirstThread;
static inline void setDebugLayout(struct DebugLayout layout) { debugLayout = layout; }
static inline void setDebugFirstThread(void *thread) { debugFirstThread = thread; }

// Addresses of things in Boot/, the assembly and the linker script. By absolute address: the page tables lie
// at their physical ones, out of reach of a PC-relative reference.
#define ADDRESS_OF(symbol, Name)                               \
  INSTRUCTION uint64_t addressOf##Name(void) {                 \
    uint64_t address;                                          \
    __asm__("movabsq $" #symbol ", %0" : "=r"(address));       \
    return address;                                            \
  }
ADDRESS_OF(kernelPML4, KernelPML4)
ADDRESS_OF(bootPML4, BootPML4)
ADDRESS_OF(bootEntryTime, BootEntryTime)
ADDRESS_OF(firstCPUArea, FirstCPUArea)
ADDRESS_OF(imageEnd, ImageEnd)
ADDRESS_OF(textStart, TextStart)
ADDRESS_OF(textEnd, TextEnd)
ADDRESS_OF(startupCodeStart, StartupCodeStart)
ADDRESS_OF(startupCodeEnd, StartupCodeEnd)
ADDRESS_OF(startupMailbox, StartupMailbox)
ADDRESS_OF(interruptStubs, InterruptStubs)
ADDRESS_OF(systemCallEntry, SystemCallEntry)
ADDRESS_OF(systemCallEntry32, SystemCallEntry32)
ADDRESS_OF(threadStart, ThreadStart)
ADDRESS_OF(vdsoImageStart, VDSOImageStart)
ADDRESS_OF(vdsoImageEnd, VDSOImageEnd)
ADDRESS_OF(exceptionTableStart, ExceptionTableStart)
ADDRESS_OF(exceptionTableEnd, ExceptionTableEnd)
ADDRESS_OF(fpuProbePattern, FPUProbePattern)
ADDRESS_OF(fpuProbeTrappingSave, FPUProbeTrappingSave)
// The symbol table that the build links in: a count, addresses relative to KERNEL_BASE in ascending order,
// and for each the offset of its name, which ends in a zero.
ADDRESS_OF(symbolTableCount, SymbolTableCount)
ADDRESS_OF(symbolTableAddresses, SymbolTableAddresses)
ADDRESS_OF(symbolTableNameOffsets, SymbolTableNameOffsets)
ADDRESS_OF(symbolTableNames, SymbolTableNames)
#undef ADDRESS_OF

// What .extable holds: where an instruction may fault, and where to go on then.
struct ExceptionTableEntry {
  uint64_t faulting, recovery;
};
