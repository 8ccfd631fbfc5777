// A program that runs cannot be written, and a file that is open for writing cannot be run (ETXTBSY).
// Built with musl too.
#include "check.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static char path[64], script[64];

static void copy_self(void) {
  int from = open("/proc/self/exe", O_RDONLY), to = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);
  char bytes[65536];
  ssize_t count;
  REQUIRE(from >= 0 && to >= 0);
  while ((count = read(from, bytes, sizeof bytes)) > 0) REQUIRE(write(to, bytes, count) == count);
  close(from);
  close(to);
}

// Runs the copy: its errno where it does not start, else its status.
static int run(const char *file) {
  pid_t child = fork();
  if (child == 0) {
    execl(file, file, "child", NULL);
    _exit(errno);
  }
  int status;
  waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}

int main(int count, char **arguments) {
  if (count > 1) {
    // Started by this test: says so, and waits for its end.
    if (strcmp(arguments[1], "wait") == 0) {
      if (write(1, "x", 1) != 1) return 1;
      for (;;) pause();
    }
    return 200;
  }
  snprintf(path, sizeof path, "/tmp/running-files-%d", getpid());
  snprintf(script, sizeof script, "/tmp/running-script-%d", getpid());
  mkdir("/tmp", 01777);
  copy_self();
  CHECK_EQUAL(run(path), 200);

  int writer = open(path, O_WRONLY);
  REQUIRE(writer >= 0);
  CHECK_EQUAL(run(path), ETXTBSY);
  int second = dup(writer);
  close(writer);
  CHECK_EQUAL(run(path), ETXTBSY);
  close(second);
  CHECK_EQUAL(run(path), 200);

  int ends[2];
  REQUIRE(pipe(ends) == 0);
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], 1);
    execl(path, path, "wait", NULL);
    _exit(1);
  }
  char byte;
  REQUIRE(read(ends[0], &byte, 1) == 1);
  CHECK_ERROR(open(path, O_WRONLY), ETXTBSY);
  CHECK_ERROR(open(path, O_RDWR), ETXTBSY);
  CHECK_ERROR(open(path, O_WRONLY | O_TRUNC), ETXTBSY);
  CHECK_ERROR(truncate(path, 0), ETXTBSY);
  struct stat status;
  CHECK(stat(path, &status) == 0 && status.st_size > 1000);
  int reader = open(path, O_RDONLY);
  CHECK(reader >= 0);
  close(reader);
  CHECK_EQUAL(chmod(path, 0700), 0);
  // Another file may take its name.
  char other[80];
  snprintf(other, sizeof other, "%s-old", path);
  CHECK_EQUAL(rename(path, other), 0);
  copy_self();
  CHECK_EQUAL(run(path), 200);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  writer = open(other, O_WRONLY);
  CHECK(writer >= 0);
  close(writer);
  unlink(other);

  // A script may be written while its interpreter runs it.
  writer = open(script, O_WRONLY | O_CREAT | O_TRUNC, 0755);
  char text[128];
  int length = snprintf(text, sizeof text, "#!%s\n", path);
  CHECK_EQUAL(write(writer, text, length), length);
  CHECK_EQUAL(run(script), ETXTBSY);
  close(writer);
  CHECK_EQUAL(run(script), 200);

  // A file without a name runs by its descriptor, although that may write.
  int memory = syscall(SYS_memfd_create, "program", 1);
  if (memory >= 0) {
    int from = open(path, O_RDONLY);
    char bytes[65536];
    ssize_t piece;
    while ((piece = read(from, bytes, sizeof bytes)) > 0) CHECK_EQUAL(write(memory, bytes, piece), piece);
    close(from);
    child = fork();
    if (child == 0) {
      char *words[] = {"program", "child", NULL}, *none[] = {NULL};
      syscall(SYS_execveat, memory, "", words, none, AT_EMPTY_PATH);
      _exit(errno);
    }
    int result;
    waitpid(child, &result, 0);
    CHECK_EQUAL(WEXITSTATUS(result), 200);
  }
  unlink(path);
  unlink(script);
  return finish();
}
