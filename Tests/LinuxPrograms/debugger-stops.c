// Built with musl too.
// ptrace(2): who may trace, how a tracee stops and goes on, and what wait4(2) tells of it.
#include "asleep.h"
#include "tracing.h"
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/user.h>

#define EVENT_STOP 128

static void check_ends(pid_t pid, int status) {
  int found = -1;
  CHECK_EQUAL(waitpid(pid, &found, __WALL), pid);
  CHECK_EQUAL(found, status);
}

static pid_t plain(void (*body)(void)) {
  pid_t pid = fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    body();
    _exit(0);
  }
  return pid;
}

static volatile int *shared;

static void spin(void) {
  for (;;) shared[1]++;
}
// Whether what spins still runs: within twenty seconds it does so at some time.
static int counts_on(int before) {
  for (int turn = 0; turn < 20000 && shared[1] == before; turn++) usleep(1000);
  return shared[1] != before;
}
static void sleep_long(void) {
  for (;;) sleep(100);
}
static void nothing(void) {}

static void requests_without_a_tracee_fail(void) {
  CHECK_ERROR(trace(PTRACE_CONT, 1 << 21, 0, 0), ESRCH);
  CHECK_ERROR(trace(PTRACE_ATTACH, 1 << 21, 0, 0), ESRCH);
  CHECK_ERROR(trace(PTRACE_ATTACH, getpid(), 0, 0), EPERM);
  pid_t pid = plain(sleep_long);
  CHECK_ERROR(trace(PTRACE_CONT, pid, 0, 0), ESRCH);
  CHECK_ERROR(trace(PTRACE_SEIZE, pid, 1, 0), EIO);
  CHECK_ERROR(trace(PTRACE_SEIZE, pid, 0, 1u << 31), EIO);
  CHECK_EQUAL(trace(PTRACE_SEIZE, pid, 0, 0), 0);
  CHECK_ERROR(trace(PTRACE_SEIZE, pid, 0, 0), EPERM);
  CHECK_ERROR(trace(PTRACE_ATTACH, pid, 0, 0), EPERM);
  // It runs: only INTERRUPT and KILL may be asked for.
  CHECK_ERROR(trace(PTRACE_CONT, pid, 0, 0), ESRCH);
  CHECK_ERROR(trace(PTRACE_DETACH, pid, 0, 0), ESRCH);
  CHECK_EQUAL(trace(PTRACE_KILL, pid, 0, 0), 0);
  check_ends(pid, SIGKILL);
}

static void dies_by_user1(void) {
  raise(SIGUSR1);
}

static void signals_stop_before_they_are_delivered(void) {
  pid_t pid = traced(dies_by_user1);
  siginfo_t information;
  CHECK_EQUAL(trace(PTRACE_GETSIGINFO, pid, 0, (uintptr_t)&information), 0);
  CHECK_EQUAL(information.si_signo, SIGSTOP);
  CHECK_EQUAL(information.si_pid, pid);
  CHECK_ERROR(trace(PTRACE_CONT, pid, 0, 65), EIO);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  CHECK_WAIT(pid, STOPPED(SIGUSR1, 0));
  // Reported once.
  int status;
  CHECK_EQUAL(waitpid(pid, &status, WNOHANG), 0);
  // Taken away, the signal does nothing.
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  check_ends(pid, 0);

  pid = traced(dies_by_user1);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  CHECK_WAIT(pid, STOPPED(SIGUSR1, 0));
  // Or it is another one.
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, SIGTERM), 0);
  check_ends(pid, SIGTERM);
}

static volatile int seen_value, seen_code;
static void note(int signal, siginfo_t *information, void *context) {
  seen_value = information->si_value.sival_int;
  seen_code = information->si_code;
}
static void reports_what_it_was_told(void) {
  struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR2, &action, 0);
  raise(SIGUSR2);
  _exit(seen_value == 77 && seen_code == SI_QUEUE ? 5 : 6);
}

static void what_a_signal_tells_can_be_changed(void) {
  pid_t pid = traced(reports_what_it_was_told);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  CHECK_WAIT(pid, STOPPED(SIGUSR2, 0));
  siginfo_t information;
  memset(&information, 0xAA, sizeof information);
  CHECK_EQUAL(trace(PTRACE_GETSIGINFO, pid, 0, (uintptr_t)&information), 0);
  CHECK_EQUAL(information.si_code, SI_TKILL);
  // No byte of the kernel's is left in what is not used.
  for (size_t i = 48; i < sizeof information; i++) CHECK_EQUAL(((unsigned char *)&information)[i], 0);
  information.si_code = SI_QUEUE;
  information.si_value.sival_int = 77;
  CHECK_EQUAL(trace(PTRACE_SETSIGINFO, pid, 0, (uintptr_t)&information), 0);
  CHECK_ERROR(trace(PTRACE_SETSIGINFO, pid, 0, 8), EFAULT);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, SIGUSR2), 0);
  check_ends(pid, 5 << 8);
}

static void ignores_user1(void) {
  signal(SIGUSR1, SIG_IGN);
  raise(SIGUSR1);
}

static void a_tracer_hears_of_ignored_signals(void) {
  pid_t pid = traced(ignores_user1);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  CHECK_WAIT(pid, STOPPED(SIGUSR1, 0));
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, SIGUSR1), 0);
  check_ends(pid, 0);
}

static void calls(void) {
  syscall(SYS_getppid);
  _exit((int)syscall(SYS_getpid) == 1234 ? 7 : 8);
}

static long word(pid_t pid, size_t offset) {
  long value = -1;
  CHECK_EQUAL(trace(PTRACE_PEEKUSER, pid, offset, (uintptr_t)&value), 0);
  return value;
}
#define REGISTER(name) offsetof(struct user_regs_struct, name)

static void system_calls_stop_twice_and_can_be_changed(void) {
  pid_t pid = traced(calls);
  CHECK_ERROR(trace(PTRACE_SETOPTIONS, pid, 0, 1 << 30), EINVAL);
  CHECK_EQUAL(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
  // The rest of kill(2) is no stop: the tracee was stopped by the signal that the call has sent.
  CHECK_EQUAL(trace(PTRACE_SYSCALL, pid, 0, 0), 0);
  CHECK_WAIT(pid, STOPPED(SIGTRAP | 0x80, 0));
  CHECK_EQUAL(word(pid, REGISTER(orig_rax)), SYS_getppid);
  CHECK_EQUAL(word(pid, REGISTER(rax)), -ENOSYS);
  siginfo_t information;
  CHECK_EQUAL(trace(PTRACE_GETSIGINFO, pid, 0, (uintptr_t)&information), 0);
  CHECK_EQUAL(information.si_signo, SIGTRAP);
  CHECK_EQUAL(information.si_code, SIGTRAP | 0x80);
  CHECK_EQUAL(trace(PTRACE_SYSCALL, pid, 0, 0), 0);
  CHECK_WAIT(pid, STOPPED(SIGTRAP | 0x80, 0));
  CHECK_EQUAL(word(pid, REGISTER(rax)), getpid());
  CHECK_EQUAL(word(pid, REGISTER(orig_rax)), SYS_getppid);
  // The next one is not made, and gives what the tracer says.
  CHECK_EQUAL(trace(PTRACE_SYSCALL, pid, 0, 0), 0);
  CHECK_WAIT(pid, STOPPED(SIGTRAP | 0x80, 0));
  CHECK_EQUAL(word(pid, REGISTER(orig_rax)), SYS_getpid);
  CHECK_EQUAL(trace(PTRACE_POKEUSER, pid, REGISTER(orig_rax), -1), 0);
  CHECK_EQUAL(trace(PTRACE_POKEUSER, pid, REGISTER(rax), 1234), 0);
  CHECK_EQUAL(trace(PTRACE_SYSCALL, pid, 0, 0), 0);
  CHECK_WAIT(pid, STOPPED(SIGTRAP | 0x80, 0));
  CHECK_EQUAL(word(pid, REGISTER(rax)), 1234);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  check_ends(pid, 7 << 8);
}

static void waits_in_pause(void) {
  shared[0] = 1;
  pause();
}

static void fork_and_wait(void) {
  int ends[2];
  if (pipe(ends) != 0) _exit(1);
  pid_t child = fork();
  if (child == 0) {
    struct timespec pause = {0, 50000000};
    nanosleep(&pause, NULL);
    _exit(write(ends[1], "x", 1) == 1 ? 7 : 1);
  }
  char byte;
  if (read(ends[0], &byte, 1) != 1) _exit(2);
  int status;
  _exit(waitpid(child, &status, 0) == child && status == 7 << 8 ? 14 : 3);
}

// Nothing has come for the tracee when it goes on into a call: one that waits does so, and fork(2) makes a child.
static void stops_before_calls_interrupt_none_of_them(void) {
  pid_t pid = traced(fork_and_wait);
  CHECK_EQUAL(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
  int stops = 0, status = 0, restarts = 0;
  while (stops++ < 1000) {
    REQUIRE(trace(PTRACE_SYSCALL, pid, 0, status == STOPPED(SIGCHLD, 0) ? SIGCHLD : 0) == 0);
    REQUIRE(waitpid(pid, &status, __WALL) == pid);
    if (!WIFSTOPPED(status)) break;
    // ERESTARTSYS and its like.
    long result = word(pid, REGISTER(rax));
    if (result <= -512 && result >= -516) restarts++;
  }
  CHECK_EQUAL(status, 14 << 8);
  CHECK_EQUAL(restarts, 0);
  CHECK(stops < 40);
}

static void attach_stops_a_sleeper_and_detach_lets_it_go(void) {
  shared[0] = 0;
  pid_t pid = plain(waits_in_pause);
  while (!shared[0]) sched_yield();
  until_asleep(pid, SYS_pause);
  CHECK_EQUAL(trace(PTRACE_ATTACH, pid, 0, 0), 0);
  CHECK_WAIT(pid, STOPPED(SIGSTOP, 0));
  CHECK_EQUAL(word(pid, REGISTER(orig_rax)), SYS_pause);
  CHECK_EQUAL(word(pid, REGISTER(rax)), -514);  // ERESTARTNOHAND
  char path[64], text[2048] = "";
  sprintf(path, "/proc/%d/status", pid);
  int file = open(path, O_RDONLY);
  CHECK(read(file, text, sizeof text - 1) > 0);
  close(file);
  char line[64];
  sprintf(line, "TracerPid:\t%d\n", getpid());
  CHECK(strstr(text, line) != 0);
  CHECK(strstr(text, "State:\tt (tracing stop)") != 0);
  CHECK_ERROR(trace(PTRACE_DETACH, pid, 0, 65), EIO);
  CHECK_EQUAL(trace(PTRACE_DETACH, pid, 0, 0), 0);
  // The call goes on as if nothing had been.
  usleep(20000);
  int status;
  CHECK_EQUAL(waitpid(pid, &status, WNOHANG), 0);
  kill(pid, SIGTERM);
  check_ends(pid, SIGTERM);
}

static void a_detached_tracee_takes_the_signal_along(void) {
  pid_t pid = traced(sleep_long);
  CHECK_EQUAL(trace(PTRACE_DETACH, pid, 0, SIGTERM), 0);
  check_ends(pid, SIGTERM);
}

static void forks(void) {
  pid_t pid = fork();
  if (pid == 0) _exit(3);
  waitpid(pid, 0, 0);
  pid = vfork();
  if (pid == 0) _exit(4);
  waitpid(pid, 0, 0);
  _exit(9);
}

static unsigned long event_message(pid_t pid) {
  unsigned long message = 0;
  CHECK_EQUAL(trace(PTRACE_GETEVENTMSG, pid, 0, (uintptr_t)&message), 0);
  return message;
}

// Waits for a fork's child, which begins with SIGSTOP, and lets it end.
static void let_child_run(pid_t child, int status) {
  CHECK_WAIT(child, STOPPED(SIGSTOP, 0));
  CHECK_EQUAL(trace(PTRACE_CONT, child, 0, 0), 0);
  CHECK_WAIT(child, STOPPED(SIGTRAP, PTRACE_EVENT_EXIT));
  CHECK_EQUAL(event_message(child), status);
  CHECK_EQUAL(trace(PTRACE_CONT, child, 0, 0), 0);
  CHECK_WAIT(child, status);
}

static void forks_are_events_and_children_are_traced(void) {
  pid_t pid = traced(forks);
  uintptr_t options = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACEEXIT;
  CHECK_EQUAL(trace(PTRACE_SETOPTIONS, pid, 0, options), 0);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  CHECK_WAIT(pid, STOPPED(SIGTRAP, PTRACE_EVENT_FORK));
  pid_t child = (pid_t)event_message(pid);
  CHECK(child > 0 && child != pid);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  let_child_run(child, 3 << 8);
  // Only now its parent hears of its end.
  CHECK_WAIT(pid, STOPPED(SIGCHLD, 0));
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, SIGCHLD), 0);
  CHECK_WAIT(pid, STOPPED(SIGTRAP, PTRACE_EVENT_VFORK));
  child = (pid_t)event_message(pid);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  let_child_run(child, 4 << 8);
  // The parent goes on at the child's end, and hears of it by a signal: either may be first.
  int seen_done = 0, seen_signal = 0;
  while (!seen_done || !seen_signal) {
    int status = 0;
    REQUIRE(waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status));
    if (status == STOPPED(SIGTRAP, PTRACE_EVENT_VFORK_DONE)) {
      CHECK_EQUAL(event_message(pid), child);
      seen_done = 1;
    } else {
      CHECK_EQUAL(status, STOPPED(SIGCHLD, 0));
      seen_signal = 1;
    }
    CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  }
  CHECK_WAIT(pid, STOPPED(SIGTRAP, PTRACE_EVENT_EXIT));
  CHECK_EQUAL(event_message(pid), 9 << 8);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  check_ends(pid, 9 << 8);
}

static void executes(void) {
  char *arguments[] = {"debugger-stops", "exit-42", 0};
  execv("/proc/self/exe", arguments);
}

static void exec_is_an_event_or_a_signal(void) {
  pid_t pid = traced(executes);
  CHECK_EQUAL(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXEC), 0);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  CHECK_WAIT(pid, STOPPED(SIGTRAP, PTRACE_EVENT_EXEC));
  CHECK_EQUAL(event_message(pid), pid);
  CHECK_EQUAL(word(pid, REGISTER(orig_rax)), SYS_execve);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  check_ends(pid, 42 << 8);

  pid = traced(executes);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  CHECK_WAIT(pid, STOPPED(SIGTRAP, 0));
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  check_ends(pid, 42 << 8);
}

static void *executing_thread(void *unused) {
  executes();
  return 0;
}
static void executes_in_a_thread(void) {
  pthread_t thread;
  pthread_create(&thread, 0, executing_thread, 0);
  pause();
}

// Has a process with these options go on to its second thread, and both after that. Returns the thread.
static pid_t goes_on_with_a_thread(pid_t pid, long options) {
  CHECK_EQUAL(trace(PTRACE_SETOPTIONS, pid, 0, options | PTRACE_O_TRACECLONE), 0);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  CHECK_WAIT(pid, STOPPED(SIGTRAP, PTRACE_EVENT_CLONE));
  pid_t thread = (pid_t)event_message(pid);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  CHECK_WAIT(thread, STOPPED(SIGSTOP, 0));
  CHECK_EQUAL(trace(PTRACE_CONT, thread, 0, 0), 0);
  return thread;
}

static void exec_of_a_thread_takes_the_first_ones_place(void) {
  pid_t pid = traced(executes_in_a_thread), thread = goes_on_with_a_thread(pid, PTRACE_O_TRACEEXEC);
  CHECK_WAIT(pid, STOPPED(SIGTRAP, PTRACE_EVENT_EXEC));
  CHECK_EQUAL(event_message(pid), thread);
  CHECK_ERROR(trace(PTRACE_CONT, thread, 0, 0), ESRCH);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  check_ends(pid, 42 << 8);
}

// A process with a thread that ends once it is told so, or stays; then the first one does what it is told.
enum { END_GROUP = 1, EXECUTE };
static void *ends_alone(void *unused) {
  shared[8] = 1;
  while (!shared[9]) usleep(1000);
  syscall(SYS_exit, 0);
  return unused;
}
static void does_what_it_is_told(void) {
  pthread_t thread;
  pthread_create(&thread, 0, ends_alone, 0);
  while (!shared[8] || !shared[10]) usleep(1000);
  if (shared[10] == EXECUTE) executes();
  syscall(SYS_exit_group, 7);
}

static pid_t with_a_thread(pid_t pid) {
  pid_t thread = goes_on_with_a_thread(pid, PTRACE_O_TRACEEXIT);
  while (!shared[8]) usleep(1000);
  return thread;
}

// Who waits in execve for a thread that has stopped on its way out can be killed, and the thread with him.
static void a_wait_for_a_stopped_end_can_be_killed(void) {
  shared[8] = shared[9] = shared[10] = 0;
  pid_t pid = traced(does_what_it_is_told), thread = with_a_thread(pid);
  shared[10] = EXECUTE;
  CHECK_WAIT(thread, STOPPED(SIGTRAP, PTRACE_EVENT_EXIT));
  until_asleep(pid, SYS_execve);
  CHECK_EQUAL(kill(pid, SIGKILL), 0);
  CHECK_WAIT(pid, STOPPED(SIGTRAP, PTRACE_EVENT_EXIT));
  CHECK_EQUAL(event_message(pid), SIGKILL);
  CHECK_WAIT(thread, SIGKILL);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  check_ends(pid, SIGKILL);
}

// A thread that has stopped on its way out stays so no longer than its process goes on without it.
static void stopped_ends_hold_up_no_others(void) {
  for (int order = END_GROUP; order <= EXECUTE; order++) {
    shared[8] = shared[9] = shared[10] = 0;
    pid_t pid = traced(does_what_it_is_told), thread = with_a_thread(pid);
    shared[9] = 1;
    CHECK_WAIT(thread, STOPPED(SIGTRAP, PTRACE_EVENT_EXIT));
    shared[10] = order;
    if (order == EXECUTE) {
      CHECK_WAIT(thread, 0);
      CHECK_WAIT(pid, STOPPED(SIGTRAP, 0));
      CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
    }
    int status = order == EXECUTE ? 42 << 8 : 7 << 8;
    CHECK_WAIT(pid, STOPPED(SIGTRAP, PTRACE_EVENT_EXIT));
    CHECK_EQUAL(event_message(pid), status);
    if (order == END_GROUP) CHECK_WAIT(thread, status);
    CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
    check_ends(pid, status);
  }
}

static void *counting_thread(void *counter) {
  for (;;) ++*(volatile int *)counter;
  return 0;
}
static void *ending_thread(void *unused) { return 0; }
static void makes_threads(void) {
  pthread_t thread;
  pthread_create(&thread, 0, ending_thread, 0);
  pthread_join(thread, 0);
  pthread_create(&thread, 0, counting_thread, (void *)&shared[2]);
  pause();
}

static void threads_are_traced_one_by_one(void) {
  pid_t pid = traced(makes_threads);
  CHECK_EQUAL(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACECLONE), 0);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  CHECK_WAIT(pid, STOPPED(SIGTRAP, PTRACE_EVENT_CLONE));
  pid_t thread = (pid_t)event_message(pid);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  CHECK_WAIT(thread, STOPPED(SIGSTOP, 0));
  CHECK_EQUAL(trace(PTRACE_CONT, thread, 0, 0), 0);
  // A thread's end is its tracer's to wait for.
  CHECK_WAIT(thread, 0);
  CHECK_ERROR(trace(PTRACE_CONT, thread, 0, 0), ESRCH);
  CHECK_WAIT(pid, STOPPED(SIGTRAP, PTRACE_EVENT_CLONE));
  thread = (pid_t)event_message(pid);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  CHECK_WAIT(thread, STOPPED(SIGSTOP, 0));
  CHECK_EQUAL(trace(PTRACE_CONT, thread, 0, 0), 0);
  for (int turn = 0; turn < 20000 && shared[2] == 0; turn++) usleep(1000);
  CHECK_EQUAL(syscall(SYS_tgkill, pid, thread, SIGSTOP), 0);
  CHECK_WAIT(thread, STOPPED(SIGSTOP, 0));
  int before = shared[2];
  CHECK(before > 0);
  usleep(20000);
  CHECK_EQUAL(shared[2], before);
  // The other one runs on.
  CHECK_ERROR(trace(PTRACE_PEEKUSER, pid, 0, (uintptr_t)&before), ESRCH);
  kill(pid, SIGKILL);
  check_ends(thread, SIGKILL);
  check_ends(pid, SIGKILL);
}

static void note_user1(int signal) { shared[5] = 1; }
static void *ends_when_told(void *unused) {
  while (!shared[6]) usleep(1000);
  _exit(7);
}
static void ends_before_its_thread(void) {
  signal(SIGUSR1, note_user1);
  pthread_t thread;
  pthread_create(&thread, 0, ends_when_told, 0);
  syscall(SYS_exit, 0);
}

static void a_stopped_thread_leaves_signals_to_others(void) {
  pid_t pid = traced(ends_before_its_thread);
  CHECK_EQUAL(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXIT), 0);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  CHECK_WAIT(pid, STOPPED(SIGTRAP, PTRACE_EVENT_EXIT));
  CHECK_EQUAL(kill(pid, SIGUSR1), 0);
  for (int turn = 0; turn < 5000 && !shared[5]; turn++) usleep(1000);
  CHECK_EQUAL(shared[5], 1);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  shared[6] = 1;
  check_ends(pid, 7 << 8);
}

static void a_stop_of_the_process_reaches_its_tracer(void) {
  pid_t pid = traced(sleep_long);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, SIGSTOP), 0);
  // Delivered now, it stops the process, of which there is nothing to be told.
  CHECK_WAIT(pid, STOPPED(SIGSTOP, 0));
  siginfo_t information;
  CHECK_ERROR(trace(PTRACE_GETSIGINFO, pid, 0, (uintptr_t)&information), EINVAL);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  usleep(20000);
  int status;
  CHECK_EQUAL(waitpid(pid, &status, WNOHANG), 0);
  kill(pid, SIGKILL);
  check_ends(pid, SIGKILL);
}

static void seized_tracees_are_interrupted_and_listen(void) {
  shared[1] = 0;
  pid_t pid = plain(spin);
  CHECK_EQUAL(trace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
  while (shared[1] == 0) sched_yield();
  int status;
  CHECK_EQUAL(waitpid(pid, &status, WNOHANG), 0);
  CHECK_EQUAL(trace(PTRACE_INTERRUPT, pid, 0, 0), 0);
  CHECK_WAIT(pid, STOPPED(SIGTRAP, EVENT_STOP));
  siginfo_t information;
  CHECK_EQUAL(trace(PTRACE_GETSIGINFO, pid, 0, (uintptr_t)&information), 0);
  CHECK_EQUAL(information.si_code, SIGTRAP | EVENT_STOP << 8);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  // SIGSTOP is a signal first, and then a stop of the process.
  kill(pid, SIGSTOP);
  CHECK_WAIT(pid, STOPPED(SIGSTOP, 0));
  CHECK_ERROR(trace(PTRACE_LISTEN, pid, 0, 0), EIO);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, SIGSTOP), 0);
  CHECK_WAIT(pid, STOPPED(SIGSTOP, EVENT_STOP));
  CHECK_EQUAL(trace(PTRACE_LISTEN, pid, 0, 0), 0);
  CHECK_ERROR(trace(PTRACE_CONT, pid, 0, 0), ESRCH);
  int before = shared[1];
  usleep(20000);
  CHECK_EQUAL(shared[1], before);
  // It goes on: its tracer hears of that, and then of the signal.
  kill(pid, SIGCONT);
  CHECK_WAIT(pid, STOPPED(SIGTRAP, EVENT_STOP));
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  CHECK_WAIT(pid, STOPPED(SIGCONT, 0));
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, SIGCONT), 0);
  CHECK(counts_on(before));
  kill(pid, SIGKILL);
  check_ends(pid, SIGKILL);
}

static void a_stopped_process_can_be_attached_to(void) {
  pid_t pid = plain(sleep_long);
  kill(pid, SIGSTOP);
  int status;
  CHECK_EQUAL(waitpid(pid, &status, WUNTRACED), pid);
  CHECK_EQUAL(status, STOPPED(SIGSTOP, 0));
  CHECK_EQUAL(trace(PTRACE_ATTACH, pid, 0, 0), 0);
  CHECK_WAIT(pid, STOPPED(SIGSTOP, 0));
  CHECK_EQUAL(trace(PTRACE_DETACH, pid, 0, 0), 0);
  // It is stopped as it was before.
  usleep(20000);
  kill(pid, SIGCONT);
  CHECK_EQUAL(waitpid(pid, &status, WCONTINUED), pid);
  CHECK_EQUAL(status, 0xFFFF);
  kill(pid, SIGKILL);
  check_ends(pid, SIGKILL);
}

// A process that traces another one and ends.
static pid_t run_tracer(pid_t target, uintptr_t options) {
  pid_t tracer = fork();
  if (tracer == 0) {
    if (trace(PTRACE_SEIZE, target, 0, options) != 0) _exit(1);
    if (trace(PTRACE_INTERRUPT, target, 0, 0) != 0) _exit(2);
    int status = 0;
    if (waitpid(target, &status, __WALL) != target || status != STOPPED(SIGTRAP, EVENT_STOP)) _exit(3);
    _exit(0);
  }
  return tracer;
}

static void a_tracers_end_lets_its_tracees_go(void) {
  shared[1] = 0;
  pid_t pid = plain(spin);
  while (shared[1] == 0) sched_yield();
  check_ends(run_tracer(pid, 0), 0);
  CHECK(counts_on(shared[1]));
  // With PTRACE_O_EXITKILL it takes them along.
  check_ends(run_tracer(pid, PTRACE_O_EXITKILL), 0);
  check_ends(pid, SIGKILL);
}

static void the_parent_waits_after_the_tracer(void) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  pid_t pid = plain(sleep_long);
  pid_t tracer = fork();
  if (tracer == 0) {
    if (trace(PTRACE_SEIZE, pid, 0, 0) != 0) _exit(1);
    kill(pid, SIGTERM);
    int status = 0;
    if (waitpid(pid, &status, 0) != pid || status != STOPPED(SIGTERM, 0)) _exit(2);
    if (trace(PTRACE_CONT, pid, 0, SIGTERM) != 0) _exit(3);
    // The zombie stays for the tracer until it waits.
    siginfo_t information;
    if (waitid(P_PID, pid, &information, WEXITED | WNOWAIT) != 0) _exit(4);
    if (write(ends[1], "x", 1) != 1) _exit(5);
    until_asleep(getppid(), SYS_wait4);
    if (waitpid(pid, &status, 0) != pid || status != SIGTERM) _exit(6);
    _exit(0);
  }
  char byte;
  CHECK_EQUAL(read(ends[0], &byte, 1), 1);
  int status = -1;
  CHECK_EQUAL(waitpid(pid, &status, WNOHANG), 0);
  check_ends(pid, SIGTERM);
  check_ends(tracer, 0);
  close(ends[0]);
  close(ends[1]);
}

static const char constant[] = "text that nobody may write to";
static void memory_is_read_and_written(void) {
  pid_t pid = traced(nothing);
  long text = 0;
  CHECK_EQUAL(trace(PTRACE_PEEKDATA, pid, (uintptr_t)constant, (uintptr_t)&text), 0);
  CHECK(memcmp(&text, constant, 8) == 0);
  CHECK_ERROR(trace(PTRACE_PEEKDATA, pid, 8, (uintptr_t)&text), EIO);
  CHECK_ERROR(trace(PTRACE_PEEKDATA, pid, UINT64_MAX - 3, (uintptr_t)&text), EIO);
  CHECK_ERROR(trace(PTRACE_PEEKDATA, pid, UINT64_C(0xFFFF800000000000), (uintptr_t)&text), EIO);
  CHECK_ERROR(trace(PTRACE_POKEDATA, pid, 8, 0), EIO);
  CHECK_EQUAL(trace(PTRACE_POKETEXT, pid, (uintptr_t)constant, 0x4242424242424242), 0);
  CHECK_EQUAL(trace(PTRACE_PEEKTEXT, pid, (uintptr_t)constant, (uintptr_t)&text), 0);
  CHECK_EQUAL(text, 0x4242424242424242);
  // The copy is the child's. Read as it is in memory: the compiler knows what was there.
  CHECK_EQUAL(*(const volatile char *)constant, 't');
  char path[64], copy[8] = "";
  sprintf(path, "/proc/%d/mem", pid);
  int file = open(path, O_RDWR);
  CHECK(file >= 0);
  CHECK_EQUAL(pread(file, copy, 8, (off_t)(uintptr_t)constant), 8);
  CHECK(memcmp(copy, "BBBBBBBB", 8) == 0);
  CHECK_EQUAL(pwrite(file, "CC", 2, (off_t)(uintptr_t)constant), 2);
  CHECK_EQUAL(trace(PTRACE_PEEKTEXT, pid, (uintptr_t)constant, (uintptr_t)&text), 0);
  CHECK(memcmp(&text, "CCBBBBBB", 8) == 0);
  CHECK_ERROR(pread(file, copy, 8, 8), EIO);
  struct iovec local = {copy, 4}, remote = {(void *)constant, 4};
  CHECK_EQUAL(process_vm_readv(pid, &local, 1, &remote, 1, 0), 4);
  CHECK(memcmp(copy, "CCBB", 4) == 0);
  close(file);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  check_ends(pid, 0);
}

static void strangers_may_not_trace(void) {
  if (getuid() != 0) return;
  pid_t pid = plain(sleep_long);
  pid_t stranger = fork();
  if (stranger == 0) {
    if (setresgid(1000, 1000, 1000) != 0 || setresuid(1000, 1000, 1000) != 0) _exit(1);
    if (trace(PTRACE_ATTACH, pid, 0, 0) != -1 || errno != EPERM) _exit(2);
    if (trace(PTRACE_SEIZE, pid, 0, 0) != -1 || errno != EPERM) _exit(3);
    char path[64];
    sprintf(path, "/proc/%d/mem", pid);
    if (open(path, O_RDONLY) >= 0 || errno != EACCES) _exit(4);
    _exit(0);
  }
  check_ends(stranger, 0);
  kill(pid, SIGKILL);
  check_ends(pid, SIGKILL);
}

static volatile int steps_handled;
static void handle_step(int signal) { steps_handled++; }
static void steps(void) {
  signal(SIGUSR1, handle_step);
  syscall(SYS_getppid);
  raise(SIGUSR1);
  _exit(steps_handled == 1 ? 11 : 12);
}

static void single_steps_go_through_calls_and_handlers(void) {
  pid_t pid = traced(steps);
  int status = 0, count = 0, calls_seen = 0, signals_seen = 0, handler_seen = 0, moves = 0;
  long before = word(pid, REGISTER(rip));
  for (; count < 200000; count++) {
    if (trace(PTRACE_SINGLESTEP, pid, 0, status >> 8 == SIGUSR1 ? SIGUSR1 : 0) != 0) break;
    if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status)) break;
    if (status == STOPPED(SIGUSR1, 0)) {
      signals_seen++;
      continue;
    }
    if (status != STOPPED(SIGTRAP, 0)) break;
    siginfo_t information;
    CHECK_EQUAL(trace(PTRACE_GETSIGINFO, pid, 0, (uintptr_t)&information), 0);
    if (information.si_code == TRAP_BRKPT) calls_seen++;
    long at = word(pid, REGISTER(rip));
    if (at == (long)handle_step) handler_seen++;
    // The tracer's own trap flag is not shown.
    if (word(pid, REGISTER(eflags)) & 0x100) check_failures++;
    // A repeated string instruction is many steps at one address.
    moves += at != before;
    before = at;
  }
  CHECK_EQUAL(status, 11 << 8);
  CHECK(count < 200000 && moves > 20);
  CHECK(calls_seen >= 2);
  CHECK_EQUAL(signals_seen, 1);
  CHECK_EQUAL(handler_seen, 1);
}

static void a_handlers_frame_knows_nothing_of_the_step(void) {
  pid_t pid = traced(steps);
  int status = 0;
  for (int count = 0; count < 200000; count++) {
    if (trace(PTRACE_SINGLESTEP, pid, 0, status >> 8 == SIGUSR1 ? SIGUSR1 : 0) != 0) break;
    if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status)) break;
    if (word(pid, REGISTER(rip)) == (long)handle_step) break;
  }
  CHECK_EQUAL(status, STOPPED(SIGTRAP, 0));
  // The way back from the handler brings no trap flag that was the tracer's.
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  check_ends(pid, 11 << 8);
}

static void breaks(void) {
  __asm__ volatile("int3");
  _exit(13);
}

static void breakpoints_stop_behind_themselves(void) {
  pid_t pid = traced(breaks);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  CHECK_WAIT(pid, STOPPED(SIGTRAP, 0));
  siginfo_t information;
  CHECK_EQUAL(trace(PTRACE_GETSIGINFO, pid, 0, (uintptr_t)&information), 0);
  CHECK_EQUAL(information.si_code, SI_KERNEL);
  long code = 0;
  long at = word(pid, REGISTER(rip));
  CHECK_EQUAL(trace(PTRACE_PEEKTEXT, pid, at - 1, (uintptr_t)&code), 0);
  CHECK_EQUAL(code & 0xFF, 0xCC);
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  check_ends(pid, 13 << 8);
}

int main(int count, char **arguments) {
  if (count > 1) return 42;
  shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(shared != MAP_FAILED);
  requests_without_a_tracee_fail();
  signals_stop_before_they_are_delivered();
  what_a_signal_tells_can_be_changed();
  a_tracer_hears_of_ignored_signals();
  system_calls_stop_twice_and_can_be_changed();
  stops_before_calls_interrupt_none_of_them();
  attach_stops_a_sleeper_and_detach_lets_it_go();
  a_detached_tracee_takes_the_signal_along();
  forks_are_events_and_children_are_traced();
  exec_is_an_event_or_a_signal();
  exec_of_a_thread_takes_the_first_ones_place();
  a_wait_for_a_stopped_end_can_be_killed();
  stopped_ends_hold_up_no_others();
  threads_are_traced_one_by_one();
  a_stopped_thread_leaves_signals_to_others();
  a_stop_of_the_process_reaches_its_tracer();
  seized_tracees_are_interrupted_and_listen();
  a_stopped_process_can_be_attached_to();
  a_tracers_end_lets_its_tracees_go();
  the_parent_waits_after_the_tracer();
  memory_is_read_and_written();
  strangers_may_not_trace();
  single_steps_go_through_calls_and_handlers();
  a_handlers_frame_knows_nothing_of_the_step();
  breakpoints_stop_behind_themselves();
  return finish();
}
