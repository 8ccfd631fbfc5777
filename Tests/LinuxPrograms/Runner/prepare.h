// What a first program does before others can run: mounts, and the links that udev makes elsewhere.
#ifndef PREPARE_H
#define PREPARE_H

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static void prepare(void) {
  static const char *const directories[] = {"/proc", "/sys", "/dev", "/tmp"};
  for (int index = 0; index < 4; index++) mkdir(directories[index], 0755);
  chmod("/tmp", 01777);
  mount("proc", "/proc", "proc", 0, NULL);
  mount("sysfs", "/sys", "sysfs", 0, NULL);
  mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
  mkdir("/dev/pts", 0755);
  mkdir("/dev/shm", 01777);
  mount("devpts", "/dev/pts", "devpts", 0, "ptmxmode=0666");
  mount("tmpfs", "/dev/shm", "tmpfs", 0, NULL);
  static const char *const links[][2] = {{"/proc/self/fd", "/dev/fd"}, {"/proc/self/fd/0", "/dev/stdin"},
    {"/proc/self/fd/1", "/dev/stdout"}, {"/proc/self/fd/2", "/dev/stderr"}};
  for (int index = 0; index < 4; index++) {
    // Where it fails, it is there, or the test that needs it says so.
    if (symlink(links[index][0], links[index][1]) != 0) continue;
  }
}
#endif
