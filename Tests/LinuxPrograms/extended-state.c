// Built with musl too.
// The whole extended state through fork, vfork, clone, execve, handlers and the ends of threads, while the scheduler
// preempts and moves everybody: fork(2), clone(2), execve(2), sigaction(2), sched_setaffinity(2). All components that
// the machine has are loaded, travel and are saved in one assembly block, which counts on how many CPUs it has been.
#include "check.h"
#include "extended-state.h"
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>

static int cpus;

// --- The block ---

// What one thread does with its registers.
struct trip {
  const state_image *in;
  state_image *out;
  // A child of the call that shares memory saves there and ends; else it returns as the parent does.
  state_image *child_out;
  // What such a child loads in between, where there is something.
  const state_image *child_in;
  // A system call between loading and saving, or -1.
  long call, arguments[5];
  // Until the thread has come to another CPU so many times, or for so many turns.
  uint64_t wanted, turns;
  // Times plus one.
  uint64_t migrations, child_migrations;
  uint32_t cpu, child_cpu;
  long result;
};

#define OFFSET(field) [field] "i"(offsetof(struct trip, field))
#define TRAVEL(LOAD, SAVE) \
  __asm__ volatile( \
    "movq %c[in](%%rbx), %%r8\n\t" LOAD("r8") \
    "movl $1, %%r12d\n\t" \
    "movq %c[call](%%rbx), %%rax\n\t" \
    "testq %%rax, %%rax\n\tjs 1f\n\t" \
    "movq %c[arguments](%%rbx), %%rdi\n\tmovq 8+%c[arguments](%%rbx), %%rsi\n\tmovq 16+%c[arguments](%%rbx), %%rdx\n\t" \
    "movq 24+%c[arguments](%%rbx), %%r10\n\tmovq 32+%c[arguments](%%rbx), %%r8\n\t" \
    "syscall\n\tmovq %%rax, %%r12\n" \
    "1:\tleaq %c[cpu](%%rbx), %%rdi\n\t" \
    "testq %%r12, %%r12\n\tjnz 2f\n\t" \
    "movq %c[child_in](%%rbx), %%r8\n\ttestq %%r8, %%r8\n\tjz 6f\n\t" LOAD("r8") \
    "6:\tcmpq $0, %c[child_out](%%rbx)\n\tje 2f\n\t" \
    "leaq %c[child_cpu](%%rbx), %%rdi\n" \
    "2:\tmovl $-1, %%r13d\n\txorl %%r14d, %%r14d\n\tmovq %c[turns](%%rbx), %%r15\n" \
    "3:\tmovl $500, %%ecx\n" \
    "4:\tpause\n\tdecl %%ecx\n\tjnz 4b\n\t" \
    "movl $309, %%eax\n\txorl %%esi, %%esi\n\txorl %%edx, %%edx\n\tsyscall\n\t"  /* getcpu(2) */ \
    "movl (%%rdi), %%eax\n\tcmpl %%eax, %%r13d\n\tje 5f\n\t" \
    "movl %%eax, %%r13d\n\tincq %%r14\n\tcmpq %c[wanted](%%rbx), %%r14\n\tja 7f\n" \
    "5:\tdecq %%r15\n\tjnz 3b\n" \
    "7:\ttestq %%r12, %%r12\n\tjnz 8f\n\t" \
    "movq %c[child_out](%%rbx), %%r9\n\ttestq %%r9, %%r9\n\tjz 8f\n\t" SAVE("r9") \
    "movq %%r14, %c[child_migrations](%%rbx)\n\t" \
    "movl $60, %%eax\n\txorl %%edi, %%edi\n\tsyscall\n\tud2\n" \
    "8:\tmovq %c[out](%%rbx), %%r9\n\t" SAVE("r9") \
    "movq %%r14, %c[migrations](%%rbx)\n\tmovq %%r12, %c[result](%%rbx)\n\t" \
    : : "b"(trip), OFFSET(in), OFFSET(out), OFFSET(child_out), OFFSET(child_in), OFFSET(call), OFFSET(arguments), \
      OFFSET(wanted), OFFSET(turns), OFFSET(migrations), OFFSET(child_migrations), OFFSET(cpu), OFFSET(child_cpu), \
      OFFSET(result) \
    : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", STATE_REGISTERS)

static void __attribute__((noinline)) travel(struct trip *trip) {
  memset(trip->out, 0, sizeof *trip->out);
  if (trip->child_out) memset(trip->child_out, 0, sizeof *trip->child_out);
  if (state.has_xsave) {
    TRAVEL(STATE_XRSTOR, STATE_XSAVE);
  } else {
    TRAVEL(STATE_FXRSTOR, STATE_FXSAVE);
  }
  state_usual();
}

// --- Who preempts and moves ---

#define MOST_MOVED 16
static struct {
  _Atomic int stop, failures, checks;
  _Atomic int moved[MOST_MOVED];
  _Atomic long moves;
} *shared;

static void pause_for(long nanoseconds) {
  struct timespec time = {0, nanoseconds};
  nanosleep(&time, NULL);
}

// Sends everybody from CPU to CPU.
static void mover(void) {
  unsigned turn = 0;
  while (!shared->stop) {
    turn++;
    for (int i = 0; i < MOST_MOVED; i++) {
      int thread = shared->moved[i];
      if (thread <= 0) continue;
      cpu_set_t set;
      CPU_ZERO(&set);
      CPU_SET((turn + i) % cpus, &set);
      if (sched_setaffinity(thread, sizeof set, &set) == 0) shared->moves++;
    }
    pause_for(1000000);
  }
  _exit(0);
}

static state_image image_in, image_out, image_child, other_in;
static uint64_t total_migrations;
static uint64_t seed_of_process = 1;

static int travelled_well(struct trip *trip, const state_image *expected, const char *who) {
  int component = state_difference(expected, trip->out);
  if (component < 0) return 1;
  say("not ok: %s has lost %s", who, state_name(component));
  check_failures++;
  return 0;
}

// Has a pattern in every register, whatever the others do.
static void disturber(uint64_t seed) {
  while (!shared->stop) {
    state_pattern(&image_in, seed++);
    struct trip trip = {.in = &image_in, .out = &image_out, .call = -1, .wanted = 3, .turns = 300};
    travel(&trip);
    shared->checks++;
    if (state_difference(&image_in, &image_out) >= 0) shared->failures++;
  }
  _exit(0);
}

static struct trip new_trip(void) {
  state_pattern(&image_in, seed_of_process++);
  struct trip trip = {.in = &image_in, .out = &image_out, .call = -1, .wanted = cpus > 1 ? 4 : 0, .turns = 100000};
  if (cpus == 1) trip.turns = 300, trip.wanted = ~0ull;
  return trip;
}

static void count_migrations(uint64_t migrations) {
  if (cpus > 1) CHECK(migrations > 4);
  total_migrations += migrations - 1;
}

// --- The tests ---

static void registers_survive_preemption_and_migration(void) {
  for (int turn = 0; turn < 10 && !check_failures; turn++) {
    struct trip trip = new_trip();
    travel(&trip);
    travelled_well(&trip, &image_in, "a thread that is moved");
    count_migrations(trip.migrations);
  }
}

// Both have what the parent had in its registers at the call.
static void fork_copies_live_registers(void) {
  for (int turn = 0; turn < 4 && !check_failures; turn++) {
    struct trip trip = new_trip();
    trip.call = SYS_clone;
    trip.arguments[0] = SIGCHLD | CLONE_PARENT_SETTID;
    trip.arguments[2] = (long)&shared->moved[2];
    travel(&trip);
    if (trip.result == 0) {
      int component = state_difference(&image_in, &image_out);
      if (component >= 0) say("not ok: a fork's child has lost %s", state_name(component));
      _exit(component >= 0 || (cpus > 1 && trip.migrations <= 4));
    }
    REQUIRE(trip.result > 0);
    travelled_well(&trip, &image_in, "a fork's parent");
    count_migrations(trip.migrations);
    int status = -1;
    CHECK_EQUAL(waitpid(trip.result, &status, 0), trip.result);
    CHECK_EQUAL(status, 0);
    shared->moved[2] = 0;
  }
}

static uint8_t child_stack[16384] __attribute__((aligned(64)));

// A child in the same memory: with the registers of its parent first, or with its own, which are nobody else's.
static void share_memory(long flags, int loads, const char *who) {
  for (int turn = 0; turn < 4 && !check_failures; turn++) {
    struct trip trip = new_trip();
    trip.call = SYS_clone;
    trip.child_out = &image_child;
    if (loads) {
      state_pattern(&other_in, seed_of_process++);
      trip.child_in = &other_in;
    }
    _Atomic int ended = 1;
    trip.arguments[0] = flags | CLONE_VM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
    trip.arguments[1] = (long)(child_stack + sizeof child_stack - 64);
    trip.arguments[2] = (long)&shared->moved[2];
    trip.arguments[3] = (long)&ended;
    travel(&trip);
    REQUIRE(trip.result > 0);
    while (ended) pause_for(1000000);
    if (!(flags & CLONE_THREAD)) waitpid(trip.result, NULL, __WALL);
    shared->moved[2] = 0;
    travelled_well(&trip, &image_in, who);
    int component = state_difference(loads ? &other_in : &image_in, &image_child);
    if (component >= 0) {
      say("not ok: the child of %s has lost %s", who, state_name(component));
      check_failures++;
    }
    count_migrations(trip.migrations);
    count_migrations(trip.child_migrations);
  }
}

static void vfork_shares_no_registers(void) {
  share_memory(CLONE_VFORK | SIGCHLD, 0, "vfork");
  share_memory(CLONE_VFORK | SIGCHLD, 1, "vfork");
}

static void clone_shares_no_registers(void) {
  const long thread = CLONE_THREAD | CLONE_SIGHAND | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM;
  share_memory(thread, 0, "a thread's creator");
  share_memory(thread, 1, "a thread's creator");
}

// Threads end with values in their registers, and others take their records and stacks: who is created finds what its
// creator had, who goes on what it had.
static void ended_threads_leave_nothing(void) {
  const long flags = CLONE_THREAD | CLONE_SIGHAND | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | CLONE_VM |
    CLONE_CHILD_CLEARTID;
  for (int turn = 0; turn < 60 && !check_failures; turn++) {
    struct trip trip = new_trip();
    trip.call = SYS_clone;
    trip.child_out = &image_child;
    trip.wanted = ~0ull;
    trip.turns = 2;
    if (turn & 1) {
      state_pattern(&other_in, seed_of_process++);
      trip.child_in = &other_in;
    }
    _Atomic int ended = 1;
    trip.arguments[0] = flags;
    trip.arguments[1] = (long)(child_stack + sizeof child_stack - 64);
    trip.arguments[3] = (long)&ended;
    travel(&trip);
    REQUIRE(trip.result > 0);
    while (ended) pause_for(100000);
    travelled_well(&trip, &image_in, "a creator of short threads");
    CHECK_EQUAL(state_difference(turn & 1 ? &other_in : &image_in, &image_child), -1);
  }
}

// --- Handlers ---

static volatile int depth;
static void nested(int number) {
  depth++;
  if (depth < 4) {
    state_image in, out;
    state_pattern(&in, seed_of_process++);
    struct trip trip = {.in = &in, .out = &out, .call = SYS_kill, .arguments = {getpid(), SIGUSR1}};
    trip.wanted = cpus > 1 ? 2 : ~0ull;
    trip.turns = cpus > 1 ? 100000 : 100;
    travel(&trip);
    travelled_well(&trip, &in, "a handler that is interrupted by another");
    total_migrations += trip.migrations - 1;
  } else {
    struct trip trip = new_trip();
    state_image in = image_in, out;
    trip.in = &in;
    trip.out = &out;
    travel(&trip);
    travelled_well(&trip, &in, "the innermost handler");
    count_migrations(trip.migrations);
  }
}

static void handlers_nest(void) {
  struct sigaction action = {.sa_handler = nested, .sa_flags = SA_NODEFER};
  REQUIRE(sigaction(SIGUSR1, &action, NULL) == 0);
  for (int turn = 0; turn < 3 && !check_failures; turn++) {
    depth = 0;
    state_image in, out;
    state_pattern(&in, seed_of_process++);
    struct trip trip = {.in = &in, .out = &out, .call = SYS_kill, .arguments = {getpid(), SIGUSR1}};
    trip.wanted = cpus > 1 ? 2 : ~0ull;
    trip.turns = cpus > 1 ? 100000 : 100;
    travel(&trip);
    CHECK_EQUAL(depth, 4);
    travelled_well(&trip, &in, "a program whose handlers nest");
  }
}

static sigjmp_buf back;
static void leave(int number) {
  struct trip trip = new_trip();
  travel(&trip);
  travelled_well(&trip, &image_in, "a handler that is left by siglongjmp");
  siglongjmp(back, 1);
}

// The program goes on with the handler's registers, and nothing of what was interrupted comes back.
static void handlers_are_left_by_siglongjmp(void) {
  struct sigaction action = {.sa_handler = leave};
  REQUIRE(sigaction(SIGUSR2, &action, NULL) == 0);
  for (int turn = 0; turn < 4 && !check_failures; turn++) {
    state_image in, out;
    state_pattern(&in, seed_of_process++);
    if (sigsetjmp(back, 1) == 0) {
      state_through(&in, &out, SYS_kill, getpid(), SIGUSR2, 0);
      CHECK(!"the handler has returned");
    }
    uint16_t control;
    uint32_t mxcsr;
    __asm__ volatile("fnstcw %0\n\tstmxcsr %1" : "=m"(control), "=m"(mxcsr));
    CHECK_EQUAL(control, 0x037F);
    CHECK_EQUAL(mxcsr & ~0x3F, 0x1F80);
    if (state.has_rights) {
      uint32_t rights, high;
      __asm__ volatile("rdpkru" : "=a"(rights), "=d"(high) : "c"(0));
      CHECK_EQUAL(rights, 0x55555554);
    }
    struct trip trip = new_trip();
    travel(&trip);
    travelled_well(&trip, &image_in, "a program that has left a handler");
    count_migrations(trip.migrations);
  }
}

static state_image shown;
static void copy_frame(int number, siginfo_t *information, void *opaque) {
  memcpy(&shown, ((ucontext_t *)opaque)->uc_mcontext.fpregs, state.size);
}

// The frame goes to pages that are not there: while they are made, others may run, and the thread may move.
static void frames_on_absent_pages_survive_preemption(void) {
  const size_t size = 32768;
  uint8_t *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(pages != MAP_FAILED);
  struct sigaction action = {.sa_sigaction = copy_frame, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  REQUIRE(sigaction(SIGUSR1, &action, NULL) == 0);
  for (int turn = 0; turn < 4000 && !check_failures; turn++) {
    stack_t stack = {.ss_sp = pages, .ss_size = size - turn % 64 * 64};
    REQUIRE(sigaltstack(&stack, NULL) == 0 && madvise(pages, size, MADV_DONTNEED) == 0);
    state_pattern(&image_in, seed_of_process++);
    state_through(&image_in, &image_out, SYS_kill, getpid(), SIGUSR1, 0);
    int in_frame = state_difference(&image_in, &shown), after = state_difference(&image_in, &image_out);
    if (in_frame >= 0 || after >= 0) {
      say("not ok: in turn %d the frame differs in %s, the registers after it in %s", turn, state_name(in_frame),
        state_name(after));
      check_failures++;
    }
  }
  stack_t none = {.ss_flags = SS_DISABLE};
  sigaltstack(&none, NULL);
  munmap(pages, size);
}

// --- execve ---

// In the new program: what the C library does not touch is initial, and no value of the old program is anywhere.
static int after_exec(uint64_t seed) {
  if (state.has_xsave) {
    __asm__ volatile(STATE_XSAVE("rdi") : : "D"(&image_out) : "eax", "edx", "memory");
  } else {
    __asm__ volatile(STATE_FXSAVE("rdi") : : "D"(&image_out) : "memory");
  }
  uint32_t rights = state.has_rights ? state_get32(&image_out, state.offset[RIGHTS]) : 0x55555554;
  CHECK_EQUAL(rights, 0x55555554);
  CHECK_EQUAL(state_get16(&image_out, 0), 0x037F);
  CHECK_EQUAL(state_get16(&image_out, 2) & 0x3800, 0);
  CHECK_EQUAL(image_out.bytes[4], 0);
  CHECK_EQUAL(state_get32(&image_out, 24) & ~0x3F, 0x1F80);
  state_pattern(&image_in, seed);
  for (unsigned offset = 32; offset < state.size; offset += 8) {
    if (offset >= 416 && offset < 576) continue;
    uint64_t value = state_get64(&image_out, offset);
    if (value != 0 && value == state_get64(&image_in, offset)) {
      say("not ok: byte %u of the registers is the old program's", offset);
      check_failures++;
    }
  }
  return finish();
}

static char *own_path;
static void exec_starts_anew(void) {
  for (int turn = 0; turn < 6 && !check_failures; turn++) {
    uint64_t seed = seed_of_process++;
    char text[32];
    snprintf(text, sizeof text, "%llu", (unsigned long long)seed);
    pid_t child = fork();
    if (child == 0) {
      state_pattern(&image_in, seed);
      char *arguments[] = {own_path, text, NULL}, *environment[] = {NULL};
      state_through(&image_in, &image_out, SYS_execve, (long)own_path, (long)arguments, (long)environment);
      _exit(9);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CHECK_EQUAL(status, 0);
  }
}

int main(int count, char **arguments) {
  state_find();
  if (count > 1) return after_exec(strtoull(arguments[1], NULL, 10));
  own_path = arguments[0];
  cpu_set_t set;
  REQUIRE(sched_getaffinity(0, sizeof set, &set) == 0);
  cpus = CPU_COUNT(&set);
  if (cpus > 4) cpus = 4;
  shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(shared != MAP_FAILED);

  pid_t helpers[6];
  int helper_count = 0;
  for (int i = 0; i <= cpus; i++) {
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      if (i == cpus) mover();
      disturber((uint64_t)(i + 1) << 32);
    }
    helpers[helper_count++] = child;
    if (i < cpus && cpus > 1) shared->moved[4 + i] = child;
  }
  if (cpus > 1) shared->moved[0] = getpid();

  struct rusage before, after;
  getrusage(RUSAGE_SELF, &before);
  registers_survive_preemption_and_migration();
  fork_copies_live_registers();
  vfork_shares_no_registers();
  clone_shares_no_registers();
  ended_threads_leave_nothing();
  handlers_nest();
  handlers_are_left_by_siglongjmp();
  frames_on_absent_pages_survive_preemption();
  exec_starts_anew();
  getrusage(RUSAGE_SELF, &after);
  // For longer where the time has been too short for many interruptions, or for the others' first turn.
  for (int turn = 0; turn < 200 && (after.ru_nivcsw - before.ru_nivcsw < 20 || !shared->checks); turn++) {
    registers_survive_preemption_and_migration();
    getrusage(RUSAGE_SELF, &after);
  }

  shared->stop = 1;
  for (int i = 0; i < helper_count; i++) {
    int status = -1;
    waitpid(helpers[i], &status, 0);
    CHECK_EQUAL(status, 0);
  }
  CHECK_EQUAL(shared->failures, 0);
  CHECK(shared->checks > 0);
  // A test that was never interrupted in the middle proves nothing.
  CHECK(after.ru_nivcsw - before.ru_nivcsw >= 20);
  if (cpus > 1) CHECK(total_migrations >= 100);
  say("%ld preemptions, %llu migrations, %d checks of others", after.ru_nivcsw - before.ru_nivcsw,
    (unsigned long long)total_migrations, (int)shared->checks);
  return finish();
}
