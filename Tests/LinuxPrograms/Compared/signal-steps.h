// What the steps about signals share: a handler that notes what it saw, some signals and masks, and ways to send.
#pragma once
#include <ucontext.h>

// How a signal came, as a handler saw it: in the order in which the handlers began.
static struct taken {
  int signal, code, value, is_self, user, on_stack, depth;
  unsigned long mask;
} takens[256];
static volatile int taken_count, handler_depth;
static char *other_stack;
#define OTHER_STACK_SIZE 65536

static void take(int signal, siginfo_t *info, void *context) {
  unsigned long mask = 0;
  CALL(rt_sigprocmask, SIG_BLOCK, NULL, &mask, 8);
  char here;
  if (taken_count < 256)
    takens[taken_count++] = (struct taken){
      signal, info->si_code, info->si_code == SI_QUEUE ? info->si_value.sival_int : 0, info->si_pid == getpid(),
      (int)info->si_uid, other_stack != NULL && &here >= other_stack && &here < other_stack + OTHER_STACK_SIZE,
      ++handler_depth, mask};
  handler_depth--;
}

static void say_taken(void) {
  for (int i = 0; i < taken_count; i++) {
    struct taken *one = &takens[i];
    say(" [%d code %d value %d %d,%d %s%d %lx]", one->signal, one->code, one->value, one->is_self, one->user,
        one->on_stack ? "stack " : "", one->depth, one->mask);
  }
  taken_count = 0;
}

static long set_action(int signal, void *handler, unsigned long flags, unsigned long mask) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
  memcpy(&action.sa_mask, &mask, 8);
  return sigaction(signal, &action, NULL) == 0 ? 0 : -errno;
}

// Any signal that can be had, without the library's own.
static int some_signal(void) {
  static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGUSR1, SIGSEGV, SIGUSR2,
                                SIGPIPE, SIGTERM, SIGCHLD, SIGCONT, SIGTSTP, SIGURG, SIGWINCH, SIGIO, SIGSYS, 34, 35, 40,
                                63, 64};
  return ANY(signals);
}

static unsigned long some_mask(void) {
  unsigned long mask = next_random();
  if (one_in(2)) mask &= next_random();
  if (one_in(6)) mask = 0;
  // The library's, and the one that ends a test that hangs.
  return mask & ~(3UL << 31) & ~(1UL << (SIGALRM - 1));
}

static const struct word action_flags[] = {{SA_NODEFER, "NODEFER"}, {SA_RESETHAND, "RESETHAND"}, {SA_ONSTACK, "ONSTACK"},
                                           {SA_RESTART, "RESTART"}, {SA_NOCLDSTOP, "NOCLDSTOP"}};

static void say_signal_state(void) {
  unsigned long set = 0;
  CALL(rt_sigpending, &set, 8);
  say(" pending %lx", set);
  CALL(rt_sigprocmask, SIG_BLOCK, NULL, &set, 8);
  say(" mask %lx", set);
}

static void send_some(int count) {
  int self = getpid();
  for (int i = 0; i < count; i++) {
    int signal = some_signal();
    long result;
    say(" ");
    switch (below(4)) {
      case 0: say("kill %d", signal); result = CALL(kill, self, signal); break;
      case 1: say("tgkill %d", signal); result = CALL(tgkill, self, self, signal); break;
      case 2: {
        siginfo_t info = {.si_signo = signal, .si_code = SI_QUEUE};
        info.si_pid = self;
        info.si_value.sival_int = i;
        say("queue %d", signal);
        result = CALL(rt_sigqueueinfo, self, signal, &info);
        break;
      }
      default: {
        siginfo_t info = {.si_signo = signal, .si_code = SI_QUEUE};
        info.si_pid = self;
        info.si_value.sival_int = i;
        say("tgqueue %d", signal);
        result = CALL(rt_tgsigqueueinfo, self, self, signal, &info);
      }
    }
    if (result != 0) say_result(result);
  }
}
