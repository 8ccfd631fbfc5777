// futex(2) itself: waiting, waking, requeueing, bit sets, locks with priority inheritance, memory that processes
// share.
#include "asleep.h"
#include "check.h"

#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static long futex(void *word, int operation, unsigned value, void *timeout, void *second, unsigned third) {
  return syscall(SYS_futex, word, operation, value, timeout, second, third);
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000ll + time.tv_nsec;
}

static void checkErrors(void) {
  static uint32_t word = 5;
  struct timespec zero = {0, 1000000}, bad = {0, 1000000000};
  CHECK_ERROR(futex(&word, FUTEX_WAIT_PRIVATE, 4, 0, 0, 0), EAGAIN);
  CHECK_ERROR(futex(&word, FUTEX_WAIT, 4, 0, 0, 0), EAGAIN);
  CHECK_ERROR(futex(&word, FUTEX_WAIT_PRIVATE, 5, &zero, 0, 0), ETIMEDOUT);
  CHECK_ERROR(futex(&word, FUTEX_WAIT_PRIVATE, 5, &bad, 0, 0), EINVAL);
  CHECK_ERROR(futex(&word, FUTEX_WAIT_PRIVATE, 5, (void *)8, 0, 0), EFAULT);
  CHECK_ERROR(futex((char *)&word + 1, FUTEX_WAIT_PRIVATE, 5, 0, 0, 0), EINVAL);
  CHECK_ERROR(futex((void *)8, FUTEX_WAIT_PRIVATE, 5, 0, 0, 0), EFAULT);
  CHECK_ERROR(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 5, 0, 0, 0), EINVAL);
  CHECK_ERROR(futex(&word, FUTEX_WAIT_PRIVATE | FUTEX_CLOCK_REALTIME, 5, 0, 0, 0), ENOSYS);
  CHECK_ERROR(futex(&word, 77, 5, 0, 0, 0), ENOSYS);
  CHECK_ERROR(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)1, &word, 4), EAGAIN);
  CHECK_ERROR(futex(&word, FUTEX_REQUEUE_PRIVATE, -1, (void *)1, &word, 0), EINVAL);
  CHECK_EQUAL(futex(&word, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0), 0);
  CHECK_EQUAL(futex(&word, FUTEX_WAKE, 1, 0, 0, 0), 0);
  // By the wall clock, a time that has passed.
  CHECK_ERROR(futex(&word, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 5, &zero, 0, 1), ETIMEDOUT);
  int64_t end = now() + 20000000;
  struct timespec until = {end / 1000000000, end % 1000000000};
  CHECK_ERROR(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 5, &until, 0, 1), ETIMEDOUT);
  CHECK(now() >= end);
}

static uint32_t words[2];
static atomic_int waiting, woken;
static volatile pid_t waiters[6];

static void *waitForFirst(void *bits) {
  waiters[waiting++] = syscall(SYS_gettid);
  if (futex(&words[0], FUTEX_WAIT_BITSET_PRIVATE, 0, 0, 0, (unsigned)(intptr_t)bits) == 0) woken++;
  return 0;
}

static void start(pthread_t *threads, int count, unsigned bits) {
  waiting = woken = 0;
  for (int i = 0; i < count; i++) waiters[i] = 0;
  for (int i = 0; i < count; i++) REQUIRE(pthread_create(&threads[i], 0, waitForFirst, (void *)(intptr_t)bits) == 0);
  for (int i = 0; i < count; i++) {
    while (!waiters[i]) usleep(1000);
    until_thread_asleep(getpid(), waiters[i], SYS_futex);
  }
}

static void join(pthread_t *threads, int count) {
  for (int i = 0; i < count; i++) pthread_join(threads[i], 0);
}

static void checkWaking(void) {
  pthread_t threads[6];
  start(threads, 6, -1u);
  CHECK_EQUAL(futex(&words[0], FUTEX_WAKE_PRIVATE, 2, 0, 0, 0), 2);
  CHECK_EQUAL(futex(&words[0], FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)2, &words[1], 0), 3);
  for (int i = 0; i < 20000 && woken < 3; i++) usleep(1000);
  usleep(20000);
  CHECK_EQUAL(woken, 3);
  CHECK_EQUAL(futex(&words[1], FUTEX_WAKE_PRIVATE, 9, 0, 0, 0), 2);
  CHECK_EQUAL(futex(&words[0], FUTEX_WAKE_PRIVATE, 9, 0, 0, 0), 1);
  join(threads, 6);

  start(threads, 2, 6);
  CHECK_EQUAL(futex(&words[0], FUTEX_WAKE_BITSET_PRIVATE, 9, 0, 0, 9), 0);
  CHECK_EQUAL(futex(&words[0], FUTEX_WAKE_BITSET_PRIVATE, 9, 0, 0, 2), 2);
  join(threads, 2);

  start(threads, 3, -1u);
  words[1] = 7;
  // Adds 3 to the second word, and wakes its waiters where it was above 6: there are none.
  CHECK_EQUAL(futex(&words[0], FUTEX_WAKE_OP_PRIVATE, 3, (void *)9, &words[1],
    FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_GT, 6)), 3);
  CHECK_EQUAL(words[1], 10);
  join(threads, 3);
  start(threads, 3, -1u);
  CHECK_EQUAL(futex(&words[1], FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &words[0],
    FUTEX_OP(FUTEX_OP_OR, 4, FUTEX_OP_CMP_EQ, 0)), 1);
  CHECK_EQUAL(futex(&words[1], FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &words[0],
    FUTEX_OP(FUTEX_OP_SET, 0, FUTEX_OP_CMP_EQ, 0)), 0);
  CHECK_EQUAL(futex(&words[0], FUTEX_WAKE_PRIVATE, 9, 0, 0, 0), 2);
  join(threads, 3);
}

// Two processes that wait for each other in shared memory, each at an address of its own.
static void checkSharing(void) {
  uint32_t *shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(shared != MAP_FAILED);
  enum { rounds = 500 };
  pid_t child = fork();
  if (child == 0) {
    uint32_t *moved = mremap(shared, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, (char *)shared + (1 << 24));
    if (moved != MAP_FAILED) shared = moved;
  }
  uint32_t mine = child == 0 ? 1 : 0;
  for (int i = 0; i < rounds; i++) {
    uint32_t turn;
    while ((turn = __atomic_load_n(shared, __ATOMIC_SEQ_CST)) % 2 != mine) {
      if (futex(shared, FUTEX_WAIT, turn, 0, 0, 0) != 0 && errno != EAGAIN && errno != EINTR) _exit(3);
    }
    __atomic_add_fetch(shared, 1, __ATOMIC_SEQ_CST);
    futex(shared, FUTEX_WAKE, 1, 0, 0, 0);
  }
  if (child == 0) _exit(0);
  int status;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  CHECK_EQUAL(*shared, 2 * rounds);
}

static uint32_t lock;
static int shares;

static void *takeTurns(void *argument) {
  uint32_t own = syscall(SYS_gettid);
  for (int i = 0; i < 300; i++) {
    uint32_t expected = 0;
    if (!__atomic_compare_exchange_n(&lock, &expected, own, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
      CHECK_EQUAL(futex(&lock, FUTEX_LOCK_PI_PRIVATE, 0, 0, 0, 0), 0);
    CHECK_EQUAL(__atomic_load_n(&lock, __ATOMIC_SEQ_CST) & FUTEX_TID_MASK, own);
    int before = shares;
    sched_yield();
    shares = before + 1;
    expected = own;
    if (!__atomic_compare_exchange_n(&lock, &expected, 0, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
      CHECK_EQUAL(futex(&lock, FUTEX_UNLOCK_PI_PRIVATE, 0, 0, 0, 0), 0);
  }
  return argument;
}

static volatile int mayEnd;

static void *endWithLock(void *argument) {
  CHECK_EQUAL(futex(&lock, FUTEX_LOCK_PI_PRIVATE, 0, 0, 0, 0), 0);
  while (!mayEnd) usleep(1000);
  // Until somebody waits.
  until_asleep(getpid(), SYS_futex);
  return argument;
}

static void checkPriorityLocks(void) {
  uint32_t own = syscall(SYS_gettid);
  CHECK_EQUAL(futex(&lock, FUTEX_LOCK_PI_PRIVATE, 0, 0, 0, 0), 0);
  CHECK_EQUAL(lock, own);
  CHECK_ERROR(futex(&lock, FUTEX_LOCK_PI_PRIVATE, 0, 0, 0, 0), EDEADLK);
  CHECK_EQUAL(futex(&lock, FUTEX_UNLOCK_PI_PRIVATE, 0, 0, 0, 0), 0);
  CHECK_EQUAL(lock, 0);
  CHECK_ERROR(futex(&lock, FUTEX_UNLOCK_PI_PRIVATE, 0, 0, 0, 0), EPERM);
  CHECK_ERROR(futex((uint32_t *)((char *)&lock + 2), FUTEX_UNLOCK_PI_PRIVATE, 0, 0, 0, 0), EPERM);
  lock = 0x3ffffff0;
  CHECK_ERROR(futex(&lock, FUTEX_LOCK_PI_PRIVATE, 0, 0, 0, 0), ESRCH);
  lock = 0;
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) REQUIRE(pthread_create(&threads[i], 0, takeTurns, 0) == 0);
  join(threads, 4);
  CHECK_EQUAL(shares, 4 * 300);
  CHECK_EQUAL(lock, 0);
  // Its owner ends: the lock goes to who waits.
  REQUIRE(pthread_create(&threads[0], 0, endWithLock, 0) == 0);
  while (__atomic_load_n(&lock, __ATOMIC_SEQ_CST) == 0) usleep(1000);
  CHECK_ERROR(futex(&lock, FUTEX_TRYLOCK_PI_PRIVATE, 0, 0, 0, 0), EAGAIN);
  struct timespec past = {1, 0};
  CHECK_ERROR(futex(&lock, FUTEX_LOCK_PI_PRIVATE, 0, &past, 0, 0), ETIMEDOUT);
  mayEnd = 1;
  CHECK_EQUAL(futex(&lock, FUTEX_LOCK_PI_PRIVATE, 0, 0, 0, 0), 0);
  CHECK_EQUAL(lock & FUTEX_TID_MASK, own);
  pthread_join(threads[0], 0);

#ifdef __GLIBC__
  pthread_mutexattr_t attributes;
  pthread_mutex_t mutex;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
  CHECK_EQUAL(pthread_mutex_init(&mutex, &attributes), 0);
  CHECK_EQUAL(pthread_mutex_lock(&mutex), 0);
  CHECK_EQUAL(pthread_mutex_unlock(&mutex), 0);
#endif
}

int main(void) {
  checkErrors();
  checkWaking();
  checkSharing();
  checkPriorityLocks();
  return finish();
}
