// Timers that go by the time that a process or thread has had on CPUs, and RLIMIT_CPU.
// Built with musl too.
#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static volatile int count;
static void handle(int number) { count++; }

static uint64_t now(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return time.tv_sec * 1000000000ull + time.tv_nsec;
}

// Computes until `condition`, or for twenty seconds.
#define COMPUTE_UNTIL(condition) \
  do { \
    uint64_t compute_start = now(CLOCK_MONOTONIC); \
    while (!(condition) && now(CLOCK_MONOTONIC) - compute_start < 20000000000ull) \
      for (volatile int i = 0; i < 1000; i++) {} \
  } while (0)

static timer_t make(clockid_t clock) {
  timer_t timer;
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  REQUIRE(timer_create(clock, &event, &timer) == 0);
  return timer;
}

static void checkTimer(clockid_t clock) {
  timer_t timer = make(clock);
  struct itimerspec times = {.it_value = {1000, 0}}, left;
  REQUIRE(timer_settime(timer, 0, &times, NULL) == 0);
  CHECK_EQUAL(timer_gettime(timer, &left), 0);
  CHECK(left.it_value.tv_sec > 0 && (left.it_value.tv_sec < 1000 || left.it_value.tv_nsec == 0));
  // It does not go on while nothing is computed. An emulated CPU that the host takes away computes all the same: then
  // once more.
  struct timespec pause = {0, 100000000};
  uint64_t start, used = 30000000;
  times.it_value = (struct timespec){0, 30000000};
  for (int attempt = 0; attempt < 20 && used >= 30000000; attempt++) {
    start = now(clock);
    REQUIRE(timer_settime(timer, 0, &times, NULL) == 0);
    count = 0;
    nanosleep(&pause, NULL);
    int seen = count;
    used = now(clock) - start;
    if (used < 30000000) CHECK_EQUAL(seen, 0);
  }
  CHECK(used < 30000000);
  COMPUTE_UNTIL(count > 0);
  CHECK_EQUAL(count, 1);
  CHECK(now(clock) - start >= 30000000);
  CHECK_EQUAL(timer_gettime(timer, &left), 0);
  CHECK_EQUAL(left.it_value.tv_sec + left.it_value.tv_nsec, 0);

  // Again and again.
  times.it_value.tv_nsec = times.it_interval.tv_nsec = 10000000;
  count = 0;
  start = now(clock);
  REQUIRE(timer_settime(timer, 0, &times, NULL) == 0);
  COMPUTE_UNTIL(count >= 4);
  CHECK(count >= 4);
  CHECK(now(clock) - start >= 40000000);

  // At a time of the clock.
  memset(&times, 0, sizeof times);
  REQUIRE(timer_settime(timer, 0, &times, NULL) == 0);
  count = 0;
  uint64_t end = now(clock) + 20000000;
  times.it_value.tv_sec = end / 1000000000;
  times.it_value.tv_nsec = end % 1000000000;
  REQUIRE(timer_settime(timer, TIMER_ABSTIME, &times, NULL) == 0);
  COMPUTE_UNTIL(count > 0);
  CHECK_EQUAL(count, 1);
  CHECK(now(clock) >= end);
  // Disarmed, it stays silent. It must not have gone off before.
  const struct itimerspec soon = {.it_value = {0, 20000000}};
  memset(&times, 0, sizeof times);
  do {
    start = now(clock);
    REQUIRE(timer_settime(timer, 0, &soon, NULL) == 0);
    REQUIRE(timer_settime(timer, 0, &times, &left) == 0);
  } while (now(clock) - start >= 20000000);
  CHECK(left.it_value.tv_nsec > 0);
  count = 0;
  start = now(clock);
  COMPUTE_UNTIL(now(clock) - start > 50000000);
  CHECK_EQUAL(count, 0);
  CHECK_EQUAL(timer_delete(timer), 0);
  CHECK(timer_delete(timer) != 0);
}

static volatile int over;
static void *compute(void *argument) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, NULL);
  while (!over) {}
  return argument;
}

// The process's clock goes on by what another thread computes, this one's does not.
static void checkThreads(void) {
  pthread_t thread;
  timer_t ofProcess = make(CLOCK_PROCESS_CPUTIME_ID), ofThread = make(CLOCK_THREAD_CPUTIME_ID);
  struct itimerspec times = {.it_value = {0, 50000000}};
  REQUIRE(pthread_create(&thread, NULL, compute, NULL) == 0);
  count = 0;
  REQUIRE(timer_settime(ofProcess, 0, &times, NULL) == 0);
  uint64_t start = now(CLOCK_MONOTONIC);
  struct timespec pause = {0, 10000000};
  while (count == 0 && now(CLOCK_MONOTONIC) - start < 20000000000ull) nanosleep(&pause, NULL);
  CHECK_EQUAL(count, 1);
  uint64_t used = 50000000;
  for (int attempt = 0; attempt < 20 && used >= 50000000; attempt++) {
    start = now(CLOCK_THREAD_CPUTIME_ID);
    REQUIRE(timer_settime(ofThread, 0, &times, NULL) == 0);
    count = 0;
    for (int turn = 0; turn < 10; turn++) nanosleep(&pause, NULL);
    int seen = count;
    used = now(CLOCK_THREAD_CPUTIME_ID) - start;
    if (used < 50000000) CHECK_EQUAL(seen, 0);
  }
  CHECK(used < 50000000);
  over = 1;
  pthread_join(thread, NULL);
  COMPUTE_UNTIL(count > 0);
  CHECK_EQUAL(count, 1);
  timer_delete(ofProcess);
  timer_delete(ofThread);
  CHECK_ERROR(syscall(SYS_timer_create, 99, NULL, &ofThread), EINVAL);
}

// A child that computes until its limit ends it, and says what it had used at SIGXCPU.
//
// Returns 0 where it was ended before it could say so: a machine that stands still counts as time used.
static uint64_t used_at_soft_limit(void) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  pid_t child = fork();
  if (child == 0) {
    struct rlimit limit = {1, 2};
    signal(SIGXCPU, handle);
    count = 0;
    if (setrlimit(RLIMIT_CPU, &limit) != 0) _exit(1);
    while (count == 0) {}
    uint64_t used = now(CLOCK_PROCESS_CPUTIME_ID);
    if (write(ends[1], &used, sizeof used) != sizeof used) _exit(2);
    for (;;) {}
  }
  close(ends[1]);
  uint64_t used = 0;
  long got = read(ends[0], &used, sizeof used);
  CHECK(got == sizeof used || got == 0);
  close(ends[0]);
  int status;
  struct rusage usage;
  CHECK_EQUAL(wait4(child, &status, 0, &usage), child);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  CHECK(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec >= 1);
  return used;
}

// SIGXCPU each second from the soft limit on, SIGKILL at the hard one.
static void checkLimit(void) {
  uint64_t used = 0;
  for (int attempt = 0; attempt < 5 && used == 0; attempt++) used = used_at_soft_limit();
  // Linux counts the time for the limit by its ticks.
  CHECK(used >= 500000000 && used < 3000000000);
  // A child is bound by what its parent was.
  int status;
  pid_t child = fork();
  if (child == 0) {
    struct rlimit limit = {1, RLIM_INFINITY};
    signal(SIGXCPU, SIG_DFL);
    if (setrlimit(RLIMIT_CPU, &limit) != 0) _exit(1);
    pid_t grandchild = fork();
    if (grandchild == 0)
      for (;;) {}
    if (waitpid(grandchild, &status, 0) != grandchild) _exit(2);
    _exit(WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU ? 0 : 3);
  }
  CHECK_EQUAL(waitpid(child, &status, 0), child);
  CHECK_EQUAL(status, 0);
}

int main(void) {
  signal(SIGUSR1, handle);
  checkTimer(CLOCK_PROCESS_CPUTIME_ID);
  checkTimer(CLOCK_THREAD_CPUTIME_ID);
  checkThreads();
  checkLimit();
  return finish();
}
