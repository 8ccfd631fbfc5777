// Built with musl too.
// poll(2), ppoll(2), select(2), pselect(2), eventfd(2).
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

static void *volatile nowhere = (void *)16;

static long milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void poll_of_pipes(void) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  struct pollfd fds[3] = {{ends[0], POLLIN, 99}, {ends[1], POLLOUT, 99}, {-1, POLLIN, 99}};
  CHECK_EQUAL(poll(fds, 3, 0), 1);
  CHECK_EQUAL(fds[0].revents, 0);
  CHECK_EQUAL(fds[1].revents, POLLOUT);
  CHECK_EQUAL(fds[2].revents, 0);
  write(ends[1], "x", 1);
  fds[0].events = POLLIN | POLLRDNORM | POLLPRI;
  CHECK_EQUAL(poll(fds, 1, -1), 1);
  CHECK_EQUAL(fds[0].revents, POLLIN | POLLRDNORM);
  int waiting = -1;
  CHECK_EQUAL(ioctl(ends[0], FIONREAD, &waiting), 0);
  CHECK_EQUAL(waiting, 1);
  close(ends[1]);
  fds[0].events = 0;
  CHECK_EQUAL(poll(fds, 1, 1000), 1);
  CHECK_EQUAL(fds[0].revents, POLLHUP);
  fds[0].events = POLLIN;
  CHECK_EQUAL(poll(fds, 1, 1000), 1);
  CHECK_EQUAL(fds[0].revents, POLLIN | POLLHUP);
  fds[1].events = POLLIN;
  CHECK_EQUAL(poll(fds, 2, -1), 2);
  CHECK_EQUAL(fds[1].revents, POLLNVAL);
  close(ends[0]);

  REQUIRE(pipe(ends) == 0);
  close(ends[0]);
  fds[0] = (struct pollfd){ends[1], POLLOUT, 0};
  CHECK_EQUAL(poll(fds, 1, -1), 1);
  CHECK_EQUAL(fds[0].revents, POLLOUT | POLLERR);
  close(ends[1]);
}

static void timeouts(void) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  struct pollfd fd = {ends[0], POLLIN, 0};
  long start = milliseconds();
  CHECK_EQUAL(poll(&fd, 1, 50), 0);
  long took = milliseconds() - start;
  CHECK(took >= 50 && took < 20000);
  CHECK_EQUAL(poll(NULL, 0, 10), 0);
  CHECK_EQUAL(poll(NULL, 0, 0), 0);
  CHECK_ERROR(poll(nowhere, 1, 0), EFAULT);
  CHECK_ERROR(syscall(SYS_poll, &fd, 1 << 30, 0), EINVAL);
  struct timespec zero = {0, 0}, bad = {0, 1000000000}, length = {0, 20000000};
  CHECK_EQUAL(ppoll(&fd, 1, &zero, NULL), 0);
  CHECK_ERROR(ppoll(&fd, 1, &bad, NULL), EINVAL);
  start = milliseconds();
  // The raw call tells what is left.
  CHECK_EQUAL(syscall(SYS_ppoll, &fd, 1, &length, NULL, 8), 0);
  CHECK_EQUAL(length.tv_sec, 0);
  CHECK_EQUAL(length.tv_nsec, 0);
  CHECK(milliseconds() - start >= 20);
  struct timeval five = {0, 50000};
  fd_set set;
  FD_ZERO(&set);
  FD_SET(ends[0], &set);
  start = milliseconds();
  CHECK_EQUAL(select(ends[0] + 1, &set, NULL, NULL, &five), 0);
  CHECK(milliseconds() - start >= 50);
  CHECK(!FD_ISSET(ends[0], &set));
  close(ends[0]);
  close(ends[1]);
}

static void selecting(void) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  fd_set in, out, except;
  FD_ZERO(&in);
  FD_ZERO(&out);
  FD_ZERO(&except);
  FD_SET(ends[0], &in);
  FD_SET(ends[1], &out);
  FD_SET(ends[0], &except);
  CHECK_EQUAL(select(ends[1] + 1, &in, &out, &except, NULL), 1);
  CHECK(!FD_ISSET(ends[0], &in));
  CHECK(FD_ISSET(ends[1], &out));
  CHECK(!FD_ISSET(ends[0], &except));
  write(ends[1], "x", 1);
  FD_SET(ends[0], &in);
  FD_SET(ends[1], &out);
  CHECK_EQUAL(select(ends[1] + 1, &in, &out, NULL, NULL), 2);
  CHECK(FD_ISSET(ends[0], &in));
  // Descriptors from the first argument on do not count.
  FD_SET(ends[1], &in);
  CHECK_EQUAL(select(ends[1], &in, NULL, NULL, NULL), 1);
  CHECK_ERROR(select(-1, &in, NULL, NULL, NULL), EINVAL);
  struct timeval bad = {-1, 0};
  CHECK_ERROR(select(ends[1] + 1, &in, NULL, NULL, &bad), EINVAL);
  struct timespec long_wait = {5, 0};
  FD_ZERO(&in);
  FD_SET(ends[0], &in);
  CHECK_EQUAL(pselect(ends[0] + 1, &in, NULL, NULL, &long_wait, NULL), 1);
  close(ends[1]);
  FD_ZERO(&in);
  FD_SET(ends[1], &in);
  CHECK_ERROR(select(ends[1] + 1, &in, NULL, NULL, NULL), EBADF);
  close(ends[0]);
}

static void *write_later(void *argument) {
  struct timespec pause = {0, 30000000};
  nanosleep(&pause, NULL);
  write(*(int *)argument, "later", 5);
  return NULL;
}

static void waking(void) {
  for (int turn = 0; turn < 5; turn++) {
    int quiet[2], ends[2];
    REQUIRE(pipe(quiet) == 0 && pipe(ends) == 0);
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, write_later, &ends[1]) == 0);
    struct pollfd fds[2] = {{quiet[0], POLLIN, 0}, {ends[0], POLLIN, 0}};
    CHECK_EQUAL(poll(fds, 2, turn & 1 ? -1 : 10000), 1);
    CHECK_EQUAL(fds[0].revents, 0);
    CHECK_EQUAL(fds[1].revents, POLLIN);
    pthread_join(thread, NULL);
    close(quiet[0]);
    close(quiet[1]);
    close(ends[0]);
    close(ends[1]);
  }
}

static void event_counters(void) {
  uint64_t value = 0;
  int counter = eventfd(3, EFD_NONBLOCK);
  REQUIRE(counter >= 0);
  CHECK_EQUAL(read(counter, &value, 8), 8);
  CHECK_EQUAL(value, 3);
  CHECK_ERROR(read(counter, &value, 8), EAGAIN);
  CHECK_ERROR(read(counter, &value, 7), EINVAL);
  CHECK_ERROR(write(counter, &value, 4), EINVAL);
  value = UINT64_MAX;
  CHECK_ERROR(write(counter, &value, 8), EINVAL);
  struct pollfd fd = {counter, POLLIN | POLLOUT, 0};
  CHECK_EQUAL(poll(&fd, 1, 0), 1);
  CHECK_EQUAL(fd.revents, POLLOUT);
  value = UINT64_MAX - 1;
  CHECK_EQUAL(write(counter, &value, 8), 8);
  CHECK_EQUAL(poll(&fd, 1, 0), 1);
  CHECK_EQUAL(fd.revents, POLLIN);
  value = 1;
  CHECK_ERROR(write(counter, &value, 8), EAGAIN);
  CHECK_EQUAL(lseek(counter, 5, SEEK_SET), 0);
  close(counter);
  counter = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
  CHECK_EQUAL(read(counter, &value, 8), 8);
  CHECK_EQUAL(value, 1);
  uint64_t several[4];
  CHECK_EQUAL(read(counter, several, sizeof several), 8);
  CHECK_EQUAL(several[0], 1);
  CHECK_ERROR(read(counter, &value, 8), EAGAIN);
  close(counter);
  CHECK_ERROR(eventfd(0, 0x100), EINVAL);
  // Each piece of a vector is written for itself.
  counter = eventfd(0, EFD_NONBLOCK);
  uint64_t numbers[2] = {5, 6};
  struct iovec whole[2] = {{numbers, 8}, {numbers + 1, 8}}, parted[2] = {{numbers, 6}, {(char *)numbers + 6, 10}};
  CHECK_EQUAL(writev(counter, whole, 2), 16);
  CHECK_ERROR(writev(counter, parted, 2), EINVAL);
  whole[1].iov_len = 7;
  CHECK_EQUAL(writev(counter, whole, 2), 8);
  CHECK_EQUAL(read(counter, &value, 8), 8);
  CHECK_EQUAL(value, 16);
  close(counter);
}

static void *add_one(void *argument) {
  for (int i = 0; i < 1000; i++) {
    uint64_t one = 1;
    write(*(int *)argument, &one, 8);
  }
  return NULL;
}

static void counting_together(void) {
  int counter = eventfd(0, 0);
  pthread_t threads[3];
  for (int i = 0; i < 3; i++) REQUIRE(pthread_create(&threads[i], NULL, add_one, &counter) == 0);
  uint64_t total = 0;
  while (total < 3000) {
    uint64_t value = 0;
    REQUIRE(read(counter, &value, 8) == 8);
    total += value;
  }
  CHECK_EQUAL(total, 3000);
  for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
  close(counter);
}

enum { TIMEOUT = 1000 };

// How long a process goes on waiting after it was stopped for a while.
static long milliseconds_after_stop(struct timespec stopped) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  struct timespec before = {0, 200000000};
  pid_t child = fork();
  if (child == 0) {
    struct pollfd watched = {ends[0], POLLIN, 0};
    long start = milliseconds();
    int found = poll(&watched, 1, TIMEOUT);
    _exit(found != 0 ? 1 : milliseconds() - start < TIMEOUT ? 2 : 0);
  }
  nanosleep(&before, NULL);
  kill(child, SIGSTOP);
  nanosleep(&stopped, NULL);
  long start = milliseconds();
  kill(child, SIGCONT);
  int status;
  CHECK_EQUAL(waitpid(child, &status, 0), child);
  CHECK_EQUAL(status, 0);
  close(ends[0]);
  close(ends[1]);
  return milliseconds() - start;
}

// A process that is stopped while it waits goes on until the time that it had before, or ends its wait at once where it
// is stopped beyond that time. Linux reports no signal, neither does it begin anew.
static void stopping(void) {
  const struct timespec stopped[] = {{0, 500000000}, {1, 100000000}};
  for (int i = 0; i < 2; i++) {
    long took = TIMEOUT;
    // A machine that stands still for as long is unlikely to do so each time.
    for (int attempt = 0; attempt < 5 && took >= TIMEOUT; attempt++) took = milliseconds_after_stop(stopped[i]);
    CHECK(took < TIMEOUT);
  }
}

int main(void) {
  poll_of_pipes();
  timeouts();
  selecting();
  waking();
  event_counters();
  counting_together();
  stopping();
  return finish();
}
