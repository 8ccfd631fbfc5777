// The page from which programs read the time: written by the kernel (`TimePage.swift`), read by the vDSO
// (Kernel/VDSO/vdso.c), which lies in the pages behind it.
#pragma once
#include <stdint.h>

struct TimePageContents {
  // Odd while the rest is changed, and another one afterwards.
  uint32_t sequence;
  uint32_t padding;
  // The time-stamp counter when the kernel's clock began.
  uint64_t start;
  // Nanoseconds in a tick, times 2^32.
  uint64_t multiplier;
  // Nanoseconds from 1970 to that beginning.
  uint64_t wallOffset;
};

// The segment whose limit is the number of the CPU (DescriptorTables.swift).
#define CPU_NUMBER_SELECTOR 0x4b
