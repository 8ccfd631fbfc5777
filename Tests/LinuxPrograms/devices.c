// The devices of /dev that are no terminals (null(4), full(4), random(4)), by their names and by nodes of one's own
// (mknod(2)).
#include "check.h"
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static int number_of(const char *path) {
  struct stat status;
  if (stat(path, &status) != 0 || !S_ISCHR(status.st_mode)) return -1;
  return major(status.st_rdev) * 1000 + minor(status.st_rdev);
}

int main(void) {
  CHECK_EQUAL(number_of("/dev/null"), 1003);
  CHECK_EQUAL(number_of("/dev/zero"), 1005);
  CHECK_EQUAL(number_of("/dev/full"), 1007);
  CHECK_EQUAL(number_of("/dev/random"), 1008);
  CHECK_EQUAL(number_of("/dev/urandom"), 1009);
  CHECK_EQUAL(number_of("/dev/tty"), 5000);
  CHECK_EQUAL(number_of("/dev/ptmx"), 5002);

  char text[256], other[256];
  int file = open("/dev/null", O_RDWR);
  REQUIRE(file >= 0);
  CHECK_EQUAL(read(file, text, sizeof text), 0);
  CHECK_EQUAL(write(file, text, sizeof text), sizeof text);
  CHECK_EQUAL(lseek(file, 100, SEEK_SET), 0);
  CHECK_EQUAL(pread(file, text, 8, 5), 0);
  CHECK(!isatty(file));
  CHECK_ERROR(ioctl(file, TIOCGWINSZ, text), ENOTTY);
  close(file);

  memset(text, 1, sizeof text);
  file = open("/dev/zero", O_RDWR);
  REQUIRE(file >= 0);
  CHECK_EQUAL(read(file, text, sizeof text), sizeof text);
  for (size_t index = 0; index < sizeof text; index++) CHECK_EQUAL(text[index], 0);
  CHECK_EQUAL(write(file, text, 10), 10);
  char *volatile nowhere = (char *)8;
  CHECK_ERROR(read(file, nowhere, 10), EFAULT);
  close(file);

  file = open("/dev/full", O_RDWR);
  REQUIRE(file >= 0);
  CHECK_ERROR(write(file, text, 1), ENOSPC);
  text[0] = 1;
  CHECK_EQUAL(read(file, text, 1), 1);
  CHECK_EQUAL(text[0], 0);
  close(file);

  file = open("/dev/urandom", O_RDWR);
  REQUIRE(file >= 0);
  CHECK_EQUAL(read(file, text, sizeof text), sizeof text);
  CHECK_EQUAL(read(file, other, sizeof other), sizeof other);
  CHECK(memcmp(text, other, sizeof text) != 0);
  CHECK_EQUAL(write(file, "seed", 4), 4);
  close(file);

  // Memory of zeros: private, and shared with a child.
  file = open("/dev/zero", O_RDWR);
  char *own = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
  char *shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  REQUIRE(own != MAP_FAILED && shared != MAP_FAILED);
  close(file);
  CHECK_EQUAL(own[5000] | shared[5000], 0);
  if (fork() == 0) {
    own[5000] = shared[5000] = 7;
    _exit(0);
  }
  wait(NULL);
  CHECK_EQUAL(own[5000], 0);
  CHECK_EQUAL(shared[5000], 7);
  file = open("/dev/full", O_RDWR);
  CHECK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, file, 0) == MAP_FAILED && errno == ENODEV);
  close(file);

  // A node of one's own, wherever it is.
  if (getuid() == 0) {
    const char *path = "/tmp/device-of-the-test";
    unlink(path);
    if (mknod(path, S_IFCHR | 0600, makedev(1, 5)) == 0) {
      file = open(path, O_RDONLY);
      // A mount may forbid devices.
      if (file >= 0) {
        text[0] = 1;
        CHECK_EQUAL(read(file, text, 1), 1);
        CHECK_EQUAL(text[0], 0);
        close(file);
        unlink(path);
        REQUIRE(mknod(path, S_IFCHR | 0600, makedev(200, 77)) == 0);
        CHECK_ERROR(open(path, O_RDONLY), ENXIO);
      }
      unlink(path);
    }
  }
  return finish();
}
