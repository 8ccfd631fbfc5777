// Calls about names: directories, links, files, permissions and times, in a small tree that two users share.
#include <dirent.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <linux/fs.h>

#define TREE "/tmp/compared"
#define SLOTS 6
static int slots[SLOTS];  // open files, -1 where none
static int listing_depth;

static const char *const tree_names[] = {"a", "b", "c", "d", "e"};

// A path of one to three names, with the odd ways of writing one.
static char *any_path(char path[8200]) {
  char *at = path;
  if (one_in(60)) {
    unsigned length = one_in(2) ? 255 : 256;
    memset(path, 'x', length);
    path[length] = 0;
    return path;
  }
  if (one_in(60)) {  // up to the limit of a path, and beyond
    unsigned length = 4093 + below(5);
    for (unsigned i = 0; i < length; i += 2) memcpy(path + i, "./", 2);
    path[length - 1] = 'a';
    path[length] = 0;
    return path;
  }
  if (one_in(40)) { *path = 0; return path; }
  if (one_in(12)) at = stpcpy(at, TREE "/");
  if (one_in(25)) {
    sprintf(path, "/proc/self/fd/%d", slots[below(SLOTS)] + 0);
    return path;
  }
  for (unsigned names = 1 + (below(3) != 0 ? below(3) : 0); names > 0; names--) {
    at = stpcpy(at, one_in(16) ? "." : one_in(16) ? ".." : ANY(tree_names));
    if (names > 1) at = stpcpy(at, one_in(20) ? "//" : "/");
  }
  if (one_in(12)) at = stpcpy(at, "/");
  return path;
}

static void say_path(const char *path) {
  size_t length = strlen(path);
  // Numbers of descriptors are those of slots.
  if (strncmp(path, "/proc/self/fd/", 14) == 0) {
    int number = atoi(path + 14), slot = -1;
    for (int i = 0; i < SLOTS; i++)
      if (slots[i] == number) { slot = i; break; }
    say(" fd:%d", slot);
  } else if (length > 200) {
    say(" (%zu bytes)", length);
  } else {
    say(" '%s'", path);
  }
}

static int slot_of_directory;
static int any_directory(void) {
  slot_of_directory = one_in(5) ? (int)below(SLOTS) : -1;
  if (slot_of_directory < 0) return AT_FDCWD;
  say(" slot%d", slot_of_directory);
  return slots[slot_of_directory];
}

static const char *age(struct statx_timestamp time) {
  static char names[4][16];
  static int next;
  if (time.tv_sec > 100000) return "now";
  char *name = names[next++ % 4];
  snprintf(name, sizeof names[0], "%d.%u", (int)time.tv_sec, time.tv_nsec);
  return name;
}

static void say_status(const struct statx *status) {
  say(" %06o n%u %u:%u", status->stx_mode, status->stx_nlink, status->stx_uid, status->stx_gid);
  if (!S_ISDIR(status->stx_mode)) say(" s%llu", (unsigned long long)status->stx_size);
  say(" m%s", age(status->stx_mtime));
  if (!S_ISLNK(status->stx_mode)) say(" a%s", age(status->stx_atime));
}

static void say_state(int directory, const char *path, int flags) {
  struct statx status;
  long result = CALL(statx, directory, path, flags | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &status);
  say(" [");
  if (result < 0) say("%s", strerrorname_np(-result)); else say_status(&status);
  if (result == 0 && S_ISLNK(status.stx_mode) && !(flags & AT_EMPTY_PATH)) {
    char text[5000];
    long length = CALL(readlinkat, directory, path, text, sizeof text - 1);
    if (length >= 0) {
      text[length] = 0;
      if (length > 200) say(" -> (%ld bytes)", length); else say(" -> '%s'", text);
    } else {
      say(" -> %s", strerrorname_np(-length));
    }
  }
  say(" ]");
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

// The tree, one line a name, without a trace in its times.
static void list_tree(int parent, const char *name, const char *shown) {
  int directory = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOATIME | O_NOFOLLOW | O_CLOEXEC);
  if (directory < 0) {
    say("   %s: %s", shown, strerrorname_np(errno));
    end_line();
    return;
  }
  char *names[512];
  size_t count = 0;
  char buffer[8192];
  long bytes;
  while ((bytes = CALL(getdents64, directory, buffer, sizeof buffer)) > 0)
    for (long at = 0; at < bytes;) {
      struct dirent64 *entry = (void *)(buffer + at);
      at += entry->d_reclen;
      if (count < 512 && asprintf(&names[count], "%s%c%d", entry->d_name, 0, entry->d_type) >= 0) count++;
    }
  if (bytes < 0) { say("   getdents64"); say_result(bytes); end_line(); }
  qsort(names, count, sizeof *names, by_name);
  for (size_t i = 0; i < count; i++) {
    char *inner = names[i];
    if (strcmp(inner, ".") && strcmp(inner, "..")) {
      char *path;
      if (asprintf(&path, "%s/%s", shown, inner) < 0) _exit(3);
      say("   ");
      if (strlen(inner) > 200) say("%s/(%zu)", shown, strlen(inner)); else say("%s", path);
      say(" t%s", inner + strlen(inner) + 1);
      say_state(directory, inner, AT_SYMLINK_NOFOLLOW);
      struct stat status;
      if (fstatat(directory, inner, &status, AT_SYMLINK_NOFOLLOW) == 0) {
        if (S_ISREG(status.st_mode)) {
          int file = openat(directory, inner, O_RDONLY | O_NOATIME | O_NOFOLLOW | O_CLOEXEC);
          unsigned hash = 2166136261u;
          long got;
          // The first bytes only: files may be huge and sparse.
          for (int turn = 0; turn < 4 && (got = read(file, buffer, sizeof buffer)) > 0; turn++)
            for (long at = 0; at < got; at++) hash = (hash ^ (unsigned char)buffer[at]) * 16777619u;
          close(file);
          say(" #%08x", hash);
        }
        end_line();
        if (S_ISDIR(status.st_mode) && listing_depth < 8) {
          listing_depth++;
          list_tree(directory, inner, path);
          listing_depth--;
        }
      } else {
        end_line();
      }
      free(path);
    }
    free(names[i]);
  }
  close(directory);
}

static const unsigned users[] = {0, 0, 1000, 1001};
static unsigned group_of(unsigned user) { return user == 0 ? 0 : 100; }

static void become(unsigned user) {
  CALL(setresgid, -1, group_of(user), -1);
  CALL(setresuid, -1, user, -1);
}

static void become_root(void) {
  CALL(setresuid, -1, 0, -1);
  CALL(setresgid, -1, 0, -1);
}

static const unsigned modes[] = {0, 0777, 0755, 0700, 0644, 0600, 0444, 0222, 0111, 01777, 02775, 04755, 06777, 07000,
                                 0070, 0007, 0170, 0100644, 0177777};
static const long sizes[] = {0, 1, 5, 100, 4095, 4096, 4097, 10000, 70000, -1, 1L << 33, 1L << 40};
static const struct word open_words[] = {
  {O_CREAT, "CREAT"}, {O_EXCL, "EXCL"}, {O_TRUNC, "TRUNC"}, {O_DIRECTORY, "DIRECTORY"}, {O_NOFOLLOW, "NOFOLLOW"},
  {O_PATH, "PATH"}, {O_APPEND, "APPEND"}, {020000000, "TMPFILE_BIT"}, {O_NOATIME, "NOATIME"},
  {O_NONBLOCK, "NONBLOCK"}, {O_CLOEXEC, "CLOEXEC"}};
static const struct word rename_words[] = {{RENAME_NOREPLACE, "NOREPLACE"}, {RENAME_EXCHANGE, "EXCHANGE"},
                                           {8, "8"}};
static const struct word at_words[] = {{AT_SYMLINK_NOFOLLOW, "NOFOLLOW"}, {AT_EMPTY_PATH, "EMPTY_PATH"},
                                       {AT_SYMLINK_FOLLOW, "FOLLOW"}};

static void take_slot(unsigned slot, long file) {
  if (file < 0) return;
  if (slots[slot] >= 0) close(slots[slot]);
  slots[slot] = file;
}

static void say_where(int slot) {
  char link[64], text[5000];
  sprintf(link, "/proc/self/fd/%d", slots[slot]);
  long length = readlink(link, text, sizeof text - 1);
  if (length < 0) return;
  text[length] = 0;
  if (strncmp(text, "/proc/", 6) == 0) {
    say(" </proc>");
    return;
  }
  char *number = strstr(text, "/#");
  if (number != NULL) strcpy(number, strstr(number, " (") ? "/#N (deleted)" : "/#N");  // a serial number
  if (length > 200) say(" <%ld bytes>", length); else say(" <%s>", text);
}

static void tree_step(void) {
  static char one[8200], two[8200], text[8200];
  unsigned user = ANY(users);
  any_path(one);
  any_path(two);
  unsigned slot = below(SLOTS);
  long result;
  say("u%u ", user);
#define AS(call) (become(user), result = (call), become_root(), result)
  switch (below(46)) {
    case 0: case 1: case 2: {
      unsigned mode = ANY(modes);
      say("mkdirat");
      int at = any_directory();
      say_path(one); say(" %o", mode);
      say_result(AS(CALL(mkdirat, at, one, mode)));
      say_state(at, one, AT_SYMLINK_NOFOLLOW);
      break;
    }
    case 3:
      // What a process may do in its own /proc/self/fd is a rule for itself.
      if (strncmp(one, "/proc", 5) == 0) strcpy(one, "a/b");
      say("rmdir"); say_path(one); say_result(AS(CALL(rmdir, one))); break;
    case 4: case 5: case 6: case 7: case 8: case 9: case 10: {
      unsigned mode = ANY(modes);
      say("openat");
      int at = any_directory();
      say_path(one);
      unsigned access = below(4);
      say(" %u", access);
      unsigned flags = access | ANY_WORDS(open_words, 4);
      flags |= O_NONBLOCK;
      say(" %o", mode);
      long file = AS(CALL(openat, at, one, flags, mode));
      say_success(file);
      take_slot(slot, file);
      if (file >= 0) {
        say(" slot%u", slot);
        say_state(file, "", AT_EMPTY_PATH);
        say(" fl=%lo", CALL(fcntl, file, F_GETFL));
        say_where(slot);
      } else {
        say_state(at, one, AT_SYMLINK_NOFOLLOW);
      }
      break;
    }
    case 11: case 12: case 13: {
      say("linkat");
      int from = any_directory(), to;
      say_path(one);
      to = any_directory();
      say_path(two);
      unsigned flags = one_in(3) ? ANY_WORDS(at_words, 3) : 0;
      // Whose file may be linked is a setting of Linux's (fs.protected_hardlinks).
      struct statx source;
      if (user != 0 && (CALL(statx, from, one, (flags & AT_EMPTY_PATH) | (flags & AT_SYMLINK_FOLLOW ? 0
          : AT_SYMLINK_NOFOLLOW), STATX_UID, &source) != 0 || source.stx_uid != user)) user = 0;
      say_result(AS(CALL(linkat, from, one, to, two, flags)));
      say_state(to, two, AT_SYMLINK_NOFOLLOW);
      break;
    }
    case 14: case 15: case 16: {
      say("symlinkat");
      say_path(one);
      int to = any_directory();
      say_path(two);
      say_result(AS(CALL(symlinkat, one, to, two)));
      say_state(to, two, AT_SYMLINK_NOFOLLOW);
      break;
    }
    case 17: case 18: case 19: case 20: case 21: {
      say("renameat2");
      if (strncmp(one, "/proc", 5) == 0) strcpy(one, "b");
      if (strncmp(two, "/proc", 5) == 0) strcpy(two, "c");
      int from = any_directory(), to;
      say_path(one);
      to = any_directory();
      say_path(two);
      unsigned flags = one_in(2) ? ANY_WORDS(rename_words, 3) : 0;
      say_result(AS(CALL(renameat2, from, one, to, two, flags)));
      say_state(from, one, AT_SYMLINK_NOFOLLOW);
      say_state(to, two, AT_SYMLINK_NOFOLLOW);
      break;
    }
    case 22: case 23: {
      say("unlinkat");
      int at = any_directory();
      if (strncmp(one, "/proc", 5) == 0) strcpy(one, "d/a");
      say_path(one);
      static const unsigned flags[] = {0, 0, 0, AT_REMOVEDIR, AT_REMOVEDIR, AT_SYMLINK_NOFOLLOW};
      unsigned flag = ANY(flags);
      say(" %x", flag);
      say_result(AS(CALL(unlinkat, at, one, flag)));
      break;
    }
    case 24: case 25: {
      unsigned mode = ANY(modes);
      say("fchmodat"); say_path(one); say(" %o", mode);
      say_result(AS(CALL(fchmodat, AT_FDCWD, one, mode)));
      say_state(AT_FDCWD, one, 0);
      break;
    }
    case 26: case 27: {
      static const int owners[] = {-1, -1, 0, 1000, 1001};
      static const int groups[] = {-1, -1, 0, 100, 1001};
      int owner = ANY(owners), group = ANY(groups);
      say("fchownat");
      int at = any_directory();
      say_path(one); say(" %d:%d", owner, group);
      unsigned flags = one_in(2) ? ANY_WORDS(at_words, 3) : 0;
      say_result(AS(CALL(fchownat, at, one, owner, group, flags)));
      say_state(at, one, flags & AT_SYMLINK_NOFOLLOW);
      break;
    }
    case 28: case 29: {
      static const long nanoseconds[] = {0, 7, 999999999, 1000000000, -1, UTIME_NOW, UTIME_OMIT, UTIME_OMIT};
      struct timespec times[2] = {{below(5000), ANY(nanoseconds)}, {below(5000), ANY(nanoseconds)}};
      int none = one_in(6);
      say("utimensat");
      int at = any_directory();
      say_path(one);
      if (none) say(" NULL"); else say(" %ld.%ld %ld.%ld", times[0].tv_sec, times[0].tv_nsec, times[1].tv_sec,
                                       times[1].tv_nsec);
      unsigned flags = one_in(2) ? ANY_WORDS(at_words, 3) : 0;
      // Since Linux 6.11 a flag may go with no path.
      int null = at != AT_FDCWD && flags == 0 && one_in(2);
      if (null) say(" no path");
      say_result(AS(CALL(utimensat, at, null ? NULL : one, none ? NULL : times, flags)));
      if (null) say_state(at, "", AT_EMPTY_PATH); else say_state(at, one, flags & AT_SYMLINK_NOFOLLOW);
      break;
    }
    case 30: case 31: {
      unsigned mode = one_in(10) ? 8 : below(8);
      say("faccessat2");
      int at = any_directory();
      say_path(one); say(" %u", mode);
      unsigned flags = one_in(2) ? ANY_WORDS(at_words, 3) : 0;
      if (one_in(2)) { flags |= AT_EACCESS; say("|EACCESS"); }
      say_result(AS(CALL(faccessat2, at, one, mode, flags)));
      break;
    }
    case 32: {
      long size = ANY(sizes);
      say("truncate"); say_path(one); say(" %ld", size);
      say_result(AS(CALL(truncate, one, size)));
      say_state(AT_FDCWD, one, 0);
      break;
    }
    case 33: {
      long size = ANY(sizes);
      say("ftruncate slot%u %ld", slot, size);
      say_result(AS(CALL(ftruncate, slots[slot], size)));
      say_state(slots[slot], "", AT_EMPTY_PATH);
      break;
    }
    case 34: {
      static const int lengths[] = {0, -1, 1, 3, 100, 4096};
      int length = ANY(lengths);
      say("readlinkat");
      int at = any_directory();
      say_path(one); say(" %d", length);
      memset(text, 0, sizeof text);
      long count = AS(CALL(readlinkat, at, one, text, length));
      if (strncmp(text, "/proc/self/fd", 13) == 0 || strncmp(one, "/proc", 5) == 0 || strstr(text, "/#")) {
        say_success(count);
      } else {
        say_result(count);
        if (count > 0 && count < 200) say(" '%s'", text);
      }
      break;
    }
    case 35: {
      say("chdir"); say_path(one);
      say_result(AS(CALL(chdir, one)));
      memset(text, 0, sizeof text);
      say(" getcwd");
      say_result(CALL(getcwd, text, sizeof text));
      if (strlen(text) < 200) say(" '%s'", text);
      break;
    }
    case 36: {
      say("fchdir slot%u", slot);
      say_result(AS(CALL(fchdir, slots[slot])));
      unsigned size = below(30);
      memset(text, 0, sizeof text);
      say(" getcwd %u", size);
      say_result(CALL(getcwd, text, size));
      say(" '%s'", text);
      break;
    }
    case 37: {
      static const unsigned masks[] = {0, 022, 077, 0777, 027, 07777};
      unsigned mask = ANY(masks);
      say("umask %o", mask);
      say_result(CALL(umask, mask));
      break;
    }
    case 38: {
      static const unsigned kinds[] = {0, S_IFREG, S_IFIFO, S_IFSOCK, S_IFCHR, S_IFDIR, S_IFLNK, 0xF000};
      unsigned kind = ANY(kinds), mode = ANY(modes) & 07777;
      say("mknodat");
      int at = any_directory();
      say_path(one); say(" %o", kind | mode);
      say_result(AS(CALL(mknodat, at, one, kind | mode, 0)));
      say_state(at, one, AT_SYMLINK_NOFOLLOW);
      break;
    }
    case 39: case 40: {
      static const long offsets[] = {-1, 0, 0, 1, 4090, 5000};
      long offset = ANY(offsets), count = below(2) ? below(20) : below(6000);
      memset(text, 'A' + below(26), sizeof text);
      int positioned = one_in(2);
      say(positioned ? "pwrite64 slot%u %ld %ld" : "write slot%u %ld %ld", slot, count, offset);
      say_result(positioned ? AS(CALL(pwrite64, slots[slot], text, count, offset))
                            : AS(CALL(write, slots[slot], text, count)));
      say_state(slots[slot], "", AT_EMPTY_PATH);
      break;
    }
    case 41: {
      long count = below(6000);
      memset(text, 0, sizeof text);
      say("read slot%u %ld", slot, count);
      long got = AS(CALL(read, slots[slot], text, count));
      say_result(got);
      unsigned hash = 2166136261u;
      for (long at = 0; at < got; at++) hash = (hash ^ (unsigned char)text[at]) * 16777619u;
      say(" #%08x", hash);
      say_state(slots[slot], "", AT_EMPTY_PATH);
      break;
    }
    case 42: {
      static const long offsets[] = {-1, 0, 1, 4096, 5000, 1L << 40, INT64_MIN, INT64_MAX};
      unsigned whence = below(6);
      long offset = ANY(offsets);
      say("lseek slot%u %ld %u", slot, offset, whence);
      struct stat status;
      if (fstat(slots[slot], &status) == 0 && S_ISDIR(status.st_mode)) { say(" directory"); break; }
      say_result(CALL(lseek, slots[slot], offset, whence));
      break;
    }
    case 43: {
      // Of the operations a tmpfs of Linux has the first two alone.
      static const unsigned operations[] = {0, 1, 3, 3, 2, 4, 0x100};
      unsigned mode = ANY(operations);
      long offset = ANY(sizes), length = ANY(sizes);
      // A file of all that fits would fill memory.
      if (length > 100000) length = 100000;
      if (offset > 100000) { mode |= 1; mode |= 2; }
      say("fallocate slot%u %x %ld %ld", slot, mode, offset, length);
      say_result(AS(CALL(fallocate, slots[slot], mode, offset, length)));
      say_state(slots[slot], "", AT_EMPTY_PATH);
      break;
    }
    case 44: {
      unsigned mode = ANY(modes);
      int owner = one_in(2);
      say("%s slot%u %o", owner ? "fchown" : "fchmod", slot, mode);
      say_result(owner ? AS(CALL(fchown, slots[slot], 1000 + (mode & 1), -1)) : AS(CALL(fchmod, slots[slot], mode)));
      say_state(slots[slot], "", AT_EMPTY_PATH);
      break;
    }
    case 45: {
      unsigned other = below(SLOTS);
      long from = ANY(sizes), to = ANY(sizes), count = below(9000);
      if (from > 100000) from = 3;
      if (to > 100000) to = 7;
      int offsets = one_in(2);
      say("copy_file_range slot%u slot%u %ld %ld %ld %d", slot, other, from, to, count, offsets);
      long result = AS(CALL(copy_file_range, slots[slot], offsets ? &from : NULL, slots[other], offsets ? &to : NULL,
                            count, one_in(20)));
      say_result(result);
      say(" %ld %ld", from, to);
      say_state(slots[other], "", AT_EMPTY_PATH);
      break;
    }
  }
}

static void set_old(const char *path, long seconds) {
  struct timespec times[2] = {{seconds, 1}, {seconds, 2}};
  utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
}

static void tree_round(void) {
  umask(0);
  if (mkdir("/tmp", 01777) != 0 || mkdir(TREE, 0777) != 0 || chdir(TREE) != 0) _exit(4);
  for (int i = 0; i < SLOTS; i++) slots[i] = -1;
  mkdir("a", 0777);
  mkdir("a/b", 0755);
  mkdir("d", 01777);
  close(open("b", O_CREAT | O_WRONLY, 0666));
  int file = open("d/a", O_CREAT | O_WRONLY, 0644);
  if (write(file, "contents", 8) != 8) _exit(4);
  close(file);
  if (chown("d/a", 1000, 100) != 0 || chown("a/b", 1000, 100) != 0) _exit(4);
  if (symlink("a", "c") != 0 || symlink("../b", "a/c") != 0) _exit(4);
  static const char *const made[] = {"a/b", "a/c", "d/a", "a", "b", "c", "d"};
  for (size_t i = 0; i < COUNT(made); i++) set_old(made[i], 1000 + i);
  set_old("/tmp", 1010);
  set_old(TREE, 1011);
  slots[0] = open(".", O_RDONLY | O_DIRECTORY);
  slots[1] = open("d/a", O_RDWR);
  slots[2] = open("a/b", O_PATH);
  umask(022);
  for (int i = 0; i < STEPS_OF_A_ROUND; i++) {
    STEP(i);
    tree_step();
    end_line();
    if (i % 10 == 9) list_tree(AT_FDCWD, TREE, "");
  }
  for (int i = 0; i < SLOTS; i++) {
    if (slots[i] >= 0) {
      say("slot%d", i);
      say_state(slots[i], "", AT_EMPTY_PATH);
      say_where(i);
      end_line();
      close(slots[i]);
    }
  }
}
