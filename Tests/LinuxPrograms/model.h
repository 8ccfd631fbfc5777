// What the programs share that hold random changes against a model: the sequence, its options, and a place for files.
#ifndef MODEL_H
#define MODEL_H

#include "check.h"
#include "splitmix.h"
#include <stdbool.h>
#include <sys/random.h>
#include <sys/statfs.h>

// The round's seed, and how far it is.
static uint64_t seed;
static long step;
static uint64_t random_state;
// Whether files are in tmpfs or ramfs.
static bool is_in_memory;

static long below(long bound) { return splitmix64(&random_state) % bound; }
static inline bool one_in(long count) { return below(count) == 0; }

struct model {
  const char *name;
  // How many steps a round has where nobody says.
  long steps;
  void (*run)(long steps);
};

// Runs the rounds that the options ask for, each with a seed one higher than that before, in a new directory that they
// leave empty.
static int run_model(struct model model, int count, char **arguments) {
  uint64_t first;
  long steps = model.steps, rounds = 1;
  REQUIRE(getrandom(&first, sizeof first, 0) == sizeof first);
  first %= 1000000000;
  for (int index = 1; index + 1 < count; index++) {
    unsigned long long value = strtoull(arguments[index + 1], NULL, 0);
    if (strcmp(arguments[index], "--seed") == 0) first = value;
    if (strcmp(arguments[index], "--steps") == 0) steps = value;
    if (strcmp(arguments[index], "--rounds") == 0) rounds = value;
  }
  char directory[200];
  const char *place = getenv("TMPDIR");
  snprintf(directory, sizeof directory, "%s/%s.XXXXXX", place ? place : "/tmp", model.name);
  REQUIRE(mkdtemp(directory) != NULL);
  struct statfs system;
  REQUIRE(statfs(directory, &system) == 0);
  is_in_memory = system.f_type == 0x01021994 || system.f_type == 0x858458F6;
  REQUIRE(chdir(directory) == 0);
  for (long round = 0; round < rounds; round++) {
    seed = random_state = first + round;
    model.run(steps);
  }
  REQUIRE(chdir("/") == 0);
  CHECK_EQUAL(rmdir(directory), 0);
  if (rounds > 1 || steps != model.steps)
    say("%ld rounds of %ld steps from seed %llu on", rounds, steps, (unsigned long long)first);
  return finish();
}

#endif
