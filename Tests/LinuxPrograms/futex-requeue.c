// FUTEX_WAIT_REQUEUE_PI and FUTEX_CMP_REQUEUE_PI (futex(2)): from a word to a lock with an owner, as condition variables
// need it.
#include "asleep.h"
#include "check.h"
#include "deadline.h"
#include "task.h"
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

static long futex(void *word, int operation, unsigned value, void *timeout, void *second, unsigned third) {
  return syscall(SYS_futex, word, operation, value, timeout, second, third);
}

static uint32_t word, lock, other_lock;
static atomic_int waiting, returned, order;
static int shares;

static uint32_t owner(void) { return __atomic_load_n(&lock, __ATOMIC_SEQ_CST) & FUTEX_TID_MASK; }
static uint32_t thread(void) { return syscall(SYS_gettid); }

static long await(const struct timespec *until) {
  return futex(&word, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 0, (void *)until, &lock, 0);
}
static long requeue(int limit) {
  return futex(&word, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)(intptr_t)limit, &lock, 0);
}
static void take(void) {
  uint32_t free = 0;
  if (!__atomic_compare_exchange_n(&lock, &free, thread(), 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
    CHECK_EQUAL(futex(&lock, FUTEX_LOCK_PI_PRIVATE, 0, 0, 0, 0), 0);
  }
}
static void give(void) {
  uint32_t own = thread();
  if (!__atomic_compare_exchange_n(&lock, &own, 0, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
    CHECK_EQUAL(futex(&lock, FUTEX_UNLOCK_PI_PRIVATE, 0, 0, 0, 0), 0);
  }
}

struct waiter {
  pthread_t thread;
  const struct timespec *until;
  int error;
  int place;
  volatile uint32_t identifier;
  volatile int has_returned;
  // Takes the lock first.
  int is_owner;
};

static void *wait_for_lock(void *argument) {
  struct waiter *waiter = argument;
  waiter->identifier = thread();
  if (waiter->is_owner) take();
  waiting++;
  waiter->error = await(waiter->until) == 0 ? 0 : errno;
  if (waiter->error == 0) {
    // It is the owner, and alone.
    CHECK_EQUAL(owner(), thread());
    int before = shares;
    sched_yield();
    shares = before + 1;
    waiter->place = order++;
  }
  if (owner() == thread()) give();
  waiter->has_returned = 1;
  returned++;
  return NULL;
}

static void start(struct waiter *waiters, int count, int priority) {
  int expected = waiting + count;
  for (int i = 0; i < count; i++) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    if (priority) {
      // The middle one has the highest.
      struct sched_param parameters = {.sched_priority = priority + (i == count / 2 ? 10 : i)};
      pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
      pthread_attr_setschedpolicy(&attributes, SCHED_FIFO);
      pthread_attr_setschedparam(&attributes, &parameters);
    }
    REQUIRE(pthread_create(&waiters[i].thread, &attributes, wait_for_lock, &waiters[i]) == 0);
  }
  while (waiting < expected) usleep(1000);
  for (int i = 0; i < count; i++) {
    while (!waiters[i].has_returned && !is_thread_asleep(getpid(), waiters[i].identifier, SYS_futex)) usleep(1000);
  }
}
static void join(struct waiter *waiters, int count) {
  for (int i = 0; i < count; i++) pthread_join(waiters[i].thread, NULL);
}
static void reset(void) { waiting = returned = order = shares = 0; }

static void errors(void) {
  struct timespec past = {1, 0}, bad = {0, 1000000000};
  CHECK_ERROR(await(&past), ETIMEDOUT);
  CHECK_ERROR(futex(&word, FUTEX_WAIT_REQUEUE_PI_PRIVATE | FUTEX_CLOCK_REALTIME, 0, &past, &lock, 0), ETIMEDOUT);
  CHECK_ERROR(await(&bad), EINVAL);
  CHECK_ERROR(await((void *)8), EFAULT);
  CHECK_ERROR(futex(&word, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 1, 0, &lock, 0), EAGAIN);
  CHECK_ERROR(futex(&word, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 0, 0, &word, 0), EINVAL);
  CHECK_ERROR(futex(&word, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 0, 0, (char *)&lock + 1, 0), EINVAL);
  CHECK_ERROR(futex(&word, FUTEX_WAIT_REQUEUE_PI, 0, 0, (void *)8, 0), EFAULT);
  struct timespec soon = from_now(CLOCK_MONOTONIC, 30);
  CHECK_ERROR(await(&soon), ETIMEDOUT);
  soon = from_now(CLOCK_REALTIME, 30);
  CHECK_ERROR(futex(&word, FUTEX_WAIT_REQUEUE_PI_PRIVATE | FUTEX_CLOCK_REALTIME, 0, &soon, &lock, 0), ETIMEDOUT);

  CHECK_EQUAL(requeue(5), 0);
  CHECK_EQUAL(lock, 0);
  CHECK_ERROR(requeue(-1), EINVAL);
  CHECK_ERROR(futex(&word, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, 0, &word, 0), EINVAL);
  CHECK_ERROR(futex(&word, FUTEX_CMP_REQUEUE_PI_PRIVATE, 0, 0, &lock, 0), EINVAL);
  CHECK_ERROR(futex(&word, FUTEX_CMP_REQUEUE_PI_PRIVATE, 2, 0, &lock, 0), EINVAL);
  CHECK_ERROR(futex(&word, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, 0, &lock, 7), EAGAIN);
  CHECK_ERROR(futex(&word, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, 0, (void *)8, 0), EFAULT);
  CHECK_ERROR(futex((void *)8, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, 0, &lock, 0), EFAULT);
  CHECK_ERROR(futex(&word, FUTEX_CMP_REQUEUE_PI_PRIVATE | FUTEX_CLOCK_REALTIME, 1, 0, &lock, 0), ENOSYS);
}

static void gives_a_free_lock(void) {
  struct waiter waiters[5] = {0};
  reset();
  start(waiters, 5, 0);
  // The first gets it, two are moved to it.
  CHECK_EQUAL(requeue(2), 3);
  for (int i = 0; i < 20000 && returned < 3; i++) usleep(1000);
  CHECK_EQUAL(returned, 3);
  CHECK_EQUAL(requeue(0), 1);
  CHECK_EQUAL(requeue(INT_MAX), 1);
  join(waiters, 5);
  CHECK_EQUAL(shares, 5);
  for (int i = 0; i < 5; i++) CHECK_EQUAL(waiters[i].error, 0);
  CHECK_EQUAL(owner(), 0);
  CHECK_EQUAL(requeue(INT_MAX), 0);
  lock = 0;
}

static void waits_for_a_lock_that_is_held(void) {
  struct waiter waiters[4] = {0};
  reset();
  take();
  start(waiters, 4, 0);
  CHECK_EQUAL(requeue(0), 1);
  CHECK_EQUAL(requeue(INT_MAX), 3);
  CHECK_EQUAL(lock, thread() | FUTEX_WAITERS);
  usleep(30000);
  CHECK_EQUAL(returned, 0);
  give();
  join(waiters, 4);
  CHECK_EQUAL(shares, 4);
  CHECK_EQUAL(owner(), 0);
  lock = 0;
}

static void mixtures(void) {
  struct waiter waiters[2] = {0};
  reset();
  start(waiters, 2, 0);
  CHECK_ERROR(futex(&word, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0), EINVAL);
  CHECK_ERROR(futex(&word, FUTEX_REQUEUE_PRIVATE, 0, (void *)1, &other_lock, 0), EINVAL);
  CHECK_ERROR(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)1, &other_lock, 0), EINVAL);
  // They have said which lock it is to be.
  CHECK_ERROR(futex(&word, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)1, &other_lock, 0), EINVAL);
  CHECK_EQUAL(other_lock, 0);
  // Owned by nobody who lives.
  lock = 0x3ffffff0;
  CHECK_ERROR(requeue(1), ESRCH);
  lock = 0;
  CHECK_EQUAL(returned, 0);
  CHECK_EQUAL(requeue(1), 2);
  join(waiters, 2);
  lock = 0;

  // The owner itself waits.
  waiters[0].is_owner = 1;
  reset();
  start(waiters, 1, 0);
  CHECK_EQUAL(owner(), waiters[0].identifier);
  CHECK_ERROR(requeue(0), EDEADLK);
  CHECK_EQUAL(returned, 0);
  lock = 0;
  CHECK_EQUAL(requeue(0), 1);
  join(waiters, 1);
  lock = 0;
}

static void *wait_plainly(void *argument) {
  waiting = thread();
  CHECK_EQUAL(futex(&word, FUTEX_WAIT_PRIVATE, 0, 0, 0, 0), 0);
  return argument;
}

static void plain_waiters_stay(void) {
  pthread_t plain;
  reset();
  REQUIRE(pthread_create(&plain, NULL, wait_plainly, NULL) == 0);
  while (!waiting) usleep(1000);
  until_thread_asleep(getpid(), waiting, SYS_futex);
  CHECK_ERROR(requeue(1), EINVAL);
  CHECK_EQUAL(lock, 0);
  CHECK_ERROR(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, 0, 0, 0), EINVAL);
  CHECK_EQUAL(futex(&word, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0), 1);
  pthread_join(plain, NULL);
}

static atomic_int handled;
static void on_signal(int number) { handled++; }

static void signals_and_times(void) {
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGUSR1, &action, NULL);
  struct waiter waiter = {0};
  reset();
  // Before it is moved the call is made again, whatever the handler's flags.
  start(&waiter, 1, 0);
  pthread_kill(waiter.thread, SIGUSR1);
  for (int i = 0; i < 20000 && !handled; i++) usleep(1000);
  until_thread_asleep(getpid(), waiter.identifier, SYS_futex);
  CHECK_EQUAL(handled, 1);
  CHECK_EQUAL(returned, 0);
  take();
  CHECK_EQUAL(requeue(0), 1);
  // After that it is not.
  pthread_kill(waiter.thread, SIGUSR1);
  pthread_join(waiter.thread, NULL);
  CHECK_EQUAL(waiter.error, EAGAIN);
  CHECK_EQUAL(handled, 2);
  give();
  CHECK_EQUAL(owner(), 0);
  lock = 0;

  // Moved before its time is over: with more time where a busy host has been slower.
  long moved = 0;
  for (int milliseconds = 300; milliseconds < 20000 && moved == 0; milliseconds *= 4) {
    struct timespec until = from_now(CLOCK_MONOTONIC, milliseconds);
    waiter = (struct waiter){.until = &until};
    reset();
    take();
    start(&waiter, 1, 0);
    moved = requeue(0);
    pthread_join(waiter.thread, NULL);
    CHECK_EQUAL(waiter.error, ETIMEDOUT);
    struct timespec now = from_now(CLOCK_MONOTONIC, 0);
    CHECK(now.tv_sec > until.tv_sec || (now.tv_sec == until.tv_sec && now.tv_nsec >= until.tv_nsec));
    give();
    lock = 0;
  }
  CHECK_EQUAL(moved, 1);
}

static void *hold_and_end(void *argument) {
  take();
  *(atomic_int *)argument = 1;
  while (*(atomic_int *)argument != 2) usleep(1000);
  return NULL;
}

static void owner_ends(void) {
  atomic_int step = 0;
  pthread_t holder;
  struct waiter waiter = {0};
  reset();
  REQUIRE(pthread_create(&holder, NULL, hold_and_end, &step) == 0);
  while (step != 1) usleep(1000);
  start(&waiter, 1, 0);
  CHECK_EQUAL(requeue(0), 1);
  step = 2;
  pthread_join(holder, NULL);
  pthread_join(waiter.thread, NULL);
  CHECK_EQUAL(waiter.error, 0);
  CHECK_EQUAL(shares, 1);
  lock = 0;
}

static int take_and_end(void *argument) {
  __atomic_store_n(&lock, thread(), __ATOMIC_SEQ_CST);
  return argument != NULL;
}

// Nobody is made to wait for a thread that is known to have ended.
static void owner_has_just_ended(void) {
  struct waiter waiter = {0};
  reset();
  start(&waiter, 1, 0);
  for (int i = 0; i < 40; i++) {
    lock = 0;
    REQUIRE(start_task(take_and_end, NULL) > 0);
    await_task();
    long result = requeue(0);
    CHECK(result == -1 && errno == ESRCH);
    // The waiter would wait for ever.
    REQUIRE(result == -1);
  }
  lock = 0;
  CHECK_EQUAL(requeue(0), 1);
  join(&waiter, 1);
  lock = 0;
}

static volatile uint32_t lock_owner, other_owner;

static void *hold_other_lock_and_await(void *argument) {
  CHECK_EQUAL(futex(&other_lock, FUTEX_LOCK_PI_PRIVATE, 0, 0, 0, 0), 0);
  other_owner = thread();
  await(NULL);
  return argument;
}
static void *hold_lock_and_wait(void *argument) {
  take();
  while (!other_owner) usleep(1000);
  lock_owner = thread();
  futex(&other_lock, FUTEX_LOCK_PI_PRIVATE, 0, 0, 0, 0);
  return argument;
}

// The lock's owner waits for a lock of the one that is to wait for it. In a process of its own, which ends with both.
static void circle(void) {
  pid_t child = fork();
  if (child == 0) {
    pthread_t threads[2];
    REQUIRE(pthread_create(&threads[0], NULL, hold_other_lock_and_await, NULL) == 0);
    REQUIRE(pthread_create(&threads[1], NULL, hold_lock_and_wait, NULL) == 0);
    while (!lock_owner || !(__atomic_load_n(&other_lock, __ATOMIC_SEQ_CST) & FUTEX_WAITERS)) usleep(1000);
    until_thread_asleep(getpid(), lock_owner, SYS_futex);
    until_thread_asleep(getpid(), other_owner, SYS_futex);
    CHECK_ERROR(requeue(0), EDEADLK);
    CHECK_EQUAL(owner(), lock_owner);
    _exit(finish());
  }
  int status;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
}

// The one with the highest priority is next, whenever it came.
static void by_priority(void) {
  struct waiter waiters[5] = {0};
  reset();
  take();
  start(waiters, 5, 20);
  CHECK_EQUAL(requeue(INT_MAX), 5);
  give();
  join(waiters, 5);
  CHECK_EQUAL(waiters[2].place, 0);
  CHECK_EQUAL(waiters[4].place, 1);
  CHECK_EQUAL(waiters[3].place, 2);
  CHECK_EQUAL(waiters[1].place, 3);
  CHECK_EQUAL(waiters[0].place, 4);
  lock = 0;
}

// A condition variable of sorts: everybody comes again and again, and each turn is under the lock.
enum { TURNS = 200, PLAYERS = 4 };
static int turns;
static atomic_int done;

static void *play(void *argument) {
  uint32_t seen;
  for (;;) {
    take();
    if (turns >= TURNS) break;
    seen = __atomic_load_n(&word, __ATOMIC_SEQ_CST);
    give();
    struct timespec until = from_now(CLOCK_MONOTONIC, 30000);
    if (futex(&word, FUTEX_WAIT_REQUEUE_PI_PRIVATE, seen, &until, &lock, 0) != 0) {
      CHECK_EQUAL(errno, EAGAIN);
      if (errno != EAGAIN) break;
      continue;
    }
    CHECK_EQUAL(owner(), thread());
    int before = turns;
    if (before % 8 == 0) sched_yield();
    turns = before + 1;
    give();
  }
  if (owner() == thread()) give();
  done++;
  return argument;
}

static void turns_in_a_race(void) {
  pthread_t players[PLAYERS];
  for (int i = 0; i < PLAYERS; i++) REQUIRE(pthread_create(&players[i], NULL, play, NULL) == 0);
  for (int i = 0; done < PLAYERS && i < 100000; i++) {
    uint32_t value = __atomic_add_fetch(&word, 1, __ATOMIC_SEQ_CST);
    long result = futex(&word, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)(intptr_t)(i % 3 ? INT_MAX : 0), &lock, value);
    CHECK(result >= 0);
    if (i % 16 == 0) usleep(1000); else sched_yield();
  }
  for (int i = 0; i < PLAYERS; i++) pthread_join(players[i], NULL);
  CHECK(turns >= TURNS);
  CHECK_EQUAL(owner(), 0);
  word = lock = 0;
}

int main(void) {
  errors();
  gives_a_free_lock();
  waits_for_a_lock_that_is_held();
  mixtures();
  plain_waiters_stay();
  signals_and_times();
  owner_ends();
  owner_has_just_ended();
  circle();
  by_priority();
  turns_in_a_race();
  return finish();
}
