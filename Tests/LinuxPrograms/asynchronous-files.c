// fcntl(2), O_ASYNC: a process is told by a signal that a file has become ready.
#include "check.h"
#include <fcntl.h>
#include <pty.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>

static volatile int told;
static void note(int signal) { told++; }
static siginfo_t last;
static void note_information(int signal, siginfo_t *information, void *context) {
  last = *information;
  told++;
}

static void wait_for_signal(void) {
  for (int i = 0; i < 6000 && !told; i++) usleep(5000);
}

static void check_tells(int reader, int writer, int is_terminal) {
  told = 0;
  // Without an owner nobody is told, but of a terminal who asks.
  int flags = fcntl(reader, F_GETFL);
  CHECK_EQUAL(fcntl(reader, F_SETFL, flags | O_ASYNC), 0);
  CHECK_EQUAL(fcntl(reader, F_GETFL) & O_ASYNC, O_ASYNC);
  CHECK_EQUAL(write(writer, "a", 1), 1);
  if (is_terminal) {
    wait_for_signal();
    CHECK(told > 0);
  } else {
    usleep(20000);
    CHECK_EQUAL(told, 0);
  }
  told = 0;
  CHECK_EQUAL(fcntl(reader, F_SETOWN, getpid()), 0);
  CHECK_EQUAL(write(writer, "b", 1), 1);
  wait_for_signal();
  CHECK(told > 0);
  // Nor with O_ASYNC taken back.
  CHECK_EQUAL(fcntl(reader, F_SETFL, flags), 0);
  told = 0;
  CHECK_EQUAL(write(writer, "c", 1), 1);
  usleep(20000);
  CHECK_EQUAL(told, 0);
  // All has arrived, so that none of it tells later.
  char byte;
  for (int i = 0; i < 3; i++) CHECK_EQUAL(read(reader, &byte, 1), 1);
}

static void terminals_pipes_and_sockets_tell(void) {
  int master, slave, ends[2];
  REQUIRE(openpty(&master, &slave, 0, 0, 0) == 0);
  struct termios attributes;
  CHECK_EQUAL(tcgetattr(slave, &attributes), 0);
  cfmakeraw(&attributes);
  CHECK_EQUAL(tcsetattr(slave, TCSANOW, &attributes), 0);
  check_tells(slave, master, 1);
  // What is shown at the terminal is no input of its own; the master has it.
  CHECK_EQUAL(fcntl(slave, F_SETFL, O_RDWR | O_ASYNC), 0);
  told = 0;
  CHECK_EQUAL(write(slave, "shown", 5), 5);
  usleep(20000);
  CHECK_EQUAL(told, 0);
  CHECK_EQUAL(fcntl(slave, F_SETFL, O_RDWR), 0);
  check_tells(master, slave, 1);
  close(slave);
  close(master);
  REQUIRE(pipe(ends) == 0);
  check_tells(ends[0], ends[1], 0);
  close(ends[0]);
  close(ends[1]);
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  check_tells(ends[0], ends[1], 0);
  // A file that is closed tells nobody.
  CHECK_EQUAL(fcntl(ends[0], F_SETFL, O_ASYNC), 0);
  close(ends[0]);
  close(ends[1]);
}

static void the_other_way_tells_a_writer(void) {
  int ends[2];
  char byte;
  REQUIRE(pipe(ends) == 0);
  CHECK_EQUAL(fcntl(ends[1], F_SETOWN, getpid()), 0);
  CHECK_EQUAL(fcntl(ends[1], F_SETFL, O_WRONLY | O_ASYNC), 0);
  told = 0;
  CHECK_EQUAL(write(ends[1], "x", 1), 1);
  usleep(20000);
  CHECK_EQUAL(told, 0);
  CHECK_EQUAL(read(ends[0], &byte, 1), 1);
  wait_for_signal();
  CHECK(told > 0);
  close(ends[0]);
  close(ends[1]);
}

static void a_signal_of_ones_own_says_which_file(void) {
  int ends[2], on = 1;
  REQUIRE(pipe(ends) == 0);
  struct sigaction action = {.sa_sigaction = note_information, .sa_flags = SA_RESTART | SA_SIGINFO};
  sigaction(SIGRTMIN + 1, &action, 0);
  sigaction(SIGTRAP, &action, 0);
  CHECK_EQUAL(fcntl(ends[0], F_GETSIG), 0);
  CHECK_ERROR(fcntl(ends[0], F_SETSIG, 65), EINVAL);
  CHECK_EQUAL(fcntl(ends[0], F_SETOWN, getpid()), 0);
  CHECK_EQUAL(fcntl(ends[0], F_GETOWN), getpid());
  CHECK_EQUAL(ioctl(ends[0], FIOASYNC, &on), 0);
  CHECK_EQUAL(fcntl(ends[0], F_GETFL) & O_ASYNC, O_ASYNC);
  const int signals[] = {SIGRTMIN + 1, SIGTRAP};
  for (int i = 0; i < 2; i++) {
    CHECK_EQUAL(fcntl(ends[0], F_SETSIG, signals[i]), 0);
    CHECK_EQUAL(fcntl(ends[0], F_GETSIG), signals[i]);
    told = 0;
    CHECK_EQUAL(write(ends[1], "x", 1), 1);
    wait_for_signal();
    CHECK_EQUAL(told, 1);
    CHECK_EQUAL(last.si_signo, signals[i]);
    CHECK_EQUAL(last.si_code, i ? SI_SIGIO : POLL_IN);
    CHECK_EQUAL(last.si_fd, ends[0]);
    CHECK_EQUAL(last.si_band, 0x41);
  }
  on = 0;
  CHECK_EQUAL(ioctl(ends[0], FIOASYNC, &on), 0);
  CHECK_EQUAL(fcntl(ends[0], F_GETFL) & O_ASYNC, 0);
  close(ends[0]);
  close(ends[1]);
}

static void a_group_is_told(void) {
  int ends[2], ready[2];
  char byte;
  REQUIRE(pipe(ends) == 0 && pipe(ready) == 0);
  pid_t pid = fork();
  if (pid == 0) {
    setpgid(0, 0);
    told = 0;
    if (write(ready[1], "x", 1) != 1) _exit(2);
    wait_for_signal();
    _exit(told > 0 ? 5 : 6);
  }
  CHECK_EQUAL(read(ready[0], &byte, 1), 1);
  CHECK_EQUAL(fcntl(ends[0], F_SETOWN, -pid), 0);
  CHECK_EQUAL(fcntl(ends[0], F_GETOWN), -pid);
  CHECK_EQUAL(fcntl(ends[0], F_SETFL, O_ASYNC), 0);
  told = 0;
  CHECK_EQUAL(write(ends[1], "x", 1), 1);
  int status = -1;
  CHECK_EQUAL(waitpid(pid, &status, 0), pid);
  CHECK_EQUAL(status, 5 << 8);
  CHECK_EQUAL(told, 0);
  CHECK_ERROR(fcntl(ends[0], F_SETOWN, INT_MIN), EINVAL);
  CHECK_ERROR(fcntl(ends[0], F_SETOWN, 0x3FFFFFF), ESRCH);
  CHECK_ERROR(fcntl(ends[0], F_SETOWN, -0x3FFFFFF), ESRCH);
  for (int i = 0; i < 2; i++) {
    close(ends[i]);
    close(ready[i]);
  }
}

static volatile pid_t told_thread;
static void note_thread(int signal) { told_thread = gettid(); }
static volatile pid_t waiting_thread;
static void *wait_for_notice(void *unused) {
  waiting_thread = gettid();
  for (int i = 0; i < 6000 && !told_thread; i++) usleep(5000);
  return 0;
}

static void a_thread_is_told(void) {
  int ends[2];
  pthread_t thread;
  REQUIRE(pipe(ends) == 0);
  struct sigaction action = {.sa_handler = note_thread, .sa_flags = SA_RESTART};
  sigaction(SIGUSR1, &action, 0);
  REQUIRE(pthread_create(&thread, 0, wait_for_notice, 0) == 0);
  while (!waiting_thread) usleep(1000);
  struct f_owner_ex owner = {F_OWNER_TID, waiting_thread}, found = {-1, -1};
  CHECK_EQUAL(fcntl(ends[0], F_SETOWN_EX, &owner), 0);
  CHECK_EQUAL(fcntl(ends[0], F_GETOWN_EX, &found), 0);
  CHECK_EQUAL(found.type, F_OWNER_TID);
  CHECK_EQUAL(found.pid, waiting_thread);
  CHECK_EQUAL(fcntl(ends[0], F_SETSIG, SIGUSR1), 0);
  CHECK_EQUAL(fcntl(ends[0], F_SETFL, O_ASYNC), 0);
  CHECK_EQUAL(write(ends[1], "x", 1), 1);
  pthread_join(thread, 0);
  CHECK_EQUAL(told_thread, waiting_thread);
  // Of a thread that has gone nobody is told.
  told = 0;
  CHECK_EQUAL(fcntl(ends[0], F_SETSIG, 0), 0);
  CHECK_EQUAL(write(ends[1], "x", 1), 1);
  usleep(20000);
  CHECK_EQUAL(told, 0);
  owner.type = 3;
  CHECK_ERROR(fcntl(ends[0], F_SETOWN_EX, &owner), EINVAL);
  owner = (struct f_owner_ex){F_OWNER_PID, 0x3FFFFFF};
  CHECK_ERROR(fcntl(ends[0], F_SETOWN_EX, &owner), ESRCH);
  CHECK_ERROR(fcntl(ends[0], F_SETOWN_EX, 8), EFAULT);
  close(ends[0]);
  close(ends[1]);
}

static void other_files_tell_nothing(void) {
  int file = open("/proc/self/exe", O_RDONLY), on = 1;
  REQUIRE(file >= 0);
  CHECK_EQUAL(fcntl(file, F_SETFL, O_ASYNC), 0);
  CHECK_EQUAL(fcntl(file, F_GETFL) & O_ASYNC, 0);
  CHECK_ERROR(ioctl(file, FIOASYNC, &on), ENOTTY);
  close(file);
}

static void strangers_are_not_told(void) {
  if (getuid() != 0) return;
  told = 0;
  pid_t target = getpid(), pid = fork();
  if (pid == 0) {
    int ends[2];
    if (pipe(ends) != 0 || setresuid(1000, 1000, 1000) != 0) _exit(1);
    fcntl(ends[0], F_SETOWN, target);
    fcntl(ends[0], F_SETFL, O_ASYNC);
    if (write(ends[1], "x", 1) != 1) _exit(2);
    _exit(0);
  }
  int status = -1;
  CHECK_EQUAL(waitpid(pid, &status, 0), pid);
  CHECK_EQUAL(status, 0);
  usleep(20000);
  CHECK_EQUAL(told, 0);
}

int main(void) {
  struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
  sigaction(SIGIO, &action, 0);
  terminals_pipes_and_sockets_tell();
  the_other_way_tells_a_writer();
  a_signal_of_ones_own_says_which_file();
  a_group_is_told();
  a_thread_is_told();
  other_files_tell_nothing();
  strangers_are_not_told();
  return finish();
}
