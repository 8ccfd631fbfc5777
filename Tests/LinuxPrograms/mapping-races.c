// Files that shrink while others map them, let go of them, and end: whoever takes the pages out of their memory meets
// mappings that are just coming and going.
// Built with musl too.
#include "check.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#define PAGE 4096ul

enum { mappers = 3, shrinkers = 2, milliseconds = 1500 };

static struct { volatile long mapped, ended, shrunk; volatile int stop; } *shared;

static long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

// The mapping alone refers to the open file: it ends with it.
static void *map_file(void) {
  int file = open("shrinking", O_RDWR);
  void *memory = mmap(0, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (file < 0 || memory == MAP_FAILED || close(file) != 0) _exit(1);
  return memory;
}

static void map_and_unmap(void) {
  if (munmap(map_file(), 2 * PAGE) != 0) _exit(2);
  __atomic_add_fetch(&shared->mapped, 1, __ATOMIC_RELAXED);
}

// Processes that end with the file mapped.
static void end_with_it(void) {
  pid_t child = fork();
  if (child == 0) {
    for (int turn = 0; turn < 50; turn++) map_and_unmap();
    map_file();
    _exit(0);
  }
  int status;
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) _exit(3);
  __atomic_add_fetch(&shared->ended, 1, __ATOMIC_RELAXED);
}

static void shrink(int file) {
  if (ftruncate(file, 0) != 0 || ftruncate(file, 2 * PAGE) != 0) _exit(4);
  __atomic_add_fetch(&shared->shrunk, 1, __ATOMIC_RELAXED);
}

static int happened_often(void) { return shared->mapped > 100 && shared->ended > 10 && shared->shrunk > 100; }

int main(void) {
  char directory[] = "/tmp/mapping-XXXXXX";
  REQUIRE(mkdtemp(directory) && chdir(directory) == 0);
  int file = open("shrinking", O_RDWR | O_CREAT, 0600);
  REQUIRE(file >= 0 && ftruncate(file, 2 * PAGE) == 0);
  shared = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(shared != MAP_FAILED);
  pid_t children[mappers + shrinkers];
  for (int index = 0; index < mappers + shrinkers; index++) {
    children[index] = fork();
    REQUIRE(children[index] >= 0);
    if (children[index] == 0) {
      while (!shared->stop) {
        if (index < mappers) end_with_it(); else shrink(file);
      }
      _exit(0);
    }
  }
  // For longer where the machine was kept from it.
  long begun = now();
  while (now() < begun + milliseconds || (!happened_often() && now() < begun + 20 * milliseconds)) usleep(10000);
  shared->stop = 1;
  for (int index = 0; index < mappers + shrinkers; index++) {
    int status;
    CHECK_EQUAL(waitpid(children[index], &status, 0), children[index]);
    CHECK_EQUAL(status, 0);
  }
  say("%ld mappings, %ld processes, %ld times shrunk", shared->mapped, shared->ended, shared->shrunk);
  CHECK(happened_often());
  unlink("shrinking");
  return finish();
}
