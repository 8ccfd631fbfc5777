// Built with musl too.
// open(2), read(2), write(2), lseek(2), stat(2), getdents64(2), dup(2), fcntl(2), path_resolution(7).
#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

static char top[64];
static char buffer[70000], other[70000];
static void *volatile nowhere = (void *)16;
static char *volatile no_path = (char *)16;
static volatile int minus_one = -1;

static void make_file(const char *path, const char *text) {
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  REQUIRE(file >= 0);
  REQUIRE(write(file, text, strlen(text)) == (ssize_t)strlen(text));
  close(file);
}

static int exit_of(pid_t child) {
  int status = -1;
  if (waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void opening(void) {
  CHECK_ERROR(open("missing", O_RDONLY), ENOENT);
  CHECK_ERROR(open("", O_RDONLY), ENOENT);
  CHECK_ERROR(open(no_path, O_RDONLY), EFAULT);
  int file = open("a", O_RDWR | O_CREAT, 0666);
  REQUIRE(file >= 0);
  struct stat status;
  REQUIRE(fstat(file, &status) == 0);
  CHECK_EQUAL(status.st_mode, S_IFREG | 0644);
  CHECK_EQUAL(status.st_size, 0);
  CHECK_EQUAL(status.st_nlink, 1);
  CHECK_EQUAL(status.st_uid, 0);
  CHECK_EQUAL(fcntl(file, F_GETFL), O_RDWR | 0100000);
  CHECK_ERROR(open("a", O_RDWR | O_CREAT | O_EXCL, 0666), EEXIST);
  CHECK_ERROR(open("a/", O_RDONLY), ENOTDIR);
  CHECK_ERROR(open("a/b", O_RDONLY), ENOTDIR);
  CHECK_ERROR(open("a/.", O_RDONLY), ENOTDIR);
  CHECK_ERROR(open("a", O_RDONLY | O_DIRECTORY), ENOTDIR);
  CHECK_ERROR(open("new/", O_WRONLY | O_CREAT, 0666), EISDIR);
  CHECK_ERROR(open(".", O_WRONLY), EISDIR);
  CHECK_ERROR(open(".", O_RDWR), EISDIR);
  CHECK_ERROR(open(".", O_RDONLY | O_CREAT, 0666), EISDIR);
  CHECK_ERROR(open("/", O_WRONLY), EISDIR);
  CHECK_ERROR(openat(file, "x", O_RDONLY), ENOTDIR);
  CHECK_ERROR(openat(999, "x", O_RDONLY), EBADF);
  CHECK_ERROR(openat(999, "", O_RDONLY), ENOENT);
  int root = openat(999, "/", O_RDONLY);
  CHECK(root >= 0);
  close(root);
  CHECK_EQUAL(write(file, "hello", 5), 5);
  int truncated = open("a", O_WRONLY | O_TRUNC);
  CHECK(truncated >= 0);
  REQUIRE(fstat(file, &status) == 0);
  CHECK_EQUAL(status.st_size, 0);
  CHECK_ERROR(read(truncated, buffer, 1), EBADF);
  close(truncated);
  CHECK_EQUAL(close(file), 0);
  CHECK_ERROR(close(file), EBADF);
  CHECK_ERROR(close(-1), EBADF);
  // The lowest free descriptor.
  int first = open("a", O_RDONLY), second = open("a", O_RDONLY);
  close(first);
  CHECK_EQUAL(open("a", O_RDONLY), first);
  CHECK_ERROR(write(first, "x", 1), EBADF);
  close(first);
  close(second);
  // O_PATH
  int place = open("a", O_PATH);
  REQUIRE(place >= 0);
  CHECK_ERROR(read(place, buffer, 1), EBADF);
  CHECK_ERROR(lseek(place, 0, SEEK_SET), EBADF);
  CHECK_EQUAL(fstat(place, &status), 0);
  struct pollfd nothing = {place, POLLIN, 0};
  CHECK_EQUAL(poll(&nothing, 1, 0), 1);
  CHECK_EQUAL(nothing.revents, POLLNVAL);
  close(place);
  // creat, and the umask
  CHECK_EQUAL(umask(077), 022);
  file = creat("b", 0777);
  REQUIRE(fstat(file, &status) == 0);
  CHECK_EQUAL(status.st_mode, S_IFREG | 0700);
  CHECK_ERROR(read(file, buffer, 1), EBADF);
  close(file);
  CHECK_EQUAL(umask(022), 077);
  CHECK_EQUAL(unlink("b"), 0);
}

static void reading_and_writing(void) {
  int file = open("rw", O_RDWR | O_CREAT | O_TRUNC, 0644);
  REQUIRE(file >= 0);
  for (int i = 0; i < 70000; i++) buffer[i] = (char)(i * 7 + i / 256);
  CHECK_EQUAL(write(file, buffer, 70000), 70000);
  CHECK_EQUAL(read(file, other, 10), 0);
  CHECK_EQUAL(lseek(file, 0, SEEK_SET), 0);
  CHECK_EQUAL(read(file, other, 70000), 70000);
  CHECK(memcmp(buffer, other, 70000) == 0);
  CHECK_EQUAL(pread(file, other, 100, 4090), 100);
  CHECK(memcmp(buffer + 4090, other, 100) == 0);
  CHECK_EQUAL(pread(file, other, 100, 69990), 10);
  CHECK_EQUAL(pread(file, other, 100, 70000), 0);
  CHECK_EQUAL(pread(file, other, 100, 1000000), 0);
  CHECK_ERROR(pread(file, other, 100, -1), EINVAL);
  CHECK_ERROR(pwrite(file, other, 100, -1), EINVAL);
  CHECK_EQUAL(pwrite(file, "abc", 3, 100000), 3);
  CHECK_EQUAL(lseek(file, 0, SEEK_CUR), 70000);
  int rest = -1;
  CHECK_EQUAL(ioctl(file, FIONREAD, &rest), 0);
  CHECK_EQUAL(rest, 30003);
  CHECK_EQUAL(lseek(file, 0, SEEK_END), 100003);
  CHECK_EQUAL(pread(file, other, 4, 99999), 4);
  CHECK(memcmp(other, "\0abc", 4) == 0);
  // A bad buffer
  CHECK_EQUAL(lseek(file, 0, SEEK_SET), 0);
  CHECK_ERROR(read(file, nowhere, 10), EFAULT);
  CHECK_ERROR(write(file, nowhere, 10), EFAULT);
  CHECK_EQUAL(write(file, "", 0), 0);
  CHECK_EQUAL(read(file, other, 0), 0);
  CHECK_ERROR(read(999, other, 1), EBADF);
  int directory = open(".", O_RDONLY);
  CHECK_ERROR(read(directory, other, 10), EISDIR);
  CHECK_ERROR(write(directory, other, 10), EBADF);
  CHECK_ERROR(pread(directory, other, 10, 0), EISDIR);
  CHECK_ERROR(pwrite(directory, other, 10, 0), EBADF);
  close(directory);
  CHECK_ERROR(open(".", O_RDONLY | O_TRUNC), EISDIR);
  // Vectors
  char one[3], two[5];
  struct iovec in[3] = {{one, 3}, {nowhere, 0}, {two, 5}};
  CHECK_EQUAL(readv(file, in, 3), 8);
  CHECK(memcmp(one, buffer, 3) == 0 && memcmp(two, buffer + 3, 5) == 0);
  CHECK_EQUAL(lseek(file, 0, SEEK_CUR), 8);
  CHECK_EQUAL(preadv(file, in, 3, 100), 8);
  CHECK(memcmp(one, buffer + 100, 3) == 0 && memcmp(two, buffer + 103, 5) == 0);
  struct iovec out[2] = {{"xx", 2}, {"yyy", 3}};
  CHECK_EQUAL(writev(file, out, 2), 5);
  CHECK_EQUAL(pread(file, other, 7, 7), 7);
  CHECK(memcmp(other + 1, "xxyyy", 5) == 0);
  CHECK_EQUAL(pwritev(file, out, 2, 1), 5);
  CHECK_EQUAL(readv(file, in, 0), 0);
  CHECK_ERROR(readv(file, in, minus_one), EINVAL);
  CHECK_ERROR(readv(file, in, minus_one + 1026), EINVAL);
  CHECK_ERROR(readv(file, (struct iovec *)nowhere, 1), EFAULT);
  struct iovec negative[1] = {{one, (size_t)-1}};
  CHECK_ERROR(readv(file, negative, 1), EINVAL);
  CHECK_ERROR(syscall(SYS_preadv2, file, in, 3, 0L, 0L, 0x400), EOPNOTSUPP);
  CHECK_EQUAL(syscall(SYS_preadv2, file, in, 3, 0L, 0L, 0), 8);
  CHECK_ERROR(syscall(SYS_preadv2, file, in, 3, -2L, -1L, 0), EINVAL);
  // O_APPEND
  int appending = open("rw", O_WRONLY | O_APPEND);
  CHECK_EQUAL(lseek(appending, 5, SEEK_SET), 5);
  CHECK_EQUAL(write(appending, "end", 3), 3);
  CHECK_EQUAL(lseek(appending, 0, SEEK_CUR), 100006);
  CHECK_EQUAL(pwrite(appending, "END", 3, 0), 3);
  CHECK_EQUAL(lseek(file, 0, SEEK_END), 100009);
  close(appending);
  // Seeks
  CHECK_ERROR(lseek(file, -1, SEEK_SET), EINVAL);
  CHECK_ERROR(lseek(file, -200000, SEEK_END), EINVAL);
  CHECK_ERROR(lseek(file, 0, 99), EINVAL);
  CHECK_EQUAL(lseek(file, 1L << 40, SEEK_SET), 1L << 40);
  CHECK_EQUAL(read(file, other, 1), 0);
  // Size
  CHECK_EQUAL(ftruncate(file, 10), 0);
  CHECK_EQUAL(lseek(file, 0, SEEK_END), 10);
  CHECK_EQUAL(ftruncate(file, 5000), 0);
  CHECK_EQUAL(pread(file, other, 5000, 0), 5000);
  for (int i = 10; i < 5000; i++) if (other[i]) { CHECK(!"zeros"); break; }
  // A file of less than a page keeps what lies before its new end.
  CHECK_EQUAL(truncate("rw", 0), 0);
  CHECK_EQUAL(pwrite(file, "first and last", 14, 0), 14);
  CHECK_EQUAL(ftruncate(file, 5), 0);
  CHECK_EQUAL(pread(file, other, 14, 0), 5);
  CHECK_EQUAL(memcmp(other, "first", 5), 0);
  CHECK_ERROR(ftruncate(file, -1), EINVAL);
  int readable = open("rw", O_RDONLY);
  CHECK_ERROR(ftruncate(readable, 1), EINVAL);
  CHECK_EQUAL(truncate("rw", 3), 0);
  CHECK_EQUAL(lseek(readable, 0, SEEK_END), 3);
  CHECK_ERROR(truncate(".", 3), EISDIR);
  CHECK_ERROR(truncate("rw", -3), EINVAL);
  CHECK_ERROR(truncate("missing", 3), ENOENT);
  close(readable);
  close(file);
  CHECK_EQUAL(unlink("rw"), 0);
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  CHECK_ERROR(lseek(ends[0], 0, SEEK_SET), ESPIPE);
  CHECK_ERROR(pread(ends[0], other, 1, 0), ESPIPE);
  CHECK_ERROR(pwrite(ends[1], other, 1, 0), ESPIPE);
  close(ends[0]);
  close(ends[1]);
}

static void shared_offset(void) {
  int file = open("shared", O_RDWR | O_CREAT, 0600);
  pid_t child = fork();
  if (child == 0) _exit(write(file, "one", 3) == 3 ? 0 : 1);
  CHECK_EQUAL(exit_of(child), 0);
  CHECK_EQUAL(lseek(file, 0, SEEK_CUR), 3);
  int copy = dup(file);
  CHECK_EQUAL(write(copy, "two", 3), 3);
  CHECK_EQUAL(lseek(file, 0, SEEK_CUR), 6);
  close(copy);
  // Many writers, and not one byte lost.
  CHECK_EQUAL(ftruncate(file, 0), 0);
  CHECK_EQUAL(lseek(file, 0, SEEK_SET), 0);
  pid_t children[4];
  for (int i = 0; i < 4; i++) {
    children[i] = fork();
    if (children[i] == 0) {
      char line[10];
      memset(line, 'a' + i, 10);
      for (int n = 0; n < 200; n++) if (write(file, line, 10) != 10) _exit(1);
      _exit(0);
    }
  }
  for (int i = 0; i < 4; i++) CHECK_EQUAL(exit_of(children[i]), 0);
  CHECK_EQUAL(lseek(file, 0, SEEK_CUR), 8000);
  CHECK_EQUAL(pread(file, buffer, 8000, 0), 8000);
  int counts[4] = {0}, mixed = 0;
  for (int i = 0; i < 800; i++) {
    for (int n = 1; n < 10; n++) mixed += buffer[i * 10 + n] != buffer[i * 10];
    if (buffer[i * 10] >= 'a' && buffer[i * 10] <= 'd') counts[buffer[i * 10] - 'a']++;
  }
  CHECK_EQUAL(mixed, 0);
  for (int i = 0; i < 4; i++) CHECK_EQUAL(counts[i], 200);
  close(file);
  unlink("shared");
}

static void descriptors(void) {
  make_file("d", "0123456789");
  int file = open("d", O_RDONLY);
  CHECK_EQUAL(dup2(file, file), file);
  CHECK_ERROR(dup2(999, 5), EBADF);
  CHECK_ERROR(dup2(999, 999), EBADF);
  CHECK_ERROR(dup2(file, -1), EBADF);
  CHECK_ERROR(dup2(file, 1 << 20), EBADF);
  CHECK_EQUAL(dup2(file, 50), 50);
  CHECK_EQUAL(lseek(50, 4, SEEK_SET), 4);
  CHECK_EQUAL(lseek(file, 0, SEEK_CUR), 4);
  CHECK_ERROR(dup3(file, file, 0), EINVAL);
  CHECK_ERROR(syscall(SYS_dup3, file, 51, O_APPEND), EINVAL);
  CHECK_EQUAL(dup3(file, 51, O_CLOEXEC), 51);
  CHECK_EQUAL(fcntl(51, F_GETFD), FD_CLOEXEC);
  CHECK_EQUAL(fcntl(50, F_GETFD), 0);
  CHECK_EQUAL(fcntl(50, F_SETFD, FD_CLOEXEC), 0);
  CHECK_EQUAL(fcntl(50, F_GETFD), FD_CLOEXEC);
  CHECK_EQUAL(fcntl(file, F_DUPFD, 60), 60);
  CHECK_EQUAL(fcntl(file, F_DUPFD, 60), 61);
  CHECK_EQUAL(fcntl(file, F_DUPFD_CLOEXEC, 60), 62);
  CHECK_EQUAL(fcntl(62, F_GETFD), FD_CLOEXEC);
  CHECK_EQUAL(fcntl(61, F_GETFD), 0);
  CHECK_ERROR(fcntl(file, F_DUPFD, -1), EINVAL);
  CHECK_ERROR(fcntl(file, F_DUPFD, 1 << 21), EINVAL);
  CHECK_ERROR(fcntl(999, F_GETFD), EBADF);
  CHECK_ERROR(fcntl(file, 12345), EINVAL);
  CHECK_EQUAL(fcntl(file, F_SETFL, O_APPEND | O_NONBLOCK | O_RDWR | O_CREAT), 0);
  CHECK_EQUAL(fcntl(file, F_GETFL), O_APPEND | O_NONBLOCK | 0100000);
  CHECK_EQUAL(fcntl(61, F_GETFL), O_APPEND | O_NONBLOCK | 0100000);
  CHECK_EQUAL(syscall(SYS_close_range, 50, 61, 0), 0);
  CHECK_ERROR(fcntl(50, F_GETFD), EBADF);
  CHECK_ERROR(fcntl(61, F_GETFD), EBADF);
  CHECK_EQUAL(fcntl(62, F_GETFD), FD_CLOEXEC);
  CHECK_EQUAL(fcntl(62, F_SETFD, 0), 0);
  CHECK_EQUAL(syscall(SYS_close_range, 50, ~0U, 4), 0);
  CHECK_EQUAL(fcntl(62, F_GETFD), FD_CLOEXEC);
  CHECK_ERROR(syscall(SYS_close_range, 5, 4, 0), EINVAL);
  CHECK_ERROR(syscall(SYS_close_range, 5, 6, 8), EINVAL);
  close(62);
  close(file);
  file = open("d", O_RDONLY | O_CLOEXEC);
  CHECK_EQUAL(fcntl(file, F_GETFD), FD_CLOEXEC);
  CHECK_EQUAL(fcntl(file, F_GETFL), 0100000);
  close(file);
  // What is in no file system is called by its kind.
  char link[40];
  file = syscall(SYS_eventfd2, 0, 0);
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  memset(other, 0, 40);
  CHECK_EQUAL(readlink(link, other, 40), 20);
  CHECK_TEXT(other, "anon_inode:[eventfd]");
  close(file);
  // One more than there may be.
  int last = -1, next;
  while ((next = open("d", O_RDONLY)) >= 0) last = next;
  CHECK(errno == EMFILE);
  CHECK(last > 100);
  for (int i = 3; i <= last; i++) close(i);
  unlink("d");
}

static void paths(void) {
  REQUIRE(mkdir("p", 0755) == 0);
  REQUIRE(mkdir("p/q", 0755) == 0);
  make_file("p/q/f", "text");
  struct stat status, same;
  CHECK_EQUAL(stat("p/q/f", &status), 0);
  CHECK_EQUAL(stat("./p/../p/./q//f", &same), 0);
  CHECK_EQUAL(status.st_ino, same.st_ino);
  CHECK_EQUAL(stat("p/q/", &same), 0);
  CHECK_EQUAL(stat("p/q/f/..", &same), -1);
  CHECK_ERROR(stat("p/q/f/", &same), ENOTDIR);
  CHECK_ERROR(stat("p/missing/..", &same), ENOENT);
  CHECK_EQUAL(stat("/../../..", &same), 0);
  // Links
  REQUIRE(symlink("q/f", "p/link") == 0);
  REQUIRE(symlink("q", "p/directory") == 0);
  REQUIRE(symlink("loop", "p/loop") == 0);
  REQUIRE(symlink("nowhere", "p/dangling") == 0);
  CHECK_EQUAL(stat("p/link", &same), 0);
  CHECK_EQUAL(status.st_ino, same.st_ino);
  CHECK_EQUAL(lstat("p/link", &same), 0);
  CHECK(S_ISLNK(same.st_mode));
  CHECK_EQUAL(same.st_size, 3);
  CHECK_EQUAL(same.st_mode, S_IFLNK | 0777);
  CHECK_EQUAL(stat("p/directory/f", &same), 0);
  CHECK_EQUAL(lstat("p/directory/", &same), 0);
  CHECK(S_ISDIR(same.st_mode));
  CHECK_ERROR(stat("p/loop", &same), ELOOP);
  CHECK_ERROR(stat("p/loop/x", &same), ELOOP);
  CHECK_EQUAL(lstat("p/loop", &same), 0);
  CHECK_ERROR(stat("p/dangling", &same), ENOENT);
  CHECK_ERROR(lstat("p/link/", &same), ENOTDIR);
  CHECK_ERROR(open("p/link", O_RDONLY | O_NOFOLLOW), ELOOP);
  CHECK_ERROR(open("p/link", O_RDONLY | O_NOFOLLOW | O_DIRECTORY), ENOTDIR);
  CHECK_ERROR(open("p/dangling", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
  int file = open("p/dangling", O_RDWR | O_CREAT, 0600);
  CHECK(file >= 0);
  close(file);
  CHECK_EQUAL(stat("p/nowhere", &same), 0);
  file = open("p/link", O_PATH | O_NOFOLLOW);
  CHECK(file >= 0);
  CHECK_EQUAL(fstat(file, &same), 0);
  CHECK(S_ISLNK(same.st_mode));
  CHECK_EQUAL(readlinkat(file, "", other, 100), 3);
  close(file);
  memset(other, 'x', 10);
  CHECK_EQUAL(readlink("p/link", other, 100), 3);
  CHECK(memcmp(other, "q/fx", 4) == 0);
  CHECK_EQUAL(readlink("p/link", other, 2), 2);
  CHECK_ERROR(readlink("p/q", other, 100), EINVAL);
  CHECK_ERROR(syscall(SYS_readlink, "p/link", other, 0), EINVAL);
  CHECK_ERROR(readlink("missing", other, 10), ENOENT);
  // Forty links are followed, one more is not.
  for (int i = 0; i < 42; i++) {
    char from[20], to[20];
    snprintf(from, 20, "chain%d", i);
    snprintf(to, 20, i ? "chain%d" : "p", i - 1);
    REQUIRE(symlink(to, from) == 0);
  }
  CHECK_EQUAL(stat("chain39", &same), 0);
  CHECK_ERROR(stat("chain40", &same), ELOOP);
  CHECK_EQUAL(lstat("chain40", &same), 0);
  for (int i = 0; i < 42; i++) {
    char from[20];
    snprintf(from, 20, "chain%d", i);
    unlink(from);
  }
  // Lengths
  char name[300];
  memset(name, 'n', 299);
  name[256] = 0;
  CHECK_ERROR(stat(name, &same), ENAMETOOLONG);
  CHECK_ERROR(open(name, O_CREAT | O_RDWR, 0600), ENAMETOOLONG);
  name[255] = 0;
  CHECK_ERROR(stat(name, &same), ENOENT);
  file = open(name, O_CREAT | O_RDWR, 0600);
  CHECK(file >= 0);
  close(file);
  CHECK_EQUAL(unlink(name), 0);
  memset(buffer, '/', 5000);
  buffer[4096] = 0;
  CHECK_ERROR(stat(buffer, &same), ENAMETOOLONG);
  buffer[4095] = 0;
  CHECK_EQUAL(stat(buffer, &same), 0);
  // AT_EMPTY_PATH
  file = open("p/q/f", O_RDONLY);
  CHECK_EQUAL(fstatat(file, "", &same, AT_EMPTY_PATH), 0);
  CHECK_EQUAL(same.st_ino, status.st_ino);
  CHECK_ERROR(fstatat(file, "", &same, 0), ENOENT);
  CHECK_ERROR(fstatat(file, "", &same, 0x8), EINVAL);
  CHECK_ERROR(fstatat(file, "x", &same, 0), ENOTDIR);
  close(file);
  int directory = open("p", O_RDONLY | O_DIRECTORY);
  CHECK_EQUAL(fstatat(directory, "q/f", &same, 0), 0);
  CHECK_EQUAL(fstatat(directory, "link", &same, AT_SYMLINK_NOFOLLOW), 0);
  CHECK(S_ISLNK(same.st_mode));
  // Linux's struct statx, by its offsets: musl does not always have it.
  static union { char bytes[256]; unsigned int words[64]; unsigned short halves[128]; unsigned long long longs[32]; } extended;
  memset(&extended, 0xFF, sizeof extended);
  CHECK_EQUAL(syscall(SYS_statx, directory, "q/f", 0, 0x7FF, &extended), 0);
  CHECK_EQUAL(extended.words[0] & 0x7FF, 0x7FF);
  CHECK_EQUAL(extended.words[4], 1);
  CHECK_EQUAL(extended.halves[14], S_IFREG | 0644);
  CHECK_EQUAL(extended.longs[4], status.st_ino);
  CHECK_EQUAL(extended.longs[5], 4);
  CHECK_EQUAL(extended.longs[14], status.st_mtim.tv_sec);
  CHECK_ERROR(syscall(SYS_statx, directory, "q/f", 0x8000000, 0, &extended), EINVAL);
  // openat2
  struct { unsigned long long flags, mode, resolve; } how = {O_RDONLY, 0, 0x08};
  file = syscall(SYS_openat2, directory, "q/f", &how, sizeof how);
  CHECK(file >= 0);
  close(file);
  CHECK_ERROR(syscall(SYS_openat2, directory, "../p", &how, sizeof how), EXDEV);
  CHECK_ERROR(syscall(SYS_openat2, directory, "/", &how, sizeof how), EXDEV);
  how.resolve = 0x04;
  CHECK_ERROR(syscall(SYS_openat2, directory, "directory/f", &how, sizeof how), ELOOP);
  how.resolve = 0x10;
  file = syscall(SYS_openat2, directory, "/../../q/f", &how, sizeof how);
  CHECK(file >= 0);
  close(file);
  how.resolve = 0x100;
  CHECK_ERROR(syscall(SYS_openat2, directory, "q", &how, sizeof how), EINVAL);
  how.resolve = 0;
  how.mode = 0600;
  CHECK_ERROR(syscall(SYS_openat2, directory, "q", &how, sizeof how), EINVAL);
  CHECK_ERROR(syscall(SYS_openat2, directory, "q", &how, 8), EINVAL);
  close(directory);
  // access
  CHECK_EQUAL(access("p/q/f", R_OK | W_OK), 0);
  CHECK_ERROR(access("p/q/f", X_OK), EACCES);
  CHECK_EQUAL(access("p", X_OK), 0);
  CHECK_ERROR(access("missing", F_OK), ENOENT);
  CHECK_ERROR(access("p", 8), EINVAL);
}

static void working_directory(void) {
  char path[PATH_MAX], expected[PATH_MAX];
  snprintf(expected, sizeof expected, "%s/p/q", top);
  CHECK_EQUAL(chdir("p/q"), 0);
  CHECK(getcwd(path, sizeof path) != NULL);
  CHECK_TEXT(path, expected);
  CHECK_EQUAL(syscall(SYS_getcwd, path, sizeof path), strlen(expected) + 1);
  CHECK_ERROR(syscall(SYS_getcwd, path, 3), ERANGE);
  CHECK_ERROR(syscall(SYS_getcwd, nowhere, 100), EFAULT);
  CHECK_ERROR(chdir("f"), ENOTDIR);
  CHECK_ERROR(chdir("missing"), ENOENT);
  CHECK_EQUAL(rename("../../p/q", "../../p/r"), 0);
  snprintf(expected, sizeof expected, "%s/p/r", top);
  CHECK(getcwd(path, sizeof path) != NULL);
  CHECK_TEXT(path, expected);
  CHECK_EQUAL(rename("../r", "../q"), 0);
  int back = open("../..", O_RDONLY);
  CHECK_EQUAL(fchdir(back), 0);
  CHECK(getcwd(path, sizeof path) != NULL);
  CHECK_TEXT(path, top);
  close(back);
  // A directory that is gone.
  REQUIRE(mkdir("gone", 0755) == 0);
  REQUIRE(chdir("gone") == 0);
  REQUIRE(rmdir("../gone") == 0);
  CHECK_ERROR(syscall(SYS_getcwd, path, sizeof path), ENOENT);
  CHECK_ERROR(open("x", O_CREAT | O_RDWR, 0600), ENOENT);
  CHECK_ERROR(mkdir("x", 0700), ENOENT);
  struct stat status;
  CHECK_EQUAL(stat(".", &status), 0);
  CHECK_EQUAL(status.st_nlink, 0);
  CHECK_EQUAL(chdir(top), 0);
}

struct record {
  unsigned long long number;
  long long offset;
  unsigned short length;
  unsigned char type;
  char name[];
};

static void listing(void) {
  REQUIRE(mkdir("list", 0755) == 0);
  for (int i = 0; i < 300; i++) {
    char name[64];
    snprintf(name, sizeof name, "list/file-number-%d", i);
    make_file(name, "");
  }
  REQUIRE(mkdir("list/directory", 0755) == 0);
  REQUIRE(symlink("x", "list/link") == 0);
  int directory = open("list", O_RDONLY | O_DIRECTORY);
  int seen = 0, dots = 0, directories = 0, links = 0, number;
  char found[300] = {0};
  long length;
  while ((length = syscall(SYS_getdents64, directory, buffer, 1000)) > 0) {
    for (long at = 0; at < length;) {
      struct record *record = (struct record *)(buffer + at);
      if (record->length < 20) { CHECK(!"a record's length"); break; }
      if (!strcmp(record->name, ".") || !strcmp(record->name, "..")) dots++;
      else if (record->type == DT_DIR) directories++;
      else if (record->type == DT_LNK) links++;
      else if (sscanf(record->name, "file-number-%d", &number) == 1 && record->type == DT_REG) {
        found[number]++;
        seen++;
      }
      at += record->length;
    }
  }
  CHECK_EQUAL(length, 0);
  CHECK_EQUAL(seen, 300);
  CHECK_EQUAL(dots, 2);
  CHECK_EQUAL(directories, 1);
  CHECK_EQUAL(links, 1);
  for (int i = 0; i < 300; i++) CHECK(found[i] == 1);
  CHECK_EQUAL(lseek(directory, 0, SEEK_SET), 0);
  CHECK_ERROR(syscall(SYS_getdents64, directory, buffer, 5), EINVAL);
  CHECK_ERROR(syscall(SYS_getdents64, directory, nowhere, 1000), EFAULT);
  CHECK_ERROR(syscall(SYS_getdents64, 999, buffer, 1000), EBADF);
  close(directory);
  int file = open("p/q/f", O_RDONLY);
  CHECK_ERROR(syscall(SYS_getdents64, file, buffer, 1000), ENOTDIR);
  close(file);
  // All go while they are listed.
  DIR *stream = opendir("list");
  REQUIRE(stream != NULL);
  struct dirent *entry;
  int removed = 0;
  while ((entry = readdir(stream))) {
    if (entry->d_name[0] == '.') continue;
    char name[300];
    snprintf(name, sizeof name, "list/%s", entry->d_name);
    if (unlink(name) == 0 || rmdir(name) == 0) removed++;
  }
  closedir(stream);
  CHECK_EQUAL(removed, 302);
  // Names that come while others are listed: it ends.
  for (int renames = 0; renames < 2; renames++) {
    make_file("list/a", "");
    make_file("list/b", "");
    int listed = 0;
    REQUIRE((stream = opendir("list")) != NULL);
    while (listed < 100 && (entry = readdir(stream))) {
      if (entry->d_name[0] == '.') continue;
      char name[300], other[300];
      snprintf(name, sizeof name, "list/%s", entry->d_name);
      snprintf(other, sizeof other, "list/%sx", entry->d_name);
      if (renames) rename(name, other); else make_file(other, "");
      listed++;
    }
    CHECK(listed < 100);
    rewinddir(stream);
    while ((entry = readdir(stream))) {
      char name[300];
      snprintf(name, sizeof name, "list/%s", entry->d_name);
      unlink(name);
    }
    closedir(stream);
  }
  CHECK_EQUAL(rmdir("list"), 0);
}

// The times that reading leaves, and the errors about times.
static void access_times(void) {
  struct timespec old[2] = {{1000, 0}, {1000, 0}}, wrong[2] = {{1, 1000000000}, {1, 0}};
  struct stat status;
  REQUIRE(mkdir("times", 0755) == 0);
  for (int flags = 0; flags <= O_NOATIME; flags += O_NOATIME) {
    CHECK_EQUAL(utimensat(AT_FDCWD, "times", old, 0), 0);
    int directory = open("times", O_RDONLY | O_DIRECTORY | flags);
    CHECK(syscall(SYS_getdents64, directory, buffer, 1000) > 0);
    CHECK_EQUAL(fstat(directory, &status), 0);
    CHECK_EQUAL(status.st_atime == 1000, flags != 0);
    close(directory);
  }
  CHECK_ERROR(utimensat(AT_FDCWD, "times", wrong, 0), EINVAL);
  CHECK_ERROR(utimensat(AT_FDCWD, "missing", wrong, 0), ENOENT);
  CHECK_EQUAL(rmdir("times"), 0);
}

static void holes(void) {
  int file = open("holes", O_RDWR | O_CREAT, 0600);
  CHECK_EQUAL(pwrite(file, "x", 1, 3 * 65536), 1);
  CHECK_EQUAL(lseek(file, 0, SEEK_HOLE), 0);
  CHECK_EQUAL(lseek(file, 0, SEEK_DATA) >= 1, 1);
  CHECK_EQUAL(lseek(file, 3 * 65536, SEEK_DATA), 3 * 65536);
  CHECK_EQUAL(lseek(file, 3 * 65536, SEEK_HOLE), 3 * 65536 + 1);
  CHECK_ERROR(lseek(file, 3 * 65536 + 1, SEEK_DATA), ENXIO);
  CHECK_ERROR(lseek(file, 3 * 65536 + 1, SEEK_HOLE), ENXIO);
  struct stat status;
  CHECK_EQUAL(fstat(file, &status), 0);
  CHECK(status.st_blocks < 300);
  close(file);
  unlink("holes");
}

int main(void) {
  umask(022);
  mkdir("/tmp", 01777);
  snprintf(top, sizeof top, "/tmp/files-%d", getpid());
  REQUIRE(mkdir(top, 0755) == 0);
  REQUIRE(chdir(top) == 0);
  opening();
  reading_and_writing();
  shared_offset();
  descriptors();
  paths();
  working_directory();
  listing();
  access_times();
  holes();
  return finish();
}
