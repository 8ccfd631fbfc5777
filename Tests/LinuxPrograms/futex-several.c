// futex_waitv(2): waiting for any of several words.
#include "asleep.h"
#include "check.h"
#include "deadline.h"
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

struct entry { uint64_t value, address; uint32_t flags, reserved; };
enum { HAS_32_BITS = 2, PRIVATE = 128, LIMIT = 128, CALL = 449 };

static long wait_for(struct entry *entries, unsigned count, unsigned flags, const struct timespec *until, int clock) {
  return syscall(CALL, entries, count, flags, until, clock);
}
static long wake(void *word, int operation) { return syscall(SYS_futex, word, operation, INT_MAX, NULL, NULL, 0); }

static uint32_t words[LIMIT + 1];
static struct entry entries[LIMIT + 1];

static void prepare(void) {
  for (int i = 0; i <= LIMIT; i++) {
    words[i] = i;
    entries[i] = (struct entry){i, (uint64_t)&words[i], HAS_32_BITS | PRIVATE, 0};
  }
}

static void errors(void) {
  struct timespec past = {1, 0}, bad = {0, 1000000000};
  prepare();
  CHECK_ERROR(wait_for(entries, 3, 1, &past, CLOCK_MONOTONIC), EINVAL);
  CHECK_ERROR(wait_for(entries, 0, 0, &past, CLOCK_MONOTONIC), EINVAL);
  CHECK_ERROR(wait_for(entries, LIMIT + 1, 0, &past, CLOCK_MONOTONIC), EINVAL);
  CHECK_ERROR(wait_for(NULL, 3, 0, &past, CLOCK_MONOTONIC), EINVAL);
  CHECK_ERROR(wait_for(entries, 3, 0, &past, CLOCK_BOOTTIME), EINVAL);
  CHECK_ERROR(wait_for(entries, 3, 0, (void *)8, CLOCK_MONOTONIC), EFAULT);
  CHECK_ERROR(wait_for(entries, 3, 0, &bad, CLOCK_MONOTONIC), EINVAL);
  CHECK_ERROR(wait_for((void *)8, 3, 0, &past, CLOCK_MONOTONIC), EFAULT);
  CHECK_ERROR(wait_for(entries, LIMIT, 0, &past, CLOCK_MONOTONIC), ETIMEDOUT);
  CHECK_ERROR(wait_for(entries, LIMIT, 0, &past, CLOCK_REALTIME), ETIMEDOUT);
  // The clock of no time does not matter.
  words[2]++;
  CHECK_ERROR(wait_for(entries, 3, 0, NULL, 77), EAGAIN);
  words[2]--;
  entries[1].flags = PRIVATE;
  CHECK_ERROR(wait_for(entries, 3, 0, &past, CLOCK_MONOTONIC), EINVAL);
  entries[1].flags = HAS_32_BITS | PRIVATE | 4;
  CHECK_ERROR(wait_for(entries, 3, 0, &past, CLOCK_MONOTONIC), EINVAL);
  prepare();
  entries[1].reserved = 1;
  CHECK_ERROR(wait_for(entries, 3, 0, &past, CLOCK_MONOTONIC), EINVAL);
  prepare();
  entries[1].address++;
  CHECK_ERROR(wait_for(entries, 3, 0, &past, CLOCK_MONOTONIC), EINVAL);
  entries[1].address = 8;
  CHECK_ERROR(wait_for(entries, 3, 0, &past, CLOCK_MONOTONIC), EFAULT);
  entries[1].flags = HAS_32_BITS;
  CHECK_ERROR(wait_for(entries, 3, 0, &past, CLOCK_MONOTONIC), EFAULT);
  // An entry that is wrong comes before a word that is different.
  prepare();
  words[0] = 99;
  entries[2].flags = 0;
  CHECK_ERROR(wait_for(entries, 3, 0, &past, CLOCK_MONOTONIC), EINVAL);
  prepare();
  struct timespec soon = from_now(CLOCK_MONOTONIC, 40), after;
  CHECK_ERROR(wait_for(entries, 9, 0, &soon, CLOCK_MONOTONIC), ETIMEDOUT);
  clock_gettime(CLOCK_MONOTONIC, &after);
  CHECK(after.tv_sec > soon.tv_sec || (after.tv_sec == soon.tv_sec && after.tv_nsec >= soon.tv_nsec));
  soon = from_now(CLOCK_REALTIME, 40);
  CHECK_ERROR(wait_for(entries, 9, 0, &soon, CLOCK_REALTIME), ETIMEDOUT);
  // Pages that nobody has touched.
  uint32_t *fresh = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < 3; i++) entries[i] = (struct entry){0, (uint64_t)&fresh[i * 1024], HAS_32_BITS | PRIVATE, 0};
  CHECK_ERROR(wait_for(entries, 3, 0, &past, CLOCK_MONOTONIC), ETIMEDOUT);
}

static atomic_int waiting;
static unsigned entry_count;

static void *wait_for_all(void *argument) {
  struct timespec until = from_now(CLOCK_MONOTONIC, 30000);
  waiting = syscall(SYS_gettid);
  long result = wait_for(entries, entry_count, 0, &until, CLOCK_MONOTONIC);
  return (void *)(result < 0 ? -(long)errno : result);
}
static pthread_t start(unsigned count) {
  pthread_t thread;
  waiting = 0;
  entry_count = count;
  REQUIRE(pthread_create(&thread, NULL, wait_for_all, NULL) == 0);
  while (!waiting) usleep(1000);
  until_thread_asleep(getpid(), waiting, CALL);
  return thread;
}
static long result_of(pthread_t thread) {
  void *result;
  pthread_join(thread, &result);
  return (long)result;
}

static void tells_the_word(void) {
  prepare();
  static const int woken[] = {0, 5, LIMIT - 1};
  for (int i = 0; i < 3; i++) {
    pthread_t thread = start(LIMIT);
    CHECK_EQUAL(wake(&words[LIMIT], FUTEX_WAKE_PRIVATE), 0);
    CHECK_EQUAL(wake(&words[woken[i]], FUTEX_WAKE_PRIVATE), 1);
    CHECK_EQUAL(result_of(thread), woken[i]);
    // It waits for none of the others any more.
    for (int j = 0; j < LIMIT; j++) CHECK_EQUAL(wake(&words[j], FUTEX_WAKE_PRIVATE), 0);
  }
  // One word twice.
  entries[1] = entries[0];
  pthread_t thread = start(2);
  CHECK_EQUAL(wake(&words[0], FUTEX_WAKE_PRIVATE), 2);
  CHECK_EQUAL(result_of(thread), 1);
  // Another requeue moves it.
  prepare();
  thread = start(4);
  CHECK_EQUAL(syscall(SYS_futex, &words[2], FUTEX_CMP_REQUEUE_PRIVATE, 0, (void *)1, &words[100], 2), 1);
  CHECK_EQUAL(wake(&words[2], FUTEX_WAKE_PRIVATE), 0);
  CHECK_EQUAL(wake(&words[100], FUTEX_WAKE_PRIVATE), 1);
  CHECK_EQUAL(result_of(thread), 2);
  // It is no waiter for a lock.
  uint32_t lock = 0;
  thread = start(2);
  CHECK_ERROR(syscall(SYS_futex, &words[1], FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)1, &lock, 1), EINVAL);
  CHECK_EQUAL(wake(&words[1], FUTEX_WAKE_PRIVATE), 1);
  CHECK_EQUAL(result_of(thread), 1);
}

static void in_shared_memory(void) {
  prepare();
  uint32_t *shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < 2; i++) entries[i] = (struct entry){0, (uint64_t)&shared[i * 1024], HAS_32_BITS, 0};
  pid_t child = fork();
  if (child == 0) {
    uint32_t *moved = mremap(shared, 8192, 8192, MREMAP_MAYMOVE | MREMAP_FIXED, (char *)shared + (1 << 24));
    for (int i = 0; i < 15000 && wake(&moved[1024], FUTEX_WAKE) == 0; i++) usleep(2000);
    _exit(0);
  }
  struct timespec until = from_now(CLOCK_MONOTONIC, 30000);
  CHECK_EQUAL(wait_for(entries, 4, 0, &until, CLOCK_MONOTONIC), 1);
  waitpid(child, NULL, 0);
}

static atomic_int handled;
static void on_signal(int number) { handled++; }

static void signals(void) {
  prepare();
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGUSR1, &action, NULL);
  pthread_t thread = start(7);
  pthread_kill(thread, SIGUSR1);
  CHECK_EQUAL(result_of(thread), -EINTR);
  CHECK_EQUAL(handled, 1);
  action.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &action, NULL);
  thread = start(7);
  pthread_kill(thread, SIGUSR1);
  for (int i = 0; i < 20000 && handled < 2; i++) usleep(1000);
  until_thread_asleep(getpid(), waiting, CALL);
  CHECK_EQUAL(handled, 2);
  CHECK_EQUAL(wake(&words[6], FUTEX_WAKE_PRIVATE), 1);
  CHECK_EQUAL(result_of(thread), 6);
}

// Nobody is left waiting: each producer changes a word, wakes, and goes on when that was seen.
enum { PRODUCERS = 3, ROUNDS = 300, SHARE = 4 };
static uint32_t produced[PRODUCERS * SHARE], seen[PRODUCERS * SHARE];

static void *produce(void *argument) {
  unsigned own = (uintptr_t)argument;
  for (unsigned i = 0; i < ROUNDS; i++) {
    unsigned index = own * SHARE + i % SHARE;
    // The last of one comes when the reader sleeps, as it may never have before.
    if (own == 0 && i == ROUNDS - 1) until_asleep(getpid(), CALL);
    uint32_t value = __atomic_add_fetch(&produced[index], 1, __ATOMIC_SEQ_CST);
    wake(&produced[index], FUTEX_WAKE_PRIVATE);
    while (__atomic_load_n(&seen[index], __ATOMIC_SEQ_CST) != value) sched_yield();
    if (i % 5 == 0) usleep(500);
  }
  return NULL;
}

static void loses_nothing(void) {
  pthread_t threads[PRODUCERS];
  // The others make it long until the last is there.
  prepare();
  for (uintptr_t i = 0; i < PRODUCERS; i++) REQUIRE(pthread_create(&threads[i], NULL, produce, (void *)i) == 0);
  int slept = 0;
  for (;;) {
    unsigned sum = 0;
    for (int i = 0; i < PRODUCERS * SHARE; i++) {
      uint32_t value = __atomic_load_n(&produced[i], __ATOMIC_SEQ_CST);
      __atomic_store_n(&seen[i], value, __ATOMIC_SEQ_CST);
      entries[i] = (struct entry){value, (uint64_t)&produced[i], HAS_32_BITS | PRIVATE, 0};
      sum += value;
    }
    if (sum == PRODUCERS * ROUNDS) break;
    struct timespec until = from_now(CLOCK_MONOTONIC, 30000);
    long result = wait_for(entries, LIMIT, 0, &until, CLOCK_MONOTONIC);
    if (result >= 0) {
      slept++;
      // A waker may come late, for a value that was seen already.
      CHECK(result < PRODUCERS * SHARE);
    } else {
      // The producers would wait for ever.
      REQUIRE(errno == EAGAIN);
    }
  }
  CHECK(slept > 0);
  for (int i = 0; i < PRODUCERS; i++) pthread_join(threads[i], NULL);
}

int main(void) {
  if (wait_for(NULL, 0, 0, NULL, 0) == -1 && errno == ENOSYS) SKIP("there is no futex_waitv");
  errors();
  tells_the_word();
  in_shared_memory();
  signals();
  loses_nothing();
  return finish();
}
