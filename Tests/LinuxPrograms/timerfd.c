// Built with musl too.
// timerfd_create(2): relative and absolute times, intervals, blocking and polling.
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>

static long long nanoseconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void once(clockid_t clock) {
  int timer = timerfd_create(clock, TFD_CLOEXEC);
  REQUIRE(timer >= 0);
  uint64_t count = 0;
  struct itimerspec setting = {{0, 0}, {1000, 0}}, old;
  CHECK_EQUAL(timerfd_settime(timer, 0, &setting, NULL), 0);
  CHECK_EQUAL(timerfd_gettime(timer, &old), 0);
  CHECK(old.it_value.tv_sec > 0 && (old.it_value.tv_sec < 1000 || old.it_value.tv_nsec == 0));
  setting.it_value = (struct timespec){0, 30000000};
  long long start = nanoseconds(CLOCK_MONOTONIC);
  CHECK_EQUAL(timerfd_settime(timer, 0, &setting, NULL), 0);
  CHECK_EQUAL(read(timer, &count, 8), 8);
  CHECK_EQUAL(count, 1);
  CHECK(nanoseconds(CLOCK_MONOTONIC) - start >= 30000000);
  CHECK_EQUAL(timerfd_gettime(timer, &old), 0);
  CHECK_EQUAL(old.it_value.tv_nsec, 0);
  long long then = nanoseconds(clock) + 20000000;
  setting.it_value.tv_sec = then / 1000000000;
  setting.it_value.tv_nsec = then % 1000000000;
  CHECK_EQUAL(timerfd_settime(timer, TFD_TIMER_ABSTIME, &setting, NULL), 0);
  CHECK_EQUAL(read(timer, &count, 8), 8);
  CHECK(nanoseconds(clock) >= then);
  // A time that has passed.
  setting.it_value.tv_sec = 0;
  setting.it_value.tv_nsec = 1;
  CHECK_EQUAL(timerfd_settime(timer, TFD_TIMER_ABSTIME, &setting, NULL), 0);
  CHECK_EQUAL(read(timer, &count, 8), 8);
  CHECK_EQUAL(count, 1);
  close(timer);
}

static void intervals(void) {
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  uint64_t count = 0, total = 0;
  struct itimerspec setting = {{0, 5000000}, {0, 5000000}}, zero = {{0, 0}, {0, 0}}, old;
  CHECK_ERROR(read(timer, &count, 8), EAGAIN);
  CHECK_EQUAL(timerfd_settime(timer, 0, &setting, NULL), 0);
  struct pollfd fd = {timer, POLLIN, 0};
  for (int i = 0; i < 5; i++) {
    CHECK_EQUAL(poll(&fd, 1, 20000), 1);
    CHECK_EQUAL(fd.revents, POLLIN);
    CHECK_EQUAL(read(timer, &count, 8), 8);
    total += count;
  }
  CHECK(total >= 5);
  struct timespec pause = {0, 50000000};
  nanosleep(&pause, NULL);
  // The CPU that has the timer may be late.
  CHECK_EQUAL(poll(&fd, 1, 20000), 1);
  CHECK_EQUAL(read(timer, &count, 8), 8);
  CHECK(count >= 9);
  CHECK_ERROR(read(timer, &count, 4), EINVAL);
  CHECK_EQUAL(timerfd_settime(timer, 0, &zero, &old), 0);
  CHECK_EQUAL(old.it_interval.tv_nsec, 5000000);
  CHECK_ERROR(read(timer, &count, 8), EAGAIN);
  CHECK_EQUAL(poll(&fd, 1, 20), 0);

  int instance = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN | EPOLLET};
  CHECK_EQUAL(epoll_ctl(instance, EPOLL_CTL_ADD, timer, &event), 0);
  CHECK_EQUAL(timerfd_settime(timer, 0, &setting, NULL), 0);
  for (int i = 0; i < 3; i++) {
    CHECK_EQUAL(epoll_wait(instance, &event, 1, 20000), 1);
    CHECK_EQUAL(read(timer, &count, 8), 8);
  }
  close(timer);
  CHECK_EQUAL(epoll_wait(instance, &event, 1, 20), 0);
  close(instance);
}

// An interval beyond all times: the first expiry is the only one.
static void once_in_an_age(void) {
  int timer = timerfd_create(CLOCK_MONOTONIC, 0);
  struct itimerspec times = {.it_value = {0, 1}, .it_interval = {INT64_MAX, 0}};
  CHECK_EQUAL(timerfd_settime(timer, 0, &times, NULL), 0);
  uint64_t count;
  CHECK_EQUAL(read(timer, &count, 8), 8);
  CHECK_EQUAL(count, 1);
  CHECK_EQUAL(fcntl(timer, F_SETFL, O_NONBLOCK), 0);
  CHECK_ERROR(read(timer, &count, 8), EAGAIN);
  close(timer);
}

static void errors(void) {
  struct itimerspec bad = {{0, 0}, {0, 1000000000}}, good = {{0, 0}, {1, 0}};
  CHECK_ERROR(timerfd_create(99, 0), EINVAL);
  CHECK_ERROR(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0), EINVAL);
  CHECK_ERROR(timerfd_create(CLOCK_MONOTONIC, 1), EINVAL);
  int timer = timerfd_create(CLOCK_MONOTONIC, 0), ends[2];
  CHECK_ERROR(timerfd_settime(timer, 0, &bad, NULL), EINVAL);
  CHECK_ERROR(timerfd_settime(timer, 8, &good, NULL), EINVAL);
  REQUIRE(pipe(ends) == 0);
  CHECK_ERROR(timerfd_settime(ends[0], 0, &good, NULL), EINVAL);
  CHECK_ERROR(timerfd_gettime(999, &good), EBADF);
  for (int i = 0; i < 200; i++) {
    int many = timerfd_create(CLOCK_MONOTONIC, 0);
    struct itimerspec soon = {{0, 100000}, {0, 1000 + i * 20000}};
    timerfd_settime(many, 0, &soon, NULL);
    if (i & 1) timerfd_settime(many, 0, &good, NULL);
    close(many);
  }
  close(timer);
  close(ends[0]);
  close(ends[1]);
}

int main(void) {
  once(CLOCK_MONOTONIC);
  once(CLOCK_REALTIME);
  intervals();
  once_in_an_age();
  errors();
  return finish();
}
