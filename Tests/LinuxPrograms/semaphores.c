// System V semaphores (semget(2), semop(2), semctl(2)): operations all or none, waiting and waking across processes and
// CPUs, what is taken back when processes end, removal, and arguments that are refused.
// Built with musl too.
#include "check.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#ifndef SEM_STAT_ANY
#define SEM_STAT_ANY 20
#endif

static const key_t key = 0x4E0A12;
enum { LARGEST = 32767 };

static int control(int id, int number, int command, unsigned long argument) {
  return syscall(SYS_semctl, id, number, command, argument);
}
#define POINTER(pointer) ((unsigned long)(pointer))

static int operate(int id, struct sembuf *operations, size_t count) {
  return syscall(SYS_semop, id, operations, count);
}

static int change(int id, int number, int by, int flags) {
  struct sembuf operation = {number, by, flags};
  return operate(id, &operation, 1);
}

static int timed(int id, struct sembuf *operations, size_t count, long milliseconds) {
  struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  return syscall(SYS_semtimedop, id, operations, count, &time);
}

static int make(int count) {
  int id = semget(IPC_PRIVATE, count, 0600);
  REQUIRE(id >= 0);
  return id;
}

static void drop(int id) { CHECK_EQUAL(control(id, 0, IPC_RMID, 0), 0); }
static int value(int id, int number) { return control(id, number, GETVAL, 0); }
static void set(int id, int number, int value) { CHECK_EQUAL(control(id, number, SETVAL, value), 0); }

static struct semid_ds status(int id) {
  struct semid_ds status;
  memset(&status, 0xEE, sizeof status);
  CHECK_EQUAL(control(id, 0, IPC_STAT, POINTER(&status)), 0);
  return status;
}

static void nap(long milliseconds) {
  struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  nanosleep(&time, NULL);
}

// Until so many threads wait for a semaphore to grow, or to be 0.
static void await(int id, int number, int command, int count) {
  for (int turn = 0; turn < 20000; turn++) {
    if (control(id, number, command, 0) == count) return;
    nap(1);
  }
  CHECK_EQUAL(control(id, number, command, 0), count);
}

static int end_of(pid_t child) {
  int ending = -1;
  REQUIRE(waitpid(child, &ending, 0) == child);
  return ending;
}

static void sets_are_found_by_keys(void) {
  CHECK_ERROR(semget(key, 1, 0), ENOENT);
  CHECK_ERROR(semget(key, 0, IPC_CREAT | 0600), EINVAL);
  CHECK_ERROR(semget(key, -1, IPC_CREAT | 0600), EINVAL);
  CHECK_ERROR(semget(key, 32001, IPC_CREAT | 0600), EINVAL);
  struct seminfo limits, use, before;
  CHECK(control(0, 0, SEM_INFO, POINTER(&before)) >= 0);
  int id = semget(key, 5, IPC_CREAT | IPC_EXCL | 0620);
  REQUIRE(id >= 0);
  CHECK_EQUAL(semget(key, 0, 0), id);
  CHECK_EQUAL(semget(key, 5, 0), id);
  CHECK_ERROR(semget(key, 6, 0), EINVAL);
  CHECK_ERROR(semget(key, 5, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
  struct semid_ds now = status(id);
  CHECK_EQUAL(now.sem_nsems, 5);
  CHECK_EQUAL(now.sem_perm.mode, 0620);
  CHECK_EQUAL(now.sem_otime, 0);
  CHECK(now.sem_ctime > 0);
  CHECK_EQUAL(change(id, 1, 3, 0), 0);
  CHECK(status(id).sem_otime >= now.sem_ctime);
  for (int number = 0; number < 5; number++) CHECK_EQUAL(value(id, number), number == 1 ? 3 : 0);
  CHECK_EQUAL(control(id, 1, GETPID, 0), getpid());
  CHECK_EQUAL(control(id, 0, GETPID, 0), 0);
  CHECK_EQUAL(control(id & 0x7FFF, 0, SEM_STAT, POINTER(&now)), id);
  CHECK_EQUAL(control(id & 0x7FFF, 0, SEM_STAT_ANY, POINTER(&now)), id);
  char line[256], wanted[64];
  int found = 0;
  FILE *list = fopen("/proc/sysvipc/sem", "r");
  snprintf(wanted, sizeof wanted, "%10d %10d   620          5 %5u %5u", key, id, geteuid(), getegid());
  while (list && fgets(line, sizeof line, list)) if (strncmp(line, wanted, strlen(wanted)) == 0) found++;
  if (list) fclose(list);
  CHECK_EQUAL(found, 1);
  CHECK(control(0, 0, IPC_INFO, POINTER(&limits)) >= (id & 0x7FFF));
  CHECK_EQUAL(limits.semmni, 32000);
  CHECK_EQUAL(limits.semmsl, 32000);
  CHECK_EQUAL(limits.semmns, 1024000000);
  CHECK_EQUAL(limits.semopm, 500);
  CHECK_EQUAL(limits.semvmx, LARGEST);
  CHECK_EQUAL(limits.semaem, LARGEST);
  CHECK_EQUAL(limits.semusz, 20);
  CHECK_EQUAL(limits.semume, 500);
  CHECK_EQUAL(limits.semmnu, 1024000000);
  CHECK_EQUAL(limits.semmap, 1024000000);
  CHECK(control(0, 0, SEM_INFO, POINTER(&use)) >= (id & 0x7FFF));
  CHECK_EQUAL(use.semusz, before.semusz + 1);
  CHECK_EQUAL(use.semaem, before.semaem + 5);
  drop(id);
  CHECK_ERROR(control(id, 0, GETVAL, 0), EINVAL);
  CHECK_ERROR(change(id, 0, 1, 0), EINVAL);
}

static void arrays_are_done_whole_or_not(void) {
  int id = make(4);
  struct sembuf operations[] = {{0, 5, 0}, {1, 2, 0}, {0, -3, 0}, {2, 0, 0}};
  CHECK_EQUAL(operate(id, operations, 4), 0);
  CHECK_EQUAL(value(id, 0), 2);
  CHECK_EQUAL(value(id, 1), 2);
  CHECK_EQUAL(control(id, 2, GETPID, 0), getpid());
  CHECK_EQUAL(control(id, 3, GETPID, 0), 0);
  // The last one cannot be done.
  struct sembuf refused[] = {{0, -1, 0}, {1, -2, 0}, {0, -2, IPC_NOWAIT}};
  CHECK_ERROR(operate(id, refused, 3), EAGAIN);
  CHECK_EQUAL(value(id, 0), 2);
  CHECK_EQUAL(value(id, 1), 2);
  struct sembuf zero[] = {{0, 1, 0}, {1, 0, IPC_NOWAIT}};
  CHECK_ERROR(operate(id, zero, 2), EAGAIN);
  CHECK_EQUAL(value(id, 0), 2);
  // One after the other: 0 at its turn.
  struct sembuf order[] = {{0, -2, 0}, {0, 0, IPC_NOWAIT}, {0, 7, 0}};
  CHECK_EQUAL(operate(id, order, 3), 0);
  CHECK_EQUAL(value(id, 0), 7);
  struct sembuf large[] = {{1, 1, 0}, {0, LARGEST, 0}};
  CHECK_ERROR(operate(id, large, 2), ERANGE);
  CHECK_EQUAL(value(id, 1), 2);
  CHECK_EQUAL(value(id, 0), 7);
  set(id, 0, LARGEST);
  CHECK_ERROR(change(id, 0, 1, 0), ERANGE);
  // Many operations, of which each counts.
  set(id, 0, 0);
  struct sembuf many[501];
  for (int index = 0; index < 501; index++) many[index] = (struct sembuf){index % 4, 1, 0};
  CHECK_ERROR(operate(id, many, 501), E2BIG);
  CHECK_EQUAL(operate(id, many, 500), 0);
  CHECK_EQUAL(value(id, 0), 125);
  CHECK_EQUAL(value(id, 3), 125);
  drop(id);
}

static void values_are_set_and_read(void) {
  int id = make(3);
  unsigned short values[4] = {1, LARGEST, 3, 0xABCD};
  CHECK_EQUAL(control(id, 0, SETALL, POINTER(values)), 0);
  CHECK_EQUAL(value(id, 1), LARGEST);
  values[1]++;
  CHECK_ERROR(control(id, 0, SETALL, POINTER(values)), ERANGE);
  memset(values, 0, 6);
  CHECK_EQUAL(control(id, 0, GETALL, POINTER(values)), 0);
  CHECK_EQUAL(values[0], 1);
  CHECK_EQUAL(values[1], LARGEST);
  CHECK_EQUAL(values[2], 3);
  CHECK_EQUAL(values[3], 0xABCD);
  CHECK_EQUAL(control(id, 2, GETPID, 0), getpid());
  CHECK_ERROR(control(id, 0, SETVAL, LARGEST + 1), ERANGE);
  CHECK_ERROR(control(id, 0, SETVAL, -1), ERANGE);
  CHECK_ERROR(control(id, 9, SETVAL, -1), ERANGE);
  CHECK_ERROR(control(id, 3, SETVAL, 1), EINVAL);
  CHECK_ERROR(control(id, 3, GETVAL, 1), EINVAL);
  CHECK_ERROR(control(id, -1, GETVAL, 1), EINVAL);
  CHECK_ERROR(control(id, -1, GETNCNT, 1), EINVAL);
  CHECK_ERROR(control(id, 0, GETALL, 8), EFAULT);
  CHECK_ERROR(control(id, 0, SETALL, 8), EFAULT);
  CHECK_ERROR(control(id, 0, IPC_STAT, 8), EFAULT);
  CHECK_ERROR(control(id, 0, IPC_SET, 0xFFFF800000000000), EFAULT);
  CHECK_ERROR(control(0, 0, IPC_INFO, 8), EFAULT);
  CHECK_ERROR(control(id, 0, 99, 0), EINVAL);
  CHECK_ERROR(control(id, 0, -1, 0), EINVAL);
  CHECK_ERROR(control(-1, 0, IPC_INFO, 0), EINVAL);
  struct sembuf one = {0, 1, 0}, beyond = {3, 1, 0};
  CHECK_ERROR(operate(id, &one, 0), EINVAL);
  CHECK_ERROR(operate(-1, &one, 1), EINVAL);
  CHECK_ERROR(operate(id, &one, -1), E2BIG);
  CHECK_ERROR(operate(id, (void *)8, 1), EFAULT);
  CHECK_ERROR(operate(id, &beyond, 1), EFBIG);
  CHECK_ERROR(syscall(SYS_semtimedop, id, &one, 1ul, 8), EFAULT);
  struct timespec odd = {0, 1000000000};
  CHECK_ERROR(syscall(SYS_semtimedop, id, &one, 1ul, &odd), EINVAL);
  CHECK_EQUAL(value(id, 0), 1);
  drop(id);
}

// A thread that makes one call and keeps its outcome.
struct call {
  pthread_t thread;
  int id, count, result, error;
  struct sembuf operations[3];
};

static void *make_call(void *argument) {
  struct call *call = argument;
  call->result = operate(call->id, call->operations, call->count);
  call->error = errno;
  return NULL;
}

static void start(struct call *call) { REQUIRE(pthread_create(&call->thread, NULL, make_call, call) == 0); }

static void threads_wait_in_order(void) {
  int id = make(3);
  struct call first = {.id = id, .count = 2, .operations = {{0, -2, 0}, {1, -1, 0}}};
  struct call second = {.id = id, .count = 1, .operations = {{0, -1, 0}}};
  struct call zero = {.id = id, .count = 1, .operations = {{2, 0, 0}}};
  set(id, 2, 1);
  start(&first);
  await(id, 0, GETNCNT, 1);
  start(&second);
  await(id, 0, GETNCNT, 2);
  start(&zero);
  await(id, 2, GETZCNT, 1);
  CHECK_EQUAL(control(id, 0, GETZCNT, 0), 0);
  CHECK_EQUAL(control(id, 2, GETNCNT, 0), 0);
  // The second one's turn: the first cannot go on with 1.
  CHECK_EQUAL(change(id, 0, 1, 0), 0);
  pthread_join(second.thread, NULL);
  CHECK_EQUAL(second.result, 0);
  CHECK_EQUAL(value(id, 0), 0);
  CHECK_EQUAL(change(id, 0, 2, 0), 0);
  // It waits for another one now, and takes nothing of the first.
  await(id, 1, GETNCNT, 1);
  CHECK_EQUAL(control(id, 0, GETNCNT, 0), 0);
  CHECK_EQUAL(value(id, 0), 2);
  CHECK_EQUAL(change(id, 1, 1, 0), 0);
  pthread_join(first.thread, NULL);
  CHECK_EQUAL(first.result, 0);
  CHECK_EQUAL(value(id, 0), 0);
  CHECK_EQUAL(value(id, 1), 0);
  CHECK_EQUAL(change(id, 2, -1, 0), 0);
  pthread_join(zero.thread, NULL);
  CHECK_EQUAL(zero.result, 0);
  // What others have made 0 lets a thread go on that then makes 1 of it.
  set(id, 2, 1);
  struct call one = {.id = id, .count = 2, .operations = {{2, 0, 0}, {2, 1, 0}}};
  start(&one);
  await(id, 2, GETZCNT, 1);
  unsigned short values[3] = {0, 0, 0};
  CHECK_EQUAL(control(id, 0, SETALL, POINTER(values)), 0);
  pthread_join(one.thread, NULL);
  CHECK_EQUAL(one.result, 0);
  CHECK_EQUAL(value(id, 2), 1);
  // Removal ends all waits.
  struct call last = {.id = id, .count = 1, .operations = {{0, -1, 0}}};
  zero.operations[0].sem_num = 2;
  start(&last);
  start(&zero);
  await(id, 0, GETNCNT, 1);
  await(id, 2, GETZCNT, 1);
  drop(id);
  pthread_join(last.thread, NULL);
  pthread_join(zero.thread, NULL);
  CHECK(last.result == -1 && last.error == EIDRM);
  CHECK(zero.result == -1 && zero.error == EIDRM);
}

static void note(int number) {}

static void times_and_signals_end_waits(void) {
  int id = make(1);
  struct sembuf operation = {0, -1, 0};
  struct timespec begin, end;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  CHECK_ERROR(timed(id, &operation, 1, 50), EAGAIN);
  clock_gettime(CLOCK_MONOTONIC, &end);
  CHECK((end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000 >= 50);
  CHECK_ERROR(timed(id, &operation, 1, 0), EAGAIN);
  CHECK_EQUAL(control(id, 0, GETNCNT, 0), 0);
  // No handler has it restarted.
  struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
  sigaction(SIGUSR1, &action, NULL);
  pid_t child = fork();
  if (child == 0) {
    CHECK_ERROR(operate(id, &operation, 1), EINTR);
    _exit(finish());
  }
  await(id, 0, GETNCNT, 1);
  kill(child, SIGUSR1);
  CHECK_EQUAL(end_of(child), 0);
  CHECK_EQUAL(control(id, 0, GETNCNT, 0), 0);
  // One that is killed waits no more, and takes nothing.
  child = fork();
  if (child == 0) _exit(operate(id, &operation, 1));
  await(id, 0, GETNCNT, 1);
  kill(child, SIGKILL);
  CHECK(WIFSIGNALED(end_of(child)));
  CHECK_EQUAL(control(id, 0, GETNCNT, 0), 0);
  CHECK_EQUAL(change(id, 0, 1, 0), 0);
  CHECK_EQUAL(value(id, 0), 1);
  drop(id);
}

static void *undo_in_thread(void *argument) {
  CHECK_EQUAL(change(*(int *)argument, 0, 1, SEM_UNDO), 0);
  return NULL;
}

static void ends_take_back(void) {
  int id = make(3);
  set(id, 0, 10);
  pid_t child = fork();
  if (child == 0) {
    struct sembuf operations[] = {{0, -4, SEM_UNDO}, {1, 3, SEM_UNDO}, {2, 5, 0}};
    CHECK_EQUAL(operate(id, operations, 3), 0);
    CHECK_EQUAL(change(id, 0, 1, SEM_UNDO), 0);
    // A child has nothing to take back, a program that is executed still has.
    if (fork() == 0) _exit(0);
    wait(NULL);
    CHECK_EQUAL(value(id, 0), 7);
    if (finish()) _exit(1);
    execl("/proc/self/exe", "semaphores", "end", (char *)NULL);
    _exit(9);
  }
  CHECK_EQUAL(end_of(child), 0);
  CHECK_EQUAL(value(id, 0), 10);
  CHECK_EQUAL(value(id, 1), 0);
  CHECK_EQUAL(value(id, 2), 5);
  CHECK_EQUAL(control(id, 0, GETPID, 0), child);
  // A value does not go below 0, and what is set is not taken back.
  child = fork();
  if (child == 0) {
    change(id, 1, 3, SEM_UNDO);
    change(id, 2, 3, SEM_UNDO);
    change(id, 1, -2, 0);
    set(id, 2, 20);
    _exit(0);
  }
  CHECK_EQUAL(end_of(child), 0);
  CHECK_EQUAL(value(id, 1), 0);
  CHECK_EQUAL(value(id, 2), 20);
  // An end lets others go on.
  set(id, 0, 1);
  child = fork();
  if (child == 0) {
    change(id, 0, -1, SEM_UNDO);
    change(id, 1, 1, 0);
    pause();
  }
  CHECK_EQUAL(change(id, 1, -1, 0), 0);
  struct call waiting = {.id = id, .count = 1, .operations = {{0, -1, 0}}};
  start(&waiting);
  await(id, 0, GETNCNT, 1);
  kill(child, SIGKILL);
  end_of(child);
  pthread_join(waiting.thread, NULL);
  CHECK_EQUAL(waiting.result, 0);
  // Threads share what is taken back: the end of one takes nothing back.
  set(id, 0, 0);
  child = fork();
  if (child == 0) {
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, undo_in_thread, &id) == 0);
    pthread_join(thread, NULL);
    nap(20);
    CHECK_EQUAL(value(id, 0), 1);
    CHECK_EQUAL(change(id, 0, -1, SEM_UNDO), 0);
    CHECK_EQUAL(change(id, 0, 4, SEM_UNDO), 0);
    _exit(finish());
  }
  CHECK_EQUAL(end_of(child), 0);
  CHECK_EQUAL(value(id, 0), 0);
  // Leaving it takes back at once.
  child = fork();
  if (child == 0) {
    change(id, 0, 2, SEM_UNDO);
    CHECK_EQUAL(value(id, 0), 2);
    CHECK_EQUAL(unshare(CLONE_SYSVSEM), 0);
    CHECK_EQUAL(value(id, 0), 0);
    _exit(finish());
  }
  CHECK_EQUAL(end_of(child), 0);
  // What is to be taken back has bounds.
  child = fork();
  if (child == 0) {
    set(id, 0, 0);
    CHECK_EQUAL(change(id, 0, LARGEST, SEM_UNDO), 0);
    CHECK_EQUAL(change(id, 0, -1, 0), 0);
    CHECK_EQUAL(change(id, 0, 1, SEM_UNDO), 0);
    CHECK_EQUAL(change(id, 0, -1, 0), 0);
    CHECK_ERROR(change(id, 0, 1, SEM_UNDO), ERANGE);
    CHECK_EQUAL(value(id, 0), LARGEST - 1);
    // A set that has gone needs nothing.
    int own = semget(IPC_PRIVATE, 2, 0600);
    change(own, 1, 1, SEM_UNDO);
    drop(own);
    _exit(finish());
  }
  CHECK_EQUAL(end_of(child), 0);
  CHECK_EQUAL(value(id, 0), 0);
  drop(id);
}

// Where the settings can be changed, as root's alone.
static void limits_can_be_changed(void) {
  char old[128] = "", now[128] = "";
  int file = open("/proc/sys/kernel/sem", O_RDWR);
  if (file < 0) return;
  int size = read(file, old, sizeof old - 1);
  CHECK_TEXT(old, "32000\t1024000000\t500\t32000\n");
  if (pwrite(file, "10 1024000000 3", 15, 0) == 15) {
    CHECK_ERROR(semget(IPC_PRIVATE, 11, 0600), EINVAL);
    int id = make(10);
    struct sembuf operations[4] = {{0, 1, 0}, {1, 1, 0}, {2, 1, 0}, {3, 1, 0}};
    CHECK_ERROR(operate(id, operations, 4), E2BIG);
    CHECK_EQUAL(operate(id, operations, 3), 0);
    drop(id);
    CHECK(pread(file, now, sizeof now - 1, 0) > 0);
    CHECK_TEXT(now, "10\t1024000000\t3\t32000\n");
    CHECK_EQUAL(pwrite(file, old, size, 0), size);
    int last = semget(IPC_PRIVATE, 11, 0600);
    drop(last);
  }
  close(file);
}

static void permissions_are_checked(void) {
  if (geteuid() != 0) return;
  int id = semget(key, 2, IPC_CREAT | 0604);
  REQUIRE(id >= 0);
  pid_t child = fork();
  if (child == 0) {
    REQUIRE(setresgid(1000, 1000, 1000) == 0);
    REQUIRE(setresuid(1000, 1000, 1000) == 0);
    struct semid_ds now;
    CHECK_EQUAL(semget(key, 2, 0004), id);
    CHECK_ERROR(semget(key, 2, 0006), EACCES);
    CHECK_EQUAL(change(id, 0, 0, 0), 0);
    CHECK_ERROR(change(id, 0, 1, 0), EACCES);
    CHECK_ERROR(change(id, 2, 1, 0), EFBIG);
    CHECK_EQUAL(value(id, 0), 0);
    CHECK_ERROR(control(id, 0, SETVAL, 1), EACCES);
    CHECK_ERROR(control(id, 2, SETVAL, 1), EINVAL);
    CHECK_ERROR(control(id, 0, IPC_RMID, 0), EPERM);
    CHECK_EQUAL(control(id, 0, IPC_STAT, POINTER(&now)), 0);
    CHECK_ERROR(control(id, 0, IPC_SET, POINTER(&now)), EPERM);
    _exit(finish());
  }
  CHECK_EQUAL(end_of(child), 0);
  struct semid_ds now = status(id);
  now.sem_perm.mode = 0;
  now.sem_perm.uid = 1000;
  CHECK_EQUAL(control(id, 0, IPC_SET, POINTER(&now)), 0);
  child = fork();
  if (child == 0) {
    REQUIRE(setresuid(1000, 1000, 1000) == 0);
    CHECK_ERROR(value(id, 2), EACCES);
    CHECK_ERROR(control(id, 0, GETALL, 8), EACCES);
    CHECK_EQUAL(control(id, 0, IPC_RMID, 0), 0);
    _exit(finish());
  }
  CHECK_EQUAL(end_of(child), 0);
}

// Processes on all CPUs hand a turn around, each by an operation on two semaphores, and count what they do without any
// other lock: nothing is lost, nobody waits for ever, and they have waited and been woken on different CPUs.
enum { WORKERS = 4, TURNS = 300 };

static void turns_go_around(void) {
  struct board { long sum; int cpus[WORKERS]; long waits; } *board =
    mmap(NULL, sizeof(struct board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(board != MAP_FAILED);
  int id = make(WORKERS + 1);
  set(id, WORKERS, 1);
  pid_t workers[WORKERS];
  for (int number = 0; number < WORKERS; number++) {
    workers[number] = fork();
    if (workers[number] != 0) continue;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(number % sysconf(_SC_NPROCESSORS_ONLN), &set);
    sched_setaffinity(0, sizeof set, &set);
    long waits = 0;
    for (int turn = 0; turn < TURNS; turn++) {
      struct sembuf take[] = {{number, -1, IPC_NOWAIT}, {WORKERS, -1, SEM_UNDO | IPC_NOWAIT}};
      if (operate(id, take, 2) != 0) {
        if (errno != EAGAIN) CHECK(0);
        waits++;
        take[0].sem_flg = 0;
        take[1].sem_flg = SEM_UNDO;
        if (operate(id, take, 2) != 0) CHECK(0);
      }
      long sum = board->sum;
      if (turn % 16 == 0) sched_yield();
      board->sum = sum + 1;
      board->cpus[number] = sched_getcpu();
      struct sembuf give[] = {{(number + 1) % WORKERS, 1, 0}, {WORKERS, 1, SEM_UNDO}};
      if (operate(id, give, 2) != 0) CHECK(0);
    }
    __atomic_add_fetch(&board->waits, waits, __ATOMIC_SEQ_CST);
    _exit(finish());
  }
  CHECK_EQUAL(change(id, 0, 1, 0), 0);
  for (int number = 0; number < WORKERS; number++) CHECK_EQUAL(end_of(workers[number]), 0);
  CHECK_EQUAL(board->sum, WORKERS * TURNS);
  CHECK_EQUAL(value(id, 0), 1);
  CHECK_EQUAL(value(id, WORKERS), 1);
  // Most turns have been waited for.
  CHECK(board->waits >= WORKERS * TURNS / 4);
  if (sysconf(_SC_NPROCESSORS_ONLN) > 1) CHECK(board->cpus[0] != board->cpus[1]);
  drop(id);
  munmap(board, sizeof *board);
}

// Workers that are killed at any moment between taking and giving back: what they have taken always comes back.
static void killed_workers_give_back(void) {
  int id = make(1);
  set(id, 0, 2);
  for (int round = 0; round < 30; round++) {
    pid_t workers[WORKERS];
    for (int number = 0; number < WORKERS; number++) {
      workers[number] = fork();
      if (workers[number] != 0) continue;
      for (;;) {
        if (change(id, 0, -1, SEM_UNDO) != 0) _exit(1);
        if (change(id, 0, 1, SEM_UNDO) != 0) _exit(1);
      }
    }
    nap(2);
    for (int number = 0; number < WORKERS; number++) kill(workers[number], SIGKILL);
    for (int number = 0; number < WORKERS; number++) CHECK(WIFSIGNALED(end_of(workers[number])));
    CHECK_EQUAL(value(id, 0), 2);
  }
  drop(id);
}

int main(int count, char **texts) {
  if (count > 1) return 0;
  sets_are_found_by_keys();
  arrays_are_done_whole_or_not();
  values_are_set_and_read();
  threads_wait_in_order();
  times_and_signals_end_waits();
  ends_take_back();
  limits_can_be_changed();
  permissions_are_checked();
  turns_go_around();
  killed_workers_give_back();
  return finish();
}
