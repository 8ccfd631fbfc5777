// Signals of every kind at once for processes with threads that compute: each register keeps its value, no process is
// lost, stops and continuations come and go.
#include "check.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#define PROCESSES 6
#define THREADS 3

static atomic_int count;

static void compute(int number, siginfo_t *information, void *context) {
  volatile double value = atomic_fetch_add(&count, 1);
  for (int turn = 0; turn < 20; turn++) value = value * 1.000001 + turn;
}

static void *work(void *unused) {
  double first = 1, second = 1;
  for (int turn = 0; turn < 300000; turn++) {
    first *= 1.0000001;
    second *= 1.0000001;
    __asm__("" : "+x"(first), "+x"(second));
    if (first != second) {
      CHECK(!"a register has changed");
      break;
    }
    if (turn % 1000 == 0) kill(getpid(), SIGUSR1);
    if (turn % 1500 == 0) syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGRTMIN + 1);
  }
  return NULL;
}

static int child(void) {
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) REQUIRE(pthread_create(&threads[i], NULL, work, NULL) == 0);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  return finish();
}

int main(void) {
  struct sigaction action = {.sa_sigaction = compute, .sa_flags = SA_SIGINFO | SA_RESTART};
  int numbers[] = {SIGUSR1, SIGRTMIN + 1, SIGALRM};
  for (int i = 0; i < 3; i++) REQUIRE(sigaction(numbers[i], &action, NULL) == 0);
  struct itimerval timer = {{0, 1000}, {0, 1000}};
  REQUIRE(setitimer(ITIMER_REAL, &timer, NULL) == 0);
  pid_t children[PROCESSES];
  for (int i = 0; i < PROCESSES; i++) {
    children[i] = fork();
    REQUIRE(children[i] >= 0);
    if (children[i] == 0) _exit(child());
  }
  for (int turn = 0; turn < 60; turn++) {
    for (int i = 0; i < PROCESSES; i++) kill(children[i], turn % 3 == 0 ? SIGSTOP : turn % 3 == 1 ? SIGCONT : SIGUSR1);
    usleep(5000);
  }
  for (int i = 0; i < PROCESSES; i++) kill(children[i], SIGCONT);
  int status, ended = 0;
  for (;;) {
    if (waitpid(-1, &status, 0) < 0) {
      if (errno == EINTR) continue;
      break;
    }
    ended++;
    CHECK_EQUAL(status, 0);
  }
  CHECK_EQUAL(ended, PROCESSES);
  return finish();
}
