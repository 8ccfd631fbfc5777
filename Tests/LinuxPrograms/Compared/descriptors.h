// Calls about descriptors, signals, timers, scheduling and processes, with odd arguments for every kind of file.
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <linux/futex.h>

#define FIRST_FILE 10
#define FILES 16

static int any_file(void) {
  int file = FIRST_FILE + below(FILES);
  if (one_in(30)) file = one_in(2) ? -1 : 999;
  say(" %d", file);
  return file;
}

// One made by a call goes to a number of its own, whatever the call gave it.
static void place_file(long file) {
  if (file < 0) return;
  int target = FIRST_FILE + below(FILES);
  say(" -> %d", target);
  long flags = fcntl(file, F_GETFD);
  dup3(file, target, flags & FD_CLOEXEC ? O_CLOEXEC : 0);
  close(file);
}

static void say_files(void) {
  for (int file = FIRST_FILE; file < FIRST_FILE + FILES; file++) {
    long flags = CALL(fcntl, file, F_GETFL);
    if (flags < 0) continue;
    struct pollfd one = {file, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 0};
    poll(&one, 1, 0);
    say(" %d:%lo/%lx/%x", file, flags, CALL(fcntl, file, F_GETFD), one.revents);
  }
}

static long signals_seen[65];
static void note_signal(int signal) { signals_seen[signal]++; }

static const unsigned long odd_numbers[] = {0, 1, 2, 3, 4, 7, 8, 16, 63, 64, 65, 100, 4096, 0x7FFFFFFF, 0x80000000UL,
                                            0xFFFFFFFFUL, -1UL, 1UL << 32, 0x7FFFFFFFFFFFFFFF};
static unsigned long odd(void) {
  unsigned long number = ANY(odd_numbers);
  say(" %lx", number);
  return number;
}

static const unsigned long odd_pointers[] = {0, 1, 0x7FFFFFFFF000, 0x800000000000, -1UL, -4096UL};
static void *pointer(void *usual) {
  if (!one_in(12)) return usual;
  unsigned long address = ANY(odd_pointers);
  say(" @%lx", address);
  return (void *)address;
}

static const struct timespec odd_times[] = {{0, 0}, {0, 1}, {0, 999999999}, {0, 1000000000}, {-1, 0}, {0, -1},
                                            {1000, 0}, {INT64_MAX, 0}, {1L << 40, 5}};
static struct timespec odd_time(void) {
  struct timespec time = ANY(odd_times);
  say(" %ld.%ld", time.tv_sec, time.tv_nsec);
  return time;
}

static void descriptor_step(void) {
  static char buffer[70000];
  long result;
  int files[2] = {-1, -1};
  switch (below(44)) {
    case 0: {
      static const unsigned flags[] = {0, O_CLOEXEC, O_NONBLOCK, O_DIRECT | O_NONBLOCK, 1};
      unsigned flag = ANY(flags) | (one_in(8) ? 0 : O_NONBLOCK);
      say("pipe2 %o", flag);
      result = CALL(pipe2, pointer(files), flag);
      say_success(result);
      if (result == 0) { place_file(files[0]); place_file(files[1]); }
      break;
    }
    case 1: {
      say("eventfd2");
      unsigned long value = odd();
      static const unsigned flags[] = {0, EFD_NONBLOCK, EFD_NONBLOCK | EFD_SEMAPHORE, 2};
      unsigned flag = ANY(flags) | EFD_NONBLOCK;
      say(" %o", flag);
      result = CALL(eventfd2, value, flag);
      say_success(result);
      place_file(result);
      break;
    }
    case 2: {
      static const int clocks[] = {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME, 2, 3, 4, 5, 99, -1};
      int clock = ANY(clocks);
      unsigned flag = TFD_NONBLOCK | (one_in(6) ? 1 : 0);
      say("timerfd_create %d %o", clock, flag);
      result = CALL(timerfd_create, clock, flag);
      say_success(result);
      place_file(result);
      break;
    }
    case 3: {
      say("timerfd_settime");
      int file = any_file();
      unsigned flags = below(5);
      say(" %u", flags);
      struct itimerspec value, old;
      value.it_interval = odd_time();
      value.it_value = odd_time();
      // What soon ends would be seen by chance.
      if (value.it_value.tv_sec == 0 && value.it_value.tv_nsec > 0 && value.it_value.tv_nsec < 1000000000)
        value.it_value.tv_sec = 500;
      if (flags & 1) { flags &= ~1; say(" relative"); }
      say_result(CALL(timerfd_settime, file, flags, pointer(&value), pointer(&old)));
      result = CALL(timerfd_gettime, file, &old);
      say_result(result);
      if (result == 0) say(" %d %ld.%ld", old.it_value.tv_sec > 0, old.it_interval.tv_sec, old.it_interval.tv_nsec);
      break;
    }
    case 4: {
      say("socketpair");
      static const int domains[] = {AF_UNIX, AF_UNIX, AF_UNIX, 99, 0};
      static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, 4, 9};
      int domain = ANY(domains), type = ANY(types), protocol = one_in(6) ? below(3) : 0;
      say(" %d %d %d", domain, type, protocol);
      result = CALL(socketpair, domain, type | SOCK_NONBLOCK, protocol, pointer(files));
      say_result(result);
      if (result == 0) { place_file(files[0]); place_file(files[1]); }
      break;
    }
    case 5:
      say("epoll_create1");
      result = CALL(epoll_create1, one_in(5) ? 1 : EPOLL_CLOEXEC);
      say_success(result);
      place_file(result);
      break;
    case 6: case 7: case 8: {
      say("epoll_ctl");
      int file = any_file();
      unsigned operation = below(5);
      say(" %u", operation);
      int other = any_file();
      static const unsigned events[] = {EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLET, EPOLLONESHOT | EPOLLIN,
                                        EPOLLEXCLUSIVE | EPOLLIN, EPOLLEXCLUSIVE | EPOLLONESHOT, 0};
      struct epoll_event event = {ANY(events), {.u64 = other}};
      say(" %x", event.events);
      say_result(CALL(epoll_ctl, file, operation, other, pointer(&event)));
      break;
    }
    case 9: case 10: {
      say("epoll_wait");
      int file = any_file();
      static const int counts[] = {20, 20, 1, 0, -1, 0x7FFFFFFF};
      int count = ANY(counts);
      struct epoll_event events[20] = {0};
      say(" %d", count);
      // Which of two errors comes first changed in Linux 6.13.
      if (count != 20) count = 20;
      result = CALL(epoll_wait, file, count > 20 ? (void *)0x10000 : events, count, 0);
      say_result(result);
      // The order is that of becoming ready; here it is that of the numbers.
      if (count == 20)
        for (int number = 0; number < 1000; number++)
          for (long i = 0; i < result; i++)
            if ((int)events[i].data.u64 == number) say(" %d/%x", number, events[i].events);
      break;
    }
    case 11: {
      say("dup3");
      int file = any_file(), other = any_file();
      static const unsigned flags[] = {0, O_CLOEXEC, 1};
      unsigned flag = ANY(flags);
      say(" %o", flag);
      if (other == 999) break;
      say_result(CALL(dup3, file, other, flag));
      break;
    }
    case 12: case 13: {
      static const struct word commands[] = {
        {F_GETFD, "GETFD"}, {F_SETFD, "SETFD"}, {F_SETFL, "SETFL"}, {F_GETOWN, "GETOWN"}, {F_GETSIG, "GETSIG"},
        {F_SETSIG, "SETSIG"}, {F_GETPIPE_SZ, "GETPIPE_SZ"}, {F_SETPIPE_SZ, "SETPIPE_SZ"}, {F_GET_SEALS, "GET_SEALS"},
        {F_ADD_SEALS, "ADD_SEALS"}, {F_GETLEASE, "GETLEASE"}, {F_SETOWN, "SETOWN"}, {99, "99"}};
      const struct word *command = &ANY(commands);
      say("fcntl %s", command->name);
      int file = any_file();
      unsigned long argument = odd();
      if (command->value == F_SETFL) argument |= O_NONBLOCK;
      if (command->value == F_SETFL) argument &= ~(unsigned long)(O_ASYNC | O_DIRECT);
      if (command->value == F_SETOWN) argument = 0;
      // A later Linux looks at its lower half alone.
      if (command->value == F_SETSIG) argument = (int)argument;
      say_result(CALL(fcntl, file, command->value, argument));
      break;
    }
    case 14: {
      static const int types[] = {F_RDLCK, F_WRLCK, F_UNLCK, 7};
      static const int commands[] = {F_GETLK, F_SETLK, F_OFD_GETLK, F_OFD_SETLK};
      static const long numbers[] = {0, 1, -1, 100, INT64_MAX, INT64_MIN};
      struct flock lock = {ANY(types), below(4), ANY(numbers), ANY(numbers), one_in(9)};
      int command = ANY(commands);
      // What a later Linux has an answer to.
      if (command == F_OFD_GETLK && lock.l_type == F_UNLCK) lock.l_type = F_RDLCK;
      say("fcntl lock %d", command);
      int file = any_file();
      say(" %d %d %ld %ld %d", lock.l_type, lock.l_whence, lock.l_start, lock.l_len, lock.l_pid);
      result = CALL(fcntl, file, command, pointer(&lock));
      say_result(result);
      if (result == 0) say(" %d %d %ld %ld", lock.l_type, lock.l_whence, lock.l_start, lock.l_len);
      break;
    }
    case 15: {
      static const unsigned operations[] = {1, 2, 8, 3, 5, 6, 0, 32};
      unsigned operation = ANY(operations) | 4;
      say("flock %u", operation);
      say_result(CALL(flock, any_file(), operation));
      break;
    }
    case 16: case 17: case 18: {
      static const unsigned calls[] = {SYS_read, SYS_write};
      unsigned call = ANY(calls);
      static const long counts[] = {0, 1, 7, 8, 9, 100, 4096, 65536, -1};
      long count = ANY(counts);
      memset(buffer, 0, sizeof buffer);
      say(call == SYS_read ? "read" : "write");
      int file = any_file();
      // An event counter takes more than 8 bytes, or does not, by Linux's version.
      char link[40], name[64] = "";
      sprintf(link, "/proc/self/fd/%d", file);
      if (readlink(link, name, sizeof name - 1) > 0 && strstr(name, "anon_inode:") && count > 8) count = 8;
      say(" %ld", count);
      say_result(CALL(fcntl, file, F_SETFL, O_NONBLOCK));
      result = raw_call_of(call, file, (long)pointer(buffer), count, 0, 0, 0);
      say_result(result);
      break;
    }
    case 19: case 20: {
      static const unsigned calls[] = {SYS_pread64, SYS_pwrite64, SYS_preadv, SYS_pwritev, SYS_readv, SYS_writev};
      static const char *const names[] = {"pread64", "pwrite64", "preadv", "pwritev", "readv", "writev"};
      unsigned index = below(6);
      static const long offsets[] = {0, 1, 4096, -1, INT64_MIN};
      struct iovec vector[3] = {{buffer, below(9)}, {pointer(buffer), below(3) * 100}, {buffer, one_in(9) ? -1UL : 3}};
      static const unsigned long counts[] = {0, 1, 2, 3, 1024, 1025, -1UL};
      unsigned long count = index < 2 ? below(200) : counts[below(4) ? below(4) : below(7)];
      if (count == 1024) count = 1025;
      say("%s", names[index]);
      int file = any_file();
      long offset = ANY(offsets);
      CALL(fcntl, file, F_SETFL, O_NONBLOCK);
      say(" %ld %ld (%ld %ld %ld)", (long)count, offset, (long)vector[0].iov_len, (long)vector[1].iov_len,
          (long)vector[2].iov_len);
      memset(buffer, 0, 300);
      say_result(raw_call_of(calls[index], file, index < 2 ? (long)buffer : (long)vector, count, offset, 0, 0));
      break;
    }
    case 21: {
      static const long offsets[] = {0, 1, -1, 4096, INT64_MIN, INT64_MAX};
      say("lseek");
      int file = any_file();
      long offset = ANY(offsets);
      unsigned whence = below(7);
      say(" %ld %u", offset, whence);
      say_result(CALL(lseek, file, offset, whence));
      break;
    }
    case 22: {
      say("close");
      int file = any_file();
      say_result(CALL(close, file));
      break;
    }
    case 23: {
      static const struct word calls[] = {
        {SYS_fsync, "fsync"}, {SYS_fdatasync, "fdatasync"}, {SYS_fchdir, "fchdir"}, {SYS_syncfs, "syncfs"},
        {SYS_ftruncate, "ftruncate"}, {SYS_fallocate, "fallocate"}, {SYS_fadvise64, "fadvise64"},
        {SYS_readahead, "readahead"}, {SYS_sync_file_range, "sync_file_range"}, {SYS_getdents64, "getdents64"},
        {SYS_listen, "listen"}, {SYS_shutdown, "shutdown"}, {SYS_accept4, "accept4"}};
      const struct word *call = &ANY(calls);
      say("%s", call->name);
      int file = any_file();
      static const long numbers[] = {0, 0, 1, 2, -1, 4096};
      long a = ANY(numbers), b = ANY(numbers), c = ANY(numbers);
      say(" %ld %ld %ld", a, b, c);
      if (call->value == SYS_getdents64) {
        say_result(CALL(getdents64, file, buffer, 4096));
      } else if (call->value == SYS_accept4) {
        CALL(fcntl, file, F_SETFL, O_NONBLOCK);
        say_success(CALL(accept4, file, 0, 0, 0));
      } else {
        say_result(raw_call_of(call->value, file, a, b, c, 0, 0));
      }
      break;
    }
    case 24: {
      say("splice");
      int file = any_file(), other = any_file();
      long from = below(3), to = below(3);
      long *in = one_in(3) ? &from : NULL, *out = one_in(3) ? &to : NULL;
      long count = below(50);
      unsigned flags = one_in(8) ? 0x80 : 2;
      say(" %d %d %ld %u", in != NULL, out != NULL, count, flags);
      CALL(fcntl, file, F_SETFL, O_NONBLOCK);
      CALL(fcntl, other, F_SETFL, O_NONBLOCK);
      say_result(CALL(splice, file, in, other, out, count, flags));
      break;
    }
    case 25: {
      say("sendfile");
      int file = any_file(), other = any_file();
      static const long offsets[] = {0, 1, -1, 5000};
      long offset = ANY(offsets);
      long *at = one_in(2) ? &offset : NULL;
      long count = below(60);
      say(" %ld %ld", at ? offset : -2, count);
      CALL(fcntl, file, F_SETFL, O_NONBLOCK);
      CALL(fcntl, other, F_SETFL, O_NONBLOCK);
      say_result(CALL(sendfile, file, other, at, count));
      if (at) say(" %ld", offset);
      break;
    }
    case 26: {
      unsigned long set = next_random() & one_in(2) ? ~0UL : 1UL << below(64);
      say("signalfd4");
      int file = one_in(2) ? -1 : any_file();
      static const unsigned long sizes[] = {8, 8, 8, 4, 16, 0};
      unsigned long size = ANY(sizes);
      say(" %d %lx %lu", file, set, size);
      result = CALL(signalfd4, file, pointer(&set), size, SFD_NONBLOCK | one_in(9));
      if (file < 0) { say_success(result); place_file(result); } else { say_result(result); }
      break;
    }
    case 27: case 28: {
      struct { void *handler; unsigned long flags; void *restorer; unsigned long mask; } action = {0}, old = {0};
      say("rt_sigaction");
      int signal = one_in(4) ? (int)odd() : (int)below(66);
      static const unsigned long flags[] = {0, SA_NODEFER, SA_RESTART, SA_SIGINFO, 0xFFFFFFFF, 0x800, SA_ONSTACK};
      unsigned long chosen = ANY(flags);
      static const unsigned long sizes[] = {8, 8, 8, 8, 4, 16};
      unsigned long size = ANY(sizes);
      action.handler = SIG_IGN;
      action.flags = chosen;
      action.mask = next_random();
      say(" %d %lx %lx %lu", signal, chosen, action.mask, size);
      // Those that faults raise stay as they are.
      if (signal == SIGALRM || signal == SIGSEGV) { say(" left out"); break; }
      result = CALL(rt_sigaction, signal, one_in(4) ? NULL : pointer(&action), pointer(&old), size);
      say_result(result);
      if (result == 0) say(" %lx %lx %lx", (long)old.handler, old.flags, old.mask);
      break;
    }
    case 29: case 30: {
      unsigned long set = next_random(), old = 0;
      say("rt_sigprocmask");
      int how = one_in(6) ? (int)odd() : (int)below(4);
      unsigned long size = one_in(6) ? odd() : 8;
      say(" %d %lx", how, set);
      result = CALL(rt_sigprocmask, how, one_in(5) ? NULL : pointer(&set), pointer(&old), size);
      say_result(result);
      if (result == 0) say(" %lx", old);
      unsigned long pending = 0;
      CALL(rt_sigpending, &pending, 8);
      say(" pending %lx", pending);
      break;
    }
    case 31: case 32: {
      static const struct word calls[] = {{SYS_kill, "kill"}, {SYS_tkill, "tkill"}, {SYS_tgkill, "tgkill"},
                                          {SYS_rt_sigqueueinfo, "rt_sigqueueinfo"}};
      const struct word *call = &ANY(calls);
      say("%s", call->name);
      static const int kinds[] = {0, -1, -2, -6, 5, SI_TKILL, SI_QUEUE};
      int signal = one_in(3) ? (int)odd() : (int)(34 + below(30));
      siginfo_t info = {.si_signo = below(70), .si_code = ANY(kinds)};
      info.si_value.sival_int = 77;
      say(" %d %d", signal, info.si_code);
      if (signal > 0 && signal < 34) { say(" left out"); break; }
      // With a handler, and blocked, so that it stays until it is asked for.
      if (signal >= 34 && signal <= 64) {
        struct sigaction action = {.sa_handler = note_signal};
        sigaction(signal, &action, NULL);
        unsigned long set = 1UL << (signal - 1);
        CALL(rt_sigprocmask, SIG_BLOCK, &set, 0, 8);
      }
      int self = getpid();
      static const int odd_processes[] = {0x7FFFFFF, -0x7FFFFFF, 0x7FFFFFFE};
      if (one_in(6)) { self = ANY(odd_processes); say(" to %d", self); }
      if (call->value == SYS_tgkill) result = CALL(tgkill, getpid(), self, signal);
      else if (call->value == SYS_rt_sigqueueinfo) result = CALL(rt_sigqueueinfo, self, signal, pointer(&info));
      else result = raw_call_of(call->value, self, signal, 0, 0, 0, 0);
      say_result(result);
      break;
    }
    case 33: case 34: {
      say("rt_sigtimedwait");
      unsigned long set = one_in(3) ? next_random() : ~0UL;
      static const struct timespec times[] = {{0, 0}, {0, 0}, {0, 0}, {0, -1}, {-1, 0}, {0, 1000000000}};
      struct timespec time = ANY(times);
      siginfo_t info;
      memset(&info, 0, sizeof info);
      unsigned long size = one_in(9) ? odd() : 8;
      say(" %lx %ld.%ld", set, time.tv_sec, time.tv_nsec);
      result = CALL(rt_sigtimedwait, pointer(&set), pointer(&info), &time, size);
      say_result(result);
      if (result > 0) say(" %d %d %d %d", info.si_signo, info.si_code, info.si_value.sival_int,
                          info.si_pid == getpid());
      break;
    }
    case 35: {
      static char memory[65536];
      static const unsigned long sizes[] = {0, 100, 2047, 2048, 4096, 65536, -1UL};
      static const int flags[] = {0, 0, SS_DISABLE, SS_ONSTACK, 4, 1 << 31, (1 << 31) | SS_DISABLE};
      stack_t stack = {memory, ANY(flags), ANY(sizes)}, old = {0};
      say("sigaltstack %x %lu", stack.ss_flags, stack.ss_size);
      // How much the state of the processor takes is the machine's affair.
      if (stack.ss_size >= 2047 && stack.ss_size <= 4096) stack.ss_size = 65536;
      result = CALL(sigaltstack, one_in(3) ? NULL : pointer(&stack), pointer(&old));
      say_result(result);
      if (result == 0) say(" %d %x %lu", old.ss_sp != NULL, old.ss_flags, old.ss_size);
      break;
    }
    case 36: {
      // Without those of alarms, which a machine needs a clock of its own for.
      static const int clocks[] = {0, 1, 2, 3, 4, 5, 7, 11, 12, 15, 99, -1};
      static const int notices[] = {SIGEV_SIGNAL, SIGEV_NONE, SIGEV_THREAD_ID, 2, 3, 5, 9};
      struct sigevent event = {.sigev_notify = ANY(notices), .sigev_signo = below(70)};
      event._sigev_un._tid = one_in(2) ? getpid() : 0x7FFFFFF;
      int clock = ANY(clocks), timer = -1;
      say("timer_create %d %d %d", clock, event.sigev_notify, event.sigev_signo);
      say_result(CALL(timer_create, clock, one_in(5) ? NULL : pointer(&event), pointer(&timer)));
      break;
    }
    case 37: {
      struct itimerspec value, old;
      say("timer_settime");
      int timer = below(5);
      unsigned flags = below(3) ? 0 : 2 * below(3);
      say(" %d %u", timer, flags);
      value.it_interval = odd_time();
      value.it_value = odd_time();
      if (value.it_value.tv_sec == 0 && value.it_value.tv_nsec > 0 && value.it_value.tv_nsec < 1000000000)
        value.it_value.tv_sec = 500;
      say_result(CALL(timer_settime, timer, flags, pointer(&value), pointer(&old)));
      result = CALL(timer_gettime, timer, &old);
      say_result(result);
      if (result == 0) say(" %d %ld.%ld", old.it_value.tv_sec > 0, old.it_interval.tv_sec, old.it_interval.tv_nsec);
      say_result(CALL(timer_getoverrun, timer));
      if (one_in(4)) say_result(CALL(timer_delete, timer));
      break;
    }
    case 38: {
      static const struct word resources[] = {{RLIMIT_CPU, "CPU"}, {RLIMIT_FSIZE, "FSIZE"}, {RLIMIT_DATA, "DATA"},
                                              {16, "16"}, {-1, "-1"}};
      const struct word *resource = &ANY(resources);
      static const unsigned long limits[] = {1000000000, 1UL << 40, RLIM_INFINITY};
      // To raise one again takes a capability that root need not have.
      struct rlimit limit = {ANY(limits), RLIM_INFINITY}, old = {0};
      say("prlimit64 %s %lx %lx", resource->name, limit.rlim_cur, limit.rlim_max);
      result = CALL(prlimit64, one_in(9) ? 0x7FFFFFF : 0, resource->value, pointer(&limit), NULL);
      say_result(result);
      result = CALL(prlimit64, 0, resource->value, NULL, &old);
      if (result == 0) say(" %lx %lx", (long)(old.rlim_cur == limit.rlim_cur), (long)(old.rlim_max == limit.rlim_max));
      break;
    }
    case 39: {
      static const struct word options[] = {
        {PR_GET_DUMPABLE, "GET_DUMPABLE"}, {PR_SET_DUMPABLE, "SET_DUMPABLE"}, {PR_GET_KEEPCAPS, "GET_KEEPCAPS"},
        {PR_SET_KEEPCAPS, "SET_KEEPCAPS"}, {PR_GET_NO_NEW_PRIVS, "GET_NO_NEW_PRIVS"},
        {PR_GET_PDEATHSIG, "GET_PDEATHSIG"}, {PR_SET_PDEATHSIG, "SET_PDEATHSIG"}, {PR_GET_TIMERSLACK, "GET_TIMERSLACK"},
        {PR_SET_TIMERSLACK, "SET_TIMERSLACK"}, {PR_GET_CHILD_SUBREAPER, "GET_CHILD_SUBREAPER"},
        {PR_SET_CHILD_SUBREAPER, "SET_CHILD_SUBREAPER"}, {PR_CAPBSET_READ, "CAPBSET_READ"},
        {PR_GET_SECUREBITS, "GET_SECUREBITS"}, {PR_GET_TSC, "GET_TSC"}, {PR_GET_THP_DISABLE, "GET_THP_DISABLE"},
        {PR_GET_TIMING, "GET_TIMING"}, {PR_SET_TIMING, "SET_TIMING"}, {PR_GET_SECCOMP, "GET_SECCOMP"}, {9999, "9999"}};
      const struct word *option = &ANY(options);
      unsigned long answer = 0;
      say("prctl %s", option->name);
      unsigned long value = odd();
      switch (option->value) {
        case PR_GET_PDEATHSIG: case PR_GET_CHILD_SUBREAPER: case PR_GET_TSC: value = (unsigned long)&answer;
      }
      say_result(CALL(prctl, option->value, value, one_in(6), 0, 0));
      say(" %lx", answer);
      break;
    }
    case 40: {
      struct sched_param parameter = {one_in(3) ? (int)odd() : (int)below(3)};
      static const int policies[] = {0, 1, 2, 3, 4, 5, 6, 8, -1, 0x40000000, 0x40000001};
      int policy = ANY(policies);
      say("sched_setscheduler %d %d", policy, parameter.sched_priority);
      say_result(CALL(sched_setscheduler, one_in(6) ? 0x7FFFFFF : 0, policy, pointer(&parameter)));
      say_result(CALL(sched_getscheduler, 0));
      say_result(CALL(sched_get_priority_max, policy));
      say_result(CALL(sched_get_priority_min, policy));
      struct sched_param normal = {0};
      CALL(sched_setscheduler, 0, 0, &normal);
      break;
    }
    case 41: {
      static const int processes[] = {-1, 0, 0x7FFFFFF, INT32_MIN};
      static const int options[] = {WNOHANG, WNOHANG | WUNTRACED, WNOHANG | WCONTINUED, WNOHANG | 0x40, 0x10,
                                    WNOHANG | WEXITED, WNOHANG | (int)0x80000000};
      int process = ANY(processes), option = ANY(options) | WNOHANG, status = 0;
      if (one_in(2)) {
        int kind = below(6);
        siginfo_t info = {0};
        say("waitid %d %d %x", kind, process, option);
        say_result(CALL(waitid, kind, process, pointer(&info), option, NULL));
      } else {
        say("wait4 %d %x", process, option);
        say_result(CALL(wait4, process, pointer(&status), option, NULL));
      }
      break;
    }
    case 42: {
      static const struct word calls[] = {{SYS_setpgid, "setpgid"}, {SYS_getpgid, "getpgid"}, {SYS_getsid, "getsid"},
                                          {SYS_getpriority, "getpriority"}, {SYS_setpriority, "setpriority"},
                                          {SYS_sched_getaffinity, "sched_getaffinity"}};
      const struct word *call = &ANY(calls);
      static const int processes[] = {-1, 0x7FFFFFF, INT32_MIN, INT32_MAX};
      int a = ANY(processes), b = ANY(processes);
      if (call->value == SYS_setpriority || call->value == SYS_getpriority) {
        // Itself alone: all processes of a group or a user would be those of the machine it runs on.
        a = one_in(5) ? 3 : 0;
        b = one_in(2) ? 0 : b;
      }
      int c = below(30);
      say("%s %d %d %d", call->name, a, b, c);
      result = raw_call_of(call->value, a, b, c, 0, 0, 0);
      say_result(result);
      break;
    }
    case 43: {
      struct timespec time = odd_time();
      static const int clocks[] = {0, 1, 2, 3, 4, 7, 11, 12, 99, -1, -2};
      int clock = ANY(clocks);
      say(" clock %d", clock);
      say_success(CALL(clock_gettime, clock, pointer(&time)));
      say_success(CALL(clock_getres, clock, NULL));
      struct timespec wait = odd_time();
      if (wait.tv_sec > 0) wait.tv_sec = 0;
      static int word = 1;
      int operation = below(14);
      if (operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET || operation == 6 || operation == 7
          || operation == 8 || operation == 11 || operation == 12 || operation == 13) operation = FUTEX_WAKE;
      say(" futex %d", operation);
      say_result(CALL(futex, (char *)pointer(&word) + one_in(9), operation, 0, 0, 0, 0));
      break;
    }
  }
  say_files();
}

static void descriptor_round(void) {
  struct sigaction action = {.sa_handler = SIG_IGN};
  sigaction(SIGPIPE, &action, NULL);
  sigaction(SIGIO, &action, NULL);
  sigaction(SIGXFSZ, &action, NULL);
  signal(SIGALRM, SIG_DFL);
  if (mkdir("/tmp", 0777) != 0) _exit(4);
  int pair[2];
  int made[] = {open("/tmp/a", O_RDWR | O_CREAT, 0600), open("/tmp/a", O_RDONLY), open("/tmp", O_RDONLY),
                open("/tmp/a", O_PATH), open("/tmp/a", O_WRONLY | O_APPEND), eventfd(1, EFD_NONBLOCK),
                epoll_create1(0), (int)CALL(memfd_create, "m", 2)};
  if (write(made[0], "some contents of a file", 23) != 23) _exit(4);
  for (size_t i = 0; i < COUNT(made); i++) { dup2(made[i], 50 + i); close(made[i]); }
  for (size_t i = 0; i < COUNT(made); i++) { dup2(50 + i, FIRST_FILE + i); close(50 + i); }
  if (pipe2(pair, O_NONBLOCK) != 0) _exit(4);
  dup2(pair[0], FIRST_FILE + 8);
  dup2(pair[1], FIRST_FILE + 9);
  close(pair[0]);
  close(pair[1]);
  for (int i = 0; i < STEPS_OF_A_ROUND; i++) {
    STEP(i);
    descriptor_step();
    end_line();
  }
}
