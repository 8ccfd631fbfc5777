// Calls about processes: a few actors do what the driver tells them, and after each call stands what all have become.
// A process is called by the order in which it was made (c1, c2 ...), as numbers differ.
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <linux/capability.h>
#include <linux/membarrier.h>
#include <linux/sched.h>

#define SLOTS 6
#define STAGE_FILE 900
#define STAGE_ADDRESS 0x200000000000UL
#define DRIVER_KEY 0x5EED5EED
#define FORK_CALL 100000L
#define OWN_ADDRESS(slot) ((char *)&stage->data[slot])

// What all actors share; a program that is executed finds it by its descriptor.
static struct stage {
  unsigned key;
  int process[SLOTS + 1];
  int commands[SLOTS + 1][2], replies[SLOTS + 1][2];
  union {
    char text[16384];
    long words[2048];
    int numbers[4096];
  } data[SLOTS + 1];
} *stage;
struct command { long number, arguments[6]; };

// Every process that there was, by its order.
static int made_processes[200], made_count;
static int owes_reply[SLOTS + 1];

static void say_process(long process) {
  if (process == 0) { say("0"); return; }
  if (process < 0) { say("-"); process = -process; }
  if (process == 1) { say("init"); return; }
  for (int i = made_count; i >= 0; i--)
    if (made_processes[i] == process) {
      if (i == 0) say("D"); else say("c%d", i);
      return;
    }
  say("none");
}

static void pass_over(int signal) {}

static int actor_slot(void) {
  for (int slot = 1; slot <= SLOTS; slot++)
    if (stage->process[slot] == (int)CALL(getpid)) return slot;
  return -1;
}

static void actor_loop(int slot) {
  for (;;) {
    struct command command;
    long count = CALL(read, stage->commands[slot][0], &command, sizeof command);
    if (count == -EINTR) continue;
    if (count != sizeof command) _exit(99);
    long result;
    if (command.number == FORK_CALL) {
      struct clone_args *arguments = (struct clone_args *)OWN_ADDRESS(slot);
      result = CALL(clone3, arguments, command.arguments[1]);
      if (result == 0) {
        slot = command.arguments[0];
        stage->process[slot] = CALL(getpid);
        continue;
      }
    } else {
      long *a = command.arguments;
      result = raw_call_of(command.number, a[0], a[1], a[2], a[3], a[4], a[5]);
    }
    while (CALL(write, stage->replies[slot][1], &result, sizeof result) == -EINTR) {}
  }
}

// What a program that was executed has been given.
static void actor_program(int count, char **words, char **environment) {
  // At the same place in all programs.
  stage = mmap((void *)STAGE_ADDRESS, sizeof *stage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, STAGE_FILE, 0);
  if (stage == MAP_FAILED || stage->key != DRIVER_KEY) return;
  int slot = actor_slot();
  if (slot < 0) return;
  char *text = stage->data[slot].text, *end = text + sizeof stage->data[slot].text;
  text += snprintf(text, end - text, " %d:", count);
  for (int i = 0; i < count && i < 12; i++) text += snprintf(text, end - text, "[%.30s:%zu]", words[i], strlen(words[i]));
  int variables = 0;
  while (environment[variables] != NULL) variables++;
  text += snprintf(text, end - text, " %d:%.20s", variables, variables > 0 ? environment[0] : "");
  unsigned long *vector = (unsigned long *)(environment + variables + 1);
  for (; *vector != 0; vector += 2)
    switch (*vector) {
      case 11: case 12: case 13: case 14: case 23: case 17: case 6: case 5: case 4:
        text += snprintf(text, end - text, " %ld=%ld", vector[0], vector[1]);
        break;
      case 31: text += snprintf(text, end - text, " name=%.60s", (char *)vector[1]);
    }
  char name[20] = "";
  prctl(PR_GET_NAME, name);
  text += snprintf(text, end - text, " %s dumpable=%ld", name, CALL(prctl, PR_GET_DUMPABLE));
  long result = 0;
  while (CALL(write, stage->replies[slot][1], &result, sizeof result) == -EINTR) {}
  actor_loop(slot);
}

// A line of a small file under /proc, without the library's buffers.
static int read_small(const char *name, char *text, int size) {
  int file = open(name, O_RDONLY);
  if (file < 0) return -1;
  int count = read(file, text, size - 1);
  close(file);
  text[count > 0 ? count : 0] = 0;
  return count;
}

static char process_state(int process, int *parent, int *group, int *session) {
  char name[40], text[1024];
  int unused;
  sprintf(name, "/proc/%d/stat", process);
  if (process <= 0 || read_small(name, text, sizeof text) <= 0) return 0;
  char state, *after = strrchr(text, ')');
  if (after == NULL) return 0;
  if (parent == NULL) parent = group = session = &unused;
  sscanf(after + 1, " %c %d %d %d", &state, parent, group, session);
  return state == 'D' ? 'R' : state == 'X' ? 0 : state;
}

static int take_reply(int slot, long *result, int milliseconds) {
  struct pollfd one = {stage->replies[slot][0], POLLIN, 0};
  if (poll(&one, 1, milliseconds) <= 0) return 0;
  return read(one.fd, result, sizeof *result) == sizeof *result;
}

static int is_idle(int slot) {
  if (slot == 0) return 1;
  if (stage->process[slot] == 0 || owes_reply[slot]) return 0;
  return process_state(stage->process[slot], NULL, NULL, NULL) == 'S';
}

// Whether all have come to rest: waiting for a command, stopped, or dead.
static void settle(void) {
  int quiet = 0;
  for (int attempt = 0; attempt < 3000 && quiet < 3; attempt++) {
    int busy = 0;
    for (int slot = 1; slot <= SLOTS; slot++) {
      char state = process_state(stage->process[slot], NULL, NULL, NULL);
      if (state == 'R') busy = 1;
      long result;
      if (owes_reply[slot] && state == 'S') {
        if (take_reply(slot, &result, 0)) {
          owes_reply[slot] = 0;
          say(" late:");
          say_process(stage->process[slot]);
          say("=%ld", result < 0 ? result : 0);
        }
        busy = 1;
      }
    }
    quiet = busy ? 0 : quiet + 1;
    usleep(200);
  }
  if (quiet < 3) say(" restless");
}

// The result of a call made by the actor; `*gone` if it stopped or died over it.
static long perform(int slot, int *gone, struct command command) {
  long *a = command.arguments;
  *gone = 0;
  if (slot == 0) return raw_call_of(command.number, a[0], a[1], a[2], a[3], a[4], a[5]);
  long result;
  if (write(stage->commands[slot][1], &command, sizeof command) != sizeof command) _exit(5);
  for (int attempt = 0; attempt < 20000; attempt++) {
    if (take_reply(slot, &result, 1)) return result;
    char state = process_state(stage->process[slot], NULL, NULL, NULL);
    if (state == 'S' || state == 'R') continue;
    if (take_reply(slot, &result, 0)) return result;
    *gone = 1;
    owes_reply[slot] = state == 'T';
    return 0;
  }
  say(" no reply");
  *gone = 1;
  return 0;
}
#define ACT(slot, name, ...) perform(slot, &gone, COMMAND_OF(SYS_##name, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0))
#define COMMAND_OF(number, a, b, c, d, e, f, ...) \
  (struct command){number, {(long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f)}}

// A call whose maker dies of it gives a result or none, as it happens.
static void say_lasting(int slot, long result, int gone) {
  settle();
  char state = slot == 0 ? 'S' : process_state(stage->process[slot], NULL, NULL, NULL);
  if (gone || state == 0 || state == 'Z') say(" = gone"); else say_result(result);
}

static void say_outcome(long result, int gone) {
  if (gone) say(" = gone"); else say_result(result);
}

static int credentials_shown;

static void say_process_status(int process) {
  static const char *const fields[] = {"Uid", "Gid", "Groups", "SigIgn", "SigBlk", "CapInh", "CapPrm", "CapEff",
                                       "CapBnd", "CapAmb", "NoNewPrivs", "ShdPnd", "SigPnd", "SigCgt"};
  char name[40], text[4096];
  sprintf(name, "/proc/%d/status", process);
  if (read_small(name, text, sizeof text) <= 0) return;
  for (size_t i = 0; i < COUNT(fields); i++) {
    // Of a signal's matters alone, where there are no credentials in question.
    if (!credentials_shown && strncmp(fields[i], "Sig", 3) != 0 && strcmp(fields[i], "ShdPnd") != 0) continue;
    char key[20];
    sprintf(key, "\n%s:", fields[i]);
    char *at = strstr(text, key);
    if (at == NULL) { say(" no %s", fields[i]); continue; }
    at += strlen(key) + 1;
    char *end = strchr(at, '\n');
    say(" %s=", fields[i]);
    for (; at < end; at++) if (*at == '\t') say(","); else if (*at != ' ' || at[1] != '\n') say("%c", *at);
  }
  if (!credentials_shown) return;
  struct stat status;
  sprintf(name, "/proc/%d/fd", process);
  if (stat(name, &status) == 0) say(" owner=%d,%d", status.st_uid, status.st_gid);
}

static void say_actors(void) {
  settle();
  for (int slot = 1; slot <= SLOTS; slot++) {
    int parent, group, session;
    char state = process_state(stage->process[slot], &parent, &group, &session);
    if (state == 0) { stage->process[slot] = 0; continue; }
    say(" ");
    say_process(stage->process[slot]);
    say(":%c,", state);
    say_process(parent);
    say(",");
    say_process(group);
    say(",");
    say_process(session);
    if (credentials_shown && state != 'Z') say_process_status(stage->process[slot]);
  }
}

static int any_idle(void) {
  int slots[SLOTS + 1], count = 0;
  for (int slot = 1; slot <= SLOTS; slot++) if (is_idle(slot)) slots[count++] = slot;
  return count == 0 ? 0 : slots[below(count)];
}

static void new_actor(int maker, struct clone_args arguments, size_t size) {
  int slot = 1, gone;
  while (slot <= SLOTS && stage->process[slot] != 0) slot++;
  if (slot > SLOTS) { say(" no room"); return; }
  long result;
  // What was left of the life before.
  owes_reply[slot] = 0;
  while (take_reply(slot, &result, 0)) {}
  fcntl(stage->commands[slot][0], F_SETFL, O_NONBLOCK);
  struct command old;
  while (read(stage->commands[slot][0], &old, sizeof old) > 0) {}
  fcntl(stage->commands[slot][0], F_SETFL, 0);
  if (maker == 0) {
    result = CALL(clone3, &arguments, size);
    if (result == 0) {
      stage->process[slot] = CALL(getpid);
      reset_actions();
      actor_loop(slot);
    }
  } else {
    memcpy(OWN_ADDRESS(maker), &arguments, sizeof arguments);
    result = perform(maker, &gone, COMMAND_OF(FORK_CALL, slot, size, 0, 0, 0, 0));
  }
  if (result < 0) { say_result(result); return; }
  made_processes[++made_count] = stage->process[slot] = result;
  say(" = ");
  say_process(result);
}

// A process, a group, or what is neither.
static long any_process(int groups) {
  long process = one_in(5) || made_count == 0 ? 0 : made_processes[made_count - below(made_count < 6 ? made_count : 6)];
  if (one_in(15)) process = made_processes[0];
  if (one_in(25)) {
    static const long odd_ones[] = {0x7FFFFFF, INT32_MAX, 1};
    process = ANY(odd_ones);
  }
  if (groups && one_in(3)) process = -process;
  say(" ");
  say_process(process);
  return process;
}

static int any_signal(void) {
  static const int signals[] = {0, SIGTERM, SIGKILL, SIGSTOP, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGCONT,
                                SIGUSR1, SIGCHLD, SIGSEGV, SIGABRT, SIGHUP, SIGPIPE, SIGWINCH, SIGURG, 34, 64, 65, -1};
  int signal = ANY(signals);
  say(" %d", signal);
  return signal;
}

static unsigned any_wait_options(int exited) {
  static const struct word words[] = {{WUNTRACED, "STOPPED"}, {WCONTINUED, "CONTINUED"}, {WNOWAIT, "NOWAIT"},
                                      {WEXITED, "EXITED"}, {__WALL, "WALL"}, {__WCLONE, "CLONE"},
                                      {__WNOTHREAD, "NOTHREAD"}};
  say(" ");
  unsigned options = WNOHANG;
  for (size_t i = 0; i < COUNT(words); i++)
    if (one_in(i < 2 ? 2 : i == 3 ? (exited ? 2 : 15) : 9)) { options |= words[i].value; say("|%s", words[i].name); }
  if (one_in(40)) { options |= 0x10; say("|10"); }
  return options;
}

static void say_wait_status(int status) {
  if (WIFEXITED(status)) say(" exit %d", WEXITSTATUS(status));
  else say(" status %x", status);
}

static void relation_step(void) {
  int gone = 0, slot = one_in(6) ? 0 : any_idle();
  long result;
  say_process(slot == 0 ? made_processes[0] : stage->process[slot]);
  say(" ");
  char *data = OWN_ADDRESS(slot);
  memset(data, 0, 1024);
  int living = 0;
  for (int i = 1; i <= SLOTS; i++) living += is_idle(i);
  switch (made_count < 3 || (living < 3 && one_in(3)) ? 0 : below(24)) {
    case 0: case 1: case 2: case 3: {
      static const unsigned long signals[] = {SIGCHLD, SIGCHLD, SIGCHLD, 0, SIGUSR1, 64, 65, 1000};
      struct clone_args arguments = {.exit_signal = ANY(signals)};
      static const struct word flags[] = {{CLONE_FS, "FS"}, {CLONE_FILES, "FILES"}, {CLONE_PARENT, "PARENT"},
                                          {CLONE_SYSVSEM, "SYSVSEM"}, {0x80000000, "IO"}};
      say("clone3 signal %ld ", (long)arguments.exit_signal);
      if (one_in(3)) arguments.flags = ANY_WORDS(flags, 3);
      if (one_in(9)) { arguments.flags |= 0x100000000; say("|CLEAR_SIGHAND"); }
      if (one_in(12)) {
        static const struct word bad[] = {{CLONE_THREAD, "THREAD"}, {CLONE_SIGHAND, "SIGHAND"}, {CLONE_DETACHED, "DETACHED"},
                                          {CLONE_NEWNS | CLONE_FS, "NEWNS|FS"}, {0x40, "40"}, {1, "1"}};
        const struct word *one = &ANY(bad);
        arguments.flags |= one->value;
        say("|%s", one->name);
      }
      if (one_in(20)) { arguments.stack_size = 4096; say("|size"); }
      if (one_in(20)) { arguments.set_tid_size = 100; say("|set_tid_size"); }
      static const size_t sizes[] = {CLONE_ARGS_SIZE_VER0, CLONE_ARGS_SIZE_VER1, CLONE_ARGS_SIZE_VER2, 63, 65, 4097, 0};
      size_t size = one_in(3) ? ANY(sizes) : sizeof arguments;
      say(" size %zu", size);
      new_actor(slot, arguments, size);
      break;
    }
    case 4: case 5: {
      say("setpgid");
      long a = any_process(0), b = one_in(15) ? -5 : any_process(0);
      result = ACT(slot, setpgid, a, b);
      say_outcome(result, gone);
      break;
    }
    case 6:
      say("setsid");
      if (slot == 0) break;
      result = ACT(slot, setsid);
      if (result > 0) { say(" "); say_process(result); } else say_outcome(result, gone);
      break;
    case 7: {
      static const long calls[] = {SYS_getpgid, SYS_getsid};
      long call = ANY(calls);
      say(call == SYS_getpgid ? "getpgid" : "getsid");
      result = perform(slot, &gone, COMMAND_OF(call, any_process(1), 0, 0, 0, 0, 0));
      if (result > 0) { say(" "); say_process(result); } else say_outcome(result, gone);
      break;
    }
    case 8: case 9: case 10: case 11: case 12: {
      say("kill");
      long process = any_process(1);
      if (process == 0 && one_in(2)) process = stage->process[slot];
      int signal = any_signal();
      // Neither to itself, if the driver, nor to all.
      if (process == -1 || process == 1 || (process == 0 && slot == 0)) { say(" left out"); break; }
      if ((process == made_processes[0] || process == -made_processes[0])
          && (signal == SIGKILL || signal == SIGSTOP)) { say(" left out"); break; }
      int driver_group = process == 0 && getpgid(stage->process[slot]) == made_processes[0];
      if (driver_group && (signal == SIGKILL || signal == SIGSTOP)) { say(" left out"); break; }
      result = ACT(slot, kill, process, signal);
      say_lasting(slot, result, gone);
      break;
    }
    case 13: case 14: case 15: {
      say("wait4");
      static const long odd_ones[] = {-1, -1, -1, 0, INT32_MIN};
      long process;
      if (one_in(3)) process = any_process(1); else { process = ANY(odd_ones); say(" %ld", process); }
      unsigned options = any_wait_options(0);
      struct rusage *usage = one_in(2) ? (struct rusage *)(data + 64) : NULL;
      result = ACT(slot, wait4, process, data, options, usage);
      if (result > 0) { say(" = "); say_process(result); } else say_outcome(result, gone);
      if (result > 0) say_wait_status(*(int *)data);
      break;
    }
    case 16: case 17: case 18: {
      say("waitid");
      int kind = one_in(12) ? (int)below(6) : (int)below(3);
      say(" %d", kind);
      long process = kind == 3 ? 77 : any_process(one_in(9));
      unsigned options = any_wait_options(1);
      siginfo_t *info = (siginfo_t *)data;
      result = ACT(slot, waitid, kind, process, one_in(8) ? NULL : info, options, NULL);
      say_outcome(result, gone);
      if (info->si_signo != 0) {
        say(" signal %d code %d status %d uid %d ", info->si_signo, info->si_code, info->si_status, info->si_uid);
        say_process(info->si_pid);
      }
      break;
    }
    case 19: {
      int signal = any_signal();
      static const struct word flags[] = {{SA_NOCLDWAIT, "NOCLDWAIT"}, {SA_NOCLDSTOP, "NOCLDSTOP"}};
      long *action = (long *)data;
      action[0] = below(2);
      say(" sigaction %ld", action[0]);
      action[1] = ANY_WORDS(flags, 2);
      if (slot == 0 && signal != SIGCHLD) break;
      result = ACT(slot, rt_sigaction, signal, action, NULL, 8);
      say_outcome(result, gone);
      break;
    }
    case 20: {
      long *set = (long *)data;
      *set = next_random() & next_random();
      int how = below(3);
      say("rt_sigprocmask %d %lx", how, *set);
      if (slot == 0) break;
      result = ACT(slot, rt_sigprocmask, how, set, NULL, 8);
      say_outcome(result, gone);
      break;
    }
    case 21: {
      static const struct word options[] = {{PR_SET_PDEATHSIG, "PDEATHSIG"}, {PR_SET_CHILD_SUBREAPER, "SUBREAPER"}};
      const struct word *option = &ANY(options);
      say("prctl %s", option->name);
      long value = option->value == PR_SET_PDEATHSIG ? any_signal() : (long)below(2);
      say(" %ld", value);
      // The driver stays its children's.
      if (slot == 0) break;
      result = ACT(slot, prctl, option->value, value);
      say_outcome(result, gone);
      break;
    }
    case 22: {
      int status = below(3) * 100;
      say("exit_group %d", status);
      if (slot == 0) break;
      result = ACT(slot, exit_group, status);
      say_outcome(result, gone);
      break;
    }
    case 23: {
      say("pidfd_open");
      long process = any_process(0);
      static const unsigned flags[] = {0, 0, 0, O_NONBLOCK, 1, 0x80000000};
      unsigned flag = ANY(flags);
      say(" %x", flag);
      long file = ACT(slot, pidfd_open, process, flag);
      say(" = %s", gone ? "gone" : file < 0 ? strerrorname_np(-file) : "file");
      if (gone || file < 0) break;
      struct pollfd *one = (struct pollfd *)data;
      *one = (struct pollfd){file, POLLIN, 0};
      result = ACT(slot, poll, one, 1, 0);
      say_outcome(result, gone);
      say(" %x wait", one->revents);
      siginfo_t *info = (siginfo_t *)(data + 64);
      // With the flag that does not block, waitid says EAGAIN.
      unsigned options = any_wait_options(1);
      result = ACT(slot, waitid, 3, file, info, options, NULL);
      say_outcome(result, gone);
      if (info->si_signo != 0) say(" code %d status %d", info->si_code, info->si_status);
      int signal = one_in(2) ? SIGCONT : 0;
      if (one_in(6)) signal = any_signal();
      say(" send %d", signal);
      if (process == 1 || process == made_processes[0] || (process == 0 && slot == 0)) break;
      result = ACT(slot, pidfd_send_signal, file, signal, NULL, one_in(9) ? 8 : 0);
      say_lasting(slot, result, gone);
      if (!gone) result = ACT(slot, close, file);
      break;
    }
  }
  say_actors();
}

static const unsigned user_numbers[] = {0, 1, 2, 1000, 65534};
static long any_user(void) {
  long user = one_in(4) ? -1 : (long)ANY(user_numbers);
  say(" %ld", user);
  return user;
}

static void credential_step(void) {
  int gone = 0, slot = any_idle();
  long result = 0;
  char *data = OWN_ADDRESS(slot);
  memset(data, 0, 1024);
  if (slot == 0 || made_count < 2) {
    say("clone3");
    new_actor(0, (struct clone_args){.exit_signal = SIGCHLD}, sizeof(struct clone_args));
    say_actors();
    return;
  }
  say_process(stage->process[slot]);
  say(" ");
  switch (below(22)) {
    case 0: say("setuid"); result = ACT(slot, setuid, any_user()); break;
    case 1: say("setgid"); result = ACT(slot, setgid, any_user()); break;
    case 2: case 3: {
      int users_of = one_in(2);
      say(users_of ? "setreuid" : "setregid");
      long a = any_user(), b = any_user();
      result = users_of ? ACT(slot, setreuid, a, b) : ACT(slot, setregid, a, b);
      break;
    }
    case 4: case 5: case 6: {
      int users_of = below(3) > 0;
      say(users_of ? "setresuid" : "setresgid");
      long a = any_user(), b = any_user(), c = any_user();
      result = users_of ? ACT(slot, setresuid, a, b, c) : ACT(slot, setresgid, a, b, c);
      break;
    }
    case 7: say("setfsuid"); result = ACT(slot, setfsuid, any_user()); break;
    case 8: say("setfsgid"); result = ACT(slot, setfsgid, any_user()); break;
    case 9: {
      unsigned *groups = (unsigned *)data;
      static const long counts[] = {0, 1, 2, 3, 65537, -1};
      long count = ANY(counts);
      say("setgroups %ld", count);
      if (count > 0 && count < 10) for (int i = 0; i < count; i++) { groups[i] = ANY(user_numbers); say(" %u", groups[i]); }
      if (one_in(10)) { groups[0] = -1; say(" first -1"); }
      result = ACT(slot, setgroups, count, groups);
      break;
    }
    case 10: {
      static const long counts[] = {0, 1, 2, 3, 100, -1};
      long count = ANY(counts);
      say("getgroups %ld", count);
      result = ACT(slot, getgroups, count, data);
      break;
    }
    case 11: case 12: {
      struct __user_cap_header_struct *header = (void *)data;
      struct __user_cap_data_struct *sets = (void *)(data + 64);
      static const unsigned versions[] = {0x20080522, 0x20080522, 0x20080522, 0x20080522, 0x19980330, 0x20071026, 7};
      header->version = ANY(versions);
      header->pid = one_in(12) ? any_process(0) : 0;
      int set = below(4);
      say(set ? "capset %x" : "capget %x", header->version);
      if (set == 0) {
        result = ACT(slot, capget, header, one_in(8) ? NULL : sets);
        say(" %x %x,%x,%x %x,%x,%x", header->version, sets[0].effective, sets[0].permitted, sets[0].inheritable,
            sets[1].effective, sets[1].permitted, sets[1].inheritable);
        break;
      }
      unsigned masks[] = {0, 0xFFFFFFFF, 0xC0, 0x20, 0xFEFFFFFF, next_random(), 0x1E0};
      sets[0].permitted = ANY(masks);
      sets[0].effective = one_in(4) ? ANY(masks) : sets[0].permitted & ANY(masks);
      sets[0].inheritable = ANY(masks);
      sets[1].permitted = one_in(2) ? 0x1FF : 0;
      sets[1].effective = one_in(2) ? sets[1].permitted : 0;
      say(" e%x p%x i%x %x %x", sets[0].effective, sets[0].permitted, sets[0].inheritable, sets[1].permitted,
          sets[1].effective);
      result = ACT(slot, capset, header, sets);
      say(" %x", header->version);
      break;
    }
    case 13: case 14: {
      static const struct word options[] = {
        {PR_SET_KEEPCAPS, "KEEPCAPS"}, {PR_SET_SECUREBITS, "SECUREBITS"}, {PR_CAPBSET_DROP, "CAPBSET_DROP"},
        {PR_SET_NO_NEW_PRIVS, "NO_NEW_PRIVS"}, {PR_SET_DUMPABLE, "SET_DUMPABLE"}, {PR_GET_DUMPABLE, "GET_DUMPABLE"},
        {PR_GET_SECUREBITS, "GET_SECUREBITS"}, {PR_GET_KEEPCAPS, "GET_KEEPCAPS"}, {PR_CAPBSET_READ, "CAPBSET_READ"},
        {PR_SET_PDEATHSIG, "PDEATHSIG"}, {PR_GET_PDEATHSIG, "GET_PDEATHSIG"}};
      const struct word *option = &ANY(options);
      static const long values[] = {0, 1, 1, 2, 3, 5, 6, 16, 21, 40, 41, 64, 0x2F, 0x15, -1};
      long value = ANY(values);
      say("prctl %s %ld", option->name, value);
      if (option->value == PR_GET_PDEATHSIG) value = (long)data;
      result = ACT(slot, prctl, option->value, value);
      if (option->value == PR_GET_PDEATHSIG) say(" %d", *(int *)data);
      break;
    }
    case 15: {
      long operation = below(6), capability = below(45);
      say("prctl CAP_AMBIENT %ld %ld", operation, capability);
      result = ACT(slot, prctl, PR_CAP_AMBIENT, operation, operation == 4 && one_in(2) ? 0 : capability, 0, 0);
      break;
    }
    case 16: {
      say("kill");
      long process = any_process(0);
      if (process == 1 || process == made_processes[0] || process == 0) { say(" left out"); break; }
      result = ACT(slot, kill, process, one_in(6) ? SIGCONT : 0);
      break;
    }
    case 17: {
      static const char *const names[] = {"/f/0", "/f/1000", "/f/group", "/d0/x", "/d1000/x"};
      static const int modes[] = {O_RDONLY, O_WRONLY, O_RDONLY | O_NOATIME, O_WRONLY | O_CREAT};
      const char *name = ANY(names);
      int mode = ANY(modes);
      strcpy(data, name);
      say("open %s %o", name, mode);
      result = ACT(slot, open, data, mode, 0600);
      if (result >= 0) { ACT(slot, close, result); result = 0; }
      say_result(result);
      strcpy(data, name);
      say(" access");
      result = ACT(slot, access, data, 4);
      if (one_in(4)) { say_result(result); say(" chown"); result = ACT(slot, chown, data, any_user(), any_user()); }
      if (one_in(4)) { say_result(result); say(" chmod"); result = ACT(slot, chmod, data, 02640); }
      break;
    }
    case 18: {
      static const struct word resources[] = {{RLIMIT_NOFILE, "NOFILE"}, {RLIMIT_STACK, "STACK"}, {RLIMIT_NICE, "NICE"},
                                              {RLIMIT_MSGQUEUE, "MSGQUEUE"}, {RLIMIT_RTPRIO, "RTPRIO"}};
      const struct word *resource = &ANY(resources);
      static const unsigned long limits[] = {0, 5, 2000, 1 << 20, 8 << 20, RLIM_INFINITY};
      struct rlimit *limit = (void *)data;
      *limit = (struct rlimit){ANY(limits), ANY(limits)};
      if (resource->value == RLIMIT_NOFILE) limit->rlim_cur = limit->rlim_max = 2000;
      if (resource->value == RLIMIT_STACK) limit->rlim_max = RLIM_INFINITY;
      say("prlimit64 %s %lx %lx", resource->name, limit->rlim_cur, limit->rlim_max);
      long process = any_process(0);
      if (process == made_processes[0] || process == 1) { say(" left out"); break; }
      result = ACT(slot, prlimit64, process, resource->value, limit, data + 64);
      break;
    }
    case 19: case 20: {
      static const char *const names[] = {"/actor", "/suid", "/sgid", "/suid1000", "/both", "/sgid-only", "/script-suid",
                                          "/unreadable"};
      const char *name = ANY(names);
      say("execve %s", name);
      strcpy(data, name);
      long *words = (long *)(data + 256);
      words[0] = (long)data;
      words[1] = 0;
      result = ACT(slot, execve, data, words, words + 1);
      // Whether one is safe whose users differed before changed in Linux 6.16.
      char *secure = strstr(data, " 23=");
      if (secure != NULL) secure[4] = '.';
      if (result == 0 && !gone) say("%.800s", data);
      break;
    }
    case 21: {
      say("setpriority");
      long value = (long)below(50) - 25;
      say(" %ld", value);
      result = ACT(slot, setpriority, PRIO_PROCESS, 0, value);
      if (!gone) { say_result(result); result = ACT(slot, getpriority, PRIO_PROCESS, 0); }
      break;
    }
  }
  say_outcome(result, gone);
  if (!gone && stage->process[slot] != 0) {
    ACT(slot, getresuid, data, data + 4, data + 8);
    say(" uids %d,%d,%d", *(int *)data, *(int *)(data + 4), *(int *)(data + 8));
  }
  credentials_shown = 1;
  int others[SLOTS + 1];
  memcpy(others, stage->process, sizeof others);
  for (int i = 1; i <= SLOTS; i++) if (i != slot) stage->process[i] = 0;
  say_actors();
  others[slot] = stage->process[slot];
  memcpy(stage->process, others, sizeof others);
  credentials_shown = 0;
  if (one_in(12)) {
    say(" ends");
    ACT(slot, exit_group, 0);
    settle();
    CALL(wait4, stage->process[slot], NULL, __WALL, NULL);
    stage->process[slot] = 0;
  }
}

static void write_file(const char *name, const char *text, size_t length, unsigned mode) {
  int file = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (file < 0 || write(file, text, length) != (ssize_t)length || fchmod(file, mode) != 0) _exit(6);
  close(file);
}

static void copy_program(const char *name, unsigned user, unsigned group, unsigned mode) {
  static char text[65536];
  int from = open("/proc/self/exe", O_RDONLY), to = open(name, O_WRONLY | O_CREAT, 0600);
  ssize_t count;
  while ((count = read(from, text, sizeof text)) > 0) if (write(to, text, count) != count) _exit(6);
  if (fchown(to, user, group) != 0 || fchmod(to, mode) != 0) _exit(6);
  close(from);
  close(to);
}

static const char *const scripts[] = {
  "#!/actor\n", "#! /actor \n", "#!/actor a b c\n", "#!/actor a\t\n", "#!//", "#!\n", "#!/missing\n", "#!/dir\n", "#!   \n",
  "#!/actor", "#!\t/actor\tx", "#!/s/1", "#!/s/11\n", "#!/s/12\n", "#!/s/13\n", "#!/s/14\n", "#!/s/15 y\n", "# !/actor\n",
  "text\n", "", "\x7F""ELF", "#!actor\n", "#!/loop\n", "#!/plain\n", "#!/actor\r\n", " #!/actor\n"};

static void make_programs(void) {
  copy_program("/actor", 0, 0, 0755);
  mkdir("/s", 0755);
  for (size_t i = 0; i < COUNT(scripts); i++) {
    char name[20];
    sprintf(name, "/s/%zu", i);
    write_file(name, scripts[i], strlen(scripts[i]), 0755);
  }
  char text[1000] = "#!/actor ";
  memset(text + 9, 'x', sizeof text - 9);
  write_file("/s/long-word", text, sizeof text, 0755);
  memset(text + 2, 'y', 400);
  write_file("/s/long-name", text, sizeof text, 0755);
  memset(text + 2, ' ', 400);
  write_file("/s/long-space", text, sizeof text, 0755);
  memcpy(text, "#!/actor", 8);
  text[8] = 0;
  write_file("/s/zero", text, 300, 0755);
  memset(text + 8, ' ', 300);
  text[250] = 'a'; text[251] = '\n';
  write_file("/s/word-250", text, 300, 0755);
  text[251] = ' '; text[255] = '\n';
  write_file("/s/end-255", text, 300, 0755);
  text[255] = ' '; text[256] = '\n';
  write_file("/s/end-256", text, 300, 0755);
  write_file("/plain", "#!/actor\n", 9, 0644);
  mkdir("/dir", 0755);
  if (symlink("loop", "/loop") != 0 || symlink("actor", "/link") != 0 || symlink("nowhere", "/dangling") != 0
      || mknod("/fifo", S_IFIFO | 0755, 0) != 0) _exit(6);
  copy_program("/busy", 0, 0, 0755);
  open("/busy", O_WRONLY);
}

static void exec_step(void) {
  static char many[300000];
  int gone = 0, slot = any_idle();
  if (slot == 0) {
    say("clone3");
    new_actor(0, (struct clone_args){.exit_signal = SIGCHLD}, sizeof(struct clone_args));
    settle();
    say(" ");
    slot = any_idle();
    if (slot == 0) return;
  }
  static const char *const names[] = {"/actor", "actor", "/link", "/loop", "/dangling", "/fifo", "/dir", "/dir/", "/plain",
                                      "/missing", "/actor/x", "", "/busy", "/s/long-word", "/s/long-name",
                                      "/s/long-space", "/s/zero", "/s/word-250", "/s/end-255", "/s/end-256", "/dev/null"};
  char *data = OWN_ADDRESS(slot);
  memset(data, 0, sizeof stage->data[slot]);
  char *name = data;
  if (one_in(4)) strcpy(name, "/actor"); else if (one_in(2)) strcpy(name, ANY(names)); else sprintf(name, "/s/%u", below(COUNT(scripts)));
  say("execve '%s'", name);
  if (one_in(30)) { memset(name, 'n', 5000); say(" long"); }
  // The words of the program, then of its environment.
  char **words = (char **)(data + 6000), *text = data + 8000;
  int count = below(4), at = 0;
  if (one_in(5)) count = 0;
  for (; at < count; at++) {
    words[at] = text;
    static const char *const values[] = {"", "one", "two words", "-x", "/actor"};
    strcpy(text, ANY(values));
    say(" '%s'", text);
    text += strlen(text) + 1;
  }
  words[at++] = NULL;
  char **environment = words + at;
  int variables = below(3);
  for (int i = 0; i < variables; i++) {
    static const char *const values[] = {"A=b", "novalue", "=x", ""};
    words[at] = text;
    strcpy(text, ANY(values));
    say(" <%s>", text);
    text += strlen(text) + 1;
    at++;
  }
  words[at] = NULL;
  char *path = name;
  // What comes first, the file or the words, changed in a later Linux.
  int is_plain = strcmp(name, "/actor") == 0;
  if (is_plain && one_in(3)) {
    static const long bad[] = {0, 1, 0x7FFFFFFFF000, -1};
    long value = ANY(bad);
    switch (below(4)) {
      case 0: path = (char *)value; say(" path"); break;
      case 1: words = (char **)value; say(" words"); break;
      case 2: environment = (char **)value; say(" environment"); break;
      case 3: if (count > 0) { words[0] = (char *)(value ? value : 1); say(" word"); }
    }
    say(" @%lx", value);
  } else if (is_plain && one_in(3)) {
    // A word at the limit of 32 pages, in memory of both as the actor came of a fork.
    static const size_t sizes[] = {131070, 131071, 131072, 200000};
    size_t size = ANY(sizes);
    memset(many, 'w', size);
    many[size] = 0;
    say(" word of %zu", size);
    if (count > 0) {
      // The actor's own memory is written by process_vm_writev, as it was made before.
      struct iovec from = {many, size + 1}, to = {many, size + 1};
      if (process_vm_writev(stage->process[slot], &from, 1, &to, 1, 0) != (ssize_t)size + 1) say(" unwritten");
      // An executed program has it elsewhere only if it were another program.
      words[0] = many;
    }
  }
  static const unsigned flags[] = {0, AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, 0x8000, 1};
  long result;
  if (one_in(4)) {
    unsigned flag = ANY(flags);
    int directory = one_in(3) ? AT_FDCWD : one_in(2) ? -1 : 901 + (int)below(3);
    say(" at %d %x", directory, flag);
    result = ACT(slot, execveat, directory, path, words, environment, flag);
  } else {
    result = ACT(slot, execve, path, words, environment);
  }
  say_outcome(result, gone);
  if (result == 0 && !gone) say("%.3000s", data);
  settle();
  if (gone) {
    int status = 0;
    CALL(wait4, stage->process[slot], &status, __WALL | WNOHANG, NULL);
    say(" status %x", status);
  }
  char state = process_state(stage->process[slot], NULL, NULL, NULL);
  if (state == 0 || state == 'Z') stage->process[slot] = 0;
}

static const unsigned long numbers[] = {0, 1, 2, 3, 4, 5, 7, 8, 16, 24, 31, 32, 64, 100, 4096, 0x7FFFFFFF, 0xFFFFFFFFUL, -1UL,
                                        1UL << 32, 0x7FFFFFFFF000, 0x800000000000};
static unsigned long number(void) {
  unsigned long value = ANY(numbers);
  say(" %lx", value);
  return value;
}

// Calls about one process alone, with odd arguments.
static void setting_step(void) {
  int gone = 0, slot = any_idle();
  if (slot == 0 || made_count < 2) {
    say("clone3");
    new_actor(0, (struct clone_args){.exit_signal = SIGCHLD}, sizeof(struct clone_args));
    say_actors();
    return;
  }
  char *data = OWN_ADDRESS(slot);
  memset(data, 0, 4096);
  long result = 0, *out = (long *)(data + 2048);
  say_process(stage->process[slot]);
  say(" ");
  switch (below(24)) {
    case 0: {
      // Without 7, which a later Linux gave a meaning.
      static const int policies[] = {0, 1, 2, 3, 4, 5, 6, 8, 0x40000000, 0x40000001, 0x40000003, -1};
      int policy = ANY(policies);
      static const int priorities[] = {0, 0, 1, 50, 99, 100, -1};
      *(int *)data = ANY(priorities);
      say("sched_setscheduler %d %d", policy, *(int *)data);
      result = ACT(slot, sched_setscheduler, 0, policy, data);
      say_result(result);
      result = ACT(slot, sched_getscheduler, 0);
      break;
    }
    case 1: {
      unsigned *attributes = (unsigned *)data;
      static const unsigned sizes[] = {48, 56, 56, 0, 47, 57, 100, 4097};
      attributes[0] = ANY(sizes);
      static const unsigned policies[] = {0, 1, 2, 3, 5, 8, -1};
      attributes[1] = ANY(policies);
      static const unsigned flags[] = {0, 1, 1, 2, 8, 0x10, 0x80, 0x100};
      attributes[2] = ANY(flags);
      static const int nices[] = {0, 5, -5, 100, -100};
      attributes[4] = ANY(nices);
      static const unsigned priorities[] = {0, 1, 99, 100};
      attributes[5] = ANY(priorities);
      if (one_in(5)) attributes[15] = 1;
      say("sched_setattr %u %u %x %d %u %u", attributes[0], attributes[1], attributes[2], attributes[4], attributes[5],
          attributes[15]);
      result = ACT(slot, sched_setattr, 0, attributes, one_in(9));
      say_result(result);
      say(" %u", attributes[0]);
      result = ACT(slot, sched_getattr, 0, out, 56, 0);
      unsigned *now = (unsigned *)out;
      say(" policy %u flags %x nice %d priority %u", now[1], now[2], (int)now[4], now[5]);
      break;
    }
    case 2: {
      static const unsigned sizes[] = {48, 56, 47, 57, 4096, 4097, 100, 0};
      unsigned size = ANY(sizes), flag = one_in(9);
      say("sched_getattr %u %u", size, flag);
      result = ACT(slot, sched_getattr, one_in(9) ? -1 : 0, data, size, flag);
      // What follows the priority is another's since the kernel that this follows.
      break;
    }
    case 3: {
      static const unsigned long masks[] = {1, 1, 0, 1UL << 63, 1 | 1UL << 62};
      *(unsigned long *)data = ANY(masks);
      static const unsigned long sizes[] = {0, 1, 2, 4, 7, 8, 9, 16, 128, 1024};
      unsigned long size = ANY(sizes);
      say("sched_setaffinity %lx %lu", *(unsigned long *)data, size);
      result = ACT(slot, sched_setaffinity, 0, size, data);
      say_result(result);
      size = ANY(sizes);
      say(" get %lu", size);
      result = ACT(slot, sched_getaffinity, 0, size, out);
      // How many bytes it is depends on how many processors the kernel was built for.
      if (result > 0) result = result % 8;
      break;
    }
    case 4: {
      static const int policies[] = {0, 1, 2, 3, 4, 5, 6, 8, -1};
      int policy = ANY(policies);
      say("priorities %d", policy);
      say_result(ACT(slot, sched_get_priority_max, policy));
      result = ACT(slot, sched_get_priority_min, policy);
      break;
    }
    case 5: {
      static const int values[] = {-100, -21, -20, -5, 0, 5, 19, 20, 100};
      int value = ANY(values), kind = one_in(6) ? 3 : 0;
      say("setpriority %d %d", kind, value);
      say_result(ACT(slot, setpriority, kind, 0, value));
      result = ACT(slot, getpriority, PRIO_PROCESS, 0);
      break;
    }
    case 6: {
      say("umask");
      unsigned long mask = number();
      result = ACT(slot, umask, mask);
      break;
    }
    case 7: {
      static const unsigned long values[] = {0, 0xFFFFFFFF, 0x40000, 0x20000, 8, 0x0400000, 0x12345678, -1UL};
      unsigned long value = ANY(values);
      say("personality %lx", value);
      result = ACT(slot, personality, value);
      say_result(result);
      result = ACT(slot, personality, 0xFFFFFFFF);
      break;
    }
    case 8: {
      static const unsigned commands[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 3, 1U << 30};
      unsigned command = ANY(commands), flags = one_in(5);
      say("membarrier %u %u", command, flags);
      // Waiting for all processors of a busy machine takes its time.
      if (command == 1) break;
      result = ACT(slot, membarrier, command, flags, 0);
      break;
    }
    case 9: {
      static const unsigned long sizes[] = {32, 32, 31, 33, 0, 20, 64};
      static const unsigned long lengths[] = {0, 1, 8, 31, 32};
      unsigned long size = ANY(sizes), offset = ANY(lengths), flags = below(3), sign = 0x53053053;
      say("rseq +%lu %lu %lx", offset, size, flags);
      result = ACT(slot, rseq, data + offset, size, flags, sign);
      if (result == 0 && flags == 0) {
        say(" again");
        say_result(ACT(slot, rseq, data + offset, size, 0, sign));
        say_result(ACT(slot, rseq, data + offset, size, 0, sign + 1));
        say_result(ACT(slot, rseq, data + offset + 32, size, 0, sign));
        say_result(ACT(slot, rseq, data + offset, size, 1, sign + 1));
        say_result(ACT(slot, rseq, data + offset, size + 1, 1, sign));
        result = ACT(slot, rseq, data + offset, size, 1, sign);
      }
      break;
    }
    case 10: {
      static const unsigned long sizes[] = {24, 24, 0, 23, 25, 16};
      unsigned long size = ANY(sizes);
      say("set_robust_list %lu", size);
      say_result(ACT(slot, set_robust_list, size == 24 && one_in(2) ? NULL : data, size));
      say(" get");
      long process = any_process(0);
      result = ACT(slot, get_robust_list, process, out, out + 1);
      say(" %d %ld", out[0] == (long)data, out[1]);
      // As the thread ends, its list is not to be this page of others.
      ACT(slot, set_robust_list, NULL, 24);
      break;
    }
    case 11: {
      static const unsigned operations[] = {0x1003, 0x1004, 0x1011, 0x1012, 0x1021, 0x1022, 0x1025, 0, 0x2001, 0x2002,
                                            0x3001, 0x1001, 0x1002};
      unsigned operation = ANY(operations);
      say("arch_prctl %x", operation);
      unsigned long value = (unsigned long)data;
      static const unsigned long bases[] = {0, 0x1000, 0x7FFFFFFFF000, 0x800000000000, 0xFFFF800000000000, -1UL};
      if (operation == 0x1001) { value = ANY(bases); say(" %lx", value); }
      // The library's own base stays.
      if (operation == 0x1002) { value = bases[3 + below(3)]; say(" %lx", value); }
      // Whether there are faults of CPUID, and what the processor's state holds, is the machine's affair.
      if (operation == 0x1012 || operation == 0x1021 || operation == 0x1022 || operation == 0x1011 || operation == 0x1025
          || operation == 0x2001 || operation == 0x2002) break;
      result = ACT(slot, arch_prctl, operation, value);
      if (operation == 0x1004) say(" %lx", *(unsigned long *)data);
      break;
    }
    case 12: {
      static const int whose[] = {0, -1, 1, -2, 2, 99};
      int who = ANY(whose);
      say("getrusage %d", who);
      result = ACT(slot, getrusage, who, data);
      struct rusage *usage = (struct rusage *)data;
      if (result == 0) say(" %d %d", usage->ru_utime.tv_sec < 5 && usage->ru_stime.tv_sec < 5, usage->ru_utime.tv_usec < 1000000);
      break;
    }
    case 13: case 14: case 15: {
      static const struct word options[] = {
        {PR_SET_NAME, "SET_NAME"}, {PR_GET_NAME, "GET_NAME"}, {PR_SET_DUMPABLE, "SET_DUMPABLE"},
        {PR_GET_DUMPABLE, "GET_DUMPABLE"}, {PR_GET_UNALIGN, "GET_UNALIGN"}, {PR_SET_FPEMU, "SET_FPEMU"},
        {PR_GET_ENDIAN, "GET_ENDIAN"}, {PR_SET_TIMERSLACK, "SET_TIMERSLACK"}, {PR_GET_TIMERSLACK, "GET_TIMERSLACK"},
        {PR_GET_TSC, "GET_TSC"}, {PR_SET_MM, "SET_MM"}, {PR_GET_TID_ADDRESS, "GET_TID_ADDRESS"},
        {PR_SET_THP_DISABLE, "SET_THP_DISABLE"}, {PR_GET_THP_DISABLE, "GET_THP_DISABLE"}, {PR_MCE_KILL, "MCE_KILL"},
        {PR_MCE_KILL_GET, "MCE_KILL_GET"}, {PR_SET_PTRACER, "SET_PTRACER"}, {PR_GET_FP_MODE, "GET_FP_MODE"},
        {PR_GET_NO_NEW_PRIVS, "GET_NO_NEW_PRIVS"}, {PR_SET_NO_NEW_PRIVS, "SET_NO_NEW_PRIVS"},
        {PR_SET_CHILD_SUBREAPER, "SET_CHILD_SUBREAPER"}, {PR_GET_CHILD_SUBREAPER, "GET_CHILD_SUBREAPER"},
        {PR_SET_TSC, "SET_TSC"}, {PR_SET_IO_FLUSHER, "SET_IO_FLUSHER"}, {PR_GET_IO_FLUSHER, "GET_IO_FLUSHER"},
        {PR_GET_PDEATHSIG, "GET_PDEATHSIG"}, {PR_SET_PDEATHSIG, "SET_PDEATHSIG"}, {0, "0"}, {99, "99"}};
      const struct word *option = &ANY(options);
      say("prctl %s", option->name);
      unsigned long value = one_in(2) ? number() : (unsigned long)data;
      if (value == (unsigned long)data) say(" data");
      strcpy(data, one_in(2) ? "short" : "a name of more than fifteen");
      unsigned long second = one_in(8) ? number() : 0, fourth = one_in(12) ? number() : 0;
      // Another's ways with machine checks, and with memory's pages, are not this kernel's.
      if (option->value == PR_SET_MM || option->value == PR_MCE_KILL || option->value == PR_MCE_KILL_GET
          || option->value == PR_SET_PTRACER || option->value == PR_SET_FPEMU || option->value == PR_SET_IO_FLUSHER
          || option->value == PR_GET_IO_FLUSHER || option->value == PR_GET_TID_ADDRESS) break;
      if (option->value == PR_SET_TSC && value == 2) break;
      result = ACT(slot, prctl, option->value, value, second, 0, fourth);
      if (option->value == PR_GET_TIMERSLACK && result < 0) result = 0;
      say(" '%.20s'", data);
      break;
    }
    case 16: {
      static const int resources[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, -1};
      int resource = ANY(resources);
      static const unsigned long limits[] = {0, 1, 100, 4096, 1 << 20, 1 << 30, RLIM_INFINITY, RLIM_INFINITY - 1};
      struct rlimit *limit = (struct rlimit *)data;
      *limit = (struct rlimit){ANY(limits), ANY(limits)};
      say("prlimit64 %d %lx %lx", resource, limit->rlim_cur, limit->rlim_max);
      // Those that would end the actor or that the machine has set otherwise.
      if (resource != 1 && resource != 2 && resource != 4 && resource != 12 && resource < 16 && resource >= 0) break;
      if (resource == 2 || resource == 1) limit->rlim_cur = limit->rlim_max = RLIM_INFINITY;
      result = ACT(slot, prlimit64, 0, resource, limit, NULL);
      break;
    }
    case 17: {
      say("getcpu");
      say_result(ACT(slot, getcpu, data, out, NULL));
      result = ACT(slot, getcpu, NULL, NULL, NULL);
      break;
    }
    case 18: {
      say("ioprio_set");
      int which = below(5);
      static const int values[] = {0, 0x4000, 0x4007, 0x4008, 0x6000, 0x2000, 0x8000, -1};
      int value = ANY(values);
      say(" %d %x", which, value);
      if (which != 1 && which != 0 && which != 4) break;
      if (value == 0x4008 || value == 0x6000 || value == -1) break;
      say_result(ACT(slot, ioprio_set, which, one_in(9) ? 0x7FFFFFF : 0, value));
      result = ACT(slot, ioprio_get, which, 0);
      break;
    }
    case 19: {
      static const char *const names[] = {"/dir", "/actor", "/missing", "/loop", ""};
      const char *name = ANY(names);
      strcpy(data, name);
      int move = one_in(2);
      say("%s '%s'", move ? "chdir" : "chroot", name);
      // Inside /dir there is no more program to look for, which is as well.
      result = move ? ACT(slot, chdir, data) : ACT(slot, chroot, data);
      say_result(result);
      result = ACT(slot, getcwd, out, 512);
      say(" '%s'", result > 0 ? (char *)out : "");
      break;
    }
    case 20: {
      say("unshare");
      static const struct word flags[] = {{0, "0"}, {CLONE_FS, "FS"}, {CLONE_FILES, "FILES"}, {CLONE_THREAD, "THREAD"},
                                          {CLONE_VM, "VM"}, {CLONE_SIGHAND, "SIGHAND"}, {CLONE_SYSVSEM, "SYSVSEM"},
                                          {1, "1"}, {CLONE_SETTLS, "SETTLS"}, {CLONE_VFORK, "VFORK"}};
      const struct word *flag = &ANY(flags);
      say(" %s", flag->name);
      result = ACT(slot, unshare, flag->value);
      break;
    }
    case 21: {
      static const unsigned flags[] = {0, 4, 2, 1};
      say("close_range");
      unsigned first = one_in(3) ? 1000 : 2000, last = one_in(3) ? 999 : 3000, flag = ANY(flags);
      say(" %u %u %u", first, last, flag);
      result = ACT(slot, close_range, first, last, flag);
      break;
    }
    case 22: {
      say("times");
      long *times = (long *)data;
      say_success(ACT(slot, times, data));
      say(" %d", times[0] < 1000 && times[1] < 1000 && times[2] < 1000 && times[3] < 1000);
      break;
    }
    case 23: {
      static const int pids[] = {0, -1, 0x7FFFFFF};
      int process = ANY(pids);
      say("sched_rr_get_interval %d", process);
      say_success(ACT(slot, sched_rr_get_interval, process, data));
      say(" getscheduler");
      say_result(ACT(slot, sched_getscheduler, process));
      say_result(ACT(slot, sched_getparam, process, one_in(5) ? NULL : data));
      result = ACT(slot, sched_setparam, process, one_in(5) ? NULL : data);
      break;
    }
  }
  say_outcome(result, gone);
  settle();
}

void process_round(void) {
  // The stage stays when an actor executes a program.
  int file = CALL(memfd_create, "stage", 0);
  if (ftruncate(file, sizeof *stage) != 0 || dup2(file, STAGE_FILE) < 0) _exit(4);
  close(file);
  // At the same place in all programs.
  stage = mmap((void *)STAGE_ADDRESS, sizeof *stage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, STAGE_FILE, 0);
  if (stage == MAP_FAILED) _exit(4);
  stage->key = DRIVER_KEY;
  for (int slot = 1; slot <= SLOTS; slot++) {
    int ends[4];
    if (pipe(ends) != 0 || pipe(ends + 2) != 0) _exit(4);
    for (int i = 0; i < 4; i++) { dup2(ends[i], 800 + slot * 4 + i); close(ends[i]); }
    for (int i = 0; i < 2; i++) {
      stage->commands[slot][i] = 800 + slot * 4 + i;
      stage->replies[slot][i] = 802 + slot * 4 + i;
    }
  }
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
  if (step == exec_step) {
    int files[] = {open("/actor", O_RDONLY), open("/", O_RDONLY), open("/s/0", O_RDONLY | O_CLOEXEC)};
    for (int i = 0; i < 3; i++) dup3(files[i], 901 + i, i == 2 ? O_CLOEXEC : 0);
  }
  if (step == credential_step) {
    mkdir("/f", 0755);
    mkdir("/d0", 0700);
    mkdir("/d1000", 0700);
    write_file("/f/0", "x", 1, 0640);
    write_file("/f/1000", "x", 1, 0600);
    write_file("/f/group", "x", 1, 0060);
    write_file("/script-suid", "#!/actor\n", 9, 06755);
    copy_program("/suid", 0, 0, 04755);
    copy_program("/sgid", 0, 2, 02755);
    copy_program("/suid1000", 1000, 1000, 04755);
    copy_program("/both", 2, 1000, 06755);
    copy_program("/sgid-only", 0, 2, 02745);
    copy_program("/unreadable", 0, 0, 0711);
    if (chown("/f/1000", 1000, 1) != 0 || chown("/f/group", 0, 2) != 0 || chown("/d1000", 1000, 1000) != 0) _exit(4);
  }
  for (int i = 0; i < STEPS_OF_A_ROUND; i++) {
    STEP(i);
    step();
    end_line();
  }
  for (int slot = 1; slot <= SLOTS; slot++) if (stage->process[slot] > 0) kill(stage->process[slot], SIGKILL);
  while (CALL(wait4, -1, NULL, __WALL, NULL) > 0) {}
}
