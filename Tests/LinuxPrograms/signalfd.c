// Built with musl too.
// signalfd(2): reading, polling, children, queued signals.
#include "check.h"
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

int main(void) {
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGUSR1);
  sigaddset(&mask, SIGCHLD);
  sigaddset(&mask, SIGRTMIN);
  REQUIRE(sigprocmask(SIG_BLOCK, &mask, NULL) == 0);
  int file = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
  REQUIRE(file >= 0);
  struct signalfd_siginfo found[4];
  CHECK_ERROR(read(file, found, sizeof found), EAGAIN);
  CHECK_ERROR(read(file, found, 100), EINVAL);
  CHECK_ERROR(signalfd(999, &mask, 0), EBADF);
  CHECK_ERROR(signalfd(-1, &mask, 1), EINVAL);
  struct pollfd fd = {file, POLLIN, 0};
  CHECK_EQUAL(poll(&fd, 1, 0), 0);
  CHECK_EQUAL(kill(getpid(), SIGUSR1), 0);
  CHECK_EQUAL(poll(&fd, 1, 0), 1);
  CHECK_EQUAL(read(file, found, sizeof found), sizeof found[0]);
  CHECK_EQUAL(found[0].ssi_signo, SIGUSR1);
  CHECK_EQUAL(found[0].ssi_pid, getpid());
  CHECK_EQUAL(found[0].ssi_uid, getuid());
  union sigval value = {.sival_int = 7};
  CHECK_EQUAL(sigqueue(getpid(), SIGRTMIN, value), 0);
  value.sival_int = 8;
  CHECK_EQUAL(sigqueue(getpid(), SIGRTMIN, value), 0);
  CHECK_EQUAL(read(file, found, sizeof found), 2 * sizeof found[0]);
  CHECK_EQUAL(found[0].ssi_int, 7);
  CHECK_EQUAL(found[1].ssi_int, 8);
  CHECK_EQUAL(found[1].ssi_signo, SIGRTMIN);

  int instance = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN};
  CHECK_EQUAL(epoll_ctl(instance, EPOLL_CTL_ADD, file, &event), 0);
  for (int turn = 0; turn < 10; turn++) {
    pid_t child = fork();
    if (child == 0) {
      usleep(turn * 1000);
      _exit(turn);
    }
    CHECK_EQUAL(epoll_wait(instance, &event, 1, 10000), 1);
    CHECK_EQUAL(read(file, found, sizeof found), sizeof found[0]);
    CHECK_EQUAL(found[0].ssi_signo, SIGCHLD);
    CHECK_EQUAL(found[0].ssi_pid, child);
    CHECK_EQUAL(found[0].ssi_status, turn);
    int status = 0;
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK_EQUAL(WEXITSTATUS(status), turn);
  }
  close(instance);
  // Another mask for the same descriptor.
  sigemptyset(&mask);
  sigaddset(&mask, SIGUSR2);
  CHECK_EQUAL(signalfd(file, &mask, 0), file);
  kill(getpid(), SIGUSR1);
  CHECK_EQUAL(poll(&fd, 1, 0), 0);
  close(file);
  return finish();
}
