// Calls about processes: a few actors do what the driver tells them, and after each call stands what all have become.
#include "actors.h"
#include "programs.h"
#include "credentials.h"
#include "relations.h"
#include "settings.h"

static void process_round(void) {
  make_stage();
  struct rlimit none = {0, 0}, some = {64, 64}, stack = {8 << 20, RLIM_INFINITY};
  setrlimit(RLIMIT_CORE, &none);
  setrlimit(RLIMIT_RTPRIO, &none);
  setrlimit(RLIMIT_NICE, &none);
  setrlimit(RLIMIT_MEMLOCK, &some);
  setrlimit(RLIMIT_STACK, &stack);
  // What the host's root may lack.
  struct __user_cap_header_struct header = {0x20080522, 0};
  struct __user_cap_data_struct sets[2];
  prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE);
  CALL(capget, &header, sets);
  sets[0].permitted &= ~(1U << CAP_SYS_RESOURCE);
  sets[0].effective &= ~(1U << CAP_SYS_RESOURCE);
  CALL(capset, &header, sets);
  CALL(setgroups, 0, NULL);
  umask(022);
  setsid();
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  // The driver takes what is meant for its group and goes on.
  for (int signal = 1; signal <= 64; signal++) {
    struct sigaction action = {.sa_handler = pass_over, .sa_flags = SA_RESTART};
    if (signal != SIGALRM) sigaction(signal, &action, NULL);
  }
  made_processes[0] = CALL(getpid);
  made_count = 0;
  alarm(60);
  static void (*const steps[])(void) = {relation_step, relation_step, credential_step, exec_step, setting_step};
  void (*step)(void) = steps[round_number % 5];
  if (step == exec_step || step == credential_step || step == setting_step) make_programs();
  if (step == exec_step) open_directories();
  if (step == credential_step) make_guarded_files();
  for (int i = 0; i < STEPS_OF_A_ROUND; i++) {
    STEP(i);
    step();
    end_line();
  }
  for (int slot = 1; slot <= SLOTS; slot++) if (stage->process[slot] > 0) kill(stage->process[slot], SIGKILL);
  while (CALL(wait4, -1, NULL, __WALL, NULL) > 0) {}
}
