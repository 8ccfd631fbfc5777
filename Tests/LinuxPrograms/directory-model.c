// Names of files: random changes in a few directories, held against a model in memory. No name may get lost, come
// back, or lead to another file, and whoever lists a directory meanwhile finds each name that stays exactly once.
//
//   directory-model [--seed SEED] [--steps STEPS] [--rounds ROUNDS]
//
// A failure names the seed and the step: --seed with that many --steps does it again.
#include "model.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#define DIRECTORIES 4
#define NAMES 60
#define NOREPLACE 1
#define EXCHANGE 2

static const char *doing = "";
static int at[4];
// While names change, ext4 and, from 6.6 on, Linux's tmpfs may show others twice or not at all.
static bool is_unsteady;

static bool lists_unsteadily(void) {
  struct utsname kernel;
  int major = 0, minor = 0;
  REQUIRE(uname(&kernel) == 0);
  sscanf(kernel.release, "%d.%d", &major, &minor);
  return !is_in_memory || major > 6 || (major == 6 && minor >= 6);
}

#define MUST_EQUAL(actual, expected) \
  do { \
    long must_actual = (long)(actual), must_expected = (long)(expected); \
    if (must_actual != must_expected) { \
      int must_error = errno; \
      say("not ok --seed %llu, step %ld, %s %d/%d %d/%d: line %d: %s is %ld (errno %d), not %s, %ld", \
        (unsigned long long)seed, step, doing, at[0], at[1], at[2], at[3], __LINE__, #actual, must_actual, must_error, \
        #expected, must_expected); \
      _exit(1); \
    } \
  } while (0)

// What a name leads to: 0 for nothing. Numbers of directories are negative.
static long files[DIRECTORIES][NAMES];
static struct {
  ino_t inode;
  int links;
} nodes[DIRECTORIES * NAMES + 1];
static int descriptors[DIRECTORIES];

// Short names, long ones, and such as differ at their ends alone.
static const char *name_of(int number) {
  static char names[4][300];
  static int turn;
  char *name = names[turn++ % 4];
  memset(name, 'n', 280);
  sprintf(name + (number % 3 == 0 ? 0 : number % 3 == 1 ? 20 : 240), "%d", number);
  return name;
}

static struct stat status_of(int directory, int name) {
  struct stat status;
  MUST_EQUAL(fstatat(descriptors[directory], name_of(name), &status, AT_SYMLINK_NOFOLLOW), 0);
  return status;
}

static long *any(int *directory, int *name) {
  *directory = below(DIRECTORIES);
  // The last directories have few names, so that they change between a list and a table.
  *name = below(*directory == 0 ? NAMES : *directory == 1 ? 20 : 11);
  return &files[*directory][*name];
}

static bool is_directory(long file) { return file < 0; }

static void check_name(int directory, int name) {
  long file = files[directory][name];
  if (file == 0) {
    struct stat status;
    MUST_EQUAL(fstatat(descriptors[directory], name_of(name), &status, AT_SYMLINK_NOFOLLOW), -1);
    MUST_EQUAL(errno, ENOENT);
    return;
  }
  struct stat status = status_of(directory, name);
  long node = file < 0 ? -file : file;
  MUST_EQUAL(status.st_ino, nodes[node].inode);
  MUST_EQUAL(status.st_nlink, nodes[node].links);
  MUST_EQUAL(S_ISDIR(status.st_mode), is_directory(file));
}

static long new_node(void) {
  for (long node = 1;; node++) if (nodes[node].links == 0) return node;
}

static void drop(long file) {
  if (is_directory(file)) nodes[-file].links = 0;
  else if (file > 0) nodes[file].links--;
}

static void make(void) {
  long *file = any(&at[0], &at[1]);
  bool makes_directory = below(5) == 0;
  doing = makes_directory ? "mkdir" : "create";
  int directory = descriptors[at[0]], result, descriptor = -1;
  const char *name = name_of(at[1]);
  if (makes_directory) result = mkdirat(directory, name, 0700);
  else if (below(4) == 0) result = mknodat(directory, name, S_IFREG | 0600, 0);
  else result = (descriptor = openat(directory, name, O_RDWR | O_CREAT | O_EXCL, 0600)) < 0 ? -1 : 0;
  if (descriptor >= 0) close(descriptor);
  if (*file) {
    MUST_EQUAL(result, -1);
    MUST_EQUAL(errno, EEXIST);
    return;
  }
  MUST_EQUAL(result, 0);
  long node = new_node();
  nodes[node].links = makes_directory ? 2 : 1;
  *file = makes_directory ? -node : node;
  nodes[node].inode = status_of(at[0], at[1]).st_ino;
}

static void take_away(void) {
  long *file = any(&at[0], &at[1]);
  doing = "unlink";
  int result = unlinkat(descriptors[at[0]], name_of(at[1]), is_directory(*file) ? AT_REMOVEDIR : 0);
  MUST_EQUAL(result, *file ? 0 : -1);
  if (result < 0) MUST_EQUAL(errno, ENOENT);
  drop(*file);
  *file = 0;
}

static void link_another(void) {
  long *from = any(&at[0], &at[1]), *to = any(&at[2], &at[3]);
  doing = "link";
  int result = linkat(descriptors[at[0]], name_of(at[1]), descriptors[at[2]], name_of(at[3]), 0);
  if (*from <= 0 || *to) {
    MUST_EQUAL(result, -1);
    if (*from == 0) MUST_EQUAL(errno, ENOENT);
    else if (*from > 0) MUST_EQUAL(errno, EEXIST);
    return;
  }
  MUST_EQUAL(result, 0);
  nodes[*from].links++;
  *to = *from;
}

static void move(void) {
  long *from = any(&at[0], &at[1]), *to = any(&at[2], &at[3]);
  static const unsigned all_flags[] = {0, 0, 0, NOREPLACE, EXCHANGE};
  unsigned flags = all_flags[below(5)];
  doing = flags == 0 ? "rename" : flags == NOREPLACE ? "rename (no replacing)" : "exchange";
  int result = syscall(SYS_renameat2, descriptors[at[0]], name_of(at[1]), descriptors[at[2]], name_of(at[3]), flags);
  int error = 0;
  bool may_be_any = false;
  if (*from == 0) {
    error = ENOENT;
    may_be_any = flags == NOREPLACE && *to;
  } else if (flags == EXCHANGE) {
    if (*to == 0) error = ENOENT;
  } else if (flags == NOREPLACE && *to) {
    error = EEXIST;
  } else if (from != to && *to && is_directory(*from) != is_directory(*to)) {
    error = is_directory(*from) ? ENOTDIR : EISDIR;
  }
  MUST_EQUAL(result, error ? -1 : 0);
  if (error) {
    if (!may_be_any) MUST_EQUAL(errno, error);
    return;
  }
  if (flags == EXCHANGE) {
    long other = *from;
    *from = *to;
    *to = other;
    return;
  }
  // Two names of one file stay as they are.
  if (*from == *to) return;
  drop(*to);
  *to = *from;
  *from = 0;
}

// Lists a directory while it changes, where `changes` is not 0.
static void list(int directory, long changes) {
  char seen[NAMES] = {0}, stays[NAMES];
  for (int name = 0; name < NAMES; name++) stays[name] = files[directory][name] != 0;
  int copy = openat(descriptors[directory], ".", O_RDONLY | O_DIRECTORY);
  MUST_EQUAL(copy >= 0, 1);
  char bytes[2000];
  int dots = 0;
  for (;;) {
    doing = "list";
    long count = syscall(SYS_getdents64, copy, bytes, 600 + below(sizeof bytes - 600));
    MUST_EQUAL(count >= 0, 1);
    if (count == 0) break;
    for (long offset = 0; offset < count;) {
      struct dirent64 *entry = (void *)(bytes + offset);
      offset += entry->d_reclen;
      if (entry->d_name[0] == '.') {
        dots++;
        continue;
      }
      int found = -1;
      for (int name = 0; name < NAMES; name++) if (strcmp(entry->d_name, name_of(name)) == 0) found = name;
      MUST_EQUAL(found >= 0, 1);
      at[0] = directory;
      at[1] = found;
      long file = files[directory][found];
      bool is_lenient = changes > 0 && (!stays[found] || is_unsteady);
      if (changes == 0 || (stays[found] && file)) {
        MUST_EQUAL(file != 0, 1);
        seen[found]++;
        MUST_EQUAL(seen[found] == 1 || is_lenient, 1);
        if (changes == 0) MUST_EQUAL(entry->d_ino, nodes[file < 0 ? -file : file].inode);
      }
    }
    for (long change = below(changes + 1); change > 0; change--) {
      // Names that come and go here no longer count; those that stay do.
      long before[NAMES];
      memcpy(before, files[directory], sizeof before);
      if (below(3) == 0) make();
      else if (below(2) == 0) take_away();
      else move();
      for (int name = 0; name < NAMES; name++) if (files[directory][name] != before[name]) stays[name] = 0;
    }
  }
  close(copy);
  doing = "listed";
  if (!(changes > 0 && is_unsteady)) MUST_EQUAL(dots, 2);
  for (int name = 0; name < NAMES; name++) {
    at[0] = directory;
    at[1] = name;
    if (stays[name] && !(changes > 0 && is_unsteady)) MUST_EQUAL(seen[name], 1);
  }
}

static void run(long steps) {
  is_unsteady = lists_unsteadily();
  memset(files, 0, sizeof files);
  memset(nodes, 0, sizeof nodes);
  for (int index = 0; index < DIRECTORIES; index++) {
    char name[] = {'d', '0' + index, 0};
    MUST_EQUAL(mkdir(name, 0700), 0);
    MUST_EQUAL((descriptors[index] = open(name, O_RDONLY | O_DIRECTORY)) >= 0, 1);
  }
  for (step = 1; step <= steps; step++) {
    // Times of growth and times of shrinking.
    bool grows = step / 200 % 2 == 0;
    switch (below(8)) {
    case 0: case 1: make(); break;
    case 2: take_away(); break;
    case 3: link_another(); break;
    case 4: case 5: move(); break;
    case 6: grows ? make() : take_away(); break;
    default:
      if (below(4) == 0) list(below(DIRECTORIES), below(3) * 2);
      else if (!grows) take_away();
    }
    int directory, name;
    for (int count = 0; count < 4; count++) {
      any(&directory, &name);
      check_name(directory, name);
    }
  }
  for (int index = 0; index < DIRECTORIES; index++) {
    list(index, 0);
    long names = 0;
    for (int name = 0; name < NAMES; name++) {
      check_name(index, name);
      long *file = &files[index][name];
      if (*file) MUST_EQUAL(unlinkat(descriptors[index], name_of(name), is_directory(*file) ? AT_REMOVEDIR : 0), 0);
      names += *file != 0;
      drop(*file);
      *file = 0;
    }
    char name[] = {'d', '0' + index, 0};
    close(descriptors[index]);
    MUST_EQUAL(rmdir(name), 0);
  }
}

int main(int count, char **arguments) {
  return run_model((struct model){"directory-model", 2000, run}, count, arguments);
}
