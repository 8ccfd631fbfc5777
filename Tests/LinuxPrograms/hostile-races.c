// What several do to each other at once, and what must not keep a program from its end.
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

// Whether a child ends within thirty seconds of its SIGKILL.
static int ends_when_killed(pid_t child) {
  kill(child, SIGKILL);
  for (int attempt = 0; attempt < 3000; attempt++) {
    if (waitpid(child, NULL, WNOHANG) == child) return 1;
    usleep(10000);
  }
  return 0;
}

// The parent of a vfork waits for its child, but not longer than it lives itself.
static void parent_of_vfork_can_be_killed(void) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  pid_t parent = fork();
  REQUIRE(parent >= 0);
  if (parent == 0) {
    close(ends[0]);
    pid_t child = vfork();
    if (child == 0) {
      // Until the other end of the pipe goes.
      struct pollfd entry = {ends[1], 0, 0};
      if (write(ends[1], "v", 1) != 1) _exit(1);
      while (poll(&entry, 1, -1) < 0) {}
      _exit(0);
    }
    _exit(1);
  }
  close(ends[1]);
  char byte;
  CHECK_EQUAL(read(ends[0], &byte, 1), 1);
  usleep(20000);
  // Other signals do not end the wait.
  kill(parent, SIGCONT);
  usleep(20000);
  CHECK_EQUAL(waitpid(parent, NULL, WNOHANG), 0);
  CHECK(ends_when_killed(parent));
  close(ends[0]);
}

// A splice that waits for its target keeps the pipe; who wants to change the pipe meanwhile can be killed.
static void pipe_in_a_splice_keeps_nobody(void) {
  int source[2], target[2];
  REQUIRE(pipe(source) == 0 && pipe(target) == 0);
  static char bytes[65536];
  CHECK_EQUAL(write(target[1], bytes, sizeof bytes), (long)sizeof bytes);
  CHECK_EQUAL(write(source[1], bytes, 4096), 4096);
  pid_t splicer = fork();
  if (splicer == 0) {
    splice(source[0], NULL, target[1], NULL, 4096, 0);
    _exit(0);
  }
  usleep(50000);
  pid_t changer = fork();
  if (changer == 0) {
    fcntl(source[0], F_SETPIPE_SZ, 1 << 17);
    _exit(0);
  }
  usleep(50000);
  CHECK(ends_when_killed(changer));
  CHECK(ends_when_killed(splicer));
  for (int index = 0; index < 2; index++) {
    close(source[index]);
    close(target[index]);
  }
}

// A file becomes shorter while those that map it come and go.
static void shrinking_file_and_ending_mappers(void) {
  int file = open("/tmp/hostile-races", O_RDWR | O_CREAT | O_TRUNC, 0600);
  REQUIRE(file >= 0);
  pid_t cutter = fork();
  if (cutter == 0) {
    for (;;) {
      ftruncate(file, 16 * 4096);
      ftruncate(file, 0);
    }
  }
  double end = now() + 3;
  while (now() < end) {
    pid_t children[4];
    for (int index = 0; index < 4; index++) {
      children[index] = fork();
      if (children[index] != 0) continue;
      char *memory = mmap(0, 16 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
      if (index & 1) memory[4096] = 1;
      // Some leave a copy of it to a child of their own.
      if (index & 2) fork();
      _exit(0);
    }
    for (int index = 0; index < 4; index++) waitpid(children[index], NULL, 0);
  }
  CHECK(ends_when_killed(cutter));
  close(file);
  unlink("/tmp/hostile-races");
}

// Processes that go on in a child all the time: a signal to their group reaches the one that is being made, too.
static void signals_reach_who_is_being_made(void) {
  REQUIRE(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  int escaped = 0;
  for (int round = 0; round < 30 && !escaped; round++) {
    pid_t group = fork();
    if (group == 0) {
      setpgid(0, 0);
      for (int index = 0; index < 3; index++) if (fork() == 0) break;
      for (;;) if (fork() > 0) _exit(0);
    }
    setpgid(group, group);
    usleep(5000 + round * 1000);
    kill(-group, SIGKILL);
    double end = now() + 20;
    pid_t ended;
    while ((ended = waitpid(-1, NULL, WNOHANG)) >= 0 && now() < end) if (ended == 0) usleep(1000);
    if (ended >= 0) escaped++;
    while (waitpid(-1, NULL, WNOHANG) >= 0) kill(-group, SIGKILL);
  }
  CHECK_EQUAL(escaped, 0);
}

// Threads that open, close, copy, read and replace the descriptors that they share.
static volatile int is_over;
static void *use_descriptors(void *argument) {
  unsigned turn = (unsigned long)argument * 7;
  char byte;
  while (!is_over) {
    int number = 20 + turn % 30;
    switch (turn++ % 7) {
    case 0: dup2(0, number); break;
    case 1: close(number); break;
    case 2: if (read(number, &byte, 1) > 1) abort(); break;
    case 3: syscall(SYS_close_range, number, number + 3, 2); break;
    case 4: { struct pollfd entry = {number, POLLIN, 0}; poll(&entry, 1, 0); break; }
    case 5: fcntl(number, F_DUPFD, 40); break;
    default: { int ends[2]; if (pipe(ends) == 0) { close(ends[0]); close(ends[1]); } }
    }
  }
  return NULL;
}
static void threads_share_descriptors(void) {
  pid_t child = fork();
  if (child == 0) {
    int zero = open("/dev/zero", O_RDONLY);
    dup2(zero, 0);
    pthread_t threads[4];
    for (unsigned long index = 0; index < 4; index++) pthread_create(&threads[index], NULL, use_descriptors, (void *)index);
    double end = now() + 2;
    // Processes that are made meanwhile have whole tables.
    while (now() < end) {
      pid_t copy = fork();
      if (copy == 0) _exit(fcntl(0, F_GETFD) == 0 ? 0 : 1);
      int status = -1;
      if (waitpid(copy, &status, 0) != copy || status != 0) _exit(2);
    }
    is_over = 1;
    for (int index = 0; index < 4; index++) pthread_join(threads[index], NULL);
    _exit(0);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK_EQUAL(status, 0);
}

// One thread replaces the program while others make, map, fault and wait.
static void *disturb(void *argument) {
  static _Atomic int word;
  for (;;) {
    char *memory = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED) {
      memory[4096] = 1;
      munmap(memory, 65536);
    }
    struct timespec time = {0, 100000};
    syscall(SYS_futex, &word, 0, 0, &time, NULL, 0);
    pid_t child = vfork();
    if (child == 0) _exit(0);
    if (child > 0) waitpid(child, NULL, 0);
  }
}
static void exec_among_threads(void) {
  for (int round = 0; round < 20; round++) {
    pid_t child = fork();
    if (child == 0) {
      pthread_t thread;
      for (int index = 0; index < 3; index++) pthread_create(&thread, NULL, disturb, NULL);
      usleep(round * 500);
      execl("/proc/self/exe", "hostile-races", "end", NULL);
      _exit(9);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_EQUAL(status, 0);
  }
}

// A file gets another owner while its old one changes it: what he has asked for takes effect before, or not at all.
static void change_as(const char *name, int user, int changes_mode) {
  REQUIRE(syscall(SYS_setresgid, user, user, user) == 0 && syscall(SYS_setresuid, user, user, user) == 0);
  for (;;) {
    int result = changes_mode ? chmod(name, 04755) : chown(name, user, -1);
    if (result != 0 && errno != EPERM) _exit(1);
  }
}
static void files_change_owners(void) {
  if (geteuid() != 0) return;
  const char *name = "/tmp/hostile-owner";
  const int user = 1000;
  chmod("/tmp", 01777);
  int file = open(name, O_RDWR | O_CREAT | O_EXCL, 0755);
  REQUIRE(file >= 0 && chown(name, user, user) == 0);
  pid_t children[3];
  for (int index = 0; index < 3; index++) {
    children[index] = fork();
    REQUIRE(children[index] >= 0);
    if (children[index] == 0) change_as(name, user, index == 0);
  }
  int taken_back = 0, is_privileged = 0;
  for (int turn = 0; turn < 5000; turn++) {
    struct stat status;
    CHECK(chown(name, 0, 0) == 0 && fstat(file, &status) == 0);
    taken_back += status.st_uid != 0;
    is_privileged += status.st_uid == 0 && status.st_mode & 06000;
    CHECK_EQUAL(chown(name, user, user), 0);
  }
  CHECK_EQUAL(taken_back, 0);
  CHECK_EQUAL(is_privileged, 0);
  for (int index = 0; index < 3; index++) {
    kill(children[index], SIGKILL);
    int status = -1;
    CHECK(waitpid(children[index], &status, 0) == children[index]);
    CHECK(WIFSIGNALED(status));
  }
  close(file);
  unlink(name);
}

int main(int count, char **arguments) {
  if (count > 1) return 0;
  files_change_owners();
  parent_of_vfork_can_be_killed();
  pipe_in_a_splice_keeps_nobody();
  shrinking_file_and_ending_mappers();
  signals_reach_who_is_being_made();
  threads_share_descriptors();
  if (access("/proc/self/exe", R_OK) == 0) exec_among_threads();
  return finish();
}
