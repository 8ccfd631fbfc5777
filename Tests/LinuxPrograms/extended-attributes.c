// Calls for extended attributes that follow a link, and those that do not (xattr(7)).
// Built with musl too.
#include "check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

int main(void) {
  char bytes[64];
  mkdir("/tmp", 01777);
  const char *link = "/tmp/extended-attributes-link";
  unlink(link);
  REQUIRE(symlink("/tmp/leads-nowhere", link) == 0);
  CHECK_ERROR(getxattr(link, "user.x", bytes, sizeof bytes), ENOENT);
  CHECK_ERROR(listxattr(link, bytes, sizeof bytes), ENOENT);
  CHECK_ERROR(setxattr(link, "user.x", "y", 1, 0), ENOENT);
  CHECK_ERROR(removexattr(link, "user.x"), ENOENT);
  CHECK_EQUAL(llistxattr(link, bytes, sizeof bytes), 0);
  errno = 0;
  CHECK(lgetxattr(link, "user.x", bytes, sizeof bytes) == -1 && (errno == ENODATA || errno == ENOTSUP || errno == EPERM));
  errno = 0;
  CHECK(lsetxattr(link, "user.x", "y", 1, 0) == -1 && (errno == EPERM || errno == ENOTSUP));
  errno = 0;
  CHECK(lremovexattr(link, "user.x") == -1 && (errno == EPERM || errno == ENOTSUP));
  CHECK_ERROR(llistxattr("/tmp/leads-nowhere", bytes, sizeof bytes), ENOENT);
  CHECK_ERROR(flistxattr(-1, bytes, sizeof bytes), EBADF);
  unlink(link);
  return finish();
}
