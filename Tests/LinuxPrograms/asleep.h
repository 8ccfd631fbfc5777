// Waiting until another thread sleeps: /proc tells, as no length of time does.
//
//   until_asleep(child, SYS_pause);                       // a process by its only thread
//   until_thread_asleep(getpid(), thread, SYS_futex);     // any thread of a process
#ifndef ASLEEP_H
#define ASLEEP_H

#include "check.h"
#include <fcntl.h>
#include <sys/syscall.h>

static inline ssize_t read_of_thread(pid_t process, pid_t thread, const char *name, char *text, size_t size) {
  char path[80];
  snprintf(path, sizeof path, "/proc/%d/task/%d/%s", process, thread, name);
  errno = 0;
  int file = open(path, O_RDONLY);
  if (file < 0) return -1;
  ssize_t count = read(file, text, size - 1);
  int error = errno;
  close(file);
  errno = error;
  if (count >= 0) text[count] = 0;
  return count;
}

// Whether a thread sleeps in that call. Where only its state may be seen, that has to do.
static inline int is_thread_asleep(pid_t process, pid_t thread, long call) {
  char text[512], *end;
  if (read_of_thread(process, thread, "syscall", text, sizeof text) > 0) {
    return strtol(text, &end, 10) == call && end != text;
  }
  if (errno != EPERM && errno != EACCES) return 0;
  char *state = read_of_thread(process, thread, "stat", text, sizeof text) > 0 ? strrchr(text, ')') : NULL;
  return state != NULL && state[2] == 'S';
}

static inline void until_thread_asleep(pid_t process, pid_t thread, long call) {
  for (int turn = 0; turn < 30000; turn++) {
    if (is_thread_asleep(process, thread, call)) return;
    usleep(1000);
  }
  say("not ok: thread %d of process %d does not sleep in call %ld", thread, process, call);
  check_failures++;
}

static inline void until_asleep(pid_t process, long call) { until_thread_asleep(process, process, call); }

#endif
