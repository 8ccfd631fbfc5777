// As many mappings as a process can have, each of memory of its own: what a call does for one of them does not look at
// all the others, so that a call for all of them ends.
#include "check.h"
#include <sys/mman.h>
#include <sys/wait.h>

#define COUNT 40000
#define SPACING 8192

static char *base;

static void *page(int index) { return base + (size_t)index * SPACING; }

static void fork_and_check(int (*is_right)(void)) {
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) _exit(is_right() ? 0 : 1);
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK_EQUAL(status, 0);
}

static int is_shared(void) {
  for (int i = 0; i < COUNT; i += 1000) *(int *)page(i) += i;
  return 1;
}
static void shared_memory(void) {
  for (int i = 0; i < COUNT; i++) {
    void *memory = mmap(page(i), 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    REQUIRE(memory == page(i));
  }
  for (int i = 0; i < COUNT; i += 1000) *(int *)page(i) = 5;
  fork_and_check(is_shared);
  for (int i = 0; i < COUNT; i += 1000) CHECK_EQUAL(*(int *)page(i), 5 + i);
  // One, then all that are left.
  CHECK_EQUAL(munmap(page(COUNT / 2), 4096), 0);
  CHECK_EQUAL(munmap(base, (size_t)COUNT * SPACING), 0);
  CHECK_ERROR(msync(page(COUNT - 1), 4096, MS_ASYNC), ENOMEM);
}

static int is_partly_there(void) {
  for (int i = 0; i < COUNT; i += 1000) {
    if (msync(page(i), 4096, MS_ASYNC) != -1 || errno != ENOMEM) return 0;
    if (*((char *)page(i) + 4096) != 3) return 0;
  }
  return 1;
}
static void memory_kept_from_children(void) {
  REQUIRE(mmap(base, (size_t)COUNT * SPACING, PROT_READ | PROT_WRITE,
    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == base);
  for (int i = 0; i < COUNT; i += 1000) *(char *)page(i) = *((char *)page(i) + 4096) = 3;
  for (int i = 0; i < COUNT / 2; i++) REQUIRE(madvise(page(i), 4096, MADV_DONTFORK) == 0);
  for (int i = COUNT / 2; i < COUNT; i += 1000) REQUIRE(madvise(page(i), 4096, MADV_DONTFORK) == 0);
  fork_and_check(is_partly_there);
  CHECK_EQUAL(munmap(base, (size_t)COUNT * SPACING), 0);
}

int main(void) {
  // A place that is free.
  base = mmap(NULL, (size_t)COUNT * SPACING, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  REQUIRE(base != MAP_FAILED && munmap(base, (size_t)COUNT * SPACING) == 0);
  shared_memory();
  memory_kept_from_children();
  return finish();
}
