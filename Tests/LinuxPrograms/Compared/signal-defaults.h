// Signals without a handler, and what becomes of actions, masks and pending signals over fork and execve.
#include "actors.h"

// What a signal does to a process that has not said what it wants, and what stops and continues throw away.
static void default_step(void) {
  int signal = 1 + below(64), ends[2];
  if (signal == 32 || signal == 33) signal = 1;
  // What cannot be blocked stops at once, and nobody would let it go on.
  int blocks_first = signal != SIGSTOP && one_in(2);
  say("default %d%s", signal, blocks_first ? " pending first" : "");
  if (pipe(ends) != 0) _exit(4);
  int child = fork();
  if (child == 0) {
    reset_actions();
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    unsigned long all = ~0UL, nothing = 0;
    CALL(rt_sigprocmask, SIG_SETMASK, blocks_first ? &all : &nothing, NULL, 8);
    CALL(kill, getpid(), signal);
    static const int stops[] = {SIGTSTP, SIGTTIN, SIGTTOU};
    if (blocks_first) {
      for (int i = 0; i < 3; i++) {
        int one = one_in(2) ? ANY(stops) : SIGCONT;
        say(" %d", one);
        CALL(kill, getpid(), one);
      }
      say_signal_state();
      end_line();
      if (write(ends[1], "r", 1) < 0) _exit(1);
      CALL(rt_sigprocmask, SIG_SETMASK, &nothing, NULL, 8);
    }
    _exit(55);
  }
  close(ends[1]);
  char byte;
  if (blocks_first && read(ends[0], &byte, 1) > 0) { line_length = 0; STEP(step_number); say("then"); }
  for (int turn = 0; turn < 5; turn++) {
    int status = 0;
    long result = CALL(wait4, child, &status, WUNTRACED | WCONTINUED, NULL);
    if (result != child) break;
    say(" status %x", status);
    siginfo_t info;
    memset(&info, 0, sizeof info);
    if (WIFEXITED(status) || WIFSIGNALED(status)) break;
    if (WIFSTOPPED(status)) {
      // Stopped: what is sent is seen when it goes on.
      if (one_in(2)) { say(" TERM"); CALL(kill, child, SIGTERM); }
      if (one_in(3)) { say(" TSTP"); CALL(kill, child, SIGTSTP); }
      int ender = one_in(3) ? SIGKILL : SIGCONT;
      say(" %d", ender);
      // Whether it is seen to have gone on before it ends is a matter of time.
      CALL(kill, child, ender);
      CALL(wait4, child, &status, WUNTRACED, NULL);
      say(" then %x", status);
      CALL(kill, child, SIGKILL);
      break;
    }
  }
}

// What goes with a fork and an execve.
static void inherit_step(void) {
  unsigned long mask = some_mask(), old = 0;
  unsigned long blocked = ~0UL & ~(1UL << (SIGALRM - 1));
  say("fork");
  CALL(rt_sigprocmask, SIG_SETMASK, &blocked, NULL, 8);
  for (int i = 0; i < 4; i++) {
    int signal = some_signal();
    void *handlers[] = {SIG_IGN, SIG_DFL, (void *)take};
    void *handler = ANY(handlers);
    say(" %d:%s", signal, handler == SIG_IGN ? "ignore" : handler == SIG_DFL ? "default" : "handle");
    set_action(signal, handler, SA_SIGINFO | SA_RESTART, 0);
  }
  send_some(3);
  mask |= 1UL << (SIGSEGV - 1);
  CALL(rt_sigprocmask, SIG_SETMASK, &blocked, &old, 8);
  say_signal_state();
  end_line();
  STEP(step_number);
  static const unsigned long flags[] = {0, 0x100000000, CLONE_VFORK | CLONE_VM};
  unsigned long flag = ANY(flags);
  struct clone_args arguments = {.flags = flag & ~(unsigned long)CLONE_VM, .exit_signal = SIGCHLD};
  say("child %lx", flag);
  int child = CALL(clone3, &arguments, sizeof arguments);
  if (child == 0) {
    // As a child made without the library, it knows its number by the kernel alone.
    if (one_in(2)) {
      say_process_status(CALL(getpid));
      end_line();
      CALL(exit_group, 0);
    }
    char *words[] = {"/shows", NULL}, *environment[] = {NULL};
    CALL(execve, "/shows", words, environment);
    CALL(exit_group, 9);
  }
  int status = 0;
  if (child > 0) CALL(wait4, child, &status, 0, NULL);
  line_length = 0;
  STEP(step_number);
  say("fork ends %x", status);
}

// The program that inherit_step executes.
static void show_signals(void) {
  say("shows");
  say_process_status(CALL(getpid));
  end_line();
  _exit(0);
}
