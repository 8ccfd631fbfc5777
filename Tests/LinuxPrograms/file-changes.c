// Built with musl too.
// mkdir(2), rename(2), link(2), unlink(2), chmod(2), chown(2), utimensat(2), fallocate(2), mount(2), locks.
#include "asleep.h"
#include "check.h"
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

static char top[64], buffer[10000];
static void *volatile nowhere = (void *)16;

static int exit_of(pid_t child) {
  int status = -1;
  if (waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void make_file(const char *path, const char *text) {
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  REQUIRE(file >= 0);
  REQUIRE(write(file, text, strlen(text)) == (ssize_t)strlen(text));
  close(file);
}

static long links_of(const char *path) {
  struct stat status;
  return lstat(path, &status) == 0 ? (long)status.st_nlink : -1;
}

static unsigned mode_of(const char *path) {
  struct stat status;
  return lstat(path, &status) == 0 ? status.st_mode : 0;
}

static void directories(void) {
  CHECK_EQUAL(mkdir("a", 0777), 0);
  CHECK_EQUAL(mode_of("a"), S_IFDIR | 0755);
  CHECK_ERROR(mkdir("a", 0777), EEXIST);
  CHECK_ERROR(mkdir("a/", 0777), EEXIST);
  CHECK_ERROR(mkdir(".", 0777), EEXIST);
  CHECK_ERROR(mkdir("a/..", 0777), EEXIST);
  CHECK_ERROR(mkdir("/", 0777), EEXIST);
  CHECK_ERROR(mkdir("missing/b", 0777), ENOENT);
  CHECK_ERROR(mkdir("", 0777), ENOENT);
  CHECK_EQUAL(mkdir("a/b/", 0777), 0);
  make_file("file", "x");
  CHECK_ERROR(mkdir("file/b", 0777), ENOTDIR);
  CHECK_ERROR(mkdir("file", 0777), EEXIST);
  CHECK_ERROR(rmdir("a"), ENOTEMPTY);
  CHECK_ERROR(rmdir("a/."), EINVAL);
  CHECK_ERROR(rmdir("a/b/.."), ENOTEMPTY);
  CHECK_ERROR(rmdir("/"), EBUSY);
  CHECK_ERROR(rmdir("file"), ENOTDIR);
  CHECK_ERROR(rmdir("missing"), ENOENT);
  CHECK_ERROR(unlink("a"), EISDIR);
  CHECK_ERROR(unlink("file/"), ENOTDIR);
  CHECK_ERROR(unlink("missing"), ENOENT);
  CHECK_EQUAL(rmdir("a/b/"), 0);
  CHECK_EQUAL(unlinkat(AT_FDCWD, "a", AT_REMOVEDIR), 0);
  CHECK_ERROR(unlinkat(AT_FDCWD, "file", 0x8), EINVAL);
  CHECK_EQUAL(unlink("file"), 0);
  // mknod
  CHECK_EQUAL(mknod("fifo", S_IFIFO | 0666, 0), 0);
  CHECK_EQUAL(mode_of("fifo"), S_IFIFO | 0644);
  CHECK_EQUAL(mknod("plain", 0600, 0), 0);
  CHECK_EQUAL(mode_of("plain"), S_IFREG | 0600);
  CHECK_ERROR(mknod("fifo", S_IFIFO | 0666, 0), EEXIST);
  CHECK_ERROR(mknod("d", S_IFDIR | 0666, 0), EPERM);
  unlink("fifo");
  unlink("plain");
}

static void links(void) {
  make_file("one", "text");
  CHECK_EQUAL(link("one", "two"), 0);
  CHECK_EQUAL(links_of("one"), 2);
  CHECK_ERROR(link("one", "two"), EEXIST);
  CHECK_ERROR(link("missing", "three"), ENOENT);
  CHECK_ERROR(link("one", "three/"), ENOENT);
  CHECK_ERROR(link(".", "three"), EPERM);
  CHECK_EQUAL(unlink("one"), 0);
  CHECK_EQUAL(links_of("two"), 1);
  CHECK_EQUAL(symlink("two", "sym"), 0);
  CHECK_EQUAL(link("sym", "hard"), 0);
  CHECK(S_ISLNK(mode_of("hard")));
  CHECK_EQUAL(linkat(AT_FDCWD, "sym", AT_FDCWD, "followed", AT_SYMLINK_FOLLOW), 0);
  CHECK(S_ISREG(mode_of("followed")));
  CHECK_ERROR(linkat(AT_FDCWD, "sym", AT_FDCWD, "x", 0x8), EINVAL);
  CHECK_ERROR(symlink("", "x"), ENOENT);
  CHECK_ERROR(symlink("x", "sym"), EEXIST);
  // A file lives on while it is open.
  int file = open("two", O_RDWR);
  unlink("two");
  unlink("followed");
  struct stat status;
  CHECK_EQUAL(fstat(file, &status), 0);
  CHECK_EQUAL(status.st_nlink, 0);
  CHECK_EQUAL(pread(file, buffer, 4, 0), 4);
  CHECK(memcmp(buffer, "text", 4) == 0);
  close(file);
  unlink("sym");
  unlink("hard");
  // O_TMPFILE, and its name
  file = open(".", O_RDWR | O_TMPFILE, 0600);
  if (file >= 0) {
    CHECK_EQUAL(write(file, "named", 5), 5);
    CHECK_EQUAL(linkat(file, "", AT_FDCWD, "temporary", AT_EMPTY_PATH), 0);
    CHECK_EQUAL(links_of("temporary"), 1);
    unlink("temporary");
    // It was one name that it could get.
    CHECK_ERROR(linkat(file, "", AT_FDCWD, "temporary", AT_EMPTY_PATH), ENOENT);
    close(file);
  } else CHECK_EQUAL(errno, EOPNOTSUPP);
}

static void renames(void) {
  REQUIRE(mkdir("d", 0755) == 0 && mkdir("d/e", 0755) == 0 && mkdir("empty", 0755) == 0);
  make_file("f", "f");
  make_file("g", "g");
  CHECK_EQUAL(rename("f", "f"), 0);
  CHECK_EQUAL(rename("f", "g"), 0);
  CHECK_EQUAL(links_of("f"), -1);
  CHECK_ERROR(rename("f", "x"), ENOENT);
  CHECK_ERROR(rename("g", "d"), EISDIR);
  CHECK_ERROR(rename("d", "g"), ENOTDIR);
  CHECK_ERROR(rename("empty", "d"), ENOTEMPTY);
  CHECK_ERROR(rename("d", "d/e/x"), EINVAL);
  CHECK_ERROR(rename("d", "d/x"), EINVAL);
  CHECK_ERROR(rename("d/e", "d"), ENOTEMPTY);
  CHECK_ERROR(rename("d/.", "x"), EBUSY);
  CHECK_ERROR(rename("d", "empty/.."), EBUSY);
  CHECK_ERROR(rename("g", "x/"), ENOTDIR);
  CHECK_ERROR(rename("g/", "x"), ENOTDIR);
  CHECK_EQUAL(links_of("d"), 3);
  CHECK_EQUAL(rename("d/e", "empty"), 0);
  CHECK_EQUAL(links_of("d"), 2);
  CHECK_EQUAL(rename("d", "empty/d/"), 0);
  CHECK_EQUAL(links_of("empty"), 3);
  CHECK_EQUAL(rename("empty/d", "d"), 0);
  make_file("h", "hh");
  CHECK_ERROR(syscall(SYS_renameat2, AT_FDCWD, "g", AT_FDCWD, "h", 1), EEXIST);
  CHECK_ERROR(syscall(SYS_renameat2, AT_FDCWD, "g", AT_FDCWD, "h", 3), EINVAL);
  CHECK_ERROR(syscall(SYS_renameat2, AT_FDCWD, "g", AT_FDCWD, "missing", 2), ENOENT);
  CHECK_ERROR(syscall(SYS_renameat2, AT_FDCWD, "g", AT_FDCWD, "h", 8), EINVAL);
  CHECK_EQUAL(syscall(SYS_renameat2, AT_FDCWD, "g", AT_FDCWD, "d/n", 1), 0);
  CHECK_EQUAL(syscall(SYS_renameat2, AT_FDCWD, "d", AT_FDCWD, "h", 2), 0);
  CHECK(S_ISDIR(mode_of("h")) && S_ISREG(mode_of("d")) && S_ISREG(mode_of("h/n")));
  // Two names of one file stay as they are.
  CHECK_EQUAL(link("d", "same"), 0);
  CHECK_EQUAL(rename("d", "same"), 0);
  CHECK_EQUAL(links_of("d"), 2);
  unlink("d"); unlink("same"); unlink("h/n"); rmdir("h"); rmdir("empty");
}

static void attributes(void) {
  make_file("m", "x");
  CHECK_EQUAL(chmod("m", 04755), 0);
  CHECK_EQUAL(mode_of("m"), S_IFREG | 04755);
  CHECK_ERROR(chmod("missing", 0), ENOENT);
  int file = open("m", O_RDWR);
  CHECK_EQUAL(fchmod(file, 0640), 0);
  CHECK_EQUAL(mode_of("m"), S_IFREG | 0640);
  CHECK_EQUAL(fchown(file, 1000, 2000), 0);
  struct stat status;
  CHECK_EQUAL(fstat(file, &status), 0);
  CHECK_EQUAL(status.st_uid, 1000);
  CHECK_EQUAL(status.st_gid, 2000);
  CHECK_EQUAL(chown("m", -1, 3000), 0);
  CHECK_EQUAL(stat("m", &status), 0);
  CHECK_EQUAL(status.st_uid, 1000);
  CHECK_EQUAL(status.st_gid, 3000);
  CHECK_EQUAL(chmod("m", 06755), 0);
  CHECK_EQUAL(chown("m", 1001, -1), 0);
  CHECK_EQUAL(mode_of("m"), S_IFREG | 0755);
  int place = open("m", O_PATH);
  CHECK_ERROR(syscall(SYS_fchmod, place, 0600), EBADF);
  CHECK_ERROR(syscall(SYS_fchown, place, 0, 0), EBADF);
  close(place);
  struct timespec times[2] = {{1000, 5}, {2000, 999999999}};
  CHECK_EQUAL(utimensat(AT_FDCWD, "m", times, 0), 0);
  CHECK_EQUAL(stat("m", &status), 0);
  CHECK_EQUAL(status.st_atim.tv_sec, 1000);
  CHECK_EQUAL(status.st_mtim.tv_nsec, 999999999);
  times[0].tv_nsec = UTIME_OMIT;
  times[1].tv_nsec = UTIME_NOW;
  CHECK_EQUAL(futimens(file, times), 0);
  CHECK_EQUAL(stat("m", &status), 0);
  CHECK_EQUAL(status.st_atim.tv_sec, 1000);
  CHECK(status.st_mtim.tv_sec > 2000);
  times[0].tv_nsec = 1000000000;
  CHECK_ERROR(utimensat(AT_FDCWD, "m", times, 0), EINVAL);
  CHECK_ERROR(utimensat(AT_FDCWD, "m", NULL, 0x8), EINVAL);
  CHECK_EQUAL(utimensat(AT_FDCWD, "m", NULL, 0), 0);
  // A write changes the times.
  times[0] = times[1] = (struct timespec){-1, 500};
  CHECK_EQUAL(futimens(file, times), 0);
  CHECK_EQUAL(fstat(file, &status), 0);
  CHECK_EQUAL(status.st_mtim.tv_sec, -1);
  CHECK_EQUAL(status.st_mtim.tv_nsec, 500);
  CHECK_EQUAL(write(file, "y", 1), 1);
  CHECK_EQUAL(fstat(file, &status), 0);
  CHECK(status.st_mtim.tv_sec > 0);
  close(file);
  struct statfs system;
  CHECK_EQUAL(statfs(".", &system), 0);
  CHECK_EQUAL(system.f_bsize, 4096);
  CHECK(system.f_blocks > 0 && system.f_namelen == 255);
  CHECK_ERROR(syscall(SYS_statfs, ".", nowhere), EFAULT);
  unlink("m");
}

// Files that have no name are whoever's made them, who may open them anew and change them.
static void nameless(void) {
  int pipes[2], sockets[2], files[5];
  REQUIRE(pipe(pipes) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
  memcpy(files, (int[]){pipes[0], pipes[1], sockets[0], sockets[1], memfd_create("nameless", 0)}, sizeof files);
  for (int i = 0; i < 5; i++) {
    struct stat status;
    CHECK_EQUAL(fstat(files[i], &status), 0);
    CHECK_EQUAL(status.st_uid, 1000);
    CHECK_EQUAL(status.st_gid, 1000);
    // Linux's sockets have no times.
    CHECK(status.st_mtime > 0 || S_ISSOCK(status.st_mode));
    CHECK_EQUAL(fchmod(files[i], 0640), 0);
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", files[i]);
    if (S_ISSOCK(status.st_mode)) {
      CHECK_ERROR(open(path, O_RDWR), ENXIO);
    } else {
      CHECK_EQUAL(close(open(path, i == 0 ? O_RDONLY : O_WRONLY)), 0);
    }
    close(files[i]);
  }
}

static void permissions(void) {
  REQUIRE(mkdir("private", 0700) == 0);
  make_file("private/f", "f");
  REQUIRE(mkdir("sticky", 0755) == 0 && chmod("sticky", 01777) == 0);
  make_file("sticky/roots", "f");
  make_file("open", "f");
  REQUIRE(chmod("open", 0644) == 0 && chmod(".", 0755) == 0);
  make_file("grouped", "f");
  REQUIRE(chown("grouped", 0, 2000) == 0 && chmod("grouped", 0060) == 0);
  make_file("set-id", "f");
  REQUIRE(chmod("set-id", 04755) == 0);
  pid_t child = fork();
  if (child == 0) {
    gid_t groups[] = {2000};
    if (syscall(SYS_setgroups, 1, groups) || syscall(SYS_setresgid, 1000, 1000, 1000) ||
        syscall(SYS_setresuid, 1000, 1000, 1000)) _exit(99);
    CHECK_ERROR(open("private/f", O_RDONLY), EACCES);
    CHECK_ERROR(open("open", O_WRONLY), EACCES);
    CHECK_EQUAL(close(open("open", O_RDONLY)), 0);
    CHECK_EQUAL(close(open("grouped", O_RDWR)), 0);
    CHECK_ERROR(mkdir("x", 0700), EACCES);
    CHECK_ERROR(unlink("open"), EACCES);
    CHECK_ERROR(unlink("sticky/roots"), EPERM);
    CHECK_ERROR(chmod("open", 0777), EPERM);
    CHECK_ERROR(chown("open", 1000, 1000), EPERM);
    CHECK_EQUAL(chown("open", -1, -1), 0);
    CHECK_ERROR(chown("set-id", -1, -1), EPERM);
    CHECK_EQUAL(mode_of("set-id"), S_IFREG | 04755);
    CHECK_ERROR(access("private/f", F_OK), EACCES);
    CHECK_ERROR(access("open", W_OK), EACCES);
    CHECK_ERROR(chdir("private"), EACCES);
    CHECK_ERROR(mount("none", "/", "tmpfs", 0, NULL), EPERM);
    CHECK_ERROR(chroot("/"), EPERM);
    CHECK_ERROR(mknod("sticky/device", S_IFCHR | 0600, 0x103), EPERM);
    CHECK_ERROR(utimensat(AT_FDCWD, "open", NULL, 0), EACCES);
    int file = open("sticky/mine", O_CREAT | O_RDWR, 0600);
    struct stat status;
    CHECK_EQUAL(fstat(file, &status), 0);
    CHECK_EQUAL(status.st_uid, 1000);
    CHECK_EQUAL(status.st_gid, 1000);
    CHECK_EQUAL(fchmod(file, 04711), 0);
    CHECK_EQUAL(write(file, "x", 1), 1);
    CHECK_EQUAL(fstat(file, &status), 0);
    CHECK_EQUAL(status.st_mode & 07777, 0711);
    CHECK_EQUAL(unlink("sticky/mine"), 0);
    nameless();
    _exit(finish());
  }
  CHECK_EQUAL(exit_of(child), 0);
  unlink("private/f"); rmdir("private"); unlink("sticky/roots"); rmdir("sticky"); unlink("open"); unlink("grouped");
  unlink("set-id");
}

// pwritev2(2) with RWF_APPEND: at the end, also where several do so at once.
static void appending(void) {
  const long append = 0x10;
  make_file("ends", "0123456789");
  int file = open("ends", O_RDWR);
  struct iovec two = {"ab", 2};
  CHECK_EQUAL(lseek(file, 2, SEEK_SET), 2);
  CHECK_EQUAL(syscall(SYS_pwritev2, file, &two, 1L, -1L, 0L, append), 2);
  CHECK_EQUAL(lseek(file, 0, SEEK_CUR), 12);
  CHECK_EQUAL(syscall(SYS_pwritev2, file, &two, 1L, 1L, 0L, append), 2);
  CHECK_EQUAL(lseek(file, 0, SEEK_CUR), 12);
  CHECK_EQUAL(lseek(file, 0, SEEK_END), 14);
  CHECK_EQUAL(ftruncate(file, 0), 0);
  for (int i = 0; i < 4; i++) {
    if (fork() > 0) continue;
    for (int j = 0; j < 3000; j++) {
      CHECK_EQUAL(syscall(SYS_pwritev2, file, &two, 1L, (long)i, 0L, append), 2);
    }
    _exit(finish());
  }
  int status;
  for (int i = 0; i < 4; i++) CHECK(wait(&status) > 0 && status == 0);
  CHECK_EQUAL(lseek(file, 0, SEEK_END), 4 * 3000 * 2);
  close(file);
  unlink("ends");
}

static void space(void) {
  int file = open("s", O_RDWR | O_CREAT, 0600);
  struct stat status;
  if (fallocate(file, 0, 0, 10000) == 0) {
    CHECK_EQUAL(fstat(file, &status), 0);
    CHECK_EQUAL(status.st_size, 10000);
    CHECK_EQUAL(fallocate(file, 1, 0, 20000), 0);
    CHECK_EQUAL(fstat(file, &status), 0);
    CHECK_EQUAL(status.st_size, 10000);
    memset(buffer, 'x', 10000);
    CHECK_EQUAL(pwrite(file, buffer, 10000, 0), 10000);
    CHECK_EQUAL(fallocate(file, 3, 100, 5000), 0);
    CHECK_EQUAL(pread(file, buffer, 10000, 0), 10000);
    CHECK(buffer[99] == 'x' && buffer[100] == 0 && buffer[5099] == 0 && buffer[5100] == 'x');
  }
  // On a file system in memory.
  enum { PUNCH_HOLE = 2, COLLAPSE_RANGE = 8, ZERO_RANGE = 16 };
  int memory = memfd_create("space", 0), pipes[2];
  CHECK_ERROR(fallocate(memory, ZERO_RANGE, 0, 1), EOPNOTSUPP);
  CHECK_ERROR(fallocate(memory, COLLAPSE_RANGE, 0, 4096), EOPNOTSUPP);
  CHECK_ERROR(fallocate(memory, PUNCH_HOLE, 0, 4096), EOPNOTSUPP);
  CHECK_ERROR(fallocate(memory, 0x80, 0, 4096), EOPNOTSUPP);
  REQUIRE(pipe(pipes) == 0);
  CHECK_ERROR(fallocate(pipes[1], ZERO_RANGE, 0, 1), ESPIPE);
  CHECK_ERROR(fallocate(pipes[0], ZERO_RANGE, 0, 1), EBADF);
  close(memory), close(pipes[0]), close(pipes[1]);
  CHECK_ERROR(fallocate(file, 0, 0, 0), EINVAL);
  CHECK_ERROR(fallocate(file, 0, -1, 1), EINVAL);
  // RLIMIT_FSIZE
  pid_t child = fork();
  if (child == 0) {
    struct rlimit limit = {20000, 20000};
    setrlimit(RLIMIT_FSIZE, &limit);
    signal(SIGXFSZ, SIG_IGN);
    CHECK_EQUAL(pwrite(file, buffer, 10000, 15000), 5000);
    CHECK_ERROR(pwrite(file, buffer, 1, 20000), EFBIG);
    CHECK_ERROR(ftruncate(file, 20001), EFBIG);
    if (check_failures) _exit(1);
    signal(SIGXFSZ, SIG_DFL);
    pwrite(file, buffer, 1, 20000);
    _exit(2);
  }
  CHECK_EQUAL(exit_of(child), 1000 + SIGXFSZ);
  // copy_file_range
  int copy = open("copy", O_RDWR | O_CREAT, 0600);
  loff_t from = 10;
  CHECK_EQUAL(ftruncate(file, 0), 0);
  CHECK_EQUAL(pwrite(file, "0123456789abcdef", 16, 0), 16);
  CHECK_EQUAL(syscall(SYS_copy_file_range, file, &from, copy, NULL, 100L, 0), 6);
  CHECK_EQUAL(from, 16);
  CHECK_EQUAL(pread(copy, buffer, 100, 0), 6);
  CHECK(memcmp(buffer, "abcdef", 6) == 0);
  CHECK_ERROR(syscall(SYS_copy_file_range, file, NULL, copy, NULL, 1L, 1), EINVAL);
  close(copy);
  close(file);
  unlink("s");
  unlink("copy");
}

static void locks(void) {
  int file = open("lock", O_RDWR | O_CREAT, 0600);
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 10};
  CHECK_EQUAL(fcntl(file, F_SETLK, &lock), 0);
  pid_t child = fork();
  if (child == 0) {
    struct flock mine = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 15, .l_len = 1};
    CHECK_ERROR(fcntl(file, F_SETLK, &mine), EAGAIN);
    CHECK_EQUAL(fcntl(file, F_GETLK, &mine), 0);
    CHECK_EQUAL(mine.l_type, F_WRLCK);
    CHECK_EQUAL(mine.l_start, 10);
    CHECK_EQUAL(mine.l_len, 10);
    CHECK_EQUAL(mine.l_pid, getppid());
    mine = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 20, .l_len = 0};
    CHECK_EQUAL(fcntl(file, F_SETLK, &mine), 0);
    mine = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 12, .l_len = 1};
    CHECK_EQUAL(fcntl(file, F_SETLKW, &mine), 0);
    _exit(finish());
  }
  until_asleep(child, SYS_fcntl);
  lock = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 25, .l_len = 1};
  CHECK_ERROR(fcntl(file, F_SETLK, &lock), EAGAIN);
  // Each would wait for the other.
  CHECK_ERROR(fcntl(file, F_SETLKW, &lock), EDEADLK);
  lock = (struct flock){.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = 12, .l_len = 2};
  CHECK_EQUAL(fcntl(file, F_SETLK, &lock), 0);
  CHECK_EQUAL(exit_of(child), 0);
  // Any close of the file ends the process's locks.
  close(open("lock", O_RDONLY));
  child = fork();
  if (child == 0) {
    struct flock mine = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    _exit(fcntl(file, F_SETLK, &mine) == 0 ? 0 : 1);
  }
  CHECK_EQUAL(exit_of(child), 0);
  lock = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = -1};
  CHECK_ERROR(fcntl(file, F_SETLK, &lock), EINVAL);
  lock = (struct flock){.l_type = 9, .l_whence = SEEK_SET};
  CHECK_ERROR(fcntl(file, F_SETLK, &lock), EINVAL);
  int readable = open("lock", O_RDONLY);
  lock = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
  CHECK_ERROR(fcntl(readable, F_SETLK, &lock), EBADF);
  // Locks of open files
  int second = open("lock", O_RDWR);
  CHECK_EQUAL(fcntl(file, 37, &lock), 0);
  CHECK_ERROR(fcntl(second, 37, &lock), EAGAIN);
  CHECK_EQUAL(close(file), 0);
  CHECK_EQUAL(fcntl(second, 37, &lock), 0);
  // flock
  file = open("lock", O_RDWR);
  CHECK_EQUAL(flock(file, LOCK_SH), 0);
  CHECK_EQUAL(flock(second, LOCK_SH | LOCK_NB), 0);
  CHECK_ERROR(flock(second, LOCK_EX | LOCK_NB), EWOULDBLOCK);
  CHECK_EQUAL(flock(file, LOCK_UN), 0);
  CHECK_EQUAL(flock(second, LOCK_EX | LOCK_NB), 0);
  CHECK_ERROR(flock(second, 77), EINVAL);
  close(second);
  CHECK_EQUAL(flock(file, LOCK_EX | LOCK_NB), 0);
  close(file);
  close(readable);
  unlink("lock");
}

static void mounts(void) {
  REQUIRE(mkdir("mnt", 0755) == 0);
  make_file("below", "");
  CHECK_ERROR(mount("none", "mnt", "no-such-type", 0, NULL), ENODEV);
  CHECK_ERROR(mount("none", "missing", "tmpfs", 0, NULL), ENOENT);
  CHECK_ERROR(mount("none", "below", "tmpfs", 0, NULL), ENOTDIR);
  CHECK_ERROR(umount2("mnt", 0), EINVAL);
  if (mount("none", "mnt", "tmpfs", 0, "mode=0711") != 0) {
    CHECK(errno == EPERM);
    rmdir("mnt");
    unlink("below");
    return;
  }
  CHECK_EQUAL(mode_of("mnt"), S_IFDIR | 0711);
  make_file("mnt/inside", "x");
  CHECK_ERROR(rename("mnt/inside", "outside"), EXDEV);
  CHECK_ERROR(link("mnt/inside", "outside"), EXDEV);
  CHECK_ERROR(rmdir("mnt"), EBUSY);
  struct stat status;
  CHECK_EQUAL(stat("mnt/../below", &status), 0);
  char path[PATH_MAX], expected[PATH_MAX];
  CHECK_EQUAL(chdir("mnt"), 0);
  snprintf(expected, sizeof expected, "%s/mnt", top);
  CHECK(getcwd(path, sizeof path) != NULL);
  CHECK_TEXT(path, expected);
  CHECK_ERROR(umount2("../mnt", 0), EBUSY);
  CHECK_EQUAL(chdir(".."), 0);
  CHECK_EQUAL(mount(NULL, "mnt", NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
  CHECK_ERROR(open("mnt/new", O_CREAT | O_RDWR, 0600), EROFS);
  CHECK_ERROR(open("mnt/inside", O_RDWR), EROFS);
  CHECK_ERROR(unlink("mnt/inside"), EROFS);
  CHECK_EQUAL(umount2("mnt", 0), 0);
  CHECK_ERROR(stat("mnt/inside", &status), ENOENT);
  rmdir("mnt");
  unlink("below");
}

int main(void) {
  umask(022);
  mkdir("/tmp", 01777);
  snprintf(top, sizeof top, "/tmp/changes-%d", getpid());
  REQUIRE(mkdir(top, 0755) == 0);
  REQUIRE(chdir(top) == 0);
  directories();
  links();
  renames();
  attributes();
  permissions();
  appending();
  space();
  locks();
  mounts();
  chdir("/");
  CHECK_EQUAL(rmdir(top), 0);
  return finish();
}
