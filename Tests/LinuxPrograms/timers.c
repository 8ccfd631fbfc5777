// Built with musl too.
// setitimer(2), alarm(2), timer_create(2): timers that send signals.
#include "check.h"
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

static volatile sig_atomic_t count, total;
static siginfo_t information;
static volatile pid_t receiver;

static void note(int number, siginfo_t *given, void *context) {
  information = *given;
  receiver = syscall(SYS_gettid);
  count++;
  total += 1 + (given->si_code == SI_TIMER ? given->si_overrun : 0);
}

static void install(int number) {
  struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
  REQUIRE(sigaction(number, &action, NULL) == 0);
  count = total = 0;
}

static long milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void change_mask(int how, int number) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  REQUIRE(sigprocmask(how, &set, NULL) == 0);
}
// Blocks a signal, which then comes in `await` alone: never before the wait for it.
static void block(int number) { change_mask(SIG_BLOCK, number); }
static void unblock(int number) { change_mask(SIG_UNBLOCK, number); }
static void await(int number) {
  sigset_t set;
  sigprocmask(SIG_BLOCK, NULL, &set);
  sigdelset(&set, number);
  CHECK_ERROR(sigsuspend(&set), EINTR);
}

static void real(void) {
  install(SIGALRM);
  struct itimerval value = {.it_value = {1000, 0}}, old;
  CHECK_EQUAL(setitimer(ITIMER_REAL, &value, &old), 0);
  CHECK_EQUAL(old.it_value.tv_sec + old.it_value.tv_usec, 0);
  CHECK_EQUAL(getitimer(ITIMER_REAL, &old), 0);
  CHECK(old.it_value.tv_sec > 0 && (old.it_value.tv_sec < 1000 || old.it_value.tv_usec == 0));
  block(SIGALRM);
  value.it_value = (struct timeval){0, 50000};
  long begin = milliseconds();
  CHECK_EQUAL(setitimer(ITIMER_REAL, &value, &old), 0);
  await(SIGALRM);
  unblock(SIGALRM);
  CHECK(milliseconds() - begin >= 49);
  CHECK_EQUAL(count, 1);
  CHECK_EQUAL(information.si_code, SI_KERNEL);
  CHECK_EQUAL(getitimer(ITIMER_REAL, &old), 0);
  CHECK_EQUAL(old.it_value.tv_sec + old.it_value.tv_usec, 0);

  value.it_value.tv_usec = value.it_interval.tv_usec = 10000;
  count = 0;
  CHECK_EQUAL(setitimer(ITIMER_REAL, &value, NULL), 0);
  while (count < 5) CHECK_ERROR(pause(), EINTR);
  memset(&value, 0, sizeof value);
  CHECK_EQUAL(setitimer(ITIMER_REAL, &value, &old), 0);
  CHECK_EQUAL(old.it_interval.tv_usec, 10000);
  int before = count;
  usleep(40000);
  CHECK_EQUAL(count, before);

  // What is left is told in whole seconds: once more where half of one has gone by.
  unsigned left;
  do {
    begin = milliseconds();
    CHECK_EQUAL(alarm(100), 0);
    left = alarm(0);
  } while (milliseconds() - begin >= 400);
  CHECK_EQUAL(left, 100);
  CHECK_EQUAL(alarm(0), 0);
  CHECK_ERROR(setitimer(7, &value, NULL), EINVAL);
  value.it_value.tv_usec = 1000000;
  CHECK_ERROR(setitimer(ITIMER_REAL, &value, NULL), EINVAL);
  CHECK_ERROR(getitimer(ITIMER_REAL, (void *)8), EFAULT);

  // Not inherited; the default action ends.
  alarm(100);
  pid_t child = fork();
  if (child == 0) {
    check_failures = 0;
    CHECK_EQUAL(alarm(0), 0);
    if (check_failures) _exit(1);
    signal(SIGALRM, SIG_DFL);
    value.it_value = (struct timeval){0, 20000};
    setitimer(ITIMER_REAL, &value, NULL);
    for (;;) pause();
  }
  int status;
  alarm(0);
  waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
}

static long microseconds_used(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void cpu_time(void) {
  struct itimerval value = {.it_value = {0, 30000}, .it_interval = {0, 30000}}, old;
  // An emulated CPU that the host takes away computes all the same: then once more.
  install(SIGVTALRM);
  long used = 30000;
  for (int attempt = 0; attempt < 20 && used >= 30000; attempt++) {
    used = -microseconds_used();
    CHECK_EQUAL(setitimer(ITIMER_VIRTUAL, &value, NULL), 0);
    count = 0;
    usleep(80000);
    int seen = count;
    used += microseconds_used();
    if (used < 30000) CHECK_EQUAL(seen, 0);
  }
  CHECK(used < 30000);
  long begin = milliseconds();
  while (count < 2 && milliseconds() - begin < 20000) {}
  CHECK(count >= 2);
  memset(&value, 0, sizeof value);
  CHECK_EQUAL(setitimer(ITIMER_VIRTUAL, &value, &old), 0);
  CHECK_EQUAL(old.it_interval.tv_usec, 30000);

  // As long as there is no time for it: never.
  value.it_value.tv_sec = LONG_MAX;
  count = 0;
  CHECK_EQUAL(setitimer(ITIMER_VIRTUAL, &value, NULL), 0);
  used = microseconds_used();
  while (microseconds_used() - used < 30000) {}
  CHECK_EQUAL(count, 0);
  memset(&value, 0, sizeof value);
  CHECK_EQUAL(setitimer(ITIMER_VIRTUAL, &value, &old), 0);
  CHECK(old.it_value.tv_sec > 1000000000);

  install(SIGPROF);
  value.it_value.tv_usec = 30000;
  CHECK_EQUAL(setitimer(ITIMER_PROF, &value, NULL), 0);
  begin = milliseconds();
  while (count < 1 && milliseconds() - begin < 20000) getppid();
  CHECK_EQUAL(count, 1);
}

static void posix_timers(void) {
  int number = SIGRTMIN;
  install(number);
  timer_t timer;
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = number, .sigev_value.sival_int = 77};
  CHECK_EQUAL(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
  struct itimerspec value = {.it_value = {1000, 0}}, old;
  CHECK_EQUAL(timer_settime(timer, 0, &value, &old), 0);
  CHECK_EQUAL(old.it_value.tv_sec + old.it_value.tv_nsec, 0);
  CHECK_EQUAL(timer_gettime(timer, &old), 0);
  CHECK(old.it_value.tv_sec > 0 && (old.it_value.tv_sec < 1000 || old.it_value.tv_nsec == 0));
  block(number);
  value.it_value = (struct timespec){0, 20000000};
  CHECK_EQUAL(timer_settime(timer, 0, &value, NULL), 0);
  await(number);
  CHECK_EQUAL(count, 1);
  CHECK_EQUAL(information.si_code, SI_TIMER);
  CHECK_EQUAL(information.si_value.sival_int, 77);
  CHECK_EQUAL(information.si_overrun, 0);
  CHECK_EQUAL(timer_getoverrun(timer), 0);

  // Expiries while the signal waits are counted.
  value.it_value.tv_nsec = value.it_interval.tv_nsec = 10000000;
  count = total = 0;
  long begin = milliseconds();
  timer_settime(timer, 0, &value, NULL);
  usleep(105000);
  await(number);
  long passed = milliseconds() - begin;
  CHECK_EQUAL(count, 1);
  CHECK(total >= 8 && total <= passed / 10 + 1);
  memset(&value, 0, sizeof value);
  CHECK_EQUAL(timer_settime(timer, 0, &value, NULL), 0);
  CHECK(timer_getoverrun(timer) >= 0);
  // One that came in between is not the next timer's.
  unblock(number);
  block(number);

  // At a time of the clock.
  clock_gettime(CLOCK_MONOTONIC, &value.it_value);
  value.it_value.tv_nsec += 20000000;
  if (value.it_value.tv_nsec >= 1000000000) value.it_value.tv_sec++, value.it_value.tv_nsec -= 1000000000;
  count = 0;
  CHECK_EQUAL(timer_settime(timer, TIMER_ABSTIME, &value, NULL), 0);
  await(number);
  CHECK_EQUAL(count, 1);
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  CHECK(now.tv_sec > value.it_value.tv_sec
        || (now.tv_sec == value.it_value.tv_sec && now.tv_nsec >= value.it_value.tv_nsec));

  value.it_value.tv_nsec = 1000000000;
  CHECK_ERROR(timer_settime(timer, 0, &value, NULL), EINVAL);
  CHECK_EQUAL(timer_delete(timer), 0);
  CHECK_ERROR(syscall(SYS_timer_delete, 12345), EINVAL);
  CHECK_ERROR(syscall(SYS_timer_gettime, 12345, &old), EINVAL);

  event.sigev_signo = 99;
  CHECK_ERROR(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer), EINVAL);
  CHECK_ERROR(syscall(SYS_timer_create, 77, NULL, &timer), EINVAL);

  // A pending signal of a timer goes with it.
  event.sigev_signo = number;
  CHECK_EQUAL(timer_create(CLOCK_REALTIME, &event, &timer), 0);
  count = 0;
  value.it_value = (struct timespec){0, 5000000};
  timer_settime(timer, 0, &value, NULL);
  sigset_t pending;
  sigemptyset(&pending);
  for (int turn = 0; turn < 20000 && !sigismember(&pending, number); turn++) {
    usleep(1000);
    sigpending(&pending);
  }
  CHECK(sigismember(&pending, number));
  CHECK_EQUAL(timer_delete(timer), 0);
  unblock(number);
}

static void *wait_for_timer(void *unused) {
  struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
  ((int *)&event.sigev_signo)[2] = syscall(SYS_gettid);  // sigev_notify_thread_id
  int kernel_timer;
  CHECK_EQUAL(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &kernel_timer), 0);
  struct itimerspec value = {.it_value = {0, 20000000}};
  CHECK_EQUAL(syscall(SYS_timer_settime, kernel_timer, 0, &value, NULL), 0);
  while (count < 1) usleep(1000);
  CHECK_EQUAL(receiver, syscall(SYS_gettid));
  CHECK_EQUAL(syscall(SYS_timer_delete, kernel_timer), 0);
  return NULL;
}

static void thread_timer(void) {
  install(SIGUSR1);
  pthread_t thread;
  REQUIRE(pthread_create(&thread, NULL, wait_for_timer, NULL) == 0);
  pthread_join(thread, NULL);
  CHECK_EQUAL(count, 1);
}

int main(void) {
  real();
  cpu_time();
  posix_timers();
  thread_timer();
  // Some are left running: the end takes them along.
  timer_t timer;
  CHECK_EQUAL(timer_create(CLOCK_MONOTONIC, NULL, &timer), 0);
  struct itimerspec value = {.it_value = {5, 0}};
  timer_settime(timer, 0, &value, NULL);
  alarm(5);
  return finish();
}
