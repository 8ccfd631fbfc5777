// Where things lie in the kernel's half of the address space. The one source for Swift and, through
// Offsets.c, for the assembly.
#pragma once

// All physical memory, writable and never executable: virtual = physical + this.
#define DIRECT_MAP_BASE 0xffff800000000000ull
// Kernel stacks with their guard pages, and device registers.
#define STACK_AREA_BASE 0xffffc00000000000ull
#define DEVICE_AREA_BASE 0xffffe00000000000ull
// The kernel image: virtual = physical + this.
#define KERNEL_BASE 0xffffffff80000000ull

// The slots of the top-level page table that these occupy.
#define DIRECT_MAP_SLOT 256
#define STACK_AREA_SLOT 384
#define DEVICE_AREA_SLOT 448
#define KERNEL_SLOT 511

// Where the code that starts the other CPUs is copied: a page below 1 MiB, named by its number in the
// start-up interrupt.
#define STARTUP_PAGE 0x8000
