// POSIX message queues (mq_overview(7)): names, sizes and limits, order by priority, waiting with and without timeouts
// and signals, notification, poll and epoll, their file system, and senders and receivers on several CPUs.
// Built with musl too.
#include "check.h"

#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>

static struct mq_attr size(long count, long length) {
  struct mq_attr attributes = {.mq_maxmsg = count, .mq_msgsize = length};
  return attributes;
}

static long raw_open(const char *name, int flags, int mode, void *attributes) {
  return syscall(SYS_mq_open, name, flags, mode, attributes);
}

static mqd_t make(const char *name, int flags, long count, long length) {
  struct mq_attr attributes = size(count, length);
  mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR | flags, 0600, &attributes);
  if (queue < 0) say("no queue %s", name);
  REQUIRE(queue >= 0);
  return queue;
}

static struct timespec in(long milliseconds) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  time.tv_nsec += milliseconds * 1000000;
  time.tv_sec += time.tv_nsec / 1000000000;
  time.tv_nsec %= 1000000000;
  if (time.tv_nsec < 0) time.tv_nsec += 1000000000, time.tv_sec--;
  return time;
}

static void test_names(void) {
  char name[300];
  memset(name, 'q', sizeof name);
  name[256] = 0;
  CHECK_ERROR(raw_open(name, O_CREAT | O_RDWR, 0600, 0), ENAMETOOLONG);
  name[255] = 0;
  int queue = raw_open(name, O_CREAT | O_RDWR, 0600, 0);
  CHECK(queue >= 0);
  CHECK_EQUAL(fcntl(queue, F_GETFD), FD_CLOEXEC);
  close(queue);
  CHECK_EQUAL(syscall(SYS_mq_unlink, name), 0);
  CHECK_ERROR(syscall(SYS_mq_unlink, name), ENOENT);
  CHECK_ERROR(raw_open("", O_CREAT | O_RDWR, 0600, 0), ENOENT);
  CHECK_ERROR(raw_open(".", O_CREAT | O_RDWR, 0600, 0), EACCES);
  CHECK_ERROR(raw_open("..", O_CREAT | O_RDWR, 0600, 0), EACCES);
  CHECK_ERROR(raw_open("/a", O_CREAT | O_RDWR, 0600, 0), EACCES);
  CHECK_ERROR(raw_open("a/b", O_RDWR, 0600, 0), EACCES);
  CHECK_ERROR(raw_open(0, O_CREAT | O_RDWR, 0600, 0), EFAULT);
  CHECK_ERROR(raw_open("missing", O_RDWR, 0, 0), ENOENT);
  CHECK_ERROR(raw_open("missing", O_RDWR, 0, (void *)1), EFAULT);
  CHECK_ERROR(syscall(SYS_mq_unlink, "."), EACCES);
  CHECK_ERROR(syscall(SYS_mq_unlink, ""), ENOENT);
  CHECK_ERROR(syscall(SYS_mq_unlink, 1), EFAULT);
  mqd_t made = make("/posix-queues", 0, 2, 16);
  CHECK_ERROR(mq_open("/posix-queues", O_CREAT | O_EXCL | O_RDWR, 0600, 0), EEXIST);
  CHECK_ERROR(raw_open("posix-queues", 3, 0, 0), EINVAL);
  // What is asked of a queue that there is, is not looked at.
  struct mq_attr odd = size(-1, -1);
  mqd_t second = mq_open("/posix-queues", O_CREAT | O_RDONLY, 0600, &odd);
  CHECK(second >= 0);
  mq_close(second);
  CHECK_EQUAL(mq_unlink("/posix-queues"), 0);
  // Without a name it goes on, and another one is another.
  CHECK_EQUAL(mq_send(made, "kept", 4, 3), 0);
  second = make("/posix-queues", 0, 2, 16);
  struct mq_attr attributes;
  CHECK(mq_getattr(made, &attributes) == 0 && attributes.mq_curmsgs == 1);
  CHECK(mq_getattr(second, &attributes) == 0 && attributes.mq_curmsgs == 0);
  char path[64], shown[64] = "";
  snprintf(path, sizeof path, "/proc/self/fd/%d", made);
  CHECK(readlink(path, shown, sizeof shown - 1) > 0);
  CHECK_TEXT(shown, "/posix-queues (deleted)");
  mq_close(made), mq_close(second), mq_unlink("/posix-queues");
}

static void test_attributes(void) {
  mode_t old = umask(022);
  mqd_t queue = mq_open("/posix-queues", O_CREAT | O_RDWR | O_NONBLOCK, 0666, 0);
  umask(old);
  struct mq_attr attributes, previous;
  struct stat status;
  REQUIRE(queue >= 0 && mq_getattr(queue, &attributes) == 0 && fstat(queue, &status) == 0);
  CHECK_EQUAL(attributes.mq_flags, O_NONBLOCK);
  CHECK_EQUAL(attributes.mq_maxmsg, 10);
  CHECK_EQUAL(attributes.mq_msgsize, 8192);
  CHECK_EQUAL(attributes.mq_curmsgs, 0);
  CHECK_EQUAL(status.st_mode, S_IFREG | 0644);
  CHECK_EQUAL(status.st_size, 80);
  CHECK_EQUAL(status.st_nlink, 1);
  CHECK_EQUAL(status.st_uid, geteuid());
  attributes.mq_flags = 0, attributes.mq_maxmsg = 99;
  CHECK(mq_setattr(queue, &attributes, &previous) == 0 && previous.mq_flags == O_NONBLOCK && previous.mq_maxmsg == 10);
  CHECK_EQUAL(fcntl(queue, F_GETFL) & O_NONBLOCK, 0);
  attributes.mq_flags = O_NONBLOCK | O_APPEND;
  CHECK_ERROR(syscall(SYS_mq_getsetattr, queue, &attributes, 0), EINVAL);
  CHECK_ERROR(syscall(SYS_mq_getsetattr, -1, &attributes, 0), EINVAL);
  CHECK_ERROR(syscall(SYS_mq_getsetattr, queue, 1, 0), EFAULT);
  CHECK_ERROR(syscall(SYS_mq_getsetattr, queue, 0, 1), EFAULT);
  CHECK_EQUAL(syscall(SYS_mq_getsetattr, queue, 0, 0), 0);
  CHECK_ERROR(syscall(SYS_mq_getsetattr, -1, 0, 0), EBADF);
  CHECK_ERROR(syscall(SYS_mq_getsetattr, 2, 0, 0), EBADF);
  // As a file it can be read, but neither be written nor be mapped.
  CHECK_ERROR(write(queue, "x", 1), EINVAL);
  CHECK(mmap(0, 4096, PROT_READ, MAP_SHARED, queue, 0) == MAP_FAILED && errno == ENODEV);
  mq_close(queue), mq_unlink("/posix-queues");

  long wrong[][2] = {{0, 1}, {1, 0}, {-1, 1}, {1, -1}, {65537, 1}, {1, (16 << 20) + 1}, {1l << 62, 1l << 62}};
  for (int index = 0; index < 7; index++) {
    struct mq_attr asked = size(wrong[index][0], wrong[index][1]);
    CHECK_ERROR(mq_open("/posix-queues", O_CREAT | O_RDWR, 0600, &asked), EINVAL);
  }
  CHECK_ERROR(mq_unlink("/posix-queues"), ENOENT);
}

static void test_order(void) {
  mqd_t queue = make("/posix-queues", O_NONBLOCK, 10, 8);
  static const unsigned priorities[10] = {0, 5, 32767, 5, 0, 1, 32767, 5, 2, 0}, order[10] = {2, 6, 1, 3, 7, 8, 5, 0, 4, 9};
  char bytes[8];
  unsigned priority;
  for (int index = 0; index < 10; index++) {
    bytes[0] = index;
    CHECK_EQUAL(mq_send(queue, bytes, index % 8 + 1, priorities[index]), 0);
  }
  CHECK_ERROR(mq_send(queue, bytes, 1, 7), EAGAIN);
  for (int index = 0; index < 10; index++) {
    CHECK_EQUAL(mq_receive(queue, bytes, 8, &priority), order[index] % 8 + 1);
    CHECK_EQUAL(bytes[0], order[index]);
    CHECK_EQUAL(priority, priorities[order[index]]);
  }
  CHECK_ERROR(mq_receive(queue, bytes, 8, 0), EAGAIN);
  CHECK_ERROR(mq_send(queue, bytes, 1, 32768), EINVAL);
  CHECK_ERROR(mq_send(-1, bytes, 1, 32768), EINVAL);
  CHECK_ERROR(mq_send(-1, bytes, 1, 0), EBADF);
  CHECK_ERROR(mq_send(2, bytes, 1, 0), EBADF);
  CHECK_ERROR(mq_send(queue, bytes, 9, 0), EMSGSIZE);
  CHECK_ERROR(mq_send(queue, bytes, -1ul, 0), EMSGSIZE);
  CHECK_ERROR(syscall(SYS_mq_timedsend, queue, 1, 8, 0, 0), EFAULT);
  CHECK_EQUAL(syscall(SYS_mq_timedsend, queue, 1, 0, 0, 0), 0);
  CHECK_ERROR(mq_receive(queue, bytes, 7, 0), EMSGSIZE);
  CHECK_EQUAL(mq_receive(queue, bytes, 8, 0), 0);
  // What cannot be stored is lost.
  CHECK_EQUAL(mq_send(queue, "lost", 4, 0), 0);
  CHECK_ERROR(syscall(SYS_mq_timedreceive, queue, 1, 8, 0, 0), EFAULT);
  CHECK_ERROR(mq_receive(queue, bytes, 8, 0), EAGAIN);
  mqd_t reader = mq_open("/posix-queues", O_RDONLY), writer = mq_open("/posix-queues", O_WRONLY);
  CHECK_ERROR(mq_send(reader, bytes, 1, 0), EBADF);
  CHECK_ERROR(mq_receive(writer, bytes, 8, 0), EBADF);
  mq_close(reader), mq_close(writer), mq_close(queue), mq_unlink("/posix-queues");
}

// CAP_SYS_RESOURCE, which root need not have on the host.
static int exceeds_limits(void) {
  struct { unsigned version; int process; } header = {0x20080522, 0};
  struct { unsigned effective, permitted, inheritable; } sets[2];
  return syscall(SYS_capget, &header, sets) == 0 && sets[0].effective >> 24 & 1;
}

// Messages of many pages come out as they went in.
static void test_long_messages(void) {
  struct rlimit old, limit = {RLIM_INFINITY, RLIM_INFINITY};
  if (!exceeds_limits()) return;
  CHECK(getrlimit(RLIMIT_MSGQUEUE, &old) == 0 && setrlimit(RLIMIT_MSGQUEUE, &limit) == 0);
  enum { most = 1 << 20 };
  unsigned char *sent = malloc(most), *received = malloc(most);
  mqd_t queue = make("/posix-queues", O_NONBLOCK, 8, most);
  static const int lengths[] = {0, 1, 4079, 4080, 4081, 8159, 8160, 8161, 100000, most};
  for (int round = 0; round < 10; round++) {
    for (int index = 0; index < lengths[round]; index++) sent[index] = index * 31 + round + index / 4096;
    CHECK_EQUAL(mq_send(queue, (char *)sent, lengths[round], round), 0);
    CHECK_EQUAL(mq_receive(queue, (char *)received, most, 0), lengths[round]);
    CHECK(memcmp(sent, received, lengths[round]) == 0);
  }
  // Some are left to end with it.
  for (int round = 0; round < 5; round++) CHECK_EQUAL(mq_send(queue, (char *)sent, most, round), 0);
  mq_close(queue), mq_unlink("/posix-queues");
  free(sent), free(received);
  setrlimit(RLIMIT_MSGQUEUE, &old);
}

static volatile int handled;
static void count_signal(int number) { handled++; }

static void handle(int number, int flags) {
  struct sigaction action = {.sa_handler = count_signal, .sa_flags = flags};
  sigaction(number, &action, 0);
}

// Whether a process waits in a call of this number, by /proc; the other way to know is to wait some time.
static void wait_until_it_sleeps(pid_t process) {
  char path[64], text[256];
  snprintf(path, sizeof path, "/proc/%d/stat", process);
  for (int turn = 0; turn < 30000; turn++) {
    int file = open(path, O_RDONLY);
    ssize_t count = file < 0 ? 0 : read(file, text, sizeof text - 1);
    close(file);
    text[count < 0 ? 0 : count] = 0;
    char *state = strrchr(text, ')');
    if (state && state[2] == 'S') return;
    usleep(1000);
  }
  say("process %d does not wait", process);
  check_failures++;
}

static int end_of(pid_t child) {
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  return status;
}

static void test_waiting(void) {
  mqd_t queue = make("/posix-queues", 0, 1, 8);
  char bytes[8];
  struct timespec time = in(-1000), before, after;
  CHECK_ERROR(mq_timedreceive(queue, bytes, 8, 0, &time), ETIMEDOUT);
  CHECK_EQUAL(mq_timedsend(queue, "1", 1, 0, &time), 0);
  CHECK_ERROR(mq_timedsend(queue, "2", 1, 0, &time), ETIMEDOUT);
  clock_gettime(CLOCK_MONOTONIC, &before);
  time = in(60);
  CHECK_ERROR(mq_timedsend(queue, "2", 1, 0, &time), ETIMEDOUT);
  clock_gettime(CLOCK_MONOTONIC, &after);
  CHECK((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec >= 59000000);
  // A time that is none is refused before anything else is looked at, and also where nobody would have to wait.
  time.tv_nsec = 1000000000;
  CHECK_ERROR(mq_timedreceive(queue, bytes, 8, 0, &time), EINVAL);
  time.tv_nsec = -1;
  CHECK_ERROR(mq_timedreceive(-1, bytes, 8, 0, &time), EINVAL);
  time.tv_nsec = 0, time.tv_sec = -1;
  CHECK_ERROR(mq_timedsend(queue, bytes, 1, 40000, &time), EINVAL);
  CHECK_ERROR(syscall(SYS_mq_timedsend, queue, bytes, 1, 0, 1), EFAULT);
  CHECK_EQUAL(mq_receive(queue, bytes, 8, 0), 1);

  // A signal ends the wait, or the call begins again.
  for (int restarts = 0; restarts < 2; restarts++) {
    for (int sends = 0; sends < 2; sends++) {
      if (sends) CHECK_EQUAL(mq_send(queue, "full", 4, 0), 0);
      pid_t child = fork();
      if (child == 0) {
        check_failures = 0;
        handle(SIGUSR1, restarts ? SA_RESTART : 0);
        struct timespec limit = in(20000);
        long result = sends ? mq_timedsend(queue, "child", 5, 9, &limit) : mq_timedreceive(queue, bytes, 8, 0, &limit);
        if (restarts) CHECK_EQUAL(result, sends ? 0 : 6);
        else CHECK(result == -1 && errno == EINTR);
        CHECK_EQUAL(handled, 1);
        _exit(finish());
      }
      wait_until_it_sleeps(child);
      kill(child, SIGUSR1);
      if (restarts) {
        usleep(20000);
        wait_until_it_sleeps(child);
        if (sends) CHECK_EQUAL(mq_receive(queue, bytes, 8, 0), 4);
        else CHECK_EQUAL(mq_send(queue, "parent", 6, 0), 0);
      }
      CHECK_EQUAL(end_of(child), 0);
      struct mq_attr attributes;
      CHECK(mq_getattr(queue, &attributes) == 0 && attributes.mq_curmsgs == sends);
      if (sends) CHECK_EQUAL(mq_receive(queue, bytes, 8, 0), restarts ? 5 : 4);
    }
  }

  // A waiting sender's message has its place as soon as there is room, and who waits is killed at once.
  pid_t child = fork();
  if (child == 0) _exit(mq_receive(queue, bytes, 8, 0) < 0);
  wait_until_it_sleeps(child);
  kill(child, SIGKILL);
  CHECK_EQUAL(end_of(child), SIGKILL);
  CHECK_EQUAL(mq_send(queue, "after", 5, 0), 0);
  CHECK_EQUAL(mq_receive(queue, bytes, 8, 0), 5);

  // Receivers are served as they came.
  pid_t children[3];
  for (int index = 0; index < 3; index++) {
    children[index] = fork();
    if (children[index] == 0) _exit(mq_receive(queue, bytes, 8, 0) == 1 ? bytes[0] : 99);
    wait_until_it_sleeps(children[index]);
  }
  for (int index = 0; index < 3; index++) {
    bytes[0] = index;
    CHECK_EQUAL(mq_send(queue, bytes, 1, index), 0);
  }
  for (int index = 0; index < 3; index++) CHECK_EQUAL(end_of(children[index]), index << 8);
  mq_close(queue), mq_unlink("/posix-queues");
}

static int ask(mqd_t queue, int kind, int signal_number, long value) {
  struct sigevent event;
  memset(&event, 0, sizeof event);
  event.sigev_notify = kind;
  event.sigev_signo = signal_number;
  event.sigev_value.sival_ptr = (void *)value;
  return syscall(SYS_mq_notify, queue, &event);
}

static int is_pending(int number) {
  sigset_t set;
  sigpending(&set);
  return sigismember(&set, number);
}

static void test_notification(void) {
  sigset_t set, old;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &set, &old);
  mqd_t queue = make("/posix-queues", O_NONBLOCK, 4, 8);
  char bytes[8], line[128];
  siginfo_t told;
  struct timespec none = {0, 0};
  CHECK_EQUAL(read(queue, line, sizeof line), 60);
  line[60] = 0;
  CHECK_TEXT(line, "QSIZE:0          NOTIFY:0     SIGNO:0     NOTIFY_PID:0     \n");

  // The first message of an empty queue, once for each request.
  CHECK_EQUAL(ask(queue, SIGEV_SIGNAL, SIGUSR1, 0x123456789), 0);
  CHECK_ERROR(ask(queue, SIGEV_SIGNAL, SIGUSR1, 0), EBUSY);
  CHECK_ERROR(ask(queue, SIGEV_NONE, 0, 0), EBUSY);
  char expected[128];
  snprintf(expected, sizeof expected, "QSIZE:%-10d NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n", 0, 0, SIGUSR1, getpid());
  CHECK_EQUAL(pread(queue, line, sizeof line, 0), strlen(expected));
  CHECK(memcmp(line, expected, strlen(expected)) == 0);
  CHECK_EQUAL(mq_send(queue, "one", 3, 0), 0);
  REQUIRE(sigtimedwait(&set, &told, &none) == SIGUSR1);
  CHECK_EQUAL(told.si_code, SI_MESGQ);
  CHECK_EQUAL(told.si_pid, getpid());
  CHECK_EQUAL(told.si_uid, getuid());
  CHECK((long)told.si_value.sival_ptr == 0x123456789);
  CHECK_EQUAL(mq_receive(queue, bytes, 8, 0), 3);
  CHECK_EQUAL(mq_send(queue, "two", 3, 0), 0);
  CHECK(!is_pending(SIGUSR1));
  // Not where there are messages already.
  CHECK_EQUAL(ask(queue, SIGEV_SIGNAL, SIGRTMIN, 7), 0);
  CHECK_EQUAL(mq_send(queue, "three", 5, 0), 0);
  CHECK(!is_pending(SIGRTMIN));
  CHECK_EQUAL(mq_receive(queue, bytes, 8, 0), 3);
  CHECK_EQUAL(mq_receive(queue, bytes, 8, 0), 5);
  CHECK_EQUAL(mq_send(queue, "four", 4, 0), 0);
  CHECK(is_pending(SIGRTMIN));
  CHECK_EQUAL(sigtimedwait(&set, &told, &none), SIGRTMIN);
  CHECK_EQUAL(mq_receive(queue, bytes, 8, 0), 4);

  // Not where somebody waits for the message: he gets it, and the request stays.
  CHECK_EQUAL(ask(queue, SIGEV_SIGNAL, SIGUSR1, 1), 0);
  mqd_t waiting = mq_open("/posix-queues", O_RDWR);
  pid_t child = fork();
  if (child == 0) _exit(mq_receive(waiting, bytes, 8, 0) == 4 ? 0 : 1);
  wait_until_it_sleeps(child);
  CHECK_EQUAL(mq_send(queue, "five", 4, 0), 0);
  CHECK_EQUAL(end_of(child), 0);
  CHECK(!is_pending(SIGUSR1));
  // By another process, which neither can take the request back nor have one of its own.
  child = fork();
  if (child == 0) {
    check_failures = 0;
    CHECK_EQUAL(mq_notify(queue, 0), 0);
    CHECK_ERROR(ask(queue, SIGEV_NONE, 0, 0), EBUSY);
    mq_close(waiting);
    CHECK_EQUAL(mq_send(queue, "six", 3, 0), 0);
    _exit(finish());
  }
  CHECK_EQUAL(end_of(child), 0);
  CHECK_EQUAL(sigtimedwait(&set, &told, &none), SIGUSR1);
  CHECK_EQUAL(told.si_pid, child);
  CHECK_EQUAL(mq_receive(queue, bytes, 8, 0), 3);

  // Taken back: by asking, and by closing any descriptor of it; and with the process.
  CHECK_EQUAL(ask(queue, SIGEV_NONE, 77, 0), 0);
  CHECK_EQUAL(pread(queue, line, 40, 0), 40);
  CHECK(memcmp(line + 17, "NOTIFY:1     SIGNO:0  ", 22) == 0);
  CHECK_EQUAL(mq_notify(queue, 0), 0);
  CHECK_EQUAL(mq_notify(queue, 0), 0);
  CHECK_EQUAL(ask(queue, SIGEV_SIGNAL, SIGUSR1, 0), 0);
  close(dup(waiting));
  CHECK_EQUAL(ask(queue, SIGEV_SIGNAL, SIGUSR1, 0), 0);
  mq_close(waiting);
  child = fork();
  if (child == 0) _exit(ask(queue, SIGEV_SIGNAL, SIGUSR1, 0) == 0 ? 0 : 1);
  CHECK_EQUAL(end_of(child), 0);
  CHECK_EQUAL(ask(queue, SIGEV_SIGNAL, 0, 0), 0);
  CHECK_EQUAL(mq_send(queue, "seven", 5, 0), 0);
  CHECK_EQUAL(mq_receive(queue, bytes, 8, 0), 5);
  CHECK(!is_pending(SIGUSR1));

  CHECK_ERROR(ask(queue, SIGEV_SIGNAL, 65, 0), EINVAL);
  CHECK_ERROR(ask(queue, SIGEV_SIGNAL, -1, 0), EINVAL);
  CHECK_ERROR(ask(queue, 3, SIGUSR1, 0), EINVAL);
  CHECK_ERROR(ask(queue, 4, SIGUSR1, 0), EINVAL);
  CHECK_ERROR(ask(-1, SIGEV_SIGNAL, SIGUSR1, 0), EBADF);
  CHECK_ERROR(ask(2, SIGEV_SIGNAL, SIGUSR1, 0), EBADF);
  CHECK_ERROR(syscall(SYS_mq_notify, queue, 1), EFAULT);
  CHECK_ERROR(syscall(SYS_mq_notify, 2, 0), EBADF);
  // What is for a thread comes with a netlink socket.
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  CHECK_ERROR(ask(queue, SIGEV_THREAD, ends[0], 1), EFAULT);
  CHECK_ERROR(ask(queue, SIGEV_THREAD, -1, (long)line), EBADF);
  CHECK_ERROR(ask(queue, SIGEV_THREAD, queue, (long)line), ENOTSOCK);
  CHECK_ERROR(ask(queue, SIGEV_THREAD, ends[0], (long)line), EINVAL);
  close(ends[0]), close(ends[1]);

  // Another program of the same process is not told, and the request is spent.
  int note[2];
  REQUIRE(pipe(note) == 0);
  child = fork();
  if (child == 0) {
    fcntl(queue, F_SETFD, 0);
    if (ask(queue, SIGEV_SIGNAL, SIGUSR1, 0) != 0) _exit(9);
    dup2(note[0], 0);
    close(note[1]);
    execl("/proc/self/exe", "posix-queues", "wait", (char *)0);
    _exit(8);
  }
  close(note[0]);
  wait_until_it_sleeps(child);
  CHECK_EQUAL(mq_send(queue, "eight", 5, 0), 0);
  CHECK_EQUAL(mq_receive(queue, bytes, 8, 0), 5);
  CHECK_EQUAL(ask(queue, SIGEV_SIGNAL, SIGUSR1, 0), 0);
  close(note[1]);
  CHECK_EQUAL(end_of(child), 0);
  mq_close(queue), mq_unlink("/posix-queues");
  sigprocmask(SIG_SETMASK, &old, 0);
}

static void test_polling(void) {
  mqd_t queue = make("/posix-queues", O_NONBLOCK, 2, 8);
  char bytes[8];
  struct pollfd entry = {.fd = queue, .events = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM};
  CHECK(poll(&entry, 1, 0) == 1 && entry.revents == (POLLOUT | POLLWRNORM));
  mq_send(queue, "a", 1, 0);
  CHECK(poll(&entry, 1, 0) == 1 && entry.revents == (POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM));
  mq_send(queue, "b", 1, 0);
  CHECK(poll(&entry, 1, 0) == 1 && entry.revents == (POLLIN | POLLRDNORM));
  int instance = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLOUT | EPOLLET};
  REQUIRE(instance >= 0 && epoll_ctl(instance, EPOLL_CTL_ADD, queue, &event) == 0);
  CHECK_EQUAL(epoll_wait(instance, &event, 1, 0), 0);
  for (int turn = 0; turn < 2; turn++) {
    // One waits until there is room, and then until there is a message.
    pid_t child = fork();
    if (child == 0) {
      entry.events = turn == 0 ? POLLOUT : POLLIN;
      _exit(poll(&entry, 1, 20000) == 1 && entry.revents == entry.events ? 0 : 1);
    }
    wait_until_it_sleeps(child);
    if (turn == 0) CHECK_EQUAL(mq_receive(queue, bytes, 8, 0), 1);
    else CHECK_EQUAL(mq_send(queue, "c", 1, 0), 0);
    CHECK_EQUAL(end_of(child), 0);
    if (turn == 0) CHECK_EQUAL(epoll_wait(instance, &event, 1, 20000), 1);
    if (turn == 0) CHECK_EQUAL(mq_receive(queue, bytes, 8, 0), 1);
  }
  close(instance), mq_close(queue), mq_unlink("/posix-queues");
}

static void set_limit(const char *name, const char *value, int error) {
  char path[128];
  snprintf(path, sizeof path, "/proc/sys/fs/mqueue/%s", name);
  int file = open(path, O_RDWR);
  REQUIRE(file >= 0);
  if (error) CHECK_ERROR(write(file, value, strlen(value)), error);
  else CHECK_EQUAL(write(file, value, strlen(value)), strlen(value));
  close(file);
}

static void check_limit(const char *name, const char *value) {
  char path[128], text[32] = "";
  snprintf(path, sizeof path, "/proc/sys/fs/mqueue/%s", name);
  int file = open(path, O_RDONLY);
  REQUIRE(file >= 0 && read(file, text, sizeof text - 1) > 0);
  close(file);
  CHECK_TEXT(text, value);
}

// In a process of another user, whom limits and permissions bind.
static void as_user(uid_t user, void (*body)(void)) {
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    check_failures = 0;
    if (setgid(user) != 0 || setuid(user) != 0) _exit(9);
    body();
    _exit(finish());
  }
  CHECK_EQUAL(end_of(child), 0);
}

static void user_at_limits(void) {
  struct mq_attr attributes = size(11, 16);
  CHECK_ERROR(mq_open("/of-user", O_CREAT | O_RDWR, 0600, &attributes), EINVAL);
  attributes = size(1, 8193);
  CHECK_ERROR(mq_open("/of-user", O_CREAT | O_RDWR, 0600, &attributes), EINVAL);
  // 10 * (8192 + 96) bytes each.
  struct rlimit limit = {2 * 82880 + 100, 2 * 82880 + 100};
  CHECK_EQUAL(setrlimit(RLIMIT_MSGQUEUE, &limit), 0);
  mqd_t first = mq_open("/of-user", O_CREAT | O_RDWR, 0600, 0), second = mq_open("/of-user-2", O_CREAT | O_RDWR, 0600, 0);
  CHECK(first >= 0 && second >= 0);
  CHECK_ERROR(mq_open("/of-user-3", O_CREAT | O_RDWR, 0600, 0), EMFILE);
  attributes = size(1, 4);
  mqd_t small = mq_open("/of-user-3", O_CREAT | O_RDWR, 0600, &attributes);
  CHECK(small >= 0);
  CHECK_ERROR(mq_open("/of-user-4", O_CREAT | O_RDWR, 0600, &attributes), EMFILE);
  // A queue without a name counts as long as it is open; the children of a user count together.
  CHECK_EQUAL(mq_unlink("/of-user-3"), 0);
  CHECK_ERROR(mq_open("/of-user-4", O_CREAT | O_RDWR, 0600, &attributes), EMFILE);
  pid_t child = fork();
  if (child == 0) _exit(mq_open("/of-user-4", O_CREAT | O_RDWR, 0600, &attributes) >= 0);
  CHECK_EQUAL(end_of(child), 0);
  mq_close(small);
  small = mq_open("/of-user-4", O_CREAT | O_RDWR, 0600, &attributes);
  CHECK(small >= 0);
  mq_unlink("/of-user"), mq_unlink("/of-user-2"), mq_unlink("/of-user-4");
}

static void user_without_rights(void) {
  CHECK_ERROR(mq_open("/of-root", O_RDWR), EACCES);
  CHECK_ERROR(mq_open("/of-root", O_WRONLY), EACCES);
  CHECK_ERROR(mq_open("/of-root", O_CREAT | O_RDWR, 0666, 0), EACCES);
  mqd_t queue = mq_open("/of-root", O_RDONLY);
  CHECK(queue >= 0);
  mq_close(queue);
  // The C library makes EACCES of it.
  CHECK_ERROR(syscall(SYS_mq_unlink, "of-root"), EPERM);
  // As many as there may be.
  struct mq_attr attributes = size(1, 1);
  CHECK_ERROR(mq_open("/of-user", O_CREAT | O_RDWR, 0600, &attributes), ENOSPC);
  CHECK_ERROR(open("/proc/sys/fs/mqueue/queues_max", O_WRONLY), EACCES);
}

static void test_limits(void) {
  check_limit("msg_max", "10\n");
  check_limit("msgsize_max", "8192\n");
  check_limit("msg_default", "10\n");
  check_limit("msgsize_default", "8192\n");
  check_limit("queues_max", "256\n");
  as_user(12345, user_at_limits);
  mqd_t queue = mq_open("/of-root", O_CREAT | O_RDWR, 0604, 0);
  REQUIRE(queue >= 0);
  set_limit("queues_max", "1\n", 0);
  as_user(12345, user_without_rights);
  // The privileged may have more.
  if (exceeds_limits()) {
    mqd_t more = mq_open("/posix-queues", O_CREAT | O_RDWR, 0600, 0);
    CHECK(more >= 0);
    mq_close(more), mq_unlink("/posix-queues");
  }
  set_limit("queues_max", "256\n", 0);
  mq_close(queue), mq_unlink("/of-root");
  set_limit("msg_max", "0", EINVAL);
  set_limit("msg_max", "65537", EINVAL);
  set_limit("msg_max", "x", EINVAL);
  set_limit("msgsize_max", "127", EINVAL);
  set_limit("msg_default", "3", 0);
  set_limit("msgsize_default", "200", 0);
  queue = mq_open("/posix-queues", O_CREAT | O_RDWR, 0600, 0);
  struct mq_attr attributes;
  CHECK(mq_getattr(queue, &attributes) == 0 && attributes.mq_maxmsg == 3 && attributes.mq_msgsize == 200);
  mq_close(queue), mq_unlink("/posix-queues");
  set_limit("msg_max", "2", 0);
  queue = mq_open("/posix-queues", O_CREAT | O_RDWR, 0600, 0);
  CHECK(mq_getattr(queue, &attributes) == 0 && attributes.mq_maxmsg == 2);
  mq_close(queue), mq_unlink("/posix-queues");
  set_limit("msg_max", "10", 0);
  set_limit("msg_default", "10", 0);
  set_limit("msgsize_default", "8192", 0);
}

static void test_file_system(void) {
  char place[] = "/tmp/queues-XXXXXX";
  REQUIRE(mkdtemp(place) && mount("none", place, "mqueue", 0, 0) == 0 && chdir(place) == 0);
  struct statfs system;
  struct stat status;
  CHECK(statfs(".", &system) == 0 && system.f_type == 0x19800202);
  CHECK(stat(".", &status) == 0 && status.st_mode == (S_IFDIR | 01777));
  mqd_t queue = make("/posix-queues", 0, 2, 8);
  CHECK_EQUAL(mq_send(queue, "seen", 4, 0), 0);
  char line[16] = "";
  int file = open("posix-queues", O_RDWR);
  CHECK(file >= 0 && read(file, line, 15) == 15 && memcmp(line, "QSIZE:4        ", 15) == 0);
  char bytes[8];
  CHECK_EQUAL(mq_receive(file, bytes, 8, 0), 4);
  close(file);
  // Whoever makes a file there makes a queue.
  file = open("made", O_CREAT | O_RDWR | O_EXCL, 0640);
  struct mq_attr attributes;
  CHECK(file >= 0 && mq_getattr(file, &attributes) == 0 && attributes.mq_maxmsg == 10);
  close(file);
  file = mq_open("/made", O_RDWR);
  CHECK(file >= 0 && fstat(file, &status) == 0 && status.st_mode == (S_IFREG | 0640));
  close(file);
  CHECK_ERROR(mkdir("directory", 0700), EPERM);
  CHECK_ERROR(symlink("made", "link"), EPERM);
  CHECK_ERROR(link("made", "link"), EPERM);
  CHECK_ERROR(rename("made", "renamed"), EPERM);
  CHECK_EQUAL(unlink("made"), 0);
  CHECK_ERROR(mq_open("/made", O_RDWR), ENOENT);
  CHECK_EQUAL(mq_unlink("/posix-queues"), 0);
  CHECK_ERROR(open("posix-queues", O_RDONLY), ENOENT);
  mq_close(queue);
  CHECK(chdir("/") == 0 && umount(place) == 0 && rmdir(place) == 0);
}

// Senders and receivers on all CPUs, with more to send than there is room for, and signals that end waits.
enum { senders = 3, receivers = 3, sent_by_each = 1500, room = 3 };

struct parcel { int sender, number, mark; };
static unsigned char seen[senders][sent_by_each];
static volatile long waits_for_room, waits_for_messages, interruptions, cpus_used, is_over;

static void pin(int number) {
  cpu_set_t all, one;
  CPU_ZERO(&one);
  if (sched_getaffinity(0, sizeof all, &all) != 0 || CPU_COUNT(&all) < 2) return;
  number %= CPU_COUNT(&all);
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (CPU_ISSET(cpu, &all) && number-- == 0) CPU_SET(cpu, &one);
  }
  sched_setaffinity(0, sizeof one, &one);
}

static void note_cpu(void) { __atomic_or_fetch(&cpus_used, 1l << sched_getcpu() % 63, __ATOMIC_RELAXED); }

static void *send_all(void *argument) {
  long number = (long)argument;
  mqd_t queue = mq_open("/posix-queues", O_WRONLY), hasty = mq_open("/posix-queues", O_WRONLY | O_NONBLOCK);
  pin(number);
  for (int index = 0; index < sent_by_each; index++) {
    struct parcel parcel = {number, index, number * 7919 ^ index};
    unsigned priority = 1 + index % 3;
    if (mq_send(hasty, (char *)&parcel, sizeof parcel, priority) != 0) {
      __atomic_add_fetch(&waits_for_room, 1, __ATOMIC_RELAXED);
      struct timespec limit = in(30000);
      long result = -1;
      while (result != 0) {
        result = index % 2 ? mq_send(queue, (char *)&parcel, sizeof parcel, priority)
                           : mq_timedsend(queue, (char *)&parcel, sizeof parcel, priority, &limit);
        if (result != 0 && errno != EINTR) CHECK_EQUAL(errno, 0);
        if (result != 0) __atomic_add_fetch(&interruptions, 1, __ATOMIC_RELAXED);
      }
    }
    note_cpu();
  }
  mq_close(queue), mq_close(hasty);
  return 0;
}

static void *receive_all(void *argument) {
  long number = (long)argument;
  mqd_t queue = mq_open("/posix-queues", O_RDONLY), hasty = mq_open("/posix-queues", O_RDONLY | O_NONBLOCK);
  int last[senders][4];
  memset(last, -1, sizeof last);
  pin(number + 1);
  // The queue is full before anybody takes anything out of it.
  while (waits_for_room == 0) sched_yield();
  while (1) {
    struct parcel parcel;
    unsigned priority;
    ssize_t count = mq_receive(hasty, (char *)&parcel, sizeof parcel, &priority);
    if (count < 0) {
      __atomic_add_fetch(&waits_for_messages, 1, __ATOMIC_RELAXED);
      while ((count = mq_receive(queue, (char *)&parcel, sizeof parcel, &priority)) < 0) {
        if (errno != EINTR) CHECK_EQUAL(errno, EINTR);
        __atomic_add_fetch(&interruptions, 1, __ATOMIC_RELAXED);
      }
    }
    note_cpu();
    if (priority == 0) break;
    if (count != sizeof parcel || (unsigned)parcel.sender >= senders || (unsigned)parcel.number >= sent_by_each) {
      CHECK_EQUAL(count, sizeof parcel);
      continue;
    }
    CHECK_EQUAL(parcel.mark, parcel.sender * 7919 ^ parcel.number);
    CHECK_EQUAL(priority, 1 + parcel.number % 3);
    // Of one sender and priority each comes after those before it.
    CHECK(parcel.number > last[parcel.sender][priority]);
    last[parcel.sender][priority] = parcel.number;
    __atomic_add_fetch(&seen[parcel.sender][parcel.number], 1, __ATOMIC_RELAXED);
  }
  mq_close(queue), mq_close(hasty);
  return 0;
}

static void test_many(void) {
  struct mq_attr attributes;
  mqd_t queue = make("/posix-queues", 0, room, sizeof(struct parcel));
  pthread_t threads[senders + receivers];
  handle(SIGUSR2, 0);
  for (long index = 0; index < receivers; index++) {
    REQUIRE(pthread_create(&threads[senders + index], 0, receive_all, (void *)index) == 0);
  }
  for (long index = 0; index < senders; index++) REQUIRE(pthread_create(&threads[index], 0, send_all, (void *)index) == 0);
  // Until a wait has been ended too: at the latest when nothing more is sent, all receivers wait.
  for (int turn = 0; turn < 200 || (interruptions == 0 && turn < 40000); turn++) {
    for (int index = 0; index < senders + receivers; index++) {
      // Who has ended is not joined yet.
      if (index >= senders) pthread_kill(threads[index], SIGUSR2);
    }
    usleep(500);
  }
  for (int index = 0; index < senders; index++) pthread_join(threads[index], 0);
  for (int index = 0; index < receivers; index++) CHECK_EQUAL(mq_send(queue, "", 0, 0), 0);
  for (int index = 0; index < receivers; index++) pthread_join(threads[senders + index], 0);
  long wrong = 0;
  for (int sender = 0; sender < senders; sender++) {
    for (int number = 0; number < sent_by_each; number++) wrong += seen[sender][number] != 1;
  }
  CHECK_EQUAL(wrong, 0);
  CHECK(mq_getattr(queue, &attributes) == 0 && attributes.mq_curmsgs == 0);
  say("%d messages, %ld waits for room, %ld for messages, %ld interrupted, on %d CPUs", senders * sent_by_each,
    waits_for_room, waits_for_messages, interruptions, __builtin_popcountl(cpus_used));
  CHECK(waits_for_room > 0 && waits_for_messages > 0 && interruptions > 0);
  cpu_set_t all;
  if (sched_getaffinity(0, sizeof all, &all) == 0 && CPU_COUNT(&all) > 1) CHECK(__builtin_popcountl(cpus_used) > 1);
  mq_close(queue), mq_unlink("/posix-queues");
}

// Queues that are made, filled, opened and removed by several at a time.
static void test_coming_and_going(void) {
  pid_t children[4];
  for (int index = 0; index < 4; index++) {
    children[index] = fork();
    if (children[index] != 0) continue;
    char bytes[64];
    pin(index);
    for (int turn = 0; turn < 300; turn++) {
      struct mq_attr attributes = size(4, 64);
      mqd_t queue = mq_open("/coming", O_CREAT | O_RDWR | O_NONBLOCK, 0600, &attributes);
      if (queue < 0) _exit(1);
      if (turn % 3 == 0) ask(queue, SIGEV_NONE, 0, 0);
      for (int message = 0; message < 3; message++) mq_send(queue, bytes, 1 + turn % 64, message);
      mq_receive(queue, bytes, 64, 0);
      if (mq_unlink("/coming") != 0 && errno != ENOENT) _exit(2);
      if (mq_close(queue) != 0) _exit(3);
    }
    _exit(0);
  }
  for (int index = 0; index < 4; index++) CHECK_EQUAL(end_of(children[index]), 0);
  CHECK_ERROR(mq_unlink("/coming"), ENOENT);
}

int main(int count, char **arguments) {
  if (count > 1) {
    char byte;
    return read(0, &byte, 1) == 0 ? 0 : 1;
  }
  // Not among the host's own queues and mounts.
  if (geteuid() != 0) SKIP("only root may set limits");
  if (unshare(CLONE_NEWIPC | CLONE_NEWNS) == 0) {
    mount("none", "/", 0, MS_REC | MS_PRIVATE, 0);
  } else if (errno == EPERM) {
    SKIP("no name space of its own");
  }
  test_names();
  test_attributes();
  test_order();
  test_long_messages();
  test_waiting();
  test_notification();
  test_polling();
  test_limits();
  test_file_system();
  test_many();
  test_coming_and_going();
  return finish();
}
