// A mixed load for as long as one likes: compressing, hashing, sorting, forking, signalling, threads, and
// programs that watch their registers. At the end no process and no memory may be lost, and on Needletail what the
// kernel has counted about FPU state must agree with itself.
//
// Usage: soak [--seconds N] [--tasks N]
//
// Several tasks run at any time, each a process that checks its own work and ends with 0. As the first program it
// mounts what they need.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "prepare.h"

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

// --- Tasks in this program

static int fork_many(void) {
  for (int round = 0; round < 10; round++) {
    pid_t children[8];
    for (int index = 0; index < 8; index++) {
      children[index] = fork();
      if (children[index] == 0) _exit(index + round);
      if (children[index] < 0) return 1;
    }
    for (int index = 0; index < 8; index++) {
      int status;
      if (waitpid(children[index], &status, 0) != children[index]) return 2;
      if (!WIFEXITED(status) || WEXITSTATUS(status) != index + round) return 3;
    }
  }
  return 0;
}

// Two processes that send each other signals, with a product in SSE registers in between.
static int signal_each_other(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  pid_t parent = getpid(), child = fork();
  if (child < 0) return 1;
  double product = 1;
  for (int turn = 1; turn <= 300; turn++) {
    int number;
    if (child == 0) {
      if (sigwait(&set, &number) != 0 || kill(parent, SIGUSR1) != 0) _exit(1);
    } else {
      if (kill(child, SIGUSR1) != 0 || sigwait(&set, &number) != 0) return 2;
    }
    product *= 1 + 1.0 / turn;
  }
  // The product telescopes to 301.
  int is_right = product > 300.999999 && product < 301.000001;
  if (child == 0) _exit(is_right ? 0 : 3);
  int status;
  if (waitpid(child, &status, 0) != child || status != 0) return 4;
  return is_right ? 0 : 5;
}

static void *sum_of_roots(void *argument) {
  double *sum = argument;
  for (int number = 1; number < 200000; number++) {
    double root;
    __asm__("sqrtsd %1, %0" : "=x"(root) : "x"((double)number));
    *sum += root;
  }
  return NULL;
}
static int compute_in_threads(void) {
  pthread_t threads[4];
  double sums[4] = {0}, expected = 0;
  sum_of_roots(&expected);
  for (int index = 0; index < 4; index++) {
    if (pthread_create(&threads[index], NULL, sum_of_roots, &sums[index]) != 0) return 1;
  }
  for (int index = 0; index < 4; index++) pthread_join(threads[index], NULL);
  for (int index = 0; index < 4; index++) {
    if (sums[index] != expected) return 2;
  }
  return 0;
}

// --- Tasks by other programs

static int run_shell(const char *script) {
  execl("/bin/busybox", "sh", "-c", script, NULL);
  return 127;
}
static int compress(void) {
  return run_shell("a=$(seq 1 20000 | gzip | gunzip | md5sum); b=$(seq 1 20000 | md5sum); [ \"$a\" = \"$b\" ]");
}
static int hash(void) {
  return run_shell(
    "f=/tmp/soak.$$; head -c 200000 /dev/urandom >$f && a=$(sha256sum <$f) && b=$(cat $f | sha256sum); rm $f; "
    "[ -n \"$a\" ] && [ \"$a\" = \"$b\" ]");
}
static int sort(void) {
  return run_shell("a=$(seq 1 10000 | sort -r | sort -n | md5sum); b=$(seq 1 10000 | md5sum); [ \"$a\" = \"$b\" ]");
}
static int interrupt(void) {
  return run_shell("exec 2>/dev/null; sleep 100 & p=$!; kill $p; wait $p; [ $? = 143 ] && timeout 1 sleep 100; [ $? = 143 ]");
}
static int watch_registers(void) {
  execl("/bin/mixed", "mixed", "--rounds", "20", NULL);
  return errno == ENOENT ? 0 : 127;
}
static int watch_sse(void) {
  execl("/bin/sse", "sse", "--rounds", "50", NULL);
  return errno == ENOENT ? 0 : 127;
}

static const struct { const char *name; int (*body)(void); } tasks[] = {
  {"compress", compress}, {"hash", hash}, {"sort", sort}, {"interrupt", interrupt}, {"fork", fork_many},
  {"signals", signal_each_other}, {"threads", compute_in_threads}, {"registers", watch_registers},
  {"sse", watch_sse},
};
enum { TASKS = sizeof tasks / sizeof tasks[0], LARGEST = 64 };

static struct { pid_t process; int task; } slots[LARGEST];
static long done[TASKS], failed;
static double begin;
static int next;

static void start(int slot, int task) {
  pid_t child = fork();
  if (child < 0) {
    printf("soak: fork: errno %d\n", errno);
    exit(1);
  }
  if (child == 0) {
    // Programs that say at each end that all is well; their errors stay visible.
    int null = open("/dev/null", O_WRONLY);
    if (null >= 0) dup2(null, 1);
    _exit(tasks[task].body());
  }
  slots[slot].process = child;
  slots[slot].task = task;
}

// Waits for one task; returns its slot, or -1 where none is left.
static int finish_one(int count) {
  for (;;) {
    int status;
    pid_t child = wait(&status);
    if (child < 0) return -1;
    for (int slot = 0; slot < count; slot++) {
      if (slots[slot].process != child) continue;
      slots[slot].process = 0;
      done[slots[slot].task]++;
      if (status != 0) {
        failed++;
        printf("soak: %s ended with status %#x\n", tasks[slots[slot].task].name, status);
      }
      return slot;
    }
    // Otherwise an orphan that came to process 1.
  }
}

static long long free_memory(void) {
  struct sysinfo information;
  if (sysinfo(&information) != 0) return 0;
  return (long long)information.freeram * information.mem_unit;
}
static int processes(void) {
  struct sysinfo information;
  return sysinfo(&information) == 0 ? information.procs : 0;
}

// --- The kernel's counters of FPU state (/proc/needletail): a line for each event, a number for each CPU

enum { CPUS = 64 };
typedef struct { int count; long long numbers[CPUS]; } row;

static row read_row(const char *text, const char *label) {
  row found = {0};
  const char *place = strstr(text, label);
  if (!place) return found;
  char *next = (char *)place + strlen(label);
  while (found.count < CPUS) {
    while (*next == ' ') next++;
    if (*next < '0' || *next > '9') break;
    found.numbers[found.count++] = strtoll(next, &next, 10);
  }
  return found;
}

// How many things do not agree; says each of them where `is_last`.
static int imbalances(int is_last) {
  static char text[32768];
  int file = open("/proc/needletail", O_RDONLY);
  // Linux does not count.
  if (file < 0) return 0;
  size_t length = 0;
  for (ssize_t part; (part = read(file, text + length, sizeof text - 1 - length)) > 0;) length += part;
  close(file);
  text[length] = 0;
  row saves = read_row(text, " saves:"), loads = read_row(text, " loads:"), restores = read_row(text, " restores:"),
    skipped = read_row(text, " restores skipped:"), failures = read_row(text, " restores failed:");
  int found = 0, cpus = loads.count;
  long long saved = 0, restored = 0, kept = 0;
  for (int cpu = 0; cpu < cpus; cpu++) {
    saved += saves.numbers[cpu];
    restored += restores.numbers[cpu];
    kept += skipped.numbers[cpu];
    if (loads.numbers[cpu] != restores.numbers[cpu] + skipped.numbers[cpu] + failures.numbers[cpu]) {
      found++;
      if (is_last) printf("soak: CPU %d counts other loads than restores, skipped and failed ones together\n", cpu);
    }
    if (failures.numbers[cpu] != 0) {
      found++;
      if (is_last) printf("soak: CPU %d could not restore %lld times\n", cpu, failures.numbers[cpu]);
    }
  }
  if (saved == 0 || restored == 0 || kept == 0) {
    found++;
    if (is_last) printf("soak: nothing was saved, restored or kept\n");
  }
  if (is_last) printf("soak: %lld saves, %lld restores, %lld skipped, on %d CPUs\n", saved, restored, kept, cpus);
  return found;
}

// Runs `slot_count` tasks at a time, until so many have been started and so much time is over, and waits for the last.
static void run(int slot_count, int least, double seconds) {
  static double next_line = 60;
  double end = now() + seconds;
  int first = next;
  for (int slot = 0; slot < slot_count; slot++) start(slot, next++ % TASKS);
  while (next - first < least || now() < end) {
    int slot = finish_one(slot_count);
    if (slot < 0) break;
    start(slot, next++ % TASKS);
    if (now() - begin > next_line) {
      printf("soak: after %.0f s %d tasks, %ld failed, %lld MiB free\n", now() - begin, next, failed,
        free_memory() >> 20);
      next_line += 60;
    }
  }
  while (finish_one(slot_count) >= 0) {}
}

// Free memory, once what has ended has given its own back: when it is as much as `wanted`, or after five seconds.
static long long settled_memory(long long wanted) {
  long long found = free_memory();
  for (int attempt = 0; attempt < 50 && found < wanted; attempt++) {
    usleep(100000);
    found = free_memory();
  }
  return found;
}

int main(int count, char **arguments) {
  double seconds = 60;
  int slot_count = 8;
  for (int index = 1; index + 1 < count; index += 2) {
    if (strcmp(arguments[index], "--seconds") == 0) seconds = atof(arguments[index + 1]);
    if (strcmp(arguments[index], "--tasks") == 0) slot_count = atoi(arguments[index + 1]);
  }
  if (slot_count < 1 || slot_count > LARGEST) slot_count = 8;
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (getpid() == 1) prepare();
  begin = now();
  // As many at once as later, for what the kernel keeps ready. What its caches still gain in the first half is not
  // lost either; what goes on in the second is.
  run(slot_count, 6 * TASKS, 0);
  long long start = settled_memory(LLONG_MAX);
  while (finish_one(slot_count) >= 0) {}
  int processes_before = processes();
  run(slot_count, TASKS, seconds / 2);
  long long middle = settled_memory(start);
  run(slot_count, TASKS, seconds / 2);
  long long end = settled_memory(middle);
  for (int attempt = 0; attempt < 50 && (processes() > processes_before || imbalances(0) != 0); attempt++) {
    usleep(100000);
    finish_one(slot_count);
  }
  int left = processes() - processes_before, unequal = imbalances(1);
  for (int task = 0; task < TASKS; task++) printf("soak: %-10s %6ld\n", tasks[task].name, done[task]);
  printf("soak: memory in use: %+lld KiB in the first half, %+lld KiB in the second\n", (start - middle) >> 10,
    (middle - end) >> 10);
  long long lost = middle - end > 0 ? middle - end : 0;
  printf("soak: %d tasks in %.0f s, %ld failed, %d processes lost, %lld KiB of memory lost\n", next,
    now() - begin, failed, left, lost >> 10);
  return failed == 0 && left <= 0 && lost < 256 << 10 && unequal == 0 ? 0 : 1;
}
