// ptrace(2), PTRACE_POKEUSER of u_debugreg: hardware breakpoints and watchpoints, each thread's its own.
#include "tracing.h"
#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/user.h>

#ifndef TRAP_HWBKPT
#define TRAP_HWBKPT 4
#endif

static long poke(pid_t pid, int number, uintptr_t value) {
  return trace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg) + number * 8, value);
}
static unsigned long peek(pid_t pid, int number) {
  unsigned long value = 0xEEEE;
  CHECK_EQUAL(trace(PTRACE_PEEKUSER, pid, offsetof(struct user, u_debugreg) + number * 8, (uintptr_t)&value), 0);
  return value;
}
static unsigned long instruction_pointer(pid_t pid) {
  unsigned long value = 0;
  CHECK_EQUAL(trace(PTRACE_PEEKUSER, pid, offsetof(struct user_regs_struct, rip), (uintptr_t)&value), 0);
  return value;
}

enum { EXECUTE = 0, WRITE = 1, PORT = 2, ACCESS = 3 };
enum { ONE = 0, TWO = 1, EIGHT = 2, FOUR = 3 };
#define STATUS(bits) (0xFFFF0FF0ul | (bits))
static uintptr_t control(int number, int kind, int length) {
  return 1ul << number * 2 | (uintptr_t)(length << 2 | kind) << (16 + number * 4);
}

static siginfo_t go_on_to_trap(pid_t pid, int request) {
  siginfo_t information;
  memset(&information, 0, sizeof information);
  CHECK_EQUAL(trace(request, pid, 0, 0), 0);
  CHECK_WAIT(pid, STOPPED(SIGTRAP, 0));
  CHECK_EQUAL(trace(PTRACE_GETSIGINFO, pid, 0, (uintptr_t)&information), 0);
  return information;
}

// The tracee runs into a breakpoint: what it is told by.
#define CHECK_HIT(pid, bits) \
  do { \
    siginfo_t hit = go_on_to_trap(pid, PTRACE_CONT); \
    CHECK_EQUAL(hit.si_code, TRAP_HWBKPT); \
    CHECK_EQUAL((uintptr_t)hit.si_addr, instruction_pointer(pid)); \
    CHECK_EQUAL(peek(pid, 6), STATUS(bits)); \
  } while (0)

static void finish_tracee(pid_t pid, int status) {
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  CHECK_WAIT(pid, status);
}

static volatile uint64_t watched[4], other;

// Labels around each access, so that what a breakpoint reports can be told apart.
extern const char first_access[], after_store[], after_load[], after_byte[], called_code[];
static void __attribute__((noinline)) accesses(void) {
  __asm__ volatile(
    ".globl first_access, after_store, after_load, after_byte\n"
    "first_access:\n\tmovq $0x11, %0\n"
    "after_store:\n\tmovq %0, %%rax\n"
    "after_load:\n\tmovb $0x22, 3+%0\n"
    "after_byte:\n\tmovl $1, %1\n\t"
    : "+m"(watched[0]), "=m"(other) : : "rax", "memory");
}

static volatile int calls;
static void __attribute__((noinline)) call(void) {
  __asm__ volatile(".globl called_code\ncalled_code:\n\tincl %0" : "+m"(calls) : : "cc");
}

static void nothing(void) {}

static void what_cannot_be_is_refused(void) {
  pid_t pid = traced(nothing);
  for (int i = 0; i < 8; i++) CHECK_EQUAL(peek(pid, i), i == 6 ? STATUS(0) : 0);
  CHECK_ERROR(poke(pid, 4, 0), EIO);
  CHECK_ERROR(poke(pid, 5, 0), EIO);
  static const uintptr_t addresses[] = {0xFFFFFFFF81000000, 0xFFFF800000000000, 1ul << 47, 0x7FFFFFFFF000, -1ul};
  for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) CHECK_ERROR(poke(pid, 0, addresses[i]), EINVAL);
  CHECK_EQUAL(peek(pid, 0), 0);
  CHECK_EQUAL(poke(pid, 0, 0x7FFFFFFFEFFF), 0);
  CHECK_EQUAL(peek(pid, 0), 0x7FFFFFFFEFFF);
  // An address that is not aligned to its length; ports; instructions of some length.
  CHECK_ERROR(poke(pid, 7, control(0, WRITE, TWO)), EINVAL);
  CHECK_ERROR(poke(pid, 7, control(1, PORT, ONE)), EINVAL);
  CHECK_ERROR(poke(pid, 7, control(1, PORT, FOUR)), EINVAL);
  for (int length = TWO; length <= FOUR; length++) CHECK_ERROR(poke(pid, 7, control(0, EXECUTE, length)), EINVAL);
  CHECK_EQUAL(peek(pid, 7), 0);
  for (int length = ONE; length <= FOUR; length++) {
    CHECK_EQUAL(poke(pid, 7, 0), 0);
    CHECK_EQUAL(poke(pid, 1, (uintptr_t)watched), 0);
    CHECK_EQUAL(poke(pid, 7, control(1, ACCESS, length)), 0);
    CHECK_EQUAL(peek(pid, 7), control(1, ACCESS, length));
    if (length == ONE) continue;
    CHECK_ERROR(poke(pid, 1, (uintptr_t)watched + 1), EINVAL);
    CHECK_EQUAL(peek(pid, 1), (uintptr_t)watched);
  }
  // What is refused leaves what there was; the bits around the fields do nothing, and DR6 is the debugger's to write.
  CHECK_ERROR(poke(pid, 7, control(1, ACCESS, ONE) | control(2, PORT, ONE)), EINVAL);
  CHECK_EQUAL(peek(pid, 7), control(1, ACCESS, FOUR));
  CHECK_EQUAL(poke(pid, 7, 0x2000), 0);
  CHECK_EQUAL(peek(pid, 7), 0x2000);
  CHECK_EQUAL(poke(pid, 6, 0x1234), 0);
  CHECK_EQUAL(peek(pid, 6), 0x1234);
  finish_tracee(pid, 0);
}

static void accesses_of_each_kind_are_told(void) {
  for (int number = 0; number < 4; number++) {
    // Writes: the store, and the byte in the middle.
    pid_t pid = traced(accesses);
    CHECK_EQUAL(poke(pid, number, (uintptr_t)watched), 0);
    CHECK_EQUAL(poke(pid, 7, control(number, WRITE, EIGHT)), 0);
    CHECK_HIT(pid, 1 << number);
    CHECK_EQUAL(instruction_pointer(pid), (uintptr_t)after_store);
    CHECK_HIT(pid, 1 << number);
    CHECK_EQUAL(instruction_pointer(pid), (uintptr_t)after_byte);
    finish_tracee(pid, 0);
    // Reads too.
    pid = traced(accesses);
    CHECK_EQUAL(poke(pid, number, (uintptr_t)watched), 0);
    CHECK_EQUAL(poke(pid, 7, control(number, ACCESS, TWO)), 0);
    CHECK_HIT(pid, 1 << number);
    CHECK_EQUAL(instruction_pointer(pid), (uintptr_t)after_store);
    CHECK_HIT(pid, 1 << number);
    CHECK_EQUAL(instruction_pointer(pid), (uintptr_t)after_load);
    finish_tracee(pid, 0);
    // Instructions, before they are executed; then once.
    pid = traced(accesses);
    CHECK_EQUAL(poke(pid, number, (uintptr_t)after_store), 0);
    CHECK_EQUAL(poke(pid, 7, control(number, EXECUTE, ONE)), 0);
    CHECK_HIT(pid, 1 << number);
    CHECK_EQUAL(instruction_pointer(pid), (uintptr_t)after_store);
    siginfo_t step = go_on_to_trap(pid, PTRACE_SINGLESTEP);
    CHECK_EQUAL(step.si_code, TRAP_TRACE);
    CHECK_EQUAL(instruction_pointer(pid), (uintptr_t)after_load);
    CHECK_EQUAL(peek(pid, 6), STATUS(1 << 14));
    finish_tracee(pid, 0);
    // Lifted again: nothing.
    pid = traced(accesses);
    CHECK_EQUAL(poke(pid, number, (uintptr_t)watched), 0);
    CHECK_EQUAL(poke(pid, 7, control(number, ACCESS, EIGHT)), 0);
    CHECK_HIT(pid, 1 << number);
    CHECK_EQUAL(poke(pid, 7, 0), 0);
    finish_tracee(pid, 0);
  }
}

static void four_at_once_are_told_apart(void) {
  pid_t pid = traced(accesses);
  CHECK_EQUAL(poke(pid, 0, (uintptr_t)first_access), 0);
  CHECK_EQUAL(poke(pid, 1, (uintptr_t)watched + 3), 0);
  CHECK_EQUAL(poke(pid, 2, (uintptr_t)watched), 0);
  CHECK_EQUAL(poke(pid, 3, (uintptr_t)&other), 0);
  CHECK_EQUAL(poke(pid, 7, control(0, EXECUTE, ONE) | control(1, WRITE, ONE) | control(2, ACCESS, TWO) |
                             control(3, WRITE, FOUR)), 0);
  CHECK_HIT(pid, 1);
  // Both, of which QEMU's emulation shows the first.
  CHECK_EQUAL(go_on_to_trap(pid, PTRACE_CONT).si_code, TRAP_HWBKPT);
  unsigned long status = peek(pid, 6);
  CHECK(status == STATUS(2 | 4) || status == STATUS(2));
  CHECK_EQUAL(instruction_pointer(pid), (uintptr_t)after_store);
  CHECK_HIT(pid, 4);
  CHECK_EQUAL(instruction_pointer(pid), (uintptr_t)after_load);
  CHECK_HIT(pid, 2);
  CHECK_EQUAL(instruction_pointer(pid), (uintptr_t)after_byte);
  CHECK_HIT(pid, 8);
  finish_tracee(pid, 0);
}

static volatile int handled;
static void count_trap(int signal, siginfo_t *information, void *context) {
  if (information->si_code == TRAP_HWBKPT && information->si_addr == called_code) handled++;
}
static void handles_and_calls(void) {
  struct sigaction action = {.sa_sigaction = count_trap, .sa_flags = SA_SIGINFO};
  sigaction(SIGTRAP, &action, 0);
  for (int i = 0; i < 3; i++) call();
  _exit(handled == 3 && calls == 3 ? 31 : 32);
}

static void a_handler_returns_to_the_instruction(void) {
  pid_t pid = traced(handles_and_calls);
  CHECK_EQUAL(poke(pid, 0, (uintptr_t)called_code), 0);
  CHECK_EQUAL(poke(pid, 7, control(0, EXECUTE, ONE)), 0);
  for (int i = 0; i < 3; i++) {
    CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, i ? SIGTRAP : 0), 0);
    CHECK_WAIT(pid, STOPPED(SIGTRAP, 0));
    CHECK_EQUAL(instruction_pointer(pid), (uintptr_t)called_code);
  }
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, SIGTRAP), 0);
  CHECK_WAIT(pid, 31 << 8);
}

static int ends[2];
static void lets_the_kernel_write(void) {
  char text[8] = "1234567";
  for (int i = 0; i < 100; i++) {
    if (write(ends[1], text, 8) != 8 || read(ends[0], (void *)watched, 8) != 8) _exit(1);
    if (write(ends[1], (void *)watched, 8) != 8 || read(ends[0], text, 8) != 8) _exit(2);
  }
  if (memcmp((void *)watched, "1234567", 8)) _exit(3);
  watched[0] = 5;
}

static void accesses_of_the_kernel_are_not_told(void) {
  REQUIRE(pipe(ends) == 0);
  for (int kind = WRITE; kind <= ACCESS; kind += 2) {
    pid_t pid = traced(lets_the_kernel_write);
    CHECK_EQUAL(poke(pid, 2, (uintptr_t)watched), 0);
    CHECK_EQUAL(poke(pid, 7, control(2, kind, EIGHT)), 0);
    if (kind == ACCESS) {
      // memcmp reads it.
      CHECK_HIT(pid, 4);
    }
    int status = -1;
    do {
      CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
      CHECK_EQUAL(wait4(pid, &status, __WALL, 0), pid);
      unsigned long value = 0;
      if (status != 0) trace(PTRACE_PEEKDATA, pid, (uintptr_t)watched, (uintptr_t)&value);
      if (value == 5) break;
    } while (kind == ACCESS && status == STOPPED(SIGTRAP, 0));
    CHECK_EQUAL(status, STOPPED(SIGTRAP, 0));
    CHECK_EQUAL(peek(pid, 6), STATUS(4));
    finish_tracee(pid, 0);
  }
}

// Three threads take turns at one CPU: two watch a place each, and stop at an instruction; the third has no breakpoint.
// All touch both places and get to the instruction: with another thread's breakpoint there, they would never get past.
enum { TURNS = 60 };
static volatile int turn;
static int moves;
static void *touches(void *argument) {
  int number = (int)(long)argument;
  for (int i = 0; i < TURNS; i++) {
    while (turn % 3 != number) sched_yield();
    if (moves) run_on((i + number) % 2);
    watched[0] = watched[0] + 1;
    watched[1] = watched[1] + 1;
    call();
    turn++;
    // It is taken from the CPU in the middle of this too.
    if (i % 20 == 0)
      for (volatile int spin = 0; spin < 3000000; spin++) {}
    watched[number] = watched[number] + 1;
  }
  return 0;
}

static void touches_in_threads(void) {
  pthread_t threads[3];
  if (!moves) run_on(0);
  for (long i = 0; i < 3; i++) pthread_create(&threads[i], 0, touches, (void *)i);
  for (int i = 0; i < 3; i++) pthread_join(threads[i], 0);
}

static void each_thread_has_its_own(int with_moves) {
  moves = with_moves;
  pid_t pid = traced(touches_in_threads), threads[3];
  CHECK_EQUAL(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACECLONE), 0);
  for (int i = 0; i < 3; i++) {
    CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
    CHECK_WAIT(pid, STOPPED(SIGTRAP, PTRACE_EVENT_CLONE));
    unsigned long message = 0;
    CHECK_EQUAL(trace(PTRACE_GETEVENTMSG, pid, 0, (uintptr_t)&message), 0);
    threads[i] = (pid_t)message;
    CHECK_WAIT(threads[i], STOPPED(SIGSTOP, 0));
    if (i < 2) {
      CHECK_EQUAL(poke(threads[i], i * 2, (uintptr_t)&watched[i]), 0);
      CHECK_EQUAL(poke(threads[i], i * 2 + 1, (uintptr_t)called_code), 0);
      CHECK_EQUAL(poke(threads[i], 7, control(i * 2, WRITE, EIGHT) | control(i * 2 + 1, EXECUTE, ONE)), 0);
    }
  }
  for (int i = 0; i < 3; i++) CHECK_EQUAL(trace(PTRACE_CONT, threads[i], 0, 0), 0);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  int hits[3] = {0}, stops[3] = {0};
  for (int left = 4; left;) {
    int status = -1;
    pid_t found = wait4(-1, &status, __WALL, 0);
    REQUIRE(found > 0);
    if (!WIFSTOPPED(status)) {
      CHECK_EQUAL(status, 0);
      left--;
      continue;
    }
    CHECK_EQUAL(status, STOPPED(SIGTRAP, 0));
    for (int i = 0; i < 3; i++) {
      if (threads[i] != found) continue;
      if (instruction_pointer(found) == (uintptr_t)called_code) {
        stops[i]++;
        CHECK_EQUAL(peek(found, 6), STATUS(2 << i * 2));
      } else {
        hits[i]++;
        CHECK_EQUAL(peek(found, 6), STATUS(1 << i * 2));
      }
    }
    CHECK_EQUAL(trace(PTRACE_CONT, found, 0, 0), 0);
  }
  for (int i = 0; i < 3; i++) {
    CHECK_EQUAL(hits[i], i < 2 ? 2 * TURNS : 0);
    CHECK_EQUAL(stops[i], i < 2 ? TURNS : 0);
  }
}

static void forks(void) {
  watched[0] = 1;
  pid_t pid = fork();
  if (pid == 0) {
    watched[0] = 2;
    _exit(7);
  }
  int status = -1;
  if (waitpid(pid, &status, 0) != pid || status != 7 << 8) _exit(1);
  watched[0] = 3;
}

static void a_child_has_none(void) {
  pid_t pid = traced(forks);
  CHECK_EQUAL(poke(pid, 3, (uintptr_t)watched), 0);
  CHECK_EQUAL(poke(pid, 7, control(3, WRITE, FOUR)), 0);
  CHECK_HIT(pid, 8);
  // The end of its child interrupts nothing, and is told as the signal that it is.
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  CHECK_WAIT(pid, STOPPED(SIGCHLD, 0));
  CHECK_HIT(pid, 8);
  finish_tracee(pid, 0);
}

static void executes(void) {
  watched[0] = 1;
  execl("/proc/self/exe", "debugger-breakpoints", "writes", (char *)0);
  _exit(1);
}

static void a_new_program_has_none(void) {
  pid_t pid = traced(executes);
  CHECK_EQUAL(poke(pid, 0, (uintptr_t)watched), 0);
  CHECK_EQUAL(poke(pid, 7, control(0, WRITE, EIGHT)), 0);
  CHECK_HIT(pid, 1);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  CHECK_WAIT(pid, STOPPED(SIGTRAP, 0));
  for (int i = 0; i < 8; i++) CHECK_EQUAL(peek(pid, i), i == 6 ? STATUS(0) : 0);
  finish_tracee(pid, 41 << 8);
}

static void what_a_tracer_leaves_behind_stays(void) {
  pid_t pid = traced(accesses);
  CHECK_EQUAL(poke(pid, 0, (uintptr_t)watched), 0);
  CHECK_EQUAL(poke(pid, 7, control(0, WRITE, EIGHT)), 0);
  CHECK_EQUAL(trace(PTRACE_DETACH, pid, 0, 0), 0);
  int status = -1;
  CHECK_EQUAL(waitpid(pid, &status, 0), pid);
  CHECK_EQUAL(status & 0x7F, SIGTRAP);
}

static void interrupts_itself(void) { __asm__ volatile(".byte 0xF1"); }

static void other_debug_exceptions_are_told_as_what_they_are(void) {
  pid_t pid = traced(interrupts_itself);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  int status = -1;
  CHECK_EQUAL(wait4(pid, &status, __WALL, 0), pid);
  // QEMU's emulation does not have INT1.
  if (status != STOPPED(SIGILL, 0)) {
    CHECK_EQUAL(status, STOPPED(SIGTRAP, 0));
    siginfo_t information;
    CHECK_EQUAL(trace(PTRACE_GETSIGINFO, pid, 0, (uintptr_t)&information), 0);
    CHECK_EQUAL(information.si_code, TRAP_BRKPT);
  }
  // Where it goes on is not looked at: there are virtual machines that leave it at the instruction.
  kill(pid, SIGKILL);
  CHECK_WAIT(pid, SIGKILL);
}

// A load of SS puts a data breakpoint off until after the next instruction, which may be in the kernel then.
static volatile uint16_t stack_segment;
static void enters_the_kernel_behind_a_breakpoint(void) {
  __asm__ volatile("movw %%ss, %0" : "=m"(stack_segment));
  long result;
  __asm__ volatile("movw %1, %%ss\n\tsyscall"
                   : "=a"(result) : "m"(stack_segment), "a"(SYS_getpid) : "rcx", "r11", "memory");
  __asm__ volatile("movw %0, %%ss\n\tint3" : : "m"(stack_segment) : "memory");
  if (result != getpid()) _exit(1);
}

static void the_kernel_survives_breakpoints_that_are_put_off(void) {
  pid_t pid = traced(enters_the_kernel_behind_a_breakpoint);
  CHECK_EQUAL(poke(pid, 1, (uintptr_t)&stack_segment), 0);
  CHECK_EQUAL(poke(pid, 7, control(1, ACCESS, TWO)), 0);
  int status = -1;
  for (int i = 0; i < 20; i++) {
    CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
    CHECK_EQUAL(wait4(pid, &status, __WALL, 0), pid);
    if (!WIFSTOPPED(status)) break;
  }
  CHECK(!WIFSTOPPED(status));
}

int main(int count, char **arguments) {
  if (count > 1) {
    accesses();
    return 41;
  }
  what_cannot_be_is_refused();
  accesses_of_each_kind_are_told();
  four_at_once_are_told_apart();
  a_handler_returns_to_the_instruction();
  accesses_of_the_kernel_are_not_told();
  each_thread_has_its_own(0);
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  if (CPU_ISSET(0, &set) && CPU_ISSET(1, &set)) each_thread_has_its_own(1);
  a_child_has_none();
  a_new_program_has_none();
  what_a_tracer_leaves_behind_stays();
  other_debug_exceptions_are_told_as_what_they_are();
  the_kernel_survives_breakpoints_that_are_put_off();
  return finish();
}
