// Built with musl too.
// pipe(2), pipe(7): ends, blocking, atomic writes, packets, sizes.
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

static char big[300000], other[300000];
static void *volatile nowhere = (void *)16;

static int exit_of(pid_t child) {
  int status = -1;
  if (waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void ends_and_flags(void) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  CHECK(ends[0] != ends[1]);
  CHECK_EQUAL(write(ends[1], "hello", 5), 5);
  CHECK_EQUAL(read(ends[0], other, 2), 2);
  CHECK_EQUAL(read(ends[0], other + 2, 100), 3);
  CHECK(memcmp(other, "hello", 5) == 0);
  CHECK_ERROR(write(ends[0], "x", 1), EBADF);
  CHECK_ERROR(read(ends[1], other, 1), EBADF);
  CHECK_EQUAL(write(ends[1], "", 0), 0);
  CHECK_EQUAL(read(ends[0], other, 0), 0);
  CHECK_EQUAL(close(ends[1]), 0);
  CHECK_EQUAL(read(ends[0], other, 1), 0);
  CHECK_EQUAL(read(ends[0], other, 1), 0);
  close(ends[0]);
  CHECK_ERROR(pipe((int *)nowhere), EFAULT);
  CHECK_ERROR(pipe2(ends, 0x40000000), EINVAL);
  CHECK_ERROR(pipe2(ends, O_APPEND), EINVAL);
  int again[2];
  REQUIRE(pipe2(again, O_NONBLOCK | O_CLOEXEC) == 0);
  // The failed calls have left no descriptor behind.
  CHECK(again[0] <= ends[1] && again[1] <= ends[1] + 1);
  CHECK_ERROR(read(again[0], other, 1), EAGAIN);
  close(again[1]);
  CHECK_EQUAL(read(again[0], other, 1), 0);
  close(again[0]);
}

static void non_blocking_capacity(void) {
  int ends[2];
  REQUIRE(pipe2(ends, O_NONBLOCK) == 0);
  long total = 0;
  while (write(ends[1], big, 4096) == 4096) total += 4096;
  CHECK(errno == EAGAIN);
  CHECK_EQUAL(total, 65536);
  CHECK_ERROR(write(ends[1], big, 1), EAGAIN);
  CHECK_EQUAL(read(ends[0], other, 4096), 4096);
  while (write(ends[1], big, 4096) > 0) {}
  CHECK_EQUAL(read(ends[0], other, 4096), 4096);
  CHECK_EQUAL(write(ends[1], big, 100000), 4096);
  total = 0;
  long got;
  while ((got = read(ends[0], other, sizeof other)) > 0) total += got;
  CHECK_EQUAL(total, 65536);
  CHECK_EQUAL(write(ends[1], big, 100000), 65536);
  close(ends[0]);
  close(ends[1]);
}

static void bad_memory(void) {
  int ends[2];
  REQUIRE(pipe2(ends, O_NONBLOCK) == 0);
  CHECK_ERROR(write(ends[1], nowhere, 5), EFAULT);
  CHECK_ERROR(read(ends[0], other, 5), EAGAIN);
  CHECK_EQUAL(write(ends[1], "abc", 3), 3);
  CHECK_ERROR(read(ends[0], nowhere, 5), EFAULT);
  CHECK_EQUAL(read(ends[0], other, 5), 3);
  // A write of up to PIPE_BUF bytes that runs into memory that is not there puts nothing in.
  char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(pages != MAP_FAILED);
  munmap(pages + 4096, 4096);
  CHECK_ERROR(write(ends[1], pages + 4000, 200), EFAULT);
  CHECK_ERROR(read(ends[0], other, 5), EAGAIN);
  munmap(pages, 4096);
  close(ends[0]);
  close(ends[1]);
}

static void broken_pipe_signals(void) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  // Before the fork: the child must not write while somebody could still read.
  close(ends[0]);
  pid_t child = fork();
  if (child == 0) {
    write(ends[1], "x", 1);
    _exit(3);
  }
  CHECK_EQUAL(exit_of(child), 1000 + SIGPIPE);
  close(ends[1]);
}

static void ping_pong(void) {
  int there[2], back[2];
  REQUIRE(pipe(there) == 0 && pipe(back) == 0);
  pid_t child = fork();
  if (child == 0) {
    close(there[1]);
    close(back[0]);
    char byte;
    while (read(there[0], &byte, 1) == 1) {
      byte++;
      if (write(back[1], &byte, 1) != 1) _exit(1);
    }
    _exit(0);
  }
  close(there[0]);
  close(back[1]);
  int wrong = 0;
  for (int turn = 0; turn < 3000; turn++) {
    char byte = turn, answer = 0;
    if (write(there[1], &byte, 1) != 1 || read(back[0], &answer, 1) != 1 || answer != (char)(turn + 1)) wrong++;
  }
  CHECK_EQUAL(wrong, 0);
  close(there[1]);
  CHECK_EQUAL(exit_of(child), 0);
  CHECK_EQUAL(read(back[0], other, 1), 0);
  close(back[0]);
}

// A long stream in odd portions through blocking ends: every byte comes, in order.
static void stream(int writers_portion, int readers_portion) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const long length = 3000000;
  pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    for (long done = 0; done < length;) {
      long portion = length - done < writers_portion ? length - done : writers_portion;
      for (long i = 0; i < portion; i++) big[i] = (char)((done + i) * 7 >> 3);
      if (write(ends[1], big, portion) != portion) _exit(1);
      done += portion;
    }
    _exit(0);
  }
  close(ends[1]);
  long done = 0, wrong = 0, got;
  while ((got = read(ends[0], other, readers_portion)) > 0) {
    for (long i = 0; i < got; i++) wrong += other[i] != (char)((done + i) * 7 >> 3);
    done += got;
  }
  CHECK_EQUAL(got, 0);
  CHECK_EQUAL(done, length);
  CHECK_EQUAL(wrong, 0);
  CHECK_EQUAL(exit_of(child), 0);
  close(ends[0]);
}

// Several writers of records and several readers: records of up to PIPE_BUF are not mixed.
static void atomic_records(void) {
  enum { writers = 4, records = 400, size = 3000 };
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  pid_t children[writers];
  for (int writer = 0; writer < writers; writer++) {
    children[writer] = fork();
    if (children[writer] == 0) {
      close(ends[0]);
      memset(big, 'a' + writer, size);
      for (int i = 0; i < records; i++) if (write(ends[1], big, size) != size) _exit(1);
      _exit(0);
    }
  }
  close(ends[1]);
  long counts[writers] = {0}, wrong = 0;
  for (;;) {
    long have = 0, got = 1;
    while (have < size && (got = read(ends[0], other + have, size - have)) > 0) have += got;
    if (have == 0) break;
    if (have != size) { wrong++; break; }
    for (int i = 1; i < size; i++) wrong += other[i] != other[0];
    if (other[0] >= 'a' && other[0] < 'a' + writers) counts[other[0] - 'a']++;
  }
  CHECK_EQUAL(wrong, 0);
  for (int writer = 0; writer < writers; writer++) {
    CHECK_EQUAL(counts[writer], records);
    CHECK_EQUAL(exit_of(children[writer]), 0);
  }
  close(ends[0]);
}

// Readers share what a writer puts in: nothing is lost and nothing comes twice, and all see the end.
static void many_readers(void) {
  enum { readers = 4, count = 20000 };
  int ends[2];
  long *sums = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(sums != MAP_FAILED && pipe(ends) == 0);
  pid_t children[readers];
  for (int reader = 0; reader < readers; reader++) {
    children[reader] = fork();
    if (children[reader] == 0) {
      close(ends[1]);
      int value;
      while (read(ends[0], &value, sizeof value) == sizeof value) sums[reader] += value;
      _exit(0);
    }
  }
  close(ends[0]);
  long sum = 0;
  for (int value = 1; value <= count; value++) {
    sum += value;
    if (write(ends[1], &value, sizeof value) != sizeof value) break;
  }
  close(ends[1]);
  long found = 0;
  for (int reader = 0; reader < readers; reader++) {
    CHECK_EQUAL(exit_of(children[reader]), 0);
    found += sums[reader];
  }
  CHECK_EQUAL(found, sum);
  munmap(sums, 4096);
}

static void packets(void) {
  int ends[2];
  REQUIRE(pipe2(ends, O_DIRECT | O_NONBLOCK) == 0);
  CHECK_EQUAL(write(ends[1], "abc", 3), 3);
  CHECK_EQUAL(write(ends[1], "defgh", 5), 5);
  CHECK_EQUAL(read(ends[0], other, 100), 3);
  CHECK_EQUAL(read(ends[0], other, 2), 2);
  CHECK_ERROR(read(ends[0], other, 2), EAGAIN);
  CHECK_EQUAL(write(ends[1], big, 5000), 5000);
  CHECK_EQUAL(read(ends[0], other, 10000), 4096);
  CHECK_EQUAL(read(ends[0], other, 10000), 904);
  int count = 0;
  while (write(ends[1], "x", 1) == 1) count++;
  CHECK_EQUAL(count, 16);
  close(ends[0]);
  close(ends[1]);
}

int main(void) {
  ends_and_flags();
  non_blocking_capacity();
  bad_memory();
  broken_pipe_signals();
  ping_pong();
  stream(4096, 65536);
  stream(10007, 333);
  stream(300000, 300000);
  stream(77, 5000);
  atomic_records();
  many_readers();
  packets();
  return finish();
}
