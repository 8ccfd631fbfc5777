// Numbers, lengths and depths that a kernel must not follow to its own end: each ends as an error, or as it should.
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>

static long free_kilobytes(void) {
  struct sysinfo information;
  sysinfo(&information);
  return information.freeram * information.mem_unit >> 10;
}

// Runs a body in a process of its own, which must not die by a signal.
static void in_child(void (*body)(void)) {
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    check_failures = 0;
    body();
    _exit(finish());
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK_EQUAL(status, 0);
}

// Descriptors up to a million where the limit allows it: the table takes as much memory as it has.
static void large_descriptors(void) {
  struct rlimit limit = {1 << 20, 1 << 20};
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  int null = open("/dev/null", O_RDWR);
  for (int number = 1000; number < 1 << 20; number *= 3) {
    int result = dup2(null, number);
    if (result < 0) CHECK(errno == ENOMEM); else CHECK_EQUAL(result, number);
  }
  int result = dup2(null, (1 << 20) - 1);
  CHECK(result == (1 << 20) - 1 || errno == ENOMEM);
  result = fcntl(null, F_DUPFD, (1 << 20) - 2);
  CHECK(result >= 0 || errno == ENOMEM);
  CHECK_ERROR(dup2(null, 1 << 20), EBADF);
  // A child has them, and their memory too.
  pid_t child = fork();
  if (child == 0) _exit(fcntl(1000, F_GETFD) == 0 ? 0 : 1);
  int status = 0;
  if (child > 0) CHECK(waitpid(child, &status, 0) == child && status == 0); else CHECK(errno == ENOMEM);
}

// poll and select of as many descriptors as the limit allows.
static void large_polls(void) {
  struct rlimit limit = {1 << 20, 1 << 20};
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  size_t count = (1 << 20) - 1;
  struct pollfd *entries = mmap(0, count * sizeof *entries, PROT_READ | PROT_WRITE,
    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  REQUIRE(entries != MAP_FAILED);
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  for (size_t size = 1000; size < count; size *= 8) {
    for (size_t index = 0; index < size; index++) entries[index] = (struct pollfd){ends[0], POLLIN, 0};
    int result = poll(entries, size, 0);
    CHECK(result == 0 || (result < 0 && errno == ENOMEM));
    // And with a watcher for each.
    result = poll(entries, size, 1);
    CHECK(result == 0 || (result < 0 && errno == ENOMEM));
  }
  CHECK_ERROR(poll(entries, (1 << 20) + 1, 0), EINVAL);
  unsigned long *set = calloc(1, 1 << 17);
  CHECK_EQUAL(syscall(SYS_select, 1 << 20, set, NULL, NULL, &(struct timeval){0, 0}), 0);
  CHECK_EQUAL(syscall(SYS_select, 0x7FFFFFFF, set, NULL, NULL, &(struct timeval){0, 0}), 0);
}

// Record locks that cannot be put together: their number is bounded.
static void many_locks(void) {
  int file = open("/tmp/hostile-locks", O_RDWR | O_CREAT, 0600);
  REQUIRE(file >= 0);
  int error = 0;
  for (int index = 0; index < 5000 && !error; index++) {
    struct flock lock = {.l_type = F_WRLCK, .l_start = index * 2l, .l_len = 1};
    if (fcntl(file, F_SETLK, &lock) != 0) error = errno;
  }
  CHECK(error == ENOLCK || error == 0);
  struct flock all = {.l_type = F_UNLCK};
  CHECK_EQUAL(fcntl(file, F_SETLK, &all), 0);
  // By holes in a large one, too.
  struct flock whole = {.l_type = F_WRLCK};
  CHECK_EQUAL(fcntl(file, F_SETLK, &whole), 0);
  for (int index = 0, error = 0; index < 5000 && !error; index++) {
    struct flock hole = {.l_type = F_UNLCK, .l_start = index * 2l + 1, .l_len = 1};
    if (fcntl(file, F_SETLK, &hole) != 0) error = errno;
  }
  CHECK_EQUAL(fcntl(file, F_SETLK, &all), 0);
  close(file);
  unlink("/tmp/hostile-locks");
}

// Directories in each other, ever deeper, and all given up at once: by the last working directory in them.
static void deep_removed_directories(void) {
  REQUIRE(mkdir("/tmp/deep", 0700) == 0 && chdir("/tmp/deep") == 0);
  int above = open(".", O_RDONLY | O_DIRECTORY);
  enum { DEPTH = 4000 };
  for (int level = 0; level < DEPTH; level++) REQUIRE(mkdir("d", 0700) == 0 && chdir("d") == 0);
  // From the inside out: each is empty once the one in it has gone.
  for (int level = 0; level < DEPTH; level++) {
    int parent = open("..", O_RDONLY | O_DIRECTORY);
    REQUIRE(parent >= 0);
    CHECK_EQUAL(unlinkat(parent, "d", AT_REMOVEDIR), 0);
    // The deepest stays the working directory of a child, so that all stay.
    if (level == 0) {
      pid_t child = fork();
      if (child == 0) {
        pause();
        _exit(0);
      }
      REQUIRE(child > 0);
      CHECK_EQUAL(fchdir(parent), 0);
      close(parent);
      for (int rest = 1; rest < DEPTH; rest++) {
        parent = open("..", O_RDONLY | O_DIRECTORY);
        REQUIRE(parent >= 0);
        CHECK_EQUAL(unlinkat(parent, "d", AT_REMOVEDIR), 0);
        CHECK_EQUAL(fchdir(parent), 0);
        close(parent);
      }
      kill(child, SIGKILL);
      CHECK(waitpid(child, NULL, 0) == child);
      break;
    }
  }
  CHECK_EQUAL(fchdir(above), 0);
  close(above);
  CHECK_EQUAL(chdir("/"), 0);
  CHECK_EQUAL(rmdir("/tmp/deep"), 0);
}

// A whole file system of them, taken away at once, and nothing is lost: neither by umount nor by a lazy one.
static void deep_file_system(int flags) {
  // The first one warms up.
  long before = 0, after = 0;
  for (int round = 0; round < 4; round++) {
    if (round == 1) before = free_kilobytes();
    REQUIRE(mkdir("/tmp/mounted", 0700) == 0 || errno == EEXIST);
    if (mount("tmpfs", "/tmp/mounted", "tmpfs", 0, NULL) != 0) return;
    REQUIRE(chdir("/tmp/mounted") == 0);
    for (int level = 0; level < 1000; level++) REQUIRE(mkdir("d", 0700) == 0 && chdir("d") == 0);
    int file = open("large", O_RDWR | O_CREAT, 0600);
    CHECK_EQUAL(ftruncate(file, 4 << 20), 0);
    static char bytes[1 << 16];
    memset(bytes, 1, sizeof bytes);
    for (int part = 0; part < 64; part++) CHECK_EQUAL(write(file, bytes, sizeof bytes), (long)sizeof bytes);
    // One that is mounted in it goes along with a lazy one.
    if (flags & MNT_DETACH) {
      CHECK_EQUAL(mkdir("/tmp/mounted/inner", 0700), 0);
      CHECK_EQUAL(mount("tmpfs", "/tmp/mounted/inner", "tmpfs", 0, NULL), 0);
      int inner = open("/tmp/mounted/inner/file", O_RDWR | O_CREAT, 0600);
      CHECK_EQUAL(write(inner, bytes, sizeof bytes), (long)sizeof bytes);
      close(inner);
      CHECK_EQUAL(umount2("/tmp/mounted", flags), 0);
      // What is open stays as it is.
      char byte = 0;
      CHECK_EQUAL(pread(file, &byte, 1, 1000), 1);
      CHECK_EQUAL(byte, 1);
      close(file);
      CHECK_EQUAL(chdir("/"), 0);
    } else {
      CHECK_ERROR(umount2("/tmp/mounted", flags), EBUSY);
      close(file);
      CHECK_EQUAL(chdir("/"), 0);
      CHECK_EQUAL(umount2("/tmp/mounted", flags), 0);
    }
    CHECK_EQUAL(rmdir("/tmp/mounted"), 0);
    after = free_kilobytes();
  }
  // Each file had 4 MiB. On a Linux host others come and go.
  if (before < 1 << 20) CHECK(before - after < 2048);
}

// In a mount that has been taken away nothing can be mounted, though somebody stands in it; nor where the directory has
// gone.
static void mounts_that_are_gone(void) {
  REQUIRE(mkdir("/tmp/gone", 0700) == 0 || errno == EEXIST);
  if (mount("tmpfs", "/tmp/gone", "tmpfs", 0, NULL) != 0) return;
  REQUIRE(chdir("/tmp/gone") == 0 && mkdir("d", 0700) == 0);
  CHECK_EQUAL(umount2("/tmp/gone", MNT_DETACH), 0);
  // Later versions of Linux say ENOENT.
  CHECK(mount("tmpfs", "d", "tmpfs", 0, NULL) < 0 && (errno == EINVAL || errno == ENOENT));
  CHECK_EQUAL(rmdir("d"), 0);
  CHECK_EQUAL(chdir("/tmp/gone"), 0);
  CHECK_EQUAL(rmdir("/tmp/gone"), 0);
  CHECK_ERROR(mount("tmpfs", ".", "tmpfs", 0, NULL), ENOENT);
  CHECK_EQUAL(chdir("/"), 0);
  // A root does not go where the new one does not lead to: the two would only be reached from each other.
  REQUIRE(mkdir("/tmp/gone", 0700) == 0 && mount("tmpfs", "/tmp/gone", "tmpfs", 0, NULL) == 0);
  pid_t child = fork();
  if (child == 0) {
    check_failures = 0;
    REQUIRE(chroot("/tmp/gone") == 0 && chdir("/") == 0);
    REQUIRE(mkdir("new", 0700) == 0 && mkdir("other", 0700) == 0);
    REQUIRE(mount("tmpfs", "new", "tmpfs", 0, NULL) == 0 && mount("tmpfs", "other", "tmpfs", 0, NULL) == 0);
    CHECK_ERROR(syscall(SYS_pivot_root, "/new", "/other"), EINVAL);
    CHECK_ERROR(syscall(SYS_pivot_root, "/new", "/"), EBUSY);
    CHECK_ERROR(syscall(SYS_pivot_root, "/new/none", "/other"), ENOENT);
    _exit(finish());
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  CHECK_EQUAL(umount2("/tmp/gone", MNT_DETACH), 0);
  CHECK_EQUAL(rmdir("/tmp/gone"), 0);
}

// Vectors and messages with counts and lengths beyond all bounds.
static void large_vectors(void) {
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
  static struct iovec vector[1025];
  char byte = 0;
  for (int index = 0; index < 1025; index++) vector[index] = (struct iovec){&byte, 1};
  CHECK_ERROR(writev(ends[0], vector, 1025), EINVAL);
  CHECK_ERROR(syscall(SYS_writev, ends[0], vector, -1l), EINVAL);
  CHECK_EQUAL(writev(ends[0], vector, 1024), 1024);
  vector[0].iov_len = -1;
  CHECK_ERROR(writev(ends[0], vector, 2), EINVAL);
  vector[0].iov_len = 1;
  struct msghdr message = {.msg_iov = vector, .msg_iovlen = 1025};
  CHECK_ERROR(sendmsg(ends[0], &message, 0), EMSGSIZE);
  message.msg_iovlen = -1;
  CHECK_ERROR(sendmsg(ends[0], &message, 0), EMSGSIZE);
  message.msg_iovlen = 1;
  message.msg_control = &byte;
  message.msg_controllen = 1ul << 40;
  CHECK_ERROR(sendmsg(ends[0], &message, 0), ENOBUFS);
  CHECK_ERROR(syscall(SYS_process_vm_readv, getpid(), vector, 1025, vector, 1, 0), EINVAL);
  CHECK_ERROR(syscall(SYS_getdents64, open("/", O_RDONLY | O_DIRECTORY), (void *)-4096, 4096), EFAULT);
  CHECK_ERROR(syscall(SYS_getdents64, open("/", O_RDONLY | O_DIRECTORY), &byte, 1), EINVAL);
}

int main(void) {
  in_child(large_descriptors);
  in_child(large_polls);
  in_child(many_locks);
  in_child(deep_removed_directories);
  deep_file_system(0);
  deep_file_system(MNT_DETACH);
  in_child(mounts_that_are_gone);
  in_child(large_vectors);
  return finish();
}
