// System V shared memory (shmget(2), shmop(2), shmctl(2)): contents, attachments and their counts, permissions, removal,
// and arguments that are refused.
// Built with musl too.
#include "check.h"
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#ifndef SHM_DEST
#define SHM_DEST 01000
#define SHM_LOCKED 02000
#endif
#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif

enum { PAGE = 4096 };
static const key_t key = 0x4E0A11;

// Raw calls, so that no library looks at arguments first.
static long attach(int id, uintptr_t address, int flags) { return syscall(SYS_shmat, id, address, flags); }
static int detach(uintptr_t address) { return syscall(SYS_shmdt, address); }
static int control(int id, int command, void *argument) { return syscall(SYS_shmctl, id, command, argument); }

static int make(size_t size, int flags) {
  int id = shmget(IPC_PRIVATE, size, flags);
  REQUIRE(id >= 0);
  return id;
}

static struct shmid_ds status(int id) {
  struct shmid_ds status;
  memset(&status, 0xEE, sizeof status);
  CHECK_EQUAL(control(id, IPC_STAT, &status), 0);
  return status;
}

#define ATTACHED(id) ((long)status(id).shm_nattch)

static int end_of(pid_t child) {
  int ending = -1;
  REQUIRE(waitpid(child, &ending, 0) == child);
  return ending;
}

// A place for so many pages where nothing is mapped.
static char *free_place(int pages) {
  char *place = mmap(NULL, pages * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(place != MAP_FAILED);
  munmap(place, pages * PAGE);
  return place;
}

static void keys_lead_to_segments(void) {
  CHECK_ERROR(shmget(key, 1, 0), ENOENT);
  int id = shmget(key, 5000, IPC_CREAT | IPC_EXCL | 0640);
  REQUIRE(id >= 0);
  CHECK_EQUAL(shmget(key, 5000, 0), id);
  CHECK_EQUAL(shmget(key, 0, 0), id);
  CHECK_EQUAL(shmget(key, 0, IPC_CREAT), id);
  CHECK_ERROR(shmget(key, 5001, 0), EINVAL);
  CHECK_ERROR(shmget(key, 5000, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
  CHECK_ERROR(shmget(key, 9999999, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
  struct shmid_ds now = status(id);
  CHECK_EQUAL(now.shm_segsz, 5000);
  CHECK_EQUAL(now.shm_perm.mode, 0640);
  CHECK_EQUAL(now.shm_perm.uid, geteuid());
  CHECK_EQUAL(now.shm_perm.cgid, getegid());
  CHECK_EQUAL(*(int *)&now.shm_perm, key);
  CHECK_EQUAL(now.shm_cpid, getpid());
  CHECK_EQUAL(now.shm_lpid, 0);
  CHECK_EQUAL(now.shm_atime, 0);
  CHECK_EQUAL(now.shm_dtime, 0);
  CHECK(now.shm_ctime > 0 && now.shm_ctime <= time(NULL));
  CHECK_EQUAL(now.shm_nattch, 0);
  CHECK_EQUAL(control(id, IPC_RMID, NULL), 0);
  CHECK_ERROR(shmget(key, 5000, 0), ENOENT);
  CHECK_ERROR(control(id, IPC_STAT, &now), EINVAL);
  CHECK_ERROR(attach(id, 0, 0), EINVAL);
  // Private segments are others each time.
  int first = make(1, 0600), second = make(1, 0600);
  CHECK(first != second);
  CHECK_EQUAL(control(first, IPC_RMID, NULL), 0);
  CHECK_EQUAL(control(second, IPC_RMID, NULL), 0);
}

// The lower fifteen bits of an identifier are a place, which is used again with another sequence number.
static void identifiers_have_sequence_numbers(void) {
  int id = make(1, 0600), later = -1;
  CHECK_EQUAL(control(id, IPC_RMID, NULL), 0);
  for (int count = 0; count < 200; count++) {
    later = make(1, 0600);
    if ((later & 0x7FFF) == (id & 0x7FFF)) break;
    CHECK_EQUAL(control(later, IPC_RMID, NULL), 0);
  }
  CHECK_EQUAL(later & 0x7FFF, id & 0x7FFF);
  CHECK(later != id);
  struct shmid_ds now;
  CHECK_ERROR(control(id, IPC_STAT, &now), EINVAL);
  CHECK_ERROR(control(id, IPC_RMID, NULL), EINVAL);
  CHECK_ERROR(attach(id, 0, 0), EINVAL);
  // By the place alone the segment is found.
  CHECK_EQUAL(control(id & 0x7FFF, SHM_STAT, &now), later);
  CHECK_EQUAL(control(id & 0x7FFF, SHM_STAT_ANY, &now), later);
  CHECK_EQUAL(control(later, IPC_RMID, NULL), 0);
}

static void sizes_are_bounded(void) {
  CHECK_ERROR(shmget(IPC_PRIVATE, 0, 0600), EINVAL);
  CHECK_ERROR(shmget(IPC_PRIVATE, -1, 0600), EINVAL);
  CHECK_ERROR(shmget(IPC_PRIVATE, 1ul << 62, 0600), ENOMEM);
  struct shminfo limits;
  memset(&limits, 0xEE, sizeof limits);
  CHECK(control(0, IPC_INFO, (void *)&limits) >= 0);
  CHECK_EQUAL(limits.shmmax, ~0ul - (1 << 24));
  CHECK_EQUAL(limits.shmall, ~0ul - (1 << 24));
  CHECK_EQUAL(limits.shmmin, 1);
  CHECK_EQUAL(limits.shmmni, 4096);
  CHECK_EQUAL(limits.shmseg, 4096);
  struct shm_info before, after;
  CHECK(control(0, SHM_INFO, (void *)&before) >= 0);
  int id = make(3 * PAGE + 1, 0600);
  char *memory = (char *)attach(id, 0, 0);
  memory[0] = memory[PAGE] = 1;
  CHECK(control(0, SHM_INFO, (void *)&after) >= (id & 0x7FFF));
  CHECK_EQUAL(after.used_ids, before.used_ids + 1);
  CHECK_EQUAL(after.shm_tot, before.shm_tot + 4);
  CHECK_EQUAL(after.shm_rss, before.shm_rss + 2);
  CHECK_EQUAL(detach((uintptr_t)memory), 0);
  CHECK_EQUAL(control(id, IPC_RMID, NULL), 0);
  CHECK(control(0, SHM_INFO, (void *)&after) >= 0);
  CHECK_EQUAL(after.shm_tot, before.shm_tot);
  CHECK_EQUAL(after.shm_rss, before.shm_rss);
}

static void contents_are_shared(void) {
  int id = make(2 * PAGE, 0600);
  char *memory = (char *)attach(id, 0, 0);
  REQUIRE((long)memory > 0);
  for (int index = 0; index < 2 * PAGE; index++) if (memory[index] != 0) { CHECK_EQUAL(memory[index], 0); break; }
  char *again = (char *)attach(id, 0, SHM_RDONLY);
  REQUIRE((long)again > 0);
  memory[PAGE + 5] = 'x';
  CHECK_EQUAL(again[PAGE + 5], 'x');
  CHECK_ERROR(mprotect(again, PAGE, PROT_READ | PROT_WRITE), EACCES);
  pid_t child = fork();
  if (child == 0) {
    CHECK_EQUAL(memory[PAGE + 5], 'x');
    memory[1] = 'y';
    CHECK_EQUAL(ATTACHED(id), 4);
    again[0] = 1;
    _exit(finish());
  }
  int ending = end_of(child);
  CHECK(WIFSIGNALED(ending) && WTERMSIG(ending) == SIGSEGV);
  CHECK_EQUAL(again[1], 'y');
  struct shmid_ds now = status(id);
  CHECK_EQUAL(now.shm_nattch, 2);
  CHECK_EQUAL(now.shm_lpid, child);
  CHECK(now.shm_dtime > 0);
  // Another one attaches it by its identifier, and execve detaches it.
  child = fork();
  if (child == 0) {
    detach((uintptr_t)memory);
    detach((uintptr_t)again);
    char *own = (char *)attach(id, 0, 0);
    REQUIRE((long)own > 0);
    CHECK_EQUAL(own[1], 'y');
    execl("/proc/self/exe", "shared-segments", "attached", (char *)NULL);
    _exit(9);
  }
  CHECK_EQUAL(end_of(child), 0);
  CHECK_EQUAL(ATTACHED(id), 2);
  // The contents outlive all attachments.
  CHECK_EQUAL(detach((uintptr_t)memory), 0);
  CHECK_EQUAL(detach((uintptr_t)again), 0);
  CHECK_ERROR(detach((uintptr_t)again), EINVAL);
  CHECK_EQUAL(ATTACHED(id), 0);
  memory = (char *)attach(id, 0, 0);
  CHECK_EQUAL(memory[1], 'y');
  // Until somebody throws a page of them away.
  CHECK_EQUAL(madvise(memory, PAGE, MADV_REMOVE), 0);
  CHECK_EQUAL(memory[1], 0);
  CHECK_EQUAL(memory[PAGE + 5], 'x');
  CHECK_EQUAL(detach((uintptr_t)memory), 0);
  CHECK_EQUAL(control(id, IPC_RMID, NULL), 0);
}

static void parts_count_as_attachments(void) {
  int id = make(8 * PAGE, 0600);
  char *memory = (char *)attach(id, 0, 0);
  REQUIRE((long)memory > 0);
  CHECK_EQUAL(ATTACHED(id), 1);
  CHECK_EQUAL(munmap(memory + 7 * PAGE, PAGE), 0);
  CHECK_EQUAL(ATTACHED(id), 1);
  CHECK_EQUAL(munmap(memory + 2 * PAGE, PAGE), 0);
  CHECK_EQUAL(ATTACHED(id), 2);
  CHECK_EQUAL(mprotect(memory + 4 * PAGE, PAGE, PROT_READ), 0);
  CHECK_EQUAL(ATTACHED(id), 4);
  // Made equal again, parts stay apart.
  CHECK_EQUAL(mprotect(memory + 4 * PAGE, PAGE, PROT_READ | PROT_WRITE), 0);
  CHECK_EQUAL(ATTACHED(id), 4);
  // Nor does one that becomes longer count again.
  char *longer = mremap(memory + 6 * PAGE, PAGE, 2 * PAGE, 0);
  CHECK_EQUAL((long)longer, (long)memory + 6 * PAGE);
  CHECK_EQUAL(ATTACHED(id), 4);
  longer[PAGE] = 'l';
  // Memory that moves is the same attachment.
  memory[5 * PAGE] = 'm';
  char *moved = mremap(memory + 5 * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, free_place(1));
  REQUIRE(moved != MAP_FAILED);
  CHECK_EQUAL(*moved, 'm');
  CHECK_EQUAL(ATTACHED(id), 5);
  // shmdt finds what is left where it belongs: not what has moved elsewhere.
  CHECK_EQUAL(detach((uintptr_t)memory), 0);
  CHECK_EQUAL(ATTACHED(id), 1);
  CHECK_EQUAL(*moved, 'm');
  CHECK_ERROR(detach((uintptr_t)moved), EINVAL);
  CHECK_EQUAL(detach((uintptr_t)moved - 5 * PAGE), 0);
  CHECK_EQUAL(ATTACHED(id), 0);
  CHECK_EQUAL(control(id, IPC_RMID, NULL), 0);
}

static void removal_waits_for_the_last_detach(void) {
  int id = shmget(key, PAGE, IPC_CREAT | IPC_EXCL | 0600);
  REQUIRE(id >= 0);
  char *memory = (char *)attach(id, 0, 0);
  memory[0] = 'r';
  CHECK_EQUAL(control(id, IPC_RMID, NULL), 0);
  struct shmid_ds now = status(id);
  CHECK_EQUAL(now.shm_perm.mode, 0600 | SHM_DEST);
  CHECK_EQUAL(*(int *)&now.shm_perm, IPC_PRIVATE);
  CHECK_EQUAL(now.shm_nattch, 1);
  // The key is free, and leads to another one.
  CHECK_ERROR(shmget(key, 1, 0), ENOENT);
  int other = shmget(key, PAGE, IPC_CREAT | IPC_EXCL | 0600);
  CHECK(other >= 0 && other != id);
  CHECK_EQUAL(control(other, IPC_RMID, NULL), 0);
  // Linux lets others still attach it by its identifier.
  char *again = (char *)attach(id, 0, 0);
  REQUIRE((long)again > 0);
  CHECK_EQUAL(again[0], 'r');
  CHECK_EQUAL(detach((uintptr_t)memory), 0);
  CHECK_EQUAL(ATTACHED(id), 1);
  CHECK_EQUAL(control(id, IPC_RMID, NULL), 0);
  CHECK_EQUAL(detach((uintptr_t)again), 0);
  CHECK_ERROR(control(id, IPC_STAT, &now), EINVAL);
  // The end of the only process that has it is the last detach too.
  int pipes[2];
  REQUIRE(pipe(pipes) == 0);
  pid_t child = fork();
  if (child == 0) {
    int own = make(PAGE, 0600);
    attach(own, 0, 0);
    control(own, IPC_RMID, NULL);
    if (write(pipes[1], &own, sizeof own) != sizeof own) _exit(1);
    _exit(0);
  }
  CHECK_EQUAL(read(pipes[0], &id, sizeof id), (long)sizeof id);
  CHECK_EQUAL(end_of(child), 0);
  CHECK_ERROR(control(id, IPC_STAT, &now), EINVAL);
  close(pipes[0]);
  close(pipes[1]);
}

static void addresses_are_checked(void) {
  int id = make(2 * PAGE, 0600);
  char *place = free_place(8);
  uintptr_t address = (uintptr_t)place;
  CHECK_EQUAL(attach(id, address, 0), (long)address);
  CHECK_ERROR(attach(id, address, 0), EINVAL);
  CHECK_ERROR(attach(id, address + PAGE, 0), EINVAL);
  CHECK_ERROR(attach(id, address - PAGE, 0), EINVAL);
  CHECK_ERROR(attach(id, address + 2 * PAGE + 1, 0), EINVAL);
  CHECK_EQUAL(attach(id, address + 2 * PAGE + 1, SHM_RND), (long)address + 2 * PAGE);
  CHECK_EQUAL(ATTACHED(id), 2);
  // In the place of half of each.
  place[2 * PAGE] = 'z';
  CHECK_EQUAL(attach(id, address + PAGE, SHM_REMAP), (long)address + PAGE);
  CHECK_EQUAL(ATTACHED(id), 3);
  CHECK_EQUAL(place[PAGE], 'z');
  CHECK_EQUAL(place[0], 'z');
  CHECK_ERROR(attach(id, 0, SHM_REMAP), EINVAL);
  CHECK_ERROR(attach(id, 17, SHM_REMAP | SHM_RND), EINVAL);
  CHECK_ERROR(attach(id, 0x7FFFFFFFF000, 0), ENOMEM);
  CHECK_ERROR(attach(id, 0x800000000000, 0), ENOMEM);
  CHECK_ERROR(attach(id, 0xFFFFFFFFFFFFF000, 0), EINVAL);
  CHECK_ERROR(attach(-1, 0, 0), EINVAL);
  CHECK_ERROR(attach(0x7FFFFFFF, 0, 0), EINVAL);
  CHECK_ERROR(detach(address + 1), EINVAL);
  CHECK_ERROR(detach((uintptr_t)&id & -PAGE), EINVAL);
  CHECK_ERROR(detach(0), EINVAL);
  CHECK_ERROR(detach(-PAGE), EINVAL);
  CHECK_EQUAL(detach(address + PAGE), 0);
  CHECK_EQUAL(detach(address), 0);
  // What is left of the second attachment is its second page.
  CHECK_ERROR(detach(address + 3 * PAGE), EINVAL);
  CHECK_EQUAL(detach(address + 2 * PAGE), 0);
  CHECK_EQUAL(ATTACHED(id), 0);
  // Behind the segment's end: a page that memory is asked for beyond it has nothing.
  char *memory = (char *)attach(id, 0, SHM_EXEC);
  REQUIRE((long)memory > 0);
  memory[0] = (char)0xC3;
  ((void (*)(void))memory)();
  CHECK_EQUAL(detach((uintptr_t)memory), 0);
  CHECK_ERROR(control(id, 99, NULL), EINVAL);
  CHECK_ERROR(control(id, -1, NULL), EINVAL);
  CHECK_ERROR(control(-1, IPC_RMID, NULL), EINVAL);
  CHECK_ERROR(control(id, IPC_STAT, (void *)8), EFAULT);
  CHECK_ERROR(control(id, IPC_STAT, (void *)0xFFFF800000000000), EFAULT);
  CHECK_ERROR(control(id, IPC_SET, (void *)8), EFAULT);
  CHECK_ERROR(control(0, IPC_INFO, (void *)8), EFAULT);
  CHECK_ERROR(control(0, SHM_INFO, (void *)8), EFAULT);
  CHECK_EQUAL(control(id, IPC_RMID, NULL), 0);
}

static void limits_count(void) {
  int id = make(64 * PAGE, 0600);
  pid_t child = fork();
  if (child == 0) {
    struct rlimit limit = {16 * PAGE, 16 * PAGE};
    setrlimit(RLIMIT_AS, &limit);
    CHECK_ERROR(attach(id, 0, 0), ENOMEM);
    CHECK_EQUAL(ATTACHED(id), 0);
    _exit(finish());
  }
  CHECK_EQUAL(end_of(child), 0);
  CHECK_EQUAL(control(id, IPC_RMID, NULL), 0);
}

static void permissions_are_checked(void) {
  if (geteuid() != 0) return;
  int id = shmget(key, PAGE, IPC_CREAT | 0640);
  REQUIRE(id >= 0);
  pid_t child = fork();
  if (child == 0) {
    // Another user of the same group.
    CHECK_EQUAL(setgroups(0, NULL), 0);
    REQUIRE(setresuid(1000, 1000, 1000) == 0);
    struct shmid_ds now;
    CHECK_EQUAL(shmget(key, 1, 0), id);
    CHECK_EQUAL(shmget(key, 1, 0040), id);
    CHECK_ERROR(shmget(key, 1, 0060), EACCES);
    CHECK_ERROR(shmget(key, 1, 0600), EACCES);
    CHECK_ERROR(attach(id, 0, 0), EACCES);
    CHECK_ERROR(attach(id, 0, SHM_RDONLY | SHM_EXEC), EACCES);
    CHECK((long)attach(id, 0, SHM_RDONLY) > 0);
    CHECK_EQUAL(control(id, IPC_STAT, &now), 0);
    CHECK_ERROR(control(id, IPC_SET, &now), EPERM);
    CHECK_ERROR(control(id, IPC_RMID, NULL), EPERM);
    CHECK_ERROR(control(id, SHM_LOCK, NULL), EPERM);
    CHECK_ERROR(control(id, SHM_UNLOCK, NULL), EPERM);
    int own = make(4 * PAGE, 0400);
    CHECK_ERROR(attach(own, 0, 0), EACCES);
    CHECK((long)attach(own, 0, SHM_RDONLY) > 0);
    struct rlimit limit = {2 * PAGE, 2 * PAGE};
    setrlimit(RLIMIT_MEMLOCK, &limit);
    CHECK_ERROR(control(own, SHM_LOCK, NULL), ENOMEM);
    limit.rlim_cur = 0;
    setrlimit(RLIMIT_MEMLOCK, &limit);
    CHECK_ERROR(control(own, SHM_LOCK, NULL), EPERM);
    CHECK_EQUAL(control(own, IPC_RMID, NULL), 0);
    _exit(finish());
  }
  CHECK_EQUAL(end_of(child), 0);
  struct shmid_ds now = status(id);
  now.shm_perm.uid = 1000;
  now.shm_perm.gid = 77;
  now.shm_perm.mode = 07604;
  CHECK_EQUAL(control(id, IPC_SET, &now), 0);
  now = status(id);
  CHECK_EQUAL(now.shm_perm.uid, 1000);
  CHECK_EQUAL(now.shm_perm.gid, 77);
  CHECK_EQUAL(now.shm_perm.cuid, 0);
  CHECK_EQUAL(now.shm_perm.mode, 0604);
  now.shm_perm.uid = -1;
  CHECK_ERROR(control(id, IPC_SET, &now), EINVAL);
  CHECK_EQUAL(control(id, SHM_LOCK, NULL), 0);
  CHECK_EQUAL(status(id).shm_perm.mode, 0604 | SHM_LOCKED);
  CHECK_EQUAL(control(id, SHM_UNLOCK, NULL), 0);
  CHECK_EQUAL(status(id).shm_perm.mode, 0604);
  child = fork();
  if (child == 0) {
    REQUIRE(setresgid(77, 77, 77) == 0);
    REQUIRE(setresuid(1001, 1001, 1001) == 0);
    // Of the group, which has no access, though others have.
    struct shmid_ds now;
    CHECK_ERROR(control(id, IPC_STAT, &now), EACCES);
    CHECK_ERROR(control(id & 0x7FFF, SHM_STAT, &now), EACCES);
    CHECK_EQUAL(control(id & 0x7FFF, SHM_STAT_ANY, &now), id);
    _exit(finish());
  }
  CHECK_EQUAL(end_of(child), 0);
  child = fork();
  if (child == 0) {
    REQUIRE(setresuid(1000, 1000, 1000) == 0);
    CHECK_EQUAL(control(id, IPC_RMID, NULL), 0);
    _exit(finish());
  }
  CHECK_EQUAL(end_of(child), 0);
  CHECK_ERROR(control(id, IPC_STAT, &now), EINVAL);
}

static void maps_and_lists_show_segments(void) {
  int id = shmget(key, 3 * PAGE + 1, IPC_CREAT | 0600);
  char *memory = (char *)attach(id, 0, 0);
  char line[512], wanted[64];
  int found = 0;
  FILE *maps = fopen("/proc/self/maps", "r");
  while (maps && fgets(line, sizeof line, maps)) {
    unsigned long start, end, inode;
    char mode[8];
    if (!strstr(line, "/SYSV004e0a11 (deleted)\n")) continue;
    found++;
    CHECK_EQUAL(sscanf(line, "%lx-%lx %4s %*x %*s %lu", &start, &end, mode, &inode), 4);
    CHECK_EQUAL(start, (uintptr_t)memory);
    CHECK_EQUAL(end - start, 4 * PAGE);
    CHECK_TEXT(mode, "rw-s");
    CHECK_EQUAL(inode, id);
  }
  if (maps) fclose(maps);
  CHECK_EQUAL(found, 1);
  found = 0;
  FILE *list = fopen("/proc/sysvipc/shm", "r");
  snprintf(wanted, sizeof wanted, "%10d %10d   600 %21d", key, id, 3 * PAGE + 1);
  while (list && fgets(line, sizeof line, list)) {
    if (strncmp(line, wanted, strlen(wanted)) != 0) continue;
    found++;
    unsigned creator, last, attached, user;
    CHECK_EQUAL(sscanf(line + strlen(wanted), "%u %u %u %u", &creator, &last, &attached, &user), 4);
    CHECK_EQUAL(creator, getpid());
    CHECK_EQUAL(last, getpid());
    CHECK_EQUAL(attached, 1);
    CHECK_EQUAL(user, geteuid());
  }
  if (list) fclose(list);
  CHECK_EQUAL(found, 1);
  detach((uintptr_t)memory);
  CHECK_EQUAL(control(id, IPC_RMID, NULL), 0);
}

// Processes on all CPUs attach, count, detach and remove one segment after the other: each number is counted once, none
// is lost, and each segment has gone when the last of them has.
enum { WORKERS = 4, ROUNDS = 120 };

static void many_attach_at_once(void) {
  struct board { int ids[ROUNDS]; int arrived[ROUNDS]; int left[ROUNDS]; int cpus[WORKERS]; } *board =
    mmap(NULL, sizeof(struct board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(board != MAP_FAILED);
  for (int round = 0; round < ROUNDS; round++) {
    board->ids[round] = -1;
  }
  pid_t workers[WORKERS];
  for (int number = 0; number < WORKERS; number++) {
    workers[number] = fork();
    if (workers[number] != 0) continue;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(number % sysconf(_SC_NPROCESSORS_ONLN), &set);
    sched_setaffinity(0, sizeof set, &set);
    for (int round = 0; round < ROUNDS; round++) {
      if (number == round % WORKERS) board->ids[round] = make(PAGE, 0600);
      int id;
      while ((id = __atomic_load_n(&board->ids[round], __ATOMIC_SEQ_CST)) < 0) sched_yield();
      int *memory = (int *)attach(id, 0, 0);
      REQUIRE((long)memory > 0);
      __atomic_add_fetch(memory, 1, __ATOMIC_SEQ_CST);
      __atomic_add_fetch(&board->arrived[round], 1, __ATOMIC_SEQ_CST);
      while (__atomic_load_n(&board->arrived[round], __ATOMIC_SEQ_CST) < WORKERS) sched_yield();
      if (*memory != WORKERS) CHECK_EQUAL(*memory, WORKERS);
      if (number == round % WORKERS && control(id, IPC_RMID, NULL) != 0) CHECK(0);
      if (detach((uintptr_t)memory) != 0) CHECK(0);
      __atomic_add_fetch(&board->left[round], 1, __ATOMIC_SEQ_CST);
      while (__atomic_load_n(&board->left[round], __ATOMIC_SEQ_CST) < WORKERS) sched_yield();
      struct shmid_ds now;
      int result = control(id, IPC_STAT, &now);
      if (result == 0 || (errno != EINVAL && errno != EIDRM)) CHECK_ERROR(result, EINVAL);
      board->cpus[number] |= 1 << sched_getcpu();
    }
    _exit(finish());
  }
  int cpus = 0;
  for (int number = 0; number < WORKERS; number++) {
    CHECK_EQUAL(end_of(workers[number]), 0);
    cpus |= board->cpus[number];
  }
  if (sysconf(_SC_NPROCESSORS_ONLN) > 1) CHECK(cpus & (cpus - 1));
  munmap(board, sizeof *board);
}

int main(int count, char **texts) {
  if (count > 1) return 0;
  keys_lead_to_segments();
  identifiers_have_sequence_numbers();
  sizes_are_bounded();
  contents_are_shared();
  parts_count_as_attachments();
  removal_waits_for_the_last_detach();
  addresses_are_checked();
  limits_count();
  permissions_are_checked();
  maps_and_lists_show_segments();
  many_attach_at_once();
  return finish();
}
