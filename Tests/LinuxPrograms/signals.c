// sigaction(2), sigprocmask(2), sigaltstack(2), sigqueue(3), sigsuspend(2), signal(7): handlers and masks.
#include "asleep.h"
#include "check.h"
#include <grp.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>

static volatile sig_atomic_t count, last, depth, deepest;
static siginfo_t information;
static sigset_t mask_inside;
static char *volatile stack_inside;
static int order[16];

static void note(int number) {
  char here;
  stack_inside = &here;
  if (count < 16) order[count] = number;
  count++;
  last = number;
  sigprocmask(SIG_BLOCK, NULL, &mask_inside);
}

static void note_information(int number, siginfo_t *given, void *context) {
  information = *given;
  note(number);
}

static void install(int number, void (*handler)(int), int flags) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
  REQUIRE(sigaction(number, &action, NULL) == 0);
}

static void install_information(int number, int flags) {
  struct sigaction action = {.sa_sigaction = note_information, .sa_flags = flags | SA_SIGINFO};
  REQUIRE(sigaction(number, &action, NULL) == 0);
}

static void block(int number) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  REQUIRE(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
}

static void unblock_all(void) {
  sigset_t set;
  sigemptyset(&set);
  REQUIRE(sigprocmask(SIG_SETMASK, &set, NULL) == 0);
}

static int is_pending(int number) {
  sigset_t set;
  sigpending(&set);
  return sigismember(&set, number);
}

static void handlers(void) {
  install(SIGUSR1, note, 0);
  count = 0;
  CHECK_EQUAL(raise(SIGUSR1), 0);
  CHECK_EQUAL(count, 1);
  CHECK_EQUAL(last, SIGUSR1);
  CHECK(sigismember(&mask_inside, SIGUSR1));
  sigset_t now;
  sigprocmask(SIG_BLOCK, NULL, &now);
  CHECK(!sigismember(&now, SIGUSR1));

  install(SIGUSR1, note, SA_NODEFER);
  raise(SIGUSR1);
  CHECK(!sigismember(&mask_inside, SIGUSR1));

  install_information(SIGUSR2, 0);
  kill(getpid(), SIGUSR2);
  CHECK_EQUAL(information.si_signo, SIGUSR2);
  CHECK_EQUAL(information.si_code, SI_USER);
  CHECK_EQUAL(information.si_pid, getpid());
  CHECK_EQUAL(information.si_uid, getuid());
  syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR2);
  CHECK_EQUAL(information.si_code, SI_TKILL);

  install(SIGUSR1, note, SA_RESETHAND);
  count = 0;
  raise(SIGUSR1);
  struct sigaction old;
  CHECK_EQUAL(sigaction(SIGUSR1, NULL, &old), 0);
  CHECK(old.sa_handler == SIG_DFL);
  CHECK_EQUAL(count, 1);

  struct sigaction action = {.sa_handler = note};
  sigemptyset(&action.sa_mask);
  sigaddset(&action.sa_mask, SIGTERM);
  sigaddset(&action.sa_mask, SIGKILL);
  sigaction(SIGUSR1, &action, NULL);
  raise(SIGUSR1);
  CHECK(sigismember(&mask_inside, SIGTERM));
  CHECK(!sigismember(&mask_inside, SIGKILL));
  CHECK_ERROR(sigaction(SIGKILL, &action, NULL), EINVAL);
  CHECK_ERROR(sigaction(SIGSTOP, &action, NULL), EINVAL);
  CHECK_ERROR(syscall(SYS_rt_sigaction, 65, NULL, NULL, 8), EINVAL);
  CHECK_ERROR(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 16), EINVAL);
  CHECK_ERROR(syscall(SYS_rt_sigaction, SIGUSR1, (void *)8, NULL, 8), EFAULT);
  CHECK_ERROR(syscall(SYS_rt_sigprocmask, 7, &now, NULL, 8), EINVAL);
  CHECK_ERROR(kill(getpid(), 65), EINVAL);
  CHECK_ERROR(kill(0x3FFFFFFF, 0), ESRCH);
  // Nobody to send it to is the error before a signal that is none.
  CHECK_ERROR(kill(INT_MIN, 99), ESRCH);
  CHECK_ERROR(kill(-0x3FFFFFFF, 99), ESRCH);
  CHECK_ERROR(syscall(SYS_tkill, 0x3FFFFFFF, 99), ESRCH);
  CHECK_ERROR(syscall(SYS_tgkill, getpid(), 0x3FFFFFFF, 99), ESRCH);
  CHECK_ERROR(kill(0, 99), EINVAL);
  CHECK_ERROR(syscall(SYS_tgkill, getpid(), getpid(), 99), EINVAL);
  CHECK_EQUAL(kill(getpid(), 0), 0);
  CHECK_ERROR(syscall(SYS_tgkill, getpid(), 0x3FFFFFFF, SIGUSR1), ESRCH);
  CHECK_ERROR(syscall(SYS_tgkill, -1, 1, SIGUSR1), EINVAL);
}

static void nest(int number) {
  depth++;
  if (depth > deepest) deepest = depth;
  if (deepest < 5) raise(SIGUSR1);
  depth--;
}

static void masks(void) {
  install(SIGUSR1, nest, SA_NODEFER);
  deepest = 0;
  raise(SIGUSR1);
  CHECK_EQUAL(deepest, 5);
  CHECK_EQUAL(depth, 0);

  // Below 32 a signal waits once.
  install(SIGUSR1, note, 0);
  install(SIGUSR2, note, 0);
  block(SIGUSR1);
  block(SIGUSR2);
  count = 0;
  for (int turn = 0; turn < 3; turn++) kill(getpid(), SIGUSR1);
  kill(getpid(), SIGUSR2);
  CHECK_EQUAL(count, 0);
  sigset_t pending;
  sigpending(&pending);
  CHECK(sigismember(&pending, SIGUSR1));
  CHECK(sigismember(&pending, SIGUSR2));
  CHECK(!sigismember(&pending, SIGTERM));
  unblock_all();
  CHECK_EQUAL(count, 2);

  // A signal that is ignored is dropped, even where it is blocked and pending.
  block(SIGUSR1);
  kill(getpid(), SIGUSR1);
  install(SIGUSR1, SIG_IGN, 0);
  sigpending(&pending);
  CHECK(!sigismember(&pending, SIGUSR1));
  unblock_all();

  // And so is one that is ignored by default, once it is not caught any more.
  static const int ignored[] = {SIGCONT, SIGCHLD, SIGURG, SIGWINCH};
  for (int i = 0; i < 4; i++) {
    install(ignored[i], note, 0);
    block(ignored[i]);
    raise(ignored[i]);
    kill(getpid(), ignored[i]);
    CHECK(is_pending(ignored[i]));
    install(ignored[i], SIG_DFL, 0);
    CHECK(!is_pending(ignored[i]));
    unblock_all();
  }

  // sigsuspend's mask is in force for its own time only.
  install(SIGUSR1, note, 0);
  install(SIGUSR2, note, 0);
  block(SIGUSR1);
  kill(getpid(), SIGUSR1);
  count = 0;
  sigset_t none;
  sigemptyset(&none);
  CHECK_ERROR(sigsuspend(&none), EINTR);
  CHECK_EQUAL(count, 1);
  sigprocmask(SIG_BLOCK, NULL, &none);
  CHECK(sigismember(&none, SIGUSR1));
  unblock_all();
}

static void real_time(void) {
  int number = SIGRTMIN + 1;
  install_information(number, 0);
  install_information(SIGRTMIN, 0);
  block(number);
  block(SIGRTMIN);
  for (int value = 1; value <= 5; value++) {
    union sigval data = {.sival_int = value};
    CHECK_EQUAL(sigqueue(getpid(), number, data), 0);
  }
  union sigval data = {.sival_int = 99};
  CHECK_EQUAL(sigqueue(getpid(), SIGRTMIN, data), 0);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  sigaddset(&set, SIGRTMIN);
  siginfo_t given;
  struct timespec none = {0, 0}, some = {0, 20000000};
  CHECK_EQUAL(sigtimedwait(&set, &given, &none), SIGRTMIN);
  CHECK_EQUAL(given.si_value.sival_int, 99);
  for (int value = 1; value <= 5; value++) {
    CHECK_EQUAL(sigtimedwait(&set, &given, &none), number);
    CHECK_EQUAL(given.si_value.sival_int, value);
    CHECK_EQUAL(given.si_code, SI_QUEUE);
    CHECK_EQUAL(given.si_pid, getpid());
  }
  CHECK_ERROR(sigtimedwait(&set, &given, &none), EAGAIN);
  CHECK_ERROR(sigtimedwait(&set, &given, &some), EAGAIN);

  // Delivered in order too.
  for (int value = 1; value <= 3; value++) {
    data.sival_int = value;
    sigqueue(getpid(), number, data);
  }
  count = 0;
  unblock_all();
  CHECK_EQUAL(count, 3);
  CHECK_EQUAL(information.si_value.sival_int, 3);

  siginfo_t forged = {.si_code = SI_USER};
  pid_t child = fork();
  if (child == 0) {
    CHECK_ERROR(syscall(SYS_rt_sigqueueinfo, getppid(), number, &forged), EPERM);
    _exit(finish());
  }
  int status;
  waitpid(child, &status, 0);
  CHECK_EQUAL(status, 0);
}

static char alternate[65536] __attribute__((aligned(16)));

static void on_alternate(int number, siginfo_t *given, void *context) {
  note_information(number, given, context);
  stack_t now;
  CHECK_EQUAL(sigaltstack(NULL, &now), 0);
  CHECK_EQUAL(now.ss_flags, SS_ONSTACK);
  CHECK_ERROR(sigaltstack(&(stack_t){.ss_sp = alternate, .ss_size = 32768}, NULL), EPERM);
}

static sigjmp_buf back;

static void jump(int number, siginfo_t *given, void *context) {
  note_information(number, given, context);
  siglongjmp(back, 1);
}

static volatile int bottom = 1;
__attribute__((noinline)) static int overflow(int level) {
  char page[4096];
  memset(page, level, sizeof page);
  __asm__ volatile("" : : "r"(page) : "memory");
  return bottom ? overflow(level + 1) + page[level & 1023] : 0;
}

static void alternate_stack(void) {
  CHECK_ERROR(sigaltstack(&(stack_t){.ss_sp = alternate, .ss_size = 1024}, NULL), ENOMEM);
  CHECK_ERROR(sigaltstack(&(stack_t){.ss_sp = alternate, .ss_size = 65536, .ss_flags = 77}, NULL), EINVAL);
  CHECK_ERROR(sigaltstack((void *)8, NULL), EFAULT);
  stack_t old;
  CHECK_EQUAL(sigaltstack(&(stack_t){.ss_sp = alternate, .ss_size = sizeof alternate}, &old), 0);
  CHECK_EQUAL(old.ss_flags, SS_DISABLE);
  struct sigaction action = {.sa_sigaction = on_alternate, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigaction(SIGUSR1, &action, NULL);
  raise(SIGUSR1);
  CHECK(stack_inside >= alternate && stack_inside < alternate + sizeof alternate);
  CHECK_EQUAL(sigaltstack(NULL, &old), 0);
  CHECK_EQUAL(old.ss_flags, 0);
  install(SIGUSR2, note, 0);
  raise(SIGUSR2);
  CHECK(stack_inside < alternate || stack_inside >= alternate + sizeof alternate);

  // A stack that overflows leaves no room but there.
  action.sa_sigaction = jump;
  sigaction(SIGSEGV, &action, NULL);
  if (sigsetjmp(back, 1) == 0) overflow(0);
  CHECK_EQUAL(last, SIGSEGV);
  CHECK_EQUAL(information.si_code, SEGV_MAPERR);
  CHECK(stack_inside >= alternate && stack_inside < alternate + sizeof alternate);

#ifdef SS_AUTODISARM
  CHECK_EQUAL(sigaltstack(&(stack_t){.ss_sp = alternate, .ss_size = sizeof alternate, .ss_flags = SS_AUTODISARM},
    NULL), 0);
  action.sa_sigaction = note_information;
  sigaction(SIGUSR1, &action, NULL);
  raise(SIGUSR1);
  CHECK(stack_inside >= alternate && stack_inside < alternate + sizeof alternate);
  sigaltstack(NULL, &old);
  CHECK_EQUAL(old.ss_flags, (int)SS_AUTODISARM);
#endif
  CHECK_EQUAL(sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL), 0);
}

// The first thread's call that is to be interrupted, and the pipe that lets it end once it waits again, or -1.
static volatile int awaited_call, end_of_wait;

static void *send_later(void *unused) {
  int end = end_of_wait;
  until_asleep(getpid(), awaited_call);
  syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1);
  if (end < 0) return NULL;
  while (count == 0) usleep(1000);
  until_asleep(getpid(), awaited_call);
  CHECK_EQUAL(write(end, "x", 1), 1);
  return NULL;
}

static pthread_t later(int call, int end) {
  pthread_t thread;
  count = 0;
  awaited_call = call;
  end_of_wait = end;
  REQUIRE(pthread_create(&thread, NULL, send_later, NULL) == 0);
  return thread;
}

static void restart(void) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  char byte;
  install(SIGUSR1, note, 0);
  pthread_t thread = later(SYS_read, -1);
  CHECK_ERROR(read(ends[0], &byte, 1), EINTR);
  CHECK_EQUAL(count, 1);
  pthread_join(thread, NULL);

  install(SIGUSR1, note, SA_RESTART);
  thread = later(SYS_read, ends[1]);
  CHECK_EQUAL(read(ends[0], &byte, 1), 1);
  CHECK_EQUAL(byte, 'x');
  CHECK_EQUAL(count, 1);
  pthread_join(thread, NULL);

  pid_t child = fork();
  if (child == 0) _exit(read(ends[0], &byte, 1) == 1 ? 3 : 1);
  thread = later(SYS_wait4, ends[1]);
  int status;
  CHECK_EQUAL(waitpid(child, &status, 0), child);
  CHECK_EQUAL(status, 3 << 8);
  CHECK_EQUAL(count, 1);
  pthread_join(thread, NULL);

  // nanosleep is interrupted by any handler, and says what is left.
  thread = later(SYS_clock_nanosleep, -1);
  struct timespec time = {100, 0}, rest = {0, 0}, before, after;
  clock_gettime(CLOCK_MONOTONIC, &before);
  CHECK_ERROR(nanosleep(&time, &rest), EINTR);
  clock_gettime(CLOCK_MONOTONIC, &after);
  long long passed = (after.tv_sec - before.tv_sec) * 1000000000ll + after.tv_nsec - before.tv_nsec;
  CHECK(rest.tv_sec <= 100 && rest.tv_sec * 1000000000ll + rest.tv_nsec + passed >= 100000000000);
  pthread_join(thread, NULL);
  thread = later(SYS_pause, -1);
  CHECK_ERROR(pause(), EINTR);
  pthread_join(thread, NULL);
  close(ends[0]);
  close(ends[1]);
}

// A stop and a continuation, without any handler, must not be seen by a call.
static void restart_after_stop(void) {
  pid_t child = 0;
  int status = 0;
  // A longer sleep where the child has come to its end before it was stopped.
  for (long length = 300; length < 20000; length *= 4) {
    child = fork();
    if (child == 0) {
      struct timespec time = {length / 1000, length % 1000 * 1000000}, before, after;
      clock_gettime(CLOCK_MONOTONIC, &before);
      CHECK_EQUAL(nanosleep(&time, NULL), 0);
      clock_gettime(CLOCK_MONOTONIC, &after);
      long passed = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
      CHECK(passed >= length && passed < length + 20000);
      _exit(finish());
    }
    usleep(100000);
    kill(child, SIGSTOP);
    CHECK_EQUAL(waitpid(child, &status, WUNTRACED), child);
    if (status != 0) break;
  }
  CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
  kill(child, SIGCONT);
  CHECK_EQUAL(waitpid(child, &status, WCONTINUED), child);
  CHECK(WIFCONTINUED(status));
  CHECK_EQUAL(waitpid(child, &status, 0), child);
  CHECK_EQUAL(status, 0);
}

static void change_registers(int number, siginfo_t *given, void *context) {
  ucontext_t *registers = context;
  registers->uc_mcontext.gregs[REG_R12] ^= 0x5555555555555555;
  registers->uc_mcontext.gregs[REG_EFL] |= 1;
  sigaddset(&registers->uc_sigmask, SIGUSR2);
}

static void registers(void) {
  struct sigaction action = {.sa_sigaction = change_registers, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &action, NULL);
  uint64_t self = getpid();
  register uint64_t r12 __asm__("r12") = 0x0123456789ABCDEF;
  register uint64_t r13 __asm__("r13") = 0x13;
  register uint64_t rbx __asm__("rbx") = 0xB;
  uint64_t result, carry;
  register uint64_t signal_number __asm__("rsi") = SIGUSR1;
  register uint64_t process __asm__("rdi") = self;
  // The red zone is the interrupted function's own.
  __asm__ volatile(
      "movq $0x77, -8(%%rsp)\n\tmovq $0x99, -128(%%rsp)\n\tclc\n\tsyscall\n\tsetc %b1\n\tmovzbl %b1, %k1\n\t"
      "cmpq $0x77, -8(%%rsp)\n\tjne 1f\n\tcmpq $0x99, -128(%%rsp)\n\tje 2f\n1:\tmovl $99, %k1\n2:"
      : "=a"(result), "=&d"(carry), "+r"(r12), "+r"(r13), "+r"(rbx)
      : "0"((uint64_t)SYS_kill), "r"(process), "r"(signal_number)
      : "rcx", "r11", "memory", "cc");
  CHECK_EQUAL(result, 0);
  CHECK_EQUAL(carry, 1);
  CHECK_EQUAL(r12, 0x0123456789ABCDEF ^ 0x5555555555555555);
  CHECK_EQUAL(r13, 0x13);
  CHECK_EQUAL(rbx, 0xB);
  sigset_t now;
  sigprocmask(SIG_BLOCK, NULL, &now);
  CHECK(sigismember(&now, SIGUSR2));
  unblock_all();
}

static pthread_barrier_t barrier;
static volatile pid_t receiver;

static void note_thread(int number) {
  receiver = syscall(SYS_gettid);
  count++;
}

static void *wait_for_signal(void *result) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  *(pid_t *)result = syscall(SYS_gettid);
  pthread_barrier_wait(&barrier);
  while (count == 0) usleep(1000);
  return NULL;
}

// A signal for the process goes to a thread that does not block it.
static void threads(void) {
  install(SIGUSR1, note_thread, 0);
  block(SIGUSR1);
  pthread_barrier_init(&barrier, NULL, 2);
  pthread_t thread;
  pid_t identifier;
  count = 0;
  REQUIRE(pthread_create(&thread, NULL, wait_for_signal, &identifier) == 0);
  pthread_barrier_wait(&barrier);
  kill(getpid(), SIGUSR1);
  pthread_join(thread, NULL);
  CHECK_EQUAL(count, 1);
  CHECK_EQUAL(receiver, identifier);
  unblock_all();
}

// A thread that waits for its vfork's child takes no signal: what is pending meanwhile stays to be looked at.
static volatile int is_sent, is_seen;

static void send_in_vfork(int number) {
  pid_t process = getpid(), child = vfork();
  if (child == 0) {
    syscall(SYS_kill, process, number);
    is_sent = 1;
    while (!is_seen) usleep(1000);
    _exit(0);
  }
  waitpid(child, NULL, 0);
}

static void *send_from_open_thread(void *unused) {
  unblock_all();
  send_in_vfork(SIGWINCH);
  return NULL;
}

static void *look_at_pending(void *result) {
  while (!is_sent) usleep(1000);
  *(int *)result = is_pending(SIGWINCH);
  is_seen = 1;
  return NULL;
}

// Whether a signal for the process is ignored goes by its first thread, whatever the others block.
static void first_thread_decides(void) {
  pthread_t thread;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGWINCH);
  block(SIGWINCH);
  is_sent = is_seen = 0;
  REQUIRE(pthread_create(&thread, NULL, send_from_open_thread, NULL) == 0);
  while (!is_sent) usleep(1000);
  CHECK(is_pending(SIGWINCH));
  CHECK_EQUAL(sigtimedwait(&set, NULL, &(struct timespec){0, 0}), SIGWINCH);
  is_seen = 1;
  pthread_join(thread, NULL);

  int found = -1;
  is_sent = is_seen = 0;
  REQUIRE(pthread_create(&thread, NULL, look_at_pending, &found) == 0);
  unblock_all();
  send_in_vfork(SIGWINCH);
  pthread_join(thread, NULL);
  CHECK_EQUAL(found, 0);
}

static int pipe_ends[2];

static void *read_one(void *result) {
  char byte;
  *(pid_t *)result = syscall(SYS_gettid);
  while (read(pipe_ends[0], &byte, 1) != 1) {}
  return NULL;
}

static void wait_for_count(int number) {
  for (int turn = 0; turn < 5000 && count == 0; turn++) usleep(1000);
}

// A thread that has been told of a signal for the process, and then blocks it, leaves it to one that does not.
static void blocked_signals_are_left_to_others(void) {
  install(SIGUSR1, note_thread, SA_RESTART);
  struct sigaction action = {.sa_handler = wait_for_count};
  sigemptyset(&action.sa_mask);
  sigaddset(&action.sa_mask, SIGUSR1);
  REQUIRE(sigaction(SIGUSR2, &action, NULL) == 0);
  REQUIRE(pipe(pipe_ends) == 0);
  pthread_t thread;
  pid_t identifier = 0;
  REQUIRE(pthread_create(&thread, NULL, read_one, &identifier) == 0);
  // Time to begin its read: a thread that runs would come across the signal by itself.
  usleep(100000);
  count = 0;
  pid_t process = getpid(), child = vfork();
  if (child == 0) {
    syscall(SYS_kill, process, SIGUSR1);
    // The thread's own come first: this handler begins with the other signal blocked and pending.
    syscall(SYS_tgkill, process, process, SIGUSR2);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  CHECK_EQUAL(count, 1);
  CHECK_EQUAL(write(pipe_ends[1], "", 1), 1);
  pthread_join(thread, NULL);
  CHECK_EQUAL(receiver, identifier);
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

// Locks that their owner's end takes a while to release.
#define LOCK_COUNT 2000
static struct lock {
  struct robust_list entry;
  volatile int word;
} locks[LOCK_COUNT];

static void *send_to_ending(void *unused) {
  while (!(locks[0].word & FUTEX_OWNER_DIED)) {}
  kill(getpid(), SIGUSR1);
  wait_for_count(0);
  _exit(count == 1 ? 0 : 1);
}

// So does a thread that ends before it has taken it.
static int end_with_locks(void) {
  pid_t child = fork();
  if (child == 0) {
    static struct robust_list_head head = {.futex_offset = offsetof(struct lock, word)};
    install(SIGUSR1, note_thread, 0);
    count = 0;
    head.list.next = &locks[0].entry;
    for (int i = 0; i < LOCK_COUNT; i++) {
      locks[i].entry.next = i + 1 < LOCK_COUNT ? &locks[i + 1].entry : &head.list;
      locks[i].word = (int)(FUTEX_WAITERS | (unsigned)getpid());
    }
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, send_to_ending, NULL) == 0);
    REQUIRE(syscall(SYS_set_robust_list, &head, sizeof head) == 0);
    syscall(SYS_exit, 0);
  }
  int status = -1;
  CHECK_EQUAL(waitpid(child, &status, 0), child);
  CHECK_EQUAL(status, 0);
  return status;
}

static void ending_threads_leave_signals_to_others(void) {
  for (int turn = 0; turn < 20; turn++) {
    if (end_with_locks() != 0) return;
  }
}

// Two threads wait for signals. The first is told of both that come, and what it does not take wakes the other.
struct waiting {
  sigset_t set;
  volatile pid_t identifier;
  int found;
};
static void *take_one(void *argument) {
  struct waiting *waiting = argument;
  waiting->identifier = syscall(SYS_gettid);
  CHECK_EQUAL(sigwait(&waiting->set, &waiting->found), 0);
  return NULL;
}
static void start_waiting(pthread_t *thread, struct waiting *waiting, int first, int second) {
  memset(waiting, 0, sizeof *waiting);
  sigemptyset(&waiting->set);
  sigaddset(&waiting->set, first);
  sigaddset(&waiting->set, second);
  REQUIRE(pthread_create(thread, NULL, take_one, waiting) == 0);
  while (!waiting->identifier) usleep(1000);
  until_thread_asleep(getpid(), waiting->identifier, SYS_rt_sigtimedwait);
}

static void a_wait_leaves_signals_to_others(void) {
  cpu_set_t old, one;
  REQUIRE(sched_getaffinity(0, sizeof old, &old) == 0);
  int cpu = 0;
  while (!CPU_ISSET(cpu, &old)) cpu++;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  CHECK_EQUAL(sched_setaffinity(0, sizeof one, &one), 0);
  block(SIGUSR1);
  block(SIGUSR2);
  int is_proven = 0;
  for (int turn = 0; turn < 30 && !is_proven; turn++) {
    static struct waiting both, second;
    pthread_t threads[2];
    start_waiting(&threads[0], &both, SIGUSR1, SIGUSR2);
    start_waiting(&threads[1], &second, SIGUSR2, SIGUSR2);
    // Neither of the two runs on this CPU before both signals are there, unless the machine stands still for long.
    struct sched_param parameter = {.sched_priority = 5};
    sched_setscheduler(0, SCHED_FIFO, &parameter);
    kill(getpid(), SIGUSR2);
    kill(getpid(), SIGUSR1);
    parameter.sched_priority = 0;
    CHECK_EQUAL(sched_setscheduler(0, SCHED_OTHER, &parameter), 0);
    pthread_join(threads[0], NULL);
    is_proven = both.found == SIGUSR1;
    if (!is_proven) {
      int left;
      kill(getpid(), SIGUSR2);
      CHECK(sigwait(&both.set, &left) == 0 && left == SIGUSR1);
    }
    pthread_join(threads[1], NULL);
    CHECK_EQUAL(second.found, SIGUSR2);
  }
  CHECK(is_proven);
  unblock_all();
  CHECK_EQUAL(sched_setaffinity(0, sizeof old, &old), 0);
}

// The identifier of any thread names its process; and to all that there are is to none, without a failure, where the
// caller may send nothing to any.
static void *tell_and_wait(void *identifier) {
  *(volatile pid_t *)identifier = syscall(SYS_gettid);
  pause();
  return NULL;
}

static void who_is_meant(void) {
  volatile pid_t identifier = 0;
  pthread_t thread;
  install(SIGUSR1, note, SA_RESTART);
  block(SIGUSR1);
  REQUIRE(pthread_create(&thread, NULL, tell_and_wait, (void *)&identifier) == 0);
  while (!identifier) usleep(1000);
  CHECK_EQUAL(kill(identifier, SIGUSR1), 0);
  CHECK(is_pending(SIGUSR1));
  CHECK_ERROR(kill(identifier, 65), EINVAL);
  pthread_cancel(thread);
  pthread_join(thread, NULL);
  count = 0;
  unblock_all();
  CHECK_EQUAL(count, 1);

  pid_t child = fork();
  if (child == 0) {
    check_failures = 0;
    REQUIRE(setgroups(0, NULL) == 0 && setgid(54321) == 0 && setuid(54321) == 0);
    CHECK_ERROR(kill(getppid(), 0), EPERM);
    CHECK_EQUAL(kill(-1, 0), 0);
    CHECK_ERROR(kill(-1, 65), EINVAL);
    _exit(finish());
  }
  int status = -1;
  waitpid(child, &status, 0);
  CHECK_EQUAL(status, 0);
}

// A handler that survives fork, and an ignored signal that survives execve too.
static void inheritance(const char *path) {
  install(SIGUSR1, note, 0);
  install(SIGUSR2, SIG_IGN, 0);
  block(SIGTERM);
  pid_t child = fork();
  if (child == 0) {
    count = 0;
    raise(SIGUSR1);
    CHECK_EQUAL(count, 1);
    if (check_failures) _exit(1);
    execl(path, path, "executed", NULL);
    _exit(127);
  }
  int status;
  waitpid(child, &status, 0);
  CHECK_EQUAL(status, 0);
  unblock_all();
}

static int executed(void) {
  struct sigaction old;
  sigaction(SIGUSR1, NULL, &old);
  CHECK(old.sa_handler == SIG_DFL);
  sigaction(SIGUSR2, NULL, &old);
  CHECK(old.sa_handler == SIG_IGN);
  sigset_t now;
  sigprocmask(SIG_BLOCK, NULL, &now);
  CHECK(sigismember(&now, SIGTERM));
  return finish();
}

int main(int argc, char **argv) {
  if (argc > 1) return executed();
  handlers();
  masks();
  real_time();
  alternate_stack();
  restart();
  restart_after_stop();
  registers();
  threads();
  first_thread_decides();
  blocked_signals_are_left_to_others();
  ending_threads_leave_signals_to_others();
  a_wait_leaves_signals_to_others();
  who_is_meant();
  inheritance(argv[0]);
  return finish();
}
