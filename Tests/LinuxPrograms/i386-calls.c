// Built with musl too.
// INT 0x80 in 64-bit programs: i386 numbers, arguments of 32 bits, all other registers kept, restarts, what a tracer sees
// of it, and set_thread_area(2), which there is by this way alone.
#include "check.h"
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>

#ifndef PTRACE_GET_SYSCALL_INFO
#define PTRACE_GET_SYSCALL_INFO 0x420e
#endif

// RAX, RBX, RCX, RDX, RSI, RDI, RBP, R8 to R15.
struct registers { uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r[8]; };

// Makes the call with all registers as given, and leaves all of them there.
__attribute__((naked, noinline))
static void call_with(struct registers *registers) {
  __asm__(
    "push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n push %rdi\n"
    "mov 0(%rdi), %rax\n mov 8(%rdi), %rbx\n mov 16(%rdi), %rcx\n mov 24(%rdi), %rdx\n mov 32(%rdi), %rsi\n"
    "mov 48(%rdi), %rbp\n mov 56(%rdi), %r8\n mov 64(%rdi), %r9\n mov 72(%rdi), %r10\n mov 80(%rdi), %r11\n"
    "mov 88(%rdi), %r12\n mov 96(%rdi), %r13\n mov 104(%rdi), %r14\n mov 112(%rdi), %r15\n mov 40(%rdi), %rdi\n"
    "int $0x80\n"
    "xchg %rdi, (%rsp)\n"
    "mov %rax, 0(%rdi)\n mov %rbx, 8(%rdi)\n mov %rcx, 16(%rdi)\n mov %rdx, 24(%rdi)\n mov %rsi, 32(%rdi)\n"
    "mov %rbp, 48(%rdi)\n mov %r8, 56(%rdi)\n mov %r9, 64(%rdi)\n mov %r10, 72(%rdi)\n mov %r11, 80(%rdi)\n"
    "mov %r12, 88(%rdi)\n mov %r13, 96(%rdi)\n mov %r14, 104(%rdi)\n mov %r15, 112(%rdi)\n pop 40(%rdi)\n"
    "pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n ret\n");
}

// What lies above the 32 bits that count.
#define RUBBISH 0xA5C3F00D00000000

static uint64_t changed;

static long call6(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f) {
  struct registers before = {
    RUBBISH | (uint32_t)number, RUBBISH | (uint32_t)a, RUBBISH | (uint32_t)b, RUBBISH | (uint32_t)c,
    RUBBISH | (uint32_t)d, RUBBISH | (uint32_t)e, RUBBISH | (uint32_t)f,
    {0x8888888888888888, 0x9999999999999999, 0x1010101010101010, 0x1111111111111111, 0x1212121212121212,
     0x1313131313131313, 0x1414141414141414, 0x1515151515151515}};
  struct registers after = before;
  call_with(&after);
  long result = after.rax;
  after.rax = before.rax;
  if (memcmp(&before, &after, sizeof before) != 0) changed++;
  return result;
}
#define CALL_(number, a, b, c, d, e, f, ...) \
  call6(number, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), (uint64_t)(d), (uint64_t)(e), (uint64_t)(f))
#define CALL(number, ...) CALL_(number, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)

enum {
  EXIT = 1, FORK = 2, READ = 3, WRITE = 4, OPEN = 5, CLOSE = 6, WAITPID = 7, LSEEK = 19, GETPID = 20, UMOUNT = 22,
  GETUID16 = 24, PAUSE = 29, KILL = 37, DUP = 41, PIPE = 42, BRK = 45, FCNTL = 55, DUP2 = 63, GETPPID = 64,
  MUNMAP = 91, TRUNCATE = 92, UNAME = 122, MPROTECT = 125, GETPGID = 132, SCHED_YIELD = 158, POLL = 168, VFORK = 190,
  MMAP2 = 192, GETUID = 199, GETTID = 224, FCNTL64 = 221, SET_THREAD_AREA = 243, GET_THREAD_AREA = 244,
  EXIT_GROUP = 252, TGKILL = 270, CLOCK_GETTIME64 = 403, CLOCK_NANOSLEEP64 = 407, RESTART = 0,
};

// Below 4 GiB, so that a pointer of 32 bits leads there.
static char *low;

static void simple_calls(void) {
  CHECK_EQUAL(CALL(GETPID), getpid());
  CHECK_EQUAL(CALL(GETTID), syscall(SYS_gettid));
  CHECK_EQUAL(CALL(GETPPID), getppid());
  CHECK_EQUAL(CALL(GETUID), getuid());
  CHECK_EQUAL(CALL(GETUID16), getuid() > 0xFFFF ? 65534 : getuid());
  CHECK_EQUAL(CALL(SCHED_YIELD), 0);
  // The heap lies where 32 bits do not reach: its end is told all the same.
  CHECK_EQUAL(CALL(BRK, 0), syscall(SYS_brk, 0));
  CHECK_EQUAL(CALL(UNAME, low), 0);
  CHECK_TEXT(low, "Linux");
  CHECK_EQUAL(CALL(UNAME, 8), -EFAULT);

  int *ends = (int *)low;
  REQUIRE(CALL(PIPE, ends) == 0);
  memcpy(low + 16, "seven..", 7);
  CHECK_EQUAL(CALL(WRITE, ends[1], low + 16, 7), 7);
  CHECK_EQUAL(CALL(READ, ends[0], low + 32, 100), 7);
  CHECK(memcmp(low + 32, "seven..", 7) == 0);
  CHECK_EQUAL(CALL(WRITE, ends[1], 0xFFFFF000, 7), -EFAULT);
  int copy = CALL(DUP, ends[0]);
  CHECK(copy > 2);
  CHECK_EQUAL(CALL(DUP2, ends[0], 77), 77);
  CHECK_EQUAL(CALL(FCNTL, 77, F_GETFD), 0);
  CHECK_EQUAL(CALL(FCNTL64, 77, F_SETFD, FD_CLOEXEC), 0);
  CHECK_EQUAL(fcntl(77, F_GETFD), FD_CLOEXEC);
  struct pollfd *entry = (struct pollfd *)(low + 64);
  *entry = (struct pollfd){.fd = 77, .events = POLLIN};
  CHECK_EQUAL(CALL(POLL, entry, 1, 0), 0);
  CHECK_EQUAL(CALL(CLOSE, 77), 0);
  CHECK_EQUAL(CALL(CLOSE, copy), 0);
  CHECK_EQUAL(CALL(CLOSE, ends[0]), 0);
  CHECK_EQUAL(CALL(CLOSE, ends[1]), 0);
  struct timespec *time = (struct timespec *)low, own;
  CHECK_EQUAL(CALL(CLOCK_GETTIME64, CLOCK_MONOTONIC, time), 0);
  clock_gettime(CLOCK_MONOTONIC, &own);
  CHECK(own.tv_sec - time->tv_sec < 5);
}

static void signs(void) {
  CHECK_EQUAL(CALL(CLOSE, -1), -EBADF);
  CHECK_EQUAL(CALL(WAITPID, -1, 0, WNOHANG), -ECHILD);
  CHECK_EQUAL(CALL(GETPGID, -5), -ESRCH);
  CHECK_EQUAL(CALL(KILL, -getpgrp(), 0), 0);
  CHECK_EQUAL(CALL(KILL, INT_MAX, 0), -ESRCH);
  CHECK_EQUAL(CALL(KILL, getpid(), -1), -EINVAL);
  CHECK_EQUAL(CALL(TGKILL, getpid(), -1, 0), -EINVAL);
  strcpy(low, "/tmp/i386-calls");
  int file = CALL(OPEN, low, O_RDWR | O_CREAT | O_TRUNC, 0600);
  REQUIRE(file >= 0);
  CHECK_EQUAL(write(file, "abcdef", 6), 6);
  CHECK_EQUAL(CALL(LSEEK, file, -2, SEEK_END), 4);
  CHECK_EQUAL(CALL(LSEEK, file, -2, SEEK_SET), -EINVAL);
  CHECK_EQUAL(CALL(TRUNCATE, low, -1), -EINVAL);
  CHECK_EQUAL(CALL(TRUNCATE, low, 5), 0);
  CHECK_EQUAL(lseek(file, 0, SEEK_END), 5);
  // The offset is in pages.
  char page[4096];
  memset(page, 'x', sizeof page);
  for (int i = 0; i < 4; i++) CHECK_EQUAL(pwrite(file, page, sizeof page, i * 4096), 4096);
  CHECK_EQUAL(pwrite(file, "third", 5, 8192), 5);
  long place = CALL(MMAP2, 0, 4096, PROT_READ, MAP_PRIVATE, file, 2);
  CHECK(place > 0 && place + 4096 <= 1l << 32);
  if (place > 0) CHECK(memcmp((char *)place, "third", 5) == 0);
  CHECK_EQUAL(CALL(MUNMAP, place, 4096), 0);
  long hint = 0xA5A50000;
  place = CALL(MMAP2, hint, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK_EQUAL(place, hint);
  CHECK_EQUAL(CALL(MMAP2, hint, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0xFFFFFFFF), hint);
  CHECK_EQUAL(CALL(MPROTECT, hint, 8192, PROT_READ), 0);
  CHECK_EQUAL(CALL(MUNMAP, hint, 8192), 0);
  // What is there already is not taken.
  place = CALL(MMAP2, low, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(place > 0 && place + 4096 <= 1l << 32 && place != (long)low);
  CHECK_EQUAL(munmap((void *)place, 4096), 0);
  close(file);
  unlink("/tmp/i386-calls");
}

static void children(void) {
  for (int round = 0; round < 3; round++) {
    long child = CALL(FORK);
    if (child == 0) {
      if (changed) CALL(EXIT_GROUP, 1);
      CALL(round == 0 ? EXIT : EXIT_GROUP, 42 + round);
    }
    REQUIRE(child > 0);
    int *status = (int *)low;
    CHECK_EQUAL(CALL(WAITPID, child, status, 0), child);
    CHECK_EQUAL(WEXITSTATUS(*status), 42 + round);
  }
}

static void hostile_numbers(void) {
  static const uint32_t numbers[] = {17, 31, 32, 222, 223, 251, 285, 387, 400 + 15, 0x40000014, 0x7FFFFFFF, 0x80000000,
                                     0x80000014, 0xFFFFFFFE, 1000, 4096, 65536 + 20};
  for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    CHECK_EQUAL(CALL(numbers[i], 1, 2, 3, 4, 5, 6), -ENOSYS);
  }
  CHECK_EQUAL(CALL(-1, 1, 2, 3, 4, 5, 6), -ENOSYS);
  // Nothing was interrupted that could go on.
  CHECK_EQUAL(CALL(RESTART), -EINTR);
  // i386 alone has them.
  CHECK_ERROR(syscall(205, low), ENOSYS);
  CHECK_ERROR(syscall(211, low), ENOSYS);
}

// --- Signals

static volatile int handled;
static void on_signal(int number) { handled++; }

static void handle(int signal, int flags) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};
  sigaction(signal, &action, NULL);
}

static long elapsed(const struct timespec *from) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (now.tv_sec - from->tv_sec) * 1000 + (now.tv_nsec - from->tv_nsec) / 1000000;
}

// Until a process waits: /proc tells, as no length of time does.
static void wait_until_asleep(pid_t process) {
  char path[32], text[256], *name_end;
  snprintf(path, sizeof path, "/proc/%d/stat", process);
  do {
    usleep(1000);
    int file = open(path, O_RDONLY);
    ssize_t count = read(file, text, sizeof text - 1);
    close(file);
    if (count <= 0) _exit(1);
    text[count] = 0;
    name_end = strrchr(text, ')');
  } while (name_end == NULL || name_end[2] != 'S');
}

// A child that sends a signal once its parent waits, and another later; or writes to a pipe then.
static pid_t send_later(int first, int second, int end) {
  pid_t parent = getpid(), child = fork();
  REQUIRE(child >= 0);
  if (child > 0) return child;
  wait_until_asleep(parent);
  kill(parent, first);
  usleep(100000);
  if (second) kill(parent, second);
  if (end >= 0 && write(end, "!", 1) != 1) _exit(1);
  _exit(0);
}

static void restarts(void) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  handle(SIGUSR1, SA_RESTART);
  handled = 0;
  pid_t child = send_later(SIGUSR1, 0, ends[1]);
  CHECK_EQUAL(CALL(READ, ends[0], low, 10), 1);
  CHECK_EQUAL(handled, 1);
  waitpid(child, NULL, 0);

  handle(SIGUSR1, 0);
  child = send_later(SIGUSR1, 0, -1);
  CHECK_EQUAL(CALL(READ, ends[0], low, 10), -EINTR);
  CHECK_EQUAL(handled, 2);
  waitpid(child, NULL, 0);
  CHECK_EQUAL(write(ends[1], "!", 1), 1);
  CHECK_EQUAL(CALL(READ, ends[0], low, 10), 1);

  child = send_later(SIGUSR1, 0, -1);
  CHECK_EQUAL(CALL(PAUSE), -EINTR);
  CHECK_EQUAL(handled, 3);
  waitpid(child, NULL, 0);

  // A stop in the middle: the call goes on by restart_syscall, whose number is i386's.
  struct timespec *time = (struct timespec *)low, begin;
  *time = (struct timespec){.tv_nsec = 500000000};
  clock_gettime(CLOCK_MONOTONIC, &begin);
  child = send_later(SIGSTOP, SIGCONT, -1);
  CHECK_EQUAL(CALL(CLOCK_NANOSLEEP64, CLOCK_MONOTONIC, 0, time, 0), 0);
  CHECK(elapsed(&begin) >= 500);
  waitpid(child, NULL, 0);
  struct pollfd *entry = (struct pollfd *)low;
  *entry = (struct pollfd){.fd = ends[0], .events = POLLIN};
  clock_gettime(CLOCK_MONOTONIC, &begin);
  child = send_later(SIGSTOP, SIGCONT, -1);
  CHECK_EQUAL(CALL(POLL, entry, 1, 500), 0);
  CHECK(elapsed(&begin) >= 500);
  waitpid(child, NULL, 0);
  // The other way in again, after one by this way.
  entry->revents = 1;
  child = send_later(SIGSTOP, SIGCONT, -1);
  CHECK_EQUAL(syscall(SYS_poll, entry, 1, 500), 0);
  CHECK_EQUAL(entry->revents, 0);
  waitpid(child, NULL, 0);
  close(ends[0]);
  close(ends[1]);
  handle(SIGUSR1, SA_RESTART);
}

// --- A tracer

static int next_stop(pid_t child, int request) {
  int status = 0;
  if (ptrace(request, child, 0, 0) != 0 || waitpid(child, &status, 0) != child) return -1;
  return status;
}

struct call_information {
  uint8_t kind;
  uint32_t architecture;
  uint64_t rip, rsp;
  uint64_t words[8];
};

static void seen_by_a_tracer(void) {
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    long first = CALL(GETPID, 11, 12, 13, 14, 15, 16);
    long second = CALL(GETPID, 0);
    // Another call is made in the place of the second.
    _exit(first != getpid() || second != getppid() || changed);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child && WIFSTOPPED(status));
  REQUIRE(ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) == 0);
  struct user_regs_struct registers;
  struct call_information call;
  // What raise(3) calls besides comes before.
  int is_found = 0;
  while (!is_found) {
    REQUIRE(next_stop(child, PTRACE_SYSCALL) > 0);
    REQUIRE(ptrace(PTRACE_GETREGS, child, 0, &registers) == 0);
    REQUIRE(ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof call, &call) > 0);
    is_found = registers.orig_rax == GETPID && registers.rsi == (RUBBISH | 14);
    if (!is_found) CHECK_EQUAL(call.architecture, 0xC000003E);
  }
  CHECK_EQUAL((int)registers.rax, -ENOSYS);
  CHECK_EQUAL(call.kind, 1);
  CHECK_EQUAL(call.architecture, 0x40000003);
  CHECK_EQUAL(call.words[0], GETPID);
  for (int i = 0; i < 6; i++) CHECK_EQUAL((uint32_t)call.words[1 + i], 11 + i);
  errno = 0;
  long instruction = ptrace(PTRACE_PEEKTEXT, child, registers.rip - 2, 0);
  CHECK_EQUAL(instruction & 0xFFFF, 0x80CD);
  REQUIRE(next_stop(child, PTRACE_SYSCALL) > 0);
  REQUIRE(ptrace(PTRACE_GETREGS, child, 0, &registers) == 0);
  REQUIRE(ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof call, &call) > 0);
  CHECK_EQUAL(registers.rax, child);
  CHECK_EQUAL(registers.orig_rax, GETPID);
  CHECK_EQUAL(call.kind, 2);
  CHECK_EQUAL(call.architecture, 0x40000003);
  CHECK_EQUAL(call.words[0], child);
  // The second, which is told to be another.
  do {
    REQUIRE(next_stop(child, PTRACE_SYSCALL) > 0);
    REQUIRE(ptrace(PTRACE_GETREGS, child, 0, &registers) == 0);
  } while (registers.orig_rax != GETPID);
  registers.orig_rax = GETPPID;
  CHECK_EQUAL(ptrace(PTRACE_SETREGS, child, 0, &registers), 0);
  CHECK_EQUAL(ptrace(PTRACE_CONT, child, 0, 0), 0);
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK_EQUAL(status, 0);
}

static void single_steps(void) {
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    long result;
    __asm__ volatile("int3\n\tint $0x80\n\tnop\n\tnop" : "=a"(result) : "a"(GETPID) : "memory");
    _exit(result != getpid());
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child && WIFSTOPPED(status));
  struct user_regs_struct registers;
  REQUIRE(ptrace(PTRACE_GETREGS, child, 0, &registers) == 0);
  uint64_t begin = registers.rip;
  // The call is an instruction of two bytes, and the stop comes right behind it.
  for (int i = 0; i < 2; i++) {
    REQUIRE(WIFSTOPPED(next_stop(child, PTRACE_SINGLESTEP)));
    REQUIRE(ptrace(PTRACE_GETREGS, child, 0, &registers) == 0);
    CHECK_EQUAL(registers.rip, begin + 2 + i);
    if (i == 0) CHECK_EQUAL(registers.rax, child);
  }
  CHECK_EQUAL(ptrace(PTRACE_CONT, child, 0, 0), 0);
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK_EQUAL(status, 0);
}

// --- Segments of one's own

struct description { uint32_t entry, base, limit, bits; };
enum { IS_32BIT = 1, EXPANDS_DOWN = 2, IS_CODE = 4, READ_ONLY = 8, IN_PAGES = 16, NOT_PRESENT = 32, USABLE = 64 };

static long set_area(uint32_t entry, uint64_t base, uint32_t limit, uint32_t bits) {
  struct description *area = (struct description *)(low + 2048);
  *area = (struct description){entry, base, limit, bits};
  return CALL(SET_THREAD_AREA, area);
}
static struct description *get_area(uint32_t entry) {
  struct description *area = (struct description *)(low + 2048);
  *area = (struct description){.entry = entry};
  CHECK_EQUAL(CALL(GET_THREAD_AREA, area), 0);
  CHECK_EQUAL(area->entry, entry);
  return area;
}

static uint16_t gs(void) {
  uint32_t selector;
  __asm__ volatile("movl %%gs, %0" : "=r"(selector));
  return selector;
}
static void set_gs(uint16_t selector) { __asm__ volatile("movl %0, %%gs" : : "r"((uint32_t)selector) : "memory"); }
static uint64_t at_gs(void) {
  uint64_t value;
  __asm__ volatile("movq %%gs:0, %0" : "=r"(value));
  return value;
}

static void areas(void) {
  *(uint64_t *)low = 0x1001;
  *(uint64_t *)(low + 8) = 0x2002;
  CHECK_EQUAL(set_area(-1, (uint64_t)low, 0xFFFFF, IS_32BIT | IN_PAGES | USABLE), 0);
  uint32_t first = ((struct description *)(low + 2048))->entry;
  CHECK_EQUAL(first, 12);
  struct description *area = get_area(first);
  CHECK_EQUAL(area->base, (uint32_t)(uint64_t)low);
  CHECK_EQUAL(area->limit, 0xFFFFF);
  CHECK_EQUAL(area->bits, IS_32BIT | IN_PAGES | USABLE);
  set_gs(first << 3 | 3);
  CHECK_EQUAL(at_gs(), 0x1001);
  // It is the segment's base that counts, at once.
  CHECK_EQUAL(set_area(first, (uint64_t)low + 8, 0xFFFFF, IS_32BIT | IN_PAGES), 0);
  CHECK_EQUAL(at_gs(), 0x2002);
  CHECK_EQUAL(gs(), first << 3 | 3);
  CHECK_EQUAL(set_area(-1, 0x12345678, 0x9ABCD, IS_32BIT | EXPANDS_DOWN | READ_ONLY), 0);
  CHECK_EQUAL(set_area(-1, 0x87654321, 5, IS_32BIT), 0);
  CHECK_EQUAL(set_area(-1, 0, 5, IS_32BIT), -ESRCH);
  area = get_area(13);
  CHECK_EQUAL(area->base, 0x12345678);
  CHECK_EQUAL(area->limit, 0x9ABCD);
  CHECK_EQUAL(area->bits, IS_32BIT | EXPANDS_DOWN | READ_ONLY);
  area = get_area(14);
  CHECK_EQUAL(area->base, 0x87654321);
  // What it does not take.
  CHECK_EQUAL(set_area(13, 1, 5, 0), -EINVAL);
  CHECK_EQUAL(set_area(13, 1, 5, IS_32BIT | IS_CODE), -EINVAL);
  CHECK_EQUAL(set_area(13, 1, 5, IS_32BIT | NOT_PRESENT), -EINVAL);
  static const uint32_t others[] = {0, 5, 6, 11, 15, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE};
  for (unsigned i = 0; i < sizeof others / sizeof *others; i++) {
    CHECK_EQUAL(set_area(others[i], 1, 5, IS_32BIT), -EINVAL);
    *(struct description *)(low + 2048) = (struct description){.entry = others[i]};
    CHECK_EQUAL(CALL(GET_THREAD_AREA, low + 2048), -EINVAL);
  }
  CHECK_EQUAL(CALL(SET_THREAD_AREA, 8), -EFAULT);
  CHECK_EQUAL(CALL(GET_THREAD_AREA, 8), -EFAULT);
  // Two ways to say that there is none; a selector in use becomes null with it.
  CHECK_EQUAL(set_area(13, 0, 0, READ_ONLY | NOT_PRESENT), 0);
  CHECK_EQUAL(set_area(14, 0, 0, 0), 0);
  area = get_area(13);
  CHECK_EQUAL(area->base | area->limit, 0);
  CHECK_EQUAL(area->bits, READ_ONLY | NOT_PRESENT);
  CHECK_EQUAL(gs(), first << 3 | 3);
  CHECK_EQUAL(set_area(first, 0, 0, 0), 0);
  CHECK_EQUAL(gs() & ~3, 0);
  sched_yield();
  CHECK_EQUAL(gs() & ~3, 0);
}

// Processes and threads with segments of their own, and others with none, over switches and moves.
static int keeps_areas(int seed) {
  uint64_t *words = (uint64_t *)low;
  for (int i = 0; i < 3; i++) words[i * 8] = seed * 1000 + i;
  if (seed % 3 == 0) {
    // Nobody else's.
    for (int i = 0; i < 2000; i++) {
      uint32_t rights = 0;
      char is_valid;
      __asm__ volatile("larl %2, %0\n\tsetz %1" : "+r"(rights), "=r"(is_valid) : "r"(12 << 3 | 3) : "cc");
      if (is_valid) return 1;
      if (i % 50 == 0) sched_yield();
    }
    return 0;
  }
  for (int i = 0; i < 3; i++) {
    if (set_area(-1, (uint64_t)&words[i * 8], 0xFFFFF, IS_32BIT | IN_PAGES) != 0) return 2;
  }
  for (int turn = 0; turn < 300; turn++) {
    int which = turn % 3;
    uint16_t selector = (12 + which) << 3 | (turn % 4);
    set_gs(selector);
    if (turn % 7 == 0) sched_yield();
    for (volatile int i = 0; i < 2000; i++) {}
    if (gs() != selector || at_gs() != (uint64_t)(seed * 1000 + which)) return 3;
    if (turn % 100 == 50) {
      // A child has its parent's.
      pid_t child = fork();
      if (child == 0) _exit(gs() != selector || at_gs() != (uint64_t)(seed * 1000 + which));
      int status = 1;
      waitpid(child, &status, 0);
      if (status != 0) return 4;
    }
  }
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_nvcsw + usage.ru_nivcsw > 0 ? 0 : 5;
}

static void areas_are_kept(char **arguments) {
  pid_t children[8];
  for (int i = 0; i < 8; i++) {
    children[i] = fork();
    REQUIRE(children[i] >= 0);
    if (children[i] > 0) continue;
    int result = keeps_areas(i + 1);
    if (result) {
      say("not ok: segments of process %d: %d", i, result);
      _exit(1);
    }
    char *again[] = {arguments[0], "again", NULL}, *environment[] = {NULL};
    execve(arguments[0], again, environment);
    _exit(2);
  }
  for (int i = 0; i < 8; i++) {
    int status = -1;
    waitpid(children[i], &status, 0);
    CHECK_EQUAL(status, 0);
  }
}

int main(int count, char **arguments) {
  low = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  REQUIRE(low != MAP_FAILED);
  if (count > 1) {
    // A new program has none.
    CHECK_EQUAL(get_area(12)->bits, READ_ONLY | NOT_PRESENT);
    CHECK_EQUAL(get_area(14)->bits, READ_ONLY | NOT_PRESENT);
    return finish();
  }
  simple_calls();
  signs();
  children();
  hostile_numbers();
  restarts();
  seen_by_a_tracer();
  single_steps();
  areas();
  areas_are_kept(arguments);
  CHECK_EQUAL(changed, 0);
  return finish();
}
