// Signals: which is taken first and what it says, what interrupts a call and what goes on, what faults tell, and what
// becomes of masks and of pending signals. Each step is a process of its own.
#include <linux/futex.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
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

static jmp_buf fault_return;
static volatile unsigned long fault_words[12];

static void on_any_fault(int signal, siginfo_t *info, void *context) {
  ucontext_t *state = context;
  fault_words[0] = signal;
  fault_words[1] = info->si_code;
  fault_words[2] = (unsigned long)info->si_addr;
  fault_words[3] = state->uc_mcontext.gregs[REG_TRAPNO];
  fault_words[4] = state->uc_mcontext.gregs[REG_ERR];
  fault_words[5] = state->uc_mcontext.gregs[REG_CR2];
  fault_words[6] = state->uc_flags;
  fault_words[7] = state->uc_mcontext.gregs[REG_CSGSFS];
  memcpy((void *)&fault_words[8], &state->uc_sigmask, 8);
  fault_words[9] = state->uc_mcontext.gregs[REG_RIP];
  fault_words[10] = state->uc_mcontext.gregs[REG_EFL];
  fault_words[11] = info->si_errno;
  siglongjmp(fault_return, 1);
}

#define FAULT_PLACE 0x300000000000UL
static void fault(int kind) {
  volatile char *place = (char *)FAULT_PLACE;
  switch (kind) {
    case 0: *(volatile char *)16 = 1; break;
    case 1: (void)place[4096 + 5]; break;
    case 2: place[5] = 1; break;
    case 3: ((void (*)(void))(FAULT_PLACE + 5))(); break;
    case 4: (void)place[2 * 4096 + 7]; break;
    case 5: (void)*(volatile char *)0x8000000000000000UL; break;
    case 6: (void)*(volatile char *)0x800000000000UL; break;
    case 7: (void)*(volatile char *)0xFFFFFFFF80000000UL; break;
    case 8: __asm__ volatile("ud2"); break;
    case 9: __asm__ volatile("int3"); break;
    case 10: __asm__ volatile("hlt"); break;
    case 11: __asm__ volatile("xor %%edx, %%edx; mov $1, %%eax; xor %%ecx, %%ecx; div %%ecx" ::: "eax", "ecx", "edx"); break;
    case 12: __asm__ volatile("mov $0x80000000, %%eax; cltd; mov $-1, %%ecx; idiv %%ecx" ::: "eax", "ecx", "edx"); break;
    case 13: {
      unsigned control = 0x1D00;
      __asm__ volatile("ldmxcsr %0; xorps %%xmm0, %%xmm0; mov $0x3f800000, %%eax; movd %%eax, %%xmm1; divss %%xmm0, %%xmm1"
                       :: "m"(control) : "eax", "xmm0", "xmm1");
      break;
    }
    case 14: {
      unsigned short control = 0x37B;
      __asm__ volatile("fninit; fldcw %0; fld1; fldz; fdivrp; fwait" :: "m"(control));
      break;
    }
    case 15: __asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq; nop; nop" ::: "memory"); break;
    case 16: __asm__ volatile("int $0x20"); break;
    case 17: __asm__ volatile("int $3"); break;
    case 18: __asm__ volatile("mov $0x8000000000000000, %%rax; push %%rbp; mov %%rax, %%rbp; movq (%%rbp), %%rax; pop %%rbp" ::: "rax"); break;
    case 19: __asm__ volatile(".byte 0xF1"); break;
    case 20: {
      unsigned control = 0x1F00;
      __asm__ volatile("ldmxcsr %0; xorps %%xmm0, %%xmm0; divss %%xmm0, %%xmm0" :: "m"(control) : "xmm0");
      break;
    }
    case 21: __asm__ volatile("mov %%cr0, %%rax" ::: "rax"); break;
    case 22: __asm__ volatile("in $0x60, %%al" ::: "rax"); break;
    case 23: __asm__ volatile("mov $0x33, %%eax; mov %%eax, %%ss" ::: "rax"); break;
    case 24: __asm__ volatile("int $0x80" :: "a"(-1)); break;
    case 25: place[3 * 4096 - 2] = 1; __asm__ volatile("movq $0, (%0)" :: "r"(FAULT_PLACE + 3 * 4096 - 4) : "memory"); break;
    case 26: { long value = 0; __asm__ volatile("wrmsr" :: "c"(0), "a"(0), "d"(0), "m"(value)); break; }
    case 27: __asm__ volatile("mov $0x7fff, %%eax; mov %%eax, %%ds" ::: "rax"); break;
  }
}

static void fault_step(void) {
  int kind = below(28);
  // An emulated processor has no faults of vectors, and takes these otherwise than a real one.
  if (kind == 13 || kind == 20 || kind == 16 || kind == 18 || kind == 19) kind = 0;
  say("fault %d", kind);
  mmap((void *)FAULT_PLACE, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  mmap((void *)(FAULT_PLACE + 4096), 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  int file = CALL(memfd_create, "short", 0);
  if (ftruncate(file, 100) != 0) _exit(4);
  mmap((void *)(FAULT_PLACE + 2 * 4096), 2 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
  static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
  unsigned long mask = 0;
  int way = below(6);
  for (int i = 0; i < 5; i++) {
    if (way == 5) break;
    set_action(signals[i], way == 4 ? (void *)SIG_IGN : (void *)on_any_fault, SA_SIGINFO, 1UL << (SIGUSR1 - 1));
    if (way == 3) mask |= 1UL << (signals[i] - 1);
  }
  CALL(rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8);
  say(" %s", way == 5 ? "default" : way == 4 ? "ignored" : way == 3 ? "blocked" : "handled");
  if (way >= 3) { end_line(); STEP(step_number); }
  if (sigsetjmp(fault_return, 1) == 0) {
    fault(kind);
    say(" nothing");
  } else {
    say(" signal %ld code %ld address %lx trap %ld error %lx cr2 %lx flags %lx cs %lx mask %lx same %d trace %ld errno %ld",
        fault_words[0], (long)(int)fault_words[1], fault_words[2] >= (unsigned long)fault && fault_words[2] < (unsigned long)fault + 4096 ? 1 : fault_words[2],
        // Whether a page is there that may not be used anyway is the memory's affair.
        fault_words[3], fault_words[3] == 14 ? fault_words[4] & ~1UL : fault_words[4], fault_words[4] && fault_words[3] == 14 ? fault_words[5] : 0, fault_words[6] & ~1UL,
        fault_words[7] & 0xFFFF, fault_words[8], fault_words[9] == fault_words[2], fault_words[10] >> 8 & 1, fault_words[11]);
  }
}

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

// What a signal does to a process that has not said what it wants, and what stops and continues throw away.
static void default_step(void) {
  int signal = 1 + below(64), ends[2];
  if (signal == 32 || signal == 33) signal = 1;
  int blocks_first = one_in(2);
  say("default %d%s", signal, blocks_first ? " pending first" : "");
  if (pipe(ends) != 0) _exit(4);
  int child = fork();
  if (child == 0) {
    for (int i = 1; i <= 64; i++) set_action(i, SIG_DFL, 0, 0);
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
    int self = CALL(getpid);
    char text[4096], name[40];
    sprintf(name, "/proc/%d/status", self);
    (void)text;
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

void signal_round(void) {
  copy_program("/shows", 0, 0, 0755);
  for (int signal = 1; signal <= 64; signal++) set_action(signal, SIG_DFL, 0, 0);
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
