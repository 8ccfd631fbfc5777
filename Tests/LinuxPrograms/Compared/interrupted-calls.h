// What interrupts a call that waits, and what goes on.
#include "actors.h"
#include <linux/futex.h>
#include <poll.h>

// A call that waits, a signal in the middle, and then what ends it.
static void interrupt_step(void) {
  int self = getpid(), ends[2], kind = below(13), signal = one_in(4) ? SIGCHLD : one_in(4) ? 40 : SIGUSR1;
  int way = below(6);
  unsigned long flags = SA_SIGINFO | (one_in(2) ? SA_RESTART : 0);
  if (pipe(ends) != 0) _exit(4);
  static int word = 7;
  unsigned long none = 0, other = 1UL << (SIGUSR2 - 1);
  // A handler, nothing at all, or a stop: only the first is a reason to end most calls.
  say("wait %d signal %d %s %s", kind, signal, way == 0 ? "ignored" : way == 1 ? "stopped" : "handled",
      flags & SA_RESTART ? "restart" : "");
  set_action(signal, way == 0 ? (void *)SIG_IGN : (void *)take, flags, 0);
  CALL(rt_sigprocmask, SIG_SETMASK, &other, NULL, 8);
  int child = -1;
  if (kind == 2 || kind == 9) {
    child = fork();
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      char byte;
      close(ends[1]);
      while (read(ends[0], &byte, 1) < 0) {}
      _exit(7);
    }
  }
  int helper = CALL(clone, 0, 0, 0, 0, 0);
  if (helper == 0) {
    // Once it waits, the signal; once it waits again, what ends the wait.
    for (int turn = 0; turn < 2; turn++) {
      int quiet = 0;
      for (int i = 0; i < 20000 && quiet < 8; i++) {
        quiet = process_state(self, NULL, NULL, NULL) == 'S' ? quiet + 1 : 0;
        usleep(500);
      }
      if (turn == 1) break;
      if (way == 1) {
        CALL(kill, self, SIGSTOP);
        while (process_state(self, NULL, NULL, NULL) != 'T') usleep(300);
        CALL(kill, self, SIGCONT);
      } else {
        CALL(kill, self, signal);
      }
    }
    switch (kind) {
      case 11: CALL(kill, self, SIGUSR2); break;
      default:
        if (write(ends[1], "xyz", 3) < 0) _exit(1);
        // Whoever waits by time goes on by it.
    }
    word = 8;
    _exit(0);
  }
  char text[10] = "";
  struct pollfd one = {ends[0], POLLIN, 0};
  // What a handler ends lasts longer than any delay of the one who sends the signal.
  struct timespec time = {way >= 2 ? 25 : 0, 300000000}, rest = {99, 99};
  struct iovec vector[2] = {{text, 1}, {text + 1, 2}};
  long result = 0;
  int status = 0;
  fd_set set;
  FD_ZERO(&set);
  FD_SET(ends[0], &set);
  switch (kind) {
    case 0: result = CALL(read, ends[0], text, 3); break;
    case 1: result = CALL(poll, &one, 1, 60000); break;
    case 2:
      close(ends[1]);
      result = CALL(wait4, child, &status, 0, NULL);
      result = result == child ? 0 : result;
      break;
    case 3: result = CALL(nanosleep, &time, &rest); break;
    case 4: result = CALL(futex, &word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 7, &time, NULL, 0); break;
    case 5: result = CALL(clock_nanosleep, CLOCK_MONOTONIC, 0, &time, &rest); break;
    case 6: result = CALL(select, ends[0] + 1, &set, NULL, NULL, NULL); break;
    case 7: {
      struct timespec now;
      clock_gettime(CLOCK_MONOTONIC, &now);
      now.tv_nsec += time.tv_nsec;
      if (now.tv_nsec >= 1000000000) { now.tv_nsec -= 1000000000; now.tv_sec++; }
      result = CALL(clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &now, &rest);
      break;
    }
    case 8: result = CALL(ppoll, &one, 1, NULL, &none, 8); break;
    case 9: {
      siginfo_t info = {0};
      close(ends[1]);
      result = CALL(waitid, P_PID, child, &info, WEXITED, NULL);
      status = info.si_status;
      break;
    }
    case 10: result = CALL(readv, ends[0], vector, 2); break;
    case 11: {
      siginfo_t info;
      result = CALL(rt_sigtimedwait, &other, &info, NULL, 8);
      break;
    }
    case 12: {
      struct timespec long_time = {60, 0};
      result = CALL(pselect6, ends[0] + 1, &set, NULL, NULL, &long_time, NULL);
      break;
    }
  }
  say_result(result);
  if (kind == 3 || kind == 5) say(" rest %d", rest.tv_sec == 99 ? 99 : rest.tv_sec >= 0 && rest.tv_sec <= time.tv_sec);
  say(" %.3s %x %x", text, one.revents, status);
  say_taken();
  CALL(kill, helper, SIGKILL);
  CALL(wait4, helper, NULL, __WALL, NULL);
  if (child > 0) { CALL(kill, child, SIGKILL); CALL(wait4, child, NULL, __WALL, NULL); }
}
