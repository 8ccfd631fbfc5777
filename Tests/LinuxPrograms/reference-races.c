// What one thread or process looks at while another one puts something else in its place, or gives it up: actions of
// signals, descriptors, timers, ends of connections, groups, working directories.
#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

enum { milliseconds = 700, more_milliseconds = 20000 };

static struct { volatile long looks, changes; volatile int stop; } *shared;

static long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void count(volatile long *counter) { __atomic_add_fetch(counter, 1, __ATOMIC_RELAXED); }

static void begin(void) {
  shared->looks = shared->changes = 0;
  shared->stop = 0;
}

// Lets the others go on for a while, and until they have met: on a busy host one may begin late.
static void wait_and_stop(long least_changes) {
  long end = now() + milliseconds, last = end + more_milliseconds;
  while (now() < end || ((shared->looks <= 3 || shared->changes < least_changes) && now() < last)) usleep(10000);
  shared->stop = 1;
}

static void report(const char *what) {
  say("%s: %ld looks, %ld changes", what, shared->looks, shared->changes);
  CHECK(shared->looks > 3 && shared->changes > 3);
}

// Two threads: what looks, and what changes.
static void run_threads(const char *what, void *(*look)(void *), void *(*change)(void *)) {
  begin();
  pthread_t threads[2];
  REQUIRE(pthread_create(&threads[0], 0, look, 0) == 0 && pthread_create(&threads[1], 0, change, 0) == 0);
  wait_and_stop(4);
  for (int index = 0; index < 2; index++) REQUIRE(pthread_join(threads[index], 0) == 0);
  report(what);
}

static void expect_end(pid_t child) {
  int status;
  CHECK_EQUAL(waitpid(child, &status, 0), child);
  CHECK_EQUAL(status, 0);
}

// MARK: Programs that begin anew

// Begins anew until the time has come, and often enough. Children end while their parent does so, and tell it.
static int begin_anew(long end, long programs) {
  signal(SIGCHLD, programs & 1 ? SIG_IGN : SIG_DFL);
  while (waitpid(-1, 0, WNOHANG) > 0) {}
  if (now() >= end && (programs > 3 || now() >= end + more_milliseconds)) return programs > 3 ? 0 : 1;
  for (int index = 0; index < 3; index++) {
    if (fork() == 0) _exit(0);
  }
  char first[24], second[24];
  snprintf(first, sizeof first, "%ld", end);
  snprintf(second, sizeof second, "%ld", programs + 1);
  execl("/proc/self/exe", "reference-races", first, second, (char *)0);
  return 2;
}

static void look_at(pid_t process) {
  char path[64], text[2048];
  snprintf(path, sizeof path, "/proc/%d/status", process);
  int file = open(path, O_RDONLY);
  if (file >= 0) {
    if (read(file, text, sizeof text) > 0) count(&shared->looks);
    close(file);
  }
  struct stat status;
  snprintf(path, sizeof path, "/proc/%d/exe", process);
  stat(path, &status);
}

static void test_new_programs(void) {
  begin();
  pid_t program = fork();
  if (program == 0) _exit(begin_anew(now() + milliseconds, 0));
  pid_t watcher = fork();
  if (watcher == 0) {
    while (!shared->stop) look_at(program);
    _exit(0);
  }
  REQUIRE(program > 0 && watcher > 0);
  wait_and_stop(0);
  expect_end(program);
  expect_end(watcher);
  say("new programs: %ld looks", shared->looks);
  CHECK(shared->looks > 3);
}

// MARK: Descriptors of another process

static void test_descriptors(void) {
  begin();
  pid_t changer = fork();
  if (changer == 0) {
    while (!shared->stop) {
      int file = open("/dev/null", O_RDONLY);
      if (file < 0 || dup2(file, 100) != 100 || close(file) != 0 || close(100) != 0) _exit(1);
      count(&shared->changes);
    }
    _exit(0);
  }
  pid_t watcher = fork();
  if (watcher == 0) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd/100", changer);
    while (!shared->stop) {
      struct stat status;
      if (lstat(path, &status) == 0) count(&shared->looks);
      if (stat(path, &status) == 0 && !S_ISCHR(status.st_mode)) _exit(1);
    }
    _exit(0);
  }
  REQUIRE(changer > 0 && watcher > 0);
  wait_and_stop(4);
  expect_end(changer);
  expect_end(watcher);
  report("descriptors");
}

// MARK: A timer that is read and set

static volatile int timer;

static void *read_timer(void *unused) {
  uint64_t times;
  while (!shared->stop) {
    if (read(timer, &times, sizeof times) == sizeof times) count(&shared->looks);
  }
  return unused;
}

static void *set_timer(void *unused) {
  while (!shared->stop) {
    // It has gone off by the time that it is read, and does so over and over.
    struct itimerspec setting = {{0, 20000}, {0, 1000}};
    if (timerfd_settime(timer, 0, &setting, 0) == 0) count(&shared->changes);
    if (shared->changes % 16) continue;
    // The old one ends, perhaps while it goes off.
    int other = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    if (other < 0 || dup2(other, timer) != timer || close(other) != 0) abort();
  }
  return unused;
}

static void test_timer(void) {
  timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  REQUIRE(timer >= 0);
  run_threads("timer", read_timer, set_timer);
  close(timer);
}

// MARK: Connections that nobody accepts

static struct sockaddr_un name = {AF_UNIX, "\0reference-races"};

static void *connect_and_close(void *unused) {
  while (!shared->stop) {
    int file = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (connect(file, (struct sockaddr *)&name, sizeof name) == 0) count(&shared->looks);
    close(file);
  }
  return unused;
}

static void *listen_and_close(void *unused) {
  while (!shared->stop) {
    int file = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(file, (struct sockaddr *)&name, sizeof name) == 0 && listen(file, 64) == 0) count(&shared->changes);
    sched_yield();
    close(file);
  }
  return unused;
}

// MARK: Groups

static void *fork_processes(void *unused) {
  while (!shared->stop) {
    pid_t child = fork();
    if (child == 0) _exit(0);
    int status;
    if (child > 0 && waitpid(child, &status, 0) == child && status == 0) count(&shared->looks);
  }
  return unused;
}

static void *change_groups(void *unused) {
  gid_t groups[64] = {0};
  // The call alone: the library's tells every thread.
  while (!shared->stop) {
    if (syscall(SYS_setgroups, 1 + shared->changes % 64, groups) == 0) count(&shared->changes);
  }
  syscall(SYS_setgroups, 0, groups);
  return unused;
}

// MARK: Where paths begin

static void *look_at_directory(void *unused) {
  struct stat status;
  while (!shared->stop) {
    if (stat(".", &status) == 0 && S_ISDIR(status.st_mode)) count(&shared->looks);
  }
  return unused;
}

static void *unshare_directory(void *unused) {
  while (!shared->stop) {
    if (unshare(CLONE_FS) == 0) count(&shared->changes);
  }
  return unused;
}

// MARK: A lock that comes after its descriptor has been closed

static int locked_file;

static int set_lock(int file, int command, short type) {
  struct flock lock = {.l_type = type, .l_whence = SEEK_SET};
  int result = fcntl(file, command, &lock);
  return result < 0 ? -errno : lock.l_type;
}

static void *wait_for_lock(void *unused) { return (void *)(intptr_t)set_lock(locked_file, F_SETLKW, F_WRLCK); }

static void test_closed_lock(void) {
  char path[] = "/tmp/reference-races-XXXXXX";
  locked_file = mkstemp(path);
  int ready[2], done[2];
  REQUIRE(locked_file >= 0 && pipe(ready) == 0 && pipe(done) == 0);
  char byte = 0;
  pid_t holder = fork();
  if (holder == 0) {
    if (set_lock(locked_file, F_SETLK, F_WRLCK) < 0 || write(ready[1], &byte, 1) != 1) _exit(1);
    _exit(read(done[0], &byte, 1) == 1 ? 0 : 1);
  }
  REQUIRE(holder > 0 && read(ready[0], &byte, 1) == 1);
  pthread_t thread;
  REQUIRE(pthread_create(&thread, 0, wait_for_lock, 0) == 0);
  usleep(100000);
  int old = locked_file;
  CHECK_EQUAL(close(old), 0);
  CHECK_EQUAL(write(done[1], &byte, 1), 1);
  expect_end(holder);
  void *result;
  REQUIRE(pthread_join(thread, &result) == 0);
  CHECK_EQUAL((intptr_t)result, -EBADF);
  pid_t other = fork();
  if (other == 0) {
    int file = open(path, O_RDWR);
    _exit(file >= 0 && set_lock(file, F_GETLK, F_WRLCK) == F_UNLCK ? 0 : 1);
  }
  expect_end(other);
  unlink(path);
  close(ready[0]);
  close(ready[1]);
  close(done[0]);
  close(done[1]);
}

int main(int count, char **arguments) {
  if (count == 3) return begin_anew(atol(arguments[1]), atol(arguments[2]));
  shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(shared != MAP_FAILED);
  test_new_programs();
  test_descriptors();
  test_timer();
  run_threads("connections", connect_and_close, listen_and_close);
  if (geteuid() == 0) run_threads("groups", fork_processes, change_groups);
  run_threads("directories", look_at_directory, unshare_directory);
  test_closed_lock();
  return finish();
}
