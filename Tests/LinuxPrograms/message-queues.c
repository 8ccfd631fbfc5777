// System V message queues (msgget(2), msgop(2), msgctl(2)): types, limits, waiting and waking across processes and CPUs,
// removal, and arguments that are refused.
// Built with musl too.
#include "check.h"
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#ifndef MSG_COPY
#define MSG_COPY 040000
#endif
#ifndef MSG_EXCEPT
#define MSG_EXCEPT 020000
#endif
#ifndef MSG_STAT_ANY
#define MSG_STAT_ANY 13
#endif

static const key_t key = 0x4E0A13;

struct message { long type; char text[8200]; };

static int send_bytes(int id, const void *message, size_t size, int flags) {
  return syscall(SYS_msgsnd, id, message, size, flags);
}

static long receive_bytes(int id, void *message, size_t size, long type, int flags) {
  return syscall(SYS_msgrcv, id, message, size, type, flags);
}

static int control(int id, int command, void *argument) { return syscall(SYS_msgctl, id, command, argument); }

static int make(void) {
  int id = msgget(IPC_PRIVATE, 0600);
  REQUIRE(id >= 0);
  return id;
}

static void drop(int id) { CHECK_EQUAL(control(id, IPC_RMID, NULL), 0); }

static struct msqid_ds status(int id) {
  struct msqid_ds status;
  memset(&status, 0xEE, sizeof status);
  CHECK_EQUAL(control(id, IPC_STAT, &status), 0);
  return status;
}

static int send_text(int id, long type, const char *text) {
  struct message message = {.type = type};
  strcpy(message.text, text);
  return send_bytes(id, &message, strlen(text), 0);
}

// The next message of a type, and whether it says what is expected.
static void expect(int id, long type, int flags, long actual, const char *text) {
  struct message message;
  memset(&message, 0, sizeof message);
  long size = receive_bytes(id, &message, 100, type, flags | IPC_NOWAIT);
  CHECK_EQUAL(size, (long)strlen(text));
  CHECK_EQUAL(message.type, actual);
  CHECK_TEXT(message.text, text);
}

static void nap(long milliseconds) {
  struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  nanosleep(&time, NULL);
}

static int end_of(pid_t child) {
  int ending = -1;
  REQUIRE(waitpid(child, &ending, 0) == child);
  return ending;
}

// Until a process sleeps.
static void await_sleep(pid_t process) {
  char path[64], line[256];
  snprintf(path, sizeof path, "/proc/%d/stat", process);
  for (int turn = 0; turn < 20000; turn++) {
    FILE *file = fopen(path, "r");
    char *state = file && fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
    if (file) fclose(file);
    if (state && state[2] == 'S') return;
    nap(1);
  }
  CHECK(0);
}

static void queues_are_found_by_keys(void) {
  CHECK_ERROR(msgget(key, 0), ENOENT);
  struct msginfo limits, use, before;
  CHECK(control(0, 12, (void *)&before) >= 0);
  int id = msgget(key, IPC_CREAT | IPC_EXCL | 0640);
  REQUIRE(id >= 0);
  CHECK_EQUAL(msgget(key, 0), id);
  CHECK_ERROR(msgget(key, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
  struct msqid_ds now = status(id);
  CHECK_EQUAL(now.msg_perm.mode, 0640);
  CHECK_EQUAL(now.msg_qbytes, 16384);
  CHECK_EQUAL(now.msg_qnum, 0);
  CHECK_EQUAL(now.msg_lspid, 0);
  CHECK_EQUAL(now.msg_stime, 0);
  CHECK(now.msg_ctime > 0);
  CHECK_EQUAL(send_text(id, 3, "hello"), 0);
  now = status(id);
  CHECK_EQUAL(now.msg_qnum, 1);
  CHECK_EQUAL(*(long *)((char *)&now + 72), 5);
  CHECK_EQUAL(now.msg_lspid, getpid());
  CHECK(now.msg_stime >= now.msg_ctime);
  memset(&limits, 0xEE, sizeof limits);
  CHECK(control(0, IPC_INFO, (void *)&limits) >= (id & 0x7FFF));
  CHECK_EQUAL(limits.msgmax, 8192);
  CHECK_EQUAL(limits.msgmnb, 16384);
  CHECK_EQUAL(limits.msgmni, 32000);
  CHECK_EQUAL(limits.msgpool, 512000);
  CHECK_EQUAL(limits.msgmap, 16384);
  CHECK_EQUAL(limits.msgssz, 16);
  CHECK_EQUAL(limits.msgtql, 16384);
  CHECK_EQUAL(limits.msgseg, 0xFFFF);
  CHECK(control(0, 12, (void *)&use) >= (id & 0x7FFF));
  CHECK_EQUAL(use.msgpool, before.msgpool + 1);
  CHECK_EQUAL(use.msgmap, before.msgmap + 1);
  CHECK_EQUAL(use.msgtql, before.msgtql + 5);
  CHECK_EQUAL(control(id & 0x7FFF, 11, &now), id);
  CHECK_EQUAL(control(id & 0x7FFF, MSG_STAT_ANY, &now), id);
  char line[256], wanted[96];
  int found = 0;
  FILE *list = fopen("/proc/sysvipc/msg", "r");
  snprintf(wanted, sizeof wanted, "%10d %10d   640           5          1 %5u     0 %5u", key, id, getpid(), geteuid());
  while (list && fgets(line, sizeof line, list)) if (strncmp(line, wanted, strlen(wanted)) == 0) found++;
  if (list) fclose(list);
  CHECK_EQUAL(found, 1);
  expect(id, 0, 0, 3, "hello");
  now = status(id);
  CHECK_EQUAL(now.msg_lrpid, getpid());
  CHECK_EQUAL(now.msg_qnum, 0);
  drop(id);
  CHECK_ERROR(msgget(key, 0), ENOENT);
  CHECK_ERROR(control(id, IPC_STAT, &now), EINVAL);
  CHECK_ERROR(send_text(id, 1, ""), EINVAL);
}

static void types_choose_messages(void) {
  int id = make();
  struct message message;
  static const struct { long type; const char *text; } sent[] = {
    {5, "five"}, {3, "three"}, {LONG_MAX, "most"}, {1, "one"}, {3, "again"}, {7, ""},
  };
  for (int index = 0; index < 6; index++) CHECK_EQUAL(send_text(id, sent[index].type, sent[index].text), 0);
  // Copies by place stay in the queue.
  expect(id, 1, MSG_COPY, 3, "three");
  expect(id, 5, MSG_COPY, 7, "");
  CHECK_ERROR(receive_bytes(id, &message, 100, 6, MSG_COPY | IPC_NOWAIT), ENOMSG);
  CHECK_ERROR(receive_bytes(id, &message, 100, -1, MSG_COPY | IPC_NOWAIT), ENOMSG);
  CHECK_ERROR(receive_bytes(id, &message, 100, 0, MSG_COPY), EINVAL);
  CHECK_ERROR(receive_bytes(id, &message, 100, 0, MSG_COPY | MSG_EXCEPT | IPC_NOWAIT), EINVAL);
  CHECK_ERROR(receive_bytes(id, &message, 2, 0, MSG_COPY | IPC_NOWAIT), E2BIG);
  CHECK_ERROR(receive_bytes(id, &message, 2, 0, MSG_COPY | IPC_NOWAIT | MSG_NOERROR), EINVAL);
  CHECK_EQUAL(status(id).msg_qnum, 6);
  CHECK_ERROR(receive_bytes(id, &message, 100, 2, IPC_NOWAIT), ENOMSG);
  CHECK_ERROR(receive_bytes(id, &message, 2, 3, IPC_NOWAIT), E2BIG);
  expect(id, 3, 0, 3, "three");
  expect(id, -4, 0, 1, "one");
  expect(id, -4, 0, 3, "again");
  CHECK_ERROR(receive_bytes(id, &message, 100, -4, IPC_NOWAIT), ENOMSG);
  expect(id, 5, MSG_EXCEPT, LONG_MAX, "most");
  // The rest of a message that is cut off is lost.
  CHECK_EQUAL(receive_bytes(id, &message, 2, LONG_MIN, MSG_NOERROR), 2);
  CHECK(message.type == 5 && memcmp(message.text, "fi", 2) == 0);
  expect(id, 0, 0, 7, "");
  CHECK_ERROR(receive_bytes(id, &message, 100, 0, IPC_NOWAIT), ENOMSG);
  drop(id);
}

// CAP_SYS_RESOURCE, which root need not have everywhere.
static int may_exceed_limits(void) {
  unsigned long capabilities = 0;
  char line[128];
  FILE *file = fopen("/proc/self/status", "r");
  while (file && fgets(line, sizeof line, file)) sscanf(line, "CapEff: %lx", &capabilities);
  if (file) fclose(file);
  return capabilities >> 24 & 1;
}

static void limits_and_arguments_are_checked(void) {
  int id = make();
  static struct message message = {.type = 1};
  CHECK_ERROR(send_bytes(id, &message, 8193, 0), EINVAL);
  CHECK_ERROR(send_bytes(id, &message, -1, 0), EINVAL);
  CHECK_ERROR(send_bytes(-1, &message, 1, 0), EINVAL);
  CHECK_ERROR(send_text(id, 0, "x"), EINVAL);
  CHECK_ERROR(send_text(id, -5, "x"), EINVAL);
  CHECK_ERROR(send_bytes(id, (void *)8, 1, 0), EFAULT);
  CHECK_ERROR(send_bytes(id, (void *)0xFFFF800000000000, 1, 0), EFAULT);
  CHECK_ERROR(receive_bytes(id, &message, -1, 0, IPC_NOWAIT), EINVAL);
  CHECK_ERROR(receive_bytes(-1, &message, 1, 0, IPC_NOWAIT), EINVAL);
  CHECK_EQUAL(send_bytes(id, &message, 8192, 0), 0);
  CHECK_EQUAL(send_bytes(id, &message, 8192, 0), 0);
  CHECK_ERROR(send_bytes(id, &message, 1, IPC_NOWAIT), EAGAIN);
  CHECK_EQUAL(send_bytes(id, &message, 0, IPC_NOWAIT), 0);
  // A message that cannot be stored is lost.
  CHECK_ERROR(receive_bytes(id, (void *)8, 8192, 0, IPC_NOWAIT), EFAULT);
  CHECK_EQUAL(status(id).msg_qnum, 2);
  struct msqid_ds now = status(id);
  now.msg_qbytes = 100;
  CHECK_EQUAL(control(id, IPC_SET, &now), 0);
  CHECK_ERROR(send_bytes(id, &message, 1, IPC_NOWAIT), EAGAIN);
  CHECK_EQUAL(receive_bytes(id, &message, 8192, 0, IPC_NOWAIT), 8192);
  CHECK_EQUAL(receive_bytes(id, &message, 8192, 0, IPC_NOWAIT), 0);
  message.type = 1;
  CHECK_ERROR(send_bytes(id, &message, 101, IPC_NOWAIT), EAGAIN);
  // Messages without bytes are bounded by the same number.
  for (int count = 0; count < 100; count++) if (send_bytes(id, &message, 0, IPC_NOWAIT) != 0) CHECK(0);
  CHECK_ERROR(send_bytes(id, &message, 0, IPC_NOWAIT), EAGAIN);
  if (may_exceed_limits()) {
    now.msg_qbytes = 1 << 20;
    CHECK_EQUAL(control(id, IPC_SET, &now), 0);
    CHECK_EQUAL(status(id).msg_qbytes, 1 << 20);
    now.msg_perm.gid = -1;
    CHECK_ERROR(control(id, IPC_SET, &now), EINVAL);
  }
  CHECK_ERROR(control(id, 99, NULL), EINVAL);
  CHECK_ERROR(control(id, -1, NULL), EINVAL);
  CHECK_ERROR(control(-1, IPC_STAT, &now), EINVAL);
  CHECK_ERROR(control(id, IPC_STAT, (void *)8), EFAULT);
  CHECK_ERROR(control(id, IPC_SET, (void *)8), EFAULT);
  CHECK_ERROR(control(0, IPC_INFO, (void *)8), EFAULT);
  drop(id);
}

static void permissions_are_checked(void) {
  if (geteuid() != 0) return;
  int id = msgget(key, IPC_CREAT | 0604);
  pid_t child = fork();
  if (child == 0) {
    REQUIRE(setresgid(1000, 1000, 1000) == 0);
    REQUIRE(setresuid(1000, 1000, 1000) == 0);
    struct message message = {.type = 1};
    CHECK_EQUAL(msgget(key, 04), id);
    CHECK_ERROR(msgget(key, 06), EACCES);
    CHECK_ERROR(send_bytes(id, &message, 1, IPC_NOWAIT), EACCES);
    CHECK_ERROR(receive_bytes(id, &message, 1, 0, IPC_NOWAIT), ENOMSG);
    struct msqid_ds now;
    CHECK_EQUAL(control(id, IPC_STAT, &now), 0);
    CHECK_ERROR(control(id, IPC_SET, &now), EPERM);
    CHECK_ERROR(control(id, IPC_RMID, NULL), EPERM);
    int own = make();
    CHECK_EQUAL(control(own, IPC_STAT, &now), 0);
    now.msg_qbytes++;
    CHECK_ERROR(control(own, IPC_SET, &now), EPERM);
    now.msg_qbytes = 5;
    CHECK_EQUAL(control(own, IPC_SET, &now), 0);
    drop(own);
    _exit(finish());
  }
  CHECK_EQUAL(end_of(child), 0);
  drop(id);
}

static void note(int number) {}

static void waits_end(void) {
  int id = make();
  struct message message = {.type = 1};
  // A receiver that waits for another type is not woken by this one.
  pid_t child = fork();
  if (child == 0) {
    CHECK_EQUAL(receive_bytes(id, &message, 10, 2, 0), 3);
    CHECK(memcmp(message.text, "two", 3) == 0);
    // What is too long for the one that waits stays.
    CHECK_ERROR(receive_bytes(id, &message, 2, 4, 0), E2BIG);
    _exit(finish());
  }
  await_sleep(child);
  CHECK_EQUAL(send_text(id, 1, "one"), 0);
  nap(5);
  CHECK_EQUAL(status(id).msg_qnum, 1);
  CHECK_EQUAL(send_text(id, 2, "two"), 0);
  while (status(id).msg_lrpid != child) nap(1);
  await_sleep(child);
  CHECK_EQUAL(send_text(id, 4, "four"), 0);
  CHECK_EQUAL(end_of(child), 0);
  expect(id, 4, 0, 4, "four");
  expect(id, 1, 0, 1, "one");
  // Handlers end waits, whatever they were made with.
  struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
  sigaction(SIGUSR1, &action, NULL);
  child = fork();
  if (child == 0) {
    CHECK_ERROR(receive_bytes(id, &message, 10, 2, 0), EINTR);
    message.type = 1;
    send_bytes(id, &message, 8000, 0);
    send_bytes(id, &message, 8000, 0);
    CHECK_ERROR(send_bytes(id, &message, 8000, 0), EINTR);
    _exit(finish());
  }
  await_sleep(child);
  // A stop does not.
  kill(child, SIGSTOP);
  waitpid(child, NULL, WUNTRACED);
  kill(child, SIGCONT);
  nap(10);
  await_sleep(child);
  kill(child, SIGUSR1);
  while (status(id).msg_qnum != 2) nap(1);
  await_sleep(child);
  kill(child, SIGUSR1);
  CHECK_EQUAL(end_of(child), 0);
  CHECK_EQUAL(status(id).msg_qnum, 2);
  // A sender goes on when there is room, also by another limit.
  for (int way = 0; way < 2; way++) {
    child = fork();
    if (child == 0) {
      message.type = 9;
      CHECK_EQUAL(send_bytes(id, &message, 1000, 0), 0);
      _exit(finish());
    }
    await_sleep(child);
    if (way == 0) {
      CHECK_EQUAL(receive_bytes(id, &message, 8000, 1, 0), 8000);
    } else {
      struct msqid_ds now = status(id);
      now.msg_qbytes = 16384;
      CHECK_EQUAL(control(id, IPC_SET, &now), 0);
    }
    CHECK_EQUAL(end_of(child), 0);
    CHECK_EQUAL(receive_bytes(id, &message, 8000, 9, 0), 1000);
    if (way == 0) {
      struct msqid_ds now = status(id);
      now.msg_qbytes = 8200;
      CHECK_EQUAL(control(id, IPC_SET, &now), 0);
    }
  }
  // Removal ends both kinds of waits.
  pid_t sender = fork();
  if (sender == 0) {
    message.type = 1;
    send_bytes(id, &message, 8192, 0);
    CHECK_ERROR(send_bytes(id, &message, 8192, 0), EIDRM);
    _exit(finish());
  }
  pid_t receiver = fork();
  if (receiver == 0) {
    CHECK_ERROR(receive_bytes(id, &message, 8192, 77, 0), EIDRM);
    _exit(finish());
  }
  while (status(id).msg_qnum < 2) nap(1);
  await_sleep(sender);
  await_sleep(receiver);
  drop(id);
  CHECK_EQUAL(end_of(sender), 0);
  CHECK_EQUAL(end_of(receiver), 0);
}

// Senders and receivers on all CPUs: each message is received once, those of one sender in their order, though the queue
// is mostly full or empty and everybody waits.
enum { PAIRS = 2, MESSAGES = 600 };

static void messages_cross_cpus(void) {
  struct board { long received[PAIRS][PAIRS]; long waits; int cpus[2 * PAIRS]; } *board =
    mmap(NULL, sizeof(struct board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(board != MAP_FAILED);
  int id = make();
  struct msqid_ds now = status(id);
  now.msg_qbytes = 64;
  CHECK_EQUAL(control(id, IPC_SET, &now), 0);
  pid_t workers[2 * PAIRS];
  struct { long type; long sender, number; } message;
  for (int index = 0; index < 2 * PAIRS; index++) {
    workers[index] = fork();
    if (workers[index] != 0) continue;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(index % sysconf(_SC_NPROCESSORS_ONLN), &set);
    sched_setaffinity(0, sizeof set, &set);
    long waits = 0, last[PAIRS];
    memset(last, -1, sizeof last);
    if (index < PAIRS) {
      for (long number = 0; number < MESSAGES; number++) {
        message.type = 1 + number % PAIRS;
        message.sender = index;
        message.number = number;
        if (send_bytes(id, &message, 16, IPC_NOWAIT) == 0) continue;
        if (errno != EAGAIN) CHECK(0);
        waits++;
        if (send_bytes(id, &message, 16, 0) != 0) CHECK(0);
      }
    } else {
      long type = 1 + (index - PAIRS), wanted = (long)MESSAGES / PAIRS * PAIRS;
      for (long count = 0; count < wanted; count++) {
        if (receive_bytes(id, &message, 16, type, IPC_NOWAIT) != 16) {
          if (errno != ENOMSG) CHECK(0);
          waits++;
          if (receive_bytes(id, &message, 16, type, 0) != 16) CHECK(0);
        }
        if (message.number <= last[message.sender]) CHECK(0);
        last[message.sender] = message.number;
        board->received[type - 1][message.sender]++;
      }
    }
    board->cpus[index] = sched_getcpu();
    __atomic_add_fetch(&board->waits, waits, __ATOMIC_SEQ_CST);
    _exit(finish());
  }
  for (int index = 0; index < 2 * PAIRS; index++) CHECK_EQUAL(end_of(workers[index]), 0);
  for (int type = 0; type < PAIRS; type++) {
    for (int sender = 0; sender < PAIRS; sender++) CHECK_EQUAL(board->received[type][sender], MESSAGES / PAIRS);
  }
  CHECK_EQUAL(status(id).msg_qnum, 0);
  CHECK(board->waits >= MESSAGES / 4);
  if (sysconf(_SC_NPROCESSORS_ONLN) > 1) CHECK(board->cpus[0] != board->cpus[1]);
  drop(id);
  munmap(board, sizeof *board);
}

// Removal at any moment of senders and receivers: each gets EIDRM or, coming later, EINVAL, and none waits for ever.
static void removal_races(void) {
  for (int round = 0; round < 40; round++) {
    int id = make();
    pid_t workers[4];
    for (int index = 0; index < 4; index++) {
      workers[index] = fork();
      if (workers[index] != 0) continue;
      struct message message = {.type = 1};
      for (;;) {
        message.type = 1;
        long result = index % 2 ? send_bytes(id, &message, 4000, 0) : receive_bytes(id, &message, 4000, 0, 0);
        if (result < 0) _exit(errno == EIDRM || errno == EINVAL ? 0 : 1);
      }
    }
    if (round % 4) nap(round % 4);
    drop(id);
    for (int index = 0; index < 4; index++) CHECK_EQUAL(end_of(workers[index]), 0);
  }
}

// Who restores saved programs chooses identifiers.
static void identifiers_can_be_chosen(void) {
  int file = open("/proc/sys/kernel/msg_next_id", O_RDWR);
  if (file < 0) return;
  int id = make();
  drop(id);
  char text[16];
  int size = snprintf(text, sizeof text, "%d", id);
  CHECK_EQUAL(write(file, text, size), size);
  CHECK_EQUAL(msgget(IPC_PRIVATE, 0600), id);
  close(file);
  drop(id);
}

int main(void) {
  queues_are_found_by_keys();
  types_choose_messages();
  limits_and_arguments_are_checked();
  permissions_are_checked();
  waits_end();
  messages_cross_cpus();
  removal_races();
  identifiers_can_be_chosen();
  return finish();
}
