// What /proc and /sys tell, against what system calls tell. Ends with 0 where all is as on Linux.
// Built with musl too.
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>

static char text[1 << 16];

// The whole of a file, with a zero behind it; the number of bytes, or -1.
static long readFile(const char *path) {
  int file = open(path, O_RDONLY);
  if (file < 0) return -1;
  long count = 0, part;
  // In small parts: what is read is one picture nevertheless.
  while (count < (long)sizeof text - 1 && (part = read(file, text + count, 700)) > 0) count += part;
  int error = part < 0 ? errno : 0;
  close(file);
  text[count] = 0;
  errno = error;
  return error ? -1 : count;
}

// The number behind a label at the start of a line of what was read; -1 where there is none.
static long long field(const char *label, int base) {
  size_t length = strlen(label);
  for (char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
    if (!strncmp(line, label, length)) return strtoll(line + length, NULL, base);
  return -1;
}

// The n-th field of /proc/PID/stat, from 3 on.
static long long statField(int number) {
  char *rest = strrchr(text, ')');
  REQUIRE(rest && rest[1] == ' ');
  rest += 2;
  for (int i = 3; i < number; i++) {
    rest = strchr(rest, ' ');
    REQUIRE(rest);
    rest++;
  }
  return number == 3 ? *rest : strtoll(rest, NULL, 10);
}

static void checkIdentity(void) {
  char target[256] = {0}, expected[256];
  CHECK(readlink("/proc/self", target, 255) > 0 && atoi(target) == getpid());
  memset(target, 0, sizeof target);
  snprintf(expected, sizeof expected, "%d/task/%d", getpid(), (int)syscall(SYS_gettid));
  CHECK(readlink("/proc/thread-self", target, 255) > 0);
  CHECK_TEXT(target, expected);

  REQUIRE(readFile("/proc/self/stat") > 0);
  CHECK_EQUAL(atoi(text), getpid());
  CHECK(strstr(text, " (proc"));
  CHECK_EQUAL(statField(3), 'R');
  CHECK_EQUAL(statField(4), getppid());
  CHECK_EQUAL(statField(5), getpgrp());
  CHECK_EQUAL(statField(6), getsid(0));
  CHECK_EQUAL(statField(20), 1);
  CHECK_EQUAL(statField(19), getpriority(PRIO_PROCESS, 0));
  CHECK_EQUAL(statField(18), 20 + getpriority(PRIO_PROCESS, 0));
  CHECK(statField(23) > 4096 && statField(24) >= 0);
  // The stack and the code lie where this program's do.
  CHECK((unsigned long long)statField(28) > (unsigned long long)&target);
  CHECK((unsigned long long)statField(26) <= (unsigned long long)(size_t)checkIdentity);
  CHECK((unsigned long long)statField(27) > (unsigned long long)(size_t)checkIdentity);
  CHECK_EQUAL(statField(38), SIGCHLD);
  int spaces = 0;
  for (char *byte = strrchr(text, ')'); *byte; byte++) spaces += *byte == ' ';
  CHECK_EQUAL(spaces, 50);

  prctl(PR_SET_NAME, "a (b) c");
  REQUIRE(readFile("/proc/self/stat") > 0);
  CHECK(strstr(text, " (a (b) c) R "));
  REQUIRE(readFile("/proc/self/comm") > 0);
  CHECK_TEXT(text, "a (b) c\n");
  int file = open("/proc/self/comm", O_WRONLY);
  CHECK(write(file, "proc", 4) == 4);
  close(file);
  CHECK(prctl(PR_GET_NAME, target) == 0);
  CHECK_TEXT(target, "proc");

  REQUIRE(readFile("/proc/self/status") > 0);
  CHECK_EQUAL(field("Pid:", 10), getpid());
  CHECK_EQUAL(field("Tgid:", 10), getpid());
  CHECK_EQUAL(field("PPid:", 10), getppid());
  CHECK_EQUAL(field("Threads:", 10), 1);
  CHECK_EQUAL(field("Uid:", 10), getuid());
  CHECK(field("VmRSS:", 10) > 0 && field("VmSize:", 10) >= field("VmRSS:", 10));
  mode_t mask = umask(022);
  umask(mask);
  CHECK_EQUAL(field("Umask:", 8), mask);
  cpu_set_t set;
  CHECK(sched_getaffinity(0, sizeof set, &set) == 0);
  CHECK_EQUAL(field("Cpus_allowed:", 16), *(unsigned long *)&set);
}

static void checkSignals(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  signal(SIGUSR2, SIG_IGN);
  kill(getpid(), SIGUSR1);
  REQUIRE(readFile("/proc/self/status") > 0);
  CHECK_EQUAL(field("SigBlk:", 16), 1 << (SIGUSR1 - 1));
  CHECK(field("SigIgn:", 16) & 1 << (SIGUSR2 - 1));
  CHECK_EQUAL(field("ShdPnd:", 16), 1 << (SIGUSR1 - 1));
  CHECK_EQUAL(field("SigPnd:", 16), 0);
  signal(SIGUSR1, SIG_IGN);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void checkMaps(void) {
  char *memory = mmap(NULL, 5 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  mprotect(memory + 4096, 4096, PROT_READ | PROT_EXEC);
  mprotect(memory + 3 * 4096, 4096, PROT_NONE);
  char line[256];
  REQUIRE(readFile("/proc/self/maps") > 0);
  snprintf(line, sizeof line, "%lx-%lx r-xp 00000000 00:00 0 \n", (long)memory + 4096, (long)memory + 8192);
  CHECK(strstr(text, line));
  snprintf(line, sizeof line, "%lx-%lx ---p ", (long)memory + 3 * 4096, (long)memory + 4 * 4096);
  CHECK(strstr(text, line));
  CHECK(strstr(text, "[stack]"));
  // The region of this function is the program's, by name.
  char path[256] = {0};
  CHECK(readlink("/proc/self/exe", path, 255) > 0);
  CHECK(strchr(path, '/') == path && strstr(path, "proc"));
  int isFound = 0;
  for (char *next = text; next && *next; next = strchr(next, '\n') ? strchr(next, '\n') + 1 : NULL) {
    unsigned long start, end;
    if (sscanf(next, "%lx-%lx", &start, &end) != 2 || (unsigned long)checkMaps - start >= end - start) continue;
    isFound = 1;
    char *name = strchr(next, '/');
    CHECK(name && !strncmp(name, path, strlen(path)) && name - next == 73);
    CHECK(next[strcspn(next, " ") + 3] == 'x');
  }
  CHECK(isFound);
  munmap(memory, 5 * 4096);
  REQUIRE(readFile("/proc/self/maps") > 0);
  CHECK(!strstr(text, line));

  struct stat program, link;
  CHECK(stat("/proc/self/exe", &link) == 0 && stat(path, &program) == 0);
  CHECK(link.st_ino == program.st_ino && link.st_dev == program.st_dev);
  CHECK(readFile("/proc/self/statm") > 0 && atol(text) > 1);
}

static void checkArguments(char **arguments) {
  long count = readFile("/proc/self/cmdline");
  long expected = 0;
  for (int i = 0; arguments[i]; i++) {
    CHECK_TEXT(text + expected, arguments[i]);
    expected += strlen(arguments[i]) + 1;
  }
  CHECK_EQUAL(count, expected);
  CHECK(readFile("/proc/self/environ") >= 0);
  CHECK(readFile("/proc/self/auxv") > 0 && *(long *)text != 0);
}

static void checkDescriptors(void) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  char path[64], target[256] = {0}, expected[64];
  struct stat status;
  fstat(ends[0], &status);
  snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
  snprintf(expected, sizeof expected, "pipe:[%lu]", (unsigned long)status.st_ino);
  CHECK(readlink(path, target, 255) > 0);
  CHECK_TEXT(target, expected);
  CHECK(lstat(path, &status) == 0 && S_ISLNK(status.st_mode) && (status.st_mode & 0777) == 0500);

  // Opening the link opens the pipe anew.
  snprintf(path, sizeof path, "/proc/self/fd/%d", ends[1]);
  int again = open(path, O_WRONLY);
  CHECK(again >= 0 && write(again, "x", 1) == 1 && read(ends[0], target, 1) == 1 && target[0] == 'x');
  close(again);
  // That waits for nobody, other than the opening of a FIFO.
  int alone[2];
  REQUIRE(pipe(alone) == 0);
  close(alone[1]);
  snprintf(path, sizeof path, "/proc/self/fd/%d", alone[0]);
  again = open(path, O_RDONLY);
  CHECK(again >= 0 && read(again, target, 1) == 0);
  close(again);
  close(alone[0]);

  // A file keeps its name after it has been renamed, and says that it has been removed.
  int file = open("/tmp-proc-test", O_CREAT | O_RDWR, 0600);
  if (file < 0) {
    chdir("/tmp");
    file = open("/tmp/tmp-proc-test", O_CREAT | O_RDWR, 0600);
  }
  REQUIRE(file >= 0);
  CHECK(write(file, "12345", 5) == 5);
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", file);
  CHECK(readFile(path) > 0);
  CHECK_EQUAL(field("pos:", 10), 5);
  CHECK_EQUAL(field("flags:", 8) & O_ACCMODE, O_RDWR);
  snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  memset(target, 0, sizeof target);
  CHECK(readlink(path, target, 255) > 0 && strstr(target, "/tmp-proc-test") && !strstr(target, "deleted"));
  CHECK(unlink(target) == 0);
  memset(target, 0, sizeof target);
  CHECK(readlink(path, target, 255) > 0 && strstr(target, "/tmp-proc-test (deleted)"));
  CHECK(stat(path, &status) == 0 && status.st_size == 5 && status.st_nlink == 0);

  // The directory lists what is open, and nothing else.
  DIR *directory = opendir("/proc/self/fd");
  REQUIRE(directory);
  int found = 0;
  struct dirent *entry;
  while ((entry = readdir(directory))) {
    if (entry->d_name[0] == '.') continue;
    CHECK(fcntl(atoi(entry->d_name), F_GETFD) >= 0);
    if (atoi(entry->d_name) == file) found = 1;
  }
  CHECK(found);
  closedir(directory);
  close(file);
  CHECK_ERROR(readlink(path, target, 255), ENOENT);
  close(ends[0]);
  close(ends[1]);

  char directoryName[256], link[256] = {0};
  CHECK(getcwd(directoryName, sizeof directoryName) && readlink("/proc/self/cwd", link, 255) > 0);
  CHECK_TEXT(link, directoryName);
}

static void *wait_(void *argument) {
  (void)argument;
  pause();
  return NULL;
}

static void checkThreads(void) {
  pthread_t thread;
  REQUIRE(pthread_create(&thread, NULL, wait_, NULL) == 0);
  int count = 0;
  DIR *directory = opendir("/proc/self/task");
  REQUIRE(directory);
  struct dirent *entry;
  while ((entry = readdir(directory))) {
    if (entry->d_name[0] == '.') continue;
    char path[300];
    snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
    CHECK(readFile(path) > 0);
    CHECK_EQUAL(field("Pid:", 10), atoi(entry->d_name));
    CHECK_EQUAL(field("Tgid:", 10), getpid());
    CHECK_EQUAL(field("Threads:", 10), 2);
    count++;
  }
  closedir(directory);
  CHECK_EQUAL(count, 2);
}

// What is left of a process that has ended, and of one that has been waited for.
static void checkEnd(void) {
  char path[64];
  int go[2];
  REQUIRE(pipe(go) == 0);
  pid_t child = fork();
  if (child == 0) {
    char byte;
    close(go[1]);
    read(go[0], &byte, 1);
    _exit(3);
  }
  close(go[0]);
  snprintf(path, sizeof path, "/proc/%d/status", child);
  int status = open(path, O_RDONLY);
  snprintf(path, sizeof path, "/proc/%d", child);
  int directory = open(path, O_RDONLY | O_DIRECTORY);
  CHECK(status >= 0 && directory >= 0);
  close(go[1]);
  siginfo_t information;
  REQUIRE(waitid(P_PID, child, &information, WEXITED | WNOWAIT) == 0);
  snprintf(path, sizeof path, "/proc/%d/stat", child);
  REQUIRE(readFile(path) > 0);
  CHECK_EQUAL(statField(3), 'Z');
  CHECK_EQUAL(statField(23), 0);
  snprintf(path, sizeof path, "/proc/%d/cmdline", child);
  CHECK_EQUAL(readFile(path), 0);
  snprintf(path, sizeof path, "/proc/%d/exe", child);
  CHECK_ERROR(readlink(path, text, 255), ENOENT);
  REQUIRE(waitpid(child, NULL, 0) == child);
  CHECK_ERROR(read(status, text, 10), ESRCH);
  CHECK_ERROR(openat(directory, "stat", O_RDONLY), errno == ESRCH ? ESRCH : ENOENT);
  CHECK_ERROR(open(path, O_RDONLY), ENOENT);
  close(status);
  close(directory);
}

static void checkPermissions(void) {
  CHECK_ERROR(open("/proc/self/nothing", O_RDONLY), ENOENT);
  CHECK_ERROR(open("/proc/01", O_RDONLY), ENOENT);
  CHECK_ERROR(open("/proc/99999999", O_RDONLY), ENOENT);
  CHECK_ERROR(unlink("/proc/self/stat"), EPERM);
  if (getuid() != 0) return;
  pid_t root = getpid();
  if (fork() == 0) {
    char path[64];
    REQUIRE(setgid(1234) == 0 && setuid(1234) == 0);
    snprintf(path, sizeof path, "/proc/%d/stat", root);
    CHECK(readFile(path) > 0);
    CHECK_EQUAL(statField(28), 0);
    snprintf(path, sizeof path, "/proc/%d/environ", root);
    CHECK_ERROR(open(path, O_RDONLY), EACCES);
    snprintf(path, sizeof path, "/proc/%d/maps", root);
    CHECK_ERROR(open(path, O_RDONLY), EACCES);
    snprintf(path, sizeof path, "/proc/%d/fd", root);
    CHECK_ERROR(open(path, O_RDONLY), EACCES);
    snprintf(path, sizeof path, "/proc/%d/cwd", root);
    CHECK_ERROR(readlink(path, text, 255), EACCES);
    _exit(finish());
  }
  int status;
  wait(&status);
  CHECK_EQUAL(status, 0);
}

static void checkSystem(void) {
  struct utsname name;
  uname(&name);
  CHECK(readFile("/proc/sys/kernel/osrelease") > 0 && !strncmp(text, name.release, strlen(name.release)));
  CHECK(readFile("/proc/sys/kernel/hostname") > 0 && !strncmp(text, name.nodename, strlen(name.nodename)));
  CHECK(readFile("/proc/version") > 0 && !strncmp(text, "Linux version ", 14) && strstr(text, name.release));
  CHECK(readFile("/proc/sys/kernel/random/uuid") == 37 && text[14] == '4');
  char first[64];
  CHECK(readFile("/proc/sys/kernel/random/boot_id") == 37);
  strcpy(first, text);
  CHECK(readFile("/proc/sys/kernel/random/boot_id") == 37 && !strcmp(first, text));

  REQUIRE(readFile("/proc/meminfo") > 0);
  CHECK_EQUAL(field("MemTotal:", 10), sysconf(_SC_PHYS_PAGES) * 4);
  CHECK(field("MemFree:", 10) > 0 && field("MemAvailable:", 10) <= field("MemTotal:", 10));

  REQUIRE(readFile("/proc/stat") > 0);
  int cpus = 0;
  for (char *line = text; (line = strstr(line, "\ncpu")); line++) cpus++;
  CHECK_EQUAL(cpus, sysconf(_SC_NPROCESSORS_ONLN));
  CHECK(!strncmp(text, "cpu  ", 5) && field("ctxt ", 10) > 0 && field("btime ", 10) > 1600000000);
  REQUIRE(readFile("/proc/cpuinfo") > 0);
  CHECK(strstr(text, "flags\t\t: fpu ") && strstr(text, " sse2 ") && strstr(text, " fxsr "));

  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  CHECK(readFile("/proc/uptime") > 0 && atol(text) >= now.tv_sec - 1);
  clock_gettime(CLOCK_MONOTONIC, &now);
  CHECK(atol(text) <= now.tv_sec + 1);
  float load[3];
  int running, all, last;
  CHECK(readFile("/proc/loadavg") > 0);
  CHECK(sscanf(text, "%f %f %f %d/%d %d", load, load + 1, load + 2, &running, &all, &last) == 6);
  CHECK(running >= 1 && all >= running && last >= getpid());
  CHECK(readFile("/proc/mounts") > 0 && strstr(text, " /proc proc "));
  CHECK(readFile("/proc/filesystems") > 0 && strstr(text, "nodev\tproc\n"));
  CHECK(readFile("/proc/interrupts") > 0 && strstr(text, "CPU0") && strstr(text, "LOC:"));
  REQUIRE(readFile("/proc/self/limits") > 0);
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  CHECK_EQUAL(field("Max open files", 10), limit.rlim_cur);
  if (readFile("/sys/devices/system/cpu/online") > 0) CHECK(text[0] == '0');
  int event = open("/sys/class/mem/null/uevent", O_WRONLY);
  if (event < 0) return;
  CHECK(write(event, "change", 6) == 6 && write(event, "change\n", 7) == 7);
  CHECK(write(event, "change 01234567-89ab-cdef-0123-456789abcdef", 43) == 43);
  CHECK_ERROR(write(event, "change 01234567", 15), EINVAL);
  CHECK_ERROR(write(event, "changes", 7), EINVAL);
  close(event);
}

// Whether /proc/locks has a line, behind its number, of a lock on this file.
static int hasLock(int file, const char *kind, int process, const char *range) {
  char line[128];
  struct stat status;
  REQUIRE(fstat(file, &status) == 0 && readFile("/proc/locks") > 0);
  snprintf(line, sizeof line, ": %s %d %02x:%02x:%lu %s\n", kind, process, major(status.st_dev),
    minor(status.st_dev), status.st_ino, range);
  return strstr(text, line) != NULL;
}

static void checkLocks(void) {
  char path[] = "/tmp/locked-XXXXXX";
  int file = mkstemp(path), other = open(path, O_RDONLY);
  REQUIRE(file >= 0 && other >= 0);
  struct flock range = {.l_type = F_WRLCK, .l_start = 5, .l_len = 10};
  CHECK(fcntl(file, F_SETLK, &range) == 0 && hasLock(file, "POSIX  ADVISORY  WRITE", getpid(), "5 14"));
  range = (struct flock){.l_type = F_RDLCK, .l_start = 100};
  CHECK(fcntl(file, F_OFD_SETLK, &range) == 0 && hasLock(file, "OFDLCK ADVISORY  READ", -1, "100 EOF"));
  CHECK(flock(other, LOCK_SH) == 0 && hasLock(file, "FLOCK  ADVISORY  READ", getpid(), "0 EOF"));
  CHECK(flock(other, LOCK_UN) == 0 && !hasLock(file, "FLOCK  ADVISORY  READ", getpid(), "0 EOF"));
  CHECK(hasLock(file, "POSIX  ADVISORY  WRITE", getpid(), "5 14"));
  close(other);
  CHECK(!hasLock(file, "POSIX  ADVISORY  WRITE", getpid(), "5 14"));
  CHECK(hasLock(file, "OFDLCK ADVISORY  READ", -1, "100 EOF"));
  close(file);
  unlink(path);
}

// What init and ps look for: where the console is, and which numbers terminals have.
static void checkTerminals(void) {
  char name[32] = "", path[64], flags[16];
  unsigned int first, second;
  REQUIRE(readFile("/proc/consoles") > 0);
  CHECK(sscanf(text, "%31s %3s (%15[^)]) %u:%u\n", name, flags, path, &first, &second) == 5 && flags[1] == 'W');
  snprintf(path, sizeof path, "/dev/%s", name);
  struct stat status;
  if (stat(path, &status) == 0) CHECK(S_ISCHR(status.st_mode) && status.st_rdev == makedev(first, second));
  CHECK(readFile("/proc/tty/drivers") > 0);
  CHECK(strstr(text, "/dev/tty             /dev/tty        5       0 system:/dev/tty\n"));
  CHECK(strstr(text, "\npty_slave            /dev/pts      136 0-"));
}

// A position counts for what was read from the start on.
static void checkPositions(void) {
  int file = open("/proc/version", O_RDONLY);
  char byte[8];
  CHECK(pread(file, byte, 5, 0) == 5 && !memcmp(byte, "Linux", 5));
  CHECK(pread(file, byte, 7, 6) == 7 && !memcmp(byte, "version", 7));
  CHECK(read(file, byte, 2) == 2 && !memcmp(byte, "Li", 2));
  CHECK(lseek(file, 6, SEEK_SET) == 6 && read(file, byte, 3) == 3 && !memcmp(byte, "ver", 3));
  CHECK(lseek(file, 1 << 20, SEEK_SET) == 1 << 20 && read(file, byte, 3) == 0);
  CHECK_ERROR(write(file, "", 1), EBADF);
  struct stat status;
  CHECK(fstat(file, &status) == 0 && status.st_size == 0 && S_ISREG(status.st_mode));
  close(file);
  file = open("/proc/self/stat", O_RDONLY);
  CHECK_ERROR(syscall(SYS_read, file, 8, 10), EFAULT);
  close(file);
}

int main(int count, char **arguments) {
  (void)count;
  if (access("/proc/self/stat", R_OK) != 0) SKIP("/proc is not mounted");
  checkIdentity();
  checkSignals();
  checkMaps();
  checkArguments(arguments);
  checkDescriptors();
  checkEnd();
  checkPermissions();
  checkSystem();
  checkLocks();
  checkTerminals();
  checkPositions();
  checkThreads();
  return finish();
}
