// What a process ceases to share, and priorities of input and output.
#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static char stack[65536] __attribute__((aligned(16)));
static int file;

static int child_body(void *argument) {
  int flags = (int)(long)argument;
  if (unshare(flags) != 0) return 1;
  umask(077);
  close(file);
  return 0;
}

static void share(int unshared, int seesClose, int seesMask) {
  file = dup(1);
  umask(022);
  int child = clone(child_body, stack + sizeof stack, CLONE_FS | CLONE_FILES | SIGCHLD, (void *)(long)unshared);
  int status;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK_EQUAL(status, 0);
  CHECK_EQUAL(fcntl(file, F_GETFD) < 0, seesClose);
  CHECK_EQUAL(umask(022) == 077, seesMask);
  close(file);
}

static void *refuse(void *argument) {
  CHECK_ERROR(unshare(CLONE_THREAD), EINVAL);
  CHECK_ERROR(unshare(CLONE_VM), EINVAL);
  CHECK_ERROR(unshare(CLONE_SIGHAND), EINVAL);
  return argument;
}

enum { noClass = 0, realTime = 1 << 13, bestEffort = 2 << 13, idle = 3 << 13, ofProcess = 1, ofGroup = 2, ofUser = 3 };

static void checkPriorities(void) {
  CHECK_EQUAL(syscall(SYS_ioprio_get, ofProcess, 0) & 7, syscall(SYS_ioprio_get, ofProcess, 0));
  CHECK_EQUAL(syscall(SYS_ioprio_set, ofProcess, 0, bestEffort | 3), 0);
  CHECK_EQUAL(syscall(SYS_ioprio_get, ofProcess, 0), bestEffort | 3);
  CHECK_EQUAL(syscall(SYS_ioprio_get, ofProcess, getpid()), bestEffort | 3);
  pid_t child = fork();
  if (child == 0) _exit(syscall(SYS_ioprio_get, ofProcess, 0) == (bestEffort | 3) ? 0 : 1);
  int status;
  waitpid(child, &status, 0);
  CHECK_EQUAL(status, 0);
  CHECK_EQUAL(syscall(SYS_ioprio_set, ofProcess, 0, idle), 0);
  CHECK_EQUAL(syscall(SYS_ioprio_get, ofProcess, 0), idle);
  CHECK_ERROR(syscall(SYS_ioprio_set, ofProcess, 0, 5 << 13), EINVAL);
  CHECK_ERROR(syscall(SYS_ioprio_set, ofProcess, 0, noClass | 3), EINVAL);
  CHECK_ERROR(syscall(SYS_ioprio_set, ofProcess, 0x3ffffffe, idle), ESRCH);
  CHECK_ERROR(syscall(SYS_ioprio_set, 0, 0, idle), EINVAL);
  CHECK_ERROR(syscall(SYS_ioprio_get, 4, 0), EINVAL);
  CHECK_ERROR(syscall(SYS_ioprio_get, ofProcess, 0x3ffffffe), ESRCH);
  CHECK_EQUAL(syscall(SYS_ioprio_set, ofProcess, 0, noClass), 0);
}

int main(void) {
  share(0, 1, 1);
  share(CLONE_FILES, 0, 1);
  share(CLONE_FS, 1, 0);
  share(CLONE_FS | CLONE_FILES, 0, 0);
  CHECK_EQUAL(unshare(0), 0);
  CHECK_EQUAL(unshare(CLONE_THREAD | CLONE_SIGHAND | CLONE_VM), 0);
  CHECK_ERROR(unshare(1), EINVAL);
  pthread_t thread;
  REQUIRE(pthread_create(&thread, NULL, refuse, NULL) == 0);
  pthread_join(thread, NULL);
  CHECK_ERROR(setns(-1, 0), EBADF);
  CHECK_ERROR(setns(1, 0), EINVAL);
  checkPriorities();
  return finish();
}
