// What a program sets and asks about itself, with odd arguments: signals, timers, limits, scheduling, children, clocks.
#pragma once
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <linux/futex.h>
#include "odd.h"

static long signals_seen[65];
static void note_signal(int signal) { signals_seen[signal]++; }

static void caller_step(void) {
  long result;
  switch (below(17)) {
    case 0: case 1: {
      struct { void *handler; unsigned long flags; void *restorer; unsigned long mask; } action = {0}, old = {0};
      say("rt_sigaction");
      int signal = one_in(4) ? (int)odd() : (int)below(66);
      static const unsigned long flags[] = {0, SA_NODEFER, SA_RESTART, SA_SIGINFO, 0xFFFFFFFF, 0x800, SA_ONSTACK};
      unsigned long chosen = ANY(flags);
      static const unsigned long sizes[] = {8, 8, 8, 8, 4, 16};
      unsigned long size = ANY(sizes);
      action.handler = SIG_IGN;
      action.flags = chosen;
      action.mask = next_random();
      say(" %d %lx %lx %lu", signal, chosen, action.mask, size);
      // Those that faults raise stay as they are.
      if (signal == SIGALRM || signal == SIGSEGV) { say(" left out"); break; }
      result = CALL(rt_sigaction, signal, one_in(4) ? NULL : pointer(&action), pointer(&old), size);
      say_result(result);
      if (result == 0) say(" %lx %lx %lx", (long)old.handler, old.flags, old.mask);
      break;
    }
    case 2: case 3: {
      unsigned long set = next_random(), old = 0;
      say("rt_sigprocmask");
      int how = one_in(6) ? (int)odd() : (int)below(4);
      unsigned long size = one_in(6) ? odd() : 8;
      say(" %d %lx", how, set);
      result = CALL(rt_sigprocmask, how, one_in(5) ? NULL : pointer(&set), pointer(&old), size);
      say_result(result);
      if (result == 0) say(" %lx", old);
      unsigned long pending = 0;
      CALL(rt_sigpending, &pending, 8);
      say(" pending %lx", pending);
      break;
    }
    case 4: case 5: {
      static const struct word calls[] = {{SYS_kill, "kill"}, {SYS_tkill, "tkill"}, {SYS_tgkill, "tgkill"},
                                          {SYS_rt_sigqueueinfo, "rt_sigqueueinfo"}};
      const struct word *call = &ANY(calls);
      say("%s", call->name);
      static const int kinds[] = {0, -1, -2, -6, 5, SI_TKILL, SI_QUEUE};
      int signal = one_in(3) ? (int)odd() : (int)(34 + below(30));
      siginfo_t info = {.si_signo = below(70), .si_code = ANY(kinds)};
      info.si_value.sival_int = 77;
      say(" %d %d", signal, info.si_code);
      if (signal > 0 && signal < 34) { say(" left out"); break; }
      // With a handler, and blocked, so that it stays until it is asked for.
      if (signal >= 34 && signal <= 64) {
        struct sigaction action = {.sa_handler = note_signal};
        sigaction(signal, &action, NULL);
        unsigned long set = 1UL << (signal - 1);
        CALL(rt_sigprocmask, SIG_BLOCK, &set, 0, 8);
      }
      int self = getpid();
      static const int odd_processes[] = {0x7FFFFFF, -0x7FFFFFF, 0x7FFFFFFE};
      if (one_in(6)) { self = ANY(odd_processes); say(" to %d", self); }
      if (call->value == SYS_tgkill) result = CALL(tgkill, getpid(), self, signal);
      else if (call->value == SYS_rt_sigqueueinfo) result = CALL(rt_sigqueueinfo, self, signal, pointer(&info));
      else result = raw_call_of(call->value, self, signal, 0, 0, 0, 0);
      say_result(result);
      break;
    }
    case 6: case 7: {
      say("rt_sigtimedwait");
      unsigned long set = one_in(3) ? next_random() : ~0UL;
      static const struct timespec times[] = {{0, 0}, {0, 0}, {0, 0}, {0, -1}, {-1, 0}, {0, 1000000000}};
      struct timespec time = ANY(times);
      siginfo_t info;
      memset(&info, 0, sizeof info);
      unsigned long size = one_in(9) ? odd() : 8;
      say(" %lx %ld.%ld", set, time.tv_sec, time.tv_nsec);
      result = CALL(rt_sigtimedwait, pointer(&set), pointer(&info), &time, size);
      say_result(result);
      if (result > 0) say(" %d %d %d %d", info.si_signo, info.si_code, info.si_value.sival_int,
                          info.si_pid == getpid());
      break;
    }
    case 8: {
      static char memory[65536];
      static const unsigned long sizes[] = {0, 100, 2047, 2048, 4096, 65536, -1UL};
      static const int flags[] = {0, 0, SS_DISABLE, SS_ONSTACK, 4, 1 << 31, (1 << 31) | SS_DISABLE};
      stack_t stack = {memory, ANY(flags), ANY(sizes)}, old = {0};
      say("sigaltstack %x %lu", stack.ss_flags, stack.ss_size);
      // How much the state of the processor takes is the machine's affair.
      if (stack.ss_size >= 2047 && stack.ss_size <= 4096) stack.ss_size = 65536;
      result = CALL(sigaltstack, one_in(3) ? NULL : pointer(&stack), pointer(&old));
      say_result(result);
      if (result == 0) say(" %d %x %lu", old.ss_sp != NULL, old.ss_flags, old.ss_size);
      break;
    }
    case 9: {
      // Without those of alarms, which a machine needs a clock of its own for.
      static const int clocks[] = {0, 1, 2, 3, 4, 5, 7, 11, 12, 15, 99, -1};
      static const int notices[] = {SIGEV_SIGNAL, SIGEV_NONE, SIGEV_THREAD_ID, 2, 3, 5, 9};
      struct sigevent event = {.sigev_notify = ANY(notices), .sigev_signo = below(70)};
      event._sigev_un._tid = one_in(2) ? getpid() : 0x7FFFFFF;
      int clock = ANY(clocks), timer = -1;
      say("timer_create %d %d %d", clock, event.sigev_notify, event.sigev_signo);
      say_result(CALL(timer_create, clock, one_in(5) ? NULL : pointer(&event), pointer(&timer)));
      break;
    }
    case 10: {
      struct itimerspec value, old;
      say("timer_settime");
      int timer = below(5);
      unsigned flags = below(3) ? 0 : 2 * below(3);
      say(" %d %u", timer, flags);
      value.it_interval = odd_time();
      value.it_value = odd_time();
      if (value.it_value.tv_sec == 0 && value.it_value.tv_nsec > 0 && value.it_value.tv_nsec < 1000000000)
        value.it_value.tv_sec = 500;
      say_result(CALL(timer_settime, timer, flags, pointer(&value), pointer(&old)));
      result = CALL(timer_gettime, timer, &old);
      say_result(result);
      if (result == 0) say(" %d %ld.%ld", old.it_value.tv_sec > 0, old.it_interval.tv_sec, old.it_interval.tv_nsec);
      say_result(CALL(timer_getoverrun, timer));
      if (one_in(4)) say_result(CALL(timer_delete, timer));
      break;
    }
    case 11: {
      static const struct word resources[] = {{RLIMIT_CPU, "CPU"}, {RLIMIT_FSIZE, "FSIZE"}, {RLIMIT_DATA, "DATA"},
                                              {16, "16"}, {-1, "-1"}};
      const struct word *resource = &ANY(resources);
      static const unsigned long limits[] = {1000000000, 1UL << 40, RLIM_INFINITY};
      // To raise one again takes a capability that root need not have.
      struct rlimit limit = {ANY(limits), RLIM_INFINITY}, old = {0};
      say("prlimit64 %s %lx %lx", resource->name, limit.rlim_cur, limit.rlim_max);
      result = CALL(prlimit64, one_in(9) ? 0x7FFFFFF : 0, resource->value, pointer(&limit), NULL);
      say_result(result);
      result = CALL(prlimit64, 0, resource->value, NULL, &old);
      if (result == 0) say(" %lx %lx", (long)(old.rlim_cur == limit.rlim_cur), (long)(old.rlim_max == limit.rlim_max));
      break;
    }
    case 12: {
      static const struct word options[] = {
        {PR_GET_DUMPABLE, "GET_DUMPABLE"}, {PR_SET_DUMPABLE, "SET_DUMPABLE"}, {PR_GET_KEEPCAPS, "GET_KEEPCAPS"},
        {PR_SET_KEEPCAPS, "SET_KEEPCAPS"}, {PR_GET_NO_NEW_PRIVS, "GET_NO_NEW_PRIVS"},
        {PR_GET_PDEATHSIG, "GET_PDEATHSIG"}, {PR_SET_PDEATHSIG, "SET_PDEATHSIG"}, {PR_GET_TIMERSLACK, "GET_TIMERSLACK"},
        {PR_SET_TIMERSLACK, "SET_TIMERSLACK"}, {PR_GET_CHILD_SUBREAPER, "GET_CHILD_SUBREAPER"},
        {PR_SET_CHILD_SUBREAPER, "SET_CHILD_SUBREAPER"}, {PR_CAPBSET_READ, "CAPBSET_READ"},
        {PR_GET_SECUREBITS, "GET_SECUREBITS"}, {PR_GET_TSC, "GET_TSC"}, {PR_GET_THP_DISABLE, "GET_THP_DISABLE"},
        {PR_GET_TIMING, "GET_TIMING"}, {PR_SET_TIMING, "SET_TIMING"}, {PR_GET_SECCOMP, "GET_SECCOMP"}, {9999, "9999"}};
      const struct word *option = &ANY(options);
      unsigned long answer = 0;
      say("prctl %s", option->name);
      unsigned long value = odd();
      switch (option->value) {
        case PR_GET_PDEATHSIG: case PR_GET_CHILD_SUBREAPER: case PR_GET_TSC: value = (unsigned long)&answer;
      }
      say_result(CALL(prctl, option->value, value, one_in(6), 0, 0));
      say(" %lx", answer);
      break;
    }
    case 13: {
      struct sched_param parameter = {one_in(3) ? (int)odd() : (int)below(3)};
      static const int policies[] = {0, 1, 2, 3, 4, 5, 6, 8, -1, 0x40000000, 0x40000001};
      int policy = ANY(policies);
      say("sched_setscheduler %d %d", policy, parameter.sched_priority);
      say_result(CALL(sched_setscheduler, one_in(6) ? 0x7FFFFFF : 0, policy, pointer(&parameter)));
      say_result(CALL(sched_getscheduler, 0));
      say_result(CALL(sched_get_priority_max, policy));
      say_result(CALL(sched_get_priority_min, policy));
      struct sched_param normal = {0};
      CALL(sched_setscheduler, 0, 0, &normal);
      break;
    }
    case 14: {
      static const int processes[] = {-1, 0, 0x7FFFFFF, INT32_MIN};
      static const int options[] = {WNOHANG, WNOHANG | WUNTRACED, WNOHANG | WCONTINUED, WNOHANG | 0x40, 0x10,
                                    WNOHANG | WEXITED, WNOHANG | (int)0x80000000};
      int process = ANY(processes), option = ANY(options) | WNOHANG, status = 0;
      if (one_in(2)) {
        int kind = below(6);
        siginfo_t info = {0};
        say("waitid %d %d %x", kind, process, option);
        say_result(CALL(waitid, kind, process, pointer(&info), option, NULL));
      } else {
        say("wait4 %d %x", process, option);
        say_result(CALL(wait4, process, pointer(&status), option, NULL));
      }
      break;
    }
    case 15: {
      static const struct word calls[] = {{SYS_setpgid, "setpgid"}, {SYS_getpgid, "getpgid"}, {SYS_getsid, "getsid"},
                                          {SYS_getpriority, "getpriority"}, {SYS_setpriority, "setpriority"},
                                          {SYS_sched_getaffinity, "sched_getaffinity"}};
      const struct word *call = &ANY(calls);
      static const int processes[] = {-1, 0x7FFFFFF, INT32_MIN, INT32_MAX};
      int a = ANY(processes), b = ANY(processes);
      if (call->value == SYS_setpriority || call->value == SYS_getpriority) {
        // Itself alone: all processes of a group or a user would be those of the machine it runs on.
        a = one_in(5) ? 3 : 0;
        b = one_in(2) ? 0 : b;
      }
      int c = below(30);
      say("%s %d %d %d", call->name, a, b, c);
      result = raw_call_of(call->value, a, b, c, 0, 0, 0);
      say_result(result);
      break;
    }
    case 16: {
      struct timespec time = odd_time();
      static const int clocks[] = {0, 1, 2, 3, 4, 7, 11, 12, 99, -1, -2};
      int clock = ANY(clocks);
      say(" clock %d", clock);
      say_success(CALL(clock_gettime, clock, pointer(&time)));
      say_success(CALL(clock_getres, clock, NULL));
      struct timespec wait = odd_time();
      if (wait.tv_sec > 0) wait.tv_sec = 0;
      static int word = 1;
      int operation = below(14);
      if (operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET || operation == 6 || operation == 7
          || operation == 8 || operation == 11 || operation == 12 || operation == 13) operation = FUTEX_WAKE;
      say(" futex %d", operation);
      say_result(CALL(futex, (char *)pointer(&word) + one_in(9), operation, 0, 0, 0, 0));
      break;
    }
  }
}
