// What a process sets for itself, with odd arguments.
#include <linux/membarrier.h>
#include "odd.h"

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
      unsigned long mask = odd();
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
      unsigned long value = one_in(2) ? odd() : (unsigned long)data;
      if (value == (unsigned long)data) say(" data");
      strcpy(data, one_in(2) ? "short" : "a name of more than fifteen");
      unsigned long second = one_in(8) ? odd() : 0, fourth = one_in(12) ? odd() : 0;
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
