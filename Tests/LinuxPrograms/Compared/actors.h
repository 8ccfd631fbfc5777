// Processes that do what the driver tells them. One is called by the order in which it was made (c1, c2 ...), as
// numbers differ.
#pragma once
#include <linux/sched.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

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

// At the same place in all programs.
static int map_stage(void) {
  stage = mmap((void *)STAGE_ADDRESS, sizeof *stage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, STAGE_FILE, 0);
  return stage != MAP_FAILED;
}

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
  if (!map_stage() || stage->key != DRIVER_KEY) return;
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
  for (int attempt = 0; attempt < 30000 && quiet < 3; attempt++) {
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

static void make_stage(void) {
  // The stage stays when an actor executes a program.
  int file = CALL(memfd_create, "stage", 0);
  if (ftruncate(file, sizeof *stage) != 0 || dup2(file, STAGE_FILE) < 0) _exit(4);
  close(file);
  if (!map_stage()) _exit(4);
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
}
