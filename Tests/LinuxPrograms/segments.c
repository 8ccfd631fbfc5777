// Built with musl too.
// arch_prctl(2), and DS, ES, FS and GS, which a program changes without asking: each keeps its own over preemption and
// moves, a child has its parent's, and a new program none.
#include "check.h"
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define DATA 0x2B
enum { ARCH_SET_GS = 0x1001, ARCH_SET_FS, ARCH_GET_FS, ARCH_GET_GS };
static int has_base_instructions;

static uint64_t selectors(void) {
  uint32_t ds, es, fs, gs;
  __asm__ volatile("movl %%ds, %0\n\tmovl %%es, %1\n\tmovl %%fs, %2\n\tmovl %%gs, %3" : "=r"(ds), "=r"(es), "=r"(fs), "=r"(gs));
  return (uint64_t)ds | (uint64_t)es << 16 | (uint64_t)fs << 32 | (uint64_t)gs << 48;
}
static void set_selectors(uint32_t ds, uint32_t es, uint32_t gs) {
  __asm__ volatile("movl %0, %%ds\n\tmovl %1, %%es\n\tmovl %2, %%gs" : : "r"(ds), "r"(es), "r"(gs) : "memory");
}
static uint64_t gs_base(void) {
  uint64_t base = ~0ull;
  if (has_base_instructions) {
    __asm__ volatile("rdgsbase %0" : "=r"(base));
    uint64_t told = ~0ull;
    syscall(SYS_arch_prctl, ARCH_GET_GS, &told);
    CHECK_EQUAL(told, base);
  } else {
    CHECK_EQUAL(syscall(SYS_arch_prctl, ARCH_GET_GS, &base), 0);
  }
  return base;
}

static volatile int traps;
static void on_trap(int number) { traps++; }

// Sees to it that others run in between, and that the kernel is entered in each way.
static void let_others_run(int turn) {
  sched_yield();
  for (volatile int i = 0; i < 2000; i++) {}
  if (turn % 8 == 0) __asm__ volatile("int3");
  if (turn % 16 == 0) {
    volatile char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *page = 1;
    munmap((void *)page, 4096);
  }
}

// FS has the C library's data behind it: nothing of C's between its change and its return.
static void keeps_fs_selector(void) {
  uint64_t base = 0;
  REQUIRE(syscall(SYS_arch_prctl, ARCH_GET_FS, &base) == 0);
  uint32_t found;
  __asm__ volatile(
    "movl %[data], %%fs\n\tmovl $50, %%r12d\n"
    "1:\tmovl $24, %%eax\n\tsyscall\n\tdecl %%r12d\n\tjnz 1b\n\t"
    "movl %%fs, %%r13d\n\tmovl $158, %%eax\n\tmovl $0x1002, %%edi\n\tmovq %[base], %%rsi\n\tsyscall\n\tmovl %%r13d, %[found]"
    : [found] "=&r"(found) : [data] "r"(DATA), [base] "r"(base)
    : "rax", "rcx", "rdx", "rdi", "rsi", "r11", "r12", "r13", "memory", "cc");
  CHECK_EQUAL(found, DATA);
  CHECK_EQUAL(selectors() >> 32 & 0xFFFF, 0);
}

static void keep(unsigned seed) {
  for (int turn = 0; turn < 120 && !check_failures; turn++) {
    uint32_t ds = (seed + turn) & 1 ? DATA : 0, es = (seed + turn) & 2 ? DATA : 0, gs = (seed + turn) & 4 ? DATA : 0;
    uint64_t base = (uint64_t)(seed * 1000 + turn) << 12;
    set_selectors(ds, es, gs);
    if (gs == 0) {
      REQUIRE(syscall(SYS_arch_prctl, ARCH_SET_GS, base) == 0);
    } else {
      base = 0;
    }
    // Any base may be written so, one of the kernel's too.
    if (has_base_instructions && turn % 3 == 0) {
      base = turn % 2 ? 0xFFFFFFFF80000000 + seed * 4096 : 0xFFFF800000000000 + seed * 64;
      __asm__ volatile("wrgsbase %0" : : "r"(base));
    }
    uint64_t before = selectors();
    let_others_run(turn);
    CHECK_EQUAL(selectors(), before);
    CHECK_EQUAL(gs_base(), base);
    if (turn % 30 == 0) {
      pid_t child = fork();
      if (child == 0) _exit(selectors() != before || gs_base() != base);
      int status = -1;
      waitpid(child, &status, 0);
      CHECK_EQUAL(status, 0);
    }
    // A null selector takes the base along, or leaves it, as the processor has it: it is told as it is.
    set_selectors(0, 0, 0);
    base = gs_base();
    let_others_run(turn + 1);
    CHECK_EQUAL(gs_base(), base);
    keeps_fs_selector();
  }
}

static void limits(void) {
  uint64_t base;
  CHECK_ERROR(syscall(SYS_arch_prctl, ARCH_SET_GS, 0x8000000000000000), EPERM);
  CHECK_ERROR(syscall(SYS_arch_prctl, ARCH_SET_FS, 0xFFFF800000000000), EPERM);
  CHECK_ERROR(syscall(SYS_arch_prctl, ARCH_GET_GS, (void *)8), EFAULT);
  set_selectors(0, 0, DATA);
  CHECK_EQUAL(syscall(SYS_arch_prctl, ARCH_SET_GS, 0x123000), 0);
  CHECK_EQUAL(selectors() >> 48, 0);
  CHECK_EQUAL(syscall(SYS_arch_prctl, ARCH_GET_GS, &base), 0);
  CHECK_EQUAL(base, 0x123000);
}

int main(int count, char **arguments) {
  has_base_instructions = getauxval(AT_HWCAP2) >> 1 & 1;
  if (count > 1) {
    CHECK_EQUAL(selectors(), 0);
    CHECK_EQUAL(gs_base(), 0);
    return finish();
  }
  signal(SIGTRAP, on_trap);
  limits();
  pid_t children[6];
  for (int i = 0; i < 6; i++) {
    children[i] = fork();
    REQUIRE(children[i] >= 0);
    if (children[i] == 0) {
      keep(i + 1);
      CHECK(traps > 0);
      if (check_failures) _exit(1);
      // A new program starts with none of it.
      set_selectors(DATA, DATA, DATA);
      char *again[] = {arguments[0], "again", NULL}, *environment[] = {NULL};
      execve(arguments[0], again, environment);
      _exit(2);
    }
  }
  for (int i = 0; i < 6; i++) {
    int status = -1;
    waitpid(children[i], &status, 0);
    CHECK_EQUAL(status, 0);
  }
  return finish();
}
