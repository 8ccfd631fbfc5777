// Real-time policies: threads with a higher priority run first, and lend it to whom they wait for.
#include "check.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000ull + time.tv_nsec;
}

static void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  REQUIRE(sched_setaffinity(0, sizeof set, &set) == 0);
}

static int be(int policy, int priority) {
  struct sched_param parameter = {.sched_priority = priority};
  return sched_setscheduler(0, policy, &parameter);
}

static struct {
  volatile int order[16];
  volatile int next;
  volatile int stop;
  volatile long turns[4];
} *shared;

static void note(int what) { shared->order[__atomic_fetch_add(&shared->next, 1, __ATOMIC_SEQ_CST)] = what; }

static void compute(uint64_t milliseconds) {
  uint64_t end = now() + milliseconds * 1000000;
  while (now() < end) {}
}

// All on one CPU, started by a thread that goes before them all: they run in the order of their priorities.
static void checkOrder(void) {
  static const int priorities[] = {10, 30, 0, 20};
  int begun = -1;
  REQUIRE(be(SCHED_FIFO, 50) == 0);
  // Once more where the host has held the CPU for so long that the rest of a second was the others'.
  for (int attempt = 0; attempt < 4 && begun != 0; attempt++) {
    shared->next = 0;
    pid_t children[4];
    for (int index = 0; index < 4; index++) {
      children[index] = fork();
      if (children[index] == 0) {
        note(-1);
        _exit(0);
      }
      struct sched_param parameter = {.sched_priority = priorities[index]};
      REQUIRE(sched_setscheduler(children[index], priorities[index] ? SCHED_FIFO : SCHED_OTHER, &parameter) == 0);
    }
    begun = shared->next;
    for (int index = 0; index < 4; index++) waitpid(children[index], NULL, 0);
    CHECK_EQUAL(shared->next, 4);
  }
  CHECK_EQUAL(begun, 0);

  // Whoever is woken and has a higher priority goes on at once.
  shared->next = 0;
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  pid_t child = fork();
  if (child == 0) {
    be(SCHED_FIFO, 60);
    char byte;
    for (int turn = 0; turn < 3; turn++) {
      if (read(ends[0], &byte, 1) != 1) _exit(1);
      note(2);
    }
    _exit(0);
  }
  struct timespec pause = {0, 20000000};
  nanosleep(&pause, NULL);
  for (int turn = 0; turn < 3; turn++) {
    CHECK_EQUAL(write(ends[1], "x", 1), 1);
    note(1);
  }
  waitpid(child, NULL, 0);
  for (int turn = 0; turn < 6; turn++) CHECK_EQUAL(shared->order[turn], turn & 1 ? 1 : 2);
  close(ends[0]);
  close(ends[1]);
  REQUIRE(be(SCHED_OTHER, 0) == 0);
}

// Turns that two loops have had in a while, the first under SCHED_OTHER and the second under SCHED_FIFO.
static void countTurns(long *other, long *first) {
  shared->stop = 0;
  shared->turns[0] = shared->turns[1] = 0;
  REQUIRE(be(SCHED_FIFO, 50) == 0);
  pid_t children[2];
  for (int index = 0; index < 2; index++) {
    children[index] = fork();
    if (children[index] == 0) {
      if (be(index ? SCHED_FIFO : SCHED_OTHER, index ? 5 : 0) != 0) _exit(1);
      while (!shared->stop) shared->turns[index]++;
      _exit(0);
    }
  }
  struct timespec pause = {1, 500000000};
  nanosleep(&pause, NULL);
  shared->stop = 1;
  *other = shared->turns[0];
  *first = shared->turns[1];
  for (int index = 0; index < 2; index++) waitpid(children[index], NULL, 0);
  REQUIRE(be(SCHED_OTHER, 0) == 0);
}

// One that computes under SCHED_OTHER gets no turn beside a real-time thread but the rest that all others are left.
// A host that takes the emulated CPU away in the wrong moments can change the shares of one try, but not of each.
static void checkShare(void) {
  long other, first;
  for (int attempt = 0; attempt < 4; attempt++) {
    countTurns(&other, &first);
    if (first > other * 6) break;
  }
  CHECK(first > other * 6);
}

// Equal priorities: SCHED_FIFO's goes on until it waits or yields, SCHED_RR's take turns.
static void checkTurns(int policy) {
  shared->stop = 0;
  shared->turns[0] = shared->turns[1] = 0;
  shared->next = 0;
  REQUIRE(be(SCHED_FIFO, 50) == 0);
  pid_t children[2];
  for (int index = 0; index < 2; index++) {
    children[index] = fork();
    if (children[index] == 0) {
      if (be(policy, 20) != 0) _exit(1);
      // Turns are waited for: the host may hold the CPU for longer than one.
      uint64_t end = now() + (policy == SCHED_FIFO ? 700000000 : 20000000000);
      note(index);
      while (now() < end && !shared->stop) {
        shared->turns[index]++;
        if (policy == SCHED_RR && shared->turns[!index] > 0) break;
      }
      shared->stop = 1;
      _exit(0);
    }
  }
  for (int index = 0; index < 2; index++) waitpid(children[index], NULL, 0);
  if (policy == SCHED_FIFO) {
    // One of them had it all.
    CHECK(shared->turns[0] == 0 || shared->turns[1] == 0);
  } else {
    CHECK(shared->turns[0] > 0 && shared->turns[1] > 0);
  }
  REQUIRE(be(SCHED_OTHER, 0) == 0);
}

static void checkParameters(void) {
  struct timespec interval;
  REQUIRE(be(SCHED_RR, 7) == 0);
  CHECK_EQUAL(sched_getscheduler(0), SCHED_RR);
  struct sched_param parameter;
  CHECK_EQUAL(sched_getparam(0, &parameter), 0);
  CHECK_EQUAL(parameter.sched_priority, 7);
  CHECK_EQUAL(sched_rr_get_interval(0, &interval), 0);
  CHECK(interval.tv_sec == 0 && interval.tv_nsec >= 90000000 && interval.tv_nsec <= 110000000);
  REQUIRE(be(SCHED_FIFO, 7) == 0);
  CHECK_EQUAL(sched_rr_get_interval(0, &interval), 0);
  CHECK_EQUAL(interval.tv_sec + interval.tv_nsec, 0);
  CHECK_ERROR(be(SCHED_FIFO, 0), EINVAL);
  CHECK_ERROR(be(SCHED_FIFO, 100), EINVAL);
  REQUIRE(be(SCHED_OTHER, 0) == 0);
  if (geteuid() != 0) return;
  pid_t child = fork();
  if (child == 0) {
    struct rlimit limit = {10, 10};
    // A container may not raise its limits.
    if (setrlimit(RLIMIT_RTPRIO, &limit) != 0) _exit(0);
    int isGood = setuid(1000) == 0;
    isGood &= be(SCHED_FIFO, 10) == 0;
    errno = 0;
    isGood &= be(SCHED_FIFO, 11) == -1 && errno == EPERM;
    isGood &= be(SCHED_RR, 3) == 0 && be(SCHED_OTHER, 0) == 0;
    limit.rlim_cur = 0;
    isGood &= setrlimit(RLIMIT_RTPRIO, &limit) == 0;
    errno = 0;
    isGood &= be(SCHED_FIFO, 1) == -1 && errno == EPERM;
    _exit(!isGood);
  }
  int status;
  waitpid(child, &status, 0);
  CHECK_EQUAL(status, 0);
}

// A thread with a low priority holds a lock that one with a high priority wants, while a third with a priority in
// between computes: the holder goes on first, by the priority that it is lent.
static pthread_mutex_t mutex;
static volatile int stage;
static volatile uint64_t taken, disturbed;

static void *hold(void *argument) {
  REQUIRE(be(SCHED_FIFO, 5) == 0);
  pthread_mutex_lock(&mutex);
  stage = 1;
  while (stage < 2) {}
  compute(20);
  pthread_mutex_unlock(&mutex);
  stage = 4;
  return argument;
}
static void *disturb(void *argument) {
  REQUIRE(be(SCHED_FIFO, 10) == 0);
  compute(400);
  disturbed = now();
  return argument;
}
static void *want(void *argument) {
  REQUIRE(be(SCHED_FIFO, 20) == 0);
  stage = 2;
  pthread_mutex_lock(&mutex);
  taken = now();
  pthread_mutex_unlock(&mutex);
  return argument;
}
static void checkInheritance(void) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  REQUIRE(pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT) == 0);
  REQUIRE(pthread_mutex_init(&mutex, &attributes) == 0);
  REQUIRE(be(SCHED_FIFO, 50) == 0);
  pthread_t threads[3];
  struct timespec pause = {0, 5000000};
  REQUIRE(pthread_create(&threads[0], NULL, hold, NULL) == 0);
  while (stage < 1) nanosleep(&pause, NULL);
  uint64_t start = now();
  REQUIRE(pthread_create(&threads[1], NULL, want, NULL) == 0);
  REQUIRE(pthread_create(&threads[2], NULL, disturb, NULL) == 0);
  for (int index = 0; index < 3; index++) pthread_join(threads[index], NULL);
  uint64_t end = now();
  REQUIRE(be(SCHED_OTHER, 0) == 0);
  CHECK(end - start >= 400000000);
  CHECK(taken < disturbed);
}

int main(void) {
  shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(shared != MAP_FAILED);
  if (be(SCHED_FIFO, 1) != 0) SKIP("real-time policies are not allowed here");
  REQUIRE(be(SCHED_OTHER, 0) == 0);
  pin(sched_getcpu());
  checkParameters();
  checkOrder();
  checkShare();
  checkTurns(SCHED_FIFO);
  checkTurns(SCHED_RR);
  checkInheritance();
  return finish();
}
