// Programs that take all memory, all processes or all of a file system: they end or are refused, others go on.
#include "check.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

static void take_all(void) {
  for (;;) {
    char *memory = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) _exit(3);
    for (int offset = 0; offset < 1 << 20; offset += 4096) memory[offset] = 1;
  }
}

static void one_hog(void) {
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) take_all();
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void several_hogs(void) {
  pid_t children[4];
  for (int i = 0; i < 4; i++) {
    children[i] = fork();
    REQUIRE(children[i] >= 0);
    if (children[i] == 0) take_all();
  }
  for (int i = 0; i < 4; i++) {
    int status = 0;
    CHECK(waitpid(children[i], &status, 0) == children[i]);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  }
}

// Memory that the kernel writes to on a program's account.
static void hog_by_read(void) {
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    int zeros = open("/dev/zero", O_RDONLY);
    for (;;) {
      char *memory = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (memory == MAP_FAILED || read(zeros, memory, 1 << 20) < 0) _exit(3);
    }
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 3);
}

static void full_file_system(void) {
  int file = open("/tmp/full", O_WRONLY | O_CREAT | O_TRUNC, 0600);
  REQUIRE(file >= 0);
  static char bytes[1 << 16];
  ssize_t count;
  do count = write(file, bytes, sizeof bytes);
  while (count == sizeof bytes);
  if (count < 0) CHECK_EQUAL(errno, ENOSPC);
  // There is room for programs left.
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    char *memory = malloc(1 << 20);
    memset(memory, 1, 1 << 20);
    _exit(0);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK_EQUAL(status, 0);
  CHECK_EQUAL(ftruncate(file, 0), 0);
  close(file);
  unlink("/tmp/full");
}

// Children that stay, until no more can be made.
static void fork_bomb(void) {
  pid_t bomb = fork();
  REQUIRE(bomb >= 0);
  if (bomb == 0) {
    setpgid(0, 0);
    int count = 0;
    for (;;) {
      pid_t child = fork();
      if (child < 0) break;
      if (child == 0) for (;;) pause();
      count++;
    }
    say("%d processes, then errno %d", count, errno);
    _exit(errno == EAGAIN || errno == ENOMEM ? (count > 20 ? 0 : 2) : 1);
  }
  int status = -1;
  CHECK(waitpid(bomb, &status, 0) == bomb);
  CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0) || WIFSIGNALED(status));
  // There is room for others.
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) _exit(5);
  if (child > 0) {
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_EQUAL(WEXITSTATUS(status), 5);
  }
  kill(-bomb, SIGKILL);
}

int main(void) {
  struct sysinfo machine;
  if (sysinfo(&machine) < 0 || machine.totalram * machine.mem_unit > 1ull << 30) SKIP("takes all of a large memory");
  one_hog();
  several_hogs();
  hog_by_read();
  full_file_system();
  fork_bomb();
  one_hog();
  return finish();
}
