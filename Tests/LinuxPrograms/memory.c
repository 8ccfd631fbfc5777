// Memory without files: mapping, moving, sharing, advice, locks, limits, the stack and the heap.
// Built with musl too.
#include "check.h"
#include <alloca.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define PAGE 4096ul
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static void *map(size_t size, int protection, int flags) {
  void *memory = mmap(0, size, protection, flags | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  return memory;
}
static char *private_pages(size_t count) { return map(count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE); }
static char *shared_pages(size_t count) { return map(count * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED); }

// The signal that ends a child which runs the function; 0 where it exits with 0, -1 otherwise.
static int ending(void (*function)(void *), void *argument) {
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    function(argument);
    _exit(check_failures ? 1 : 0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status) ? -1 : 0;
}
static void write_byte(void *p) { *(volatile char *)p = 1; }
static void read_byte(void *p) { (void)*(volatile char *)p; }

static long map_call(unsigned long address, unsigned long size, long protection, long flags, long file, long offset) {
  return syscall(SYS_mmap, address, size, protection, flags, file, offset);
}

static void mapping(void) {
  long rw = PROT_READ | PROT_WRITE, anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
  CHECK_ERROR(map_call(0, 0, rw, anonymous, -1, 0), EINVAL);
  CHECK_ERROR(map_call(0, PAGE, rw, MAP_ANONYMOUS, -1, 0), EINVAL);
  CHECK_ERROR(map_call(0, PAGE, rw, anonymous, -1, 1), EINVAL);
  CHECK_ERROR(map_call(0, PAGE, rw, MAP_PRIVATE, -1, 0), EBADF);
  CHECK_ERROR(map_call(0, ~0ul - 10, rw, anonymous, -1, 0), ENOMEM);
  CHECK_ERROR(map_call(0, 1ul << 47, rw, anonymous, -1, 0), ENOMEM);
  CHECK_ERROR(map_call(1, PAGE, rw, anonymous | MAP_FIXED, -1, 0), EINVAL);
  CHECK_ERROR(map_call(1ul << 47, PAGE, rw, anonymous | MAP_FIXED, -1, 0), ENOMEM);
  CHECK_ERROR(map_call(0, PAGE, rw, MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0), EINVAL);
  CHECK_ERROR(map_call(0, 1ul << 46, rw, anonymous, -1, 0), ENOMEM);
  void *huge = mmap(0, 1ul << 40, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(huge != MAP_FAILED);
  CHECK_EQUAL(munmap(huge, 1ul << 40), 0);

  char *memory = private_pages(8);
  CHECK_EQUAL(memory[5 * PAGE], 0);
  memset(memory, 7, 8 * PAGE);
  CHECK_ERROR(map_call((long)memory, PAGE, rw, anonymous | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
  CHECK(mmap(memory + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == memory + PAGE);
  CHECK_EQUAL(memory[PAGE], 0);
  CHECK_EQUAL(memory[2 * PAGE], 7);
  CHECK_ERROR(munmap(memory + 1, PAGE), EINVAL);
  CHECK_ERROR(munmap(memory, 0), EINVAL);
  CHECK_EQUAL(munmap(memory + 3 * PAGE, PAGE + 1), 0);
  CHECK_EQUAL(ending(read_byte, memory + 3 * PAGE), SIGSEGV);
  CHECK_EQUAL(ending(read_byte, memory + 4 * PAGE), SIGSEGV);
  CHECK_EQUAL(ending(read_byte, memory + 5 * PAGE), 0);
  CHECK_EQUAL(munmap(memory, 8 * PAGE), 0);
  CHECK_EQUAL(munmap(memory, 8 * PAGE), 0);
  char *low = mmap(0, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  CHECK(low != MAP_FAILED && (uintptr_t)low < 1ul << 31);
  char *populated = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE);
  unsigned char in_core[4] = {0};
  CHECK_EQUAL(mincore(populated, 4 * PAGE, in_core), 0);
  CHECK(in_core[0] & in_core[1] & in_core[2] & in_core[3] & 1);
}

static void protection(void) {
  char *memory = private_pages(4);
  memory[0] = memory[PAGE] = 3;
  CHECK_EQUAL(mprotect(memory, PAGE, PROT_READ), 0);
  CHECK_EQUAL(ending(write_byte, memory), SIGSEGV);
  CHECK_EQUAL(ending(write_byte, memory + PAGE), 0);
  CHECK_EQUAL(mprotect(memory, 2 * PAGE, PROT_NONE), 0);
  CHECK_EQUAL(ending(read_byte, memory), SIGSEGV);
  CHECK_EQUAL(mprotect(memory, 2 * PAGE, PROT_READ | PROT_WRITE), 0);
  CHECK_EQUAL(memory[0], 3);
  CHECK_EQUAL(memory[PAGE], 3);
  CHECK_ERROR(syscall(SYS_mprotect, memory + 1, PAGE, PROT_READ), EINVAL);
  CHECK_ERROR(mprotect(memory, PAGE, 0x100), EINVAL);
  CHECK_ERROR(mprotect(memory, PAGE, PROT_READ | PROT_GROWSDOWN), EINVAL);
  CHECK_EQUAL(mprotect(memory, 0, PROT_READ), 0);
  munmap(memory + 2 * PAGE, PAGE);
  CHECK_ERROR(mprotect(memory, 4 * PAGE, PROT_READ), ENOMEM);
  // What comes before a hole has been changed when the call fails.
  char *parts = private_pages(4);
  CHECK_EQUAL(munmap(parts + 2 * PAGE, PAGE), 0);
  CHECK_ERROR(mprotect(parts, 4 * PAGE, PROT_READ), ENOMEM);
  CHECK_EQUAL(ending(write_byte, parts + PAGE), SIGSEGV);
  CHECK_EQUAL(ending(write_byte, parts + 3 * PAGE), 0);
  CHECK_EQUAL(munmap(parts, 4 * PAGE), 0);
}

static void sharing(void) {
  char *shared = shared_pages(64);
  char *private = private_pages(2);
  private[0] = 1;
  shared[PAGE] = 5;
  pid_t child = fork();
  if (child == 0) {
    // Pages that nobody had touched before the fork.
    for (int page = 0; page < 64; page++) shared[page * PAGE + 9] = page;
    private[0] = 2;
    private[PAGE] = 2;
    _exit(shared[PAGE] == 5 ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  CHECK_EQUAL(status, 0);
  int right = 0;
  for (int page = 0; page < 64; page++) right += shared[page * PAGE + 9] == page;
  CHECK_EQUAL(right, 64);
  CHECK_EQUAL(private[0], 1);
  CHECK_EQUAL(private[PAGE], 0);
  // What is unmapped and protected here stays in the child.
  child = fork();
  if (child == 0) {
    munmap(shared, 32 * PAGE);
    shared[40 * PAGE] = 77;
    _exit(0);
  }
  waitpid(child, &status, 0);
  CHECK_EQUAL(shared[9], 0);
  CHECK_EQUAL(shared[40 * PAGE], 77);
  CHECK_EQUAL(madvise(shared, 64 * PAGE, MADV_DONTNEED), 0);
  CHECK_EQUAL(shared[40 * PAGE], 77);
  CHECK_EQUAL(madvise(shared + 40 * PAGE, PAGE, MADV_REMOVE), 0);
  CHECK_EQUAL(shared[40 * PAGE], 0);
  CHECK_EQUAL(shared[41 * PAGE + 9], 41);
  CHECK_EQUAL(munmap(shared, 64 * PAGE), 0);
}

static void moving(void) {
  char *memory = private_pages(4);
  for (int page = 0; page < 4; page++) memory[page * PAGE] = page + 1;
  CHECK_ERROR(syscall(SYS_mremap, memory, PAGE, PAGE, 8, 0), EINVAL);
  CHECK_ERROR(syscall(SYS_mremap, memory, PAGE, PAGE, MREMAP_FIXED, 0), EINVAL);
  CHECK_ERROR(syscall(SYS_mremap, memory + 1, PAGE, PAGE, 0, 0), EINVAL);
  CHECK_ERROR(syscall(SYS_mremap, memory, PAGE, 0, 0, 0), EINVAL);
  CHECK_ERROR(syscall(SYS_mremap, memory, 0, PAGE, MREMAP_MAYMOVE, 0), EINVAL);
  CHECK_ERROR(syscall(SYS_mremap, 1ul << 46, PAGE, 2 * PAGE, MREMAP_MAYMOVE, 0), EFAULT);
  CHECK(mremap(memory, 4 * PAGE, 2 * PAGE, 0) == memory);
  CHECK_EQUAL(ending(read_byte, memory + 2 * PAGE), SIGSEGV);
  CHECK(mremap(memory, 2 * PAGE, 3 * PAGE, 0) == memory);
  CHECK_EQUAL(memory[PAGE], 2);
  CHECK_EQUAL(memory[2 * PAGE], 0);
  // Something in the way.
  char *wall = mmap(memory + 3 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  CHECK(wall == memory + 3 * PAGE);
  CHECK_ERROR(syscall(SYS_mremap, memory, 3 * PAGE, 9 * PAGE, 0, 0), ENOMEM);
  char *moved = mremap(memory, 3 * PAGE, 9 * PAGE, MREMAP_MAYMOVE);
  REQUIRE(moved != MAP_FAILED);
  CHECK(moved != memory);
  CHECK_EQUAL(moved[0], 1);
  CHECK_EQUAL(moved[PAGE], 2);
  CHECK_EQUAL(moved[8 * PAGE], 0);
  CHECK_EQUAL(ending(read_byte, memory), SIGSEGV);
  char *target = private_pages(16);
  target[0] = 99;
  CHECK_ERROR(syscall(SYS_mremap, moved, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, moved + PAGE), EINVAL);
  CHECK_ERROR(syscall(SYS_mremap, moved, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target + 1), EINVAL);
  CHECK(mremap(moved, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target) == target);
  CHECK_EQUAL(target[0], 1);
  CHECK_EQUAL(target[PAGE], 2);
  CHECK_EQUAL(target[2 * PAGE], 0);
  moved[2 * PAGE] = 4;
  // Where it is free, to the place that is asked for.
  char *wish = private_pages(1);
  CHECK_EQUAL(munmap(wish, PAGE), 0);
  const int flags = MREMAP_MAYMOVE | MREMAP_DONTUNMAP;
  char *second = (char *)syscall(SYS_mremap, moved + 2 * PAGE, PAGE, PAGE, flags, wish);
  CHECK(second == wish);
  CHECK_EQUAL(second[0], 4);
  CHECK_EQUAL(moved[2 * PAGE], 0);
  char *third = (char *)syscall(SYS_mremap, moved + 2 * PAGE, PAGE, PAGE, flags, wish);
  CHECK(third != MAP_FAILED && third != wish);
  munmap(second, PAGE);
  munmap(third, PAGE);
  unsigned long bad[] = {1, -PAGE, 1ul << 47, (unsigned long)moved + 2 * PAGE};
  for (int i = 0; i < 4; i++) {
    CHECK_ERROR(syscall(SYS_mremap, moved + 2 * PAGE, PAGE, PAGE, flags, bad[i]), EINVAL);
  }
  CHECK_ERROR(syscall(SYS_mremap, target, PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0), EINVAL);
  // A second mapping of shared memory.
  char *shared = shared_pages(2);
  char *again = mremap(shared, 0, 2 * PAGE, MREMAP_MAYMOVE);
  REQUIRE(again != MAP_FAILED);
  shared[PAGE] = 12;
  CHECK_EQUAL(again[PAGE], 12);
  // In its own place it would have to make room for itself first, and then it is not there any more.
  CHECK_ERROR(syscall(SYS_mremap, again, 0, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, again), EFAULT);
  CHECK_EQUAL(shared[PAGE], 12);
  again = shared_pages(4);
  again[PAGE] = 13;
  CHECK(mremap(again, 0, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, again + 2 * PAGE) == again + 2 * PAGE);
  CHECK_EQUAL(again[3 * PAGE], 13);
  CHECK_EQUAL(munmap(again, 4 * PAGE), 0);
}

static void advice(void) {
  char *memory = private_pages(4);
  memset(memory, 1, 4 * PAGE);
  CHECK_EQUAL(madvise(memory + PAGE, PAGE, MADV_DONTNEED), 0);
  CHECK_EQUAL(memory[PAGE], 0);
  CHECK_EQUAL(memory[2 * PAGE], 1);
  CHECK_ERROR(madvise(memory + 1, PAGE, MADV_DONTNEED), EINVAL);
  CHECK_ERROR(madvise(memory, PAGE, 12345), EINVAL);
  CHECK_EQUAL(madvise(memory, 0, MADV_DONTNEED), 0);
  CHECK_EQUAL(madvise(memory, PAGE, MADV_WILLNEED), 0);
  CHECK_EQUAL(madvise(memory, PAGE, MADV_FREE), 0);
  CHECK_ERROR(madvise(memory, PAGE, MADV_REMOVE), EINVAL);
  memory[PAGE] = 5;
  CHECK_EQUAL(madvise(memory + PAGE, PAGE, MADV_WIPEONFORK), 0);
  CHECK_EQUAL(madvise(memory + 2 * PAGE, PAGE, MADV_DONTFORK), 0);
  pid_t child = fork();
  if (child == 0) _exit(memory[PAGE] == 0 && memory[3 * PAGE] == 1 ? 0 : 1);
  int status = -1;
  waitpid(child, &status, 0);
  CHECK_EQUAL(status, 0);
  CHECK_EQUAL(memory[PAGE], 5);
  CHECK_EQUAL(ending(read_byte, memory + 2 * PAGE), SIGSEGV);
  munmap(memory + 3 * PAGE, PAGE);
  CHECK_ERROR(madvise(memory, 4 * PAGE, MADV_DONTNEED), ENOMEM);
  CHECK_EQUAL(memory[0], 0);
  CHECK_ERROR(msync(memory, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
  CHECK_ERROR(msync(memory + 1, PAGE, MS_SYNC), EINVAL);
  CHECK_ERROR(msync(memory, 4 * PAGE, MS_SYNC), ENOMEM);
  CHECK_EQUAL(msync(memory, PAGE, MS_SYNC), 0);
  unsigned char in_core[4];
  char *fresh = private_pages(3);
  fresh[PAGE] = 1;
  CHECK_EQUAL(mincore(fresh, 3 * PAGE, in_core), 0);
  CHECK_EQUAL(in_core[0] & 1, 0);
  CHECK_EQUAL(in_core[1] & 1, 1);
  CHECK_ERROR(mincore(fresh + 1, PAGE, in_core), EINVAL);
  CHECK_ERROR(syscall(SYS_mincore, fresh, PAGE, 8), EFAULT);
  CHECK_ERROR(mincore(memory, 4 * PAGE, in_core), ENOMEM);
}

static void locking(void) {
  char *memory = private_pages(4);
  CHECK_EQUAL(mlock(memory + 10, PAGE), 0);
  unsigned char in_core[4];
  CHECK_EQUAL(mincore(memory, 4 * PAGE, in_core), 0);
  CHECK_EQUAL(in_core[1] & 1, 1);
  CHECK_ERROR(madvise(memory, PAGE, MADV_DONTNEED), EINVAL);
  CHECK_EQUAL(munlock(memory, 2 * PAGE), 0);
  CHECK_EQUAL(madvise(memory, PAGE, MADV_DONTNEED), 0);
  CHECK_ERROR(mlockall(0), EINVAL);
  CHECK_ERROR(mlockall(32), EINVAL);
  munmap(memory + PAGE, PAGE);
  CHECK_ERROR(mlock(memory, 4 * PAGE), ENOMEM);
  CHECK_ERROR(munlock(memory, 4 * PAGE), ENOMEM);
  CHECK_EQUAL(munlockall(), 0);
  // Nothing behind a hole is locked.
  char *parts = private_pages(3);
  CHECK_EQUAL(munmap(parts + PAGE, PAGE), 0);
  CHECK_ERROR(mlock(parts, 3 * PAGE), ENOMEM);
  CHECK_ERROR(msync(parts, PAGE, MS_INVALIDATE), EBUSY);
  CHECK_EQUAL(msync(parts + 2 * PAGE, PAGE, MS_INVALIDATE), 0);
  CHECK_EQUAL(munmap(parts, 3 * PAGE), 0);
}

static int deep(int depth) {
  volatile char frame[4096];
  frame[0] = depth;
  return depth == 0 ? frame[0] : deep(depth - 1) + frame[0];
}
static void use_stack(void *kilobytes) { deep((intptr_t)kilobytes / 4); }
static void use_limited_stack(void *unused) {
  struct rlimit limit = {512 << 10, 8 << 20};
  REQUIRE(setrlimit(RLIMIT_STACK, &limit) == 0);
  deep(200);
}
static void stack(void) {
  CHECK_EQUAL(ending(use_stack, (void *)6000), 0);
  CHECK_EQUAL(ending(use_stack, (void *)9000), SIGSEGV);
  CHECK_EQUAL(ending(use_limited_stack, 0), SIGSEGV);
}

// A stack may grow down to what nobody can touch, without a distance.
static void use_stack_above(void *low) {
  for (char *p = (char *)low + 63 * PAGE; p >= (char *)low + PAGE; p -= PAGE) *p = 1;
}
static void stack_above_a_guard(void) {
  int below[] = {PROT_NONE, PROT_READ}, expected[] = {0, SIGSEGV};
  for (int i = 0; i < 2; i++) {
    char *low = map(64 * PAGE, below[i], MAP_PRIVATE | MAP_ANONYMOUS);
    CHECK_EQUAL(munmap(low + PAGE, 63 * PAGE), 0);
    REQUIRE(mmap(low + 63 * PAGE, PAGE, PROT_READ | PROT_WRITE,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, -1, 0) == low + 63 * PAGE);
    CHECK_EQUAL(ending(use_stack_above, low), expected[i]);
    CHECK_EQUAL(munmap(low, 64 * PAGE), 0);
  }
}

static void beyond_limit(void *unused) {
  struct rlimit limit = {64 << 20, 64 << 20};
  REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0);
  CHECK_ERROR(map_call(0, 100 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
  CHECK(mmap(0, 8 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
  char *memory = private_pages(1);
  CHECK(mremap(memory, PAGE, 100 << 20, MREMAP_MAYMOVE) == MAP_FAILED);
}
static void heap(void) {
  char *end = (char *)syscall(SYS_brk, 0);
  CHECK((char *)syscall(SYS_brk, end + 10000) == end + 10000);
  end[9000] = 3;
  CHECK((char *)syscall(SYS_brk, end) == end);
  CHECK((char *)syscall(SYS_brk, end + 10000) == end + 10000);
  CHECK_EQUAL(end[9000], 0);
  CHECK((char *)syscall(SYS_brk, 5) == end + 10000);
  CHECK((char *)syscall(SYS_brk, end + (1ul << 45)) == end + 10000);
  syscall(SYS_brk, end);
  CHECK_EQUAL(ending(beyond_limit, 0), 0);
}

static void keys(void) {
  CHECK_ERROR(syscall(SYS_pkey_alloc, 1, 0), EINVAL);
  CHECK_ERROR(syscall(SYS_pkey_alloc, 0, 4), EINVAL);
  CHECK_ERROR(syscall(SYS_pkey_free, 15), EINVAL);
  char *memory = private_pages(2);
  CHECK_EQUAL(syscall(SYS_pkey_mprotect, memory, PAGE, PROT_READ | PROT_WRITE, -1), 0);
  CHECK_ERROR(syscall(SYS_pkey_mprotect, memory, PAGE, PROT_READ | PROT_WRITE, 7), EINVAL);
  long key = syscall(SYS_pkey_alloc, 0, 2);
  if (key < 0) {
    CHECK(errno == ENOSPC || errno == EINVAL);
    return;
  }
  memory[0] = 9;
  CHECK_EQUAL(syscall(SYS_pkey_mprotect, memory, PAGE, PROT_READ | PROT_WRITE, key), 0);
  CHECK_EQUAL(memory[0], 9);
  CHECK_EQUAL(ending(write_byte, memory), SIGSEGV);
  CHECK_EQUAL(ending(write_byte, memory + PAGE), 0);
  long second = syscall(SYS_pkey_alloc, 0, 1);
  CHECK(second > 0 && second != key);
  CHECK_EQUAL(syscall(SYS_pkey_mprotect, memory, PAGE, PROT_READ | PROT_WRITE, second), 0);
  CHECK_EQUAL(ending(read_byte, memory), SIGSEGV);
  CHECK_EQUAL(syscall(SYS_pkey_free, second), 0);
  CHECK_ERROR(syscall(SYS_pkey_free, second), EINVAL);
  // The kernel keeps to the key as well.
  CHECK_ERROR(syscall(SYS_getrandom, memory, 8, 0), EFAULT);
}

static void other_processes(void) {
  char *memory = private_pages(2);
  char *shared = shared_pages(1);
  memory[5] = 'p';
  pid_t child = fork();
  if (child == 0) {
    memory[5] = 'c';
    shared[0] = 1;
    while (memory[6] != 'w') usleep(1000);
    _exit(memory[PAGE] == 'w' ? 0 : 1);
  }
  while (*(volatile char *)shared != 1) usleep(1000);
  char bytes[8] = {0};
  struct iovec local = {bytes, 1}, remote = {memory + 5, 1};
  CHECK_EQUAL(process_vm_readv(child, &local, 1, &remote, 1, 0), 1);
  CHECK_EQUAL(bytes[0], 'c');
  CHECK_EQUAL(memory[5], 'p');
  CHECK_ERROR(process_vm_readv(child, &local, 1, &remote, 1, 1), EINVAL);
  CHECK_ERROR(process_vm_readv(child, &local, 2000, &remote, 1, 0), EINVAL);
  CHECK_ERROR(process_vm_readv(0x3fffffff, &local, 1, &remote, 1, 0), ESRCH);
  struct iovec nowhere = {(void *)8, 1};
  CHECK_ERROR(process_vm_readv(child, &local, 1, &nowhere, 1, 0), EFAULT);
  bytes[0] = bytes[1] = 'w';
  struct iovec pieces[] = {{memory + PAGE, 1}, {memory + 6, 1}};
  struct iovec whole = {bytes, 2};
  CHECK_EQUAL(process_vm_writev(child, &whole, 1, pieces, 2, 0), 2);
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK_EQUAL(status, 0);
}

int main(void) {
  mapping();
  protection();
  sharing();
  moving();
  advice();
  locking();
  stack();
  stack_above_a_guard();
  heap();
  keys();
  other_processes();
  return finish();
}
