// The vDSO: found by the auxiliary vector, its symbols by their version, its functions compared with the calls.
// Built with musl too.
#include "check.h"

#include <elf.h>
#include <link.h>
#include <sched.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

static const char *base, *strings;
static const Elf64_Sym *symbols;
static const uint32_t *table;
static const uint16_t *versions;
static const Elf64_Verdef *definitions;

static int parse(void) {
  const Elf64_Ehdr *header = (const void *)base;
  if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_type != ET_DYN) return 0;
  const Elf64_Phdr *program = (const void *)(base + header->e_phoff);
  const char *load = 0;
  const Elf64_Dyn *dynamic = 0;
  for (int i = 0; i < header->e_phnum; i++) {
    if (program[i].p_type == PT_LOAD && !load) load = base + program[i].p_offset - program[i].p_vaddr;
    if (program[i].p_type == PT_DYNAMIC) dynamic = (const void *)(base + program[i].p_offset);
  }
  if (!load || !dynamic) return 0;
  for (; dynamic->d_tag != DT_NULL; dynamic++) {
    const void *address = load + dynamic->d_un.d_ptr;
    switch (dynamic->d_tag) {
      case DT_STRTAB: strings = address; break;
      case DT_SYMTAB: symbols = address; break;
      case DT_HASH: table = address; break;
      case DT_VERSYM: versions = address; break;
      case DT_VERDEF: definitions = address; break;
    }
  }
  return strings && symbols && table && versions && definitions;
}

static const char *versionName(int number) {
  for (const Elf64_Verdef *definition = definitions;; definition = (const void *)((const char *)definition + definition->vd_next)) {
    if (!(definition->vd_flags & VER_FLG_BASE) && (definition->vd_ndx & 0x7fff) == number)
      return strings + ((const Elf64_Verdaux *)((const char *)definition + definition->vd_aux))->vda_name;
    if (definition->vd_next == 0) return "";
  }
}

static void *find(const char *name) {
  for (uint32_t i = 0; i < table[1]; i++) {
    if (symbols[i].st_shndx == 0 || strcmp(strings + symbols[i].st_name, name) != 0) continue;
    if (strcmp(versionName(versions[i] & 0x7fff), "LINUX_2.6") != 0) continue;
    return (void *)(base + symbols[i].st_value);
  }
  return 0;
}

static int64_t number(struct timespec time) { return time.tv_sec * 1000000000ll + time.tv_nsec; }

int main(void) {
  base = (const char *)getauxval(AT_SYSINFO_EHDR);
  REQUIRE(base != 0);
  REQUIRE(parse());
  int (*clockGetTime)(int, struct timespec *) = find("__vdso_clock_gettime");
  int (*clockGetResolution)(int, struct timespec *) = find("__vdso_clock_getres");
  int (*getTimeOfDay)(struct timeval *, void *) = find("__vdso_gettimeofday");
  time_t (*getTime)(time_t *) = find("__vdso_time");
  int (*getProcessor)(unsigned *, unsigned *, void *) = find("__vdso_getcpu");
  REQUIRE(clockGetTime && clockGetResolution && getTimeOfDay && getTime && getProcessor);

  static const int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME};
  for (int i = 0; i < 4; i++) {
    for (int j = 0; j < 300; j++) {
      struct timespec first, second, third;
      CHECK_EQUAL(clockGetTime(clocks[i], &first), 0);
      CHECK_EQUAL(syscall(SYS_clock_gettime, clocks[i], &second), 0);
      CHECK_EQUAL(clockGetTime(clocks[i], &third), 0);
      CHECK(number(first) <= number(second) && number(second) <= number(third));
    }
  }
  struct timespec time = {-1, -1};
  struct timespec before, after;
  CHECK_EQUAL(syscall(SYS_clock_gettime, CLOCK_THREAD_CPUTIME_ID, &before), 0);
  CHECK_EQUAL(clockGetTime(CLOCK_THREAD_CPUTIME_ID, &time), 0);
  CHECK_EQUAL(syscall(SYS_clock_gettime, CLOCK_THREAD_CPUTIME_ID, &after), 0);
  CHECK(number(time) > 0 && number(before) <= number(time) && number(time) <= number(after));
  CHECK_EQUAL(clockGetTime(99, &time), -EINVAL);
  CHECK(clockGetResolution(CLOCK_MONOTONIC, &time) == 0 && number(time) == 1);
  CHECK_EQUAL(clockGetResolution(CLOCK_MONOTONIC, 0), 0);
  struct timeval day;
  clockGetTime(CLOCK_REALTIME, &before);
  CHECK_EQUAL(getTimeOfDay(&day, 0), 0);
  clockGetTime(CLOCK_REALTIME, &after);
  int64_t between = day.tv_sec * 1000000ll + day.tv_usec;
  CHECK(number(before) / 1000 <= between && between <= number(after) / 1000);
  // Linux takes it from the coarse clock, which is a little late.
  syscall(SYS_clock_gettime, CLOCK_REALTIME_COARSE, &before);
  time_t seconds = 0;
  CHECK(getTime(&seconds) == seconds);
  clockGetTime(CLOCK_REALTIME, &after);
  CHECK(before.tv_sec <= seconds && seconds <= after.tv_sec);

  cpu_set_t all, one;
  sched_getaffinity(0, sizeof all, &all);
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, &all)) continue;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    sched_setaffinity(0, sizeof one, &one);
    unsigned found = -1, node = -1;
    CHECK(getProcessor(&found, &node, 0) == 0 && found == (unsigned)cpu && node == 0);
  }
  return finish();
}
