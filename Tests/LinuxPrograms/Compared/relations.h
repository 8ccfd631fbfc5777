// Who descends from whom: groups, sessions, signals between processes, and the ways to wait.
#include <poll.h>

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
