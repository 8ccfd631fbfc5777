// Programs that take all memory, all processes or all of a file system: they end or are refused, others go on.
#include "check.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <sys/wait.h>

static void take_all(void) {
  for (;;) {
    char *memory = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) _exit(3);
    for (int offset = 0; offset < 1 << 20; offset += 4096) memory[offset] = 1;
  }
}

static void one_hog(void) {
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) take_all();
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void several_hogs(void) {
  pid_t children[4];
  for (int i = 0; i < 4; i++) {
    children[i] = fork();
    REQUIRE(children[i] >= 0);
    if (children[i] == 0) take_all();
  }
  for (int i = 0; i < 4; i++) {
    int status = 0;
    CHECK(waitpid(children[i], &status, 0) == children[i]);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  }
}

// Memory that the kernel writes to on a program's account.
static void hog_by_read(void) {
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    int zeros = open("/dev/zero", O_RDONLY);
    for (;;) {
      char *memory = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (memory == MAP_FAILED || read(zeros, memory, 1 << 20) < 0) _exit(3);
    }
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 3);
}

static void full_file_system(void) {
  int file = open("/tmp/full", O_WRONLY | O_CREAT | O_TRUNC, 0600);
  REQUIRE(file >= 0);
  static char bytes[1 << 16];
  ssize_t count;
  do count = write(file, bytes, sizeof bytes);
  while (count == sizeof bytes);
  if (count < 0) CHECK_EQUAL(errno, ENOSPC);
  // There is room for programs left.
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    char *memory = malloc(1 << 20);
    memset(memory, 1, 1 << 20);
    _exit(0);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK_EQUAL(status, 0);
  CHECK_EQUAL(ftruncate(file, 0), 0);
  close(file);
  unlink("/tmp/full");
}

// Children that stay, until no more can be made.
static void fork_bomb(void) {
  pid_t bomb = fork();
  REQUIRE(bomb >= 0);
  if (bomb == 0) {
    setpgid(0, 0);
    int count = 0;
    for (;;) {
      pid_t child = fork();
      if (child < 0) break;
      if (child == 0) for (;;) pause();
      count++;
    }
    say("%d processes, then errno %d", count, errno);
    _exit(errno == EAGAIN || errno == ENOMEM ? (count > 20 ? 0 : 2) : 1);
  }
  int status = -1;
  CHECK(waitpid(bomb, &status, 0) == bomb);
  CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0) || WIFSIGNALED(status));
  // There is room for others.
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) _exit(5);
  if (child > 0) {
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_EQUAL(WEXITSTATUS(status), 5);
  }
  kill(-bomb, SIGKILL);
}

// Takes all that pipes get, which ends no program: what is left is the kernel's own.
static void fill_pipes(void) {
  static char bytes[1 << 16];
  memset(bytes, 1, sizeof bytes);
  for (;;) {
    int ends[2];
    if (pipe2(ends, O_NONBLOCK) < 0) return;
    fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
    while (write(ends[1], bytes, sizeof bytes) > 0) {}
    if (errno != EAGAIN) return;
  }
}

// A child that does something with no memory left: it goes through, or is ended.
static void without_memory(void (*body)(void)) {
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    struct rlimit limit = {4096, 4096};
    setrlimit(RLIMIT_NOFILE, &limit);
    // The table of descriptors does not grow from here on.
    if (dup2(0, 4095) < 0) _exit(3);
    body();
    _exit(0);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0) || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
}

enum { WAITING = 300, STACK_SIZE = 65536 };
static int gate[2], nothing[2], begun;
static struct iovec pieces[1024];

static void *wait_with_pieces(void *argument) {
  (void)argument;
  char byte;
  if (read(gate[0], &byte, 1) == 0) __atomic_add_fetch(&begun, 1, __ATOMIC_SEQ_CST);
  // Waits for ever, or fails for want of memory and waits then.
  if (readv(nothing[0], pieces, 1024) < 0) while (pause() < 0) {}
  return NULL;
}

// Calls that wait, each with memory of the kernel's for its arguments.
static void many_calls_that_wait(void) {
  static char stacks[WAITING][STACK_SIZE] __attribute__((aligned(4096))), byte;
  memset(stacks, 1, sizeof stacks);
  for (int i = 0; i < 1024; i++) pieces[i] = (struct iovec){&byte, 1};
  int sockets[2], files[250];
  if (pipe(gate) || pipe(nothing) || socketpair(AF_UNIX, SOCK_STREAM, 0, sockets)) _exit(4);
  for (int i = 0; i < 250; i++) files[i] = nothing[0];
  for (int i = 0; i < WAITING; i++) {
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, stacks[i], STACK_SIZE);
    if (pthread_create(&thread, &attributes, wait_with_pieces, NULL) != 0) _exit(5);
  }
  static char control[CMSG_SPACE(sizeof files)] __attribute__((aligned(8)));
  struct iovec piece = {&byte, 1};
  struct msghdr header = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *message = CMSG_FIRSTHDR(&header);
  *message = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof files), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
  memcpy(CMSG_DATA(message), files, sizeof files);
  fill_pipes();
  close(gate[1]);
  while (__atomic_load_n(&begun, __ATOMIC_SEQ_CST) < WAITING) sched_yield();
  // Most of them wait by now; nothing depends on it.
  usleep(300000);
  for (int i = 0; i < 64; i++) sendmsg(sockets[0], &header, MSG_DONTWAIT);
  char path[80];
  struct stat status;
  for (int i = 0; i < 200; i++) {
    snprintf(path, sizeof path, "/proc/self/task/%d/fd/%d", getpid(), i);
    lstat(path, &status);
  }
}

// Open files that stand for a path alone, in three processes.
static void many_paths(void) {
  if (pipe(gate)) _exit(4);
  pid_t children[3];
  for (int i = 0; i < 3; i++) {
    children[i] = fork();
    if (children[i] < 0) _exit(5);
    if (children[i] > 0) continue;
    char byte;
    close(gate[1]);
    close(open("/proc/self/stat", O_PATH));
    if (read(gate[0], &byte, 1) == 0) while (open("/proc/self/stat", O_PATH) >= 0) {}
    for (;;) pause();
  }
  fill_pipes();
  close(gate[1]);
  // By the time that a child has opened all it can.
  usleep(2000000);
  for (int i = 0; i < 3; i++) kill(children[i], SIGKILL);
  for (int i = 0; i < 3; i++) waitpid(children[i], NULL, 0);
}

int main(void) {
  struct sysinfo machine;
  if (sysinfo(&machine) < 0 || machine.totalram * machine.mem_unit > 1ull << 30) SKIP("takes all of a large memory");
  one_hog();
  several_hogs();
  hog_by_read();
  full_file_system();
  fork_bomb();
  one_hog();
  without_memory(many_calls_that_wait);
  without_memory(many_paths);
  one_hog();
  return finish();
}
