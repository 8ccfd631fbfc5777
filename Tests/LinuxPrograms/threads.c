// Threads by the C library: create, join, mutexes, condition variables, thread-local storage, robust mutexes; and
// clone3's and arch_prctl's answers to bad arguments. Ends with 0 where all is as on Linux.
// Built with musl too.
#include "asleep.h"
#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>

// Whether a call fails with an error, within a larger condition.
#define FAILS(call, number) (errno = 0, (call) == -1 && errno == (number))

enum { threadCount = 8, rounds = 2000 };
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static __thread int own;
static long sum;
static int turn;

static void *add(void *argument) {
  own = (int)(intptr_t)argument;
  pthread_barrier_wait(&barrier);
  for (int i = 0; i < rounds; i++) {
    pthread_mutex_lock(&mutex);
    sum += own;
    pthread_mutex_unlock(&mutex);
  }
  pthread_mutex_lock(&mutex);
  while (turn != own) pthread_cond_wait(&condition, &mutex);
  turn++;
  pthread_cond_broadcast(&condition);
  pthread_mutex_unlock(&mutex);
  return (void *)(intptr_t)own;
}

static void checkMutexes(void) {
  pthread_t threads[threadCount];
  pthread_barrier_init(&barrier, 0, threadCount);
  int isMade = 1, isRight = 1;
  for (intptr_t i = 0; i < threadCount; i++) isMade &= pthread_create(&threads[i], 0, add, (void *)i) == 0;
  CHECK(isMade);
  for (intptr_t i = 0; i < threadCount; i++) {
    void *result;
    isRight &= pthread_join(threads[i], &result) == 0 && (intptr_t)result == i;
  }
  CHECK(isRight);
  CHECK(sum == (long)rounds * threadCount * (threadCount - 1) / 2);
  CHECK(turn == threadCount);
}

static pthread_mutex_t robust;
static volatile int isHeld;
static void *holdAndEnd(void *argument) {
  pthread_mutex_lock(&robust);
  isHeld = 1;
  if (argument) until_asleep(getpid(), SYS_futex);
  return 0;
}
static void checkRobust(int isWaiting) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&robust, &attributes);
  pthread_t thread;
  isHeld = 0;
  pthread_create(&thread, 0, holdAndEnd, (void *)(intptr_t)isWaiting);
  // One that waits is asleep in the lock alone: it has not slept for the thread to begin.
  if (isWaiting) while (!isHeld) sched_yield(); else pthread_join(thread, 0);
  CHECK(pthread_mutex_lock(&robust) == EOWNERDEAD);
  CHECK(pthread_mutex_consistent(&robust) == 0 && pthread_mutex_unlock(&robust) == 0);
  CHECK(pthread_mutex_lock(&robust) == 0 && pthread_mutex_unlock(&robust) == 0);
  if (isWaiting) pthread_join(thread, 0);
}

static void checkTimeouts(void) {
  pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&held);
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += 20000000;
  if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
  CHECK(pthread_mutex_timedlock(&held, &until) == ETIMEDOUT);
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  CHECK(now.tv_sec > until.tv_sec || (now.tv_sec == until.tv_sec && now.tv_nsec >= until.tv_nsec));
}

static void checkClone3(void) {
  uint64_t arguments[16] = {0};
  CHECK_ERROR(syscall(SYS_clone3, arguments, 56), EINVAL);
  CHECK_ERROR(syscall(SYS_clone3, arguments, 5000), E2BIG);
  arguments[15] = 1;
  CHECK_ERROR(syscall(SYS_clone3, arguments, 128), E2BIG);
  CHECK_ERROR(syscall(SYS_clone3, (void *)8, 64), EFAULT);
  arguments[4] = 65;
  CHECK_ERROR(syscall(SYS_clone3, arguments, 88), EINVAL);
  arguments[4] = 17, arguments[5] = 4096;
  CHECK_ERROR(syscall(SYS_clone3, arguments, 88), EINVAL);
  arguments[5] = 0, arguments[0] = 0x10000;
  CHECK_ERROR(syscall(SYS_clone3, arguments, 88), EINVAL);
  arguments[0] = 0;
  long child = syscall(SYS_clone3, arguments, 64);
  if (child == 0) _exit(7);
  int status;
  CHECK(child > 0 && waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7);
}

static void checkSegments(void) {
  static uint64_t word = 0x1234567890abcdef;
  uint64_t found = 0, base = 0;
  CHECK(syscall(SYS_arch_prctl, 0x1001, &word) == 0);
  sched_yield();
  __asm__ volatile("movq %%gs:0, %0" : "=r"(found));
  CHECK(found == word);
  CHECK(syscall(SYS_arch_prctl, 0x1004, &base) == 0 && base == (uint64_t)&word);
  if (fork() == 0) {
    __asm__ volatile("movq %%gs:0, %0" : "=r"(found));
    _exit(found == word ? 0 : 1);
  }
  int status;
  wait(&status);
  CHECK(status == 0);
  CHECK_ERROR(syscall(SYS_arch_prctl, 0x1001, -1l), EPERM);
  CHECK_ERROR(syscall(SYS_arch_prctl, 0x1023, 18), EOPNOTSUPP);
  CHECK_ERROR(syscall(SYS_arch_prctl, 0x1023, 64), EINVAL);
  syscall(SYS_arch_prctl, 0x1001, 0);
}

int main(void) {
  checkMutexes();
  checkRobust(0);
  checkRobust(1);
  checkTimeouts();
  checkClone3();
  checkSegments();
  return finish();
}
