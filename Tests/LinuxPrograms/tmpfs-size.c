// What a tmpfs may hold (tmpfs(5), size).
#include "check.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>

static char bytes[65536];

int main(void) {
  const char *place = "/tmp/tmpfs-size";
  struct statfs root;
  CHECK_EQUAL(statfs("/", &root), 0);
  CHECK(root.f_blocks > root.f_bfree);
  mkdir("/tmp", 01777);
  mkdir(place, 0755);
  if (mount("none", place, "tmpfs", 0, "size=64k,mode=700") != 0) SKIP("file systems cannot be mounted here");
  struct statfs statistics;
  CHECK_EQUAL(statfs(place, &statistics), 0);
  CHECK_EQUAL(statistics.f_blocks, 16);
  CHECK_EQUAL(statistics.f_bfree, 16);
  REQUIRE(chdir(place) == 0);
  int file = open("file", O_RDWR | O_CREAT, 0600);
  CHECK_EQUAL(write(file, bytes, 40000), 40000);
  CHECK_EQUAL(statfs(place, &statistics), 0);
  CHECK_EQUAL(statistics.f_bfree, 6);
  // As much as there is room for, then none.
  CHECK_EQUAL(write(file, bytes, 40000), 65536 - 40000);
  CHECK_ERROR(write(file, bytes, 1), ENOSPC);
  int other = open("other", O_RDWR | O_CREAT, 0600);
  CHECK(other >= 0);
  CHECK_ERROR(write(other, bytes, 1), ENOSPC);
  CHECK_EQUAL(pwrite(file, "xyz", 3, 100), 3);
  CHECK_ERROR(posix_fallocate(other, 0, 4096) == 0 ? 0 : (errno = ENOSPC, -1), ENOSPC);
  // What cannot be allocated as a whole is not allocated in part: what has been written stays, and nothing else.
  CHECK_EQUAL(ftruncate(file, 40960), 0);
  CHECK_EQUAL(pwrite(other, "abc", 3, 8192), 3);
  struct stat status_of_other;
  CHECK_ERROR(fallocate(other, 0, 0, 65536), ENOSPC);
  CHECK_EQUAL(fstat(other, &status_of_other), 0);
  CHECK_EQUAL(status_of_other.st_blocks, 8);
  CHECK_EQUAL(status_of_other.st_size, 8195);
  CHECK_EQUAL(statfs(place, &statistics), 0);
  CHECK_EQUAL(statistics.f_bfree, 5);
  CHECK_EQUAL(pread(other, bytes, 3, 8192), 3);
  CHECK(memcmp(bytes, "abc", 3) == 0);
  // What an earlier call has allocated stays as well, and so does what is in use.
  CHECK_EQUAL(fallocate(other, 0, 0, 12288), 0);
  CHECK_EQUAL(pwrite(other, "def", 3, 0), 3);
  CHECK_ERROR(fallocate(other, FALLOC_FL_KEEP_SIZE, 0, 65536), ENOSPC);
  CHECK_EQUAL(pread(other, bytes, 3, 0), 3);
  CHECK(memcmp(bytes, "def", 3) == 0);
  CHECK_EQUAL(fstat(other, &status_of_other), 0);
  CHECK_EQUAL(status_of_other.st_blocks, 24);
  char *mapped = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_SHARED, other, 0);
  REQUIRE(mapped != MAP_FAILED);
  mapped[4096] = 'g';
  CHECK_ERROR(fallocate(other, 0, 0, 65536), ENOSPC);
  CHECK_EQUAL(pread(other, bytes, 1, 4096), 1);
  CHECK_EQUAL(bytes[0], 'g');
  mapped[4097] = 'h';
  CHECK_EQUAL(pread(other, bytes, 1, 4097), 1);
  CHECK_EQUAL(bytes[0], 'h');
  munmap(mapped, 12288);
  CHECK_EQUAL(ftruncate(other, 0), 0);
  CHECK_EQUAL(ftruncate(file, 65536), 0);
  // What is cut off can be had anew.
  CHECK_EQUAL(ftruncate(file, 4096), 0);
  CHECK_EQUAL(write(other, bytes, 8192), 8192);
  CHECK_EQUAL(statfs(place, &statistics), 0);
  CHECK_EQUAL(statistics.f_bfree, 13);
  CHECK_EQUAL(unlink("file"), 0);
  close(file);
  CHECK_EQUAL(statfs(place, &statistics), 0);
  CHECK_EQUAL(statistics.f_bfree, 14);
  // What there is no room for as a whole takes nothing.
  int third = open("third", O_RDWR | O_CREAT, 0600);
  CHECK_ERROR(fallocate(third, 0, 0, 15 * 4096), ENOSPC);
  CHECK_ERROR(fallocate(third, FALLOC_FL_KEEP_SIZE, 0, 1L << 40), ENOSPC);
  CHECK_EQUAL(statfs(place, &statistics), 0);
  CHECK_EQUAL(statistics.f_bfree, 14);
  CHECK_EQUAL(fallocate(third, 0, 0, 4096), 0);
  close(third);
  CHECK_EQUAL(unlink("third"), 0);
  // A page for which there is no room is a SIGBUS.
  CHECK_EQUAL(ftruncate(other, 1 << 20), 0);
  pid_t child = fork();
  if (child == 0) {
    char *memory = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, other, 0);
    signal(SIGBUS, SIG_DFL);
    for (int page = 0; page < 15; page++) memory[page * 4096] = 1;
    int isFull = statfs(place, &statistics) == 0 && statistics.f_bfree == 1;
    for (int page = 15; page < 17; page++) memory[page * 4096] = 1;
    _exit(isFull ? 0 : 1);
  }
  int status;
  waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
  CHECK_EQUAL(ftruncate(other, 0), 0);
  CHECK_EQUAL(statfs(place, &statistics), 0);
  CHECK_EQUAL(statistics.f_bfree, 16);
  close(other);
  REQUIRE(chdir("/") == 0);
  CHECK_EQUAL(umount(place), 0);
  CHECK_ERROR(mount("none", place, "tmpfs", 0, "size=x"), EINVAL);
  CHECK_EQUAL(mount("none", place, "tmpfs", 0, "size=1%"), 0);
  CHECK_EQUAL(statfs(place, &statistics), 0);
  CHECK(statistics.f_blocks > 16);
  CHECK_EQUAL(umount(place), 0);
  rmdir(place);
  return finish();
}
