// Control registers, model-specific registers, flags and the like (Intel SDM volume 3, chapter 2).
#pragma once
#include <stdint.h>
#include "Inlining.h"

#define RFLAGS_INTERRUPT 0x200ull

INSTRUCTION void disableInterrupts(void) { __asm__ volatile("cli" : : : "memory"); }
INSTRUCTION void enableInterrupts(void) { __asm__ volatile("sti" : : : "memory"); }
// STI takes effect after the next instruction: no interrupt is lost between the two.
INSTRUCTION void enableInterruptsAndHalt(void) { __asm__ volatile("sti; hlt" : : : "memory"); }
INSTRUCTION void haltForever(void) {
  for (;;) __asm__ volatile("cli; hlt" : : : "memory");
}
INSTRUCTION uint64_t readFlags(void) {
  uint64_t flags;
  __asm__ volatile("pushfq; popq %0" : "=r"(flags) : : "memory");
  return flags;
}
INSTRUCTION void spinHint(void) { __asm__ volatile("pause" : : : "memory"); }
// Executes exactly 2 * count instructions; count is not 0.
INSTRUCTION void countDown(uint64_t count) {
  __asm__ volatile("1: dec %0\n\tjnz 1b" : "+r"(count) : : "cc");
}

#define REGISTER(Name, name)                                                   \
  INSTRUCTION uint64_t read##Name(void) {                                      \
    uint64_t value;                                                            \
    __asm__ volatile("movq %%" #name ", %0" : "=r"(value) : : "memory");       \
    return value;                                                              \
  }                                                                            \
  INSTRUCTION void write##Name(uint64_t value) {                               \
    __asm__ volatile("movq %0, %%" #name : : "r"(value) : "memory");           \
  }
REGISTER(CR0, cr0)
REGISTER(CR2, cr2)
REGISTER(CR3, cr3)
REGISTER(CR4, cr4)
// Debug registers (Intel SDM volume 3, section 18.2).
REGISTER(DR0, dr0)
REGISTER(DR1, dr1)
REGISTER(DR2, dr2)
REGISTER(DR3, dr3)
REGISTER(DR6, dr6)
REGISTER(DR7, dr7)
#undef REGISTER

// Clears CR0.TS without reading CR0 first.
INSTRUCTION void clearTaskSwitched(void) { __asm__ volatile("clts" : : : "memory"); }

INSTRUCTION uint64_t readMSR(uint32_t number) {
  uint32_t low, high;
  __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number) : "memory");
  return (uint64_t)high << 32 | low;
}
INSTRUCTION void writeMSR(uint32_t number, uint64_t value) {
  __asm__ volatile("wrmsr" : : "c"(number), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

struct CPUIDOutput {
  uint32_t eax, ebx, ecx, edx;
};
INSTRUCTION struct CPUIDOutput executeCPUID(uint32_t leaf, uint32_t subleaf) {
  struct CPUIDOutput out;
  __asm__ volatile("cpuid"
                   : "=a"(out.eax), "=b"(out.ebx), "=c"(out.ecx), "=d"(out.edx)
                   : "a"(leaf), "c"(subleaf));
  return out;
}

INSTRUCTION uint64_t readTimeStampCounter(void) {
  uint32_t low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
  return (uint64_t)high << 32 | low;
}
// The same put together here, so that no part of it is left among the instructions that are timed.
INSTRUCTION uint64_t readTimeStampCounterWhole(void) {
  uint64_t value;
  __asm__ volatile("rdtsc; shlq $32, %%rdx; orq %%rdx, %0" : "=a"(value) : : "rdx", "memory", "cc");
  return value;
}

// A random number from the CPU, where it has one ready: 1, or 0 where it has not.
INSTRUCTION uint32_t readRandomNumber(uint64_t *value) {
  uint8_t isValid;
  __asm__ volatile("rdrand %0; setc %1" : "=r"(*value), "=q"(isValid) : : "cc");
  return isValid;
}
INSTRUCTION uint32_t readRandomSeed(uint64_t *value) {
  uint8_t isValid;
  __asm__ volatile("rdseed %0; setc %1" : "=r"(*value), "=q"(isValid) : : "cc");
  return isValid;
}

INSTRUCTION void writeXCR0(uint64_t value) {
  __asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

INSTRUCTION uint32_t readProtectionKeyRights(void) {
  uint32_t value, high;
  __asm__ volatile("rdpkru" : "=a"(value), "=d"(high) : "c"(0) : "memory");
  return value;
}
INSTRUCTION void writeProtectionKeyRights(uint32_t value) {
  __asm__ volatile("wrpkru" : : "a"(value), "c"(0), "d"(0) : "memory");
}

INSTRUCTION void invalidatePage(uint64_t address) {
  __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

// a * b / c with a 128-bit product. The quotient must fit 64 bits, or DIV faults.
INSTRUCTION uint64_t multiplyAndDivide(uint64_t a, uint64_t b, uint64_t c) {
  uint64_t quotient, remainder;
  __asm__("mulq %3; divq %4" : "=&a"(quotient), "=&d"(remainder) : "0"(a), "r"(b), "r"(c) : "cc");
  return quotient;
}

struct __attribute__((packed)) DescriptorTablePointer {
  uint16_t limit;
  uint64_t base;
};
INSTRUCTION void loadGlobalDescriptorTable(const void *base, uint16_t limit) {
  struct DescriptorTablePointer pointer = {limit, (uint64_t)base};
  __asm__ volatile("lgdt %0" : : "m"(pointer) : "memory");
}
INSTRUCTION void loadInterruptDescriptorTable(const void *base, uint16_t limit) {
  struct DescriptorTablePointer pointer = {limit, (uint64_t)base};
  __asm__ volatile("lidt %0" : : "m"(pointer) : "memory");
}
// What LAR tells of a segment; 0 where it tells nothing.
INSTRUCTION uint32_t readSegmentAccessRights(uint32_t selector) {
  uint32_t rights;
  _Bool isValid;
  __asm__ volatile("larl %2, %0" : "=r"(rights), "=@ccz"(isValid) : "r"(selector) : "memory");
  return isValid ? rights : 0;
}
// DS, ES, FS and GS, one on the other: 0 where all are.
INSTRUCTION uint32_t segmentSelectorsInUse(void) {
  uint32_t all, one;
  __asm__ volatile(
      "movl %%ds, %0; movl %%es, %1; orl %1, %0; movl %%fs, %1; orl %1, %0; movl %%gs, %1; orl %1, %0"
      : "=r"(all), "=r"(one) : : "cc");
  return all;
}
// DS, ES, FS and GS, 16 bits each.
INSTRUCTION uint64_t readSegmentSelectors(void) {
  uint32_t ds, es, fs, gs;
  __asm__ volatile("movl %%ds, %0; movl %%es, %1; movl %%fs, %2; movl %%gs, %3"
                   : "=r"(ds), "=r"(es), "=r"(fs), "=r"(gs));
  return (uint64_t)gs << 48 | (uint64_t)fs << 32 | es << 16 | ds;
}
INSTRUCTION void clearFSAndGS(void) { __asm__ volatile("movl %0, %%fs; movl %0, %%gs" : : "r"(0) : "memory"); }
INSTRUCTION void loadDSAndES(uint32_t ds, uint32_t es) {
  __asm__ volatile("movl %0, %%ds; movl %1, %%es" : : "r"(ds), "r"(es) : "memory");
}
// Loads them, which sets the bases of FS and of the program's GS. Interrupts are disabled. A fault here would find the
// program's base in GS: each has to be one that can be loaded.
INSTRUCTION void loadSegmentSelectors(uint64_t selectors) {
  __asm__ volatile("movl %0, %%ds; movl %1, %%es; movl %2, %%fs; swapgs; movl %3, %%gs; swapgs"
                   : : "r"((uint32_t)(selectors & 0xffff)), "r"((uint32_t)(selectors >> 16 & 0xffff)),
                       "r"((uint32_t)(selectors >> 32 & 0xffff)), "r"((uint32_t)(selectors >> 48)) : "memory");
}
INSTRUCTION uint64_t readFSBase(void) {
  uint64_t base;
  __asm__ volatile("rdfsbase %0" : "=r"(base));
  return base;
}
INSTRUCTION void writeFSBase(uint64_t base) { __asm__ volatile("wrfsbase %0" : : "r"(base) : "memory"); }
// The base that SWAPGS makes GS's. Interrupts are disabled.
INSTRUCTION uint64_t readSwappedGSBase(void) {
  uint64_t base;
  __asm__ volatile("swapgs; rdgsbase %0; swapgs" : "=r"(base) : : "memory");
  return base;
}
INSTRUCTION void writeSwappedGSBase(uint64_t base) {
  __asm__ volatile("swapgs; wrgsbase %0; swapgs" : : "r"(base) : "memory");
}
INSTRUCTION void loadLocalDescriptorTable(uint16_t selector) {
  __asm__ volatile("lldt %0" : : "r"(selector) : "memory");
}
INSTRUCTION void loadTaskRegister(uint16_t selector) {
  __asm__ volatile("ltr %0" : : "r"(selector) : "memory");
}
// Reloads CS by a far return, and SS and the data segments, after the descriptor table was replaced.
INSTRUCTION void reloadSegments(uint64_t code, uint64_t data) {
  __asm__ volatile(
      "pushq %0; leaq 1f(%%rip), %%rax; pushq %%rax; lretq; 1: movw %w1, %%ss; xorl %%eax, %%eax;"
      "movw %%ax, %%ds; movw %%ax, %%es"
      :
      : "r"(code), "r"(data)
      : "rax", "memory");
}

// The frame pointer of the function that this is inlined into.
INSTRUCTION uint64_t readFramePointer(void) {
  uint64_t value;
  __asm__ volatile("movq %%rbp, %0" : "=r"(value));
  return value;
}

// Registers of devices: never merged, split or moved by the compiler.
INSTRUCTION uint32_t deviceRead32(uint64_t address) { return *(volatile uint32_t *)address; }
INSTRUCTION void deviceWrite32(uint64_t address, uint32_t value) { *(volatile uint32_t *)address = value; }
