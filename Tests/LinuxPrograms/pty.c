// Built with musl too.
// Pseudo-terminals: the two sides, their ends, packet mode (pty(7), ioctl_tty(2)), and the line discipline as a
// program sees it (termios(3)).
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif
#ifndef TIOCGPTLCK
#define TIOCGPTLCK 0x80045439
#endif

static int master, slave;
static char path[32];

static void open_pair(void) {
  master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
  REQUIRE(master >= 0);
  int number = -1, zero = 0;
  REQUIRE(ioctl(master, TIOCGPTN, &number) == 0);
  REQUIRE(ioctl(master, TIOCSPTLCK, &zero) == 0);
  snprintf(path, sizeof path, "/dev/pts/%d", number);
  slave = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK);
  REQUIRE(slave >= 0);
}

static void close_pair(void) {
  close(slave);
  close(master);
}

// What one read gives, within some time; "(none)" where there is nothing.
static const char *got_within(int milliseconds, int file) {
  static char text[2][8192];
  static int turn;
  char *target = text[turn ^= 1];
  struct pollfd wait = {file, POLLIN, 0};
  poll(&wait, 1, milliseconds);
  ssize_t count = read(file, target, sizeof text[0] - 1);
  if (count < 0) return errno == EAGAIN ? "(none)" : errno == EIO ? "(EIO)" : "(error)";
  target[count] = 0;
  return target;
}

static const char *got(int file) { return got_within(20000, file); }
// Where nothing is expected, or perhaps nothing.
static const char *got_at_once(int file) { return got_within(100, file); }

// On Linux the bytes take a moment to the other side.
static void put(int file, const char *text) {
  CHECK_EQUAL(write(file, text, strlen(text)), strlen(text));
  usleep(10000);
}

static int events(int file) {
  struct pollfd wait = {file, POLLIN | POLLOUT | POLLPRI, 0};
  poll(&wait, 1, 0);
  return wait.revents;
}

static void change(tcflag_t local_off, tcflag_t local_on, int minimum, int time) {
  struct termios attributes;
  REQUIRE(tcgetattr(slave, &attributes) == 0);
  attributes.c_lflag = (attributes.c_lflag & ~local_off) | local_on;
  attributes.c_cc[VMIN] = minimum;
  attributes.c_cc[VTIME] = time;
  REQUIRE(tcsetattr(slave, TCSANOW, &attributes) == 0);
}

static void test_ends(void) {
  master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
  REQUIRE(master >= 0);
  int number = -1, locked = -1, zero = 0;
  CHECK_EQUAL(ioctl(master, TIOCGPTN, &number), 0);
  CHECK_EQUAL(ioctl(master, TIOCGPTLCK, &locked), 0);
  CHECK_EQUAL(locked, 1);
  snprintf(path, sizeof path, "/dev/pts/%d", number);
  CHECK_ERROR(open(path, O_RDWR | O_NOCTTY), EIO);
  struct stat status;
  REQUIRE(stat(path, &status) == 0);
  CHECK(S_ISCHR(status.st_mode));
  CHECK_EQUAL(major(status.st_rdev), 136);
  CHECK_EQUAL(minor(status.st_rdev), number);
  CHECK_EQUAL(events(master), POLLOUT);
  CHECK_TEXT(got_at_once(master), "(none)");
  put(master, "early\n");
  CHECK_EQUAL(ioctl(master, TIOCSPTLCK, &zero), 0);
  slave = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK);
  REQUIRE(slave >= 0);
  CHECK_TEXT(got(slave), "early\n");
  CHECK_TEXT(got(master), "early\r\n");
  CHECK(isatty(slave));
  CHECK_TEXT(ttyname(slave), path);
  CHECK_ERROR(lseek(slave, 0, SEEK_SET), ESPIPE);
  CHECK_ERROR(pread(slave, &locked, 1, 0), ESPIPE);

  // The slave's last close, and its opening again.
  put(slave, "left\n");
  close(slave);
  CHECK_EQUAL(events(master), POLLIN | POLLOUT | POLLHUP);
  CHECK_TEXT(got(master), "left\r\n");
  CHECK_TEXT(got(master), "(EIO)");
  slave = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK);
  REQUIRE(slave >= 0);
  CHECK_TEXT(got_at_once(master), "(none)");
  CHECK_EQUAL(events(master), POLLOUT);

  int peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
  CHECK(peer >= 0);
  CHECK_TEXT(ttyname(peer), path);
  close(peer);

  // The master's end hangs the slave up.
  close(master);
  CHECK_TEXT(got(slave), "");
  CHECK_ERROR(write(slave, "x", 1), EIO);
  CHECK_EQUAL(events(slave), POLLIN | POLLOUT | POLLERR | POLLHUP);
  struct termios attributes;
  CHECK_ERROR(tcgetattr(slave, &attributes), EIO);
  CHECK_ERROR(open(path, O_RDWR), ENOENT);
  close(slave);
}

static void test_requests(void) {
  open_pair();
  struct termios attributes;
  REQUIRE(tcgetattr(slave, &attributes) == 0);
  CHECK_EQUAL(attributes.c_iflag, ICRNL | IXON);
  CHECK_EQUAL(attributes.c_oflag, OPOST | ONLCR);
  CHECK_EQUAL(attributes.c_cflag, B38400 | CS8 | CREAD);
  CHECK_EQUAL(attributes.c_lflag, ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN);
  CHECK_EQUAL(attributes.c_cc[VERASE], 127);
  CHECK_EQUAL(attributes.c_cc[VMIN], 1);
  attributes.c_cc[VERASE] = 8;
  CHECK_EQUAL(tcsetattr(slave, TCSADRAIN, &attributes), 0);
  REQUIRE(tcgetattr(master, &attributes) == 0);
  CHECK_EQUAL(attributes.c_cc[VERASE], 8);

  struct winsize size = {0, 0, 0, 0};
  CHECK_EQUAL(ioctl(slave, TIOCGWINSZ, &size), 0);
  CHECK_EQUAL(size.ws_row, 0);
  size.ws_row = 40;
  size.ws_col = 132;
  CHECK_EQUAL(ioctl(master, TIOCSWINSZ, &size), 0);
  size.ws_col = 0;
  CHECK_EQUAL(ioctl(slave, TIOCGWINSZ, &size), 0);
  CHECK_EQUAL(size.ws_col, 132);

  int value = 99;
  CHECK_ERROR(ioctl(slave, TIOCGPTN, &value), ENOTTY);
  CHECK_ERROR(ioctl(slave, TIOCGPGRP, &value), ENOTTY);
  CHECK_EQUAL(ioctl(master, TIOCGPGRP, &value), 0);
  CHECK_EQUAL(value, 0);
  CHECK_ERROR(ioctl(master, TIOCGSID, &value), ENOTTY);
  CHECK_ERROR(ioctl(master, TIOCSPGRP, &value), ENOTTY);
  CHECK_ERROR(ioctl(slave, TIOCNOTTY, 0), ENOTTY);
  CHECK_ERROR(ioctl(slave, 0x54AA, &value), ENOTTY);
  CHECK_ERROR(ioctl(slave, TCFLSH, 9), EINVAL);
  CHECK_ERROR(ioctl(slave, TCXONC, 9), EINVAL);
  CHECK_EQUAL(ioctl(slave, TIOCGETD, &value), 0);
  CHECK_EQUAL(value, 0);
  CHECK_ERROR(ioctl(slave, TCGETS, 8), EFAULT);
  CHECK_ERROR(ioctl(slave, TIOCGWINSZ, 8), EFAULT);

  put(master, "line\npart");
  CHECK_EQUAL(ioctl(slave, FIONREAD, &value), 0);
  CHECK_EQUAL(value, 5);
  CHECK_EQUAL(ioctl(master, FIONREAD, &value), 0);
  CHECK_EQUAL(value, 10);
  CHECK_EQUAL(tcflush(slave, TCIFLUSH), 0);
  CHECK_TEXT(got_at_once(slave), "(none)");
  close_pair();
}

static void test_lines(void) {
  open_pair();
  put(master, "ab\177c\n");
  CHECK_TEXT(got(slave), "ac\n");
  CHECK_TEXT(got(master), "ab\b \bc\r\n");
  put(master, "foo bar_1 \027Q\n");
  CHECK_TEXT(got(slave), "foo Q\n");
  CHECK_TEXT(got(master), "foo bar_1 \b \b\b \b\b \b\b \b\b \b\b \bQ\r\n");
  put(master, "a\tb\177\177\177Q\n");
  CHECK_TEXT(got(slave), "Q\n");
  CHECK_TEXT(got(master), "a\tb\b \b\b\b\b\b\b\b\b\b \bQ\r\n");
  put(master, "ab\026\003c\022d\025e\n");
  CHECK_TEXT(got(slave), "e\n");
  CHECK_TEXT(got(master), "ab^\b^Cc^R\r\nab^Ccd\b \b\b \b\b \b\b \b\b \b\b \be\r\n");

  // The end of the file, after text and alone.
  put(master, "abc\004");
  char text[8];
  CHECK_EQUAL(read(slave, text, 3), 3);
  CHECK_ERROR(read(slave, text, 3), EAGAIN);
  put(master, "\004");
  CHECK_EQUAL(read(slave, text, 3), 0);
  CHECK_ERROR(read(slave, text, 3), EAGAIN);
  CHECK_TEXT(got(master), "abc");

  // A read gives one line, or a part of one.
  put(master, "one\ntwo\n");
  CHECK_EQUAL(read(slave, text, 3), 3);
  CHECK_TEXT(got(slave), "\n");
  CHECK_TEXT(got(slave), "two\n");
  CHECK_TEXT(got(master), "one\r\ntwo\r\n");

  // A line that is too long is cut, and can be ended.
  char many[5000];
  memset(many, 'x', sizeof many);
  for (int done = 0; done < (int)sizeof many;) {
    ssize_t count = write(master, many + done, sizeof many - done > 100 ? 100 : sizeof many - done);
    REQUIRE(count > 0);
    done += count;
    got_at_once(master);
  }
  put(master, "\n");
  CHECK_EQUAL(strlen(got(slave)), 4096);
  got_at_once(master);

  // Between the modes.
  change(ICANON | ECHO, 0, 1, 0);
  put(master, "hello");
  usleep(20000);
  change(0, ICANON, 1, 0);
  CHECK_TEXT(got(slave), "hello");
  put(master, "wor");
  usleep(20000);
  change(ICANON, 0, 1, 0);
  CHECK_TEXT(got(slave), "wor");
  close_pair();
}

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

// VMIN and VTIME.
static void test_minimum_and_time(void) {
  open_pair();
  fcntl(slave, F_SETFL, 0);
  char text[16];
  change(ICANON | ECHO, 0, 0, 0);
  CHECK_EQUAL(read(slave, text, 8), 0);
  change(0, 0, 0, 2);
  long long start = now();
  CHECK_EQUAL(read(slave, text, 8), 0);
  CHECK(now() - start >= 190);
  put(master, "ab");
  CHECK_EQUAL(read(slave, text, 8), 2);
  change(0, 0, 3, 0);
  put(master, "ab");
  CHECK_EQUAL(events(slave) & POLLIN, 0);
  pid_t child = fork();
  if (child == 0) {
    usleep(100000);
    put(master, "c");
    _exit(finish());
  }
  CHECK_EQUAL(read(slave, text, 8), 3);
  int status;
  CHECK_EQUAL(waitpid(child, &status, 0), child);
  put(master, "abcdef");
  usleep(20000);
  CHECK_EQUAL(read(slave, text, 2), 2);
  CHECK_EQUAL(read(slave, text, 8), 4);
  change(0, 0, 5, 2);
  put(master, "ab");
  start = now();
  CHECK_EQUAL(read(slave, text, 8), 2);
  CHECK(now() - start >= 150);
  close_pair();
}

static void test_flow_control(void) {
  open_pair();
  put(slave, "abc");
  put(master, "\023");
  CHECK_TEXT(got(master), "abc");
  CHECK_EQUAL(events(slave) & POLLOUT, 0);
  put(master, "q");
  CHECK_TEXT(got_at_once(master), "(none)");
  put(master, "\021");
  CHECK_TEXT(got(master), "q");
  CHECK_EQUAL(events(slave) & POLLOUT, POLLOUT);
  CHECK_EQUAL(tcflow(slave, TCOOFF), 0);
  CHECK_ERROR(write(slave, "", 1), EAGAIN);
  CHECK_EQUAL(tcflow(slave, TCOON), 0);
  close_pair();
}

static void test_packets(void) {
  open_pair();
  int on = 1;
  char text[16];
  CHECK_EQUAL(ioctl(master, TIOCPKT, &on), 0);
  put(slave, "data");
  CHECK_EQUAL(read(master, text, sizeof text), 5);
  CHECK_EQUAL(text[0], TIOCPKT_DATA);
  CHECK_EQUAL(text[4], 'a');
  struct termios attributes;
  REQUIRE(tcgetattr(slave, &attributes) == 0);
  attributes.c_iflag &= ~IXON;
  REQUIRE(tcsetattr(slave, TCSANOW, &attributes) == 0);
  CHECK_EQUAL(events(master), POLLIN | POLLPRI | POLLOUT);
  CHECK_EQUAL(read(master, text, sizeof text), 1);
  CHECK_EQUAL(text[0], TIOCPKT_NOSTOP);
  attributes.c_iflag |= IXON;
  REQUIRE(tcsetattr(slave, TCSANOW, &attributes) == 0);
  CHECK_EQUAL(read(master, text, sizeof text), 1);
  CHECK_EQUAL(text[0], TIOCPKT_DOSTOP);
  CHECK_EQUAL(tcflush(slave, TCIOFLUSH), 0);
  CHECK_EQUAL(read(master, text, sizeof text), 1);
  CHECK_EQUAL(text[0], TIOCPKT_FLUSHREAD | TIOCPKT_FLUSHWRITE);
  put(master, "\023");
  CHECK_EQUAL(read(master, text, sizeof text), 1);
  CHECK_EQUAL(text[0], TIOCPKT_STOP);
  put(master, "\021");
  CHECK_EQUAL(read(master, text, sizeof text), 1);
  CHECK_EQUAL(text[0], TIOCPKT_START);

  // Who waits for such news is woken by it.
  for (int turn = 0; turn < 4; turn++) {
    pid_t child = fork();
    if (child == 0) {
      struct pollfd wait = {master, POLLPRI, 0};
      _exit(poll(&wait, 1, 5000) == 1 ? 0 : 1);
    }
    usleep(50000);
    static const unsigned char news[] = {TIOCPKT_FLUSHREAD, TIOCPKT_STOP, TIOCPKT_START, TIOCPKT_IOCTL};
    attributes.c_lflag |= EXTPROC;
    switch (turn) {
      case 0: CHECK_EQUAL(tcflush(slave, TCIFLUSH), 0); break;
      case 1: CHECK_EQUAL(tcflow(slave, TCOOFF), 0); break;
      case 2: CHECK_EQUAL(tcflow(slave, TCOON), 0); break;
      default: CHECK_EQUAL(tcsetattr(slave, TCSANOW, &attributes), 0);
    }
    int status = -1;
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK_EQUAL(status, 0);
    CHECK_EQUAL(read(master, text, sizeof text), 1);
    CHECK_EQUAL(text[0], news[turn]);
  }
  close_pair();
}

// What has been written is the master's: nothing waits for him to read it, and nothing takes it away.
static void test_output_stays(void) {
  open_pair();
  put(slave, "unread ");
  int value = -1;
  CHECK_EQUAL(ioctl(slave, TIOCOUTQ, &value), 0);
  CHECK_EQUAL(value, 0);
  CHECK_EQUAL(tcdrain(slave), 0);
  struct termios attributes;
  REQUIRE(tcgetattr(slave, &attributes) == 0);
  CHECK_EQUAL(tcsetattr(slave, TCSADRAIN, &attributes), 0);
  CHECK_EQUAL(tcflush(slave, TCOFLUSH), 0);
  put(master, "\003");
  CHECK_TEXT(got(master), "unread ^C");

  // A program may write a good deal and end before anybody reads.
  static char many[8000], seen[8000];
  memset(many, 'x', sizeof many);
  CHECK_EQUAL(write(slave, many, sizeof many), sizeof many);
  CHECK_EQUAL(events(slave) & POLLOUT, POLLOUT);
  size_t total = 0;
  while (total < sizeof many) {
    struct pollfd wait = {master, POLLIN, 0};
    if (poll(&wait, 1, 20000) != 1) break;
    ssize_t count = read(master, seen + total, sizeof seen - total);
    if (count <= 0) break;
    total += count;
  }
  CHECK_EQUAL(total, sizeof many);
  CHECK_EQUAL(memcmp(many, seen, sizeof many), 0);

  // Without lines a newline is a character like others; a return that became one is shown as one.
  change(ICANON, 0, 1, 0);
  put(master, "\n\r");
  CHECK_TEXT(got(master), "^J\r\n");
  CHECK_TEXT(got(slave), "\n\n");
  close_pair();
}

// A reader and a writer that wait for each other, with more than the buffers hold.
static void test_volume(void) {
  open_pair();
  fcntl(slave, F_SETFL, 0);
  fcntl(master, F_SETFL, 0);
  change(ICANON | ECHO | ISIG | IEXTEN, 0, 1, 0);
  struct termios attributes;
  REQUIRE(tcgetattr(slave, &attributes) == 0);
  attributes.c_oflag &= ~OPOST;
  attributes.c_iflag &= ~(IXON | ICRNL);
  REQUIRE(tcsetattr(slave, TCSANOW, &attributes) == 0);
  enum { TOTAL = 200000 };
  pid_t child = fork();
  if (child == 0) {
    // Sends back what it gets.
    char piece[700];
    long left = TOTAL;
    while (left > 0) {
      ssize_t count = read(slave, piece, sizeof piece);
      REQUIRE(count > 0);
      for (ssize_t done = 0; done < count;) {
        ssize_t more = write(slave, piece + done, count - done);
        REQUIRE(more > 0);
        done += more;
      }
      left -= count;
    }
    _exit(finish());
  }
  long sent = 0, received = 0, wrong = 0;
  fcntl(master, F_SETFL, O_NONBLOCK);
  while (received < TOTAL) {
    struct pollfd wait = {master, POLLIN | (sent < TOTAL ? POLLOUT : 0), 0};
    REQUIRE(poll(&wait, 1, 20000) == 1);
    char piece[1000];
    if (wait.revents & POLLIN) {
      ssize_t count = read(master, piece, sizeof piece);
      REQUIRE(count > 0);
      for (ssize_t index = 0; index < count; index++) wrong += piece[index] != (char)((received + index) % 251);
      received += count;
    }
    if (wait.revents & POLLOUT) {
      ssize_t length = TOTAL - sent < (long)sizeof piece ? TOTAL - sent : (long)sizeof piece;
      for (ssize_t index = 0; index < length; index++) piece[index] = (sent + index) % 251;
      ssize_t count = write(master, piece, length);
      if (count > 0) sent += count;
    }
  }
  CHECK_EQUAL(wrong, 0);
  int status;
  CHECK_EQUAL(waitpid(child, &status, 0), child);
  CHECK_EQUAL(status, 0);
  close_pair();
}

// What is locked stays as it is.
static void test_locks(void) {
  struct termios locks, before, after;
  open_pair();
  CHECK_EQUAL(ioctl(slave, TIOCGLCKTRMIOS, &locks), 0);
  CHECK_EQUAL(locks.c_iflag | locks.c_oflag | locks.c_cflag | locks.c_lflag | locks.c_line | locks.c_cc[0], 0);
  CHECK_EQUAL(tcgetattr(slave, &before), 0);
  locks.c_lflag = ECHO;
  locks.c_cc[VINTR] = 1;
  if (ioctl(slave, TIOCSLCKTRMIOS, &locks) == 0) {
    after = before;
    after.c_lflag ^= ECHO | ICANON;
    after.c_cc[VINTR] = 7;
    after.c_cc[VQUIT] = 8;
    CHECK_EQUAL(tcsetattr(slave, TCSANOW, &after), 0);
    CHECK_EQUAL(tcgetattr(slave, &after), 0);
    CHECK_EQUAL(after.c_lflag, before.c_lflag ^ ICANON);
    CHECK_EQUAL(after.c_cc[VINTR], before.c_cc[VINTR]);
    CHECK_EQUAL(after.c_cc[VQUIT], 8);
    CHECK_EQUAL(after.c_cflag, before.c_cflag);
  }
  close_pair();
}

int main(void) {
  signal(SIGHUP, SIG_IGN);
  test_ends();
  test_requests();
  test_lines();
  test_minimum_and_time();
  test_flow_control();
  test_packets();
  test_output_stays();
  test_volume();
  test_locks();
  return finish();
}
