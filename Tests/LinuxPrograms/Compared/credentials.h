// Who a process is and what it may: identities, groups, capabilities, and what an executed program makes of them.
#include <linux/capability.h>

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

// Files of different owners, and programs that change who executes them.
static void make_guarded_files(void) {
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
