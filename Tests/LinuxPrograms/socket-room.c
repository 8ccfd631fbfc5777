// Built with musl too.
// How much Unix sockets take before they are full, and who hears of room (unix(7), poll(2), epoll(7)).
#include "asleep.h"
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

static char bytes[3000000];

static int exit_of(pid_t child) {
  int status = -1;
  if (waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

// Two that are connected to each other are bounded by what each has sent, not by the number of messages.
static void pairs(void) {
  int pair[2], sent = 0;
  REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair) == 0);
  while (sent < 50 && send(pair[0], &sent, sizeof sent, 0) == sizeof sent) sent++;
  CHECK_EQUAL(sent, 50);
  struct pollfd asked = {pair[0], POLLOUT, 0};
  CHECK_EQUAL(poll(&asked, 1, 0), 1);
  while (sent < 1000000 && send(pair[0], &sent, sizeof sent, 0) == sizeof sent) sent++;
  CHECK(sent < 1000000 && errno == EAGAIN);
  CHECK_EQUAL(poll(&asked, 1, 0), 0);
  for (int i = 0, got = -1; i < sent; i++, got = -1) {
    if (recv(pair[1], &got, sizeof got, 0) != sizeof got || got != i) {
      CHECK_EQUAL(got, i);
      break;
    }
  }
  close(pair[0]), close(pair[1]);
}

static int ask(int by_epoll, int descriptor, int timeout) {
  if (by_epoll) {
    struct epoll_event event;
    return syscall(SYS_epoll_pwait, descriptor, &event, 1, timeout, NULL, 8);
  }
  struct timespec time = {timeout / 1000, 0};
  struct pollfd asked = {descriptor, POLLOUT, 0};
  return syscall(SYS_ppoll, &asked, 1, timeout < 0 ? NULL : &time, NULL, 8);
}

// A socket that has sent nothing waits for room where others have sent too much.
static void others_messages(int by_epoll, int closes) {
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  int length = snprintf(name.sun_path + 1, 100, "room-%d", getpid()) + 1 + offsetof(struct sockaddr_un, sun_path);
  int receiver = socket(AF_UNIX, SOCK_DGRAM, 0), busy = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  int patient = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), instance = epoll_create1(0);
  REQUIRE(bind(receiver, (struct sockaddr *)&name, length) == 0);
  CHECK_EQUAL(connect(busy, (struct sockaddr *)&name, length), 0);
  CHECK_EQUAL(connect(patient, (struct sockaddr *)&name, length), 0);
  struct epoll_event event = {.events = EPOLLOUT};
  CHECK_EQUAL(epoll_ctl(instance, EPOLL_CTL_ADD, patient, &event), 0);
  int sent = 0, asked = by_epoll ? instance : patient;
  while (sent < 1000 && send(busy, "x", 1, 0) == 1) sent++;
  CHECK(sent < 1000);
  CHECK_ERROR(send(patient, "y", 1, 0), EAGAIN);
  CHECK_EQUAL(ask(by_epoll, asked, 0), 0);
  // One that asks and ends is not told.
  int hasty = socket(AF_UNIX, SOCK_DGRAM, 0);
  CHECK_EQUAL(connect(hasty, (struct sockaddr *)&name, length), 0);
  CHECK_EQUAL(ask(0, hasty, 0), 0);
  close(hasty);
  pid_t parent = getpid(), child = fork();
  if (child == 0) {
    until_asleep(parent, by_epoll ? SYS_epoll_pwait : SYS_ppoll);
    char byte;
    if (!closes) {
      for (int i = 0; i < sent; i++) CHECK_EQUAL(recv(receiver, &byte, 1, 0), 1);
    }
    _exit(finish());
  }
  if (closes) close(receiver);
  CHECK_EQUAL(ask(by_epoll, asked, -1), 1);
  if (closes) {
    CHECK_ERROR(send(patient, "y", 1, 0), ECONNREFUSED);
  } else {
    CHECK_EQUAL(send(patient, "y", 1, 0), 1);
  }
  CHECK_EQUAL(exit_of(child), 0);
  if (!closes) close(receiver);
  close(busy), close(patient), close(instance);
}

// What has been sent before the other end goes counts, and brings no SIGPIPE.
static void end_on_the_way(void) {
  int pair[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  pid_t parent = getpid(), child = fork();
  if (child == 0) {
    close(pair[0]);
    until_asleep(parent, SYS_sendto);
    shutdown(pair[1], SHUT_RD);
    _exit(finish());
  }
  signal(SIGPIPE, SIG_DFL);
  ssize_t sent = send(pair[0], bytes, sizeof bytes, 0);
  CHECK(sent > 0 && sent < (ssize_t)sizeof bytes);
  CHECK_ERROR(send(pair[0], bytes, 1, MSG_NOSIGNAL), EPIPE);
  CHECK_EQUAL(exit_of(child), 0);
  close(pair[0]), close(pair[1]);
}

int main(void) {
  pairs();
  for (int kind = 0; kind < 4; kind++) others_messages(kind & 1, kind >> 1);
  end_on_the_way();
  return finish();
}
