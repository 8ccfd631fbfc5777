// Threads by clone(2) alone, which the C library knows nothing of.
#ifndef TASK_H
#define TASK_H

#include "check.h"
#include <sched.h>
#include <stdint.h>
#include <sys/syscall.h>

static volatile uint32_t task_ends;

// Runs a function in a thread that ends as soon as it returns.
__attribute__((unused))
static int start_task(int (*body)(void *), void *argument) {
  static char stack[65536] __attribute__((aligned(16)));
  task_ends = 1;
  return clone(body, stack + sizeof stack,
    CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_CHILD_CLEARTID,
    argument, NULL, NULL, (void *)&task_ends);
}
// Until the kernel says that it has ended: at once, without a wait that lets it get further.
__attribute__((unused))
static void await_task(void) { while (task_ends) {} }

#endif
