// Waiting for locks of files: who waits for whom is known at every moment (fcntl(2)), and a lock of another kind
// is given up before one waits for it (flock(2)).
#include "asleep.h"
#include "check.h"
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static int exit_of(pid_t child) {
  int status = -1;
  if (waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int set(int file, int command, int type, long start) {
  struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = 1};
  return fcntl(file, command, &lock);
}

// Who gives a lock up and then waits for one of him who waited for the first is in no circle, though that one has not
// run yet.
static void given_up(int file) {
  for (int round = 0; round < 20; round++) {
    int ready[2], go[2];
    REQUIRE(pipe(ready) == 0 && pipe(go) == 0);
    CHECK_EQUAL(set(file, F_SETLK, F_WRLCK, 0), 0);
    pid_t child = fork();
    if (child == 0) {
      close(go[1]);
      CHECK_EQUAL(set(file, F_SETLK, F_WRLCK, 1), 0);
      CHECK_EQUAL(write(ready[1], "x", 1), 1);
      CHECK_EQUAL(set(file, F_SETLKW, F_WRLCK, 0), 0);
      // The other waits by now, or will find the lock free.
      char byte;
      CHECK_EQUAL(read(go[0], &byte, 1), 0);
      _exit(finish());
    }
    char byte;
    CHECK_EQUAL(read(ready[0], &byte, 1), 1);
    until_asleep(child, SYS_fcntl);
    pid_t parent = getpid(), watcher = fork();
    if (watcher == 0) {
      // Until the parent waits, or has gone on after a failure.
      while (!is_thread_asleep(parent, parent, SYS_fcntl) && !is_thread_asleep(parent, parent, SYS_wait4)) usleep(100);
      _exit(0);
    }
    close(go[1]);
    CHECK_EQUAL(set(file, F_SETLK, F_UNLCK, 0), 0);
    CHECK_EQUAL(set(file, F_SETLKW, F_WRLCK, 1), 0);
    CHECK_EQUAL(exit_of(child), 0);
    CHECK_EQUAL(exit_of(watcher), 0);
    CHECK_EQUAL(set(file, F_SETLK, F_UNLCK, 1), 0);
    close(go[0]), close(ready[0]), close(ready[1]);
  }
}

// Three who would wait in a circle: the last is told so.
static void circle(int file) {
  int ready[2];
  char byte;
  REQUIRE(pipe(ready) == 0);
  pid_t children[2];
  CHECK_EQUAL(set(file, F_SETLK, F_WRLCK, 0), 0);
  for (int i = 0; i < 2; i++) {
    children[i] = fork();
    if (children[i] == 0) {
      CHECK_EQUAL(set(file, F_SETLK, F_WRLCK, i + 1), 0);
      CHECK_EQUAL(write(ready[1], "x", 1), 1);
      CHECK_EQUAL(set(file, F_SETLKW, F_WRLCK, i), 0);
      _exit(finish());
    }
    CHECK_EQUAL(read(ready[0], &byte, 1), 1);
    until_asleep(children[i], SYS_fcntl);
  }
  // Locks that change meanwhile wake all who wait, and change nothing of who waits for whom.
  for (int i = 0; i < 20; i++) {
    CHECK_EQUAL(set(file, F_SETLK, F_WRLCK, 10 + i), 0);
    CHECK_ERROR(set(file, F_SETLKW, F_WRLCK, 2), EDEADLK);
  }
  CHECK_EQUAL(set(file, F_SETLK, F_UNLCK, 0), 0);
  CHECK_EQUAL(exit_of(children[0]), 0);
  CHECK_EQUAL(exit_of(children[1]), 0);
  close(ready[0]), close(ready[1]);
}

// Two who share a lock and both want it alone: the first gives his part up, and waits for the other's.
static void another_kind(void) {
  int first = open("/tmp/file-locks", O_RDWR), second = open("/tmp/file-locks", O_RDWR);
  CHECK_EQUAL(flock(first, LOCK_SH), 0);
  CHECK_EQUAL(flock(second, LOCK_SH), 0);
  CHECK_ERROR(flock(first, LOCK_EX | LOCK_NB), EWOULDBLOCK);
  CHECK_EQUAL(flock(second, LOCK_EX | LOCK_NB), 0);
  CHECK_ERROR(flock(first, LOCK_SH | LOCK_NB), EWOULDBLOCK);
  CHECK_EQUAL(flock(second, LOCK_SH), 0);
  CHECK_EQUAL(flock(first, LOCK_SH | LOCK_NB), 0);
  pid_t child = fork();
  if (child == 0) _exit(flock(first, LOCK_EX) != 0);
  until_asleep(child, SYS_flock);
  CHECK_EQUAL(flock(second, LOCK_EX | LOCK_NB), 0);
  CHECK_EQUAL(flock(second, LOCK_UN), 0);
  CHECK_EQUAL(exit_of(child), 0);
  CHECK_ERROR(flock(second, LOCK_SH | LOCK_NB), EWOULDBLOCK);
  close(first), close(second);
}

int main(void) {
  mkdir("/tmp", 01777);
  int file = open("/tmp/file-locks", O_RDWR | O_CREAT | O_TRUNC, 0600);
  REQUIRE(file >= 0);
  given_up(file);
  circle(file);
  another_kind();
  close(file);
  unlink("/tmp/file-locks");
  return finish();
}
