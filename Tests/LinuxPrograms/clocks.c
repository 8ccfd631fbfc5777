// The clocks and waiting for them.
// Built with musl too.
#include "asleep.h"
#include "check.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>

static int64_t now(clockid_t clock) {
  struct timespec time;
  if (clock_gettime(clock, &time) != 0) return -1;
  return time.tv_sec * 1000000000ll + time.tv_nsec;
}

static void checkReading(void) {
  static const clockid_t clocks[] = {
    CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE,
    CLOCK_BOOTTIME, CLOCK_TAI, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID,
  };
  for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++) {
    int64_t first = now(clocks[i]);
    struct timespec resolution = {7, 7};
    CHECK(first >= 0);
    CHECK(now(clocks[i]) >= first);
    CHECK(clock_getres(clocks[i], &resolution) == 0 && resolution.tv_sec == 0 && resolution.tv_nsec > 0);
  }
  // Later than the year 2020.
  CHECK(now(CLOCK_REALTIME) > 1577836800ll * 1000000000);
  // The system call and whatever the C library uses agree.
  for (int i = 0; i < 1000; i++) {
    struct timespec time;
    int64_t before = now(CLOCK_MONOTONIC);
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &time);
    int64_t between = time.tv_sec * 1000000000ll + time.tv_nsec;
    int64_t after = now(CLOCK_MONOTONIC);
    CHECK(before <= between && between <= after);
  }
  struct timeval day;
  int64_t before = now(CLOCK_REALTIME) / 1000;
  CHECK(gettimeofday(&day, 0) == 0 && day.tv_usec >= 0 && day.tv_usec < 1000000);
  int64_t between = day.tv_sec * 1000000ll + day.tv_usec;
  CHECK(before <= between && between <= now(CLOCK_REALTIME) / 1000);
  // Linux takes it from the coarse clock, which is a little late.
  before = now(CLOCK_REALTIME_COARSE) / 1000000000;
  time_t seconds = time(0);
  CHECK(before <= seconds && seconds <= now(CLOCK_REALTIME) / 1000000000);
  CHECK_ERROR(syscall(SYS_clock_gettime, 10, &day), EINVAL);
  CHECK_ERROR(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, 8), EFAULT);
  CHECK_ERROR(syscall(SYS_clock_getres, 99, 0), EINVAL);
  CHECK_EQUAL(syscall(SYS_clock_getres, CLOCK_MONOTONIC, 0), 0);
  struct timex adjustment = {0};
  CHECK(adjtimex(&adjustment) >= 0 && adjustment.tick >= 9000);
}

static void *spin(void *flag) {
  int64_t start = now(CLOCK_THREAD_CPUTIME_ID);
  while (now(CLOCK_THREAD_CPUTIME_ID) - start < 30000000) {}
  return flag;
}

static void checkProcessorTime(void) {
  int64_t before = now(CLOCK_PROCESS_CPUTIME_ID), own = now(CLOCK_THREAD_CPUTIME_ID);
  pthread_t thread;
  REQUIRE(pthread_create(&thread, 0, spin, 0) == 0);
  clockid_t clock;
  CHECK(pthread_getcpuclockid(thread, &clock) == 0);
  CHECK(now(clock) >= 0);
  pthread_join(thread, 0);
  // The thread's time is the process's and not this thread's.
  own = now(CLOCK_THREAD_CPUTIME_ID) - own;
  CHECK(own >= 0 && now(CLOCK_PROCESS_CPUTIME_ID) - before >= own + 30000000);
  CHECK(clock_getcpuclockid(0, &clock) == 0 && now(clock) >= 30000000);
  CHECK(clock_getcpuclockid(getpid(), &clock) == 0 && now(clock) >= 30000000);
}

// Threads that come and go on other CPUs while their time is added up.
static void *comeAndGo(void *end) {
  while (now(CLOCK_MONOTONIC) < *(int64_t *)end) {
    for (volatile int turn = 0; turn < 1000; turn++) {}
    struct timespec length = {0, 1000};
    nanosleep(&length, 0);
  }
  return end;
}

static void checkTimeNeverGoesBack(void) {
  int64_t end = now(CLOCK_MONOTONIC) + 500000000, last = 0, backwards = 0;
  pthread_t threads[4];
  for (int index = 0; index < 4; index++) REQUIRE(pthread_create(&threads[index], 0, comeAndGo, &end) == 0);
  while (now(CLOCK_MONOTONIC) < end) {
    int64_t present = now(CLOCK_PROCESS_CPUTIME_ID);
    if (present < last) backwards++;
    last = present;
  }
  for (int index = 0; index < 4; index++) pthread_join(threads[index], 0);
  CHECK_EQUAL(backwards, 0);
}

static void checkSleeping(void) {
  struct timespec length = {0, 20000000};
  int64_t before = now(CLOCK_MONOTONIC);
  CHECK_EQUAL(nanosleep(&length, 0), 0);
  CHECK(now(CLOCK_MONOTONIC) - before >= 20000000);
  for (clockid_t clock = CLOCK_REALTIME; clock <= CLOCK_MONOTONIC; clock++) {
    int64_t end = now(clock) + 20000000;
    struct timespec until = {end / 1000000000, end % 1000000000};
    CHECK_EQUAL(clock_nanosleep(clock, TIMER_ABSTIME, &until, 0), 0);
    CHECK(now(clock) >= end);
    CHECK_EQUAL(clock_nanosleep(clock, TIMER_ABSTIME, &until, 0), 0);
  }
  length.tv_nsec = 1000000000;
  CHECK_ERROR(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &length, 0), EINVAL);
  CHECK_ERROR(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, 8, 0), EFAULT);
  CHECK_ERROR(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &length, 0), EOPNOTSUPP);
  CHECK_ERROR(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC_COARSE, 0, &length, 0), EOPNOTSUPP);
  CHECK_ERROR(syscall(SYS_clock_settime, CLOCK_MONOTONIC, &length), EINVAL);
  // As long as there is no time for it: for ever.
  pid_t child = fork();
  if (child == 0) {
    length.tv_sec = LONG_MAX;
    length.tv_nsec = 0;
    _exit(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &length, 0) != 0);
  }
  until_asleep(child, SYS_clock_nanosleep);
  kill(child, SIGKILL);
  int status = -1;
  CHECK_EQUAL(waitpid(child, &status, 0), child);
  CHECK_EQUAL(status, SIGKILL);
}

int main(void) {
  checkReading();
  checkProcessorTime();
  checkTimeNeverGoesBack();
  checkSleeping();
  return finish();
}
