// FIFOs (fifo(7)): who waits for whom in open(2), and that nobody waits for somebody who has been there.
// Built with musl too.
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

static const char *const name = "/tmp/fifo-test";

static void opens_without_waiting(void) {
  CHECK_ERROR(open(name, O_WRONLY | O_NONBLOCK), ENXIO);
  int reader = open(name, O_RDONLY | O_NONBLOCK);
  REQUIRE(reader >= 0);
  struct pollfd events = {reader, POLLIN, 0};
  CHECK_EQUAL(poll(&events, 1, 0), 0);
  char byte;
  CHECK_EQUAL(read(reader, &byte, 1), 0);
  int writer = open(name, O_WRONLY | O_NONBLOCK);
  REQUIRE(writer >= 0);
  CHECK_ERROR(read(reader, &byte, 1), EAGAIN);
  CHECK_EQUAL(write(writer, "x", 1), 1);
  CHECK_EQUAL(poll(&events, 1, 0), 1);
  CHECK_EQUAL(events.revents, POLLIN);
  CHECK_EQUAL(read(reader, &byte, 1), 1);
  close(writer);
  CHECK_EQUAL(poll(&events, 1, 0), 1);
  CHECK_EQUAL(events.revents, POLLHUP);
  close(reader);
  int both = open(name, O_RDWR);
  REQUIRE(both >= 0);
  CHECK_EQUAL(write(both, "y", 1), 1);
  CHECK_EQUAL(read(both, &byte, 1), 1);
  close(both);
}

// A writer that waited for the reader may write, close and be gone before the reader has looked for it.
static void a_writer_that_is_gone_is_not_waited_for(void) {
  enum { rounds = 20000, spinners = 3, seconds = 10 };
  int acknowledge[2];
  REQUIRE(pipe(acknowledge) == 0);
  // They keep the CPUs busy, so that the two below are preempted in the middle.
  pid_t busy[spinners];
  for (int index = 0; index < spinners; index++) {
    busy[index] = fork();
    if (busy[index] == 0) for (;;) {}
  }
  pid_t writer = fork();
  if (writer == 0) {
    char byte = 0;
    while (byte != 'e') {
      int file = open(name, O_WRONLY);
      if (file < 0 || write(file, "x", 1) != 1) _exit(1);
      close(file);
      if (read(acknowledge[0], &byte, 1) != 1) _exit(2);
    }
    _exit(0);
  }
  // Fewer rounds where the machine is slow; each has its time.
  time_t end = time(0) + seconds;
  for (int round = 0, is_last = 0; !is_last; round++) {
    is_last = round == rounds - 1 || time(0) >= end;
    char bytes[2];
    alarm(50);
    int file = open(name, O_RDONLY);
    REQUIRE(file >= 0);
    CHECK_EQUAL(read(file, bytes, 2), 1);
    CHECK_EQUAL(read(file, bytes, 2), 0);
    close(file);
    REQUIRE(write(acknowledge[1], is_last ? "e" : "x", 1) == 1);
  }
  alarm(0);
  int status = -1;
  CHECK_EQUAL(waitpid(writer, &status, 0), writer);
  CHECK_EQUAL(status, 0);
  for (int index = 0; index < spinners; index++) {
    kill(busy[index], SIGKILL);
    waitpid(busy[index], NULL, 0);
  }
}

int main(void) {
  unlink(name);
  REQUIRE(mkfifo(name, 0600) == 0);
  opens_without_waiting();
  a_writer_that_is_gone_is_not_waited_for();
  unlink(name);
  return finish();
}
