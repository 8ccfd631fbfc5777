// Processes as files: pidfd_open, pidfd_send_signal, pidfd_getfd, CLONE_PIDFD, waitid with P_PIDFD, and poll.
#include "check.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <pthread.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static int open_process(pid_t process, unsigned flags) { return syscall(SYS_pidfd_open, process, flags); }
static int send_signal(int file, int number, siginfo_t *information, unsigned flags) {
  return syscall(SYS_pidfd_send_signal, file, number, information, flags);
}

static void checkEnd(void) {
  pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  int file = open_process(child, 0);
  REQUIRE(file >= 0);
  CHECK_EQUAL(fcntl(file, F_GETFD), FD_CLOEXEC);
  struct pollfd watched = {.fd = file, .events = POLLIN};
  CHECK_EQUAL(poll(&watched, 1, 0), 0);
  int queue = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = 7};
  CHECK_EQUAL(epoll_ctl(queue, EPOLL_CTL_ADD, file, &event), 0);
  CHECK_EQUAL(epoll_wait(queue, &event, 1, 0), 0);
  char byte;
  CHECK_ERROR(read(file, &byte, 1), EINVAL);
  siginfo_t information = {0};
  CHECK_EQUAL(waitid(P_PIDFD, file, &information, WEXITED | WNOHANG), 0);
  CHECK_EQUAL(information.si_pid, 0);
  CHECK_EQUAL(send_signal(file, 0, NULL, 0), 0);
  CHECK_ERROR(send_signal(file, 0, NULL, 5), EINVAL);
  CHECK_ERROR(send_signal(file, 65, NULL, 0), EINVAL);
  CHECK_ERROR(send_signal(0, 0, NULL, 0), EBADF);
  char path[32];
  snprintf(path, sizeof path, "/proc/%d", child);
  int directory = open(path, O_RDONLY | O_DIRECTORY);
  REQUIRE(directory >= 0);
  CHECK_EQUAL(send_signal(directory, 0, NULL, 0), 0);
  close(directory);
  memset(&information, 0, sizeof information);
  information.si_signo = SIGTERM;
  information.si_code = SI_USER;
  CHECK_ERROR(send_signal(file, SIGTERM, &information, 0), EPERM);
  information.si_signo = SIGHUP;
  CHECK_ERROR(send_signal(file, SIGTERM, &information, 0), EINVAL);
  CHECK_EQUAL(send_signal(file, SIGTERM, NULL, 0), 0);
  CHECK_EQUAL(poll(&watched, 1, 10000), 1);
  CHECK_EQUAL(watched.revents, POLLIN);
  CHECK_EQUAL(epoll_wait(queue, &event, 1, 10000), 1);
  CHECK_EQUAL(event.data.u32, 7);
  // A process that has ended can be signalled until somebody has waited for it.
  CHECK_EQUAL(send_signal(file, 0, NULL, 0), 0);
  CHECK_EQUAL(waitid(P_PIDFD, file, &information, WEXITED | WNOWAIT), 0);
  CHECK_EQUAL(waitid(P_PIDFD, file, &information, WEXITED), 0);
  CHECK_EQUAL(information.si_pid, child);
  CHECK_EQUAL(information.si_code, CLD_KILLED);
  CHECK_EQUAL(information.si_status, SIGTERM);
  CHECK_ERROR(send_signal(file, 0, NULL, 0), ESRCH);
  CHECK_ERROR(waitid(P_PIDFD, file, &information, WEXITED), ECHILD);
  CHECK_EQUAL(poll(&watched, 1, 0), 1);
  close(queue);
  close(file);
}

static void *wait_forever(void *identifier) {
  *(volatile pid_t *)identifier = syscall(SYS_gettid);
  pause();
  return NULL;
}

static void checkErrors(void) {
  CHECK_ERROR(open_process(0, 0), EINVAL);
  CHECK_ERROR(open_process(-1, 0), EINVAL);
  CHECK_ERROR(open_process(getpid(), 1), EINVAL);
  CHECK_ERROR(open_process(0x3ffffffe, 0), ESRCH);
  siginfo_t information;
  CHECK_ERROR(waitid(P_PIDFD, -1, &information, WEXITED), EINVAL);
  CHECK_ERROR(waitid(P_PIDFD, 999, &information, WEXITED), EBADF);
  CHECK_ERROR(waitid(P_PIDFD, 0, &information, WEXITED), EBADF);
  volatile pid_t identifier = 0;
  pthread_t thread;
  REQUIRE(pthread_create(&thread, NULL, wait_forever, (void *)&identifier) == 0);
  while (identifier == 0) sched_yield();
  errno = 0;
  CHECK(open_process(identifier, 0) == -1 && (errno == EINVAL || errno == ENOENT));
  int own = open_process(getpid(), O_NONBLOCK);
  REQUIRE(own >= 0);
  CHECK_EQUAL(fcntl(own, F_GETFL), O_RDWR | O_NONBLOCK);
  CHECK_ERROR(waitid(P_PIDFD, own, &information, WEXITED), ECHILD);
  close(own);
}

static void checkNonBlocking(void) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  pid_t child = fork();
  if (child == 0) {
    char byte;
    close(ends[1]);
    _exit(read(ends[0], &byte, 1) == 0 ? 5 : 6);
  }
  int file = open_process(child, O_NONBLOCK);
  siginfo_t information;
  CHECK_ERROR(waitid(P_PIDFD, file, &information, WEXITED), EAGAIN);
  close(ends[1]);
  struct pollfd watched = {.fd = file, .events = POLLIN};
  CHECK_EQUAL(poll(&watched, 1, 10000), 1);
  CHECK_EQUAL(waitid(P_PIDFD, file, &information, WEXITED), 0);
  CHECK_EQUAL(information.si_status, 5);
  // At once, too, there is none of that number any more.
  CHECK_ERROR(open_process(child, 0), ESRCH);
  close(ends[0]);
  close(file);
}

static void checkClone(void) {
  int file = -1;
  long child = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &file, 0, 0);
  if (child == 0) _exit(9);
  REQUIRE(child > 0);
  CHECK(file > 2);
  siginfo_t information;
  CHECK_EQUAL(waitid(P_PIDFD, file, &information, WEXITED), 0);
  CHECK_EQUAL(information.si_pid, child);
  CHECK_EQUAL(information.si_status, 9);
  close(file);
  int lowest = dup(0);
  close(lowest);
  CHECK_ERROR(syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, 8, 0, 0), EFAULT);
  CHECK_EQUAL(dup(0), lowest);
  close(lowest);
  CHECK_ERROR(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, &file, 0, 0), EINVAL);
  CHECK_ERROR(waitpid(-1, NULL, 0), ECHILD);

  file = -1;
  pid_t stored = 0;
  struct clone_args arguments = {.flags = CLONE_PIDFD | CLONE_PARENT_SETTID, .pidfd = (uintptr_t)&file,
    .parent_tid = (uintptr_t)&stored, .exit_signal = SIGCHLD};
  child = syscall(SYS_clone3, &arguments, sizeof arguments);
  if (child == 0) _exit(3);
  REQUIRE(child > 0);
  CHECK_EQUAL(stored, child);
  char path[64], text[256] = "", wanted[64];
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", file);
  int description = open(path, O_RDONLY);
  if (description >= 0) {
    CHECK(read(description, text, sizeof text - 1) > 0);
    snprintf(wanted, sizeof wanted, "Pid:\t%ld\n", child);
    CHECK(strstr(text, wanted) != NULL);
    close(description);
  }
  CHECK_EQUAL(waitid(P_PIDFD, file, &information, WEXITED), 0);
  CHECK_EQUAL(information.si_status, 3);
  close(file);
}

static void checkTakenDescriptor(void) {
  int ends[2], ready[2];
  REQUIRE(pipe(ready) == 0);
  pid_t child = fork();
  if (child == 0) {
    int files[2];
    char byte;
    if (pipe(files) != 0 || write(files[1], "hello", 5) != 5 || dup2(files[0], 77) != 77) _exit(1);
    if (write(ready[1], "x", 1) != 1) _exit(1);
    close(ready[1]);
    pause();
    _exit(read(0, &byte, 1));
  }
  char text[8] = "";
  REQUIRE(read(ready[0], text, 1) == 1);
  int file = open_process(child, 0);
  ends[0] = syscall(SYS_pidfd_getfd, file, 77, 0);
  CHECK(ends[0] >= 0);
  CHECK_EQUAL(fcntl(ends[0], F_GETFD), FD_CLOEXEC);
  CHECK_EQUAL(read(ends[0], text, 5), 5);
  CHECK(memcmp(text, "hello", 5) == 0);
  CHECK_ERROR(syscall(SYS_pidfd_getfd, file, 78, 0), EBADF);
  CHECK_ERROR(syscall(SYS_pidfd_getfd, file, 77, 1), EINVAL);
  CHECK_ERROR(syscall(SYS_pidfd_getfd, ends[0], 77, 0), EBADF);
  CHECK_EQUAL(send_signal(file, SIGKILL, NULL, 0), 0);
  CHECK_EQUAL(waitpid(child, NULL, 0), child);
  CHECK_ERROR(syscall(SYS_pidfd_getfd, file, 77, 0), ESRCH);
  close(file);
  close(ends[0]);
}

int main(void) {
  checkEnd();
  checkErrors();
  checkNonBlocking();
  checkClone();
  checkTakenDescriptor();
  return finish();
}
