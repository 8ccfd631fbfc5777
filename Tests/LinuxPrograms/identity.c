// Who a process is and what it may do: credentials, limits, names, prctl. Ends with 0 where all is as on Linux.
// Built with musl too.
#include "check.h"

#include <fcntl.h>
#include <grp.h>
#include <stdint.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/wait.h>

// Whether a call fails with an error, within a larger condition.
#define FAILS(call, number) (errno = 0, (call) == -1 && errno == (number))

static void checkNames(void) {
  struct utsname name;
  CHECK(uname(&name) == 0 && !strcmp(name.sysname, "Linux") && !strcmp(name.machine, "x86_64"));
  CHECK_ERROR(syscall(SYS_uname, (void *)8), EFAULT);
  char thread[17] = {0};
  CHECK(prctl(PR_GET_NAME, thread) == 0 && !strncmp(thread, "identity", 8));
  CHECK(prctl(PR_SET_NAME, "a name of more than fifteen") == 0);
  CHECK(prctl(PR_GET_NAME, thread) == 0 && !strcmp(thread, "a name of more "));
  CHECK_ERROR(prctl(PR_SET_DUMPABLE, 2), EINVAL);
  CHECK(prctl(PR_GET_DUMPABLE) == 1);
  CHECK_ERROR(prctl(123456, 0, 0, 0, 0), EINVAL);
  int signal = -1;
  CHECK(prctl(PR_SET_PDEATHSIG, 15) == 0 && prctl(PR_GET_PDEATHSIG, &signal) == 0 && signal == 15);
  CHECK_ERROR(prctl(PR_SET_PDEATHSIG, 65), EINVAL);
  CHECK(personality(0xffffffff) == 0);
}

static void checkLimits(void) {
  struct rlimit limit, old;
  CHECK(getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur == 8 << 20);
  limit.rlim_max = limit.rlim_cur - 1;
  CHECK_ERROR(setrlimit(RLIMIT_STACK, &limit), EINVAL);
  CHECK_ERROR(getrlimit(16, &limit), EINVAL);
  CHECK_ERROR(syscall(SYS_getrlimit, 3, (void *)8), EFAULT);
  limit.rlim_cur = 100, limit.rlim_max = 200;
  CHECK(prlimit(0, RLIMIT_NOFILE, &limit, &old) == 0 && old.rlim_cur >= 1024);
  CHECK_ERROR(prlimit(0x3fffffff, RLIMIT_NOFILE, 0, &old), ESRCH);
  if (fork() == 0) {
    struct rlimit inherited;
    getrlimit(RLIMIT_NOFILE, &inherited);
    _exit(inherited.rlim_cur == 100 && inherited.rlim_max == 200 ? 0 : 1);
  }
  int status;
  wait(&status);
  CHECK(status == 0);
}

static void checkUsage(void) {
  struct rusage usage;
  volatile unsigned long sum = 0;
  for (unsigned long i = 0; i < 30000000; i++) sum += i;
  CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
  CHECK(usage.ru_utime.tv_sec > 0 || usage.ru_utime.tv_usec > 1000);
  CHECK(getrusage(RUSAGE_CHILDREN, &usage) == 0);
  CHECK(getrusage(RUSAGE_THREAD, &usage) == 0);
  CHECK_ERROR(getrusage(7, &usage), EINVAL);
  struct tms times_;
  CHECK(times(&times_) != (clock_t)-1);
}

static void checkRandom(void) {
  uint64_t first[8] = {0}, second[8] = {0};
  CHECK(getrandom(first, sizeof first, 0) == sizeof first);
  CHECK(getrandom(second, sizeof second, GRND_NONBLOCK) == sizeof second);
  CHECK(memcmp(first, second, sizeof first) != 0);
  CHECK_ERROR(syscall(SYS_getrandom, first, 8, 0x10), EINVAL);
  CHECK_ERROR(syscall(SYS_getrandom, first, 8, 6), EINVAL);
  CHECK_ERROR(syscall(SYS_getrandom, (void *)8, 8, 0), EFAULT);
}

static void checkCredentials(void) {
  CHECK(getuid() == 0 && geteuid() == 0 && getgid() == 0 && getegid() == 0);
  gid_t groups[] = {5, 6, 7}, found[8];
  CHECK(setgroups(3, groups) == 0);
  CHECK(getgroups(8, found) == 3 && found[2] == 7);
  CHECK_ERROR(getgroups(2, found), EINVAL);
  // As <linux/capability.h> has them, which musl has not.
  const uint32_t version3 = 0x20080522;
  struct { uint32_t version; int identifier; } header = {version3, 0};
  struct { uint32_t effective, permitted, inheritable; } data[2];
  CHECK(syscall(SYS_capget, &header, data) == 0 && data[0].effective & 1);
  header.version = 1;
  CHECK_ERROR(syscall(SYS_capget, &header, data), EINVAL);
  CHECK(header.version == version3);
  CHECK(prctl(PR_CAPBSET_READ, 21) == 1 && FAILS(prctl(PR_CAPBSET_READ, 64), EINVAL));
  if (fork() == 0) {
    uid_t real, effective, saved;
    int good = setgid(1000) == 0 && setresuid(1000, 1000, 1000) == 0 && getresuid(&real, &effective, &saved) == 0;
    good &= real == 1000 && effective == 1000 && saved == 1000 && getgid() == 1000;
    good &= FAILS(setuid(0), EPERM) && FAILS(setgroups(0, 0), EPERM) && FAILS(sethostname("x", 1), EPERM);
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    good &= FAILS(setrlimit(RLIMIT_NOFILE, &limit), EPERM);
    good &= syscall(SYS_setfsuid, -1) == 1000;
    good &= FAILS(setuid(-1), EINVAL);
    _exit(good ? 0 : 1);
  }
  int status;
  wait(&status);
  CHECK(status == 0);
  CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
}

// What setfsuid(2), securebits and other credentials take along, each in a process of its own.
static int changedFileSystemUser(void) {
  struct { unsigned version; int process; } header = {0x20080522, 0};
  struct { unsigned effective, permitted, inheritable; } sets[2];
  // CAP_CHOWN and its like go with root's identifier for files, and come back with it; CAP_KILL stays.
  syscall(SYS_setfsuid, 1000);
  int good = syscall(SYS_capget, &header, sets) == 0 && (sets[0].effective & 0x2F) == 0x20;
  syscall(SYS_setfsuid, 0);
  return good && syscall(SYS_capget, &header, sets) == 0 && (sets[0].effective & 0x2F) == 0x2F;
}

static int keptSecureBits(void) {
  // NOROOT and NO_SETUID_FIXUP, locked.
  int good = prctl(PR_SET_SECUREBITS, 0x0F) == 0 && prctl(PR_GET_SECUREBITS) == 0x0F;
  return good && FAILS(prctl(PR_SET_SECUREBITS, 0x0E), EPERM) && setuid(1000) == 0 && setgroups(0, 0) == 0;
}

static int guardedProcess(void) {
  int signal = -1;
  int good = prctl(PR_GET_DUMPABLE) == 1 && prctl(PR_SET_PDEATHSIG, 15) == 0 && setegid(1000) == 0;
  // Though /proc's files of it are root's now, it finds its own descriptors.
  good &= seteuid(1000) == 0 && open("/proc/self/fd", O_DIRECTORY) >= 0 && FAILS(open("/proc/self/environ", 0), EACCES);
  return good && prctl(PR_GET_DUMPABLE) == 0 && prctl(PR_GET_PDEATHSIG, &signal) == 0 && signal == 0;
}

static int sortedGroups(void) {
  gid_t groups[3] = {7, 3, 5}, bad = -1;
  int good = setgroups(3, groups) == 0 && getgroups(3, groups) == 3;
  return good && groups[0] == 3 && groups[1] == 5 && groups[2] == 7 && FAILS(syscall(SYS_setgroups, 1, &bad), EINVAL);
}

// access(2) goes by the real group alone, open(2) by the effective one.
static int realGroupForAccess(void) {
  char name[] = "/tmp/identity-XXXXXX";
  int file = mkstemp(name), status = -1;
  int good = file >= 0 && fchown(file, 0, 2) == 0 && fchmod(file, 0060) == 0;
  if (fork() == 0) {
    good &= setgroups(0, 0) == 0 && setresgid(1, 2, 2) == 0 && setresuid(1000, 1000, 1000) == 0;
    _exit(good && FAILS(access(name, W_OK), EACCES) && open(name, O_WRONLY) >= 0 ? 0 : 1);
  }
  wait(&status);
  unlink(name);
  return status == 0;
}

static void checkWhatCredentialsTakeAlong(void) {
  int (*const checks[])(void) = {changedFileSystemUser, keptSecureBits, guardedProcess, sortedGroups, realGroupForAccess};
  for (int i = 0; i < 5; i++) {
    if (fork() == 0) _exit(checks[i]() ? 0 : 10 + i);
    int status;
    wait(&status);
    CHECK_EQUAL(status, 0);
  }
}

int main(void) {
  checkNames();
  checkLimits();
  checkUsage();
  checkRandom();
  checkWhatCredentialsTakeAlong();
  checkCredentials();
  return finish();
}
