// Who a process is and what it may do: credentials, limits, names, prctl. Ends with 0 where all is as on Linux.
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

static int failures;
static void expect(const char *name, int condition) {
  printf("%s %s\n", condition ? "ok" : "not ok", name);
  if (!condition) failures++;
}
#define FAILS(call, number) (errno = 0, (call) == -1 && errno == (number))

static void checkNames(void) {
  struct utsname name;
  expect("uname", uname(&name) == 0 && !strcmp(name.sysname, "Linux") && !strcmp(name.machine, "x86_64"));
  expect("uname to a bad address", FAILS(syscall(SYS_uname, (void *)8), EFAULT));
  char thread[17] = {0};
  expect("PR_GET_NAME", prctl(PR_GET_NAME, thread) == 0 && !strcmp(thread, "identity"));
  expect("PR_SET_NAME", prctl(PR_SET_NAME, "a name of more than fifteen") == 0);
  expect("a name is cut", prctl(PR_GET_NAME, thread) == 0 && !strcmp(thread, "a name of more "));
  expect("PR_SET_DUMPABLE of 2", FAILS(prctl(PR_SET_DUMPABLE, 2), EINVAL));
  expect("PR_GET_DUMPABLE", prctl(PR_GET_DUMPABLE) == 1);
  expect("an unknown prctl", FAILS(prctl(123456, 0, 0, 0, 0), EINVAL));
  int signal = -1;
  expect("PR_SET_PDEATHSIG", prctl(PR_SET_PDEATHSIG, 15) == 0 && prctl(PR_GET_PDEATHSIG, &signal) == 0 && signal == 15);
  expect("PR_SET_PDEATHSIG of 65", FAILS(prctl(PR_SET_PDEATHSIG, 65), EINVAL));
  expect("personality", personality(0xffffffff) == 0);
}

static void checkLimits(void) {
  struct rlimit limit, old;
  expect("getrlimit", getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur == 8 << 20);
  limit.rlim_max = limit.rlim_cur - 1;
  expect("a soft limit above the hard one", FAILS(setrlimit(RLIMIT_STACK, &limit), EINVAL));
  expect("no such limit", FAILS(getrlimit(16, &limit), EINVAL));
  expect("a limit at a bad address", FAILS(syscall(SYS_getrlimit, 3, (void *)8), EFAULT));
  limit.rlim_cur = 100, limit.rlim_max = 200;
  expect("prlimit sets", prlimit(0, RLIMIT_NOFILE, &limit, &old) == 0 && old.rlim_cur >= 1024);
  expect("prlimit of no process", FAILS(prlimit(0x3fffffff, RLIMIT_NOFILE, 0, &old), ESRCH));
  if (fork() == 0) {
    struct rlimit inherited;
    getrlimit(RLIMIT_NOFILE, &inherited);
    _exit(inherited.rlim_cur == 100 && inherited.rlim_max == 200 ? 0 : 1);
  }
  int status;
  wait(&status);
  expect("limits are inherited", status == 0);
}

static void checkUsage(void) {
  struct rusage usage;
  volatile unsigned long sum = 0;
  for (unsigned long i = 0; i < 30000000; i++) sum += i;
  expect("getrusage", getrusage(RUSAGE_SELF, &usage) == 0);
  expect("user time passes", usage.ru_utime.tv_sec > 0 || usage.ru_utime.tv_usec > 1000);
  expect("getrusage of children", getrusage(RUSAGE_CHILDREN, &usage) == 0);
  expect("getrusage of a thread", getrusage(RUSAGE_THREAD, &usage) == 0);
  expect("getrusage of nobody", FAILS(getrusage(7, &usage), EINVAL));
  struct tms times_;
  expect("times", times(&times_) != (clock_t)-1);
}

static void checkRandom(void) {
  uint64_t first[8] = {0}, second[8] = {0};
  expect("getrandom", getrandom(first, sizeof first, 0) == sizeof first);
  expect("getrandom again", getrandom(second, sizeof second, GRND_NONBLOCK) == sizeof second);
  expect("random numbers differ", memcmp(first, second, sizeof first) != 0);
  expect("getrandom with bad flags", FAILS(syscall(SYS_getrandom, first, 8, 0x10), EINVAL));
  expect("getrandom with flags that exclude each other", FAILS(syscall(SYS_getrandom, first, 8, 6), EINVAL));
  expect("getrandom to a bad address", FAILS(syscall(SYS_getrandom, (void *)8, 8, 0), EFAULT));
}

static void checkCredentials(void) {
  expect("root", getuid() == 0 && geteuid() == 0 && getgid() == 0 && getegid() == 0);
  gid_t groups[] = {5, 6, 7}, found[8];
  expect("setgroups", setgroups(3, groups) == 0);
  expect("getgroups", getgroups(8, found) == 3 && found[2] == 7);
  expect("getgroups with too little room", FAILS(getgroups(2, found), EINVAL));
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  expect("capget", syscall(SYS_capget, &header, data) == 0 && data[0].effective == 0xffffffff);
  header.version = 1;
  expect("capget of an unknown version", FAILS(syscall(SYS_capget, &header, data), EINVAL));
  expect("the version is told", header.version == _LINUX_CAPABILITY_VERSION_3);
  expect("PR_CAPBSET_READ", prctl(PR_CAPBSET_READ, 21) == 1 && FAILS(prctl(PR_CAPBSET_READ, 64), EINVAL));
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
  expect("another user may do less", status == 0);
  expect("PR_SET_NO_NEW_PRIVS", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
}

int main(void) {
  checkNames();
  checkLimits();
  checkUsage();
  checkRandom();
  checkCredentials();
  printf("identity: %d failed\n", failures);
  return failures != 0;
}
