// Pseudo-terminals: random settings, bytes on both sides, queues thrown away, packet mode, and ends.
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <sys/ioctl.h>

static int terminal_master, terminal_slave, terminal_spare;

static volatile int terminal_signals[32];
static void note_terminal_signal(int signal) { terminal_signals[signal]++; }

// What the disciplines treat in a way of their own, and some text. Keys of the settings below are from here.
static const unsigned char terminal_bytes[] = {
  'a', 'b', 'c', 'd', 'Z', '9', '_', ' ', ' ', '\t', '\t', '\n', '\n', '\n', '\r', '\b', 3, 4, 4, 17, 17, 18, 19, 21, 22, 23,
  26, 28, 127, 127, 0,
  0xFF, 0xC3, 0xA9, 0x80, 0xE2, 0x82, 0xAC, 1, 0x1B, '!', '~', 'x', 'y', '.'};

static void say_bytes(const unsigned char *bytes, long count) {
  say(" \"");
  for (long i = 0; i < count; i++) {
    if (bytes[i] > 32 && bytes[i] < 127 && bytes[i] != '\\' && bytes[i] != '"') say("%c", bytes[i]);
    else say("\\%x", bytes[i]);
    if (i % 1000 == 999) say("...");
  }
  say("\"");
}

// On Linux what is written reaches the other side by a thread of the kernel's.
static void settle_terminals(void) {
  struct timespec pause = {0, 4000000};
  long before = -1;
  for (int same = 0, tries = 0; same < 4 && tries < 100; tries++) {
    nanosleep(&pause, NULL);
    struct pollfd both[2] = {{terminal_master, POLLIN | POLLOUT | POLLPRI, 0}, {terminal_slave, POLLIN | POLLOUT, 0}};
    int waiting[2] = {0, 0};
    poll(both, 2, 0);
    for (int i = 0; i < 2; i++) ioctl(both[i].fd, FIONREAD, &waiting[i]);
    long now = both[0].revents | (long)both[1].revents << 8 | (long)waiting[0] << 16 | (long)waiting[1] << 40;
    same = now == before ? same + 1 : 0;
    before = now;
  }
}

static void say_terminal(const char *name, int file) {
  if (file < 0) return;
  struct pollfd one = {file, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 0};
  poll(&one, 1, 0);
  int waiting = -1, sending = -1;
  long result = CALL(ioctl, file, FIONREAD, &waiting);
  if (result < 0) waiting = result;
  result = CALL(ioctl, file, TIOCOUTQ, &sending);
  if (result < 0) sending = result;
  say(" %s:%x/%d/%d", name, one.revents, waiting, sending);
}

static void say_terminals(void) {
  settle_terminals();
  say_terminal("m", terminal_master);
  say_terminal("s", terminal_slave);
  say_terminal("t", terminal_spare);
  for (int signal = 1; signal < 32; signal++)
    if (terminal_signals[signal]) {
      say(" signal%d*%d", signal, terminal_signals[signal]);
      terminal_signals[signal] = 0;
    }
}

static const struct word terminal_input[] = {
  {ISTRIP, "ISTRIP"}, {INLCR, "INLCR"}, {IGNCR, "IGNCR"}, {IUCLC, "IUCLC"}, {IXANY, "IXANY"}, {IXOFF, "IXOFF"},
  {IMAXBEL, "IMAXBEL"}, {IUTF8, "IUTF8"}, {PARMRK, "PARMRK"}, {IGNBRK, "IGNBRK"}, {BRKINT, "BRKINT"},
  {INPCK, "INPCK"}};
static const struct word terminal_output[] = {
  {OLCUC, "OLCUC"}, {OCRNL, "OCRNL"}, {ONOCR, "ONOCR"}, {ONLRET, "ONLRET"}, {XTABS, "XTABS"}};
static const struct word terminal_usual[] = {
  {ICANON, "ICANON"}, {ECHO, "ECHO"}, {ISIG, "ISIG"}, {IEXTEN, "IEXTEN"}};
static const struct word terminal_local[] = {
  {ECHOE, "ECHOE"}, {ECHOK, "ECHOK"}, {ECHONL, "ECHONL"}, {NOFLSH, "NOFLSH"}, {ECHOCTL, "ECHOCTL"},
  {ECHOPRT, "ECHOPRT"}, {ECHOKE, "ECHOKE"}};

static void set_terminal(int file) {
  static const unsigned requests[] = {TCSETS, TCSETS, TCSETSW, TCSETSF};
  struct termios settings;
  unsigned request = ANY(requests);
  say("TCSETS+%d", request - TCSETS);
  memset(&settings, 0, sizeof settings);
  long result = CALL(ioctl, file, TCGETS, &settings);
  if (result < 0) { say_result(result); return; }
  if (one_in(3)) {
    say(" sane");
    settings.c_iflag = ICRNL | IXON;
    settings.c_oflag = OPOST | ONLCR;
    settings.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
    static const unsigned char keys[19] = {3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0};
    memcpy(settings.c_cc, keys, 19);
    settings.c_iflag ^= ANY_WORDS(terminal_input, 9);
    settings.c_oflag ^= ANY_WORDS(terminal_output, 9);
    settings.c_lflag ^= ANY_WORDS(terminal_local, 6);
  } else {
    settings.c_iflag = ANY_WORDS(terminal_input, 4) | (below(3) ? ICRNL : 0) | (one_in(3) ? IXON : 0);
    settings.c_oflag = ANY_WORDS(terminal_output, 3) | (below(4) ? OPOST : 0) | (below(3) ? ONLCR : 0);
    settings.c_lflag = ANY_WORDS(terminal_local, 2);
    for (size_t i = 0; i < COUNT(terminal_usual); i++)
      if (below(3)) { settings.c_lflag |= terminal_usual[i].value; say("|%s", terminal_usual[i].name); }
    if (one_in(25)) { settings.c_lflag |= EXTPROC; say("|EXTPROC"); }
    say(" %x", settings.c_iflag & (ICRNL | IXON));
    say(" %x", settings.c_oflag & (OPOST | ONLCR));
  }
  if (one_in(3)) {
    static const int keys[] = {VERASE, VKILL, VEOF, VEOL, VEOL2, VSTART, VREPRINT, VWERASE,
                               VLNEXT};
    int key = ANY(keys);
    settings.c_cc[key] = ANY(terminal_bytes);
    say(" key%d=%x", key, settings.c_cc[key]);
  }
  static const unsigned char least[] = {0, 1, 1, 1, 2, 5, 30};
  settings.c_cc[VMIN] = ANY(least);
  settings.c_cc[VTIME] = one_in(4);
  say(" min%d time%d", settings.c_cc[VMIN], settings.c_cc[VTIME]);
  say_result(CALL(ioctl, file, request, &settings));
}

static void terminal_step(void) {
  static unsigned char bytes[8192];
  long result;
  switch (below(32)) {
    case 0: case 1: case 2: case 3: case 4: case 5: case 6: case 7: case 8: {
      int is_master = below(3) != 0;
      int file = is_master ? terminal_master : terminal_slave;
      if (file < 0) break;
      // Bytes for a terminal that nobody has open wait in Linux, and echo of output that is stopped too, until the
      // next byte comes.
      if (is_master && terminal_slave < 0) break;
      struct pollfd room = {terminal_slave, POLLOUT, 0};
      int is_stopped = is_master && poll(&room, 1, 0) == 0;
      int count = is_stopped ? 1 : one_in(6) ? 1 + below(40) : 1 + below(7);
      for (int i = 0; i < count; i++) {
        bytes[i] = ANY(terminal_bytes);
        if (is_stopped) bytes[i] = 17;
        // Keys that act on what is echoed come alone: on Linux the echo of one write is put out at its end.
        if (is_master && (bytes[i] == 3 || bytes[i] == 19 || bytes[i] == 26 || bytes[i] == 28)) {
          if (i > 0) bytes[i] = 'q'; else count = 1;
        }
      }
      say("write %s", is_master ? "master" : "slave");
      say_bytes(bytes, count);
      say_result(CALL(write, file, bytes, count));
      break;
    }
    case 9: case 10: case 11: case 12: case 13: case 14: case 15: case 16: case 17: {
      int is_master = one_in(2);
      int file = is_master ? terminal_master : terminal_slave;
      if (file < 0) break;
      static const int counts[] = {1, 2, 3, 5, 8, 64, 64, 100, 4096, 4096, 0};
      int count = ANY(counts);
      say("read %s %d", is_master ? "master" : "slave", count);
      result = CALL(read, file, bytes, count);
      say_result(result);
      if (result > 0) say_bytes(bytes, result);
      break;
    }
    case 18: case 19: case 20: case 21:
      if (terminal_slave < 0) break;
      set_terminal(terminal_slave);
      break;
    case 22: {
      int is_master = one_in(3);
      int file = is_master ? terminal_master : terminal_slave;
      if (file < 0) break;
      int which = one_in(12) ? 3 : below(3);
      say("TCFLSH %s %d", is_master ? "master" : "slave", which);
      say_result(CALL(ioctl, file, TCFLSH, which));
      break;
    }
    case 23: {
      int is_master = 0;
      int file = terminal_slave;
      if (file < 0) break;
      int which = one_in(12) ? 4 : below(3) ? 1 : below(4);
      say("TCXONC %s %d", is_master ? "master" : "slave", which);
      say_result(CALL(ioctl, file, TCXONC, which));
      break;
    }
    case 24: {
      if (terminal_master < 0) break;
      int on = below(2);
      say("TIOCPKT %d", on);
      say_result(CALL(ioctl, terminal_master, TIOCPKT, &on));
      break;
    }
    case 25: {
      struct winsize size = {24 + below(2), 80, 0, 0};
      int is_master = one_in(2);
      int file = is_master ? terminal_master : terminal_slave;
      if (file < 0) break;
      say("TIOCSWINSZ %s %d", is_master ? "master" : "slave", size.ws_row);
      say_result(CALL(ioctl, file, TIOCSWINSZ, &size));
      struct winsize seen = {0};
      CALL(ioctl, terminal_slave, TIOCGWINSZ, &seen);
      say(" %d", seen.ws_row);
      break;
    }
    case 26: {
      if (terminal_master < 0) break;
      static const int signals[] = {SIGINT, SIGQUIT, SIGTSTP, SIGHUP, 0};
      int signal = ANY(signals);
      say("TIOCSIG %d", signal);
      say_result(CALL(ioctl, terminal_master, TIOCSIG, signal));
      break;
    }
    case 27: {
      int file = one_in(3) ? terminal_master : terminal_slave;
      if (file < 0) break;
      static const unsigned requests[] = {TCSBRK, TCSBRKP, TIOCGETD, TIOCGPTN, TIOCGPKT, TIOCGPTLCK, TIOCGEXCL,
                                          TIOCMGET, TIOCGSID, TIOCGPGRP, 0x5499};
      unsigned request = ANY(requests);
      int value = 1;
      say("ioctl %s %x", file == terminal_master ? "master" : "slave", request);
      result = CALL(ioctl, file, request, request == TCSBRK || request == TCSBRKP ? (void *)1 : &value);
      say_result(result);
      if (request == TIOCGSID || request == TIOCGPGRP) value = value == getpid();
      if (request == TIOCGPTN) value = 0;
      if (result == 0) say(" %d", value);
      break;
    }
    case 28:
      if (terminal_master < 0) break;
      if (terminal_spare < 0) {
        say("open spare");
        terminal_spare = CALL(ioctl, terminal_master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_NONBLOCK);
        say_success(terminal_spare);
      } else {
        say("close spare");
        say_result(CALL(close, terminal_spare));
        terminal_spare = -1;
      }
      break;
    case 29:
      if (!one_in(2)) break;
      if (terminal_slave >= 0) {
        say("close slave");
        say_result(CALL(close, terminal_slave));
        terminal_slave = -1;
      } else if (terminal_master >= 0) {
        say("open slave");
        terminal_slave = CALL(ioctl, terminal_master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_NONBLOCK);
        say_success(terminal_slave);
      }
      break;
    case 30:
      if (terminal_master < 0 || !one_in(12)) break;
      say("close master");
      say_result(CALL(close, terminal_master));
      terminal_master = -1;
      break;
    case 31: {
      // As a program that shows a menu does: change the mode with something typed ahead.
      if (terminal_slave < 0 || terminal_master < 0) break;
      struct termios settings;
      CALL(ioctl, terminal_slave, TCGETS, &settings);
      settings.c_lflag ^= ICANON;
      settings.c_cc[VMIN] = 1;
      settings.c_cc[VTIME] = 0;
      say("ICANON %d", (settings.c_lflag & ICANON) != 0);
      say_result(CALL(ioctl, terminal_slave, TCSETS, &settings));
      break;
    }
  }
  say_terminals();
}

static void terminal_round(void) {
  static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGWINCH, SIGCONT};
  struct sigaction action = {.sa_handler = note_terminal_signal, .sa_flags = SA_RESTART};
  for (size_t i = 0; i < COUNT(signals); i++) sigaction(signals[i], &action, NULL);
  if (mkdir("/pts", 0755) != 0) _exit(4);
  if (mount("devpts", "/pts", "devpts", 0, "newinstance,ptmxmode=666") != 0) _exit(5);
  terminal_master = open("/pts/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
  if (terminal_master < 0) _exit(6);
  // The files stay, and the round's mounts can go.
  umount2("/pts", MNT_DETACH);
  int off = 0;
  if (CALL(ioctl, terminal_master, TIOCSPTLCK, &off) != 0) _exit(7);
  terminal_slave = CALL(ioctl, terminal_master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_NONBLOCK);
  if (terminal_slave < 0) _exit(8);
  terminal_spare = -1;
  if (setsid() < 0 || CALL(ioctl, terminal_slave, TIOCSCTTY, 0) != 0) _exit(9);
  // A group with a father in its session is no orphan: keys may stop it, here for a handler.
  for (int i = 0; i < STEPS_OF_A_ROUND; i++) {
    STEP(i);
    terminal_step();
    end_line();
  }
}
