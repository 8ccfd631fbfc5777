// Measures what services of a kernel cost, the same program on Linux and on Needletail.
//
// Usage: measure [--turns N] [--rounds N] [PART_OF_A_NAME ...]
//
// Prints `bench NAME VALUE` lines. A value is in ticks of the time-stamp counter for one turn, the least of
// several rounds; under QEMU's `-icount shift=0` a tick is an instruction, of the kernel and of this program
// together. What a row's name does not say: pipes and futexes are between two processes or threads on CPU 0, or,
// where there is a second one, on CPUs 0 and 1. With all SSE or AVX registers live in both, a round trip includes
// their loading and checking, which takes what the rows `registers...` say.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int turns = 200, rounds = 5;
static int part_count;
static char **parts;

static inline uint64_t ticks(void) {
  uint32_t low, high;
  __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high)::"memory");
  return (uint64_t)high << 32 | low;
}

static inline long call(long number, long first, long second, long third, long fourth) {
  long result;
  register long r10 __asm__("r10") = fourth;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(first), "S"(second), "d"(third), "r"(r10)
                   : "rcx", "r11", "memory");
  return result;
}

static void give_up(const char *what) {
  printf("measure: %s: errno %d\n", what, errno);
  exit(1);
}

static void report(const char *name, uint64_t value) {
  char line[128];
  int length = snprintf(line, sizeof line, "bench %s %llu\n", name, (unsigned long long)value);
  if (write(1, line, length) != length) exit(1);
}

static int is_wanted(const char *name) {
  for (int index = 0; index < part_count; index++) {
    if (strstr(name, parts[index])) return 1;
  }
  return part_count == 0;
}

// The least of several rounds of `count` turns, which `body` makes.
static uint64_t least(void (*body)(int), int count) {
  uint64_t least = UINT64_MAX;
  for (int round = 0; round < rounds; round++) {
    uint64_t start = ticks();
    body(count);
    uint64_t taken = ticks() - start;
    if (taken < least) least = taken;
  }
  return least / count;
}

static void measure(const char *name, void (*body)(int), int count) {
  if (is_wanted(name)) report(name, least(body, count));
}

// --- Calls

static void empty_loop(int count) {
  for (int turn = 0; turn < count; turn++) __asm__ volatile("");
}
static void call_getpid(int count) {
  for (int turn = 0; turn < count; turn++) call(SYS_getpid, 0, 0, 0, 0);
}
static void yield(int count) {
  for (int turn = 0; turn < count; turn++) call(SYS_sched_yield, 0, 0, 0, 0);
}
static void get_time(int count) {
  struct timespec time;
  for (int turn = 0; turn < count; turn++) clock_gettime(CLOCK_MONOTONIC, &time);
}

static const char *const small_file = "/tmp/measure-small";
static void open_read_close(int count) {
  char bytes[128];
  for (int turn = 0; turn < count; turn++) {
    int file = call(SYS_open, (long)small_file, O_RDONLY, 0, 0);
    if (call(SYS_read, file, (long)bytes, sizeof bytes, 0) != 100) give_up("read");
    call(SYS_close, file, 0, 0, 0);
  }
}
static int null_device;
static void write_null(int count) {
  for (int turn = 0; turn < count; turn++) call(SYS_write, null_device, (long)"x", 1, 0);
}

// --- Memory

static void touch_pages(int count) {
  char *memory = mmap(NULL, (size_t)count * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) give_up("mmap");
  for (int page = 0; page < count; page++) *(volatile char *)(memory + (size_t)page * 4096) = 1;
  munmap(memory, (size_t)count * 4096);
}

// Only the touches, which `least` cannot tell from the rest.
static void measure_page_fault(void) {
  if (!is_wanted("pageFault")) return;
  int count = 256;
  uint64_t least = UINT64_MAX;
  for (int round = 0; round < rounds; round++) {
    char *memory = mmap(NULL, count * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) give_up("mmap");
    // Page tables are there then.
    *(volatile char *)memory = 1;
    uint64_t start = ticks();
    for (int page = 1; page < count; page++) *(volatile char *)(memory + page * 4096) = 1;
    uint64_t taken = ticks() - start;
    if (taken < least) least = taken;
    munmap(memory, count * 4096);
  }
  report("pageFault", least / (count - 1));
}
static void map_unmap(int count) {
  for (int turn = 0; turn < count; turn++) {
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) give_up("mmap");
    munmap(memory, 4096);
  }
}

// --- Signals

static volatile int handled;
static void handle(int number) { handled++; }
static void signal_self(int count) {
  int process = getpid(), before = handled;
  for (int turn = 0; turn < count; turn++) call(SYS_kill, process, SIGUSR1, 0, 0);
  if (handled != before + count) give_up("a signal was not handled");
}

// --- Processes and threads

static void fork_exit(int count) {
  for (int turn = 0; turn < count; turn++) {
    pid_t child = fork();
    if (child == 0) _exit(0);
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) give_up("fork");
  }
}
static const char *nothing_path;
static void fork_exec(int count) {
  char *arguments[] = {"nothing", NULL}, *environment[] = {NULL};
  for (int turn = 0; turn < count; turn++) {
    pid_t child = fork();
    if (child == 0) {
      execve(nothing_path, arguments, environment);
      _exit(127);
    }
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) give_up("fork and exec");
  }
}
static void spawn(int count) {
  char *arguments[] = {"nothing", NULL}, *environment[] = {NULL};
  for (int turn = 0; turn < count; turn++) {
    pid_t child;
    int status;
    if (posix_spawn(&child, nothing_path, NULL, NULL, arguments, environment) != 0) give_up("posix_spawn");
    if (waitpid(child, &status, 0) != child || status != 0) give_up("posix_spawn");
  }
}
static void *do_nothing(void *argument) { return argument; }
static void create_threads(int count) {
  for (int turn = 0; turn < count; turn++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, do_nothing, NULL) != 0) give_up("pthread_create");
    pthread_join(thread, NULL);
  }
}

// --- Round trips

// musl-gcc finds no headers of Linux.
enum { FUTEX_WAIT_PRIVATE = 128, FUTEX_WAKE_PRIVATE = 129 };

typedef enum { NO_REGISTERS, SSE, AVX } registers;
static unsigned char pattern[16 * 32] __attribute__((aligned(32)));

#define EACH(instruction, prefix, size) \
  instruction(0, prefix, size) instruction(1, prefix, size) instruction(2, prefix, size) \
  instruction(3, prefix, size) instruction(4, prefix, size) instruction(5, prefix, size) \
  instruction(6, prefix, size) instruction(7, prefix, size) instruction(8, prefix, size) \
  instruction(9, prefix, size) instruction(10, prefix, size) instruction(11, prefix, size) \
  instruction(12, prefix, size) instruction(13, prefix, size) instruction(14, prefix, size) \
  instruction(15, prefix, size)
#define LOAD(number, prefix, size) prefix "movdqa %c1*" #number "(%0), %%" size #number "\n\t"
#define STORE(number, prefix, size) prefix "movdqa %%" size #number ", %c1*" #number "(%0)\n\t"

__attribute__((target("general-regs-only"), noinline))
static void load(registers used) {
  if (used == SSE) __asm__ volatile(EACH(LOAD, "", "xmm")::"r"(pattern), "i"(16) : "memory");
  if (used == AVX) __asm__ volatile(EACH(LOAD, "v", "ymm")::"r"(pattern), "i"(32) : "memory");
}
__attribute__((target("general-regs-only"), noinline))
static void check(registers used) {
  static uint64_t seen[16 * 4] __attribute__((aligned(32)));
  int words = used == SSE ? 16 * 2 : 16 * 4;
  if (used == NO_REGISTERS) return;
  if (used == SSE) __asm__ volatile(EACH(STORE, "", "xmm")::"r"(seen), "i"(16) : "memory");
  if (used == AVX) __asm__ volatile(EACH(STORE, "v", "ymm")::"r"(seen), "i"(32) : "memory");
  uint64_t difference = 0;
  for (int index = 0; index < words; index++) difference |= seen[index] ^ ((uint64_t *)pattern)[index];
  if (difference != 0) {
    call(SYS_write, 1, (long)"measure: a register was lost\n", 29, 0);
    call(SYS_exit_group, 1, 0, 0, 0);
  }
}

static int to_child[2], to_parent[2];
static registers used;

static void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) give_up("sched_setaffinity");
}
static void fill_pattern(int factor) {
  for (unsigned index = 0; index < sizeof pattern; index++) pattern[index] = index * factor + 3;
}

__attribute__((target("general-regs-only"), noinline))
static void ping(int count) {
  char byte;
  for (int turn = 0; turn < count; turn++) {
    load(used);
    if (call(SYS_write, to_child[1], (long)"x", 1, 0) != 1) give_up("write");
    if (call(SYS_read, to_parent[0], (long)&byte, 1, 0) != 1) give_up("read");
    check(used);
  }
}
__attribute__((target("general-regs-only"), noinline))
static void pong(void) {
  char byte;
  for (;;) {
    load(used);
    if (call(SYS_read, to_child[0], (long)&byte, 1, 0) != 1) return;
    check(used);
    if (call(SYS_write, to_parent[1], (long)"x", 1, 0) != 1) return;
  }
}
__attribute__((target("general-regs-only"), noinline))
static void registers_alone(int count) {
  for (int turn = 0; turn < count; turn++) {
    load(used);
    check(used);
    load(used);
    check(used);
  }
}

// The other end is on CPU `cpu`.
static void measure_pipe(const char *name, const char *alone, registers kind, int cpu) {
  if (!is_wanted(name)) return;
  used = kind;
  if (pipe(to_child) != 0 || pipe(to_parent) != 0) give_up("pipe");
  pid_t child = fork();
  if (child < 0) give_up("fork");
  if (child == 0) {
    fill_pattern(5);
    pin(cpu);
    close(to_child[1]);
    close(to_parent[0]);
    pong();
    _exit(0);
  }
  close(to_child[0]);
  close(to_parent[1]);
  fill_pattern(7);
  report(name, least(ping, turns));
  close(to_child[1]);
  close(to_parent[0]);
  int status;
  if (waitpid(child, &status, 0) != child || status != 0) give_up("the other end of a pipe");
  if (alone) report(alone, least(registers_alone, turns));
}

static volatile int turn_of;
static volatile int is_over;
static int other_cpu;
static void wait_for(int mine) {
  while (turn_of != mine) call(SYS_futex, (long)&turn_of, FUTEX_WAIT_PRIVATE, !mine, 0);
}
static void pass_to(int other) {
  turn_of = other;
  call(SYS_futex, (long)&turn_of, FUTEX_WAKE_PRIVATE, 1, 0);
}
__attribute__((target("general-regs-only"), noinline))
static void *answer(void *argument) {
  pin(other_cpu);
  for (;;) {
    load(used);
    wait_for(1);
    check(used);
    if (is_over) return argument;
    pass_to(0);
  }
}
__attribute__((target("general-regs-only"), noinline))
static void futex_ping(int count) {
  for (int turn = 0; turn < count; turn++) {
    load(used);
    pass_to(1);
    wait_for(0);
    check(used);
  }
}
static void measure_futex(const char *name, registers kind, int cpu) {
  if (!is_wanted(name)) return;
  used = kind;
  other_cpu = cpu;
  is_over = 0;
  turn_of = 0;
  pthread_t thread;
  if (pthread_create(&thread, NULL, answer, NULL) != 0) give_up("pthread_create");
  report(name, least(futex_ping, turns));
  is_over = 1;
  pass_to(1);
  pthread_join(thread, NULL);
}

int main(int count, char **arguments) {
  int first = 1;
  while (first + 1 < count && strncmp(arguments[first], "--", 2) == 0) {
    if (strcmp(arguments[first], "--turns") == 0) turns = atoi(arguments[first + 1]);
    if (strcmp(arguments[first], "--rounds") == 0) rounds = atoi(arguments[first + 1]);
    first += 2;
  }
  part_count = count - first;
  parts = arguments + first;
  int cpu_count = sysconf(_SC_NPROCESSORS_ONLN);
  pin(0);
  fill_pattern(7);
  nothing_path = access("/bin/nothing", X_OK) == 0 ? "/bin/nothing" : "build/linux/nothing";

  measure("emptyLoopTurn", empty_loop, turns);
  measure("getpid", call_getpid, turns);
  measure("yieldAlone", yield, turns);
  measure("clockGettime", get_time, turns);
  int has_avx = __builtin_cpu_supports("avx");
  measure_pipe("pipeRoundTrip", NULL, NO_REGISTERS, 0);
  measure_pipe("pipeRoundTripSSE", "registersSSE", SSE, 0);
  if (has_avx) measure_pipe("pipeRoundTripAVX", "registersAVX", AVX, 0);
  measure_futex("futexRoundTrip", NO_REGISTERS, 0);
  measure_futex("futexRoundTripSSE", SSE, 0);
  if (has_avx) measure_futex("futexRoundTripAVX", AVX, 0);
  if (cpu_count > 1) {
    measure_pipe("twoCPUsPipeRoundTrip", NULL, NO_REGISTERS, 1);
    measure_pipe("twoCPUsPipeRoundTripSSE", NULL, SSE, 1);
    if (has_avx) measure_pipe("twoCPUsPipeRoundTripAVX", NULL, AVX, 1);
    measure_futex("twoCPUsFutexRoundTrip", NO_REGISTERS, 1);
    measure_futex("twoCPUsFutexRoundTripSSE", SSE, 1);
    if (has_avx) measure_futex("twoCPUsFutexRoundTripAVX", AVX, 1);
  }
  measure("threadCreateJoin", create_threads, turns / 5);
  measure("forkExitWait", fork_exit, turns / 10);
  measure("forkExecExitWait", fork_exec, turns / 10);
  measure("spawnExitWait", spawn, turns / 10);
  measure_page_fault();
  measure("mapTouchUnmap256Pages", touch_pages, 256);
  measure("mapUnmap", map_unmap, turns);
  signal(SIGUSR1, handle);
  measure("signalAndReturn", signal_self, turns);
  if (is_wanted("openReadClose")) {
    mkdir("/tmp", 01777);
    int file = open(small_file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    char bytes[100];
    memset(bytes, 'x', sizeof bytes);
    if (file < 0 || write(file, bytes, sizeof bytes) != sizeof bytes) give_up(small_file);
    close(file);
    measure("openReadClose", open_read_close, turns);
    unlink(small_file);
  }
  null_device = open("/dev/null", O_WRONLY);
  if (null_device >= 0) measure("writeNull", write_null, turns);
  return 0;
}
