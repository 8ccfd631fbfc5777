// Binding a part of the tree elsewhere, alone and with what is mounted in it (mount(2), MS_BIND, MS_REC).
// Built with musl too.
#include "check.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>

static void put(const char *path) {
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  REQUIRE(file >= 0);
  close(file);
}
static int is_there(const char *path) { return access(path, F_OK) == 0; }

int main(void) {
  mkdir("/tmp", 01777);
  mkdir("/tmp/mounts", 0755);
  if (mount("none", "/tmp/mounts", "tmpfs", 0, NULL) != 0) SKIP("file systems cannot be mounted here");
  // On Linux a new mount may be passed on to other namespaces.
  mount(NULL, "/tmp/mounts", NULL, MS_PRIVATE | MS_REC, NULL);
  REQUIRE(chdir("/tmp/mounts") == 0);
  REQUIRE(mkdir("from", 0755) == 0 && mkdir("from/inner", 0755) == 0 && mkdir("from/other", 0755) == 0);
  REQUIRE(mkdir("plain", 0755) == 0 && mkdir("whole", 0755) == 0);
  put("from/file");
  REQUIRE(mount("none", "from/inner", "tmpfs", 0, NULL) == 0);
  put("from/inner/below");
  REQUIRE(mkdir("from/inner/deep", 0755) == 0);
  REQUIRE(mount("none", "from/inner/deep", "tmpfs", MS_RDONLY, NULL) == 0);

  CHECK_EQUAL(mount("from", "plain", NULL, MS_BIND, NULL), 0);
  CHECK(is_there("plain/file"));
  CHECK(!is_there("plain/inner/below"));
  CHECK_EQUAL(mount("from", "whole", NULL, MS_BIND | MS_REC, NULL), 0);
  CHECK(is_there("whole/file") && is_there("whole/inner/below"));
  CHECK_ERROR(open("whole/inner/deep/new", O_WRONLY | O_CREAT, 0600), EROFS);
  put("whole/inner/new");
  CHECK(is_there("from/inner/new"));
  CHECK_ERROR(umount("whole"), EBUSY);
  CHECK_ERROR(umount("whole/inner"), EBUSY);
  CHECK_EQUAL(umount("whole/inner/deep"), 0);
  CHECK_EQUAL(umount("whole/inner"), 0);
  CHECK(!is_there("whole/inner/below"));
  CHECK(is_there("from/inner/below"));
  CHECK_EQUAL(umount("whole"), 0);
  CHECK_EQUAL(umount("plain"), 0);
  CHECK_EQUAL(umount("from/inner/deep"), 0);
  CHECK_EQUAL(umount("from/inner"), 0);
  REQUIRE(chdir("/") == 0);
  CHECK_EQUAL(umount("/tmp/mounts"), 0);
  rmdir("/tmp/mounts");
  return finish();
}
