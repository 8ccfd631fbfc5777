// Built with musl too.
// System calls that are left to the program (PR_SET_SYSCALL_USER_DISPATCH): what SIGSYS tells and the registers that
// its frame has, by SYSCALL and by INT 0x80; ranges and selectors of all kinds; threads, forks and new programs; and
// what a tracer sees of them.
#include "tracing.h"
#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/user.h>
#include <time.h>
#include <ucontext.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif
enum { off, on };
enum { made, dispatched };
#define ARCHITECTURE_X86_64 0xC000003E
#define ARCHITECTURE_I386 0x40000003

// Code whose calls are the kernel's in all of these tests: a raw call, and the way back from a handler.
extern const char allowed_begin[], allowed_end[], after_allowed_call[];
long allowed_call(long number, ...);
void allowed_return(void);
__asm__(
  ".pushsection .text\n"
  "allowed_begin:\n"
  "allowed_call:\n"
  " mov %rdi, %rax\n mov %rsi, %rdi\n mov %rdx, %rsi\n mov %rcx, %rdx\n mov %r8, %r10\n mov %r9, %r8\n"
  " syscall\n"
  "after_allowed_call:\n"
  " ret\n"
  "allowed_return:\n"
  " mov $15, %eax\n syscall\n hlt\n"
  "allowed_end:\n"
  ".popsection\n");

// RAX, RBX, RCX, RDX, RSI, RDI, RBP, R8 to R15.
struct registers { uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r[8]; };

// A call with all registers as given, which leaves all of them there; and the address behind its instruction.
#define CALLER(name, instruction) \
  extern const char after_##name[]; \
  void name(struct registers *registers); \
  __asm__( \
    ".pushsection .text\n" #name ":\n" \
    "push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n push %rdi\n" \
    "mov 0(%rdi), %rax\n mov 8(%rdi), %rbx\n mov 16(%rdi), %rcx\n mov 24(%rdi), %rdx\n mov 32(%rdi), %rsi\n" \
    "mov 48(%rdi), %rbp\n mov 56(%rdi), %r8\n mov 64(%rdi), %r9\n mov 72(%rdi), %r10\n mov 80(%rdi), %r11\n" \
    "mov 88(%rdi), %r12\n mov 96(%rdi), %r13\n mov 104(%rdi), %r14\n mov 112(%rdi), %r15\n mov 40(%rdi), %rdi\n" \
    instruction "\n" \
    "after_" #name ":\n" \
    "xchg %rdi, (%rsp)\n" \
    "mov %rax, 0(%rdi)\n mov %rbx, 8(%rdi)\n mov %rcx, 16(%rdi)\n mov %rdx, 24(%rdi)\n mov %rsi, 32(%rdi)\n" \
    "mov %rbp, 48(%rdi)\n mov %r8, 56(%rdi)\n mov %r9, 64(%rdi)\n mov %r10, 72(%rdi)\n mov %r11, 80(%rdi)\n" \
    "mov %r12, 88(%rdi)\n mov %r13, 96(%rdi)\n mov %r14, 104(%rdi)\n mov %r15, 112(%rdi)\n pop 40(%rdi)\n" \
    "pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n ret\n" \
    ".popsection\n")
CALLER(call_by_syscall, "syscall");
CALLER(call_by_interrupt, "int $0x80");

// What rt_sigaction(2) itself takes, so that the way back is ours.
struct action {
  void (*handler)(int, siginfo_t *, void *);
  unsigned long flags;
  void (*restorer)(void);
  uint64_t mask;
};
#define RESTORER 0x04000000

static void handle(int signal, void (*handler)(int, siginfo_t *, void *), unsigned long flags) {
  struct action action = {handler, SA_SIGINFO | RESTORER | flags, allowed_return, 0};
  REQUIRE(allowed_call(SYS_rt_sigaction, signal, &action, NULL, 8) == 0);
}

static long dispatch(long mode, const volatile void *begin, uintptr_t length, const volatile void *selector) {
  return allowed_call(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, mode, begin, length, selector);
}
static long dispatch_on(const volatile void *selector) {
  return dispatch(on, allowed_begin, allowed_end - allowed_begin, selector);
}
static long dispatch_off(void) { return dispatch(off, NULL, 0, NULL); }

// MARK: What a handler sees

static __thread volatile int seen;
static __thread siginfo_t last;
static __thread greg_t frame[NGREG];
// What the handler gives as the result, where that is wanted.
static __thread volatile long result;
static __thread volatile int gives_result;

static void on_call(int signal, siginfo_t *information, void *context) {
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  seen++;
  last = *information;
  memcpy(frame, registers, sizeof frame);
  if (gives_result) registers[REG_RAX] = result;
}

static volatile char selector;

// A call by libc, which is outside of the range: its number where the handler leaves it.
static long plain_call(long number) {
  struct registers registers = {.rax = number};
  call_by_syscall(&registers);
  return registers.rax;
}

static void check_frame(const struct registers *before, const char *behind, uint64_t number) {
  CHECK_EQUAL(frame[REG_RAX], number);
  CHECK_EQUAL(frame[REG_RIP], behind);
  CHECK_EQUAL(frame[REG_RBX], before->rbx);
  CHECK_EQUAL(frame[REG_RDX], before->rdx);
  CHECK_EQUAL(frame[REG_RSI], before->rsi);
  CHECK_EQUAL(frame[REG_RDI], before->rdi);
  CHECK_EQUAL(frame[REG_RBP], before->rbp);
  CHECK_EQUAL(frame[REG_R8], before->r[0]);
  CHECK_EQUAL(frame[REG_R9], before->r[1]);
  CHECK_EQUAL(frame[REG_R10], before->r[2]);
  CHECK_EQUAL(frame[REG_R12], before->r[4]);
  CHECK_EQUAL(frame[REG_R15], before->r[7]);
  CHECK_EQUAL(last.si_signo, SIGSYS);
  CHECK_EQUAL(last.si_errno, 0);
  CHECK_EQUAL(last.si_code, 2);
  CHECK_EQUAL(last.si_call_addr, behind);
}

static const struct registers odd = {
  0xA5C3F00D00000000 | SYS_exit_group, 0xBBBBBBBBBBBBBBBB, 0xCCCCCCCCCCCCCCCC, 0xDDDDDDDDDDDDDDDD, 0x5151515151515151,
  0xD1D1D1D1D1D1D1D1, 0xB9B9B9B9B9B9B9B9,
  {0x8888888888888888, 0x9999999999999999, 0x1010101010101010, 0x1111111111111111, 0x1212121212121212,
   0x1313131313131313, 0x1414141414141414, 0x1515151515151515}};

static void test_frames(void) {
  pid_t own = getpid();
  handle(SIGSYS, on_call, 0);
  CHECK_EQUAL(dispatch_on(&selector), 0);
  seen = 0;
  CHECK_EQUAL(plain_call(SYS_getppid), allowed_call(SYS_getppid));
  CHECK_EQUAL(seen, 0);

  selector = dispatched;
  struct registers registers = odd;
  call_by_syscall(&registers);
  selector = made;
  CHECK_EQUAL(seen, 1);
  check_frame(&odd, after_call_by_syscall, odd.rax);
  CHECK_EQUAL(last.si_syscall, SYS_exit_group);
  CHECK_EQUAL(last.si_arch, ARCHITECTURE_X86_64);
  // What SYSCALL itself does to them.
  CHECK_EQUAL(frame[REG_RCX], after_call_by_syscall);
  CHECK_EQUAL(frame[REG_R11], frame[REG_EFL]);
  registers.rcx = odd.rcx;
  registers.r[3] = odd.r[3];
  CHECK(memcmp(&registers, &odd, sizeof odd) == 0);

  // What the handler leaves in RAX is the result; numbers that there are not are told as any other.
  selector = dispatched;
  gives_result = 1;
  result = -12345;
  CHECK_EQUAL(plain_call(0x7FFFFFF0), -12345);
  gives_result = 0;
  CHECK_EQUAL(last.si_syscall, 0x7FFFFFF0);
  CHECK_EQUAL(plain_call(-1), -1);
  CHECK_EQUAL(last.si_syscall, -1);
  CHECK_EQUAL(seen, 3);

  // What is in the range is made all the same.
  CHECK_EQUAL(allowed_call(SYS_getpid), own);
  selector = made;
  CHECK_EQUAL(dispatch_off(), 0);
}

static void test_interrupts(void) {
  struct registers registers = {.rax = 20};
  call_by_interrupt(&registers);
  if (registers.rax != (uint64_t)getpid()) return;  // a Linux without calls of i386
  CHECK_EQUAL(dispatch_on(&selector), 0);
  seen = 0;
  registers = (struct registers){.rax = 20};
  call_by_interrupt(&registers);
  CHECK_EQUAL(registers.rax, allowed_call(SYS_getpid));
  CHECK_EQUAL(seen, 0);
  selector = dispatched;
  registers = odd;
  call_by_interrupt(&registers);
  selector = made;
  CHECK_EQUAL(seen, 1);
  check_frame(&odd, after_call_by_interrupt, (uint32_t)odd.rax);
  CHECK_EQUAL(last.si_syscall, SYS_exit_group);
  CHECK_EQUAL(last.si_arch, ARCHITECTURE_I386);
  CHECK_EQUAL(frame[REG_RCX], odd.rcx);
  CHECK_EQUAL(frame[REG_R11], odd.r[3]);
  registers.rax = odd.rax;
  CHECK(memcmp(&registers, &odd, sizeof odd) == 0);
  CHECK_EQUAL(dispatch_off(), 0);
}

// MARK: Ranges and selectors

static void test_arguments(void) {
  CHECK_EQUAL(dispatch(7, NULL, 0, NULL), -EINVAL);
  CHECK_EQUAL(dispatch(-1, NULL, 0, NULL), -EINVAL);
  CHECK_EQUAL(dispatch((1L << 32) | on, NULL, 0, &selector), -EINVAL);
  CHECK_EQUAL(dispatch(off, (void *)1, 0, NULL), -EINVAL);
  CHECK_EQUAL(dispatch(off, NULL, 1, NULL), -EINVAL);
  CHECK_EQUAL(dispatch(off, NULL, 0, &selector), -EINVAL);
  CHECK_EQUAL(dispatch_off(), 0);
  // Empty, or beyond the end: no range, unless it begins at 0.
  CHECK_EQUAL(dispatch(on, allowed_begin, 0, &selector), -EINVAL);
  CHECK_EQUAL(dispatch(on, (void *)16, -16, &selector), -EINVAL);
  CHECK_EQUAL(dispatch(on, (void *)-16, 16, &selector), -EINVAL);
  CHECK_EQUAL(dispatch(on, (void *)-16, 15, &selector), 0);
  CHECK_EQUAL(dispatch(on, NULL, 0, &selector), 0);
  CHECK_EQUAL(dispatch(on, NULL, -1, &selector), 0);
  // The range is looked at before the selector, and only then.
  CHECK_EQUAL(dispatch(on, allowed_begin, 0, (void *)-1), -EINVAL);
  CHECK_EQUAL(dispatch(on, allowed_begin, 1, (void *)-1), -EFAULT);
  CHECK_EQUAL(dispatch(on, allowed_begin, 1, (void *)0x800000000000), -EFAULT);
  CHECK_EQUAL(dispatch(on, allowed_begin, 1, (void *)0xFFFF888000000000), -EFAULT);
  // What was refused has changed nothing: everything is in the range still.
  selector = dispatched;
  seen = 0;
  CHECK_EQUAL(plain_call(SYS_getppid), allowed_call(SYS_getppid));
  CHECK_EQUAL(seen, 0);
  selector = made;
  CHECK_EQUAL(dispatch_off(), 0);
}

static void test_ranges(void) {
  // The address behind the instruction is the one that counts, and the last byte is not in.
  const char *behind = after_call_by_syscall;
  static const struct { int from, length, isIn; } ranges[] = {{0, 1, 1}, {-5, 5, 0}, {-5, 6, 1}, {1, 5, 0}, {-2, 2, 0}};
  for (unsigned i = 0; i < sizeof ranges / sizeof *ranges; i++) {
    CHECK_EQUAL(dispatch(on, behind + ranges[i].from, ranges[i].length, &selector), 0);
    seen = 0;
    selector = dispatched;
    long value = plain_call(SYS_getppid);
    selector = made;
    // The handler's own way back is outside of these ranges; it finds the selector open.
    CHECK_EQUAL(dispatch_off(), 0);
    CHECK_EQUAL(seen, !ranges[i].isIn);
    CHECK_EQUAL(value, ranges[i].isIn ? getppid() : SYS_getppid);
  }
  // Without a selector everything outside is the program's.
  CHECK_EQUAL(dispatch_on(NULL), 0);
  seen = 0;
  CHECK_EQUAL(plain_call(SYS_getppid), SYS_getppid);
  CHECK_EQUAL(dispatch_off(), 0);
  CHECK_EQUAL(seen, 1);
}
static void on_call_opening(int signal, siginfo_t *information, void *context) {
  selector = made;
  on_call(signal, information, context);
}

// How a child ends that runs `body`.
static int end_of(void (*body)(void)) {
  pid_t pid = fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    body();
    _exit(42);
  }
  int status = -1;
  CHECK_EQUAL(waitpid(pid, &status, 0), pid);
  return status;
}

static char *selector_page(int protection) {
  char *page = mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(page != MAP_FAILED);
  return page;
}
static void call_with_selector(int value) {
  REQUIRE(dispatch_on(&selector) == 0);
  selector = value;
  plain_call(SYS_getppid);
  selector = made;
}
static void with_two(void) { call_with_selector(2); }
static void with_minus_one(void) { call_with_selector(-1); }
static void without_memory(void) {
  handle(SIGSEGV, on_call, 0);
  char *page = selector_page(PROT_READ);
  REQUIRE(dispatch_on(page) == 0);
  REQUIRE(plain_call(SYS_getppid) == getppid());
  REQUIRE(allowed_call(SYS_munmap, page, 4096) == 0);
  plain_call(SYS_getppid);
}
static void without_permission(void) {
  handle(SIGSEGV, on_call, 0);
  REQUIRE(dispatch_on(selector_page(PROT_NONE)) == 0);
  plain_call(SYS_getppid);
}
static void at_the_end(void) {
  REQUIRE(dispatch_on((void *)0x7FFFFFFFEFFF) == 0);
  plain_call(SYS_getppid);
}
static void blocked(void) {
  uint64_t set = 1UL << (SIGSYS - 1);
  REQUIRE(allowed_call(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 8) == 0);
  call_with_selector(dispatched);
}
static void ignored(void) {
  signal(SIGSYS, SIG_IGN);
  call_with_selector(dispatched);
}
static void by_default(void) {
  signal(SIGSYS, SIG_DFL);
  call_with_selector(dispatched);
}
// The handler's own way back is dispatched, while SIGSYS is blocked.
static void way_back(void) {
  REQUIRE(dispatch(on, (void *)1, 1, &selector) == 0);
  selector = dispatched;
  plain_call(SYS_getppid);
}
static void caught(void) { call_with_selector(dispatched); }

static void test_ends(void) {
  CHECK_EQUAL(end_of(caught), 42 << 8);
  CHECK_EQUAL(end_of(with_two), SIGSYS);
  CHECK_EQUAL(end_of(with_minus_one), SIGSYS);
  CHECK_EQUAL(end_of(without_memory), SIGSEGV);
  CHECK_EQUAL(end_of(without_permission), SIGSEGV);
  CHECK_EQUAL(end_of(at_the_end), SIGSEGV);
  CHECK_EQUAL(end_of(blocked), SIGSYS);
  CHECK_EQUAL(end_of(ignored), SIGSYS);
  CHECK_EQUAL(end_of(by_default), SIGSYS);
  CHECK_EQUAL(end_of(way_back), SIGSYS);
}

// MARK: Restarts

static int ends[2];
static void on_alarm(int signal, siginfo_t *information, void *context) { selector = dispatched; }

// A read that a signal breaks into is made again, and the program's by then.
static void test_restarts(void) {
  handle(SIGALRM, on_alarm, SA_RESTART);
  REQUIRE(pipe(ends) == 0);
  char byte;
  CHECK_EQUAL(dispatch_on(&selector), 0);
  seen = 0;
  alarm(1);
  struct registers registers = {.rax = SYS_read, .rdi = ends[0], .rsi = (uintptr_t)&byte, .rdx = 1};
  call_by_syscall(&registers);
  selector = made;
  CHECK_EQUAL(registers.rax, SYS_read);
  CHECK_EQUAL(seen, 1);
  CHECK_EQUAL(last.si_syscall, SYS_read);
  CHECK_EQUAL(last.si_call_addr, after_call_by_syscall);
  CHECK_EQUAL(frame[REG_RDI], ends[0]);
  CHECK_EQUAL(dispatch_off(), 0);
  close(ends[0]);
  close(ends[1]);
}

// MARK: Threads, forks and programs

static void child_calls(void) {
  allowed_call(SYS_exit_group, plain_call(SYS_getppid) == allowed_call(SYS_getppid) ? 42 : 1);
}

static volatile int may_call;

static void *calls_freely(void *unused) {
  while (!may_call) sched_yield();
  selector = dispatched;
  long identifier = plain_call(SYS_gettid);
  selector = made;
  return (void *)(uintptr_t)(identifier == allowed_call(SYS_gettid));
}

static void test_inheritance(void) {
  CHECK_EQUAL(dispatch_on(&selector), 0);
  // The child has a copy of the selector, and begins with all calls made.
  selector = dispatched;
  pid_t pid = allowed_call(SYS_fork);
  if (pid == 0) child_calls();
  int status = -1;
  long waited = allowed_call(SYS_wait4, pid, &status, 0, NULL);
  // The parent's are its own still.
  seen = 0;
  long value_of_parent = plain_call(SYS_getppid);
  selector = made;
  CHECK_EQUAL(waited, pid);
  CHECK_EQUAL(status, 42 << 8);
  CHECK_EQUAL(value_of_parent, SYS_getppid);
  CHECK_EQUAL(seen, 1);

  pthread_t thread;
  void *value = NULL;
  REQUIRE(pthread_create(&thread, NULL, calls_freely, NULL) == 0);
  CHECK_EQUAL(dispatch_off(), 0);
  may_call = 1;
  REQUIRE(pthread_join(thread, &value) == 0);
  CHECK(value != NULL);
}

// The new program has nothing at the selector's address.
static void new_program(void) {
  REQUIRE(dispatch_on(selector_page(PROT_READ)) == 0);
  char *const arguments[] = {"syscall-dispatch", "executed", NULL};
  execv("/proc/self/exe", arguments);
}

static volatile char turning;
static volatile int ended;
enum { turns = 3000 };

struct counts { long made, dispatched, other; };
static void *calls_much(void *given) {
  struct counts *counts = given;
  REQUIRE(dispatch_on(&turning) == 0);
  gives_result = 1;
  result = -77;
  pid_t parent = allowed_call(SYS_getppid);
  for (int i = 0; (i < turns || !counts->made || !counts->dispatched) && i < 1000 * turns; i++) {
    long value = plain_call(SYS_getppid);
    if (value == parent) counts->made++;
    else if (value == -77) counts->dispatched++;
    else counts->other++;
  }
  REQUIRE(dispatch_off() == 0);
  ended = 1;
  return NULL;
}
// Has calls of its own, which nobody turns.
static void *calls_beside(void *given) {
  struct counts *counts = given;
  static volatile char own = dispatched;
  REQUIRE(dispatch_on(&own) == 0);
  for (int i = 0; i < turns; i++) {
    if (plain_call(SYS_getppid) == SYS_getppid) counts->dispatched++;
    else counts->other++;
  }
  REQUIRE(dispatch_off() == 0);
  return NULL;
}

static void test_threads(void) {
  pthread_t first, second;
  struct counts turned = {0}, steady = {0};
  REQUIRE(pthread_create(&first, NULL, calls_much, &turned) == 0);
  REQUIRE(pthread_create(&second, NULL, calls_beside, &steady) == 0);
  while (!ended) {
    turning = !turning;
    sched_yield();
  }
  REQUIRE(pthread_join(first, NULL) == 0 && pthread_join(second, NULL) == 0);
  CHECK(turned.made > 0);
  CHECK(turned.dispatched > 0);
  CHECK_EQUAL(turned.other, 0);
  CHECK_EQUAL(steady.dispatched, turns);
  CHECK_EQUAL(steady.other, 0);
}

// MARK: A tracer

static void traced_calls(void) {
  seen = 0;
  handle(SIGSYS, on_call, 0);
  if (dispatch_on(&selector) != 0) allowed_call(SYS_exit_group, 98);
  selector = dispatched;
  if (plain_call(SYS_getppid) != SYS_getppid || seen != 1) allowed_call(SYS_exit_group, 97);
  selector = made;
  if (plain_call(SYS_gettid) != allowed_call(SYS_getpid)) allowed_call(SYS_exit_group, 96);
  // Its tracer has gone by now, and this stays as it is.
  selector = dispatched;
  if (plain_call(SYS_getppid) != SYS_getppid || seen != 2) allowed_call(SYS_exit_group, 95);
  allowed_call(SYS_exit_group, 42);
}

static struct user_regs_struct registers_of(pid_t pid) {
  struct user_regs_struct registers = {0};
  CHECK_EQUAL(trace(PTRACE_GETREGS, pid, 0, (uintptr_t)&registers), 0);
  return registers;
}
// To the next stop of a call, which is to be one of this number.
static void to_call(pid_t pid, unsigned long number) {
  CHECK_EQUAL(trace(PTRACE_SYSCALL, pid, 0, 0), 0);
  CHECK_WAIT(pid, STOPPED(SIGTRAP | 0x80, 0));
  CHECK_EQUAL(registers_of(pid).orig_rax, number);
}

static void test_tracer(void) {
  pid_t pid = traced(traced_calls);
  CHECK_EQUAL(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL), 0);
  for (int i = 0; i < 2; i++) to_call(pid, SYS_rt_sigaction);
  for (int i = 0; i < 2; i++) to_call(pid, SYS_prctl);
  // The call that is dispatched makes no stop, but its signal does.
  CHECK_EQUAL(trace(PTRACE_SYSCALL, pid, 0, 0), 0);
  CHECK_WAIT(pid, STOPPED(SIGSYS, 0));
  struct user_regs_struct registers = registers_of(pid);
  CHECK_EQUAL(registers.rip, after_call_by_syscall);
  CHECK_EQUAL(registers.rax, SYS_getppid);
  CHECK_EQUAL(registers.orig_rax, SYS_getppid);
  siginfo_t information;
  CHECK_EQUAL(trace(PTRACE_GETSIGINFO, pid, 0, (uintptr_t)&information), 0);
  CHECK_EQUAL(information.si_code, 2);
  CHECK_EQUAL(information.si_syscall, SYS_getppid);
  CHECK_EQUAL(trace(PTRACE_SYSCALL, pid, 0, SIGSYS), 0);
  CHECK_WAIT(pid, STOPPED(SIGTRAP | 0x80, 0));
  CHECK_EQUAL(registers_of(pid).orig_rax, SYS_rt_sigreturn);
  CHECK_EQUAL(trace(PTRACE_SYSCALL, pid, 0, 0), 0);
  CHECK_WAIT(pid, STOPPED(SIGTRAP | 0x80, 0));
  for (int i = 0; i < 2; i++) to_call(pid, SYS_gettid);
  for (int i = 0; i < 2; i++) to_call(pid, SYS_getpid);
  CHECK_EQUAL(trace(PTRACE_DETACH, pid, 0, 0), 0);
  CHECK_WAIT(pid, 42 << 8);
}

// A step over a call that is dispatched ends at its signal; one over a call that is made behind it.
static void test_steps(void) {
  pid_t pid = traced(traced_calls);
  struct user_regs_struct registers;
  int status = -1, steps = 0, sawMade = 0;
  while (steps++ < 20000) {
    CHECK_EQUAL(trace(PTRACE_SINGLESTEP, pid, 0, 0), 0);
    REQUIRE(waitpid(pid, &status, 0) == pid);
    if (status != STOPPED(SIGTRAP, 0)) break;
    if (registers_of(pid).rip == (uintptr_t)after_allowed_call) sawMade++;
  }
  CHECK_EQUAL(status, STOPPED(SIGSYS, 0));
  CHECK_EQUAL(sawMade, 2);
  registers = registers_of(pid);
  CHECK_EQUAL(registers.rip, after_call_by_syscall);
  CHECK_EQUAL(registers.rax, SYS_getppid);
  for (int i = 0; i < 2; i++) {
    CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, SIGSYS), 0);
    CHECK_WAIT(pid, i == 0 ? STOPPED(SIGSYS, 0) : 42 << 8);
  }
}

// No tracer can keep a program from this end.
static void test_forced_end(void) {
  pid_t pid = traced(with_two);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  int status = -1;
  CHECK_EQUAL(waitpid(pid, &status, 0), pid);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
  pid = traced(without_permission);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  CHECK_EQUAL(waitpid(pid, &status, 0), pid);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

int main(int count, char **arguments) {
  if (count > 1 && strcmp(arguments[1], "executed") == 0) return plain_call(SYS_getppid) == getppid() ? 42 : 1;
  test_frames();
  test_interrupts();
  test_arguments();
  handle(SIGSYS, on_call_opening, 0);
  test_ranges();
  handle(SIGSYS, on_call, 0);
  test_ends();
  test_restarts();
  test_inheritance();
  CHECK_EQUAL(end_of(new_program), 42 << 8);
  test_threads();
  test_tracer();
  test_steps();
  test_forced_end();
  return finish();
}
