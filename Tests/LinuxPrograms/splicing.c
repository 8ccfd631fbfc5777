// Built with musl too.
// sendfile(2), splice(2), tee(2), vmsplice(2), memfd_create(2), F_SETPIPE_SZ, FIFOs.
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>

static char bytes[300000], other[300000];

static void sending_files(void) {
  int source = memfd_create("source", MFD_CLOEXEC), target = memfd_create("target", 0), ends[2];
  REQUIRE(source >= 0 && target >= 0 && pipe(ends) == 0);
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)(i * 7 >> 5);
  CHECK_EQUAL(write(source, bytes, sizeof bytes), sizeof bytes);
  CHECK_EQUAL(sendfile(target, source, NULL, 1000), 0);
  CHECK_EQUAL(lseek(source, 100, SEEK_SET), 100);
  CHECK_EQUAL(sendfile(target, source, NULL, 150000), 150000);
  CHECK_EQUAL(lseek(source, 0, SEEK_CUR), 150100);
  off_t offset = 10;
  CHECK_EQUAL(sendfile(target, source, &offset, 5), 5);
  CHECK_EQUAL(offset, 15);
  CHECK_EQUAL(lseek(source, 0, SEEK_CUR), 150100);
  CHECK_EQUAL(pread(target, other, 150000, 0), 150000);
  CHECK(memcmp(other, bytes + 100, 150000) == 0);
  CHECK_EQUAL(pread(target, other, 100, 150000), 5);
  CHECK(memcmp(other, bytes + 10, 5) == 0);
  CHECK_ERROR(sendfile(target, ends[0], NULL, 10), EINVAL);
  CHECK_ERROR(sendfile(999, source, NULL, 10), EBADF);
  CHECK_ERROR(sendfile(target, ends[1], NULL, 10), EBADF);
  // No more than the pipe has room for; where nobody reads that comes first, however little there is to send.
  CHECK_EQUAL(fcntl(ends[1], F_SETPIPE_SZ, 4096), 4096);
  offset = 0;
  CHECK_EQUAL(sendfile(ends[1], source, &offset, 100000), 4096);
  CHECK_EQUAL(offset, 4096);
  CHECK_EQUAL(read(ends[0], other, sizeof other), 4096);
  CHECK(memcmp(other, bytes, 4096) == 0);
  CHECK_EQUAL(lseek(source, 0, SEEK_CUR), 150100);
  int sockets[2], broken[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0 && pipe(broken) == 0);
  close(broken[0]);
  // The signal says who has earned it: the process itself.
  sigset_t set;
  siginfo_t information;
  struct timespec none = {0, 0};
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  sigprocmask(SIG_BLOCK, &set, NULL);
  CHECK_ERROR(write(broken[1], "x", 1), EPIPE);
  CHECK_EQUAL(sigtimedwait(&set, &information, &none), SIGPIPE);
  CHECK(information.si_code == SI_USER && information.si_pid == getpid() && information.si_uid == getuid());
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  signal(SIGPIPE, SIG_IGN);
  CHECK_EQUAL(write(sockets[0], "of a socket", 11), 11);
  CHECK_ERROR(sendfile(broken[1], sockets[1], NULL, 100), EPIPE);
  CHECK_ERROR(sendfile(broken[1], source, NULL, 0), EPIPE);
  offset = sizeof bytes;
  CHECK_ERROR(sendfile(broken[1], source, &offset, 10), EPIPE);
  CHECK_EQUAL(sendfile(ends[1], sockets[1], NULL, 100), 11);
  CHECK_EQUAL(read(ends[0], other, sizeof other), 11);
  CHECK(memcmp(other, "of a socket", 11) == 0);
  CHECK_ERROR(sendfile(sockets[0], sockets[1], NULL, 100), EINVAL);
  signal(SIGPIPE, SIG_DFL);
  close(broken[1]);
  close(sockets[0]);
  close(sockets[1]);
  // Into a pipe that somebody empties.
  pid_t child = fork();
  if (child == 0) {
    close(ends[1]);
    long total = 0, got;
    while ((got = read(ends[0], other + total, sizeof other - total)) > 0) total += got;
    _exit(total == 299000 && memcmp(other, bytes + 1000, total) == 0 ? 0 : 1);
  }
  close(ends[0]);
  offset = 1000;
  long total = 0, got;
  while ((got = sendfile(ends[1], source, &offset, 1000000)) > 0) total += got;
  CHECK_EQUAL(total, 299000);
  close(ends[1]);
  int status = 1;
  waitpid(child, &status, 0);
  CHECK_EQUAL(status, 0);
  close(source);
  close(target);
}

// Files of events are no streams, however ready they are, and however empty the pipe.
static void events_are_not_spliced(void) {
  int ends[2], files[] = {eventfd(3, EFD_NONBLOCK), epoll_create1(0), timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)};
  REQUIRE(pipe2(ends, O_NONBLOCK) == 0);
  int numbers = memfd_create("numbers", 0);
  CHECK_EQUAL(pwrite(numbers, (long[]){1, 2}, 16, 0), 16);
  for (int index = 0; index < 3; index++) {
    CHECK_ERROR(splice(files[index], NULL, ends[1], NULL, 8, 0), EINVAL);
    CHECK_ERROR(sendfile(ends[1], files[index], NULL, 8), EINVAL);
    CHECK_ERROR(splice(ends[0], NULL, files[index], NULL, 8, 0), EINVAL);
    CHECK_EQUAL(lseek(numbers, 0, SEEK_SET), 0);
    CHECK_ERROR(sendfile(files[index], numbers, NULL, 8), EINVAL);
    CHECK_EQUAL(lseek(numbers, 0, SEEK_END), 16);
    CHECK_EQUAL(sendfile(files[index], numbers, NULL, 8), 0);
    close(files[index]);
  }
  close(numbers);
  int directory = open("/", O_RDONLY);
  CHECK_ERROR(sendfile(ends[1], directory, NULL, 8), EINVAL);
  close(directory);
  CHECK_ERROR(read(ends[0], other, 1), EAGAIN);
  // Nobody has written yet, so that there is an end, if not one that poll(2) tells of.
  CHECK_EQUAL(mkfifo("/tmp/splicing-fifo", 0600), 0);
  int fifo = open("/tmp/splicing-fifo", O_RDONLY | O_NONBLOCK);
  struct iovec part = {other, 10};
  CHECK_EQUAL(vmsplice(fifo, &part, 1, SPLICE_F_NONBLOCK), 0);
  close(fifo);
  unlink("/tmp/splicing-fifo");
  close(ends[0]);
  close(ends[1]);
}

static void splicing(void) {
  int first[2], second[2], file = memfd_create("file", 0);
  REQUIRE(pipe(first) == 0 && pipe(second) == 0);
  CHECK_EQUAL(write(first[1], "hello world", 11), 11);
  CHECK_EQUAL(tee(first[0], second[1], 100, 0), 11);
  CHECK_EQUAL(read(second[0], other, 100), 11);
  CHECK_EQUAL(splice(first[0], NULL, second[1], NULL, 5, 0), 5);
  CHECK_EQUAL(read(second[0], other, 100), 5);
  CHECK(memcmp(other, "hello", 5) == 0);
  CHECK_EQUAL(splice(first[0], NULL, file, NULL, 100, 0), 6);
  CHECK_EQUAL(lseek(file, 0, SEEK_CUR), 6);
  CHECK_EQUAL(pread(file, other, 100, 0), 6);
  CHECK(memcmp(other, " world", 6) == 0);
  loff_t offset = 1;
  CHECK_EQUAL(splice(file, &offset, first[1], NULL, 3, 0), 3);
  CHECK_EQUAL(offset, 4);
  CHECK_EQUAL(read(first[0], other, 100), 3);
  CHECK(memcmp(other, "wor", 3) == 0);
  CHECK_ERROR(splice(first[0], NULL, second[1], NULL, 10, SPLICE_F_NONBLOCK), EAGAIN);
  CHECK_ERROR(splice(first[0], &offset, file, NULL, 10, 0), ESPIPE);
  CHECK_ERROR(splice(file, NULL, file, NULL, 10, 0), EINVAL);
  CHECK_ERROR(splice(first[0], NULL, first[1], NULL, 10, 0), EINVAL);
  CHECK_ERROR(tee(first[0], first[1], 10, 0), EINVAL);
  // That nobody reads the target is found before the end of the source.
  int ended[2], unread[2];
  REQUIRE(pipe(ended) == 0 && pipe(unread) == 0);
  close(ended[1]);
  CHECK_EQUAL(tee(ended[0], unread[1], 10, 0), 0);
  close(unread[0]);
  void (*before)(int) = signal(SIGPIPE, SIG_IGN);
  CHECK_ERROR(tee(ended[0], unread[1], 10, 0), EPIPE);
  signal(SIGPIPE, before);
  close(ended[0]), close(unread[1]);
  CHECK_ERROR(tee(first[0], file, 10, 0), EINVAL);
  CHECK_ERROR(sendfile(second[1], first[0], NULL, 10), EINVAL);
  CHECK_ERROR(splice(first[0], NULL, second[1], NULL, 10, 0x100), EINVAL);
  CHECK_EQUAL(splice(first[0], NULL, second[1], NULL, 0, 0), 0);
  // Positions end at 2^63 - 1, also of what has none but takes them.
  int null = open("/dev/null", O_WRONLY), zero = open("/dev/zero", O_RDONLY);
  loff_t last = INT64_MAX;
  CHECK_EQUAL(write(first[1], "x", 1), 1);
  CHECK_ERROR(splice(first[0], NULL, null, &last, 1, 0), EINVAL);
  CHECK_ERROR(splice(zero, &last, first[1], NULL, 1, 0), EINVAL);
  CHECK_ERROR(sendfile(first[1], zero, &last, 1), EINVAL);
  CHECK_ERROR(splice(first[0], NULL, file, NULL, SIZE_MAX, 0), EINVAL);
  CHECK_ERROR(sendfile(null, file, NULL, SIZE_MAX), EINVAL);
  CHECK_EQUAL(splice(first[0], NULL, second[1], NULL, SIZE_MAX, 0), 1);
  CHECK_EQUAL(read(second[0], other, 100), 1);
  int comm = open("/proc/self/comm", O_RDWR);
  loff_t begin = 0;
  if (comm >= 0) CHECK_ERROR(copy_file_range(file, &begin, comm, &last, 1, 0), EXDEV);
  close(null);
  close(zero);
  close(comm);
  struct iovec pieces[2] = {{"ab", 2}, {"cde", 3}};
  CHECK_EQUAL(vmsplice(first[1], pieces, 2, 0), 5);
  CHECK_EQUAL(read(first[0], other, 100), 5);
  CHECK(memcmp(other, "abcde", 5) == 0);
  CHECK_ERROR(vmsplice(file, pieces, 2, 0), EBADF);
  int pair[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  write(first[1], "to a socket", 11);
  CHECK_EQUAL(splice(first[0], NULL, pair[0], NULL, 100, 0), 11);
  CHECK_EQUAL(splice(pair[1], NULL, first[1], NULL, 100, 0), 11);
  CHECK_EQUAL(read(first[0], other, 100), 11);
  close(first[1]);
  CHECK_EQUAL(splice(first[0], NULL, file, NULL, 100, 0), 0);
  close(first[0]);
  close(second[0]);
  close(second[1]);
  close(pair[0]);
  close(pair[1]);
  close(file);
}

static void pipe_sizes(void) {
  int ends[2];
  REQUIRE(pipe2(ends, O_NONBLOCK) == 0);
  CHECK_EQUAL(fcntl(ends[0], F_GETPIPE_SZ), 65536);
  CHECK_EQUAL(fcntl(ends[1], F_SETPIPE_SZ, 5000), 8192);
  CHECK_EQUAL(fcntl(ends[0], F_GETPIPE_SZ), 8192);
  CHECK_EQUAL(write(ends[1], bytes, 8192), 8192);
  CHECK_ERROR(write(ends[1], bytes, 1), EAGAIN);
  CHECK_ERROR(fcntl(ends[1], F_SETPIPE_SZ, 4096), EBUSY);
  CHECK_EQUAL(fcntl(ends[1], F_SETPIPE_SZ, 1 << 20), 1 << 20);
  CHECK_EQUAL(write(ends[1], bytes + 8192, 200000), 200000);
  CHECK_EQUAL(read(ends[0], other, sizeof other), 208192);
  CHECK(memcmp(bytes, other, 208192) == 0);
  CHECK_EQUAL(fcntl(ends[1], F_SETPIPE_SZ, 0), 4096);
  close(ends[0]);
  close(ends[1]);
}

static void sealing(void) {
  int plain = memfd_create("plain", 0), file = memfd_create("sealed", MFD_ALLOW_SEALING);
  CHECK_EQUAL(fcntl(plain, F_GET_SEALS), F_SEAL_SEAL);
  CHECK_ERROR(fcntl(plain, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
  CHECK_EQUAL(fcntl(file, F_GET_SEALS), 0);
  CHECK_EQUAL(ftruncate(file, 8192), 0);
  CHECK_EQUAL(fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK), 0);
  CHECK_ERROR(ftruncate(file, 4096), EPERM);
  CHECK_EQUAL(ftruncate(file, 12288), 0);
  CHECK_EQUAL(fcntl(file, F_ADD_SEALS, F_SEAL_GROW), 0);
  CHECK_ERROR(ftruncate(file, 20000), EPERM);
  CHECK_EQUAL(pwrite(file, "x", 1, 0), 1);
  CHECK_ERROR(pwrite(file, "x", 1, 12288), EPERM);
  char *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  REQUIRE(shared != MAP_FAILED);
  CHECK_EQUAL(shared[0], 'x');
  CHECK_ERROR(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
  munmap(shared, 4096);
  CHECK_EQUAL(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL), 0);
  CHECK_ERROR(pwrite(file, "x", 1, 0), EPERM);
  CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) == MAP_FAILED && errno == EPERM);
  CHECK_ERROR(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
  CHECK_EQUAL(fcntl(file, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
  CHECK_ERROR(syscall(SYS_memfd_create, "x", 0x100), EINVAL);
  memset(other, 'n', 300);
  other[300] = 0;
  CHECK_ERROR(syscall(SYS_memfd_create, other, 0), EINVAL);
  close(plain);
  close(file);
}

static const char *fifo = "/tmp/splicing-fifo";

static void *open_for_writing(void *argument) {
  int end = open(fifo, O_WRONLY);
  if (end >= 0) write(end, "through", 7);
  close(end);
  return NULL;
}

static void fifos(void) {
  mkdir("/tmp", 0777);
  unlink(fifo);
  REQUIRE(mkfifo(fifo, 0600) == 0);
  CHECK_ERROR(open(fifo, O_WRONLY | O_NONBLOCK), ENXIO);
  int reader = open(fifo, O_RDONLY | O_NONBLOCK);
  REQUIRE(reader >= 0);
  CHECK_EQUAL(read(reader, other, 10), 0);
  struct pollfd fd = {reader, POLLIN, 0};
  CHECK_EQUAL(poll(&fd, 1, 0), 0);
  int writer = open(fifo, O_WRONLY | O_NONBLOCK);
  REQUIRE(writer >= 0);
  CHECK_ERROR(read(reader, other, 10), EAGAIN);
  CHECK_EQUAL(write(writer, "x", 1), 1);
  CHECK_EQUAL(read(reader, other, 10), 1);
  close(writer);
  CHECK_EQUAL(poll(&fd, 1, 0), 1);
  CHECK_EQUAL(fd.revents, POLLHUP);
  close(reader);
  for (int turn = 0; turn < 20; turn++) {
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, open_for_writing, NULL) == 0);
    reader = open(fifo, O_RDONLY);
    REQUIRE(reader >= 0);
    CHECK_EQUAL(read(reader, other, 100), 7);
    CHECK_EQUAL(read(reader, other, 100), 0);
    close(reader);
    pthread_join(thread, NULL);
  }
  int both = open(fifo, O_RDWR);
  REQUIRE(both >= 0);
  CHECK_EQUAL(write(both, "self", 4), 4);
  CHECK_EQUAL(read(both, other, 100), 4);
  struct stat status;
  CHECK_EQUAL(fstat(both, &status), 0);
  CHECK(S_ISFIFO(status.st_mode));
  close(both);
  unlink(fifo);
}

// A packet that a splice takes a part of keeps the rest, wherever in the pipe's memory it lies.
static void splicing_packets(void) {
  int from[2], to[2];
  REQUIRE(pipe2(from, O_DIRECT) == 0);
  REQUIRE(pipe(to) == 0);
  char packet[3000], seen[3000];
  for (int turn = 0; turn < 20; turn++) {
    for (size_t i = 0; i < sizeof packet; i++) packet[i] = turn + i / 7;
    CHECK_EQUAL(write(from[1], packet, sizeof packet), sizeof packet);
    size_t total = 0;
    while (total < sizeof packet) {
      ssize_t count = splice(from[0], NULL, to[1], NULL, turn % 2 ? 1000 : sizeof packet, SPLICE_F_NONBLOCK);
      if (count <= 0) break;
      REQUIRE(read(to[0], seen + total, sizeof seen - total) == count);
      total += count;
    }
    CHECK_EQUAL(total, sizeof packet);
    CHECK_EQUAL(memcmp(packet, seen, sizeof packet), 0);
  }
  // Into memory as well.
  for (int turn = 0; turn < 2; turn++) {
    struct iovec whole = {seen, sizeof seen}, begin = {seen, 8};
    CHECK_EQUAL(write(from[1], packet, 1000) + write(from[1], packet + 1000, 1000), 2000);
    if (turn == 1) {
      CHECK_EQUAL(vmsplice(from[0], &begin, 1, SPLICE_F_NONBLOCK), 8);
      whole = (struct iovec){seen + 8, sizeof seen - 8};
    }
    CHECK_EQUAL(vmsplice(from[0], &whole, 1, SPLICE_F_NONBLOCK), turn == 1 ? 1992 : 2000);
    CHECK_EQUAL(memcmp(packet, seen, 2000), 0);
    memset(seen, 0, sizeof seen);
  }
  // And what comes so is no packet.
  struct iovec two[2] = {{packet, 1000}, {packet + 1000, 1000}};
  CHECK_EQUAL(vmsplice(from[1], two, 2, 0), 2000);
  CHECK_EQUAL(read(from[0], seen, sizeof seen), 2000);
  struct iovec nothing = {seen, 0};
  CHECK_EQUAL(vmsplice(from[0], &nothing, 1, 0), 0);
  // Not to wait is said to the call: the socket itself would.
  int pair[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  CHECK_ERROR(splice(pair[0], NULL, to[1], NULL, 10, SPLICE_F_NONBLOCK), EAGAIN);
  close(from[1]);
  struct iovec part = {seen, sizeof seen};
  CHECK_EQUAL(vmsplice(from[0], &part, 1, SPLICE_F_NONBLOCK), 0);
  // What nobody would read is left where it is.
  signal(SIGPIPE, SIG_IGN);
  close(to[0]);
  CHECK_EQUAL(write(pair[1], "kept", 4), 4);
  CHECK_ERROR(splice(pair[0], NULL, to[1], NULL, 10, 0), EPIPE);
  CHECK_EQUAL(read(pair[0], seen, 10), 4);
  CHECK_ERROR(splice(from[0], NULL, to[1], NULL, 10, 0), EPIPE);
  for (int i = 0; i < 2; i++) close(pair[i]);
  close(from[0]);
  close(to[1]);
}

int main(void) {
  sending_files();
  events_are_not_spliced();
  splicing();
  splicing_packets();
  pipe_sizes();
  sealing();
  fifos();
  return finish();
}
