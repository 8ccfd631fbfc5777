// Files in memory and their seals: memfd_create(2), F_ADD_SEALS and F_GET_SEALS (fcntl(2)), and what each seal refuses
// by every way there is to write to a file or to change its size; which mappings keep a file from being sealed; and
// sealing against mapping on several CPUs.
// Built with musl too.
#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x10
#endif
#define PAGE 4096ul

static int sealable(unsigned long size) {
  int file = memfd_create("sealing", MFD_ALLOW_SEALING | MFD_CLOEXEC);
  REQUIRE(file >= 0 && ftruncate(file, size) == 0);
  return file;
}

static void *map(int file, int protection, int flags) { return mmap(0, 2 * PAGE, protection, flags, file, 0); }

static int again(int file, int flags) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  return open(path, flags);
}

static void test_names(void) {
  char name[2048], path[64], shown[512];
  for (int length = 248; length <= 251; length++) {
    memset(name, 'n', length);
    name[length] = 0;
    int file = memfd_create(name, 0);
    if (length > 249) {
      CHECK_EQUAL(file, -1);
      CHECK_EQUAL(errno, EINVAL);
      continue;
    }
    REQUIRE(file >= 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    ssize_t count = readlink(path, shown, sizeof shown - 1);
    CHECK_EQUAL(count, length + 17);
    shown[count < 0 ? 0 : count] = 0;
    CHECK(memcmp(shown, "/memfd:nnn", 10) == 0 && strcmp(shown + 7 + length, " (deleted)") == 0);
    close(file);
  }
  memset(name, 0xFF, sizeof name);
  CHECK_ERROR(memfd_create(name, 0), EINVAL);
  CHECK_ERROR(syscall(SYS_memfd_create, 0, 0), EFAULT);
  CHECK_ERROR(syscall(SYS_memfd_create, 0, 0x100), EINVAL);
  CHECK_ERROR(memfd_create("", 0x80000000), EINVAL);
  CHECK_ERROR(memfd_create("", 0x40000000), EINVAL);  // the size of a huge page, without one

  int file = memfd_create("a/b c", MFD_CLOEXEC);
  struct stat status;
  REQUIRE(file >= 0 && fstat(file, &status) == 0);
  CHECK_EQUAL(status.st_mode, S_IFREG | 0777);
  CHECK_EQUAL(status.st_nlink, 0);
  CHECK_EQUAL(status.st_size, 0);
  CHECK_EQUAL(fcntl(file, F_GETFD), FD_CLOEXEC);
  CHECK_EQUAL(fcntl(file, F_GETFL), O_RDWR | 0100000);
  snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  ssize_t count = readlink(path, shown, sizeof shown);
  CHECK(count == 22 && memcmp(shown, "/memfd:a/b c (deleted)", 22) == 0);
  close(file);
}

static void test_who_may_seal(void) {
  int file = memfd_create("plain", 0);
  CHECK_EQUAL(fcntl(file, F_GET_SEALS), F_SEAL_SEAL);
  CHECK_ERROR(fcntl(file, F_ADD_SEALS, F_SEAL_GROW), EPERM);
  CHECK_ERROR(fcntl(file, F_ADD_SEALS, 0), EPERM);
  CHECK_ERROR(fcntl(file, F_ADD_SEALS, 0x40), EINVAL);
  close(file);

  file = sealable(PAGE);
  CHECK_EQUAL(fcntl(file, F_GET_SEALS), 0);
  CHECK_ERROR(fcntl(file, F_ADD_SEALS, 0x40), EINVAL);
  CHECK_ERROR(fcntl(file, F_ADD_SEALS, F_SEAL_GROW | 0x80000000), EINVAL);
  CHECK_EQUAL(fcntl(file, F_ADD_SEALS, 0), 0);
  int reader = again(file, O_RDONLY), writer = again(file, O_WRONLY), path = again(file, O_PATH);
  REQUIRE(reader >= 0 && writer >= 0 && path >= 0);
  CHECK_ERROR(fcntl(reader, F_ADD_SEALS, F_SEAL_GROW), EPERM);
  CHECK_ERROR(fcntl(reader, F_ADD_SEALS, 0x40), EPERM);
  CHECK_EQUAL(fcntl(writer, F_ADD_SEALS, F_SEAL_GROW), 0);
  CHECK_EQUAL(fcntl(reader, F_GET_SEALS), F_SEAL_GROW);
  CHECK_ERROR(fcntl(path, F_GET_SEALS), EBADF);
  CHECK_ERROR(fcntl(path, F_ADD_SEALS, F_SEAL_GROW), EBADF);
  CHECK_ERROR(write(reader, "x", 1), EBADF);
  CHECK(mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, reader, 0) == MAP_FAILED && errno == EACCES);
  CHECK_EQUAL(fcntl(file, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK), 0);
  CHECK_EQUAL(fcntl(writer, F_GET_SEALS), F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW);
  CHECK_ERROR(fcntl(writer, F_ADD_SEALS, F_SEAL_GROW), EPERM);
  close(path), close(writer), close(reader), close(file);

  // Files of tmpfs have names, and the one seal from the start.
  const char *places[] = {"/dev/shm/sealing-file", "/tmp/sealing-file", "/dev/sealing-file"};
  int found = 0;
  for (int index = 0; index < 3; index++) {
    struct statfs system;
    file = open(places[index], O_RDWR | O_CREAT | O_EXCL, 0600);
    if (file < 0) continue;
    if (fstatfs(file, &system) == 0 && system.f_type == 0x01021994) {
      found++;
      CHECK_EQUAL(fcntl(file, F_GET_SEALS), F_SEAL_SEAL);
      CHECK_ERROR(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
      CHECK_ERROR(fcntl(file, F_ADD_SEALS, 0x40), EINVAL);
      reader = open(places[index], O_RDONLY);
      CHECK_ERROR(fcntl(reader, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
      close(reader);
    }
    close(file);
    unlink(places[index]);
  }
  if (!found) say("no tmpfs to look at");

  int ends[2];
  REQUIRE(pipe(ends) == 0);
  CHECK_ERROR(fcntl(ends[1], F_ADD_SEALS, F_SEAL_WRITE), EINVAL);
  CHECK_ERROR(fcntl(ends[0], F_ADD_SEALS, F_SEAL_WRITE), EPERM);
  CHECK_ERROR(fcntl(ends[1], F_GET_SEALS), EINVAL);
  CHECK_ERROR(fcntl(-1, F_GET_SEALS), EBADF);
  close(ends[0]), close(ends[1]);
}

// Every way to write, to a file of two pages that refuses it.
static void check_writes_are_refused(int file) {
  char bytes[16] = "0123456789";
  struct iovec vector = {bytes, 4};
  int ends[2], source = memfd_create("source", 0);
  REQUIRE(source >= 0 && write(source, bytes, 10) == 10 && pipe(ends) == 0 && write(ends[1], bytes, 10) == 10);
  CHECK_ERROR(write(file, bytes, 4), EPERM);
  CHECK_ERROR(pwrite(file, bytes, 4, 100), EPERM);
  CHECK_ERROR(pwrite(file, bytes, 4, 4 * PAGE), EPERM);
  CHECK_EQUAL(write(file, bytes, 0), 0);
  CHECK_ERROR(writev(file, &vector, 1), EPERM);
  CHECK_ERROR(pwritev(file, &vector, 1, 8), EPERM);
  off_t from = 0;
  CHECK_ERROR(sendfile(file, source, &from, 4), EPERM);
  off_t to = 0;
  CHECK_ERROR(splice(ends[0], 0, file, &to, 4, 0), EPERM);
  from = to = 0;
  CHECK_ERROR(syscall(SYS_copy_file_range, source, &from, file, &to, 4, 0), EPERM);
  CHECK_ERROR(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE), EPERM);
  CHECK_ERROR(fallocate(file, FALLOC_FL_PUNCH_HOLE, 0, PAGE), EOPNOTSUPP);
  CHECK(map(file, PROT_READ | PROT_WRITE, MAP_SHARED) == MAP_FAILED && errno == EPERM);
  CHECK(map(file, PROT_WRITE, MAP_SHARED) == MAP_FAILED && errno == EPERM);
  char *seen = map(file, PROT_READ, MAP_SHARED);
  REQUIRE(seen != MAP_FAILED);
  CHECK_ERROR(mprotect(seen, PAGE, PROT_READ | PROT_WRITE), EACCES);
  CHECK_ERROR(mprotect(seen, PAGE, PROT_WRITE), EACCES);
  CHECK_EQUAL(mprotect(seen, PAGE, PROT_READ | PROT_EXEC), 0);
  // A debugger's way does not lead through either.
  int memory = open("/proc/self/mem", O_RDWR);
  REQUIRE(memory >= 0);
  CHECK(pwrite(memory, "x", 1, (long)seen) < 0);
  close(memory);
  // Nor does it after a move or with a second mapping of the same.
  char *moved = mremap(seen, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, seen + 64 * PAGE);
  if (moved != MAP_FAILED) {
    CHECK_ERROR(mprotect(moved, PAGE, PROT_WRITE), EACCES);
    munmap(moved, PAGE);
  }
  char *second = mremap(seen + PAGE, 0, PAGE, MREMAP_MAYMOVE);
  REQUIRE(second != MAP_FAILED);
  CHECK_ERROR(mprotect(second, PAGE, PROT_WRITE), EACCES);
  munmap(second, PAGE);
  munmap(seen, 2 * PAGE);
  // Copies of one's own are nobody's business.
  char *copy = map(file, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  REQUIRE(copy != MAP_FAILED);
  copy[0] = 'z';
  munmap(copy, 2 * PAGE);
  CHECK_EQUAL(pread(file, bytes, 1, 0), 1);
  CHECK_EQUAL(bytes[0], 'a');
  close(source), close(ends[0]), close(ends[1]);
}

static void test_writing(void) {
  int file = sealable(2 * PAGE);
  CHECK_EQUAL(pwrite(file, "a", 1, 0), 1);
  CHECK_EQUAL(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE), 0);
  check_writes_are_refused(file);
  // Its size may change all the same, and the seal may be asked for again while it is mapped.
  CHECK_EQUAL(ftruncate(file, 3 * PAGE), 0);
  CHECK_EQUAL(fallocate(file, 0, 0, 4 * PAGE), 0);
  CHECK_EQUAL(ftruncate(file, PAGE), 0);
  int reader = again(file, O_RDONLY);
  char *seen = map(reader, PROT_READ, MAP_SHARED);
  REQUIRE(seen != MAP_FAILED);
  CHECK_ERROR(mprotect(seen, PAGE, PROT_READ | PROT_WRITE), EACCES);
  CHECK_EQUAL(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL), 0);
  munmap(seen, 2 * PAGE);
  close(reader), close(file);
}

static void test_future_writing(void) {
  int file = sealable(2 * PAGE);
  CHECK_EQUAL(pwrite(file, "abc", 3, 0), 3);
  char *old = map(file, PROT_READ | PROT_WRITE, MAP_SHARED);
  REQUIRE(old != MAP_FAILED);
  CHECK_EQUAL(fcntl(file, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
  CHECK_EQUAL(fcntl(file, F_GET_SEALS), F_SEAL_FUTURE_WRITE);
  check_writes_are_refused(file);
  // What was mapped before is written as before, but for holes.
  old[1] = 'B';
  char byte = 0;
  CHECK(pread(file, &byte, 1, 1) == 1 && byte == 'B');
  CHECK_EQUAL(mprotect(old, PAGE, PROT_READ), 0);
  CHECK_EQUAL(mprotect(old, PAGE, PROT_READ | PROT_WRITE), 0);
  CHECK_ERROR(madvise(old, PAGE, MADV_REMOVE), EPERM);
  CHECK_EQUAL(old[0], 'a');
  // What may not be written does not keep the file from being sealed, what may does.
  char *seen = map(file, PROT_READ, MAP_SHARED);
  REQUIRE(seen != MAP_FAILED);
  CHECK_ERROR(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
  CHECK_EQUAL(fcntl(file, F_GET_SEALS), F_SEAL_FUTURE_WRITE);
  munmap(old, 2 * PAGE);
  CHECK_EQUAL(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE), 0);
  munmap(seen, 2 * PAGE);
  close(file);
}

static void test_sizes(void) {
  static char bytes[4 * PAGE];
  memset(bytes, 'g', sizeof bytes);
  int file = sealable(2 * PAGE + 100);
  CHECK_EQUAL(fcntl(file, F_ADD_SEALS, F_SEAL_GROW), 0);
  CHECK_ERROR(ftruncate(file, 2 * PAGE + 101), EPERM);
  CHECK_ERROR(fallocate(file, 0, 0, 4 * PAGE), EPERM);
  CHECK_ERROR(fallocate(file, FALLOC_FL_KEEP_SIZE, 0, 4 * PAGE), EPERM);
  CHECK_EQUAL(fallocate(file, 0, 0, 2 * PAGE), 0);
  CHECK_EQUAL(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4 * PAGE), 0);
  CHECK_EQUAL(pwrite(file, bytes, 100, 2 * PAGE), 100);
  CHECK_ERROR(pwrite(file, bytes, 101, 2 * PAGE), EPERM);
  CHECK_ERROR(pwrite(file, bytes, 1, 2 * PAGE + 100), EPERM);
  CHECK_ERROR(pwrite(file, bytes, 1, 16 * PAGE), EPERM);
  // Whole pages are written up to the end.
  CHECK_EQUAL(pwrite(file, bytes, sizeof bytes, 50), 2 * PAGE - 50);
  CHECK_EQUAL(lseek(file, PAGE, SEEK_SET), PAGE);
  CHECK_EQUAL(write(file, bytes, 2 * PAGE), PAGE);
  CHECK_EQUAL(lseek(file, 0, SEEK_CUR), 2 * PAGE);
  int appending = again(file, O_WRONLY | O_APPEND);
  CHECK_ERROR(write(appending, bytes, 1), EPERM);
  CHECK_EQUAL(ftruncate(file, PAGE), 0);
  CHECK_ERROR(ftruncate(file, PAGE + 1), EPERM);
  int cut = again(file, O_RDWR | O_TRUNC);
  CHECK(cut >= 0);
  struct stat status;
  CHECK(fstat(file, &status) == 0 && status.st_size == 0);
  close(cut), close(appending), close(file);

  file = sealable(2 * PAGE);
  CHECK_EQUAL(fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK), 0);
  CHECK_ERROR(ftruncate(file, 2 * PAGE - 1), EPERM);
  CHECK_ERROR(again(file, O_RDWR | O_TRUNC), EPERM);
  CHECK_EQUAL(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 2 * PAGE), 0);
  CHECK_EQUAL(ftruncate(file, 2 * PAGE), 0);
  CHECK_EQUAL(ftruncate(file, 3 * PAGE), 0);
  CHECK_EQUAL(pwrite(file, bytes, PAGE, 3 * PAGE), PAGE);
  CHECK_ERROR(ftruncate(file, 3 * PAGE), EPERM);
  CHECK(fstat(file, &status) == 0 && status.st_size == 4 * PAGE);
  close(file);
}

static void check_is_busy(int file) {
  CHECK_ERROR(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
  CHECK_ERROR(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK), EBUSY);
  CHECK_EQUAL(fcntl(file, F_GET_SEALS), 0);
}

static void check_is_free(int file) {
  CHECK_EQUAL(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE), 0);
  close(file);
}

// Which mappings stand in the way of a seal, and when they have gone.
static void test_mappings(void) {
  int file = sealable(4 * PAGE);
  char *memory = map(file, PROT_READ | PROT_WRITE, MAP_SHARED);
  check_is_busy(file);
  CHECK_EQUAL(munmap(memory, PAGE), 0);
  check_is_busy(file);
  // Without the right to write now, it may be given.
  CHECK_EQUAL(mprotect(memory + PAGE, PAGE, PROT_READ), 0);
  check_is_busy(file);
  CHECK_EQUAL(mprotect(memory + PAGE, PAGE, PROT_NONE), 0);
  check_is_busy(file);
  CHECK_EQUAL(munmap(memory + PAGE, PAGE), 0);
  check_is_free(file);

  // A mapping that could be made writable counts, one by an open file that is read only and a private one do not.
  file = sealable(4 * PAGE);
  memory = map(file, PROT_READ, MAP_SHARED);
  check_is_busy(file);
  munmap(memory, 2 * PAGE);
  int reader = again(file, O_RDONLY);
  memory = map(reader, PROT_READ, MAP_SHARED);
  char *own = map(file, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  REQUIRE(memory != MAP_FAILED && own != MAP_FAILED);
  own[0] = 1;
  // They stay while one that does comes and goes.
  char *writable = map(file, PROT_READ | PROT_WRITE, MAP_SHARED);
  check_is_busy(file);
  munmap(writable, 2 * PAGE);
  check_is_free(file);
  munmap(memory, 2 * PAGE), munmap(own, 2 * PAGE), close(reader);

  // Moved, grown, doubled and replaced.
  file = sealable(4 * PAGE);
  memory = map(file, PROT_READ | PROT_WRITE, MAP_SHARED);
  char *place = mmap(0, 16 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(mremap(memory, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place) == place);
  check_is_busy(file);
  char *second = mremap(place, 0, PAGE, MREMAP_MAYMOVE);
  REQUIRE(second != MAP_FAILED);
  CHECK_EQUAL(munmap(place, 16 * PAGE), 0);
  check_is_busy(file);
  REQUIRE(mmap(second, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == second);
  check_is_free(file);
  munmap(second, PAGE);

  // Cut in the middle, and replaced by a mapping of the same file that may not be written.
  file = sealable(4 * PAGE);
  memory = mmap(0, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  REQUIRE(memory != MAP_FAILED && munmap(memory + PAGE, PAGE) == 0);
  check_is_busy(file);
  munmap(memory, PAGE);
  check_is_busy(file);
  REQUIRE(mmap(memory + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, file, 0) == memory + 2 * PAGE);
  check_is_free(file);
  munmap(memory + 2 * PAGE, PAGE);
}

// The memory of children: by fork, without what is kept from them, and until they end or begin another program.
static void test_children(void) {
  int file = sealable(4 * PAGE), ends[2];
  char *memory = map(file, PROT_READ | PROT_WRITE, MAP_SHARED);
  REQUIRE(memory != MAP_FAILED && pipe(ends) == 0);
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    char byte;
    close(ends[1]);
    _exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);
  }
  close(ends[0]);
  munmap(memory, 2 * PAGE);
  check_is_busy(file);
  close(ends[1]);
  int status;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  check_is_free(file);

  file = sealable(4 * PAGE);
  memory = map(file, PROT_READ | PROT_WRITE, MAP_SHARED);
  REQUIRE(memory != MAP_FAILED && madvise(memory, 2 * PAGE, MADV_DONTFORK) == 0 && pipe(ends) == 0);
  child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    char byte;
    close(ends[1]);
    _exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);
  }
  close(ends[0]);
  munmap(memory, 2 * PAGE);
  check_is_free(file);
  close(ends[1]);
  CHECK(waitpid(child, &status, 0) == child && status == 0);

  // Another program has none of it. It ends once its standard input does.
  file = sealable(4 * PAGE);
  memory = map(file, PROT_READ | PROT_WRITE, MAP_SHARED);
  int begun[2];
  REQUIRE(memory != MAP_FAILED && pipe(ends) == 0 && pipe2(begun, O_CLOEXEC) == 0);
  child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    dup2(ends[0], 0);
    close(ends[0]), close(ends[1]);
    execl("/proc/self/exe", "sealing", "wait", (char *)0);
    _exit(1);
  }
  close(ends[0]), close(begun[1]);
  munmap(memory, 2 * PAGE);
  char byte;
  CHECK_EQUAL(read(begun[0], &byte, 1), 0);  // ends with the old program
  check_is_free(file);
  close(ends[1]), close(begun[0]);
  CHECK(waitpid(child, &status, 0) == child && status == 0);
}

// Sealing against mapping: processes that map, write and unmap on all CPUs until they are refused, threads among them
// that write to where another one maps and unmaps, and one that seals. From then on nothing changes.
enum { rounds = 60, mappers = 3 };

static struct {
  volatile long mapped, busy, refused;
  // The number of times that a mapping was kept until a seal had been refused for it.
  volatile long held;
} *shared;

static __thread sigjmp_buf back;
static void on_fault(int number) { siglongjmp(back, 1); }

static char *volatile target;
static volatile int is_over;

static void *write_blindly(void *unused) {
  signal(SIGSEGV, on_fault);
  sigsetjmp(back, 1);
  while (!is_over) (*(volatile char *)target)++;
  return 0;
}

static void pin(int number) {
  cpu_set_t all, one;
  CPU_ZERO(&one);
  if (sched_getaffinity(0, sizeof all, &all) != 0 || CPU_COUNT(&all) < 2) return;
  number %= CPU_COUNT(&all);
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (CPU_ISSET(cpu, &all) && number-- == 0) CPU_SET(cpu, &one);
  }
  sched_setaffinity(0, sizeof one, &one);
}

static void map_until_refused(int number, int file) {
  pthread_t thread;
  pin(number);
  target = mmap(0, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  is_over = 0;
  if (target == MAP_FAILED || pthread_create(&thread, 0, write_blindly, 0) != 0) _exit(1);
  for (int turn = 1; ; turn++) {
    // Now and then nobody has it mapped.
    if (turn % 16 == 0) usleep(200);
    void *memory = mmap(target, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
    if (memory == MAP_FAILED) {
      if (errno != EPERM) _exit(2);
      break;
    }
    ++*(volatile char *)target;
    __atomic_add_fetch(&shared->mapped, 1, __ATOMIC_RELAXED);
    if (number == 0 && turn == 1) {
      // On one CPU the one that seals may always find it where nobody has it mapped.
      long busy = shared->busy;
      shared->held++;
      while (shared->busy == busy) sched_yield();
    }
    if (mmap(target, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != target) _exit(3);
  }
  __atomic_add_fetch(&shared->refused, 1, __ATOMIC_RELAXED);
  is_over = 1;
  // The place may be without memory now, which ends no loop that only faults.
  mmap(target, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (pthread_join(thread, 0) != 0) _exit(4);
}

static void test_race(void) {
  shared = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(shared != MAP_FAILED);
  for (int round = 0; round < rounds; round++) {
    int file = sealable(PAGE);
    pid_t children[mappers];
    for (int index = 0; index < mappers; index++) {
      children[index] = fork();
      REQUIRE(children[index] >= 0);
      if (children[index] == 0) {
        map_until_refused(index, file);
        _exit(0);
      }
    }
    long before = shared->mapped;
    while (shared->mapped < before + 20 || shared->held <= round) sched_yield();
    while (fcntl(file, F_ADD_SEALS, F_SEAL_WRITE) != 0) {
      if (errno != EBUSY) { CHECK_EQUAL(errno, EBUSY); break; }
      shared->busy++;
    }
    char first, byte;
    CHECK_EQUAL(pread(file, &first, 1, 0), 1);
    for (int turn = 0; turn < 20; turn++) {
      sched_yield();
      CHECK(pread(file, &byte, 1, 0) == 1 && byte == first);
    }
    for (int index = 0; index < mappers; index++) {
      int status;
      CHECK_EQUAL(waitpid(children[index], &status, 0), children[index]);
      CHECK_EQUAL(status, 0);
    }
    CHECK(pread(file, &byte, 1, 0) == 1 && byte == first);
    CHECK_EQUAL(fcntl(file, F_GET_SEALS), F_SEAL_WRITE);
    close(file);
  }
  say("%ld mappings, %ld seals refused, %ld mappings refused", shared->mapped, shared->busy, shared->refused);
  CHECK_EQUAL(shared->refused, rounds * mappers);
  CHECK(shared->busy >= rounds);
}

int main(int count, char **arguments) {
  if (count > 1) {
    char byte;
    return read(0, &byte, 1) == 0 ? 0 : 1;
  }
  test_names();
  test_who_may_seal();
  test_writing();
  test_future_writing();
  test_sizes();
  test_mappings();
  test_children();
  test_race();
  return finish();
}
