// A dynamically linked program: the kernel loads it and its dynamic linker, which maps Debian's libraries.
#include "check.h"
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/wait.h>

static __thread int local = 5;
static int constructed;
__attribute__((constructor)) static void construct(void) { constructed = 1; }

static void *thread(void *argument) {
  local += (int)(long)argument;
  return (void *)(long)local;
}

int main(int argc, char **argv);

// /proc/PID/stat tells where the program's own code is (fields 26 and 27), not its interpreter's.
static void check_place_of_code(void) {
  char text[1024] = "";
  int file = open("/proc/self/stat", O_RDONLY);
  if (file < 0) return;
  CHECK(read(file, text, sizeof text - 1) > 0);
  close(file);
  char *rest = strrchr(text, ')') + 1;
  for (int field = 2; field < 25; field++) rest = strchr(rest + 1, ' ');
  unsigned long start, end;
  CHECK(sscanf(rest, "%lu %lu", &start, &end) == 2);
  CHECK(start <= (unsigned long)main && (unsigned long)main < end);
}

int main(int argc, char **argv) {
  if (argc > 1) return 3;
  check_place_of_code();
  CHECK(constructed);
  volatile double angle = 1.0;
  CHECK(fabs(cos(angle) * cos(angle) + sin(angle) * sin(angle) - 1) < 1e-12);
  CHECK(getauxval(AT_BASE) != 0);
  CHECK(getauxval(AT_BASE) != getauxval(AT_ENTRY));
  pthread_t other;
  void *result = 0;
  CHECK_EQUAL(pthread_create(&other, 0, thread, (void *)2), 0);
  CHECK_EQUAL(pthread_join(other, &result), 0);
  CHECK_EQUAL((long)result, 7);
  CHECK_EQUAL(local, 5);
  void *library = dlopen("libm.so.6", RTLD_NOW);
  double (*square_root)(double) = library ? (double (*)(double))dlsym(library, "sqrt") : 0;
  CHECK(square_root && square_root(16) == 4);

  // The linker itself can be run, with a program as its argument.
  pid_t child = fork();
  if (child == 0) {
    execl("/lib64/ld-linux-x86-64.so.2", "ld.so", argv[0], "again", (char *)0);
    _exit(99);
  }
  int status = -1;
  waitpid(child, &status, 0);
  CHECK_EQUAL(WEXITSTATUS(status), 3);
  return finish();
}
