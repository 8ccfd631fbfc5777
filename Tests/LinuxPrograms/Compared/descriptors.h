// Calls about descriptors of every kind, with odd arguments, among calls of the caller about itself (caller.h).
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include "caller.h"

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

static void file_step(void) {
  static char buffer[70000];
  long result;
  int files[2] = {-1, -1};
  switch (below(27)) {
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
      // A later Linux seals the right to execute too, and looks at the lower half alone.
      if (command->value == F_ADD_SEALS) argument &= 0xFFFFFFDF;
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
  }
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
    if (one_in(3)) caller_step(); else file_step();
    say_files();
    end_line();
  }
}
