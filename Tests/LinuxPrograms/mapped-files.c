// Files in memory: private and shared mappings, what reads and writes see, files that shrink, errors.
// Built with musl too.
#include "check.h"
#include <fcntl.h>
#include <signal.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define PAGE 4096ul

static int new_file(const char *name, size_t size) {
  unlink(name);
  int file = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
  REQUIRE(file >= 0);
  char bytes[PAGE];
  for (size_t done = 0; done < size; done += sizeof bytes) {
    memset(bytes, 'a' + done / PAGE % 26, sizeof bytes);
    size_t count = size - done < sizeof bytes ? size - done : sizeof bytes;
    REQUIRE(write(file, bytes, count) == (ssize_t)count);
  }
  return file;
}

static int ending(void (*function)(void *), void *argument) {
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    function(argument);
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status) ? -1 : 0;
}
static void write_byte(void *p) { *(volatile char *)p = 1; }
static void read_byte(void *p) { (void)*(volatile char *)p; }

static void private_mapping(void) {
  int file = new_file("private", 2 * PAGE + 100);
  char *memory = mmap(0, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
  REQUIRE(memory != MAP_FAILED);
  CHECK_EQUAL(memory[0], 'a');
  CHECK_EQUAL(memory[2 * PAGE + 99], 'c');
  CHECK_EQUAL(memory[2 * PAGE + 100], 0);
  CHECK_EQUAL(memory[3 * PAGE - 1], 0);
  CHECK_EQUAL(ending(read_byte, memory + 3 * PAGE), SIGBUS);
  memory[5] = 'X';
  char byte;
  CHECK_EQUAL(pread(file, &byte, 1, 5), 1);
  CHECK_EQUAL(byte, 'a');
  // What is not the process's own yet follows the file.
  CHECK_EQUAL(pwrite(file, "Z", 1, PAGE + 3), 1);
  CHECK_EQUAL(memory[PAGE + 3], 'Z');
  char *again = mmap(0, PAGE, PROT_READ, MAP_PRIVATE, file, PAGE);
  CHECK_EQUAL(again[3], 'Z');
  CHECK_EQUAL(again[4], 'b');
  CHECK_EQUAL(ending(write_byte, again), SIGSEGV);
  CHECK_EQUAL(madvise(memory, PAGE, MADV_DONTNEED), 0);
  CHECK_EQUAL(memory[5], 'a');
  // A kernel copy out of and into pages of files that nobody has touched.
  int other = new_file("other", PAGE);
  char *fresh = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
  CHECK_EQUAL(write(other, fresh, PAGE), PAGE);
  CHECK_EQUAL(pread(file, fresh, PAGE, 0), PAGE);
  CHECK_ERROR(write(other, memory + 3 * PAGE, 10), EFAULT);
  CHECK_EQUAL(write(other, memory + 3 * PAGE - 4, 10), 4);
  close(file);
  CHECK_EQUAL(memory[0], 'a');
  unlink("private");
  CHECK_EQUAL(memory[PAGE], 'b');
  CHECK_EQUAL(munmap(memory, 4 * PAGE), 0);
  close(other);
}

static void shared_mapping(void) {
  int file = new_file("shared", 3 * PAGE);
  char *memory = mmap(0, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  char *second = mmap(0, PAGE, PROT_READ, MAP_SHARED, file, PAGE);
  char *own = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, PAGE);
  REQUIRE(memory != MAP_FAILED && second != MAP_FAILED && own != MAP_FAILED);
  own[1] = 'o';
  pid_t child = fork();
  if (child == 0) {
    memory[PAGE + 1] = 'S';
    memory[2 * PAGE + 7] = 'T';
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  char byte = 0;
  CHECK_EQUAL(pread(file, &byte, 1, PAGE + 1), 1);
  CHECK_EQUAL(byte, 'S');
  CHECK_EQUAL(second[1], 'S');
  CHECK_EQUAL(own[1], 'o');
  CHECK_EQUAL(memory[2 * PAGE + 7], 'T');
  CHECK_EQUAL(pwrite(file, "WW", 2, 10), 2);
  CHECK_EQUAL(memory[11], 'W');
  CHECK_EQUAL(msync(memory, 3 * PAGE, MS_SYNC), 0);
  CHECK_EQUAL(mprotect(second, PAGE, PROT_READ | PROT_WRITE), 0);
  second[2] = 'U';
  CHECK_EQUAL(memory[PAGE + 2], 'U');
  char *moved = mremap(memory, 3 * PAGE, 6 * PAGE, MREMAP_MAYMOVE);
  REQUIRE(moved != MAP_FAILED);
  CHECK_EQUAL(moved[PAGE + 2], 'U');
  CHECK_EQUAL(ending(read_byte, moved + 4 * PAGE), SIGBUS);
  CHECK_EQUAL(ftruncate(file, 5 * PAGE), 0);
  CHECK_EQUAL(moved[4 * PAGE], 0);
  moved[4 * PAGE + 1] = 'v';
  CHECK_EQUAL(pread(file, &byte, 1, 4 * PAGE + 1), 1);
  CHECK_EQUAL(byte, 'v');
  // A hole is punched through all of its mappings.
  CHECK_EQUAL(madvise(moved + PAGE, PAGE, MADV_REMOVE), 0);
  CHECK_EQUAL(second[2], 0);
  CHECK_EQUAL(pread(file, &byte, 1, PAGE + 2), 1);
  CHECK_EQUAL(byte, 0);
  close(file);
}

static sigjmp_buf escape;
static volatile siginfo_t caught;
static void catch(int number, siginfo_t *information, void *context) {
  caught = *information;
  siglongjmp(escape, 1);
}

static void shrinking(void) {
  int file = new_file("shrinking", 4 * PAGE);
  char *shared = mmap(0, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  char *private = mmap(0, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
  for (int page = 0; page < 4; page++) shared[page * PAGE] = private[page * PAGE] = 'x';
  CHECK_EQUAL(ftruncate(file, PAGE + 10), 0);
  CHECK_EQUAL(shared[PAGE], 'x');
  CHECK_EQUAL(shared[PAGE + 10], 0);
  CHECK_EQUAL(ending(read_byte, shared + 2 * PAGE), SIGBUS);
  CHECK_EQUAL(ending(write_byte, shared + 3 * PAGE), SIGBUS);
  CHECK_EQUAL(ending(read_byte, private + 2 * PAGE), SIGBUS);
  struct sigaction action = {.sa_sigaction = catch, .sa_flags = SA_SIGINFO};
  CHECK_EQUAL(sigaction(SIGBUS, &action, 0), 0);
  if (sigsetjmp(escape, 1) == 0) {
    shared[2 * PAGE + 5] = 1;
    CHECK(!"no SIGBUS");
  } else {
    CHECK_EQUAL(caught.si_code, BUS_ADRERR);
    CHECK(caught.si_addr == shared + 2 * PAGE + 5);
  }
  signal(SIGBUS, SIG_DFL);
  CHECK_EQUAL(ftruncate(file, 4 * PAGE), 0);
  CHECK_EQUAL(shared[2 * PAGE], 0);
  CHECK_EQUAL(shared[PAGE + 10], 0);
  shared[3 * PAGE] = 'y';
  char byte;
  CHECK_EQUAL(pread(file, &byte, 1, 3 * PAGE), 1);
  CHECK_EQUAL(byte, 'y');
  // While others use it.
  pid_t children[4];
  for (int i = 0; i < 4; i++) {
    if ((children[i] = fork())) continue;
    struct sigaction go_on = {.sa_sigaction = catch, .sa_flags = SA_SIGINFO};
    sigaction(SIGBUS, &go_on, 0);
    for (volatile int turn = 0; turn < 3000; turn++)
      if (sigsetjmp(escape, 1) == 0) (turn & 1 ? shared : private)[turn % 4 * PAGE + i] = turn;
    _exit(0);
  }
  for (int turn = 0; turn < 300; turn++) {
    CHECK_EQUAL(ftruncate(file, turn % 5 * PAGE), 0);
    CHECK_EQUAL(ftruncate(file, 4 * PAGE), 0);
  }
  for (int i = 0; i < 4; i++) {
    int status = -1;
    waitpid(children[i], &status, 0);
    CHECK_EQUAL(status, 0);
  }
  close(file);
}

static long map_call(unsigned long size, long protection, long flags, long file, unsigned long offset) {
  return syscall(SYS_mmap, 0, size, protection, flags, file, offset);
}
static void errors(void) {
  int file = new_file("errors", PAGE);
  int reader = open("errors", O_RDONLY), writer = open("errors", O_WRONLY), directory = open(".", O_RDONLY);
  CHECK_ERROR(map_call(PAGE, PROT_READ, MAP_SHARED, 99, 0), EBADF);
  CHECK_ERROR(map_call(PAGE, PROT_READ, 0, file, 0), EINVAL);
  CHECK_ERROR(map_call(PAGE, PROT_READ, MAP_PRIVATE, file, 100), EINVAL);
  CHECK_ERROR(map_call(0, PROT_READ, MAP_PRIVATE, file, 0), EINVAL);
  CHECK_ERROR(map_call(PAGE, PROT_WRITE, MAP_SHARED, reader, 0), EACCES);
  CHECK_ERROR(map_call(PAGE, PROT_READ, MAP_SHARED, writer, 0), EACCES);
  CHECK_ERROR(map_call(PAGE, PROT_READ, MAP_PRIVATE, writer, 0), EACCES);
  CHECK_ERROR(map_call(PAGE, PROT_READ, MAP_PRIVATE, directory, 0), ENODEV);
  CHECK_ERROR(map_call(PAGE, PROT_READ, MAP_PRIVATE | MAP_GROWSDOWN, file, 0), EINVAL);
  CHECK_ERROR(map_call(2 * PAGE, PROT_READ, MAP_PRIVATE, file, ~0ul << 12), EOVERFLOW);
  CHECK_ERROR(map_call(PAGE, PROT_READ, MAP_SHARED_VALIDATE | 0x2000000, file, 0), EOPNOTSUPP);
  char *memory = (char *)map_call(PAGE, PROT_READ, MAP_SHARED, reader, 0);
  REQUIRE((long)memory > 0);
  CHECK_ERROR(mprotect(memory, PAGE, PROT_READ | PROT_WRITE), EACCES);
  memory = (char *)map_call(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, reader, 0);
  REQUIRE((long)memory > 0);
  memory[0] = 1;
  close(file), close(reader), close(writer), close(directory);
}

static void name_of_memory(void) {
  char link[64], name[100] = "";
  int file = memfd_create("a name", 0);
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  CHECK(readlink(link, name, sizeof name - 1) > 0);
  CHECK(strcmp(name, "/memfd:a name (deleted)") == 0);
  close(file);
}

static void large(void) {
  // A sparse file, far larger than memory.
  int file = new_file("large", 0);
  CHECK_EQUAL(ftruncate(file, 1l << 40), 0);
  char *memory = mmap(0, 1l << 40, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  REQUIRE(memory != MAP_FAILED);
  memory[(1l << 39) + 5] = 7;
  char byte = 0;
  CHECK_EQUAL(pread(file, &byte, 1, (1l << 39) + 5), 1);
  CHECK_EQUAL(byte, 7);
  CHECK_EQUAL(lseek(file, 0, SEEK_DATA), 1l << 39);
  struct stat status;
  CHECK_EQUAL(fstat(file, &status), 0);
  CHECK_EQUAL(status.st_size, 1l << 40);
  CHECK(status.st_blocks < 100);
  close(file);
  unlink("large");
}

int main(void) {
  char directory[] = "/tmp/mapped-XXXXXX";
  REQUIRE(mkdtemp(directory) && chdir(directory) == 0);
  private_mapping();
  shared_mapping();
  shrinking();
  errors();
  name_of_memory();
  large();
  return finish();
}
