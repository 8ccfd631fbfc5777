// What a test program of this folder begins with: checks that say where they failed, and the exit status.
//
//   #include "check.h"
//   int main(void) {
//     CHECK(getpid() > 1);                       // goes on after a failure
//     CHECK_EQUAL(write(1, "", 0), 0);           // shows both values, and errno as it is then
//     CHECK_ERROR(close(-1), EBADF);             // the call fails with that error
//     REQUIRE(pipe(ends) == 0);                  // ends the program: nothing after it makes sense
//     return finish();                           // 0, or 1 after a failure
//   }
//
// Lines are written with one write(2) each and no buffer, so that they survive a fork and a crash. Four
// spaces in front keep them apart from the results of the runner, as KTAP wants it.
#ifndef CHECK_H
#define CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// The exit status of a program that cannot test here, after `SKIP(reason)`.
#define SKIPPED 77

static volatile int check_failures __attribute__((unused));

__attribute__((format(printf, 1, 2), unused))
static void say(const char *format, ...) {
  char line[512] = "    ";
  va_list arguments;
  va_start(arguments, format);
  int length = 4 + vsnprintf(line + 4, sizeof line - 5, format, arguments);
  va_end(arguments);
  if (length > (int)sizeof line - 2) length = sizeof line - 2;
  line[length++] = '\n';
  if (write(2, line, length) != length) check_failures++;
}

#define CHECK(condition) \
  do { \
    if (!(condition)) { \
      int check_errno = errno; \
      check_failures++; \
      say("not ok %s:%d: %s (errno %d)", __FILE_NAME__, __LINE__, #condition, check_errno); \
    } \
  } while (0)

#define CHECK_EQUAL(actual, expected) \
  do { \
    long long check_actual = (long long)(actual), check_expected = (long long)(expected); \
    if (check_actual != check_expected) { \
      int check_errno = errno; \
      check_failures++; \
      say("not ok %s:%d: %s is %lld (errno %d), not %s, %lld", __FILE_NAME__, __LINE__, #actual, \
        check_actual, check_errno, #expected, check_expected); \
    } \
  } while (0)

#define CHECK_TEXT(actual, expected) \
  do { \
    const char *check_actual = (actual), *check_expected = (expected); \
    if (strcmp(check_actual, check_expected) != 0) { \
      check_failures++; \
      say("not ok %s:%d: %s is \"%.100s\", not \"%.100s\"", __FILE_NAME__, __LINE__, #actual, check_actual, \
        check_expected); \
    } \
  } while (0)

// A call that returns -1 (or any negative number) and sets errno.
#define CHECK_ERROR(call, error) \
  do { \
    errno = 0; \
    long long check_result = (long long)(call); \
    int check_errno = errno; \
    if (check_result >= 0 || check_errno != (error)) { \
      check_failures++; \
      say("not ok %s:%d: %s is %lld with errno %d, not -1 with %s (%d)", __FILE_NAME__, __LINE__, #call, \
        check_result, check_errno, #error, (error)); \
    } \
  } while (0)

#define REQUIRE(condition) \
  do { \
    if (!(condition)) { \
      int check_errno = errno; \
      say("not ok %s:%d: %s (errno %d): given up", __FILE_NAME__, __LINE__, #condition, check_errno); \
      _exit(1); \
    } \
  } while (0)

#define SKIP(reason) \
  do { \
    say("skipped: %s", (reason)); \
    _exit(SKIPPED); \
  } while (0)

__attribute__((unused))
static int finish(void) {
  if (check_failures) say("%d checks failed", check_failures);
  return check_failures ? 1 : 0;
}

// In the child: only that child's checks count. Give `finish()` to _exit there, and look at it in the parent.
#endif
