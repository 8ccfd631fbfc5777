// Pipes and what waits beside them: sizes, packets, splices, counters, timers, polls of polls, and futexes.

#define FIRST_PIPE 10
#define PIPE_FILES 16
#define PIPE_POLLS 30

static int any_pipe_file(void) {
  int file = FIRST_PIPE + below(PIPE_FILES);
  say(" %d", file);
  return file;
}

static void place_pipe_file(long file, int target) {
  if (file < 0) return;
  say(" -> %d", target);
  if (file == target) return;
  dup2(file, target);
  close(file);
}

static void say_pipe_files(void) {
  for (int file = FIRST_PIPE; file < FIRST_PIPE + PIPE_FILES; file++) {
    struct pollfd one = {file, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 0};
    poll(&one, 1, 0);
    if (one.revents & POLLNVAL) continue;
    int waiting = -1;
    long result = CALL(ioctl, file, FIONREAD, &waiting);
    say(" %d:%x/%d", file, one.revents, result < 0 ? -1 : waiting);
  }
  for (int at = 0; at < 2; at++) {
    struct epoll_event events[20];
    long count = CALL(epoll_wait, PIPE_POLLS + at, events, 20, 0);
    say(" epoll %ld", count);
    for (int number = 0; number < 50; number++)
      for (long i = 0; i < count; i++)
        if ((int)events[i].data.u64 == number) say(" %d/%x", number, events[i].events);
  }
  if (pipe_signals) { say(" SIGPIPE*%d", pipe_signals); pipe_signals = 0; }
}

static unsigned char pipe_letter;

// Of several things that forbid a call which one it names is no matter.
static void say_done(long result) {
  if (result < 0) say(" fails"); else say_result(result);
}

static void say_runs(const char *bytes, long count) {
  for (long i = 0, runs = 0; i < count && runs < 30; i++)
    if (i == 0 || bytes[i] != bytes[i - 1]) { say(" %ld:%x", i, (unsigned char)bytes[i]); runs++; }
}

// Where a file may be written over by what is spliced into it, a position that both share is part of the state.
static void pipe_step(void) {
  static char bytes[10000];
  static const int sizes[] = {1, 2, 7, 8, 8, 100, 4095, 4096, 4097, 5000, 8192};
  long result;
  switch (below(30)) {
    case 0: case 1: {
      static const unsigned flags[] = {0, 0, 0, O_DIRECT};
      unsigned flag = ANY(flags) | O_NONBLOCK;
      int pair[2] = {-1, -1}, at = below(PIPE_FILES), other = (at + 1 + below(PIPE_FILES - 1)) % PIPE_FILES;
      say("pipe2 %o", flag);
      result = CALL(pipe2, pair, flag);
      say_result(result);
      if (result < 0) break;
      int first = fcntl(pair[0], F_DUPFD, 60), second = fcntl(pair[1], F_DUPFD, 60);
      close(pair[0]);
      close(pair[1]);
      place_pipe_file(first, FIRST_PIPE + at);
      place_pipe_file(second, FIRST_PIPE + other);
      break;
    }
    case 2: {
      static const int modes[] = {O_RDONLY, O_WRONLY, O_RDWR};
      int mode = ANY(modes);
      say("open fifo %d", mode);
      result = CALL(open, "/fifo", mode | O_NONBLOCK);
      say_success(result);
      place_pipe_file(result, FIRST_PIPE + below(PIPE_FILES));
      break;
    }
    case 3: {
      static const int modes[] = {O_RDONLY, O_WRONLY, O_RDWR, O_RDWR | O_APPEND};
      int mode = ANY(modes);
      say("open file %o", mode);
      result = CALL(open, "/file", mode);
      say_success(result);
      place_pipe_file(result, FIRST_PIPE + below(PIPE_FILES));
      break;
    }
    case 4: case 5: case 6: case 7: case 8: {
      int count = ANY(sizes);
      say("write");
      int file = any_pipe_file();
      say(" %x*%d", pipe_letter, count);
      memset(bytes, pipe_letter++, count);
      // An event counter takes more than 8 bytes, or does not, by Linux's version.
      char link[40], name[64] = "";
      sprintf(link, "/proc/self/fd/%d", file);
      if (readlink(link, name, sizeof name - 1) > 0 && strstr(name, "anon_inode:") && count > 8) count = 8;
      if (count == 8) memset(bytes + 1, 0, 7);
      CALL(fcntl, file, F_SETFL, O_NONBLOCK | (fcntl(file, F_GETFL) & O_DIRECT));
      say_result(CALL(write, file, bytes, count));
      break;
    }
    case 9: case 10: case 11: case 12: case 13: {
      int count = ANY(sizes);
      say("read");
      int file = any_pipe_file();
      say(" %d", count);
      result = CALL(read, file, bytes, count);
      say_result(result);
      say_runs(bytes, result);
      break;
    }
    case 14: {
      static const long pages[] = {0, 1, 4096, 4097, 8192, 12288, 65536, 70000, 1048576, 1048577, 0x80000001L};
      long size = ANY(pages);
      say("F_SETPIPE_SZ");
      int file = any_pipe_file();
      say(" %ld", size);
      say_result(CALL(fcntl, file, F_SETPIPE_SZ, size));
      say_result(CALL(fcntl, file, F_GETPIPE_SZ));
      break;
    }
    case 15: {
      say("close");
      say_result(CALL(close, any_pipe_file()));
      break;
    }
    case 16: case 17: case 18: {
      say("splice");
      int from = any_pipe_file(), to = any_pipe_file();
      long offset = below(3) * 1000;
      int which = below(4), count = ANY(sizes);
      say(" %d@%ld %d", which, offset, count);
      long *in = which == 1 ? &offset : NULL, *out = which == 2 ? &offset : NULL;
      say_done(CALL(splice, from, in, to, out, count, SPLICE_F_NONBLOCK));
      break;
    }
    case 19: {
      say("tee");
      int from = any_pipe_file(), to = any_pipe_file(), count = ANY(sizes);
      say(" %d", count);
      say_done(CALL(tee, from, to, count, SPLICE_F_NONBLOCK));
      break;
    }
    case 20: {
      say("vmsplice");
      int file = any_pipe_file(), count = ANY(sizes);
      // Linux may refer to the memory for long: each has its own.
      static char gifts[STEPS_OF_A_ROUND][5000];
      char *gift = gifts[step_number];
      memset(gift, pipe_letter, 5000);
      say(" %x*%d", pipe_letter++, count > 5000 ? 5000 : count);
      struct iovec part = {gift, count > 5000 ? 5000 : count};
      result = CALL(vmsplice, file, &part, 1, SPLICE_F_NONBLOCK);
      say_result(result);
      break;
    }
    case 21: {
      static const unsigned long values[] = {0, 1, 3, 0xFFFFFFFF};
      unsigned long value = ANY(values);
      unsigned flags = EFD_NONBLOCK | (one_in(2) ? EFD_SEMAPHORE : 0);
      say("eventfd2 %lx %x", value, flags);
      result = CALL(eventfd2, value, flags);
      say_success(result);
      place_pipe_file(result, FIRST_PIPE + below(PIPE_FILES));
      break;
    }
    case 22: {
      static const unsigned long values[] = {0, 1, 2, 0xFFFFFFFFFFFFFFFE, 0xFFFFFFFFFFFFFFFD, 0xFFFFFFFFFFFFFFFF, 1UL << 63};
      unsigned long value = ANY(values);
      say("write number");
      int file = any_pipe_file();
      CALL(fcntl, file, F_SETFL, O_NONBLOCK | (fcntl(file, F_GETFL) & O_DIRECT));
      say(" %lx", value);
      say_result(CALL(write, file, &value, 8));
      break;
    }
    case 23: case 24: {
      say("epoll_ctl");
      int at = PIPE_POLLS + below(2), file = one_in(8) ? PIPE_POLLS + (int)below(2) : any_pipe_file();
      unsigned operation = 1 + below(3);
      static const unsigned kinds[] = {EPOLLIN, EPOLLIN | EPOLLOUT, EPOLLOUT, EPOLLIN | EPOLLONESHOT, EPOLLIN | EPOLLET};
      struct epoll_event event = {ANY(kinds), {.u64 = file}};
      say(" %d %u %d %x", at, operation, file, event.events);
      say_result(CALL(epoll_ctl, at, operation, file, &event));
      break;
    }
    case 25: {
      say("O_DIRECT");
      int file = any_pipe_file();
      unsigned flags = O_NONBLOCK | (one_in(2) ? O_DIRECT : 0);
      say(" %o", flags);
      CALL(fcntl, file, F_SETFL, flags);
      break;
    }
    case 26: {
      // FUTEX_WAKE_OP: what it does to the word, and whom it would wake.
      static unsigned words[2];
      static const unsigned numbers[] = {0, 1, 2, 7, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x55555555};
      unsigned operation = below(5) | (one_in(3) ? 8 : 0), comparison = below(6);
      unsigned argument = one_in(2) ? below(40) : below(4096), with = below(4096);
      words[1] = ANY(numbers);
      unsigned code = operation << 28 | comparison << 24 | argument << 12 | with;
      say("futex WAKE_OP %x of %x", code, words[1]);
      // A shift of more than the word has bits is the processor's affair in Linux.
      say_result(CALL(futex, &words[0], FUTEX_WAKE_OP | (one_in(2) ? 128 : 0), 1, 1, &words[1], code));
      say(" %x", words[1]);
      break;
    }
    case 27: {
      static unsigned word;
      word = below(3);
      static const int commands[] = {FUTEX_WAIT, FUTEX_WAIT_BITSET, FUTEX_REQUEUE, FUTEX_CMP_REQUEUE, FUTEX_WAKE,
                                     FUTEX_WAKE_BITSET, FUTEX_FD, FUTEX_UNLOCK_PI, FUTEX_TRYLOCK_PI};
      int command = ANY(commands);
      unsigned value = below(3);
      struct timespec time = {0, one_in(3) ? -1 : (int)below(2) * 1000};
      unsigned other = 0;
      unsigned long fourth = command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET ? (unsigned long)&time : below(3) - 1UL;
      unsigned last = below(3);
      say("futex %d word %u value %u %lx %u", command, word, value,
          command == 0 || command == 9 ? (unsigned long)time.tv_nsec : fourth, last);
      say_result(CALL(futex, (char *)&word + (one_in(20) ? 2 : 0), command, value, fourth, &other, last));
      break;
    }
    case 28: {
      say("timerfd");
      result = CALL(timerfd_create, CLOCK_MONOTONIC, TFD_NONBLOCK);
      static const long starts[] = {0, 1, 500};
      struct itimerspec value = {{0, 0}, {ANY(starts), 0}};
      if (value.it_value.tv_sec == 1) value = (struct itimerspec){{0, 0}, {0, 1}};
      say(" %ld.%ld", value.it_value.tv_sec, value.it_value.tv_nsec);
      CALL(timerfd_settime, result, 0, &value, 0);
      struct timespec pause = {0, 1000000};
      nanosleep(&pause, NULL);
      place_pipe_file(result, FIRST_PIPE + below(PIPE_FILES));
      break;
    }
    case 29: {
      say("lseek");
      int file = any_pipe_file();
      say_result(CALL(lseek, file, below(3) * 3000, SEEK_SET));
      break;
    }
  }
  say_pipe_files();
}

static void pipe_round(void) {
  struct sigaction action = {.sa_handler = note_pipe_signal};
  sigaction(SIGPIPE, &action, NULL);
  static char text[20000];
  for (size_t i = 0; i < sizeof text; i++) text[i] = 'A' + i / 1000;
  int file = open("/file", O_RDWR | O_CREAT, 0600);
  if (write(file, text, sizeof text) != sizeof text) _exit(4);
  dup2(file, FIRST_PIPE + 6);
  close(file);
  if (mkfifo("/fifo", 0600) != 0) _exit(4);
  for (int i = 0; i < 6; i += 2) {
    int pair[2];
    if (pipe2(pair, O_NONBLOCK | (i == 4 ? O_DIRECT : 0)) != 0) _exit(4);
    dup2(pair[0], FIRST_PIPE + i);
    dup2(pair[1], FIRST_PIPE + i + 1);
    close(pair[0]);
    close(pair[1]);
  }
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0) _exit(4);
  dup2(pair[0], FIRST_PIPE + 7);
  dup2(pair[1], FIRST_PIPE + 8);
  close(pair[0]);
  close(pair[1]);
  for (int i = 0; i < 2; i++) {
    file = epoll_create1(0);
    dup2(file, PIPE_POLLS + i);
    close(file);
  }
  pipe_letter = 'a';
  for (int i = 0; i < STEPS_OF_A_ROUND; i++) {
    STEP(i);
    pipe_step();
    end_line();
  }
}
