// Built with musl too.
// epoll(7): level, edge, one-shot and exclusive items, nested instances, what happens when files are closed.
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static void *volatile nowhere = (void *)16;
static struct epoll_event events[16];

static int control(int instance, int operation, int descriptor, uint32_t wanted, uint64_t data) {
  struct epoll_event event = {.events = wanted, .data.u64 = data};
  return epoll_ctl(instance, operation, descriptor, &event);
}

static void errors(void) {
  CHECK_ERROR(syscall(SYS_epoll_create, 0), EINVAL);
  CHECK_ERROR(epoll_create1(1), EINVAL);
  int instance = epoll_create1(EPOLL_CLOEXEC), ends[2];
  REQUIRE(instance >= 0 && pipe(ends) == 0);
  CHECK_ERROR(control(instance, EPOLL_CTL_ADD, 999, EPOLLIN, 0), EBADF);
  CHECK_ERROR(control(999, EPOLL_CTL_ADD, ends[0], EPOLLIN, 0), EBADF);
  CHECK_ERROR(control(ends[0], EPOLL_CTL_ADD, ends[1], EPOLLIN, 0), EINVAL);
  CHECK_ERROR(control(instance, EPOLL_CTL_ADD, instance, EPOLLIN, 0), EINVAL);
  CHECK_ERROR(control(instance, EPOLL_CTL_MOD, ends[0], EPOLLIN, 0), ENOENT);
  CHECK_ERROR(control(instance, EPOLL_CTL_DEL, ends[0], 0, 0), ENOENT);
  CHECK_ERROR(control(instance, 7, ends[0], 0, 0), EINVAL);
  CHECK_EQUAL(control(instance, EPOLL_CTL_ADD, ends[0], EPOLLIN, 0), 0);
  CHECK_ERROR(control(instance, EPOLL_CTL_ADD, ends[0], EPOLLIN, 0), EEXIST);
  CHECK_ERROR(epoll_ctl(instance, EPOLL_CTL_MOD, ends[0], nowhere), EFAULT);
  CHECK_EQUAL(epoll_ctl(instance, EPOLL_CTL_DEL, ends[0], NULL), 0);
  CHECK_ERROR(epoll_wait(instance, events, 0, 0), EINVAL);
  CHECK_ERROR(syscall(SYS_epoll_wait, instance, events, -1, 0), EINVAL);
  CHECK_ERROR(epoll_wait(ends[0], events, 1, 0), EINVAL);
  CHECK_ERROR(epoll_wait(999, events, 1, 0), EBADF);
  CHECK_EQUAL(control(instance, EPOLL_CTL_ADD, ends[1], EPOLLOUT, 0), 0);
  CHECK_ERROR(epoll_wait(instance, nowhere, 1, 0), EFAULT);
  // The event was not lost.
  CHECK_EQUAL(epoll_wait(instance, events, 1, 0), 1);
  close(instance);
  close(ends[0]);
  close(ends[1]);
}

static void ways(void) {
  int instance = epoll_create1(0), ends[2];
  char bytes[10];
  REQUIRE(pipe2(ends, O_NONBLOCK) == 0);
  CHECK_EQUAL(control(instance, EPOLL_CTL_ADD, ends[0], EPOLLIN, 0x1122334455667788), 0);
  CHECK_EQUAL(epoll_wait(instance, events, 16, 0), 0);
  CHECK_EQUAL(epoll_wait(instance, events, 16, 10), 0);
  write(ends[1], "xx", 2);
  for (int turn = 0; turn < 3; turn++) {
    CHECK_EQUAL(epoll_wait(instance, events, 16, -1), 1);
    CHECK_EQUAL(events[0].events, EPOLLIN);
    CHECK_EQUAL(events[0].data.u64, 0x1122334455667788);
  }
  CHECK_EQUAL(control(instance, EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLET, 2), 0);
  CHECK_EQUAL(epoll_wait(instance, events, 16, 0), 1);
  CHECK_EQUAL(events[0].data.u64, 2);
  CHECK_EQUAL(epoll_wait(instance, events, 16, 0), 0);
  read(ends[0], bytes, 1);
  CHECK_EQUAL(epoll_wait(instance, events, 16, 0), 0);
  write(ends[1], "y", 1);
  CHECK_EQUAL(epoll_wait(instance, events, 16, 0), 1);
  CHECK_EQUAL(epoll_wait(instance, events, 16, 0), 0);
  CHECK_EQUAL(control(instance, EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLONESHOT, 3), 0);
  CHECK_EQUAL(epoll_wait(instance, events, 16, 0), 1);
  CHECK_EQUAL(epoll_wait(instance, events, 16, 0), 0);
  write(ends[1], "z", 1);
  CHECK_EQUAL(epoll_wait(instance, events, 16, 0), 0);
  CHECK_EQUAL(control(instance, EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLONESHOT, 4), 0);
  CHECK_EQUAL(epoll_wait(instance, events, 16, 0), 1);
  CHECK_EQUAL(control(instance, EPOLL_CTL_MOD, ends[0], 0, 5), 0);
  CHECK_EQUAL(epoll_wait(instance, events, 16, 0), 0);
  close(ends[1]);
  // Not asked for, and told all the same.
  CHECK_EQUAL(epoll_wait(instance, events, 16, -1), 1);
  CHECK_EQUAL(events[0].events, EPOLLHUP);
  close(ends[0]);
  CHECK_EQUAL(epoll_wait(instance, events, 16, 0), 0);
  close(instance);
}

static void several(void) {
  int instance = epoll_create1(0), counters[8];
  for (int i = 0; i < 8; i++) {
    counters[i] = eventfd(1, 0);
    CHECK_EQUAL(control(instance, EPOLL_CTL_ADD, counters[i], EPOLLIN, i), 0);
  }
  // Fewer places than ready files: each has its turn.
  unsigned seen = 0;
  for (int turn = 0; turn < 4; turn++) {
    int count = epoll_wait(instance, events, 2, 0);
    CHECK_EQUAL(count, 2);
    for (int i = 0; i < count; i++) seen |= 1u << events[i].data.u32;
  }
  CHECK_EQUAL(seen, 255);
  CHECK_EQUAL(epoll_wait(instance, events, 16, 0), 8);
  for (int i = 0; i < 8; i += 2) close(counters[i]);
  CHECK_EQUAL(epoll_wait(instance, events, 16, 0), 4);
  for (int i = 1; i < 8; i += 2) CHECK_EQUAL(control(instance, EPOLL_CTL_DEL, counters[i], 0, 0), 0);
  CHECK_EQUAL(epoll_wait(instance, events, 16, 0), 0);
  for (int i = 1; i < 8; i += 2) close(counters[i]);
  close(instance);
}

// An item goes with the open file, not with the descriptor.
static void duplicates(void) {
  int instance = epoll_create1(0), counter = eventfd(1, 0);
  int copy = dup(counter);
  if (copy < 0) return;
  CHECK_EQUAL(control(instance, EPOLL_CTL_ADD, counter, EPOLLIN, 1), 0);
  CHECK_EQUAL(control(instance, EPOLL_CTL_ADD, copy, EPOLLIN, 2), 0);
  CHECK_EQUAL(epoll_wait(instance, events, 16, 0), 2);
  close(counter);
  CHECK_EQUAL(epoll_wait(instance, events, 16, 0), 2);
  int other = eventfd(0, 0);
  CHECK_EQUAL(other, counter);
  CHECK_EQUAL(control(instance, EPOLL_CTL_ADD, other, EPOLLIN, 3), 0);
  CHECK_EQUAL(epoll_wait(instance, events, 16, 0), 2);
  close(copy);
  CHECK_EQUAL(epoll_wait(instance, events, 16, 0), 0);
  close(other);
  close(instance);
}

static void nesting(void) {
  int inner = epoll_create1(0), outer = epoll_create1(0), counter = eventfd(0, EFD_NONBLOCK);
  uint64_t value = 1;
  CHECK_EQUAL(control(inner, EPOLL_CTL_ADD, counter, EPOLLIN, 1), 0);
  CHECK_EQUAL(control(outer, EPOLL_CTL_ADD, inner, EPOLLIN, 2), 0);
  CHECK_ERROR(control(inner, EPOLL_CTL_ADD, outer, EPOLLIN, 3), ELOOP);
  CHECK_EQUAL(epoll_wait(outer, events, 16, 0), 0);
  struct pollfd fd = {outer, POLLIN, 0};
  CHECK_EQUAL(poll(&fd, 1, 0), 0);
  write(counter, &value, 8);
  CHECK_EQUAL(poll(&fd, 1, 0), 1);
  CHECK_EQUAL(fd.revents, POLLIN);
  CHECK_EQUAL(epoll_wait(outer, events, 16, 0), 1);
  CHECK_EQUAL(events[0].data.u64, 2);
  CHECK_EQUAL(epoll_wait(inner, events, 16, 0), 1);
  read(counter, &value, 8);
  CHECK_EQUAL(epoll_wait(outer, events, 16, 0), 0);
  close(inner);
  CHECK_EQUAL(epoll_wait(outer, events, 16, 0), 0);
  close(outer);
  close(counter);
  // Not too deep, and nothing is left of the attempt.
  int chain[12], depth = 0;
  for (int i = 0; i < 12; i++) chain[i] = epoll_create1(0);
  for (int i = 1; i < 12; i++) {
    if (control(chain[i], EPOLL_CTL_ADD, chain[i - 1], EPOLLIN, i) != 0) {
      CHECK(errno == ELOOP || errno == EINVAL);
      break;
    }
    depth = i;
  }
  CHECK(depth >= 4 && depth < 11);
  for (int i = 0; i < 12; i++) close(chain[i]);
}

static volatile int readers_done, got_total;

// Three layers, each of which watches all of the next: as many ways through them as the number to the third power.
static void many_ways(void) {
  enum { width = 40 };
  int layers[3][width], top = epoll_create1(0), other = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN};
  for (int layer = 0; layer < 3; layer++) {
    for (int i = 0; i < width; i++) REQUIRE((layers[layer][i] = epoll_create1(0)) >= 0);
  }
  for (int layer = 1; layer >= 0; layer--) {
    for (int i = 0; i < width; i++) {
      for (int j = 0; j < width; j++) {
        // Linux limits the ways that lead to a file as well; it says EINVAL then.
        int result = epoll_ctl(layers[layer][i], EPOLL_CTL_ADD, layers[layer + 1][j], &event);
        CHECK(result == 0 || errno == EINVAL);
      }
    }
  }
  for (int i = 0; i < width; i++) epoll_ctl(top, EPOLL_CTL_ADD, layers[0][i], &event);
  int result = epoll_ctl(other, EPOLL_CTL_ADD, top, &event);
  CHECK(result == 0 || errno == EINVAL || errno == ELOOP);
  for (int layer = 0; layer < 3; layer++) {
    for (int i = 0; i < width; i++) close(layers[layer][i]);
  }
  close(top);
  close(other);
}

static void *waiter(void *argument) {
  int *pair = argument;
  struct epoll_event event;
  for (;;) {
    if (epoll_wait(pair[0], &event, 1, -1) != 1) break;
    char byte;
    ssize_t got = read(pair[1], &byte, 1);
    if (got == 0) break;
    if (got == 1) __sync_fetch_and_add(&got_total, 1);
  }
  __sync_fetch_and_add(&readers_done, 1);
  return NULL;
}

static void crowd(uint32_t way) {
  int ends[2];
  REQUIRE(pipe2(ends, O_NONBLOCK) == 0);
  pthread_t threads[4];
  int pairs[4][2];
  readers_done = got_total = 0;
  for (int i = 0; i < 4; i++) {
    pairs[i][0] = epoll_create1(0);
    pairs[i][1] = ends[0];
    CHECK_EQUAL(control(pairs[i][0], EPOLL_CTL_ADD, ends[0], EPOLLIN | way, 0), 0);
    REQUIRE(pthread_create(&threads[i], NULL, waiter, pairs[i]) == 0);
  }
  for (int i = 0; i < 2000; i++) while (write(ends[1], "x", 1) != 1) {}
  struct timespec pause = {0, 1000000};
  for (int i = 0; i < 30000 && got_total < 2000; i++) nanosleep(&pause, NULL);
  CHECK_EQUAL(got_total, 2000);
  close(ends[1]);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  CHECK_EQUAL(readers_done, 4);
  for (int i = 0; i < 4; i++) close(pairs[i][0]);
  close(ends[0]);
}

// Threads of one instance that add, wait and close at once.
static void *churn(void *argument) {
  int instance = *(int *)argument;
  struct epoll_event found[4];
  for (int i = 0; i < 300; i++) {
    int counter = eventfd(1, EFD_NONBLOCK);
    control(instance, EPOLL_CTL_ADD, counter, EPOLLIN, i);
    epoll_wait(instance, found, 4, 0);
    if (i & 1) control(instance, EPOLL_CTL_DEL, counter, 0, 0);
    close(counter);
  }
  return NULL;
}

static void churning(void) {
  int instance = epoll_create1(0);
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) REQUIRE(pthread_create(&threads[i], NULL, churn, &instance) == 0);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  CHECK_EQUAL(epoll_wait(instance, events, 16, 0), 0);
  close(instance);
}

// What is ready stays so for all who look, however many look at once: in each way of looking an event is found again and
// again.
static int looked_at, looked_through;
static volatile int lookers;

static void *look_for_ever(void *argument) {
  (void)argument;
  struct pollfd asked = {looked_at, POLLIN, 0};
  while (__atomic_load_n(&lookers, __ATOMIC_SEQ_CST) > 0) poll(&asked, 1, 0);
  return NULL;
}

static void *look(void *argument) {
  struct epoll_event event;
  struct pollfd asked = {looked_at, POLLIN, 0};
  for (int i = 0; i < 20000; i++) {
    int found = argument == NULL ? poll(&asked, 1, 20000) : epoll_wait(*(int *)argument, &event, 1, 20000);
    CHECK_EQUAL(found, 1);
    if (found != 1) break;
  }
  __atomic_sub_fetch(&lookers, 1, __ATOMIC_SEQ_CST);
  return NULL;
}

static void looking_at_once(void) {
  int counter = eventfd(1, EFD_NONBLOCK);
  looked_at = epoll_create1(0);
  looked_through = epoll_create1(0);
  CHECK_EQUAL(control(looked_at, EPOLL_CTL_ADD, counter, EPOLLIN, 0), 0);
  CHECK_EQUAL(control(looked_through, EPOLL_CTL_ADD, looked_at, EPOLLIN, 0), 0);
  pthread_t threads[4];
  void *ways[] = {NULL, &looked_at, &looked_through};
  lookers = 3;
  REQUIRE(pthread_create(&threads[3], NULL, look_for_ever, NULL) == 0);
  for (int i = 0; i < 3; i++) REQUIRE(pthread_create(&threads[i], NULL, look, ways[i]) == 0);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  close(looked_through), close(looked_at), close(counter);
}

int main(void) {
  errors();
  ways();
  several();
  duplicates();
  nesting();
  many_ways();
  crowd(0);
  crowd(EPOLLEXCLUSIVE);
  churning();
  looking_at_once();
  return finish();
}
