// Random calls with all that they show, one line each: the same on Linux and on Needletail for the same seed.
// Usage: compare-calls [--family NAME] [--seed N] [--first ROUND] [--rounds N]
#include "compare.h"
#include <sys/mount.h>
#include <sys/wait.h>
#include "tree.h"
#include "memory.h"
#include "moves.h"
#include "descriptors.h"
#include "terminals.h"
#include "sockets.h"
#include "pipes.h"
#include "processes.h"
#include "signals.h"

static const struct family {
  const char *name;
  void (*round)(void);
} families[] = {{"tree", tree_round}, {"memory", memory_round}, {"descriptors", descriptor_round},
              {"terminals", terminal_round}, {"sockets", socket_round},
              {"pipes", pipe_round}, {"moves", move_round}, {"processes", process_round},
              {"signals", signal_round}};

static void fail(const char *what) {
  printf("compare-calls: %s: %s\n", what, strerror(errno));
  exit(2);
}

// Whatever a caller on the host hands down is none of the comparison's: all is as the first program finds it.
static void forget_caller(void) {
  static const unsigned long none;
  reset_actions();
  CALL(rt_sigprocmask, SIG_SETMASK, &none, NULL, 8);
  // The flags of an alternate stack outlive exec, and who was a thread once has others: the same for both.
  static const stack_t no_stack = {NULL, SS_DISABLE, 0};
  sigaltstack(&no_stack, NULL);
  CALL(personality, 0);
  if (close_range(3, ~0U, 0) != 0) fail("close_range");
  prctl(PR_SET_TIMERSLACK, 50000);
  static const struct sched_param no_priority;
  sched_setscheduler(0, SCHED_OTHER, &no_priority);
  setpriority(PRIO_PROCESS, 0, 0);
}

int main(int count, char **words, char **environment) {
  // A program that a round executes.
  if (strcmp(words[0] ? words[0] : "", "/shows") == 0) show_signals();
  if (fcntl(STAGE_FILE, F_GETFD) >= 0) actor_program(count, words, environment);
  forget_caller();
  unsigned long seed = 1, first = 0, rounds = 25;
  const struct family *family = &families[0];
  for (int i = 1; i < count; i++) {
    const char *value = i + 1 < count ? words[i + 1] : "";
    if (strcmp(words[i], "--seed") == 0) seed = strtoul(value, NULL, 0);
    else if (strcmp(words[i], "--first") == 0) first = strtoul(value, NULL, 0);
    else if (strcmp(words[i], "--rounds") == 0) rounds = strtoul(value, NULL, 0);
    else if (strcmp(words[i], "--family") == 0) {
      family = NULL;
      for (size_t f = 0; f < COUNT(families); f++)
        if (strcmp(families[f].name, value) == 0) family = &families[f];
      if (family == NULL) { printf("compare-calls: no family '%s'\n", value); return 2; }
    } else { printf("compare-calls: unknown argument '%s'\n", words[i]); return 2; }
    i++;
  }
  setvbuf(stdout, NULL, _IONBF, 0);
  // A tree and a /proc of its own for each round, wherever this runs.
  mkdir("/tmp", 0777);
  if (getpid() != 1) {
    // In a world of its own: nothing that a call reaches may be the machine's.
    if (unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWNET) != 0) fail("unshare (root only)");
    pid_t init = fork();
    if (init < 0) fail("fork");
    if (init != 0) {
      int status;
      if (waitpid(init, &status, 0) != init) fail("waitpid");
      return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) fail("mount private");
  }
  for (unsigned long round = first; round < first + rounds; round++) {
    // A process for each: what it leaves behind ends with it.
    if (mount("tmpfs", "/tmp", "tmpfs", 0, "mode=755,size=64m") != 0) fail("mount tmpfs");
    if (mkdir("/tmp/proc", 0555) != 0 || mount("proc", "/tmp/proc", "proc", 0, NULL) != 0) fail("mount proc");
    pid_t child = fork();
    if (child < 0) fail("fork");
    if (child == 0) {
      if (chroot("/tmp") != 0 || chdir("/") != 0) fail("chroot");
      alarm(60);
      round_number = round;
      seed_random(seed, round);
      say("round %lu", round);
      end_line();
      family->round();
      _exit(0);
    }
    int status;
    if (waitpid(child, &status, 0) != child) fail("waitpid");
    // Whoever has left the round's process keeps its file systems busy; as the first of its world this one reaches
    // nobody else.
    if (getpid() == 1) kill(-1, SIGKILL);
    while (CALL(wait4, -1, NULL, __WALL, NULL) > 0) {}
    // Sockets in messages that nobody can read keep their names a while.
    if (umount("/tmp/proc") != 0 || umount2("/tmp", MNT_DETACH) != 0) fail("umount");
    if (status != 0) printf("\nround %lu ended by %x\n", round, status);
  }
  printf("compare-calls ends\n");
  return 0;
}
