// Threads by the C library: create, join, mutexes, condition variables, thread-local storage, robust mutexes; and
// clone3's and arch_prctl's answers to bad arguments. Ends with 0 where all is as on Linux.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int failures;
static void expect(const char *name, int condition) {
  printf("%s %s\n", condition ? "ok" : "not ok", name);
  if (!condition) failures++;
}
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
  expect("pthread_create", isMade);
  for (intptr_t i = 0; i < threadCount; i++) {
    void *result;
    isRight &= pthread_join(threads[i], &result) == 0 && (intptr_t)result == i;
  }
  expect("pthread_join", isRight);
  expect("a mutex keeps a sum", sum == (long)rounds * threadCount * (threadCount - 1) / 2);
  expect("a condition gives turns", turn == threadCount);
}

static pthread_mutex_t robust;
static void *holdAndEnd(void *argument) {
  pthread_mutex_lock(&robust);
  if (argument) usleep(30000);
  return 0;
}
static void checkRobust(int isWaiting) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&robust, &attributes);
  pthread_t thread;
  pthread_create(&thread, 0, holdAndEnd, (void *)(intptr_t)isWaiting);
  if (isWaiting) usleep(5000); else pthread_join(thread, 0);
  expect("a robust mutex tells of its owner's end", pthread_mutex_lock(&robust) == EOWNERDEAD);
  expect("it is made consistent", pthread_mutex_consistent(&robust) == 0 && pthread_mutex_unlock(&robust) == 0);
  expect("and goes on", pthread_mutex_lock(&robust) == 0 && pthread_mutex_unlock(&robust) == 0);
  if (isWaiting) pthread_join(thread, 0);
}

static void checkTimeouts(void) {
  pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&held);
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += 20000000;
  if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
  expect("pthread_mutex_timedlock", pthread_mutex_timedlock(&held, &until) == ETIMEDOUT);
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  expect("not too early", now.tv_sec > until.tv_sec || (now.tv_sec == until.tv_sec && now.tv_nsec >= until.tv_nsec));
}

static void checkClone3(void) {
  uint64_t arguments[16] = {0};
  expect("clone3 with too small a size", FAILS(syscall(SYS_clone3, arguments, 56), EINVAL));
  expect("clone3 with too large a size", FAILS(syscall(SYS_clone3, arguments, 5000), E2BIG));
  arguments[15] = 1;
  expect("clone3 with something unknown", FAILS(syscall(SYS_clone3, arguments, 128), E2BIG));
  expect("clone3 from a bad address", FAILS(syscall(SYS_clone3, (void *)8, 64), EFAULT));
  arguments[4] = 65;
  expect("clone3 with a bad signal", FAILS(syscall(SYS_clone3, arguments, 88), EINVAL));
  arguments[4] = 17, arguments[5] = 4096;
  expect("clone3 with a stack without a size", FAILS(syscall(SYS_clone3, arguments, 88), EINVAL));
  arguments[5] = 0, arguments[0] = 0x10000;
  expect("clone3 of half a thread", FAILS(syscall(SYS_clone3, arguments, 88), EINVAL));
  arguments[0] = 0;
  long child = syscall(SYS_clone3, arguments, 64);
  if (child == 0) _exit(7);
  int status;
  expect("clone3 as fork", child > 0 && waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7);
}

static void checkSegments(void) {
  static uint64_t word = 0x1234567890abcdef;
  uint64_t found = 0, base = 0;
  expect("ARCH_SET_GS", syscall(SYS_arch_prctl, 0x1001, &word) == 0);
  sched_yield();
  __asm__ volatile("movq %%gs:0, %0" : "=r"(found));
  expect("GS reads the word", found == word);
  expect("ARCH_GET_GS", syscall(SYS_arch_prctl, 0x1004, &base) == 0 && base == (uint64_t)&word);
  if (fork() == 0) {
    __asm__ volatile("movq %%gs:0, %0" : "=r"(found));
    _exit(found == word ? 0 : 1);
  }
  int status;
  wait(&status);
  expect("a child has it too", status == 0);
  expect("ARCH_SET_GS into the kernel", FAILS(syscall(SYS_arch_prctl, 0x1001, -1l), EPERM));
  expect("ARCH_REQ_XCOMP_PERM", FAILS(syscall(SYS_arch_prctl, 0x1023, 18), EOPNOTSUPP));
  expect("ARCH_REQ_XCOMP_PERM of no component", FAILS(syscall(SYS_arch_prctl, 0x1023, 64), EINVAL));
  syscall(SYS_arch_prctl, 0x1001, 0);
}

int main(void) {
  checkMutexes();
  checkRobust(0);
  checkRobust(1);
  checkTimeouts();
  checkClone3();
  checkSegments();
  printf("threads: %d failed\n", failures);
  return failures != 0;
}
