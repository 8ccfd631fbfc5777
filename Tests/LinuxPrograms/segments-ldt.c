// Built with musl too.
// modify_ldt(2): segments that a program makes itself. What is refused, who shares them, what becomes of selectors
// whose segment goes away, and that they and the bases outlast preemption and moves between CPUs.
#include "check.h"
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <ucontext.h>

enum { READ = 0, WRITE_OLD = 1, READ_DEFAULT = 2, WRITE = 0x11, ENTRIES = 8192 };
enum { ARCH_SET_GS = 0x1001, ARCH_GET_FS = 0x1003, ARCH_GET_GS };
// Linux's struct user_desc.
struct segment {
  unsigned entry_number, base_addr, limit;
  unsigned seg_32bit : 1, contents : 2, read_exec_only : 1, limit_in_pages : 1, seg_not_present : 1, useable : 1;
  unsigned lm : 1;
};
#define DATA 0x2B
#define SELECTOR(entry) ((uint16_t)((entry) << 3 | 7))
static int has_base_instructions;

// Errors come as an int whose sign is not extended.
static long modify_ldt(int function, void *address, unsigned long count) {
  return (int)syscall(SYS_modify_ldt, function, address, count);
}

static struct segment data_segment(unsigned entry, uint32_t base, uint32_t limit) {
  struct segment segment = {.entry_number = entry, .base_addr = base, .limit = limit, .seg_32bit = 1};
  return segment;
}
static long install(struct segment segment) { return modify_ldt(WRITE, &segment, sizeof segment); }
static long clear_entry(unsigned entry) {
  struct segment none = {.entry_number = entry, .read_exec_only = 1, .seg_not_present = 1};
  return modify_ldt(WRITE, &none, sizeof none);
}

// The access rights and the limit as the processor tells them; 0 and -1 where it tells none.
static uint32_t rights(uint16_t selector) {
  uint32_t value = 0;
  __asm__ volatile("larl %1, %0\n\tjz 1f\n\txorl %0, %0\n1:" : "=&r"(value) : "r"((uint32_t)selector) : "cc");
  return value & 0xF0FF00;
}
static int64_t limit(uint16_t selector) {
  int64_t value;
  __asm__ volatile("lsll %k1, %k0\n\tjz 1f\n\tmovq $-1, %0\n1:"
                   : "=&r"(value) : "r"((uint32_t)selector) : "cc");
  return value;
}

static uint16_t get_gs(void) { uint32_t s; __asm__ volatile("movl %%gs, %0" : "=r"(s)); return s; }
static uint16_t get_ds(void) { uint32_t s; __asm__ volatile("movl %%ds, %0" : "=r"(s)); return s; }
static uint16_t get_es(void) { uint32_t s; __asm__ volatile("movl %%es, %0" : "=r"(s)); return s; }
static uint16_t get_ss(void) { uint32_t s; __asm__ volatile("movl %%ss, %0" : "=r"(s)); return s; }
static void set_gs(uint16_t s) { __asm__ volatile("movl %0, %%gs" : : "r"((uint32_t)s) : "memory"); }
static void set_ds(uint16_t s) { __asm__ volatile("movl %0, %%ds" : : "r"((uint32_t)s) : "memory"); }
static void set_es(uint16_t s) { __asm__ volatile("movl %0, %%es" : : "r"((uint32_t)s) : "memory"); }
static void set_ss(uint16_t s) { __asm__ volatile("movl %0, %%ss" : : "r"((uint32_t)s) : "memory"); }
static uint32_t gs_word(void) {
  uint32_t word;
  __asm__ volatile("movl %%gs:0, %0" : "=r"(word));
  return word;
}
static uint64_t gs_base(void) {
  uint64_t base = 1;
  CHECK_EQUAL(syscall(SYS_arch_prctl, ARCH_GET_GS, &base), 0);
  return base;
}

static void *map_low(int protection) {
  void *page = mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  REQUIRE(page != MAP_FAILED);
  return page;
}

static sigjmp_buf back;
static volatile sig_atomic_t trap_number, trap_error, fault_signal;
static void on_fault(int number, siginfo_t *information, void *opaque) {
  ucontext_t *context = opaque;
  fault_signal = number;
  trap_number = context->uc_mcontext.gregs[REG_TRAPNO];
  trap_error = context->uc_mcontext.gregs[REG_ERR];
  siglongjmp(back, 1);
}
// Whether loading a selector faults.
#define FAULTS(statement) (sigsetjmp(back, 1) ? 1 : ({ statement; 0; }))

static void catch_faults(void) {
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &action, NULL);
  sigaction(SIGBUS, &action, NULL);
}

// --- What is written and read ---

static void nothing_is_there_at_first(void) {
  char bytes[256];
  memset(bytes, 7, sizeof bytes);
  CHECK_EQUAL(modify_ldt(READ, bytes, sizeof bytes), 0);
  CHECK_EQUAL(bytes[0], 7);
  CHECK_EQUAL(modify_ldt(READ_DEFAULT, bytes, sizeof bytes), 128);
  for (int i = 0; i < 128; i++) CHECK_EQUAL(bytes[i], 0);
  CHECK_EQUAL(bytes[128], 7);
  CHECK_EQUAL(modify_ldt(READ_DEFAULT, bytes, 5), 5);
  CHECK_EQUAL(modify_ldt(READ_DEFAULT, (void *)8, 5), -EFAULT);
  CHECK_EQUAL(rights(SELECTOR(0)), 0);
}

static void hostile_requests_are_refused(void) {
  struct segment good = data_segment(0, 0x1000, 0xFFF), bad;
  // The error's sign is not extended: no error for a 64-bit program that looks at all of RAX.
  CHECK_EQUAL(syscall(SYS_modify_ldt, 3, &good, sizeof good), (uint32_t)-ENOSYS);
  CHECK_EQUAL(modify_ldt(0x10, &good, sizeof good), -ENOSYS);
  CHECK_EQUAL(modify_ldt(-1, &good, sizeof good), -ENOSYS);
  CHECK_EQUAL(modify_ldt(WRITE, &good, sizeof good - 1), -EINVAL);
  CHECK_EQUAL(modify_ldt(WRITE, &good, sizeof good + 1), -EINVAL);
  CHECK_EQUAL(modify_ldt(WRITE, &good, 0), -EINVAL);
  CHECK_EQUAL(modify_ldt(WRITE, (void *)8, sizeof good), -EFAULT);
  CHECK_EQUAL(modify_ldt(WRITE, (void *)0xFFFF800000000000, sizeof good), -EFAULT);
  bad = good, bad.entry_number = ENTRIES;
  CHECK_EQUAL(install(bad), -EINVAL);
  bad.entry_number = -1;
  CHECK_EQUAL(install(bad), -EINVAL);
  // Code of any privilege.
  bad = good, bad.contents = 3;
  CHECK_EQUAL(install(bad), -EINVAL);
  CHECK_EQUAL(modify_ldt(WRITE_OLD, &bad, sizeof bad), -EINVAL);
  bad.seg_not_present = 1;
  CHECK_EQUAL(modify_ldt(WRITE_OLD, &bad, sizeof bad), -EINVAL);
  // None of this has made a table.
  char bytes[8];
  CHECK_EQUAL(modify_ldt(READ, bytes, sizeof bytes), 0);
}

static void entries_have_what_was_asked_for(void) {
  struct segment segment = data_segment(2, 0x12345678, 0xABCDE);
  CHECK_EQUAL(install(segment), 0);
  uint64_t table[ENTRIES] = {0};
  memset(table, 7, sizeof table);
  CHECK_EQUAL(modify_ldt(READ, table, 1 << 20), sizeof table);
  CHECK_EQUAL(table[0] | table[1], 0);
  CHECK_EQUAL(table[2], 0x124AF3345678BCDE);
  CHECK_EQUAL(table[3] | table[ENTRIES - 1], 0);
  memset(table, 7, sizeof table);
  CHECK_EQUAL(modify_ldt(READ, table, 20), 20);
  CHECK_EQUAL(table[2] & 0xFFFFFFFF, 0x5678BCDE);
  CHECK_EQUAL(table[2] >> 32, 0x07070707);
  CHECK_EQUAL(modify_ldt(READ, (void *)8, 20), -EFAULT);
  CHECK_EQUAL(rights(SELECTOR(2)), 0x40F300);
  CHECK_EQUAL(limit(SELECTOR(2)), 0xABCDE);
  CHECK_EQUAL(rights(SELECTOR(1)), 0);
  CHECK_EQUAL(rights(SELECTOR(3)), 0);
  // The old function leaves the available bit out, and nobody gets 64-bit code.
  segment.useable = segment.limit_in_pages = 1;
  CHECK_EQUAL(install(segment), 0);
  CHECK_EQUAL(rights(SELECTOR(2)), 0xD0F300);
  CHECK_EQUAL(limit(SELECTOR(2)), 0xABCDEFFF);
  CHECK_EQUAL(modify_ldt(WRITE_OLD, &segment, sizeof segment), 0);
  CHECK_EQUAL(rights(SELECTOR(2)), 0xC0F300);
  segment.contents = 2, segment.lm = 1, segment.seg_32bit = 0;
  CHECK_EQUAL(install(segment), 0);
  CHECK_EQUAL(rights(SELECTOR(2)) & 0x600000, 0);
  CHECK_EQUAL(clear_entry(2), 0);
  CHECK_EQUAL(rights(SELECTOR(2)), 0);
  // Neither a limit nor a base: cleared by the old function.
  CHECK_EQUAL(install(data_segment(2, 0, 0)), 0);
  CHECK_EQUAL(rights(SELECTOR(2)), 0x40F300);
  segment = data_segment(2, 0, 0);
  CHECK_EQUAL(modify_ldt(WRITE_OLD, &segment, sizeof segment), 0);
  CHECK_EQUAL(rights(SELECTOR(2)), 0);
  // The last that a selector can name, and back.
  CHECK_EQUAL(install(data_segment(ENTRIES - 1, 1, 5)), 0);
  CHECK_EQUAL(limit(0xFFFF), 5);
  CHECK_EQUAL(clear_entry(ENTRIES - 1), 0);
  CHECK_EQUAL(limit(0xFFFF), -1);
}

// A stack of 16 bits would show what the kernel's stack pointer has above it: a kernel refuses it or hides that.
static void stacks_of_16_bits_show_nothing(void) {
  struct segment segment = data_segment(0, 0, 0xFFFF);
  segment.seg_32bit = 0;
  long result = install(segment);
  CHECK(result == 0 || result == -EINVAL);
  CHECK_EQUAL(rights(SELECTOR(0)), result == 0 ? 0xF300 : 0);
  // Data that cannot be written is no stack.
  segment.read_exec_only = 1;
  CHECK_EQUAL(install(segment), 0);
  CHECK_EQUAL(rights(SELECTOR(0)), 0xF100);
  catch_faults();
  CHECK(FAULTS(set_ss(SELECTOR(0))));
  CHECK_EQUAL(clear_entry(0), 0);
}

// --- Selectors ---

static void segments_are_reached(void) {
  uint32_t *words = map_low(PROT_READ | PROT_WRITE);
  words[0] = 0x1234, words[1] = 0x5678;
  CHECK_EQUAL(install(data_segment(0, (uint32_t)(uintptr_t)words, 0xFFF)), 0);
  CHECK_EQUAL(install(data_segment(1, (uint32_t)(uintptr_t)(words + 1), 0xFFF)), 0);
  set_gs(SELECTOR(0));
  CHECK_EQUAL(gs_word(), 0x1234);
  CHECK_EQUAL(gs_base(), (uintptr_t)words);
  set_gs(SELECTOR(1));
  CHECK_EQUAL(gs_word(), 0x5678);
  sched_yield();
  CHECK_EQUAL(gs_word(), 0x5678);
  CHECK_EQUAL(get_gs(), SELECTOR(1));
  // What is not there or cannot be read faults, and names itself.
  catch_faults();
  CHECK(FAULTS(set_gs(SELECTOR(9))));
  CHECK_EQUAL(fault_signal, SIGSEGV);
  CHECK_EQUAL(trap_number, 13);
  CHECK_EQUAL(trap_error, SELECTOR(9) & ~3);
  struct segment absent = data_segment(2, 0, 0xFFF);
  absent.seg_not_present = 1;
  CHECK_EQUAL(install(absent), 0);
  CHECK(FAULTS(set_gs(SELECTOR(2))));
  CHECK_EQUAL(fault_signal, SIGBUS);
  CHECK_EQUAL(trap_number, 11);
  CHECK(FAULTS(set_ss(SELECTOR(2))));
  CHECK_EQUAL(fault_signal, SIGBUS);
  CHECK_EQUAL(trap_number, 12);
  set_gs(0);
  for (int i = 0; i < 3; i++) CHECK_EQUAL(clear_entry(i), 0);
  munmap(words, 4096);
}

static volatile uint16_t handler_stack_segment;
static void on_user(int number) { handler_stack_segment = get_ss(); }
static void on_trap_in_frame(int number, siginfo_t *information, void *opaque) {
  ucontext_t *context = opaque;
  handler_stack_segment = context->uc_mcontext.gregs[REG_CSGSFS] >> 48;
  CHECK_EQUAL(get_ss(), handler_stack_segment);
}

// A handler has its program's stack segment, and its return brings it back.
static void stack_segments_last_through_a_handler(void) {
  CHECK_EQUAL(install(data_segment(0, 0, 0xFFFFF)), 0);
  struct sigaction action = {.sa_sigaction = on_trap_in_frame, .sa_flags = SA_SIGINFO};
  sigaction(SIGTRAP, &action, NULL);
  uint32_t after;
  __asm__ volatile("movl %1, %%ss\n\tint3\n\tmovl %%ss, %0\n\tmovl %2, %%ss"
                   : "=&r"(after) : "r"((uint32_t)SELECTOR(0)), "r"((uint32_t)DATA) : "memory");
  CHECK_EQUAL(handler_stack_segment, SELECTOR(0));
  CHECK_EQUAL(after, SELECTOR(0));
  CHECK_EQUAL(clear_entry(0), 0);
  // A system call's return has the common one.
  CHECK_EQUAL(install(data_segment(0, 0, 0xFFFFF)), 0);
  set_ss(SELECTOR(0));
  syscall(SYS_getpid);
  CHECK_EQUAL(get_ss(), DATA);
  signal(SIGUSR1, on_user);
  set_ss(SELECTOR(0));
  kill(getpid(), SIGUSR1);
  CHECK_EQUAL(handler_stack_segment, DATA);
  CHECK_EQUAL(clear_entry(0), 0);
  signal(SIGTRAP, SIG_DFL);
}

// DS and ES lose what is cleared; GS when it is loaded again, at the latest by a switch.
static void cleared_segments_leave_the_registers(void) {
  for (int i = 0; i < 2; i++) CHECK_EQUAL(install(data_segment(i, 0x1000, 0xFFFFF)), 0);
  set_ds(SELECTOR(0)), set_es(SELECTOR(1));
  CHECK_EQUAL(clear_entry(0), 0);
  uint16_t ds = get_ds(), es = get_es();
  set_ds(0), set_es(0);
  CHECK_EQUAL(ds, 0);
  CHECK_EQUAL(es, SELECTOR(1));
  set_gs(SELECTOR(1));
  CHECK_EQUAL(clear_entry(1), 0);
  pid_t other = fork();
  if (other == 0) _exit(get_gs() != 0);
  int status;
  waitpid(other, &status, 0);
  CHECK_EQUAL(status, 0);
  usleep(1000);
  CHECK_EQUAL(get_gs(), 0);
}

// --- Who shares the table ---

static int of_other_process(void) { return rights(SELECTOR(5)) != 0x40F300 || limit(SELECTOR(5)) != 0x42; }
static int clone_body(void *argument) {
  if (of_other_process()) return 1;
  return clear_entry(5) != 0;
}

static void children_have_copies_and_threads_the_same(const char *self) {
  CHECK_EQUAL(install(data_segment(5, 0x1000, 0x42)), 0);
  int status;
  pid_t child = fork();
  if (child == 0) {
    if (of_other_process()) _exit(1);
    if (install(data_segment(5, 0x1000, 0x43)) != 0 || limit(SELECTOR(5)) != 0x43) _exit(2);
    if (install(data_segment(700, 0x1000, 0x43)) != 0) _exit(3);
    _exit(0);
  }
  waitpid(child, &status, 0);
  CHECK_EQUAL(status, 0);
  CHECK_EQUAL(limit(SELECTOR(5)), 0x42);
  CHECK_EQUAL(rights(SELECTOR(700)), 0);
  // A new program has none, also where the memory was shared.
  for (int i = 0; i < 2; i++) {
    child = i ? vfork() : fork();
    if (child == 0) {
      execl(self, self, "none", NULL);
      _exit(9);
    }
    waitpid(child, &status, 0);
    CHECK_EQUAL(status, 0);
    CHECK_EQUAL(limit(SELECTOR(5)), 0x42);
  }
  // What shares the memory shares the table.
  static char stack[65536] __attribute__((aligned(16)));
  child = clone(clone_body, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);
  REQUIRE(child > 0);
  waitpid(child, &status, 0);
  CHECK_EQUAL(status, 0);
  CHECK_EQUAL(rights(SELECTOR(5)), 0);
}

static volatile int phase;
static void pin(int cpu) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  sched_setaffinity(0, sizeof one, &one);
}
static void unpin(const cpu_set_t *all) { sched_setaffinity(0, sizeof *all, all); }

static void *clears_and_sets(void *argument) {
  pin(1);
  while (phase < 100) {
    if (phase & 1) {
      // The other one spins with the segment loaded.
      if (clear_entry(0) != 0) abort();
      __atomic_fetch_add(&phase, 1, __ATOMIC_SEQ_CST);
    }
    __asm__ volatile("pause");
  }
  return NULL;
}

// A change reaches a thread that runs elsewhere, at once: no system call of its own is needed.
static void changes_reach_other_processors(void) {
  cpu_set_t all;
  sched_getaffinity(0, sizeof all, &all);
  if (!CPU_ISSET(0, &all) || !CPU_ISSET(1, &all)) return;
  pin(0);
  pthread_t thread;
  phase = 0;
  REQUIRE(pthread_create(&thread, NULL, clears_and_sets, NULL) == 0);
  catch_faults();
  for (int turn = 0; turn < 24; turn++) {
    REQUIRE(install(data_segment(0, 0, 0xFFFFF)) == 0);
    int before = phase;
    switch (turn % 3) {
    case 0:
      // The descriptor as the processor sees it.
      CHECK(limit(SELECTOR(0)) == 0xFFFFF);
      phase = before + 1;
      while (phase == before + 1) {}
      CHECK_EQUAL(limit(SELECTOR(0)), -1);
      break;
    case 1: {
      set_ds(SELECTOR(0));
      phase = before + 1;
      while (phase == before + 1) {}
      uint16_t ds = get_ds();
      set_ds(0);
      CHECK_EQUAL(ds, 0);
      break;
    }
    case 2: {
      // There is no way on with a stack segment that has gone.
      volatile int *place = &phase;
      if (sigsetjmp(back, 1) == 0) {
        set_ss(SELECTOR(0));
        *place = before + 1;
        while (*place == before + 1) {}
        set_ss(DATA);
        CHECK(!"the stack segment outlived its descriptor");
      } else {
        CHECK_EQUAL(fault_signal, SIGSEGV);
        CHECK_EQUAL(trap_number, 13);
        while (phase == before + 1) {}
      }
      CHECK_EQUAL(get_ss(), DATA);
      break;
    }
    }
  }
  phase = 100;
  pthread_join(thread, NULL);
  unpin(&all);
}

// --- Preemption and moves ---

enum { WORKERS = 6, TURNS = 300 };
static uint32_t *shared_words;
static volatile int changing = 1;
static long switches, moves;

static void *works(void *argument) {
  unsigned number = (uintptr_t)argument;
  uint16_t selector = SELECTOR(number);
  uint64_t base = (uintptr_t)&shared_words[number];
  int last = -1;
  long cpus = sysconf(_SC_NPROCESSORS_ONLN);
  for (unsigned turn = 0; turn < TURNS && !check_failures; turn++) {
    // A segment of the table, its base with another one in its place, and a base without a segment.
    unsigned kind = (turn + number) % (has_base_instructions ? 3 : 2);
    uint64_t expected = base;
    if (kind == 0) {
      set_gs(selector);
    } else if (kind == 1) {
      expected = (uint64_t)number << 40 | turn << 12;
      if (syscall(SYS_arch_prctl, ARCH_SET_GS, expected) != 0) check_failures++;
    } else {
      set_gs(selector);
      expected = 0xFFFF800000000000 + number * 8192 + turn;
      __asm__ volatile("wrgsbase %0" : : "r"(expected));
    }
    if (turn & 1) set_es(selector);
    for (volatile int spin = 0; spin < (turn % 8 ? 500 : 20000); spin++) {}
    if (turn % 4 == 0) sched_yield();
    if (turn % 32 == 31) pin((turn / 32 + number) % cpus);
    if (kind == 0) CHECK_EQUAL(gs_word(), 0xABC00000 + number);
    CHECK_EQUAL(get_gs(), kind == 1 ? 0 : selector);
    if (has_base_instructions) {
      uint64_t found;
      __asm__ volatile("rdgsbase %0" : "=r"(found));
      CHECK_EQUAL(found, expected);
    }
    CHECK_EQUAL(gs_base(), expected);
    if (turn & 1) CHECK_EQUAL(get_es(), selector);
    set_es(0);
    int cpu = sched_getcpu();
    if (last >= 0 && cpu != last) __atomic_fetch_add(&moves, 1, __ATOMIC_RELAXED);
    last = cpu;
  }
  struct rusage usage;
  getrusage(1 /* RUSAGE_THREAD */, &usage);
  __atomic_fetch_add(&switches, usage.ru_nivcsw + usage.ru_nvcsw, __ATOMIC_RELAXED);
  set_gs(0);
  return NULL;
}

// Meanwhile the table becomes another one again and again.
static void *changes_table(void *argument) {
  for (unsigned turn = 0; changing; turn++) {
    if (install(data_segment(100 + turn % 900, turn, turn & 0xFFFFF)) != 0) check_failures++;
    if (turn % 16 == 0) usleep(500);
  }
  return NULL;
}

static void segments_and_bases_outlast_switches(void) {
  shared_words = map_low(PROT_READ | PROT_WRITE);
  pthread_t workers[WORKERS], changer;
  for (unsigned i = 0; i < WORKERS; i++) {
    shared_words[i] = 0xABC00000 + i;
    REQUIRE(install(data_segment(i, (uint32_t)(uintptr_t)&shared_words[i], 0xFFF)) == 0);
  }
  for (uintptr_t i = 0; i < WORKERS; i++) REQUIRE(pthread_create(&workers[i], NULL, works, (void *)i) == 0);
  REQUIRE(pthread_create(&changer, NULL, changes_table, NULL) == 0);
  // A process without a table takes turns with them: it sees none.
  pid_t stranger = fork();
  if (stranger == 0) {
    char *arguments[] = {"segments-ldt", "stranger", NULL}, *environment[] = {NULL};
    execve("/proc/self/exe", arguments, environment);
    _exit(9);
  }
  for (unsigned i = 0; i < WORKERS; i++) pthread_join(workers[i], NULL);
  changing = 0;
  pthread_join(changer, NULL);
  int status;
  kill(stranger, SIGTERM);
  waitpid(stranger, &status, 0);
  CHECK_EQUAL(status, 0);
  CHECK(switches > WORKERS);
  CHECK(moves > 0 || sysconf(_SC_NPROCESSORS_ONLN) == 1);
}

static volatile int is_over;
static void on_term(int number) { is_over = 1; }
static int sees_no_table(void) {
  signal(SIGTERM, on_term);
  while (!is_over) {
    for (unsigned i = 0; i < WORKERS; i++) {
      if (rights(SELECTOR(i)) != 0) return 1;
    }
    sched_yield();
  }
  return 0;
}

// --- A debugger ---

static void debuggers_see_and_set_selectors(void) {
  uint32_t *words = map_low(PROT_READ | PROT_WRITE);
  words[0] = 0x1234, words[1] = 0x5678;
  CHECK_EQUAL(install(data_segment(0, (uint32_t)(uintptr_t)words, 0xFFF)), 0);
  CHECK_EQUAL(install(data_segment(1, (uint32_t)(uintptr_t)(words + 1), 0xFFF)), 0);
  pid_t child = fork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    set_gs(SELECTOR(0)), set_ds(SELECTOR(1));
    raise(SIGSTOP);
    uint16_t gs = get_gs(), ds = get_ds();
    int is_right = gs == SELECTOR(1) && ds == DATA && gs_word() == 0x5678 && get_es() == 0;
    raise(SIGSTOP);
    _exit(is_right && get_gs() == 0 ? 0 : 1);
  }
  int status;
  waitpid(child, &status, 0);
  REQUIRE(WIFSTOPPED(status));
  struct user_regs_struct registers;
  CHECK_EQUAL(ptrace(PTRACE_GETREGS, child, 0, &registers), 0);
  CHECK_EQUAL(registers.gs, SELECTOR(0));
  CHECK_EQUAL(registers.gs_base, (uintptr_t)words);
  CHECK_EQUAL(registers.ds, SELECTOR(1));
  registers.gs = SELECTOR(1);
  registers.gs_base = (uintptr_t)(words + 1);
  registers.ds = DATA;
  // There is no such segment.
  registers.es = SELECTOR(77);
  CHECK_EQUAL(ptrace(PTRACE_SETREGS, child, 0, &registers), 0);
  CHECK_ERROR(ptrace(PTRACE_POKEUSER, child, offsetof(struct user_regs_struct, gs), 0x10), EIO);
  CHECK_ERROR(ptrace(PTRACE_POKEUSER, child, offsetof(struct user_regs_struct, gs), 4), EIO);
  CHECK_ERROR(ptrace(PTRACE_POKEUSER, child, offsetof(struct user_regs_struct, cs), 0x30), EIO);
  ptrace(PTRACE_CONT, child, 0, 0);
  waitpid(child, &status, 0);
  REQUIRE(WIFSTOPPED(status));
  // The kernel's data, with the program's privilege: no segment of its either.
  CHECK_EQUAL(ptrace(PTRACE_POKEUSER, child, offsetof(struct user_regs_struct, gs), 0x13), 0);
  ptrace(PTRACE_CONT, child, 0, 0);
  waitpid(child, &status, 0);
  CHECK_EQUAL(status, 0);
  // Code that is none ends the tracee, not the kernel.
  const unsigned offsets[] = {offsetof(struct user_regs_struct, cs), offsetof(struct user_regs_struct, ss)};
  for (int i = 0; i < 4; i++) {
    child = fork();
    if (child == 0) {
      ptrace(PTRACE_TRACEME, 0, 0, 0);
      raise(SIGSTOP);
      _exit(0);
    }
    waitpid(child, &status, 0);
    CHECK_EQUAL(ptrace(PTRACE_POKEUSER, child, offsets[i & 1], i & 2 ? 0x13 : SELECTOR(77)), 0);
    ptrace(PTRACE_CONT, child, 0, 0);
    waitpid(child, &status, 0);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSEGV);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
  }
  for (int i = 0; i < 2; i++) CHECK_EQUAL(clear_entry(i), 0);
}

// --- 32-bit code of the program's own ---

// In a segment that begins at the code: its offset counts from there. The way back is a far jump, which touches no
// stack: QEMU 7.2 has a far return of a program's read the stack as the kernel would, which SMAP refuses.
static void code_segments_are_entered(void) {
  extern char arrived[];
  // Both addresses have 32 bits: not in a position-independent program.
  if ((uintptr_t)arrived >> 32 != 0) return;
  uint8_t *code = map_low(PROT_READ | PROT_WRITE | PROT_EXEC);
  // mov $0x1234, %eax; inc %eax (in 64-bit code a prefix); ljmp $0x33, $arrived
  uint8_t bytes[] = {0xB8, 0x34, 0x12, 0, 0, 0x40, 0xEA, 0, 0, 0, 0, 0x33, 0};
  memcpy(bytes + 7, (uint32_t[]){(uint32_t)(uintptr_t)arrived}, 4);
  memcpy(code, bytes, sizeof bytes);
  struct segment segment = data_segment(0, (uint32_t)(uintptr_t)code, 0xFFF);
  segment.contents = 2;
  CHECK_EQUAL(install(segment), 0);
  // Of RSP 32 bits are left on the way.
  static const struct { uint32_t offset; uint16_t selector; } target = {0, SELECTOR(0)};
  uint32_t result;
  __asm__ volatile("movq %%rsp, %%r12\n\tljmpl *%[target]\n\t"
                   ".globl arrived\narrived:\n\tmovq %%r12, %%rsp"
                   : "=&a"(result) : [target] "m"(target) : "r12", "memory", "cc");
  CHECK_EQUAL(result, 0x1235);
  CHECK_EQUAL(clear_entry(0), 0);
  munmap(code, 4096);
}

int main(int count, char **arguments) {
  has_base_instructions = getauxval(AT_HWCAP2) >> 1 & 1;
  if (count > 1 && strcmp(arguments[1], "none") == 0) return rights(SELECTOR(5)) != 0;
  if (count > 1) return sees_no_table();
  nothing_is_there_at_first();
  hostile_requests_are_refused();
  entries_have_what_was_asked_for();
  stacks_of_16_bits_show_nothing();
  segments_are_reached();
  stack_segments_last_through_a_handler();
  cleared_segments_leave_the_registers();
  children_have_copies_and_threads_the_same("/proc/self/exe");
  changes_reach_other_processors();
  segments_and_bases_outlast_switches();
  debuggers_see_and_set_selectors();
  code_segments_are_entered();
  return finish();
}
