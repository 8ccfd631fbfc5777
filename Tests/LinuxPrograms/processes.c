// Built with musl too.
// wait4(2), waitid(2), setpgid(2), setsid(2), kill(2), credentials(7): children, groups, sessions, stops.
#include "check.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static volatile sig_atomic_t count;
static siginfo_t information;

static void note(int number, siginfo_t *given, void *context) {
  information = *given;
  count++;
}

static void install(int number, int flags) {
  struct sigaction action = {.sa_sigaction = note, .sa_flags = flags | SA_SIGINFO};
  REQUIRE(sigaction(number, &action, NULL) == 0);
}

static pid_t child_that_exits(int code) {
  pid_t child = fork();
  if (child == 0) _exit(code);
  return child;
}

static pid_t child_that_waits(void) {
  pid_t child = fork();
  if (child == 0) {
    for (;;) pause();
  }
  return child;
}

// Beside handlers of SIGCHLD, which interrupt a wait at any moment.
static pid_t wait_for(pid_t child, int *status, int options) {
  pid_t found;
  while ((found = waitpid(child, status, options)) == -1 && errno == EINTR) {}
  return found;
}

static void wait_for_end(pid_t child) {
  int status;
  CHECK_EQUAL(wait_for(child, &status, 0), child);
}

static void statuses(void) {
  int status;
  pid_t child = child_that_exits(42);
  struct rusage usage;
  memset(&usage, 0xFF, sizeof usage);
  CHECK_EQUAL(wait4(child, &status, 0, &usage), child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
  // Small: the host's time may be in it, if a virtual CPU was stopped.
  CHECK(usage.ru_utime.tv_sec >= 0 && usage.ru_utime.tv_sec < 60 && usage.ru_nsignals == 0);
  CHECK_ERROR(wait4(child, &status, 0, NULL), ECHILD);
  CHECK_ERROR(waitpid(-1, &status, 0), ECHILD);

  child = child_that_waits();
  CHECK_EQUAL(waitpid(child, &status, WNOHANG), 0);
  kill(child, SIGTERM);
  CHECK_EQUAL(waitpid(child, &status, 0), child);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
  CHECK_ERROR(kill(child, 0), ESRCH);
  CHECK_ERROR(syscall(SYS_wait4, 1, &status, 0x400, NULL), EINVAL);
}

static void waiting_by_identifier(void) {
  siginfo_t given;
  pid_t child = child_that_exits(5);
  memset(&given, 0xFF, sizeof given);
  CHECK_EQUAL(waitid(P_PID, child, &given, WEXITED | WNOWAIT), 0);
  CHECK_EQUAL(given.si_signo, SIGCHLD);
  CHECK_EQUAL(given.si_code, CLD_EXITED);
  CHECK_EQUAL(given.si_status, 5);
  CHECK_EQUAL(given.si_pid, child);
  // It is still there, and a zombie can be sent signals.
  CHECK_EQUAL(kill(child, 0), 0);
  CHECK_EQUAL(waitid(P_ALL, 0, &given, WEXITED), 0);
  CHECK_EQUAL(given.si_pid, child);
  CHECK_ERROR(waitid(P_ALL, 0, &given, WEXITED), ECHILD);
  CHECK_ERROR(waitid(P_ALL, 0, &given, 0), EINVAL);
  CHECK_ERROR(waitid(9, 0, &given, WEXITED), EINVAL);

  child = child_that_waits();
  given.si_pid = 7;
  CHECK_EQUAL(waitid(P_PID, child, &given, WEXITED | WNOHANG), 0);
  CHECK_EQUAL(given.si_pid, 0);
  kill(child, SIGKILL);
  CHECK_EQUAL(waitid(P_PID, child, &given, WEXITED), 0);
  CHECK_EQUAL(given.si_code, CLD_KILLED);
  CHECK_EQUAL(given.si_status, SIGKILL);
}

static void stops(void) {
  int status;
  install(SIGCHLD, 0);
  count = 0;
  pid_t child = child_that_waits();
  kill(child, SIGSTOP);
  CHECK_EQUAL(wait_for(child, &status, WUNTRACED), child);
  CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
  while (count < 1) usleep(1000);
  CHECK_EQUAL(information.si_code, CLD_STOPPED);
  CHECK_EQUAL(information.si_status, SIGSTOP);
  CHECK_EQUAL(information.si_pid, child);
  CHECK_EQUAL(waitpid(child, &status, WUNTRACED | WNOHANG), 0);
  // Signals wait while it is stopped.
  kill(child, SIGTERM);
  usleep(20000);
  CHECK_EQUAL(waitpid(child, &status, WNOHANG), 0);
  kill(child, SIGCONT);
  CHECK_EQUAL(wait_for(child, &status, 0), child);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);

  // SIGKILL ends a stopped process.
  child = child_that_waits();
  kill(child, SIGSTOP);
  CHECK_EQUAL(wait_for(child, &status, WUNTRACED), child);
  kill(child, SIGKILL);
  while (waitpid(child, &status, 0) != child) {}
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

  siginfo_t given;
  child = child_that_waits();
  kill(child, SIGSTOP);
  while (waitid(P_PID, child, &given, WSTOPPED) != 0) {}
  CHECK_EQUAL(given.si_code, CLD_STOPPED);
  kill(child, SIGCONT);
  while (waitid(P_PID, child, &given, WCONTINUED) != 0) {}
  CHECK_EQUAL(given.si_code, CLD_CONTINUED);
  CHECK_EQUAL(given.si_status, SIGCONT);

  // SA_NOCLDSTOP: only the end is told.
  install(SIGCHLD, SA_NOCLDSTOP);
  count = 0;
  kill(child, SIGSTOP);
  while (waitpid(child, &status, WUNTRACED) != child) {}
  usleep(20000);
  CHECK_EQUAL(count, 0);
  kill(child, SIGKILL);
  CHECK_EQUAL(wait_for(child, &status, 0), child);
  while (count < 1) usleep(1000);
  CHECK_EQUAL(information.si_code, CLD_KILLED);
  signal(SIGCHLD, SIG_DFL);
}

static void nobody_waits(void) {
  int status;
  signal(SIGCHLD, SIG_IGN);
  pid_t child = child_that_exits(1);
  CHECK_ERROR(waitpid(child, &status, 0), ECHILD);
  // What it leaves may take a moment to go.
  for (int turn = 0; turn < 20000 && kill(child, 0) == 0; turn++) usleep(1000);
  CHECK_ERROR(kill(child, 0), ESRCH);

  install(SIGCHLD, SA_NOCLDWAIT);
  count = 0;
  child = child_that_exits(1);
  while (waitpid(child, &status, 0) != -1 || errno == EINTR) {}
  CHECK(errno == ECHILD);
  for (int turn = 0; turn < 20000 && count < 1; turn++) usleep(1000);
  CHECK_EQUAL(count, 1);
  signal(SIGCHLD, SIG_DFL);
}

static void *tell_and_wait(void *identifier) {
  *(volatile pid_t *)identifier = syscall(SYS_gettid);
  pause();
  return NULL;
}

static void groups(void) {
  int status;
  CHECK_EQUAL(getpgrp(), getpgid(0));
  CHECK_ERROR(getpgid(0x3FFFFFFF), ESRCH);
  CHECK_ERROR(getsid(0x3FFFFFFF), ESRCH);
  CHECK_ERROR(setpgid(0, -1), EINVAL);
  CHECK_ERROR(setpgid(0x3FFFFFFF, 0), ESRCH);

  // Any thread's identifier names its process; it is the first one's that has a group.
  pthread_t thread;
  volatile pid_t identifier = 0;
  REQUIRE(pthread_create(&thread, NULL, tell_and_wait, (void *)&identifier) == 0);
  while (!identifier) usleep(1000);
  CHECK_EQUAL(getpgid(identifier), getpgrp());
  CHECK_EQUAL(getsid(identifier), getsid(0));
  CHECK_ERROR(setpgid(identifier, 0), EINVAL);
  pthread_cancel(thread);
  pthread_join(thread, NULL);

  pid_t first = child_that_waits();
  CHECK_EQUAL(getpgid(first), getpgrp());
  CHECK_EQUAL(setpgid(first, 0), 0);
  CHECK_EQUAL(getpgid(first), first);
  pid_t second = child_that_waits();
  CHECK_EQUAL(setpgid(second, first), 0);
  CHECK_ERROR(setpgid(second, 0x3FFFFFFF), EPERM);
  pid_t other = child_that_waits();
  CHECK_EQUAL(kill(-first, SIGTERM), 0);
  pid_t ended = waitpid(-first, &status, 0);
  CHECK(ended == first || ended == second);
  ended = waitpid(-first, &status, 0);
  CHECK(ended == first || ended == second);
  CHECK_ERROR(waitpid(-first, &status, 0), ECHILD);
  CHECK_EQUAL(waitpid(other, &status, WNOHANG), 0);
  kill(other, SIGKILL);
  CHECK_EQUAL(waitpid(0, &status, 0), other);
  CHECK_ERROR(kill(-first, 0), ESRCH);

  pid_t child = fork();
  if (child == 0) {
    CHECK_EQUAL(setsid(), getpid());
    CHECK_EQUAL(getsid(0), getpid());
    CHECK_EQUAL(getpgrp(), getpid());
    CHECK_ERROR(setsid(), EPERM);
    CHECK_ERROR(setpgid(0, 0), EPERM);
    _exit(finish());
  }
  CHECK_EQUAL(waitpid(child, &status, 0), child);
  CHECK_EQUAL(status, 0);
}

// A child that has called execve keeps its group.
static void group_after_execve(const char *path) {
  int ends[2], status;
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  pid_t child = fork();
  if (child == 0) {
    execl(path, path, "wait", NULL);
    _exit(127);
  }
  close(ends[1]);
  char byte;
  CHECK_EQUAL(read(ends[0], &byte, 1), 0);
  CHECK_ERROR(setpgid(child, 0), EACCES);
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  close(ends[0]);
}

// Orphans become somebody else's children, and a stopped group without anybody to let it go on is let go.
static void orphans(void) {
  int ends[2], status;
  REQUIRE(pipe(ends) == 0);
  CHECK_EQUAL(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  pid_t child = fork();
  if (child == 0) {
    pid_t parent = getpid(), grandchild = fork();
    if (grandchild == 0) {
      while (getppid() == parent) usleep(1000);
      pid_t found = getppid();
      if (write(ends[1], &found, sizeof found) != sizeof found) _exit(1);
      _exit(9);
    }
    usleep(20000);
    _exit(0);
  }
  CHECK_EQUAL(waitpid(child, &status, 0), child);
  pid_t found = 0;
  CHECK_EQUAL(read(ends[0], &found, sizeof found), sizeof found);
  CHECK_EQUAL(found, getpid());
  CHECK(waitpid(-1, &status, 0) > 0);
  CHECK_EQUAL(WEXITSTATUS(status), 9);

  child = fork();
  if (child == 0) {
    setsid();
    pid_t grandchild = fork();
    if (grandchild == 0) {
      setpgid(0, 0);
      install(SIGHUP, 0);
      count = 0;
      raise(SIGSTOP);
      _exit(count == 1 ? 11 : 12);
    }
    CHECK_EQUAL(waitpid(grandchild, &status, WUNTRACED), grandchild);
    _exit(finish());
  }
  CHECK_EQUAL(waitpid(child, &status, 0), child);
  CHECK_EQUAL(status, 0);
  CHECK(waitpid(-1, &status, 0) > 0);
  CHECK_EQUAL(WEXITSTATUS(status), 11);
  prctl(PR_SET_CHILD_SUBREAPER, 0);

  // A stop by the terminal does not stop an orphaned group.
  child = fork();
  if (child == 0) {
    setsid();
    raise(SIGTSTP);
    _exit(13);
  }
  CHECK_EQUAL(waitpid(child, &status, WUNTRACED), child);
  CHECK_EQUAL(status, 13 << 8);
}

static void parent_death(void) {
  int ends[2], ready[2], status;
  char byte;
  REQUIRE(pipe(ends) == 0 && pipe(ready) == 0);
  pid_t child = fork();
  if (child == 0) {
    if (fork() == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (write(ready[1], "x", 1) != 1) _exit(1);
      for (;;) pause();
    }
    _exit(read(ready[0], &byte, 1) == 1 ? 0 : 1);
  }
  close(ends[1]);
  // The end of the file comes with the grandchild's end.
  CHECK_EQUAL(read(ends[0], &byte, 1), 0);
  CHECK_EQUAL(waitpid(child, &status, 0), child);
  CHECK_EQUAL(status, 0);
  close(ends[0]);
  close(ready[0]);
  close(ready[1]);
}

// exit_group and a signal end every thread; the status is the one that came first.
// Of several that have ended the oldest is waited for first; one made for the caller's parent is in the caller's group.
static void order(void) {
  pid_t children[3];
  for (int i = 0; i < 3; i++) children[i] = child_that_exits(i);
  for (int i = 2; i >= 0; i--) {
    siginfo_t ended;
    CHECK_EQUAL(waitid(P_PID, children[i], &ended, WEXITED | WNOWAIT), 0);
  }
  for (int i = 0; i < 3; i++) CHECK_EQUAL(waitpid(-1, NULL, 0), children[i]);
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  pid_t maker = fork();
  if (maker == 0) {
    setpgid(0, 0);
    pid_t sibling = syscall(SYS_clone, 0x8000 /* CLONE_PARENT */, 0, 0, 0, 0);
    if (sibling == 0) {
      pid_t group = getpgrp();
      _exit(write(ends[1], &group, sizeof group) != sizeof group);
    }
    _exit(sibling < 0);
  }
  int status;
  CHECK_EQUAL(waitpid(maker, &status, 0), maker);
  CHECK_EQUAL(status, 0);
  pid_t group = 0;
  CHECK_EQUAL(read(ends[0], &group, sizeof group), sizeof group);
  CHECK_EQUAL(group, maker);
  CHECK(waitpid(-1, &status, 0) > 0 && status == 0);
  close(ends[0]);
  close(ends[1]);
}

static volatile int has_made, is_waiting, has_looked;

static int is_pending(int number) {
  sigset_t set;
  sigpending(&set);
  return sigismember(&set, number);
}

// Ends a child and waits until it has, without taking its status.
static void end(pid_t child) {
  siginfo_t found;
  kill(child, SIGKILL);
  CHECK_EQUAL(waitid(P_PID, child, &found, WEXITED | WNOWAIT), 0);
}

static void *make_child_and_look(void *childs) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, NULL);
  pid_t own = child_that_waits();
  has_made = 1;
  while (!is_waiting) usleep(1000);
  end(*(pid_t *)childs);
  CHECK(!is_pending(SIGCHLD));
  end(own);
  CHECK(is_pending(SIGCHLD));
  wait_for_end(*(pid_t *)childs);
  wait_for_end(own);
  has_looked = 1;
  return NULL;
}

// Whether SIGCHLD is ignored goes by the thread that made the child: the one that blocks it gets it.
static void maker_decides(void) {
  signal(SIGCHLD, SIG_DFL);
  pid_t child = child_that_waits();
  pthread_t thread;
  REQUIRE(pthread_create(&thread, NULL, make_child_and_look, &child) == 0);
  while (!has_made) usleep(1000);
  // In vfork this thread takes no signal, and leaves what is pending to be looked at.
  pid_t other = vfork();
  if (other == 0) {
    is_waiting = 1;
    while (!has_looked) usleep(1000);
    _exit(0);
  }
  wait_for_end(other);
  pthread_join(thread, NULL);
}

static void many(void) {
  int status;
  pid_t children[20];
  for (int i = 0; i < 20; i++) children[i] = i % 2 ? child_that_waits() : child_that_exits(i);
  for (int i = 1; i < 20; i += 2) kill(children[i], SIGUSR1);
  int ended = 0;
  while (waitpid(-1, &status, 0) > 0) ended++;
  CHECK_EQUAL(ended, 20);
}

int main(int argc, char **argv) {
  if (argc > 1) {
    for (;;) pause();
  }
  statuses();
  waiting_by_identifier();
  stops();
  nobody_waits();
  groups();
  group_after_execve(argv[0]);
  orphans();
  parent_death();
  order();
  maker_decides();
  many();
  return finish();
}
