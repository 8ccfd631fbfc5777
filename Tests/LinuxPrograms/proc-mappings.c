// What /proc shows of where threads wait (syscall), of files that are mapped (map_files), and of pages (pagemap).
// Built with musl too.
#include "check.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static char text[1 << 16];

// The whole of a file as one read gives it, with a zero behind it.
static long readFile(const char *path) {
  int file = open(path, O_RDONLY);
  if (file < 0) return -1;
  long count = read(file, text, sizeof text - 1);
  int error = errno;
  close(file);
  text[count < 0 ? 0 : count] = 0;
  errno = error;
  return count;
}

// MARK: syscall

// What a process and its parent both see.
struct { volatile int futex, isReady; volatile uint64_t stackPointer; } *shared;

extern const char behindCall[], behindInterrupt[], turnBegin[], turnEnd[];
void waitByCall(volatile int *futex);
void waitByInterrupt(void);
void turn(void);
__asm__(
  ".pushsection .text\n"
  "waitByCall:\n"
  " mov shared(%rip), %rax\n mov %rsp, 8(%rax)\n"
  " mov $202, %eax\n mov $0, %esi\n mov $0, %edx\n mov $0, %r10d\n mov $0x5555555555, %r8\n mov $0x6666, %r9d\n"
  " syscall\n"
  "behindCall:\n ret\n"
  "waitByInterrupt:\n"
  " push %rbx\n push %rbp\n mov shared(%rip), %rax\n mov %rsp, 8(%rax)\n"
  " mov $29, %eax\n mov $0x1111, %ebx\n mov $0x2222, %ecx\n mov $0x3333, %edx\n mov $0x4444444444, %rsi\n"
  " mov $0x5555, %edi\n mov $0x6666, %ebp\n int $0x80\n"
  "behindInterrupt:\n pop %rbp\n pop %rbx\n ret\n"
  "turnBegin:\n"
  "turn:\n jmp turn\n"
  "turnEnd:\n"
  ".popsection\n");

static void waitHere(void) { waitByCall(&shared->futex); }
static void end(void) { _exit(0); }

static pid_t childIn(void (*body)(void)) {
  shared->isReady = 0;
  pid_t pid = fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    shared->isReady = 1;
    body();
    _exit(0);
  }
  while (!shared->isReady) sched_yield();
  return pid;
}

// The file's text once it no longer is `other`, up to twenty seconds.
static const char *lineOf(const char *path, const char *other) {
  for (int i = 0; i < 20000; i++) {
    if (readFile(path) < 0) return "none";
    if (strcmp(text, other) != 0 && strncmp(text, "running", 7) != 0) break;
    usleep(1000);
  }
  return text;
}
static const char *lineOfProcess(pid_t pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/syscall", pid);
  // A child may be looked at while it still waits for something else.
  const char *line = lineOf(path, "");
  usleep(20000);
  return strcmp(line, "none") ? lineOf(path, "") : line;
}
static void endChild(pid_t pid) {
  kill(pid, SIGKILL);
  CHECK_EQUAL(waitpid(pid, NULL, 0), pid);
}

static void *waitInThread(void *identifier) {
  *(volatile int *)identifier = syscall(SYS_gettid);
  waitHere();
  return NULL;
}

static void checkCalls(void) {
  char expected[256], path[64];
  // The reader's own call.
  int file = open("/proc/self/syscall", O_RDONLY);
  REQUIRE(file >= 0);
  long count = syscall(SYS_read, file, text, 200L);
  REQUIRE(count > 0);
  text[count] = 0;
  snprintf(expected, sizeof expected, "0 0x%x 0x%lx 0xc8 0x", file, (long)text);
  CHECK(strncmp(text, expected, strlen(expected)) == 0);
  CHECK_EQUAL(text[count - 1], '\n');
  count = syscall(SYS_pread64, file, text, 220L, 0L);
  REQUIRE(count > 0);
  snprintf(expected, sizeof expected, "17 0x%x 0x%lx 0xdc 0x0 0x", file, (long)text);
  CHECK(strncmp(text, expected, strlen(expected)) == 0);
  close(file);
  struct stat status;
  CHECK(stat("/proc/self/syscall", &status) == 0 && status.st_mode == (S_IFREG | 0400));

  pid_t pid = childIn(waitHere);
  lineOfProcess(pid);
  snprintf(expected, sizeof expected, "202 0x%lx 0x0 0x0 0x0 0x5555555555 0x6666 0x%lx 0x%lx\n", (long)&shared->futex,
    (long)shared->stackPointer, (long)behindCall);
  CHECK_TEXT(text, expected);
  // Stopped and let go on, it waits there still.
  kill(pid, SIGSTOP);
  CHECK_EQUAL(waitpid(pid, NULL, WUNTRACED), pid);
  CHECK(strncmp(lineOfProcess(pid), "202 0x", 6) == 0);
  endChild(pid);

  // INT 0x80, where there is such a way.
  pid = childIn(waitByInterrupt);
  usleep(50000);
  if (kill(pid, 0) == 0 && waitpid(pid, NULL, WNOHANG) == 0) {
    lineOfProcess(pid);
    snprintf(expected, sizeof expected, "29 0x1111 0x2222 0x3333 0x4444444444 0x5555 0x6666 0x%lx 0x%lx\n",
      (long)shared->stackPointer, (long)behindInterrupt);
    CHECK_TEXT(text, expected);
    endChild(pid);
  }

  // One that computes runs, or waits outside of a call.
  pid = childIn(turn);
  snprintf(path, sizeof path, "/proc/%d/syscall", pid);
  usleep(20000);
  CHECK(readFile(path) > 0);
  CHECK_TEXT(text, "running\n");
  kill(pid, SIGSTOP);
  CHECK_EQUAL(waitpid(pid, NULL, WUNTRACED), pid);
  lineOfProcess(pid);
  long stackPointer = 0, place = 0;
  char rest = 0;
  CHECK_EQUAL(sscanf(text, "-1 0x%lx 0x%lx%c", &stackPointer, &place, &rest), 3);
  CHECK(rest == '\n' && stackPointer != 0);
  CHECK(place >= (long)turnBegin && place < (long)turnEnd);
  endChild(pid);

  pid = childIn(end);
  siginfo_t information;
  CHECK_EQUAL(waitid(P_PID, pid, &information, WEXITED | WNOWAIT), 0);
  snprintf(path, sizeof path, "/proc/%d/syscall", pid);
  for (int i = 0; i < 5000 && readFile(path) > 0 && strcmp(text, "-1 0x0 0x0\n"); i++) usleep(1000);
  CHECK_TEXT(text, "-1 0x0 0x0\n");
  CHECK_EQUAL(waitpid(pid, NULL, 0), pid);

  // A thread has its own.
  volatile int identifier = 0;
  pthread_t thread;
  shared->futex = 0;
  REQUIRE(pthread_create(&thread, NULL, waitInThread, (void *)&identifier) == 0);
  while (identifier == 0) sched_yield();
  usleep(20000);
  snprintf(path, sizeof path, "/proc/self/task/%d/syscall", identifier);
  lineOf(path, "");
  snprintf(expected, sizeof expected, "202 0x%lx 0x0 ", (long)&shared->futex);
  CHECK(strncmp(text, expected, strlen(expected)) == 0);
  shared->futex = 1;
  while (syscall(SYS_futex, &shared->futex, 1, 1, NULL, NULL, 0) == 0) usleep(1000);
  CHECK_EQUAL(pthread_join(thread, NULL), 0);
}

// MARK: map_files

static char linkText[PATH_MAX];

// What the link of a mapping says, or the error.
static const char *linkOf(const void *start, size_t length) {
  char path[128];
  snprintf(path, sizeof path, "/proc/self/map_files/%lx-%lx", (long)start, (long)start + (long)length);
  ssize_t count = readlink(path, linkText, sizeof linkText - 1);
  if (count < 0) return errno == ENOENT ? "none" : "error";
  linkText[count] = 0;
  return linkText;
}
static void checkNoLink(const char *format, long start, long end) {
  char path[128] = "/proc/self/map_files/";
  snprintf(path + strlen(path), 100, format, start, end);
  CHECK_ERROR(readlink(path, linkText, sizeof linkText), ENOENT);
}

static void checkMappings(void) {
  char name[] = "/tmp/proc-mappings-XXXXXX", path[128], deleted[64];
  int file = mkstemp(name);
  REQUIRE(file >= 0 && ftruncate(file, 4 * 4096) == 0 && pwrite(file, "two", 3, 8192) == 3);
  int readOnly = open(name, O_RDONLY);
  char *map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, readOnly, 8192);
  char *both = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  char *memory = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(map != MAP_FAILED && both != MAP_FAILED && memory != MAP_FAILED);
  long a = (long)map, b = a + 4096;
  CHECK_TEXT(linkOf(map, 4096), name);
  CHECK_TEXT(linkOf(both, 8192), name);
  CHECK_TEXT(linkOf(both, 4096), "none");
  CHECK_TEXT(linkOf(both + 4096, 4096), "none");
  CHECK_TEXT(linkOf(memory, 4096), "none");
  checkNoLink("%lx-%lx-", a, b);
  checkNoLink("0%lx-%lx", a, b);
  checkNoLink("%lx-0%lx", a, b);
  checkNoLink("0x%lx-%lx", a, b);
  checkNoLink("+%lx-%lx", a, b);
  checkNoLink("%lx- %lx", a, b);
  checkNoLink("%lx--%lx", a, b);
  checkNoLink("%lx", a, b);
  checkNoLink("%lx-", a, b);
  checkNoLink("-%lx", a, b);
  checkNoLink("1%016lx-%lx", a, b);
  checkNoLink("%lx-1%016lx", a, b);
  checkNoLink("-", a, b);
  checkNoLink("0-0", a, b);
  checkNoLink("0-1000", a, b);
  // Digits above 9 may be of either kind.
  snprintf(path, sizeof path, "/proc/self/map_files/%lX-%lx", a, b);
  CHECK(readlink(path, linkText, sizeof linkText) > 0);
  // A part of a mapping has a name of its own once it is one.
  REQUIRE(mprotect(both, 4096, PROT_READ) == 0);
  CHECK_TEXT(linkOf(both, 8192), "none");
  CHECK_TEXT(linkOf(both, 4096), name);
  CHECK_TEXT(linkOf(both + 4096, 4096), name);

  struct stat status;
  snprintf(path, sizeof path, "/proc/self/map_files/%lx-%lx", a, b);
  CHECK(lstat(path, &status) == 0 && status.st_mode == (S_IFLNK | 0400));
  CHECK_EQUAL(status.st_size, 64);
  char writable[128];
  snprintf(writable, sizeof writable, "/proc/self/map_files/%lx-%lx", (long)both, (long)both + 4096);
  CHECK(lstat(writable, &status) == 0 && status.st_mode == (S_IFLNK | 0600));
  CHECK(stat("/proc/self/map_files", &status) == 0 && status.st_mode == (S_IFDIR | 0500));
  CHECK_ERROR(unlink(path), EPERM);

  // The link leads to the file even when its name has gone.
  REQUIRE(unlink(name) == 0);
  snprintf(deleted, sizeof deleted, "%s (deleted)", name);
  CHECK_TEXT(linkOf(map, 4096), deleted);
  if (geteuid() == 0) {
    int again = open(path, O_RDONLY);
    CHECK(again >= 0);
    CHECK(pread(again, linkText, 3, 8192) == 3 && memcmp(linkText, "two", 3) == 0);
    CHECK(stat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_size == 4 * 4096);
    close(again);
  }

  // Every entry is a line of maps with a file, and they come in order.
  REQUIRE(readFile("/proc/self/maps") > 0);
  DIR *directory = opendir("/proc/self/map_files");
  REQUIRE(directory);
  struct dirent *entry;
  int found = 0, entries = 0;
  unsigned long last = 0;
  while ((entry = readdir(directory))) {
    if (entry->d_name[0] == '.') continue;
    entries++;
    CHECK_EQUAL(entry->d_type, DT_LNK);
    unsigned long start = strtoul(entry->d_name, NULL, 16);
    CHECK(start > last);
    last = start;
    if (start == (unsigned long)a) found++;
    if (strchr(text, '/')) {
      char line[80];
      char *dash = strchr(entry->d_name, '-');
      snprintf(line, sizeof line, "%08lx-%08lx ", start, strtoul(dash ? dash + 1 : "", NULL, 16));
      CHECK(strstr(text, line) != NULL);
    }
  }
  closedir(directory);
  CHECK_EQUAL(found, 1);
  CHECK(entries >= 3);
  munmap(map, 4096);
  CHECK_TEXT(linkOf(map, 4096), "none");
  snprintf(path, sizeof path, "/proc/self/task/%d/map_files", getpid());
  CHECK_ERROR(access(path, F_OK), ENOENT);
  close(file);
  close(readOnly);
}

// Private memory of /dev/zero is memory as any other, by its name.
static void checkZeros(void) {
  int file = open("/dev/zero", O_RDWR);
  REQUIRE(file >= 0);
  char *map = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 3 * 4096);
  REQUIRE(map != MAP_FAILED);
  close(file);
  CHECK_TEXT(linkOf(map, 4 * 4096), "/dev/zero");
  char line[64];
  snprintf(line, sizeof line, "%08lx-%08lx rw-p 00003000 ", (long)map, (long)map + 4 * 4096);
  REQUIRE(readFile("/proc/self/maps") > 0);
  char *found = strstr(text, line);
  CHECK(found && strstr(found, "/dev/zero") && strstr(found, "/dev/zero") < strchr(found, '\n'));
  CHECK(map[0] == 0 && map[3 * 4096] == 0);
  memset(map, 7, 4 * 4096);
  pid_t pid = fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    CHECK_TEXT(linkOf(map, 4 * 4096), "/dev/zero");
    map[0] = 8;
    _exit(finish());
  }
  int status = -1;
  CHECK_EQUAL(waitpid(pid, &status, 0), pid);
  CHECK_EQUAL(status, 0);
  CHECK_EQUAL(map[0], 7);
  // A hole cuts it, and a part that moves keeps its name and what it holds.
  CHECK_EQUAL(munmap(map + 4096, 4096), 0);
  CHECK_TEXT(linkOf(map, 4096), "/dev/zero");
  CHECK_TEXT(linkOf(map + 2 * 4096, 2 * 4096), "/dev/zero");
  CHECK_ERROR(madvise(map, 4096, MADV_WIPEONFORK), EINVAL);
  CHECK_EQUAL(madvise(map, 4096, MADV_DONTNEED), 0);
  CHECK_EQUAL(map[0], 0);
  char *moved = mremap(map + 2 * 4096, 2 * 4096, 64 * 4096, MREMAP_MAYMOVE);
  REQUIRE(moved != MAP_FAILED);
  CHECK_TEXT(linkOf(moved, 64 * 4096), "/dev/zero");
  CHECK(moved[0] == 7 && moved[2 * 4096 - 1] == 7 && moved[2 * 4096] == 0);
  CHECK_EQUAL(munmap(moved, 64 * 4096), 0);
  CHECK_EQUAL(munmap(map, 4096), 0);
}

// MARK: pagemap

#define PRESENT (1ULL << 63)
#define OF_FILE (1ULL << 61)
#define ONCE (1ULL << 56)
#define FRAME ((1ULL << 55) - 1)
// Bit 55 is left out: it depends on how the kernel is built.
#define FLAGS (~FRAME & ~(1ULL << 55))

static uint64_t entryOf(int file, const void *page) {
  uint64_t entry = ~0ULL;
  CHECK_EQUAL(pread(file, &entry, 8, (long)page / 4096 * 8), 8);
  return entry;
}

static void checkPages(void) {
  int file = open("/proc/self/pagemap", O_RDONLY);
  REQUIRE(file >= 0);
  int showsFrames = geteuid() == 0;
  char *memory = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *common = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED && common != MAP_FAILED);
  madvise(memory, 4 * 4096, MADV_NOHUGEPAGE);
  for (int i = 0; i < 4; i++) CHECK_EQUAL(entryOf(file, memory + i * 4096) & FLAGS, 0);
  memory[4096] = 1;
  memory[3 * 4096] = 1;
  CHECK_EQUAL(entryOf(file, memory) & FLAGS, 0);
  CHECK_EQUAL(entryOf(file, memory + 4096) & FLAGS, PRESENT | ONCE);
  CHECK_EQUAL(entryOf(file, memory + 2 * 4096) & FLAGS, 0);
  CHECK_EQUAL((entryOf(file, memory + 4096) & FRAME) != 0, showsFrames);
  CHECK(!showsFrames
    || (entryOf(file, memory + 4096) & FRAME) != (entryOf(file, memory + 3 * 4096) & FRAME));
  // Without permissions it is there all the same.
  CHECK_EQUAL(mprotect(memory + 4096, 4096, PROT_NONE), 0);
  CHECK_EQUAL(entryOf(file, memory + 4096) & FLAGS, PRESENT | ONCE);
  CHECK_EQUAL(mprotect(memory + 4096, 4096, PROT_READ | PROT_WRITE), 0);
  // What is shared is no memory of its own, and a page of another process's too is not had alone.
  common[0] = 1;
  CHECK_EQUAL(entryOf(file, common) & FLAGS, PRESENT | OF_FILE | ONCE);
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  pid_t pid = fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    close(ends[1]);
    char byte;
    common[0]++;
    int own = open("/proc/self/pagemap", O_RDONLY);
    CHECK_EQUAL(entryOf(own, memory + 4096) & FLAGS, PRESENT);
    CHECK_EQUAL(entryOf(own, common) & FLAGS, PRESENT | OF_FILE);
    memory[4096] = 2;
    CHECK_EQUAL(entryOf(own, memory + 4096) & FLAGS, PRESENT | ONCE);
    CHECK_EQUAL((entryOf(own, common) & FRAME), entryOf(file, common) & FRAME);
    CHECK_EQUAL(read(ends[0], &byte, 1), 0);
    _exit(finish());
  }
  close(ends[0]);
  CHECK_EQUAL(entryOf(file, memory + 3 * 4096) & FLAGS, PRESENT);
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/pagemap", pid);
  int others = open(path, O_RDONLY);
  CHECK(others >= 0);
  CHECK_EQUAL(entryOf(others, memory + 3 * 4096) & FLAGS, PRESENT);
  close(ends[1]);
  int status = -1;
  CHECK_EQUAL(waitpid(pid, &status, 0), pid);
  CHECK_EQUAL(status, 0);
  CHECK_EQUAL(entryOf(file, memory + 3 * 4096) & FLAGS, PRESENT | ONCE);
  uint64_t entries[3] = {1, 2, 3};
  CHECK_EQUAL(pread(others, entries, 8, 0), 0);
  close(others);

  // Entries are read whole, in any number, as far as there is memory.
  CHECK_EQUAL(pread(file, entries, 24, (long)(memory + 4096) / 4096 * 8), 24);
  CHECK_EQUAL(entries[0] & FLAGS, PRESENT | ONCE);
  CHECK_EQUAL(entries[1] & FLAGS, 0);
  CHECK_EQUAL(entries[2] & FLAGS, PRESENT | ONCE);
  long limit = 0x7FFFFFFFF * 8L;
  CHECK_ERROR(pread(file, entries, 8, 4), EINVAL);
  CHECK_ERROR(pread(file, entries, 12, 0), EINVAL);
  CHECK_EQUAL(pread(file, entries, 0, 0), 0);
  CHECK_EQUAL(pread(file, entries, 16, limit - 8), 8);
  CHECK_EQUAL(entries[0], 0);
  CHECK_EQUAL(pread(file, entries, 8, limit), 0);
  CHECK_EQUAL(pread(file, entries, 8, 1L << 60), 0);
  CHECK_ERROR(syscall(SYS_pread64, file, 8L, 8L, 0L), EFAULT);
  CHECK_EQUAL(lseek(file, (long)(memory + 4096) / 4096 * 8, SEEK_SET), (long)(memory + 4096) / 4096 * 8);
  CHECK_EQUAL(read(file, entries, 8), 8);
  CHECK_EQUAL(entries[0] & FLAGS, PRESENT | ONCE);
  CHECK_EQUAL(lseek(file, 8, SEEK_CUR), (long)(memory + 3 * 4096) / 4096 * 8);
  CHECK_ERROR(lseek(file, 0, SEEK_END), EINVAL);
  enum { many = 3000 };
  static uint64_t all[many];
  CHECK_EQUAL(pread(file, all, sizeof all, ((long)memory / 4096 - 1000) * 8), sizeof all);
  CHECK_EQUAL(all[1001] & FLAGS, PRESENT | ONCE);
  CHECK_EQUAL(all[1002] & FLAGS, 0);
  struct stat information;
  CHECK(fstat(file, &information) == 0 && information.st_mode == (S_IFREG | 0400));
  munmap(memory, 4 * 4096);
  munmap(common, 4096);
  close(file);
}

// What was opened before a new program began has nothing of it.
static void checkNewProgram(void) {
  int started[2], begun[2];
  REQUIRE(pipe(started) == 0 && pipe2(begun, O_CLOEXEC) == 0);
  text[0] = 1;
  pid_t pid = fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    char byte;
    if (read(started[0], &byte, 1) != 1) _exit(1);
    char *const arguments[] = {"proc-mappings", "wait", NULL};
    execv("/proc/self/exe", arguments);
    _exit(1);
  }
  char path[64], byte;
  snprintf(path, sizeof path, "/proc/%d/pagemap", pid);
  int old = open(path, O_RDONLY);
  REQUIRE(old >= 0);
  const char *page = (const char *)((long)text & ~4095);
  CHECK((entryOf(old, page) & PRESENT) != 0);
  close(begun[1]);
  REQUIRE(write(started[1], "", 1) == 1);
  CHECK_EQUAL(read(begun[0], &byte, 1), 0);
  uint64_t entry;
  CHECK_EQUAL(pread(old, &entry, 8, (long)page / 4096 * 8), 0);
  int new = open(path, O_RDONLY);
  CHECK_EQUAL(pread(new, &entry, 8, (long)page / 4096 * 8), 8);
  endChild(pid);
  close(old);
  close(new);
  close(started[0]);
  close(started[1]);
  close(begun[0]);
}

// MARK: Who may

static void checkPermissions(void) {
  if (getuid() != 0) return;
  pid_t root = getpid();
  char *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int executable = open("/proc/self/exe", O_RDONLY);
  char *map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, executable, 0);
  REQUIRE(memory != MAP_FAILED && map != MAP_FAILED);
  char call[64], mappings[128], pages[64];
  snprintf(call, sizeof call, "/proc/%d/syscall", root);
  snprintf(mappings, sizeof mappings, "/proc/%d/map_files/%lx-%lx", root, (long)map, (long)map + 4096);
  snprintf(pages, sizeof pages, "/proc/%d/pagemap", root);
  pid_t pid = fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    memory[0] = 1;
    int callFile = open(call, O_RDONLY), own = open("/proc/self/pagemap", O_RDONLY);
    REQUIRE(callFile >= 0 && own >= 0);
    REQUIRE(setgid(1234) == 0 && setuid(1234) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0);
    CHECK_ERROR(open(call, O_RDONLY), EACCES);
    CHECK_ERROR(read(callFile, text, 100), EPERM);
    CHECK_ERROR(open(pages, O_RDONLY), EACCES);
    CHECK_ERROR(readlink(mappings, text, 100), EACCES);
    char own_mapping[128];
    snprintf(own_mapping, sizeof own_mapping, "/proc/self/map_files/%lx-%lx", (long)map, (long)map + 4096);
    CHECK(readlink(own_mapping, text, 100) > 0);
    CHECK_ERROR(open(own_mapping, O_RDONLY), EPERM);
    // Frames are shown to who was privileged when it opened the file.
    CHECK((entryOf(own, memory) & FRAME) != 0);
    close(own);
    own = open("/proc/self/pagemap", O_RDONLY);
    CHECK(own >= 0);
    CHECK_EQUAL(entryOf(own, memory) & ~(1ULL << 55), PRESENT | ONCE);
    _exit(finish());
  }
  int status = -1;
  CHECK_EQUAL(waitpid(pid, &status, 0), pid);
  CHECK_EQUAL(status, 0);
  munmap(memory, 4096);
  munmap(map, 4096);
  close(executable);
}

int main(int count, char **arguments) {
  if (count > 1 && strcmp(arguments[1], "wait") == 0) pause();
  if (access("/proc/self/stat", R_OK) != 0) SKIP("/proc is not mounted");
  shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(shared != MAP_FAILED);
  checkCalls();
  checkMappings();
  checkZeros();
  checkPages();
  checkNewProgram();
  checkPermissions();
  return finish();
}
