// What tests of ptrace(2) begin with: the raw call, a tracee, and how it stands.
//
//   pid_t pid = traced(body);                     // stopped by a SIGSTOP of its own, before it runs `body`
//   CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
//   CHECK_WAIT(pid, STOPPED(SIGTRAP, 0));
#ifndef TRACING_H
#define TRACING_H

#include "check.h"
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#ifndef __WALL
#define __WALL 0x40000000
#endif

// The raw call: the C libraries' own differ in their types, and change PEEKTEXT's result.
static inline long trace(long request, pid_t pid, uintptr_t address, uintptr_t data) {
  return syscall(SYS_ptrace, request, (long)pid, address, data);
}

// wait4(2)'s status of a tracee that has stopped.
#define STOPPED(signal, event) ((signal) << 8 | (event) << 16 | 0x7F)

// Waits for a process or a thread and checks how it stands. Loses no stop of anybody else.
#define CHECK_WAIT(pid, expected) \
  do { \
    int wait_status = -1; \
    CHECK_EQUAL(wait4(pid, &wait_status, __WALL, 0), pid); \
    CHECK_EQUAL(wait_status, expected); \
  } while (0)

// Keeps the calling thread on a CPU, where there is such a one.
static inline void run_on(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  sched_setaffinity(0, sizeof set, &set);
}

// A traced child, kept on a CPU unless that is below 0, and stopped by a SIGSTOP of its own before it runs `body`.
static inline pid_t traced_on(int cpu, void (*body)(void)) {
  pid_t pid = fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    if (cpu >= 0) run_on(cpu);
    if (trace(PTRACE_TRACEME, 0, 0, 0) != 0) _exit(99);
    syscall(SYS_kill, getpid(), SIGSTOP);
    body();
    _exit(0);
  }
  CHECK_WAIT(pid, STOPPED(SIGSTOP, 0));
  return pid;
}
static inline pid_t traced(void (*body)(void)) { return traced_on(-1, body); }

#endif
