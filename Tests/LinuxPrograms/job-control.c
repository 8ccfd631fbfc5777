// Sessions, process groups and the controlling terminal: who may read and write it, who gets the signals of its keys,
// and what happens at its end (credentials(7), ioctl_tty(2), tcsetpgrp(3)).
#include "asleep.h"
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

static int master;
static char path[32];

static void make_terminal(void) {
  master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
  REQUIRE(master >= 0);
  int number = -1, zero = 0;
  REQUIRE(ioctl(master, TIOCGPTN, &number) == 0);
  REQUIRE(ioctl(master, TIOCSPTLCK, &zero) == 0);
  snprintf(path, sizeof path, "/dev/pts/%d", number);
}

static void type(const char *keys) { CHECK_EQUAL(write(master, keys, strlen(keys)), strlen(keys)); }

// The status of a child that changes within thirty seconds.
static int status_of(pid_t child, int options) {
  for (int turn = 0; turn < 3000; turn++) {
    int status;
    pid_t found = waitpid(child, &status, options | WNOHANG);
    if (found == child) return status;
    if (found < 0) return -1;
    usleep(10000);
  }
  kill(child, SIGKILL);
  return -2;
}

static void forget(int signal) {}

static volatile sig_atomic_t seen[65];
static void see(int signal) { seen[signal]++; }

static void handle(int number, void (*handler)(int)) {
  struct sigaction action = {.sa_handler = handler};
  REQUIRE(sigaction(number, &action, NULL) == 0);
}

// Runs a body as the leader of a session that has the terminal.
static void in_session(void (*body)(void)) {
  make_terminal();
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    check_failures = 0;
    REQUIRE(setsid() == getpid());
    body();
    _exit(finish());
  }
  // The master's side is read, so that nobody waits for it.
  for (;;) {
    struct pollfd wait = {master, POLLIN, 0};
    char text[256];
    if (poll(&wait, 1, 10) > 0 && read(master, text, sizeof text) < 0) usleep(1000);
    int status;
    if (waitpid(child, &status, WNOHANG) == child) {
      CHECK_EQUAL(status, 0);
      break;
    }
  }
  close(master);
}

static int acquire(void) {
  int terminal = open(path, O_RDWR);
  REQUIRE(terminal >= 0);
  return terminal;
}

static void acquisition(void) {
  CHECK_ERROR(open("/dev/tty", O_RDWR), ENXIO);
  int terminal = open(path, O_RDWR | O_NOCTTY);
  REQUIRE(terminal >= 0);
  int value;
  CHECK_ERROR(ioctl(terminal, TIOCGSID, &value), ENOTTY);
  CHECK_ERROR(open("/dev/tty", O_RDWR), ENXIO);
  CHECK_EQUAL(ioctl(terminal, TIOCSCTTY, 0), 0);
  CHECK_EQUAL(ioctl(terminal, TIOCSCTTY, 0), 0);
  CHECK_EQUAL(tcgetsid(terminal), getsid(0));
  CHECK_EQUAL(tcgetpgrp(terminal), getpgrp());
  int alias = open("/dev/tty", O_RDWR);
  CHECK(alias >= 0);
  CHECK_EQUAL(tcgetpgrp(alias), getpgrp());
  CHECK_EQUAL(ioctl(master, TIOCGPGRP, &value), 0);
  CHECK_EQUAL(value, getpgrp());

  // Other groups: unknown, of another session, impossible.
  CHECK_ERROR(tcsetpgrp(terminal, 999999), ESRCH);
  CHECK_ERROR(tcsetpgrp(terminal, getsid(getppid())), EPERM);
  CHECK_ERROR(tcsetpgrp(terminal, -1), EINVAL);

  // Those of one who has ended, and of one who leads no group, are groups for that.
  signal(SIGTTOU, SIG_IGN);
  pid_t ended = fork();
  if (ended == 0) _exit(setpgid(0, 0));
  siginfo_t what;
  CHECK_EQUAL(waitid(P_PID, ended, &what, WEXITED | WNOWAIT), 0);
  CHECK_EQUAL(tcsetpgrp(terminal, ended), 0);
  CHECK_EQUAL(tcgetpgrp(terminal), ended);
  CHECK_EQUAL(status_of(ended, 0), 0);
  pid_t member = fork();
  if (member == 0) {
    for (;;) pause();
  }
  CHECK_EQUAL(tcsetpgrp(terminal, member), 0);
  CHECK_EQUAL(tcgetpgrp(terminal), member);
  CHECK_EQUAL(tcsetpgrp(terminal, getpgrp()), 0);
  kill(member, SIGKILL);
  CHECK_EQUAL(status_of(member, 0), SIGKILL);
  signal(SIGTTOU, SIG_DFL);

  // A child of another session cannot take it.
  pid_t child = fork();
  if (child == 0) {
    setsid();
    CHECK_ERROR(ioctl(terminal, TIOCSCTTY, 0), EPERM);
    CHECK_ERROR(tcgetpgrp(terminal), ENOTTY);
    CHECK_ERROR(open("/dev/tty", O_RDWR), ENXIO);
    int other = open(path, O_RDWR);
    CHECK(other >= 0);
    CHECK_ERROR(tcgetpgrp(other), ENOTTY);
    _exit(finish());
  }
  CHECK_EQUAL(status_of(child, 0), 0);

  // Given up: the group in front is told. It is nobody's by the master.
  CHECK_ERROR(ioctl(master, TIOCNOTTY, 0), ENOTTY);
  handle(SIGHUP, see);
  handle(SIGCONT, see);
  CHECK_EQUAL(ioctl(terminal, TIOCNOTTY, 0), 0);
  CHECK_EQUAL(seen[SIGHUP], 1);
  CHECK_EQUAL(seen[SIGCONT], 1);
  CHECK_ERROR(open("/dev/tty", O_RDWR), ENXIO);
  CHECK_EQUAL(ioctl(terminal, TIOCSCTTY, 0), 0);
}

// Who may write to a terminal alone does not make it his.
static void by_writers(void) {
  CHECK_EQUAL(chmod(path, 0666), 0);
  REQUIRE(setgid(54321) == 0 && setuid(54321) == 0);
  int terminal = open(path, O_WRONLY);
  CHECK(terminal >= 0);
  CHECK_ERROR(ioctl(terminal, TIOCSCTTY, 0), EPERM);
  terminal = open(path, O_RDWR | O_NOCTTY);
  CHECK(terminal >= 0);
  CHECK_EQUAL(ioctl(terminal, TIOCSCTTY, 0), 0);
}

static void by_open(void) {
  int terminal = acquire();
  CHECK_EQUAL(tcgetpgrp(terminal), getpgrp());
}

// A group in the background is stopped by its read, and goes on in front.
static void background_read(void) {
  int terminal = acquire();
  pid_t child = fork();
  if (child == 0) {
    setpgid(0, 0);
    char text[8];
    CHECK_EQUAL(read(terminal, text, sizeof text), 3);
    _exit(finish());
  }
  setpgid(child, child);
  int status = status_of(child, WUNTRACED);
  CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTIN);
  CHECK_EQUAL(tcsetpgrp(terminal, child), 0);
  CHECK_EQUAL(tcgetpgrp(terminal), child);
  kill(-child, SIGCONT);
  type("go\n");
  CHECK_EQUAL(status_of(child, 0), 0);

  // It fails where SIGTTIN is ignored, and where nobody would let the group go on.
  signal(SIGTTOU, SIG_IGN);
  CHECK_EQUAL(tcsetpgrp(terminal, getpgrp()), 0);
  child = fork();
  if (child == 0) {
    setpgid(0, 0);
    char text[8];
    signal(SIGTTIN, SIG_IGN);
    CHECK_ERROR(read(terminal, text, sizeof text), EIO);
    signal(SIGTTIN, SIG_DFL);
    _exit(finish());
  }
  CHECK_EQUAL(status_of(child, 0), 0);
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  child = fork();
  if (child == 0) {
    // Its child is an orphan in a group of its own.
    pid_t parent = getpid();
    if (fork() == 0) {
      check_failures = 0;
      setpgid(0, 0);
      while (getppid() == parent) usleep(1000);
      char text[8];
      CHECK_ERROR(read(terminal, text, sizeof text), EIO);
      char result = finish();
      REQUIRE(write(ends[1], &result, 1) == 1);
      _exit(0);
    }
    _exit(0);
  }
  CHECK_EQUAL(status_of(child, 0), 0);
  close(ends[1]);
  char result = 9;
  CHECK_EQUAL(read(ends[0], &result, 1), 1);
  CHECK_EQUAL(result, 0);
}

static void background_write(void) {
  int terminal = acquire();
  pid_t child = fork();
  if (child == 0) {
    setpgid(0, 0);
    // Without TOSTOP it may write.
    CHECK_EQUAL(write(terminal, "x", 1), 1);
    struct termios attributes;
    REQUIRE(tcgetattr(terminal, &attributes) == 0);
    // It is stopped here, and goes on in front.
    attributes.c_lflag |= TOSTOP;
    CHECK_EQUAL(tcsetattr(terminal, TCSANOW, &attributes), 0);
    raise(SIGSTOP);
    // And here, in the background again.
    CHECK_EQUAL(write(terminal, "x", 1), 1);
    signal(SIGTTOU, SIG_IGN);
    _exit(finish());
  }
  setpgid(child, child);
  int status = status_of(child, WUNTRACED);
  CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTOU);
  CHECK_EQUAL(tcsetpgrp(terminal, child), 0);
  kill(child, SIGCONT);
  status = status_of(child, WUNTRACED);
  CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
  signal(SIGTTOU, SIG_IGN);
  CHECK_EQUAL(tcsetpgrp(terminal, getpgrp()), 0);
  kill(child, SIGCONT);
  status = status_of(child, WUNTRACED);
  CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTOU);
  CHECK_EQUAL(tcsetpgrp(terminal, child), 0);
  kill(child, SIGCONT);
  CHECK_EQUAL(status_of(child, 0), 0);
}

// The signals of keys go to the group in front alone.
static void keys(void) {
  int terminal = acquire();
  handle(SIGINT, see);
  handle(SIGQUIT, see);
  handle(SIGTSTP, see);
  const struct { const char *key; int signal; } cases[] = {{"\003", SIGINT}, {"\034", SIGQUIT}, {"\032", SIGTSTP}};
  for (int index = 0; index < 3; index++) {
    type(cases[index].key);
    for (int turn = 0; turn < 3000 && !seen[cases[index].signal]; turn++) usleep(10000);
    CHECK_EQUAL(seen[cases[index].signal], 1);
  }
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  pid_t child = fork();
  if (child == 0) {
    setpgid(0, 0);
    handle(SIGTSTP, SIG_DFL);
    handle(SIGINT, SIG_DFL);
    write(ready[1], "", 1);
    for (;;) pause();
  }
  setpgid(child, child);
  CHECK_EQUAL(tcsetpgrp(terminal, child), 0);
  char byte;
  CHECK_EQUAL(read(ready[0], &byte, 1), 1);
  close(ready[0]);
  close(ready[1]);
  type("\032");
  int status = status_of(child, WUNTRACED);
  CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP);
  kill(-child, SIGCONT);
  status = status_of(child, WCONTINUED);
  CHECK(WIFCONTINUED(status));
  type("\003");
  status = status_of(child, 0);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
  CHECK_EQUAL(seen[SIGINT], 1);
  CHECK_EQUAL(seen[SIGTSTP], 1);
}

// A read that a signal ends fails with EINTR, or goes on where the handler says so.
static int told[2];
static void see_and_tell(int signal) {
  seen[signal]++;
  if (write(told[1], "", 1) != 1) check_failures++;
}
static void interrupted_read(void) {
  int terminal = acquire();
  REQUIRE(pipe(told) == 0);
  handle(SIGINT, see_and_tell);
  pid_t typist = fork();
  if (typist == 0) {
    char byte;
    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    // Each key for a read that waits, and after the signal before it.
    until_asleep(getppid(), SYS_read);
    type("\003");
    CHECK_EQUAL(read(told[0], &byte, 1), 1);
    until_asleep(getppid(), SYS_read);
    type("\034");
    CHECK_EQUAL(read(told[0], &byte, 1), 1);
    until_asleep(getppid(), SYS_read);
    type("x\n");
    _exit(finish());
  }
  char text[8];
  CHECK_ERROR(read(terminal, text, sizeof text), EINTR);
  CHECK_EQUAL(seen[SIGINT], 1);
  struct sigaction action = {.sa_handler = see_and_tell, .sa_flags = SA_RESTART};
  sigaction(SIGQUIT, &action, NULL);
  CHECK_EQUAL(read(terminal, text, sizeof text), 2);
  CHECK_EQUAL(seen[SIGQUIT], 1);
  signal(SIGINT, SIG_DFL);
  CHECK_EQUAL(status_of(typist, 0), 0);
}

static void window(void) {
  acquire();
  handle(SIGWINCH, see);
  struct winsize size = {.ws_row = 33, .ws_col = 99};
  CHECK_EQUAL(ioctl(master, TIOCSWINSZ, &size), 0);
  for (int turn = 0; turn < 3000 && !seen[SIGWINCH]; turn++) usleep(10000);
  CHECK_EQUAL(seen[SIGWINCH], 1);
  // Nobody is told of what has not changed.
  CHECK_EQUAL(ioctl(master, TIOCSWINSZ, &size), 0);
  usleep(20000);
  CHECK_EQUAL(seen[SIGWINCH], 1);
}

// The leader's end: the group in front gets SIGHUP, and nobody has the terminal any more.
static void leader_ends(void) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  pid_t leader = fork();
  if (leader == 0) {
    setsid();
    int terminal = acquire();
    pid_t child = fork();
    if (child == 0) {
      setpgid(0, 0);
      handle(SIGHUP, see);
      REQUIRE(write(ends[1], "r", 1) == 1);
      for (int turn = 0; turn < 3000 && !seen[SIGHUP]; turn++) usleep(10000);
      CHECK_EQUAL(seen[SIGHUP], 1);
      CHECK_ERROR(open("/dev/tty", O_RDWR), ENXIO);
      char result = finish();
      REQUIRE(write(ends[1], &result, 1) == 1);
      _exit(0);
    }
    setpgid(child, child);
    CHECK_EQUAL(tcsetpgrp(terminal, child), 0);
    char ready;
    CHECK_EQUAL(read(ends[0], &ready, 1), 1);
    _exit(finish());
  }
  CHECK_EQUAL(status_of(leader, 0), 0);
  char result = 9;
  CHECK_EQUAL(read(ends[0], &result, 1), 1);
  CHECK_EQUAL(result, 0);
  close(ends[0]);
  close(ends[1]);
}

// The master's end: the leader gets SIGHUP and SIGCONT, and has no terminal any more.
static void master_ends(void) {
  make_terminal();
  pid_t leader = fork();
  if (leader == 0) {
    setsid();
    handle(SIGHUP, see);
    handle(SIGCONT, see);
    int terminal = acquire();
    close(master);
    for (int turn = 0; turn < 3000 && !(seen[SIGHUP] && seen[SIGCONT]); turn++) usleep(10000);
    CHECK_EQUAL(seen[SIGHUP], 1);
    CHECK_EQUAL(seen[SIGCONT], 1);
    char text[8];
    CHECK_EQUAL(read(terminal, text, sizeof text), 0);
    CHECK_ERROR(open("/dev/tty", O_RDWR), ENXIO);
    _exit(finish());
  }
  usleep(100000);
  close(master);
  CHECK_EQUAL(status_of(leader, 0), 0);
}

int main(void) {
  handle(SIGALRM, forget);
  in_session(acquisition);
  in_session(by_writers);
  in_session(by_open);
  in_session(background_read);
  in_session(background_write);
  in_session(keys);
  in_session(interrupted_read);
  in_session(window);
  make_terminal();
  leader_ends();
  close(master);
  master_ends();
  return finish();
}
