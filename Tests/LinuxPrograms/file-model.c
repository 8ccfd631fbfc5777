// Contents of files: random calls on a few files at once, each held against a model in memory. Whatever way there is to a
// file's bytes must show the same: read(2) and its kin, shared and private mappings, pipes, new descriptors.
//
//   file-model [--seed SEED] [--steps STEPS] [--rounds ROUNDS] [--trace]
//
// A failure names the seed, the step, and what was done last: --seed with that many --steps does it again. Each round
// has a seed of its own, one higher than that before.
#include "model.h"
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define PAGE 4096l
// The most pages of a file that are looked at: more than a node of 64.
#define PAGES 70l
#define FILES 8
#define MAPPINGS 6

static long smaller(long one, long other) { return one < other ? one : other; }
static long larger(long one, long other) { return one > other ? one : other; }
static long up(long size) { return (size + PAGE - 1) / PAGE * PAGE; }

// --- What was done last ---

static bool traces;

#define REMEMBERED 16
static struct {
  long step;
  char text[120];
} history[REMEMBERED];
static long events;

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...) {
  int index = events++ % REMEMBERED;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(history[index].text, sizeof history[index].text, format, arguments);
  va_end(arguments);
  history[index].step = step;
  if (traces) say("%ld: %s", step, history[index].text);
}

__attribute__((format(printf, 1, 2), noreturn)) static void fail(const char *format, ...) {
  int error = errno;
  char text[300];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  say("not ok --seed %llu, step %ld: %s (errno %d). Before:", (unsigned long long)seed, step, text, error);
  for (long event = larger(0, events - REMEMBERED); event < events; event++)
    say("  %ld: %s", history[event % REMEMBERED].step, history[event % REMEMBERED].text);
  _exit(1);
}

#define MUST(condition) \
  do { \
    if (!(condition)) fail("line %d: %s", __LINE__, #condition); \
  } while (0)
#define MUST_EQUAL(actual, expected) \
  do { \
    long must_actual = (long)(actual), must_expected = (long)(expected); \
    if (must_actual != must_expected) \
      fail("line %d: %s is %ld, not %s, %ld", __LINE__, #actual, must_actual, #expected, must_expected); \
  } while (0)

// --- Files and their models ---

struct file {
  // -1: none. A file without a descriptor lives on by its mappings.
  int descriptor;
  bool is_used, is_memory;
  // How many names it has, and which.
  int links;
  long names[2];
  // What is looked at begins at this offset; before it there are zeros only.
  long base;
  // How far its offsets and its size go.
  long reach;
  long size;
  long position;
  // Whether a mapping has written behind the end, in the last page. What lies there is that or zeros, and nobody says
  // which of them shows once the file gets longer. Else it is zeros.
  bool has_dirt;
  unsigned char bytes[PAGES * PAGE];
};

struct mapping {
  unsigned char *address;  // NULL: none
  struct file *file;
  bool is_shared;
  long first, count;  // in pages
  // Of a private one: which pages are the process's own, and their contents.
  bool is_own[PAGES];
  unsigned char own[PAGES][PAGE];
};

static struct file files[FILES];
static struct mapping mappings[MAPPINGS];
static unsigned char buffer[PAGES * PAGE + PAGE], other_buffer[PAGES * PAGE + PAGE];
// A page that can be used, and one behind it that cannot.
static unsigned char *brink;
static long next_name;

static int number_of(const struct file *file) { return file - files; }

static const char *name_of(long number) {
  static char names[4][24];
  static int turn;
  char *name = names[turn++ % 4];
  sprintf(name, "file%ld", number);
  return name;
}

static struct file *any_file(void) {
  for (;;) {
    struct file *file = &files[below(FILES)];
    if (file->descriptor >= 0) return file;
  }
}

static struct mapping *any_mapping(void) {
  struct mapping *mapping = &mappings[below(MAPPINGS)];
  return mapping->address ? mapping : NULL;
}

// An offset, or a length up to `limit`: edges of pages and the end often.
static long any_place(const struct file *file, long limit) {
  long place;
  switch (below(7)) {
  case 0: place = 0; break;
  case 1: place = below(32); break;
  case 2: place = below(PAGES) * PAGE + below(5) - 2; break;
  case 3: place = file->size + below(9) - 4; break;
  case 4: place = below(PAGE); break;
  case 5: place = below(limit / PAGE + 1) * PAGE; break;
  default: place = below(limit + 1);
  }
  return place < 0 ? 0 : place > limit ? below(limit + 1) : place;
}

static long any_length(long limit) {
  long length;
  switch (below(6)) {
  case 0: length = below(17); break;
  case 1: length = PAGE + below(9) - 4; break;
  case 2: length = below(3 * PAGE); break;
  case 3: length = PAGE * below(5); break;
  default: length = below(PAGE);
  }
  return smaller(length, limit);
}

static void fill(unsigned char *bytes, long count) {
  if (one_in(10)) {
    memset(bytes, 0, count);
    return;
  }
  uint64_t number = splitmix64(&random_state);
  for (long index = 0; index < count; index++) {
    if (index % 8 == 0) number = number * 6364136223846793005u + 1442695040888963407u;
    bytes[index] = (number >> index % 8 * 8) | 1;
  }
}

// Compares bytes with what they should be; those at and after `dirt_start` may be zeros as well.
static void compare(
  const unsigned char *actual, const unsigned char *expected, long count, long dirt_start, const char *what,
  long place
) {
  if (memcmp(actual, expected, count) == 0) return;
  for (long index = 0; index < count; index++) {
    if (actual[index] == expected[index] || (index >= dirt_start && actual[index] == 0)) continue;
    long last = index;
    for (long next = index; next < count; next++) if (actual[next] != expected[next]) last = next;
    fail("%s: byte %ld is %02x, not %02x (to %ld there are differences)", what, place + index, actual[index],
      expected[index], place + last);
  }
}

// --- What operations make of the models ---

// The file gets longer; the caller has put in what it knows from `known` on.
static void grow(struct file *file, long size, long known) {
  if (size <= file->size) return;
  long end = up(file->size), gap = smaller(end, larger(known, file->size));
  if (file->has_dirt && gap > file->size) {
    long count = gap - file->size;
    MUST_EQUAL(pread(file->descriptor, buffer, count, file->base + file->size), count);
    compare(buffer, file->bytes + file->size, count, 0, "behind the former end", file->size);
    memcpy(file->bytes + file->size, buffer, count);
  }
  if (size >= end) file->has_dirt = false;
  file->size = size;
}

// Bytes have been written.
static void put(struct file *file, long offset, const unsigned char *bytes, long count) {
  if (count <= 0) return;
  MUST(offset + count <= file->reach);
  if (file->has_dirt && offset > file->size) grow(file, offset, offset);
  memcpy(file->bytes + offset, bytes, count);
  grow(file, offset + count, offset);
}

static void cut(struct file *file, long size) {
  if (size >= file->size) {
    grow(file, size, size);
    return;
  }
  memset(file->bytes + size, 0, PAGES * PAGE - size);
  file->has_dirt = false;
  file->size = size;
  for (int index = 0; index < MAPPINGS; index++) {
    struct mapping *mapping = &mappings[index];
    if (!mapping->address || mapping->file != file) continue;
    for (long page = 0; page < mapping->count; page++)
      if ((mapping->first + page) * PAGE >= size) mapping->is_own[page] = false;
  }
}

// A range has become zeros.
static void clear(struct file *file, long start, long end) {
  end = smaller(end, file->size);
  if (start < end) memset(file->bytes + start, 0, end - start);
}

// --- Comparing ---

static void check_size(struct file *file) {
  if (file->descriptor < 0) return;
  struct stat status;
  MUST_EQUAL(fstat(file->descriptor, &status), 0);
  MUST_EQUAL(status.st_size, file->base + file->size);
  MUST_EQUAL(status.st_nlink, file->links);
  if (file->base == 0 && file->size == 0 && one_in(4)) {
    MUST_EQUAL(pread(file->descriptor, buffer, 10, 0), 0);
  }
}

static void check_bytes(struct file *file, long start, long end) {
  end = smaller(end, file->size);
  if (file->descriptor < 0 || start >= end) return;
  memset(buffer, 0x5A, end - start + 8);
  MUST_EQUAL(pread(file->descriptor, buffer, end - start, file->base + start), end - start);
  compare(buffer, file->bytes + start, end - start, PAGES * PAGE, "pread", start);
}

static bool is_behind_end(const struct mapping *mapping, long page) {
  return (mapping->first + page) * PAGE >= mapping->file->size;
}

static void check_pages(struct mapping *mapping, long start, long end) {
  for (long page = start; page < smaller(end, mapping->count); page++) {
    struct file *file = mapping->file;
    if (is_behind_end(mapping, page)) continue;
    unsigned char *address = mapping->address + page * PAGE;
    char what[60];
    sprintf(what, "mapping %d of file %d, %s", (int)(mapping - mappings), number_of(file),
      mapping->is_shared ? "shared" : mapping->is_own[page] ? "own page" : "private");
    long place = (mapping->first + page) * PAGE;
    if (mapping->is_own[page]) {
      compare(address, mapping->own[page], PAGE, PAGE, what, place);
    } else {
      compare(address, file->bytes + place, PAGE, file->has_dirt ? file->size - place : PAGE, what, place);
    }
  }
}

static void check_some(void) {
  for (struct file *file = files; file < files + FILES; file++) {
    check_size(file);
    if (file->descriptor < 0 || file->size == 0) continue;
    long start = any_place(file, file->size);
    check_bytes(file, start, start + any_length(PAGES * PAGE));
    if (file->base > 0 && one_in(16)) {
      long count = 1 + below(32);
      MUST_EQUAL(pread(file->descriptor, buffer, count, below(file->base - count + 1)), count);
      memset(other_buffer, 0, count);
      compare(buffer, other_buffer, count, PAGE, "before the base", 0);
    }
  }
  struct mapping *mapping = any_mapping();
  if (mapping) {
    long start = below(mapping->count);
    check_pages(mapping, start, start + 1 + below(3));
  }
}

static void check_all(void) {
  for (struct file *file = files; file < files + FILES; file++) {
    check_size(file);
    check_bytes(file, 0, file->size);
  }
  for (struct mapping *mapping = mappings; mapping < mappings + MAPPINGS; mapping++)
    if (mapping->address) check_pages(mapping, 0, mapping->count);
}

// --- Beginning and ending files ---

static void let_go(struct file *file) {
  if (file->descriptor >= 0) return;
  for (int index = 0; index < MAPPINGS; index++)
    if (mappings[index].address && mappings[index].file == file) return;
  for (; file->links > 0; file->links--) MUST_EQUAL(unlink(name_of(file->names[file->links - 1])), 0);
  file->is_used = false;
}

static void unmap(struct mapping *mapping) {
  MUST_EQUAL(munmap(mapping->address, mapping->count * PAGE), 0);
  mapping->address = NULL;
  let_go(mapping->file);
}

static void begin(struct file *file) {
  static const long reaches[] = {1, 1, 2, 3, 5, 16, PAGES};
  *file = (struct file){.descriptor = -1, .is_used = true};
  file->reach = reaches[below(7)] * PAGE;
  int kind = below(4);
  if (kind == 0) {
    file->is_memory = true;
    file->descriptor = memfd_create("model", 0);
  } else if (kind == 1 && (file->descriptor = open(".", O_RDWR | O_TMPFILE, 0600)) >= 0) {
    // Without a name.
  } else {
    file->names[0] = next_name++;
    file->links = 1;
    file->descriptor = open(name_of(file->names[0]), O_RDWR | O_CREAT | O_EXCL, 0600);
  }
  if (one_in(6)) {
    static const long bases[] = {PAGE, 62 * PAGE, 64 * PAGE, 4095 * PAGE};
    file->base = bases[below(4)];
    MUST_EQUAL(ftruncate(file->descriptor, file->base), 0);
  }
  note("file %d begins: kind %d, reach %ld, base %ld", number_of(file), kind, file->reach, file->base);
  MUST(file->descriptor >= 0);
}

static void end(struct file *file, bool keeps_mappings) {
  note("file %d ends%s", number_of(file), keeps_mappings ? " but for its mappings" : "");
  MUST_EQUAL(close(file->descriptor), 0);
  file->descriptor = -1;
  if (!keeps_mappings)
    for (int index = 0; index < MAPPINGS; index++)
      if (mappings[index].address && mappings[index].file == file) unmap(&mappings[index]);
  let_go(file);
}

static void begin_anew(void) {
  for (struct file *file = files; file < files + FILES; file++)
    if (!file->is_used) {
      end(any_file(), one_in(3));
      begin(file);
      return;
    }
  struct file *file = any_file();
  end(file, false);
  begin(file);
}

static void open_anew(struct file *file) {
  static const int kinds[] = {O_RDWR, O_RDWR, O_RDWR, O_RDWR | O_TRUNC};
  int flags = kinds[below(4)];
  char path[40];
  int old = file->descriptor;
  bool is_early = file->links > 0 && one_in(2);
  if (file->links > 0) strcpy(path, name_of(file->names[below(file->links)]));
  else sprintf(path, "/proc/self/fd/%d", old);
  note("file %d opened anew: %s, flags %x", number_of(file), path, flags);
  if (is_early) MUST_EQUAL(close(old), 0);
  MUST((file->descriptor = open(path, flags)) >= 0);
  if (!is_early) MUST_EQUAL(close(old), 0);
  file->position = 0;
  if (!(flags & O_TRUNC)) return;
  cut(file, 0);
  if (file->base) {
    MUST_EQUAL(ftruncate(file->descriptor, file->base), 0);
  } else {
    struct stat status;
    MUST_EQUAL(fstat(file->descriptor, &status), 0);
    if (is_in_memory) MUST_EQUAL(status.st_blocks, 0);
  }
}

static void change_names(struct file *file) {
  if (file->links == 0) return;
  int which = below(file->links);
  char name[24], fresh[24];
  strcpy(name, name_of(file->names[which]));
  strcpy(fresh, name_of(next_name));
  switch (below(4)) {
  case 0:
    note("file %d: rename %s to %s", number_of(file), name, fresh);
    MUST_EQUAL(rename(name, fresh), 0);
    file->names[which] = next_name++;
    break;
  case 1:
    if (file->links == 2) return;
    note("file %d: link %s to %s", number_of(file), name, fresh);
    MUST_EQUAL(link(name, fresh), 0);
    file->names[file->links++] = next_name++;
    break;
  case 2:
    note("file %d: unlink %s", number_of(file), name);
    MUST_EQUAL(unlink(name), 0);
    file->names[which] = file->names[--file->links];
    break;
  default: {
    struct file *other = any_file();
    if (other == file || other->links == 0) return;
    int replaced = below(other->links);
    note("file %d: rename %s over file %d's", number_of(file), name, number_of(other));
    MUST_EQUAL(rename(name, name_of(other->names[replaced])), 0);
    file->names[which] = other->names[replaced];
    other->names[replaced] = other->names[--other->links];
  }
  }
}

// --- Reading, writing, sizes ---

static int split(struct iovec *pieces, unsigned char *bytes, long count) {
  int number = 1 + below(4);
  for (int index = 0; index < number; index++) {
    long length = index == number - 1 ? count : one_in(4) ? 0 : below(count + 1);
    pieces[index] = (struct iovec){bytes, length};
    bytes += length;
    count -= length;
  }
  return number;
}

static void write_some(struct file *file) {
  long offset = any_place(file, file->reach), count = any_length(file->reach - offset);
  struct iovec pieces[4];
  fill(other_buffer, count);
  int kind = below(7);
  note("file %d: write, kind %d, %ld bytes at %ld of %ld", number_of(file), kind, count, offset, file->size);
  switch (kind) {
  case 0: case 1: MUST_EQUAL(pwrite(file->descriptor, other_buffer, count, file->base + offset), count); break;
  case 2:
    MUST_EQUAL(pwritev(file->descriptor, pieces, split(pieces, other_buffer, count), file->base + offset), count);
    break;
  case 3: case 4:
    if (one_in(3)) offset = file->position;
    if (offset > file->reach) return;
    count = smaller(count, file->reach - offset);
    MUST_EQUAL(lseek(file->descriptor, file->base + offset, SEEK_SET), file->base + offset);
    if (kind == 3) MUST_EQUAL(write(file->descriptor, other_buffer, count), count);
    else MUST_EQUAL(writev(file->descriptor, pieces, split(pieces, other_buffer, count)), count);
    file->position = offset + count;
    MUST_EQUAL(lseek(file->descriptor, 0, SEEK_CUR), file->base + file->position);
    break;
  case 5: {
    char path[40];
    sprintf(path, "/proc/self/fd/%d", file->descriptor);
    int appending = open(path, O_WRONLY | O_APPEND);
    MUST(appending >= 0);
    offset = file->size;
    count = smaller(count, file->reach - offset);
    struct iovec all = {other_buffer, count};
    if (one_in(3)) MUST_EQUAL(pwrite(appending, other_buffer, count, 0), count);
    else if (one_in(3)) MUST_EQUAL(pwritev2(file->descriptor, &all, 1, 0, RWF_APPEND), count);
    else MUST_EQUAL(write(appending, other_buffer, count), count);
    MUST_EQUAL(close(appending), 0);
    break;
  }
  default: {
    // The last bytes cannot be read.
    long good = smaller(below(3) ? below(40) : 0, count);
    memcpy(brink + PAGE - good, other_buffer, good);
    long written = pwrite(file->descriptor, brink + PAGE - good, count, file->base + offset);
    if (count == 0) MUST_EQUAL(written, 0);
    else if (good == 0) MUST(written == -1 && errno == EFAULT);
    else MUST(written > 0 ? written <= good : good < count && errno == EFAULT);
    // Newer kernels may have made the file longer up to where they tried.
    struct stat status;
    MUST_EQUAL(fstat(file->descriptor, &status), 0);
    if (written < 0 && status.st_size == file->base + offset) grow(file, offset, offset);
    count = larger(written, 0);
  }
  }
  put(file, offset, other_buffer, count);
}

static void read_some(struct file *file) {
  long offset = any_place(file, PAGES * PAGE), count = any_length(PAGES * PAGE - offset);
  long expected = larger(0, smaller(count, file->size - offset));
  struct iovec pieces[4];
  int kind = below(4);
  note("file %d: read, kind %d, %ld bytes at %ld of %ld", number_of(file), kind, count, offset, file->size);
  memset(buffer, 0x5A, count + 8);
  switch (kind) {
  case 0: MUST_EQUAL(pread(file->descriptor, buffer, count, file->base + offset), expected); break;
  case 1:
    MUST_EQUAL(preadv(file->descriptor, pieces, split(pieces, buffer, count), file->base + offset), expected);
    break;
  case 2:
    MUST_EQUAL(lseek(file->descriptor, offset - file->size, SEEK_END), file->base + offset);
    MUST_EQUAL(read(file->descriptor, buffer, count), expected);
    file->position = offset + expected;
    MUST_EQUAL(lseek(file->descriptor, 0, SEEK_CUR), file->base + file->position);
    break;
  default: {
    long good = smaller(below(40), count);
    long done = pread(file->descriptor, brink + PAGE - good, count, file->base + offset);
    if (expected <= good) MUST_EQUAL(done, expected);
    else if (good == 0) MUST(done == -1 && errno == EFAULT);
    else MUST(done > 0 ? done <= good : errno == EFAULT);
    compare(brink + PAGE - good, file->bytes + offset, larger(0, done), PAGE, "read to the brink", offset);
    return;
  }
  }
  compare(buffer, file->bytes + offset, expected, PAGES * PAGE, "read", offset);
  for (int index = 0; index < 8; index++) MUST_EQUAL(buffer[expected + index], 0x5A);
}

static void change_size(struct file *file) {
  long size = any_place(file, file->reach);
  if (one_in(3) && file->size > 0) size = file->size - below(smaller(file->size, PAGE) + 1);
  bool by_name = file->links > 0 && one_in(4);
  note("file %d: truncate from %ld to %ld%s", number_of(file), file->size, size, by_name ? " by name" : "");
  if (by_name) MUST_EQUAL(truncate(name_of(file->names[0]), file->base + size), 0);
  else MUST_EQUAL(ftruncate(file->descriptor, file->base + size), 0);
  bool is_longer = size > file->size;
  cut(file, size);
  if (!is_longer && file->base == 0) {
    // Nothing is left behind the end.
    struct stat status;
    MUST_EQUAL(fstat(file->descriptor, &status), 0);
    if (is_in_memory) MUST(status.st_blocks * 512 <= up(size));
  }
}

static void allocate(struct file *file) {
  long offset = any_place(file, file->reach - 1), count = any_length(file->reach - offset);
  if (count == 0) count = 1;
  int kind = below(5);
  static const int modes[] = {0, FALLOC_FL_KEEP_SIZE};
  if (kind < 2) {
    note("file %d: allocate, mode %d, %ld bytes at %ld of %ld", number_of(file), kind, count, offset, file->size);
    MUST_EQUAL(fallocate(file->descriptor, modes[kind], file->base + offset, count), 0);
    if (kind == 0) grow(file, offset + count, offset + count);
    return;
  }
  if (one_in(4)) offset = file->base > 0 ? -below(file->base) : 0, count = PAGES * PAGE + PAGE;
  note("file %d: hole, %ld bytes at %ld of %ld", number_of(file), count, offset, file->size);
  MUST_EQUAL(fallocate(file->descriptor, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, file->base + offset, count), 0);
  clear(file, larger(0, offset), offset + count);
  if (offset <= 0 && offset + count > PAGES * PAGE && file->base == 0) {
    // No page is left, whether it lies before the end or behind it.
    struct stat status;
    MUST_EQUAL(fstat(file->descriptor, &status), 0);
    if (is_in_memory) MUST_EQUAL(status.st_blocks, 0);
  }
}

static void seek(struct file *file) {
  long offset = any_place(file, PAGES * PAGE);
  note("file %d: seek from %ld of %ld", number_of(file), offset, file->size);
  long data = lseek(file->descriptor, file->base + offset, SEEK_DATA);
  if (data < 0) MUST_EQUAL(errno, ENXIO);
  else MUST(data >= file->base + offset && data < file->base + file->size);
  // No byte other than zero lies before the data.
  long stop = data < 0 ? file->size : data - file->base;
  for (long index = offset; index < stop; index++) MUST_EQUAL(file->bytes[index], 0);
  long hole = lseek(file->descriptor, file->base + offset, SEEK_HOLE);
  if (offset >= file->size) {
    MUST(hole == -1 && errno == ENXIO && data == -1);
  } else {
    MUST(hole >= file->base + offset && hole <= file->base + file->size && hole != data);
    if (hole == file->base + offset) {
      MUST(data != hole);
    } else {
      MUST_EQUAL(data, file->base + offset);
      if (hole < file->base + file->size)
        for (long index = hole - file->base; index < smaller(file->size, up(hole - file->base + 1)); index++)
          MUST_EQUAL(file->bytes[index], 0);
    }
  }
  MUST_EQUAL(lseek(file->descriptor, file->base, SEEK_SET), file->base);
  file->position = 0;
}

// --- From file to file ---

static void copy(void) {
  struct file *from = any_file(), *to = any_file();
  long source = any_place(from, PAGES * PAGE), target = any_place(to, to->reach);
  long count = any_length(to->reach - target), expected = larger(0, smaller(count, from->size - source));
  int kind = below(3);
  note("file %d to %d: copy, kind %d, %ld bytes from %ld of %ld to %ld of %ld", number_of(from), number_of(to), kind,
    count, source, from->size, target, to->size);
  long start = from->base + source, place = to->base + target, done;
  if (kind == 0) {
    // A length beyond the end of the source says nothing: only what there is counts.
    long asked = expected < count && one_in(2) ? 1l << 40 : count;
    done = copy_file_range(from->descriptor, &start, to->descriptor, &place, asked, 0);
    bool overlaps = from == to && start < place + expected && place < start + expected;
    if (done < 0 && overlaps && errno == EINVAL) return;
    if (done < 0 && from->is_memory != to->is_memory && errno == EXDEV) return;
    MUST(!overlaps);
    MUST(expected == 0 ? done == 0 : done > 0 && done <= expected);
    MUST_EQUAL(start, from->base + source + done);
    MUST_EQUAL(place, to->base + target + done);
    memcpy(other_buffer, from->bytes + source, done);
    put(to, target, other_buffer, done);
    return;
  }
  if (from == to) return;
  if (kind == 1) {
    MUST_EQUAL(lseek(to->descriptor, place, SEEK_SET), place);
    done = sendfile(to->descriptor, from->descriptor, &start, count);
    MUST(expected == 0 ? done == 0 : done > 0 && done <= expected);
    MUST_EQUAL(start, from->base + source + done);
    to->position = target + done;
    MUST_EQUAL(lseek(to->descriptor, 0, SEEK_CUR), to->base + to->position);
    put(to, target, from->bytes + source, done);
    return;
  }
  int ends[2];
  MUST_EQUAL(pipe(ends), 0);
  if (count > 0) {
    done = splice(from->descriptor, &start, ends[1], NULL, count, 0);
    MUST(expected == 0 ? done == 0 : done > 0 && done <= expected);
    for (long left = done; left > 0;) {
      long part = splice(ends[0], NULL, to->descriptor, &place, left, 0);
      MUST(part > 0 && part <= left);
      put(to, target, from->bytes + source, part);
      source += part;
      target += part;
      left -= part;
    }
  }
  close(ends[0]);
  close(ends[1]);
}

// --- Mappings ---

static void map(struct mapping *mapping) {
  struct file *file = any_file();
  long first = one_in(2) ? 0 : below(file->reach / PAGE);
  long count = 1 + below(larger(1, smaller(PAGES - first, one_in(2) ? 3 : file->reach / PAGE + 1)));
  unsigned char *address = NULL;
  int flags = one_in(2) ? MAP_SHARED : MAP_PRIVATE;
  bool is_shared = flags == MAP_SHARED;
  if (one_in(6)) flags |= MAP_POPULATE;
  struct file *former = NULL;
  if (mapping->address) {
    // In the place of another one.
    former = mapping->file;
    address = mapping->address;
    count = mapping->count;
    if (first + count > PAGES) first = PAGES - count;
    flags |= MAP_FIXED;
  }
  note("mapping %d of file %d: pages %ld to %ld, flags %x", (int)(mapping - mappings), number_of(file), first,
    first + count, flags);
  address = mmap(address, count * PAGE, PROT_READ | PROT_WRITE, flags, file->descriptor, file->base + first * PAGE);
  MUST(address != MAP_FAILED);
  mapping->address = address;
  mapping->file = file;
  mapping->is_shared = is_shared;
  mapping->first = first;
  mapping->count = count;
  memset(mapping->is_own, 0, sizeof mapping->is_own);
  // Pages that were made beforehand may be the process's own.
  if (flags & MAP_POPULATE && !is_shared)
    for (long page = 0; page < count; page++)
      if (!is_behind_end(mapping, page)) {
        check_pages(mapping, page, page + 1);
        memcpy(mapping->own[page], address + page * PAGE, PAGE);
        *(volatile unsigned char *)(address + page * PAGE) = mapping->own[page][0];
        mapping->is_own[page] = true;
      }
  if (former) let_go(former);
}

// The process changes bytes of a page that lies before the file's end.
static void touch(
  struct mapping *mapping, long page, long offset, const unsigned char *bytes, long count, bool is_done
) {
  struct file *file = mapping->file;
  unsigned char *address = mapping->address + page * PAGE;
  if (mapping->is_shared) {
    long place = (mapping->first + page) * PAGE + offset;
    if (!is_done) memcpy(address + offset, bytes, count);
    memcpy(file->bytes + place, bytes, count);
    if (place + count > file->size) file->has_dirt = true;
    return;
  }
  if (!is_done) check_pages(mapping, page, page + 1);
  if (!is_done) memcpy(address + offset, bytes, count);
  if (!mapping->is_own[page]) {
    long place = (mapping->first + page) * PAGE;
    memcpy(mapping->own[page], file->bytes + place, PAGE);
    // Which of the two is there is known by now.
    if (file->has_dirt && place + PAGE > file->size)
      memcpy(mapping->own[page] + file->size - place, address + file->size - place, place + PAGE - file->size);
    mapping->is_own[page] = true;
  }
  memcpy(mapping->own[page] + offset, bytes, count);
}

static void store_some(struct mapping *mapping) {
  long page = below(mapping->count);
  if (is_behind_end(mapping, page)) return;
  long offset = one_in(3) ? 0 : below(PAGE), count = smaller(PAGE - offset, 1 + any_length(PAGE));
  long rest = mapping->file->size - (mapping->first + page) * PAGE;
  // Mostly before the end.
  if (!one_in(6) && offset + count > rest) {
    offset = smaller(offset, rest - 1);
    count = smaller(count, rest - offset);
  }
  note("mapping %d of file %d: store %ld bytes at %ld of page %ld, size %ld, %s", (int)(mapping - mappings),
    number_of(mapping->file), count, offset, mapping->first + page, mapping->file->size,
    mapping->is_shared ? "shared" : "private");
  fill(other_buffer, count);
  if (one_in(8)) {
    if (!mapping->is_shared) check_pages(mapping, page, page + 1);
    struct iovec from = {other_buffer, count}, to = {mapping->address + page * PAGE + offset, count};
    MUST_EQUAL(process_vm_writev(getpid(), &from, 1, &to, 1, 0), count);
    touch(mapping, page, offset, other_buffer, count, true);
  } else {
    touch(mapping, page, offset, other_buffer, count, false);
  }
}

static sigjmp_buf before_access;
static void on_bus_error(int number) { siglongjmp(before_access, 1); }

static void access_behind_end(struct mapping *mapping) {
  long page = below(mapping->count);
  if (!is_behind_end(mapping, page)) return;
  note("mapping %d of file %d: access behind the end, page %ld, size %ld", (int)(mapping - mappings),
    number_of(mapping->file), mapping->first + page, mapping->file->size);
  volatile unsigned char *address = mapping->address + page * PAGE + below(PAGE);
  bool writes = one_in(2);
  if (sigsetjmp(before_access, 1) == 0) {
    if (writes) *address = 1;
    else (void)*address;
    fail("no SIGBUS behind the end");
  }
}

static void change_mapping(struct mapping *mapping) {
  long count = 1 + below(larger(1, smaller(PAGES - mapping->first, mapping->count + 3)));
  unsigned char *address;
  int kind = below(9);
  note("mapping %d of file %d: change, kind %d, %ld pages from %ld, %ld", (int)(mapping - mappings),
    number_of(mapping->file), kind, mapping->count, mapping->first, count);
  switch (kind) {
  case 0: case 1:
    address = mremap(mapping->address, mapping->count * PAGE, count * PAGE, MREMAP_MAYMOVE);
    MUST(address != MAP_FAILED);
    break;
  case 2: {
    unsigned char *place = mmap(NULL, count * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(place != MAP_FAILED);
    address = mremap(mapping->address, mapping->count * PAGE, count * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place);
    MUST(address == place);
    break;
  }
  case 3:
    // The pages at the end go.
    count = 1 + below(mapping->count);
    address = mapping->address;
    if (count < mapping->count) MUST_EQUAL(munmap(address + count * PAGE, (mapping->count - count) * PAGE), 0);
    break;
  case 4: {
    // Those at the beginning go.
    long gone = below(mapping->count);
    if (gone == 0) return;
    MUST_EQUAL(munmap(mapping->address, gone * PAGE), 0);
    address = mapping->address + gone * PAGE;
    count = mapping->count - gone;
    mapping->first += gone;
    memmove(mapping->is_own, mapping->is_own + gone, count * sizeof(bool));
    memmove(mapping->own, mapping->own + gone, count * PAGE);
    mapping->count = count;
    break;
  }
  case 5: {
    // Protected and back again, in the middle.
    long start = below(mapping->count), length = 1 + below(mapping->count - start);
    MUST_EQUAL(mprotect(mapping->address + start * PAGE, length * PAGE, one_in(2) ? PROT_READ : PROT_NONE), 0);
    if (one_in(2)) check_pages(mapping, 0, start);
    MUST_EQUAL(mprotect(mapping->address + start * PAGE, length * PAGE, PROT_READ | PROT_WRITE), 0);
    return;
  }
  case 6: case 7: {
    // A second mapping of the same, or one that takes the pages of the first along.
    struct mapping *other = &mappings[below(MAPPINGS)];
    if (other->address || (kind == 6 && !mapping->is_shared)) return;
    address = kind == 6 ? mremap(mapping->address, 0, mapping->count * PAGE, MREMAP_MAYMOVE)
      : mremap(mapping->address, mapping->count * PAGE, mapping->count * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP,
        NULL);
    MUST(address != MAP_FAILED);
    *other = *mapping;
    other->address = address;
    if (kind == 7) memset(mapping->is_own, 0, sizeof mapping->is_own);
    return;
  }
  default: {
    long start = below(mapping->count), length = 1 + below(mapping->count - start);
    unsigned char *from = mapping->address + start * PAGE;
    if (one_in(3)) {
      MUST_EQUAL(msync(from, length * PAGE, one_in(2) ? MS_SYNC : MS_ASYNC), 0);
    } else if (mapping->is_shared && one_in(2)) {
      MUST_EQUAL(madvise(from, length * PAGE, MADV_REMOVE), 0);
      clear(mapping->file, (mapping->first + start) * PAGE, (mapping->first + start + length) * PAGE);
    } else {
      MUST_EQUAL(madvise(from, length * PAGE, MADV_DONTNEED), 0);
      memset(mapping->is_own + start, 0, length * sizeof(bool));
    }
    return;
  }
  }
  for (long page = mapping->count; page < count; page++) mapping->is_own[page] = false;
  for (long page = count; page < mapping->count; page++) mapping->is_own[page] = false;
  mapping->address = address;
  mapping->count = count;
}

// Bytes from a mapping into a file, or from a file into a mapping, which may be of the same file.
static void transfer(struct mapping *mapping) {
  struct file *file = any_file();
  long page = below(mapping->count);
  if (is_behind_end(mapping, page)) return;
  long place = (mapping->first + page) * PAGE, start = below(PAGE);
  long count = smaller(any_length(PAGE - start), mapping->file->size - place - start);
  if (count <= 0) return;
  long offset = any_place(file, file->reach);
  bool writes = one_in(2);
  if (file == mapping->file && offset < place + start + count && place + start < offset + count) return;
  note("mapping %d of file %d: %ld bytes at %ld %s file %d at %ld of %ld", (int)(mapping - mappings),
    number_of(mapping->file), count, place + start, writes ? "to" : "from", number_of(file), offset, file->size);
  unsigned char *address = mapping->address + page * PAGE + start;
  if (writes) {
    if (offset + count > file->reach) return;
    const unsigned char *bytes = mapping->is_own[page] ? mapping->own[page] : mapping->file->bytes + place;
    memcpy(other_buffer, bytes + start, count);
    MUST_EQUAL(pwrite(file->descriptor, address, count, file->base + offset), count);
    put(file, offset, other_buffer, count);
  } else {
    long expected = larger(0, smaller(count, file->size - offset));
    if (!mapping->is_shared) check_pages(mapping, page, page + 1);
    memcpy(other_buffer, file->bytes + offset, expected);
    MUST_EQUAL(pread(file->descriptor, address, count, file->base + offset), expected);
    if (expected > 0) touch(mapping, page, start, other_buffer, expected, true);
  }
}

// A child finds everything as it is. What it writes into private mappings stays its own, what it writes into a shared one
// does not.
static void fork_child(void) {
  note("fork");
  struct mapping *shared = NULL;
  for (struct mapping *mapping = mappings; mapping < mappings + MAPPINGS; mapping++)
    if (mapping->address && mapping->is_shared && !is_behind_end(mapping, 0)) shared = mapping;
  unsigned char mark = 1 + below(255);
  pid_t child = fork();
  MUST(child >= 0);
  if (child == 0) {
    if (one_in(2)) check_all();
    for (struct mapping *mapping = mappings; mapping < mappings + MAPPINGS; mapping++)
      if (mapping->address && !mapping->is_shared)
        for (long page = 0; page < mapping->count; page++)
          if (!is_behind_end(mapping, page)) {
            fill(other_buffer, 10);
            touch(mapping, page, below(PAGE - 10), other_buffer, 10, false);
          }
    if (shared) touch(shared, 0, 0, &mark, 1, false);
    check_all();
    _exit(0);
  }
  // Meanwhile here too.
  for (struct mapping *mapping = mappings; mapping < mappings + MAPPINGS; mapping++)
    if (mapping->address && !mapping->is_shared && !(shared && mapping->file == shared->file)) store_some(mapping);
  int status = -1;
  MUST_EQUAL(waitpid(child, &status, 0), child);
  if (status != 0) fail("the child ended with status %x", status);
  if (shared) touch(shared, 0, 0, &mark, 1, true);
}

// --- A round ---

static void do_something(void) {
  long kind = below(100);
  struct mapping *mapping = &mappings[below(MAPPINGS)];
  if (kind < 22) {
    write_some(any_file());
  } else if (kind < 28) {
    read_some(any_file());
  } else if (kind < 40) {
    change_size(any_file());
  } else if (kind < 48) {
    allocate(any_file());
  } else if (kind < 51) {
    seek(any_file());
  } else if (kind < 58) {
    copy();
  } else if (kind < 62) {
    open_anew(any_file());
  } else if (kind < 65) {
    change_names(any_file());
  } else if (kind < 68) {
    begin_anew();
  } else if (!mapping->address || kind == 68) {
    map(mapping);
  } else if (kind < 82) {
    store_some(mapping);
  } else if (kind < 86) {
    access_behind_end(mapping);
  } else if (kind < 92) {
    change_mapping(mapping);
  } else if (kind < 96) {
    transfer(mapping);
  } else if (kind < 99) {
    note("mapping %d of file %d ends", (int)(mapping - mappings), number_of(mapping->file));
    unmap(mapping);
  } else if (one_in(3)) {
    fork_child();
  }
}

static void run(long steps) {
  events = 0;
  for (int index = 0; index < FILES; index++) files[index].descriptor = -1;
  for (int index = 0; index < 4; index++) begin(&files[index]);
  for (step = 1; step <= steps; step++) {
    do_something();
    if (one_in(64)) check_all();
    else check_some();
  }
  check_all();
  for (int index = 0; index < FILES; index++) if (files[index].descriptor >= 0) end(&files[index], false);
  for (int index = 0; index < MAPPINGS; index++) if (mappings[index].address) unmap(&mappings[index]);
}

int main(int count, char **arguments) {
  for (int index = 1; index < count; index++) traces |= strcmp(arguments[index], "--trace") == 0;
  // As init, with nothing around it.
  if (getpid() == 1) REQUIRE(mount("proc", "/proc", "proc", 0, NULL) == 0);
  brink = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(brink != MAP_FAILED);
  REQUIRE(mprotect(brink + PAGE, PAGE, PROT_NONE) == 0);
  REQUIRE(signal(SIGBUS, on_bus_error) != SIG_ERR);
  return run_model((struct model){"file-model", 1500, run}, count, arguments);
}
