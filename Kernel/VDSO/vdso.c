// The shared object that the kernel maps into every program (vdso(7)): the time, and the CPU's number,
// without a system call. Called with the program's registers live: no FPU or SIMD instruction.
#include <stddef.h>
#include <stdint.h>

#include "TimePage.h"

#define EXPORT __attribute__((visibility("default")))
#define ALIAS(name) __attribute__((visibility("default"), weak, alias(#name)))

struct timespec {
  int64_t seconds, nanoseconds;
};
struct timeval {
  int64_t seconds, microseconds;
};
struct timezone {
  int32_t minutesWest, daylightSaving;
};

enum { second = 1000000000, tick = 1000000 };
enum { sysClockGetTime = 228, sysClockGetResolution = 229 };

// The linker puts it at the file's beginning.
extern const char __ehdr_start[] __attribute__((visibility("hidden")));

static inline const volatile struct TimePageContents *timePage(void) {
  return (const volatile struct TimePageContents *)(__ehdr_start - 4096);
}

static inline long systemCall(long number, long first, void *second) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(first), "S"(second) : "rcx", "r11", "memory");
  return result;
}

// Nanoseconds since the kernel's clock began; with `addWall` not 0, since 1970. The same arithmetic as the
// kernel's (ClockScale), so that the two agree.
static inline uint64_t now(int addWall) {
  const volatile struct TimePageContents *page = timePage();
  uint32_t sequence;
  uint64_t nanoseconds;
  do {
    sequence = page->sequence;
    uint32_t low, high;
    // Reads before it are done, and it is not done early (Intel SDM volume 2, RDTSC).
    __asm__ volatile("lfence\n\trdtsc\n\tlfence" : "=a"(low), "=d"(high) : : "memory");
    uint64_t ticks = ((uint64_t)high << 32 | low) - page->start;
    nanoseconds = (uint64_t)(((unsigned __int128)ticks * page->multiplier) >> 32);
    if (addWall) nanoseconds += page->wallOffset;
  } while (sequence & 1 || sequence != page->sequence);
  return nanoseconds;
}

EXPORT int __vdso_clock_gettime(int clock, struct timespec *time) {
  uint64_t nanoseconds;
  switch (clock) {
    case 0: case 5: case 8: case 11: nanoseconds = now(1); break;
    case 1: case 4: case 6: case 7: case 9: nanoseconds = now(0); break;
    default: return (int)systemCall(sysClockGetTime, clock, time);
  }
  time->seconds = (int64_t)(nanoseconds / second);
  time->nanoseconds = (int64_t)(nanoseconds % second);
  return 0;
}
int clock_gettime(int clock, struct timespec *time) ALIAS(__vdso_clock_gettime);

EXPORT int __vdso_clock_getres(int clock, struct timespec *resolution) {
  int64_t nanoseconds;
  switch (clock) {
    case 0: case 1: case 4: case 7: case 11: nanoseconds = 1; break;
    case 5: case 6: nanoseconds = tick; break;
    default: return (int)systemCall(sysClockGetResolution, clock, resolution);
  }
  if (resolution) {
    resolution->seconds = 0;
    resolution->nanoseconds = nanoseconds;
  }
  return 0;
}
int clock_getres(int clock, struct timespec *resolution) ALIAS(__vdso_clock_getres);

EXPORT int __vdso_gettimeofday(struct timeval *time, struct timezone *zone) {
  if (time) {
    uint64_t nanoseconds = now(1);
    time->seconds = (int64_t)(nanoseconds / second);
    time->microseconds = (int64_t)(nanoseconds % second / 1000);
  }
  if (zone) zone->minutesWest = zone->daylightSaving = 0;
  return 0;
}
int gettimeofday(struct timeval *time, struct timezone *zone) ALIAS(__vdso_gettimeofday);

EXPORT int64_t __vdso_time(int64_t *time) {
  int64_t seconds = (int64_t)(now(1) / second);
  if (time) *time = seconds;
  return seconds;
}
int64_t time(int64_t *time) ALIAS(__vdso_time);

EXPORT int __vdso_getcpu(uint32_t *cpu, uint32_t *node, void *unused) {
  (void)unused;
  uint32_t number;
  __asm__ volatile("lsl %1, %0" : "=r"(number) : "r"(CPU_NUMBER_SELECTOR) : "cc");
  if (cpu) *cpu = number;
  if (node) *node = 0;
  return 0;
}
int getcpu(uint32_t *cpu, uint32_t *node, void *unused) ALIAS(__vdso_getcpu);
