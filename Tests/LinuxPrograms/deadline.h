// Times to wait until, for calls that take an absolute one.
#ifndef DEADLINE_H
#define DEADLINE_H

#include <time.h>

static inline struct timespec from_now(clockid_t clock, int milliseconds) {
  struct timespec time;
  clock_gettime(clock, &time);
  time.tv_nsec += milliseconds * 1000000l;
  time.tv_sec += time.tv_nsec / 1000000000;
  time.tv_nsec %= 1000000000;
  return time;
}

#endif
