// Runs the test programs of the archive one after the other and reports in KTAP.
//
// Usage: run-tests [--directory DIRECTORY] [--seconds N] [PART_OF_A_NAME ...]
//
// Without a name all run but those in the folder timed/, which take a steady clock for granted: they want a machine
// whose time is counted in instructions. A program passes with status 0, and is skipped with 77. One that takes longer than
// it may is killed. `NAME.ash`, `NAME.bash`, `NAME.zsh` and other scripts with a #! line pass where their
// output is that of `NAME.expected` beside them. As process 1 it mounts what the tests need, and its own
// status is that of the machine: 0 where none failed.
//
// It asks as little of the kernel as it can: fork, execve, wait4, write, and for scripts a file in /tmp.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "prepare.h"

// One line for each test: { "name", "script's expected output or empty" }, made by the Makefile.
static const char *const tests[] = {
#include "test-names.h"
};

// Linux's own self-tests have a status of their own for what cannot be tested, and say much: that is kept from the
// console unless they fail.
#ifdef LINUX_SELFTESTS
#define SKIPPED_STATUS 4
#define KEEPS_OUTPUT 1
#else
#define SKIPPED_STATUS 77
#define KEEPS_OUTPUT 0
#endif

static const char *directory = "/tests";
static long seconds_allowed = 60;

__attribute__((format(printf, 1, 2)))
static void print(const char *format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  if (length >= (int)sizeof line) length = sizeof line - 1;
  if (write(1, line, length) < 0) _exit(2);
}

static double now(void) {
  struct timespec time = {0, 0};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

// Has the kernel show what each thread waits for, where this is process 1.
static void show_threads(void) {
  int file = getpid() == 1 ? open("/proc/sysrq-trigger", O_WRONLY) : -1;
  if (file < 0) return;
  if (write(file, "t", 1) < 0) print("    /proc/sysrq-trigger: errno %d\n", errno);
  close(file);
}

static int is_script(const char *name) { return strchr(name, '.') != NULL; }

// QEMU executes XSAVE with CR0.TS set, where processors raise #NM. The dynamic linker saves registers by it when a
// function is called for the first time; under the lazy strategy these would be another thread's. It is told to find all
// functions at the start there.
static char *linking(void) {
  static char line[4096];
  int file = open("/proc/cmdline", O_RDONLY);
  ssize_t count = file < 0 ? 0 : read(file, line, sizeof line - 1);
  if (file >= 0) close(file);
  line[count > 0 ? count : 0] = 0;
  return strstr(line, "fpu.strategy=lazy") ? "LD_BIND_NOW=1" : NULL;
}

// The status as wait4 gives it, or -1 where the program was killed for its time.
static int run(const char *name, const char *output) {
  char path[4200];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  pid_t child = fork();
  if (child < 0) {
    print("    fork: errno %d\n", errno);
    return 1 << 8;
  }
  if (child == 0) {
    // A session of its own, so that what is left over of a test can be ended as one.
    setsid();
    if (output) {
      int file = open(output, O_RDWR | O_CREAT | O_TRUNC, 0600);
      if (file < 0 || dup2(file, 1) < 0 || dup2(file, 2) < 0) {
        print("    %s: errno %d\n", output, errno);
        _exit(126);
      }
      close(file);
    }
    char *arguments[] = {path, NULL};
    // On the host the tools are busybox's as well, beside the tests.
    static char search[4200];
    snprintf(search, sizeof search, "PATH=%s/../bin:/bin", directory);
    static char *environment[] = {search, "HOME=/", "LANG=C", "LC_ALL=C", "TERM=linux", NULL, NULL};
    environment[5] = linking();
    execve(path, arguments, environment);
    print("    %s: execve: errno %d\n", path, errno);
    _exit(127);
  }
  double start = now();
  long nap = 100000;
  for (;;) {
    int status = 0;
    pid_t ended = waitpid(child, &status, WNOHANG);
    if (ended == child) {
      kill(-child, SIGKILL);
      return status;
    }
    if (ended < 0) {
      print("    waitpid: errno %d\n", errno);
      return 1 << 8;
    }
    if (now() - start > seconds_allowed) {
      show_threads();
      kill(-child, SIGKILL);
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
      return -1;
    }
    struct timespec pause = {0, nap};
    nanosleep(&pause, NULL);
    if (nap < 20000000) nap *= 2;
  }
}

// Reads at most `capacity` bytes; -1 where the file cannot be read.
static ssize_t read_file(const char *path, char *bytes, size_t capacity) {
  int file = open(path, O_RDONLY);
  if (file < 0) return -1;
  size_t length = 0;
  ssize_t count;
  while (length < capacity && (count = read(file, bytes + length, capacity - length)) > 0) length += count;
  close(file);
  return length;
}

static void print_indented(const char *bytes, ssize_t length) {
  for (ssize_t start = 0; start < length;) {
    ssize_t end = start;
    while (end < length && bytes[end] != '\n') end++;
    print("    %.*s\n", (int)(end - start > 300 ? 300 : end - start), bytes + start);
    start = end + 1;
  }
}

static char actual[1 << 18], expected[1 << 18];

// Compares a script's output with what it should be; shows the first line that differs.
static int has_expected_output(const char *name, const char *output) {
  char path[4200];
  snprintf(path, sizeof path, "%s/%.*s.expected", directory, (int)(strchr(name, '.') - name), name);
  ssize_t expected_length = read_file(path, expected, sizeof expected);
  ssize_t length = read_file(output, actual, sizeof actual);
  if (expected_length < 0 || length < 0) {
    print("    cannot read %s\n", expected_length < 0 ? path : output);
    return 0;
  }
  if (length == expected_length && memcmp(actual, expected, length) == 0) return 1;
  ssize_t line = 1, start = 0;
  for (ssize_t at = 0; at < length && at < expected_length && actual[at] == expected[at]; at++) {
    if (actual[at] == '\n') {
      line++;
      start = at + 1;
    }
  }
  ssize_t shown = length - start > 600 ? 600 : length - start;
  ssize_t wanted = expected_length - start > 200 ? 200 : expected_length - start;
  print("    the output differs from line %zd on; expected:\n", line);
  print_indented(expected + start, wanted);
  print("    and it was:\n");
  print_indented(actual + start, shown);
  return 0;
}

static int is_wanted(const char *name, int count, char **parts) {
  if (count == 0) return strncmp(name, "timed/", 6) != 0;
  for (int index = 0; index < count; index++) {
    if (strstr(name, parts[index])) return 1;
  }
  return 0;
}

int main(int count, char **arguments) {
  int first = 1;
  while (first + 1 < count && strncmp(arguments[first], "--", 2) == 0) {
    if (strcmp(arguments[first], "--directory") == 0) directory = arguments[first + 1];
    if (strcmp(arguments[first], "--seconds") == 0) seconds_allowed = atol(arguments[first + 1]);
    first += 2;
  }
  if (getpid() == 1) {
    prepare();
  } else {
    static char whole[4096];
    if (realpath(directory, whole)) directory = whole;
  }
  const int total = sizeof tests / sizeof tests[0];
  int planned = 0;
  for (int index = 0; index < total; index++) {
    planned += is_wanted(tests[index], count - first, arguments + first);
  }
  print("KTAP version 1\n1..%d\n", planned);
  int number = 0, failed = 0;
  char output[64];
  snprintf(output, sizeof output, "/tmp/run-tests.%d", (int)getpid());
  for (int index = 0; index < total; index++) {
    const char *name = tests[index];
    if (!is_wanted(name, count - first, arguments + first)) continue;
    double start = now();
    int status = run(name, is_script(name) || KEEPS_OUTPUT ? output : NULL);
    int milliseconds = (now() - start) * 1000;
    number++;
    if (status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED_STATUS) {
      print("ok %d - %s # SKIP see above\n", number, name);
      continue;
    }
    int passed = status == 0;
    if (is_script(name)) passed = has_expected_output(name, output) && passed;
    if (status < 0) {
      print("    no end after %ld seconds\n", seconds_allowed);
    } else if (WIFSIGNALED(status)) {
      print("    ended by signal %d\n", WTERMSIG(status));
    } else if (WEXITSTATUS(status) != 0) {
      print("    ended with status %d\n", WEXITSTATUS(status));
    }
    if (!passed) failed++;
    if (!passed && KEEPS_OUTPUT) {
      ssize_t length = read_file(output, actual, sizeof actual), shown = length > 3000 ? 3000 : length;
      if (shown > 0) print_indented(actual + length - shown, shown);
    }
    print("%sok %d - %s # %d ms\n", passed ? "" : "not ", number, name, milliseconds);
  }
  unlink(output);
  print("# %d of %d programs passed\n", number - failed, number);
  // Left-over processes that came to process 1.
  while (waitpid(-1, NULL, WNOHANG) > 0) {}
  return failed || number == 0 ? 1 : 0;
}
