// Signals: which is taken first and what it says, what interrupts a call and what goes on, what faults tell, and what
// becomes of masks and of pending signals. Each step is a process of its own.
#include "signal-steps.h"
#include "faults.h"
#include "interrupted-calls.h"
#include "signal-defaults.h"
#include "programs.h"
#include <sys/signalfd.h>

// Several pending signals, and one call that lets them in.
static void order_step(void) {
  unsigned long all = ~0UL & ~(1UL << (SIGALRM - 1)), mask;
  if (one_in(2)) {
    other_stack = mmap(NULL, OTHER_STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    stack_t stack = {other_stack, one_in(3) ? (int)(1U << 31) : 0, OTHER_STACK_SIZE};
    say("altstack %x ", stack.ss_flags);
    sigaltstack(&stack, NULL);
  }
  CALL(rt_sigprocmask, SIG_SETMASK, &all, NULL, 8);
  for (int signal = 1; signal <= 64; signal++) {
    if (signal == SIGKILL || signal == SIGSTOP || signal == SIGALRM || signal == 32 || signal == 33) continue;
    if (one_in(12)) { say(" ignore %d", signal); set_action(signal, SIG_IGN, 0, 0); continue; }
    unsigned long flags = SA_SIGINFO, one_mask = some_mask();
    if (one_in(3)) { say(" %d:", signal); flags |= ANY_WORDS(action_flags, 3); }
    set_action(signal, take, flags, one_mask);
  }
  send_some(1 + below(8));
  if (one_in(6)) {
    int signal = some_signal();
    // What is ignored meanwhile is gone.
    say(" then ignore %d", signal);
    set_action(signal, SIG_IGN, 0, 0);
    if (one_in(2)) set_action(signal, take, SA_SIGINFO, 0);
  }
  say_signal_state();
  mask = some_mask();
  say(" let %lx", mask);
  switch (below(5)) {
    case 0: case 1:
      say_result(CALL(rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8));
      break;
    case 2: {
      unsigned long set = 0;
      CALL(rt_sigpending, &set, 8);
      // Something is to end it.
      if ((set & ~mask) == 0) { say(" none"); break; }
      int any = 0;
      for (int signal = 1; signal <= 64; signal++) {
        struct sigaction action;
        if ((set & ~mask) >> (signal - 1) & 1 && sigaction(signal, NULL, &action) == 0
            && action.sa_handler != SIG_IGN && action.sa_handler != SIG_DFL) any = 1;
      }
      if (!any) { say(" none"); break; }
      say(" sigsuspend");
      say_result(CALL(rt_sigsuspend, &mask, 8));
      break;
    }
    case 3: {
      struct timespec none = {0, 0};
      for (int i = 0; i < 10; i++) {
        siginfo_t info;
        memset(&info, 0, sizeof info);
        long result = CALL(rt_sigtimedwait, &mask, &info, &none, 8);
        say_result(result);
        if (result < 0) break;
        say(",%d,%d,%d", info.si_code, info.si_code == SI_QUEUE ? info.si_value.sival_int : 0, info.si_pid == getpid());
      }
      break;
    }
    case 4: {
      int file = CALL(signalfd4, -1, &mask, 8, SFD_NONBLOCK);
      struct signalfd_siginfo infos[3];
      for (int i = 0; i < 4; i++) {
        long result = CALL(read, file, infos, sizeof infos);
        say_result(result);
        for (long k = 0; k < result / (long)sizeof *infos; k++)
          say(",%d,%d,%d,%d,%d", infos[k].ssi_signo, infos[k].ssi_code, infos[k].ssi_int,
              infos[k].ssi_pid == (unsigned)getpid(), infos[k].ssi_uid);
        if (result < 0) break;
      }
      break;
    }
  }
  say_taken();
  say_signal_state();
  int resets = 0;
  for (int signal = 1; signal <= 64; signal++) {
    struct sigaction action;
    if (sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_DFL && signal != SIGKILL && signal != SIGSTOP
        && signal != SIGALRM) { say(" reset %d", signal); resets++; }
  }
  stack_t stack;
  sigaltstack(NULL, &stack);
  say(" stack %x", stack.ss_flags);
}

// As many queued signals as may be.
static void limit_step(void) {
  unsigned long all = ~0UL & ~(1UL << (SIGALRM - 1));
  CALL(rt_sigprocmask, SIG_SETMASK, &all, NULL, 8);
  static const unsigned long limits[] = {0, 1, 2, 5};
  unsigned long most = ANY(limits);
  struct rlimit limit = {most, most};
  // A user of whom nobody else here is.
  say("limit %lu", most);
  CALL(setresuid, 4242, 4242, 4242);
  setrlimit(RLIMIT_SIGPENDING, &limit);
  int self = getpid();
  for (int i = 0; i < 8; i++) {
    static const int signals[] = {34, 35, SIGUSR1, SIGUSR2, 64};
    int signal = ANY(signals);
    siginfo_t info = {.si_signo = signal, .si_code = SI_QUEUE};
    info.si_pid = self;
    info.si_value.sival_int = i + 1;
    int queues = below(2);
    say(" %s %d", queues ? "queue" : "kill", signal);
    say_result(queues ? CALL(rt_sigqueueinfo, self, signal, &info) : CALL(kill, self, signal));
  }
  struct timespec none = {0, 0};
  for (int i = 0; i < 10; i++) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    long result = CALL(rt_sigtimedwait, &all, &info, &none, 8);
    if (result < 0) break;
    say(" %ld,%d,%d,%d", result, info.si_code, info.si_pid == self, info.si_code == SI_QUEUE ? info.si_value.sival_int : 0);
  }
}

static volatile int nested_results[8];
static void nested(int signal, siginfo_t *info, void *context) {
  ucontext_t *state = context;
  // Of another size, as Linux leaves the flags of a stack that it has already.
  stack_t stack = {other_stack, 0, OTHER_STACK_SIZE - 4096}, old = {0};
  nested_results[0] = CALL(sigaltstack, NULL, &old);
  nested_results[1] = old.ss_flags;
  nested_results[2] = CALL(sigaltstack, &stack, NULL);
  nested_results[3] = state->uc_stack.ss_flags;
  nested_results[4] = state->uc_stack.ss_size == OTHER_STACK_SIZE;
  unsigned long all = ~0UL;
  // The mask comes back from what the frame says.
  if (nested_results[5]) memcpy(&state->uc_sigmask, &all, 8);
  nested_results[6] = state->uc_flags & ~1UL;
}

static void stack_step(void) {
  other_stack = mmap(NULL, OTHER_STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  static const int flags[] = {0, SS_DISABLE, SS_ONSTACK, 1 << 31, (1 << 31) | SS_ONSTACK, 4};
  stack_t stack = {other_stack, ANY(flags), one_in(6) ? 1000 : OTHER_STACK_SIZE}, old;
  say("sigaltstack %x %zu", stack.ss_flags, stack.ss_size);
  say_result(CALL(sigaltstack, &stack, NULL));
  unsigned long action = SA_SIGINFO;
  action |= ANY_WORDS(action_flags, 2);
  set_action(SIGUSR1, nested, action, some_mask());
  nested_results[5] = one_in(3);
  say(" %d", nested_results[5]);
  CALL(kill, getpid(), SIGUSR1);
  for (int i = 0; i < 7; i++) say(" %d", nested_results[i]);
  CALL(sigaltstack, NULL, &old);
  say(" after %x %zu", old.ss_flags, old.ss_size);
  say_signal_state();
}

static void signal_round(void) {
  copy_program("/shows", 0, 0, 0755);
  reset_actions();
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  static void (*const steps[])(void) = {order_step, order_step, fault_step, fault_step, interrupt_step, default_step,
                                        inherit_step, limit_step, stack_step};
  for (int i = 0; i < STEPS_OF_A_ROUND; i++) {
    void (*step)(void) = ANY(steps);
    uint64_t random = next_random();
    // Each waits for real time.
    if (step == interrupt_step && i % 4 != 0) step = fault_step;
    int child = fork();
    if (child == 0) {
      setpgid(0, 0);
      random_state = random | 1;
      alarm(30);
      STEP(i);
      step();
      end_line();
      _exit(0);
    }
    int status = 0;
    CALL(wait4, child, &status, __WALL, NULL);
    STEP(i);
    say("ends %x", status);
    end_line();
  }
}
