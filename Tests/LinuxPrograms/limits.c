// Limits of resources (getrlimit(2)): each is reached with Linux's error, and not before.
#include "check.h"
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

static void set(int resource, rlim_t value) {
  struct rlimit limit;
  REQUIRE(getrlimit(resource, &limit) == 0);
  limit.rlim_cur = value;
  REQUIRE(setrlimit(resource, &limit) == 0);
}

// Each in a process of its own, as somebody else than root: root is above some limits.
static void as_somebody(void (*body)(void), int user) {
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    check_failures = 0;
    REQUIRE(syscall(SYS_setresgid, user, user, user) == 0 && syscall(SYS_setresuid, user, user, user) == 0);
    body();
    _exit(finish());
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK_EQUAL(status, 0);
}

static void *stay(void *argument) {
  pause();
  return NULL;
}

static void processes_and_threads(void) {
  set(RLIMIT_NPROC, 8);
  pid_t children[20];
  int count = 0;
  while (count < 20 && (children[count] = fork()) > 0) count++;
  if (count < 20 && children[count] == 0) {
    pause();
    _exit(0);
  }
  CHECK(errno == EAGAIN);
  // The process itself counts.
  CHECK_EQUAL(count, 7);
  pthread_t thread;
  CHECK_EQUAL(pthread_create(&thread, NULL, stay, NULL), EAGAIN);
  kill(children[0], SIGKILL);
  waitpid(children[0], NULL, 0);
  CHECK_EQUAL(pthread_create(&thread, NULL, stay, NULL), 0);
  CHECK_ERROR(fork(), EAGAIN);
  for (int index = 1; index < count; index++) {
    kill(children[index], SIGKILL);
    waitpid(children[index], NULL, 0);
  }
}

static void descriptors(void) {
  set(RLIMIT_NOFILE, 20);
  int last = -1, number;
  while ((number = open("/", O_RDONLY)) >= 0) last = number;
  CHECK(errno == EMFILE);
  CHECK_EQUAL(last, 19);
  int ends[2];
  CHECK_ERROR(pipe(ends), EMFILE);
  CHECK_ERROR(socket(AF_UNIX, SOCK_STREAM, 0), EMFILE);
  CHECK_ERROR(dup(0), EMFILE);
  CHECK_ERROR(dup2(0, 20), EBADF);
  CHECK_ERROR(fcntl(0, F_DUPFD, 20), EINVAL);
  // One place is not enough for a pair.
  close(19);
  CHECK_ERROR(pipe(ends), EMFILE);
  CHECK_EQUAL(dup(0), 19);
}

// Without a descriptor nothing is opened: neither is a file made or cut, nor a connection taken.
static void nothing_without_descriptors(void) {
  char name[] = "/tmp/limits-XXXXXX";
  int file = mkstemp(name), listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  sprintf(address.sun_path + 1, "limits-%d", getpid());
  REQUIRE(file >= 0 && write(file, "12345", 5) == 5);
  REQUIRE(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 1) == 0);
  int client = socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(connect(client, (struct sockaddr *)&address, sizeof address) == 0 && write(client, "x", 1) == 1);
  set(RLIMIT_NOFILE, client + 1);
  CHECK_ERROR(open(name, O_RDWR | O_TRUNC), EMFILE);
  struct stat status;
  CHECK(fstat(file, &status) == 0 && status.st_size == 5);
  CHECK_ERROR(open("/tmp/limits-new", O_RDWR | O_CREAT, 0600), EMFILE);
  CHECK_ERROR(access("/tmp/limits-new", F_OK), ENOENT);
  CHECK_ERROR(open("/tmp/limits-new", O_RDWR), EMFILE);
  CHECK_ERROR(open((char *)1, O_RDWR), EFAULT);
  struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 1};
  CHECK_ERROR(mq_open("/limits", O_RDWR | O_CREAT, 0600, &attributes), EMFILE);
  CHECK_ERROR(mq_unlink("/limits"), ENOENT);
  CHECK_ERROR(accept(listener, 0, 0), EMFILE);
  // What cannot be opened keeps no descriptor.
  close(file);
  for (int turn = 0; turn < 3; turn++) CHECK_ERROR(open("/tmp/limits-none", O_RDONLY), ENOENT);
  int taken = accept(listener, 0, 0);
  CHECK_EQUAL(taken, file);
  char byte;
  CHECK_EQUAL(read(taken, &byte, 1), 1);
  unlink(name);
}

static void address_space_and_data(void) {
  struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
  set(RLIMIT_DATA, 16 << 20);
  CHECK(mmap(0, 32 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
  CHECK(errno == ENOMEM);
  // What is shared or cannot be written is no data.
  CHECK(mmap(0, 32 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
  CHECK(mmap(0, 32 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
  char *piece = mmap(0, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(piece != MAP_FAILED);
  CHECK(mmap(0, 9 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
  // In the place of another one it counts once.
  CHECK(mmap(piece, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == piece);
  CHECK(sbrk(32 << 20) == (void *)-1);
  CHECK(errno == ENOMEM);
  setrlimit(RLIMIT_DATA, &none);
  set(RLIMIT_AS, 256 << 20);
  CHECK(mmap(0, 256 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
  CHECK(errno == ENOMEM);
  CHECK(mmap(0, 64 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
}

static void locked_memory(void) {
  set(RLIMIT_MEMLOCK, 64 << 10);
  char *memory = mmap(0, 128 << 10, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  CHECK_EQUAL(mlock(memory, 32 << 10), 0);
  CHECK_ERROR(mlock(memory, 128 << 10), ENOMEM);
  CHECK_EQUAL(munlock(memory, 32 << 10), 0);
  CHECK_EQUAL(mlock(memory, 60 << 10), 0);
  CHECK_ERROR(mlockall(MCL_CURRENT), ENOMEM);
  set(RLIMIT_MEMLOCK, 0);
  CHECK_ERROR(mlock(memory + (64 << 10), 4096), EPERM);
}

// Of /proc/self/status, in bytes.
static long size(const char *name) {
  char line[256];
  long kilobytes = -1;
  FILE *status = fopen("/proc/self/status", "r");
  REQUIRE(status != NULL);
  while (kilobytes < 0 && fgets(line, sizeof line, status) != NULL) {
    if (strncmp(line, name, strlen(name)) == 0) kilobytes = strtol(line + strlen(name) + 1, NULL, 10);
  }
  fclose(status);
  return kilobytes << 10;
}

// Memory that becomes data, or longer, counts as if it were mapped.
static void data_that_comes_otherwise(void) {
  char *piece = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *constant = mmap(0, 32 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mmap(0, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  set(RLIMIT_DATA, size("VmData") + (4 << 20));
  CHECK_ERROR((long)mremap(piece, 1 << 20, 16 << 20, MREMAP_MAYMOVE), ENOMEM);
  CHECK_ERROR(mprotect(constant, 32 << 20, PROT_READ | PROT_WRITE), ENOMEM);
  CHECK_EQUAL(mprotect(constant, 2 << 20, PROT_READ | PROT_WRITE), 0);
  CHECK_ERROR((long)sbrk(3 << 20), ENOMEM);
  CHECK((long)sbrk(1 << 20) != -1);
  set(RLIMIT_DATA, RLIM_INFINITY);
  // What moves and stays at its old place too.
  char *large = mmap(0, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  set(RLIMIT_AS, size("VmSize") + (4 << 20));
  CHECK_ERROR((long)mremap(large, 8 << 20, 8 << 20, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL), ENOMEM);
  CHECK((long)mremap(large, 2 << 20, 2 << 20, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL) != -1);
}

static void locked_memory_that_grows(void) {
  set(RLIMIT_MEMLOCK, 64 << 10);
  char *memory = mmap(0, 60 << 10, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED && mlock(memory, 60 << 10) == 0);
  CHECK_ERROR((long)mremap(memory, 60 << 10, 68 << 10, MREMAP_MAYMOVE), EAGAIN);
  memory = mremap(memory, 60 << 10, 64 << 10, MREMAP_MAYMOVE);
  CHECK(memory != MAP_FAILED);
  munmap(memory, 64 << 10);
  CHECK_EQUAL(mlockall(MCL_FUTURE), 0);
  CHECK_ERROR((long)sbrk(1 << 20), ENOMEM);
  munlockall();
}

// A child has locked nothing, however many mappings there are.
static void locks_are_not_inherited(void) {
  char *memory = mmap(0, 80 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED && mlock(memory, 4096) == 0);
  CHECK_EQUAL(size("VmLck"), 4096);
  for (int index = 0; index < 80; index += 2) {
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) _exit(size("VmLck") == 0 ? 0 : 1);
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_EQUAL(status, 0);
    CHECK_EQUAL(mprotect(memory + index * 4096, 4096, PROT_READ), 0);
  }
}

static volatile int exceeded;
static void note(int number) { exceeded++; }

static void file_sizes(void) {
  signal(SIGXFSZ, note);
  set(RLIMIT_FSIZE, 10000);
  char path[] = "/tmp/limits-XXXXXX";
  static char bytes[20000];
  int file = mkstemp(path);
  REQUIRE(file >= 0);
  unlink(path);
  CHECK_EQUAL(write(file, bytes, sizeof bytes), 10000);
  CHECK_EQUAL(exceeded, 0);
  CHECK_ERROR(write(file, bytes, 1), EFBIG);
  CHECK_EQUAL(exceeded, 1);
  CHECK_ERROR(ftruncate(file, 10001), EFBIG);
  CHECK_ERROR(pwrite(file, bytes, 1, 1 << 20), EFBIG);
  CHECK_EQUAL(exceeded, 3);
  CHECK_EQUAL(pwrite(file, bytes, 100, 9950), 50);
  CHECK_EQUAL(ftruncate(file, 10000), 0);
  close(file);
}

static void queued_signals(void) {
  sigset_t set_;
  sigemptyset(&set_);
  sigaddset(&set_, SIGRTMIN);
  sigaddset(&set_, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set_, NULL);
  set(RLIMIT_SIGPENDING, 10);
  int count = 0;
  while (count < 100 && sigqueue(getpid(), SIGRTMIN, (union sigval){count}) == 0) count++;
  CHECK(errno == EAGAIN);
  CHECK_EQUAL(count, 10);
  // kill(2) is never refused.
  CHECK_EQUAL(kill(getpid(), SIGUSR1), 0);
  for (int index = 0; index < count; index++) {
    siginfo_t information;
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, SIGRTMIN);
    CHECK_EQUAL(sigtimedwait(&one, &information, &(struct timespec){0, 0}), SIGRTMIN);
    CHECK_EQUAL(information.si_value.sival_int, index);
  }
  CHECK_EQUAL(sigqueue(getpid(), SIGRTMIN, (union sigval){0}), 0);
}

// Another user's queue is full: that is his affair.
static void queues_are_each_users_own(void) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    REQUIRE(syscall(SYS_setresuid, 2001, 2001, 2001) == 0);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    while (sigqueue(getpid(), SIGRTMIN, (union sigval){0}) == 0) {}
    if (write(ends[1], "f", 1) != 1) _exit(1);
    pause();
    _exit(0);
  }
  char byte;
  CHECK_EQUAL(read(ends[0], &byte, 1), 1);
  as_somebody(queued_signals, 2002);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
}

static void stack(void) {
  pid_t child = fork();
  if (child == 0) {
    set(RLIMIT_STACK, 1 << 20);
    volatile char *deep = __builtin_alloca(4 << 20);
    deep[0] = 1;
    _exit(deep[0]);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

int main(void) {
  chmod("/tmp", 01777);
  as_somebody(processes_and_threads, 2003);
  as_somebody(descriptors, 2004);
  as_somebody(nothing_without_descriptors, 2004);
  as_somebody(address_space_and_data, 2005);
  as_somebody(locked_memory, 2006);
  if (access("/proc/self/status", R_OK) == 0) {
    as_somebody(data_that_comes_otherwise, 2005);
    as_somebody(locks_are_not_inherited, 2006);
  }
  as_somebody(locked_memory_that_grows, 2006);
  as_somebody(file_sizes, 2007);
  as_somebody(queued_signals, 2008);
  queues_are_each_users_own();
  as_somebody(stack, 2009);
  return finish();
}
