// futex(2) itself: waiting, waking, requeueing, bit sets, locks with priority inheritance, memory that processes
// share.
#include "asleep.h"
#include "check.h"
#include "task.h"

#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
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
  // An operation that there is not changes nothing; with such a comparison the word is changed before it is looked at.
  uint32_t second = 1;
  CHECK_ERROR(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &second, FUTEX_OP(5, 3, 0, 0)), ENOSYS);
  CHECK_EQUAL(second, 1);
  CHECK_ERROR(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &second, FUTEX_OP(FUTEX_OP_ADD, 3, 6, 0)), ENOSYS);
  CHECK_EQUAL(second, 4);
  CHECK_ERROR(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, (void *)8, FUTEX_OP(5, 3, 0, 0)), ENOSYS);
  CHECK_ERROR(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, (void *)8, FUTEX_OP(0, 3, 6, 0)), EFAULT);
  CHECK_ERROR(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, (char *)&second + 1, FUTEX_OP(5, 3, 0, 0)), EINVAL);
  // By the wall clock, a time that has passed.
  CHECK_ERROR(futex(&word, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 5, &zero, 0, 1), ETIMEDOUT);
  int64_t end = now() + 20000000;
  struct timespec until = {end / 1000000000, end % 1000000000};
  CHECK_ERROR(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 5, &until, 0, 1), ETIMEDOUT);
  CHECK(now() >= end);
}

static uint32_t words[2];
static atomic_int waiting, woken;
static volatile uint32_t waiters[8];

static uint32_t threadNumber(void) { return syscall(SYS_gettid); }

static void *waitForFirst(void *bits) {
  waiters[waiting++] = threadNumber();
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

// The thread that is to wait for the lock next, once it does nothing else that waits.
static volatile uint32_t mayEnd;

static void *endWithLock(void *argument) {
  CHECK_EQUAL(futex(&lock, FUTEX_LOCK_PI_PRIVATE, 0, 0, 0, 0), 0);
  while (!mayEnd) usleep(1000);
  until_thread_asleep(getpid(), mayEnd, SYS_futex);
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
  mayEnd = own;
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

// A lock in a page of its own: nothing else is written there.
static uint32_t *ownPage;
static volatile pid_t waiterInPage;

static void *endWithPage(void *argument) {
  CHECK_EQUAL(futex(ownPage, FUTEX_LOCK_PI_PRIVATE, 0, 0, 0, 0), 0);
  while (!mayEnd) usleep(1000);
  return argument;
}
static void *waitForPage(void *argument) {
  waiterInPage = syscall(SYS_gettid);
  CHECK_EQUAL(futex(ownPage, FUTEX_LOCK_PI_PRIVATE, 0, 0, 0, 0), 0);
  CHECK_EQUAL(__atomic_load_n(ownPage, __ATOMIC_SEQ_CST) & FUTEX_TID_MASK, waiterInPage);
  CHECK_EQUAL(futex(ownPage, FUTEX_UNLOCK_PI_PRIVATE, 0, 0, 0, 0), 0);
  return argument;
}

// The owner ends while its page is shared with a child, to be copied by the next write.
static void checkOwnerThatEndsAfterFork(void) {
  ownPage = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(ownPage != MAP_FAILED);
  mayEnd = waiterInPage = 0;
  pthread_t owner, waiter;
  REQUIRE(pthread_create(&owner, 0, endWithPage, 0) == 0);
  while (__atomic_load_n(ownPage, __ATOMIC_SEQ_CST) == 0) usleep(1000);
  REQUIRE(pthread_create(&waiter, 0, waitForPage, 0) == 0);
  while (!waiterInPage) usleep(1000);
  until_thread_asleep(getpid(), waiterInPage, SYS_futex);
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    for (;;) pause();
  }
  mayEnd = 1;
  pthread_join(owner, 0);
  pthread_join(waiter, 0);
  kill(child, SIGKILL);
  waitpid(child, 0, 0);
  munmap(ownPage, 4096);
}

static uint32_t ownerOf(uint32_t *word) { return __atomic_load_n(word, __ATOMIC_SEQ_CST) & FUTEX_TID_MASK; }

static int takeAndEnd(void *word) {
  __atomic_store_n((uint32_t *)word, threadNumber(), __ATOMIC_SEQ_CST);
  return 0;
}

// Whoever knows that a thread has ended does not wait for it.
static void checkOwnerThatHasJustEnded(void) {
  for (int i = 0; i < 40; i++) {
    uint32_t word = 0;
    // Many times as long as it takes, for a wait that nobody would end.
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 20;
    REQUIRE(start_task(takeAndEnd, &word) > 0);
    await_task();
    long result = futex(&word, i % 2 ? FUTEX_TRYLOCK_PI_PRIVATE : FUTEX_LOCK_PI_PRIVATE, 0, &limit, 0, 0);
    CHECK(result == -1 && errno == ESRCH);
    if (check_failures) return;
  }
}

enum { circle = 5 };
static uint32_t locks[circle];
static volatile uint32_t owners[circle];

// Takes its own lock, and once the next one has an owner waits for that.
static void *waitForNext(void *argument) {
  int own = (intptr_t)argument;
  CHECK_EQUAL(futex(&locks[own], FUTEX_LOCK_PI_PRIVATE, 0, 0, 0, 0), 0);
  while (ownerOf(&locks[own + 1]) == 0) {}
  owners[own] = threadNumber();
  CHECK_EQUAL(futex(&locks[own + 1], FUTEX_LOCK_PI_PRIVATE, 0, 0, 0, 0), 0);
  CHECK_EQUAL(futex(&locks[own + 1], FUTEX_UNLOCK_PI_PRIVATE, 0, 0, 0, 0), 0);
  CHECK_EQUAL(futex(&locks[own], FUTEX_UNLOCK_PI_PRIVATE, 0, 0, 0, 0), 0);
  return argument;
}

// Each owns a lock and waits for the next one's: who closes the circle is told so, however long it is.
static void checkCircles(void) {
  for (int count = 2; count <= circle; count++) {
    pthread_t threads[circle];
    int last = count - 1;
    memset((void *)owners, 0, sizeof owners);
    for (int i = 0; i < last; i++) REQUIRE(pthread_create(&threads[i], 0, waitForNext, (void *)(intptr_t)i) == 0);
    CHECK_EQUAL(futex(&locks[last], FUTEX_LOCK_PI_PRIVATE, 0, 0, 0, 0), 0);
    for (int i = 0; i < last; i++) {
      while (owners[i] == 0 || !(__atomic_load_n(&locks[i + 1], __ATOMIC_SEQ_CST) & FUTEX_WAITERS)) usleep(1000);
      until_thread_asleep(getpid(), owners[i], SYS_futex);
    }
    CHECK_ERROR(futex(&locks[0], FUTEX_TRYLOCK_PI_PRIVATE, 0, 0, 0, 0), EAGAIN);
    CHECK_ERROR(futex(&locks[0], FUTEX_LOCK_PI_PRIVATE, 0, 0, 0, 0), EDEADLK);
    CHECK_EQUAL(ownerOf(&locks[0]), owners[0]);
    CHECK_EQUAL(futex(&locks[last], FUTEX_UNLOCK_PI_PRIVATE, 0, 0, 0, 0), 0);
    for (int i = 0; i < last; i++) pthread_join(threads[i], 0);
    for (int i = 0; i < count; i++) CHECK_EQUAL(locks[i], 0);
  }
}

// A robust lock (set_robust_list(2)), and before the kernel hands it over a long list of others in pages that are not there
// yet.
struct robust {
  struct robust *next;
  uint32_t word;
};
enum { robustCount = 500, robustStep = 65536 };
static struct {
  struct robust *first;
  long offset;
  struct robust *pending;
} robustList = {.offset = offsetof(struct robust, word)};
static struct robust first;
static volatile uint32_t robustOwner;
static atomic_int inside, together, turns, mayLeave;

static int leaveRobustLock(void *argument) {
  robustList.first = (struct robust *)((uintptr_t)&first | 1);
  CHECK_EQUAL(syscall(SYS_set_robust_list, &robustList, sizeof robustList), 0);
  __atomic_store_n(&first.word, threadNumber(), __ATOMIC_SEQ_CST);
  robustOwner = threadNumber();
  while (!mayLeave) usleep(1000);
  return argument != 0;
}

static void takeRobustLock(void) {
  CHECK_EQUAL(futex(&first.word, FUTEX_LOCK_PI_PRIVATE, 0, 0, 0, 0), 0);
  if (atomic_fetch_add(&inside, 1) != 0) together++;
  CHECK_EQUAL(ownerOf(&first.word), threadNumber());
  // So that another one comes, if it may.
  usleep(20000);
  turns++;
  atomic_fetch_sub(&inside, 1);
  CHECK_EQUAL(futex(&first.word, FUTEX_UNLOCK_PI_PRIVATE, 0, 0, 0, 0), 0);
}

static volatile uint32_t waiterOfRobust;

static void *waitForRobust(void *argument) {
  while (!robustOwner) usleep(1000);
  waiterOfRobust = threadNumber();
  takeRobustLock();
  return argument;
}
static void *takeWhenAbandoned(void *argument) {
  while (!robustOwner) usleep(1000);
  while (ownerOf(&first.word) == robustOwner) {}
  takeRobustLock();
  return argument;
}

// While the kernel walks through what an owner leaves, nobody takes a lock for which others wait.
static void checkRobustLockHasOneOwner(void) {
  int file = syscall(SYS_memfd_create, "list", 0);
  REQUIRE(file >= 0);
  REQUIRE(ftruncate(file, (off_t)robustCount * robustStep) == 0);
  size_t size = (size_t)robustCount * robustStep;
  char *base = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  REQUIRE(base != MAP_FAILED);
  for (int i = 0; i < robustCount; i++) {
    struct robust *next = i == robustCount - 1 ? (void *)&robustList : (void *)(base + (i + 1) * robustStep);
    struct robust entry = {next, 0};
    REQUIRE(pwrite(file, &entry, sizeof entry, (off_t)i * robustStep) == sizeof entry);
  }
  first.next = (struct robust *)base;
  for (int i = 0; i < 10; i++) {
    REQUIRE(mmap(base, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) == base);
    first.word = robustOwner = waiterOfRobust = 0;
    mayLeave = turns = 0;
    pthread_t waiter, other;
    REQUIRE(pthread_create(&waiter, 0, waitForRobust, 0) == 0);
    REQUIRE(pthread_create(&other, 0, takeWhenAbandoned, 0) == 0);
    REQUIRE(start_task(leaveRobustLock, 0) > 0);
    while (!waiterOfRobust || !(__atomic_load_n(&first.word, __ATOMIC_SEQ_CST) & FUTEX_WAITERS)) usleep(1000);
    until_thread_asleep(getpid(), waiterOfRobust, SYS_futex);
    mayLeave = 1;
    pthread_join(waiter, 0);
    pthread_join(other, 0);
    await_task();
    CHECK_EQUAL(turns, 2);
    CHECK_EQUAL(ownerOf(&first.word), 0);
  }
  CHECK_EQUAL(together, 0);
  munmap(base, size);
  close(file);
}

int main(void) {
  checkErrors();
  checkWaking();
  checkSharing();
  checkPriorityLocks();
  checkOwnerThatEndsAfterFork();
  checkOwnerThatHasJustEnded();
  checkRobustLockHasOneOwner();
  checkCircles();
  return finish();
}
