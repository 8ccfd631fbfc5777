// Shared memory that is unmapped while threads wait for its words (futex(2)): their waits are nobody else's, whatever
// the memory is used for next.
#include "asleep.h"
#include "check.h"
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>

static long futex(void *word, int operation, unsigned value, void *timeout, void *second, unsigned third) {
  return syscall(SYS_futex, word, operation, value, timeout, second, third);
}
static uint32_t thread(void) { return syscall(SYS_gettid); }
static uint32_t *shared_word(void) {
  uint32_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(page != MAP_FAILED);
  *(volatile uint32_t *)page = 0;
  return page;
}
static void nothing(int signal) {}

enum kind { PLAIN, SEVERAL, FOR_LOCK };

struct waiter {
  pthread_t thread;
  enum kind kind;
  uint32_t *word, *lock;
  volatile uint32_t identifier;
  volatile long result;
  volatile int error;
};

static void *wait_for_word(void *argument) {
  struct waiter *waiter = argument;
  struct { uint64_t value, address; uint32_t flags, reserved; } several = {0, (uintptr_t)waiter->word, 2, 0};
  waiter->identifier = thread();
  switch (waiter->kind) {
  case PLAIN: waiter->result = futex(waiter->word, FUTEX_WAIT, 0, NULL, NULL, 0); break;
  case SEVERAL: waiter->result = syscall(449, &several, 1, 0, NULL, 0); break;  // futex_waitv
  case FOR_LOCK: waiter->result = futex(waiter->word, FUTEX_WAIT_REQUEUE_PI, 0, NULL, waiter->lock, 0); break;
  }
  waiter->error = errno;
  return NULL;
}
static void start(struct waiter *waiter) {
  REQUIRE(pthread_create(&waiter->thread, NULL, wait_for_word, waiter) == 0);
  while (waiter->identifier == 0) usleep(1000);
  until_thread_asleep(getpid(), waiter->identifier, waiter->kind == SEVERAL ? 449 : SYS_futex);
}

// Others' words in the same frame: nobody waits for them.
static void waiters_of_what_has_gone(enum kind kind, int is_moved) {
  uint32_t before = 0, *page = shared_word();
  struct waiter waiter = {.kind = kind, .word = is_moved ? &before : page};
  start(&waiter);
  if (is_moved) CHECK_EQUAL(futex(&before, FUTEX_REQUEUE, 0, (void *)1, page, 0), 1);
  CHECK_EQUAL(munmap(page, 4096), 0);
  uint32_t *others[256];
  int woken = 0;
  for (int i = 0; i < 256; i++) woken += futex(others[i] = shared_word(), FUTEX_WAKE, 1, NULL, NULL, 0) != 0;
  CHECK_EQUAL(woken, 0);
  for (int i = 0; i < 256; i++) munmap(others[i], 4096);
  // Only a signal ends such a wait.
  while (pthread_tryjoin_np(waiter.thread, NULL) != 0) {
    pthread_kill(waiter.thread, SIGUSR1);
    usleep(1000);
  }
  CHECK_EQUAL(waiter.result, -1);
  CHECK_EQUAL(waiter.error, EINTR);
}

static atomic_int may_end;

static void *own_lock(void *argument) {
  struct waiter *owner = argument;
  __atomic_store_n(owner->lock, thread(), __ATOMIC_SEQ_CST);
  owner->identifier = thread();
  while (!may_end) usleep(1000);
  return NULL;
}

// The kernel hands a lock on whose owner ends, and writes so to its word: not to what is there by then.
static void lock_that_has_gone(void) {
  static uint32_t word;
  struct waiter owner = {.lock = shared_word()}, waiter = {.kind = FOR_LOCK, .word = &word, .lock = owner.lock};
  REQUIRE(pthread_create(&owner.thread, NULL, own_lock, &owner) == 0);
  while (owner.identifier == 0) usleep(1000);
  start(&waiter);
  CHECK_EQUAL(futex(&word, FUTEX_CMP_REQUEUE_PI, 1, NULL, owner.lock, 0), 1);
  // With its page tables: pages are all that it lacks.
  size_t size = 16 << 20;
  char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  for (size_t i = 0; i < size; i += 1 << 21) *(volatile char *)(memory + i) = 0;
  CHECK_EQUAL(munmap(owner.lock, 4096), 0);
  for (size_t i = 0; i < size; i += 4096) *(volatile char *)(memory + i) = 0;
  may_end = 1;
  pthread_join(owner.thread, NULL);
  pthread_join(waiter.thread, NULL);
  // As the owner of a lock that it cannot read, or told so.
  CHECK(waiter.result == 0 || waiter.error == EFAULT);
  int changed = 0;
  for (size_t i = 0; i < size / 8; i++) changed += ((uint64_t *)memory)[i] != 0;
  CHECK_EQUAL(changed, 0);
  munmap(memory, size);
}

int main(void) {
  struct sigaction action = {.sa_handler = nothing};
  REQUIRE(sigaction(SIGUSR1, &action, NULL) == 0);
  for (int is_moved = 0; is_moved < 2; is_moved++) {
    waiters_of_what_has_gone(PLAIN, is_moved);
    waiters_of_what_has_gone(SEVERAL, is_moved);
  }
  lock_that_has_gone();
  return finish();
}
