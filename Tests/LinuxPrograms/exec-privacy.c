// What others see of a process through execve(2): of a program that gains privileges by its file neither memory nor
// registers, by whatever was opened or begun before, or in the middle of the call. And what an open file of /proc keeps
// of a program that has gone: nothing.
// Built with musl too.
#include "tracing.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>

// The same address in both programs: this one sets it, and the one that is executed has it from its file.
enum { of_file = 0x1111, of_old_program = 0x2222, of_attacker = 0x4444 };
static volatile long marker = of_file;
static volatile long *const marker_place = &marker;

static struct { volatile int thread, is_ready, handled; } *shared;

// This file, and a copy that root owns and that has the set-user-ID bit.
static char own_file[64], guarded_file[64];
static char text[1 << 16];

// MARK: The program that is executed

// Its exit status.
enum { has_begun = 16, is_changed = 1, is_traced = 2, is_privileged = 4 };
// Where it says that it runs, and where it is told to end.
enum { begun_descriptor = 60, end_descriptor = 61 };

static int program(void) {
  char byte;
  if (write(begun_descriptor, "", 1) != 1 || read(end_descriptor, &byte, 1) != 0) return 1;
  int file = open("/proc/self/status", O_RDONLY);
  ssize_t count = read(file, text, sizeof text - 1);
  text[count < 0 ? 0 : count] = 0;
  char *tracer = strstr(text, "TracerPid:");
  if (!tracer) return 2;
  return has_begun | (marker != of_file ? is_changed : 0) | (atoi(tracer + 10) ? is_traced : 0)
    | (geteuid() == 0 ? is_privileged : 0);
}

// MARK: Children that execute it

struct child { pid_t pid; int go, begun, end; };

static void *wait_in_thread(void *unused) {
  shared->thread = (int)syscall(SYS_gettid);
  for (;;) pause();
  return 0;
}

// A child that executes a file once it is told to. It has as much memory to give up, and another thread where `threads`
// is set.
static struct child child_with(const char *file, size_t size, int threads) {
  int go[2], begun[2], end[2];
  REQUIRE(pipe2(go, O_CLOEXEC) == 0 && pipe2(begun, O_CLOEXEC) == 0 && pipe2(end, O_CLOEXEC) == 0);
  shared->is_ready = shared->thread = 0;
  pid_t pid = fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    if (dup2(begun[1], begun_descriptor) < 0 || dup2(end[0], end_descriptor) < 0) _exit(1);
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
    *marker_place = of_old_program;
    if (size > 0) {
      char *memory = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (memory == MAP_FAILED) _exit(1);
      memset(memory, 1, size);
    }
    pthread_t thread;
    if (threads && pthread_create(&thread, 0, wait_in_thread, 0) != 0) _exit(1);
    shared->is_ready = 1;
    char byte;
    if (read(go[0], &byte, 1) != 1) _exit(1);
    char *arguments[] = {"exec-privacy", "program", 0}, *environment[] = {"OF=program", 0};
    execve(file, arguments, environment);
    _exit(1);
  }
  close(go[0]);
  close(begun[1]);
  close(end[0]);
  while (!shared->is_ready || (threads && !shared->thread)) usleep(1000);
  return (struct child){pid, go[1], begun[0], end[1]};
}
static struct child child_of(const char *file) { return child_with(file, 0, 0); }

static void let_go(struct child *child) { REQUIRE(write(child->go, "", 1) == 1); }
static void wait_for_begin(struct child *child) {
  char byte;
  REQUIRE(read(child->begun, &byte, 1) == 1);
}

// Ends the program. Returns its exit status.
static int end(struct child *child) {
  int status = -1;
  close(child->end);
  CHECK_EQUAL(waitpid(child->pid, &status, 0), child->pid);
  close(child->go);
  close(child->begun);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int open_file(pid_t pid, const char *name, int flags) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
  return open(path, flags);
}

// MARK: Opened before

static const char *const names[] = {"maps", "smaps", "environ", "mem", "pagemap", "auxv", "cmdline"};
enum { memory = 3, pages = 4, vector = 5, command = 6, count_of_names = 7 };

static off_t place_in(int name) {
  return name == memory ? (off_t)(uintptr_t)marker_place
    : name == pages ? (off_t)(uintptr_t)marker_place / 4096 * 8 : 0;
}

static void files_stay_with_the_program_that_ran(const char *file, int expected) {
  struct child child = child_of(file);
  int read_before[count_of_names], unread[count_of_names];
  static char before[4096];
  ssize_t length = 0;
  for (int name = 0; name < count_of_names; name++) {
    read_before[name] = open_file(child.pid, names[name], O_RDONLY);
    unread[name] = open_file(child.pid, names[name], name == memory ? O_RDWR : O_RDONLY);
    REQUIRE(read_before[name] >= 0 && unread[name] >= 0);
    ssize_t count = pread(read_before[name], text, 8, place_in(name));
    CHECK(count == 8 || name == command || name == 2);
    if (name == memory) CHECK_EQUAL(*(long *)text, of_old_program);
    if (name == vector) length = pread(read_before[name], before, sizeof before, 0);
  }
  CHECK(length > 64);
  let_go(&child);
  wait_for_begin(&child);
  for (int name = 0; name < vector; name++) {
    CHECK_EQUAL(pread(read_before[name], text, 8, place_in(name)), 0);
    CHECK_EQUAL(pread(unread[name], text, 8, place_in(name)), 0);
  }
  long changed = of_attacker;
  CHECK_EQUAL(pwrite(unread[memory], &changed, sizeof changed, place_in(memory)), 0);
  // The auxiliary vector is the old program's still; what ps(1) shows of everybody is the new one's.
  CHECK_EQUAL(pread(unread[vector], text, sizeof before, 0), length);
  CHECK(memcmp(text, before, length) == 0);
  CHECK_EQUAL(pread(unread[command], text, sizeof before, 0), 21);
  CHECK(memcmp(text, "exec-privacy\0program\0", 21) == 0);

  // Opened now, they are the new program's, for who may look into it.
  for (int name = 0; name < vector + 1; name++) {
    if (expected & is_privileged) {
      CHECK_ERROR(open_file(child.pid, names[name], O_RDONLY), EACCES);
      continue;
    }
    int now = open_file(child.pid, names[name], O_RDONLY);
    CHECK(now >= 0);
    CHECK_EQUAL(pread(now, text, 8, place_in(name)), 8);
    if (name == memory) CHECK_EQUAL(*(long *)text, of_file);
    close(now);
  }
  struct iovec local = {text, 8}, remote = {(void *)marker_place, 8};
  if (expected & is_privileged) {
    CHECK_ERROR(process_vm_readv(child.pid, &local, 1, &remote, 1, 0), EPERM);
    CHECK_ERROR(process_vm_writev(child.pid, &local, 1, &remote, 1, 0), EPERM);
    CHECK_ERROR(trace(PTRACE_SEIZE, child.pid, 0, 0), EPERM);
    CHECK_ERROR(open_file(child.pid, "map_files", O_RDONLY), EACCES);
    int handle = (int)syscall(SYS_pidfd_open, child.pid, 0);
    CHECK(handle >= 0);
    CHECK_ERROR(syscall(SYS_pidfd_getfd, handle, begun_descriptor, 0), EPERM);
    close(handle);
  } else {
    CHECK_EQUAL(process_vm_readv(child.pid, &local, 1, &remote, 1, 0), 8);
    CHECK_EQUAL(*(long *)text, of_file);
  }
  CHECK_EQUAL(end(&child), expected);
  // Who has been waited for has no mappings to be shown; the others' contents have gone with the program.
  for (int name = 0; name < count_of_names; name++) {
    if (name < 2 || name == command) CHECK_ERROR(pread(unread[name], text, 8, 0), ESRCH);
    else CHECK_EQUAL(pread(unread[name], text, 8, place_in(name)), name == vector ? 8 : 0);
    close(read_before[name]);
    close(unread[name]);
  }
}

// MARK: What is kept

static int attachments(int segment) {
  struct shmid_ds information;
  REQUIRE(shmctl(segment, IPC_STAT, &information) == 0);
  return (int)information.shm_nattch;
}

static void open_memory_keeps_nothing(int executes) {
  int segment = shmget(IPC_PRIVATE, 4096, 0600), file = memfd_create("sealed", MFD_ALLOW_SEALING);
  int go[2], begun[2];
  REQUIRE(segment >= 0 && file >= 0 && ftruncate(file, 4096) == 0);
  REQUIRE(pipe2(go, O_CLOEXEC) == 0 && pipe2(begun, O_CLOEXEC) == 0);
  shared->is_ready = 0;
  pid_t pid = fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    *marker_place = of_old_program;
    if (mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) == MAP_FAILED) _exit(1);
    if (shmat(segment, 0, 0) == (void *)-1) _exit(1);
    if (dup2(begun[1], begun_descriptor) < 0 || dup2(go[0], end_descriptor) < 0) _exit(1);
    shared->is_ready = 1;
    char byte, *arguments[] = {"exec-privacy", "program", 0}, *environment[] = {0};
    if (read(go[0], &byte, 1) != 1) _exit(1);
    if (executes) execve(own_file, arguments, environment);
    _exit(3);
  }
  close(go[0]);
  close(begun[1]);
  while (!shared->is_ready) usleep(1000);
  int opened = open_file(pid, "mem", O_RDWR);
  long value = 0;
  CHECK_EQUAL(pread(opened, &value, sizeof value, place_in(memory)), sizeof value);
  CHECK_EQUAL(value, of_old_program);
  CHECK_EQUAL(attachments(segment), 1);
  CHECK_ERROR(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
  REQUIRE(write(go[1], "", 1) == 1);
  siginfo_t information;
  char byte;
  if (executes) REQUIRE(read(begun[0], &byte, 1) == 1);
  else REQUIRE(waitid(P_PID, pid, &information, WEXITED | WNOWAIT) == 0);
  CHECK_EQUAL(attachments(segment), 0);
  CHECK_EQUAL(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE), 0);
  CHECK_EQUAL(pread(opened, &value, sizeof value, place_in(memory)), 0);
  CHECK_EQUAL(pwrite(opened, &value, sizeof value, place_in(memory)), 0);
  close(go[1]);
  CHECK_EQUAL(waitpid(pid, 0, 0), pid);
  CHECK_EQUAL(pread(opened, &value, sizeof value, place_in(memory)), 0);
  close(opened);
  close(begun[0]);
  close(file);
  CHECK_EQUAL(shmctl(segment, IPC_RMID, 0), 0);
}

// MARK: In the middle of execve

static void handle(int signal) { shared->handled++; }

// Whether a child waits, in a call; otherwise it has ended.
static int waits(pid_t pid) {
  for (;; usleep(1000)) {
    int file = open_file(pid, "stat", O_RDONLY);
    REQUIRE(file >= 0);
    ssize_t count = read(file, text, sizeof text - 1);
    REQUIRE(count > 0);
    close(file);
    text[count] = 0;
    char *state = strrchr(text, ')');
    REQUIRE(state);
    if (state[2] == 'Z') return 0;
    if (state[2] == 'S' && shared->is_ready) return 1;
  }
}

// Somebody who begins to trace a process. Its exit status is the error of that, or 0.
static pid_t tracer_of(pid_t pid) {
  shared->is_ready = shared->handled = 0;
  pid_t tracer = fork();
  REQUIRE(tracer >= 0);
  if (tracer == 0) {
    struct sigaction action = {.sa_handler = handle};
    sigaction(SIGUSR1, &action, 0);
    shared->is_ready = 1;
    _exit(trace(PTRACE_SEIZE, pid, 0, 0) == 0 ? 0 : errno);
  }
  return tracer;
}

// execve waits for the other thread, which stops for its tracer at its end: so the call stands still in the middle.
static void nobody_begins_to_trace_in_the_middle(const char *file, int expected, int error) {
  struct child child = child_with(file, 0, 1);
  pid_t thread = shared->thread;
  REQUIRE(trace(PTRACE_SEIZE, thread, 0, PTRACE_O_TRACEEXIT) == 0);
  let_go(&child);
  CHECK_WAIT(thread, STOPPED(SIGTRAP, PTRACE_EVENT_EXIT));

  // What is there is the old program, which may be looked into.
  int opened = open_file(child.pid, "mem", O_RDWR);
  long value = 0;
  CHECK_EQUAL(pread(opened, &value, sizeof value, place_in(memory)), sizeof value);
  CHECK_EQUAL(value, of_old_program);

  pid_t tracer = tracer_of(child.pid), killed;
  CHECK(waits(tracer));
  // A handler runs, and the call goes on.
  kill(tracer, SIGUSR1);
  for (int turn = 0; turn < 20000 && !shared->handled && waits(tracer); turn++) usleep(1000);
  CHECK_EQUAL(shared->handled, 1);
  CHECK(waits(tracer));
  killed = tracer_of(child.pid);
  CHECK(waits(killed));
  kill(killed, SIGKILL);
  CHECK_WAIT(killed, SIGKILL);
  // Who traces a thread already goes on doing so.
  unsigned long message = 0;
  CHECK_EQUAL(trace(PTRACE_GETEVENTMSG, thread, 0, (uintptr_t)&message), 0);
  CHECK_EQUAL(trace(PTRACE_CONT, thread, 0, 0), 0);
  CHECK_EQUAL(waitpid(thread, 0, __WALL), thread);
  wait_for_begin(&child);
  CHECK_WAIT(tracer, error << 8);
  CHECK_EQUAL(pread(opened, &value, sizeof value, place_in(memory)), 0);
  close(opened);
  CHECK_EQUAL(end(&child), expected);
}

// Nobody waits for a call that has failed.
static void a_failed_call_lets_tracers_begin(void) {
  shared->is_ready = 0;
  pid_t pid = fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
    char *volatile nowhere = (char *)8, *arguments[] = {"x", 0}, *none[] = {0}, *bad[] = {nowhere, 0};
    if (execve("/proc/self/status", arguments, none) != -1 || execve(own_file, bad, none) != -1) _exit(1);
    shared->is_ready = 1;
    for (;;) pause();
  }
  while (!shared->is_ready) usleep(1000);
  CHECK_EQUAL(trace(PTRACE_SEIZE, pid, 0, 0), 0);
  kill(pid, SIGKILL);
  CHECK_WAIT(pid, SIGKILL);
}

// MARK: Races

// Tries to get at the memory of a program that gains privileges, while it begins.
static void memory_is_not_reached_by_a_race(void) {
  long looks = 0, rounds = 12, hits = 0;
  for (int round = 0; round < rounds; round++) {
    struct child child = child_with(guarded_file, 24 << 20, 0);
    let_go(&child);
    for (;; looks++) {
      long value = 0, changed = of_attacker;
      struct iovec local = {&value, 8}, remote = {(void *)marker_place, 8};
      if (looks & 1) {
        ssize_t count = process_vm_readv(child.pid, &local, 1, &remote, 1, 0);
        if (count < 0 && (errno == EPERM || errno == ESRCH)) break;
        if (count != 8 || value != of_file) continue;
        local.iov_base = &changed;
        if (process_vm_writev(child.pid, &local, 1, &remote, 1, 0) == 8) hits++;
      } else {
        int file = open_file(child.pid, "mem", O_RDWR);
        if (file < 0 && errno == EACCES) break;
        ssize_t count = pread(file, &value, 8, place_in(memory));
        if (count == 8 && value == of_file && pwrite(file, &changed, 8, place_in(memory)) == 8) hits++;
        close(file);
      }
      if (hits) break;
    }
    wait_for_begin(&child);
    CHECK_EQUAL(end(&child), has_begun | is_privileged);
  }
  CHECK_EQUAL(hits, 0);
  say("memory of a privileged program: %ld looks in %ld rounds", looks, rounds);
}

// MARK: All

static void copy_program(const char *path, int mode) {
  int from = open("/proc/self/exe", O_RDONLY), to = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
  REQUIRE(from >= 0 && to >= 0);
  ssize_t count;
  while ((count = read(from, text, sizeof text)) > 0) REQUIRE(write(to, text, count) == count);
  REQUIRE(count == 0 && fchmod(to, mode) == 0);
  close(from);
  close(to);
}

static int as_a_user(void) {
  REQUIRE(setgid(1000) == 0 && setuid(1000) == 0 && prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
  files_stay_with_the_program_that_ran(own_file, has_begun);
  files_stay_with_the_program_that_ran(guarded_file, has_begun | is_privileged);
  nobody_begins_to_trace_in_the_middle(own_file, has_begun, 0);
  nobody_begins_to_trace_in_the_middle(guarded_file, has_begun | is_privileged, EPERM);
  a_failed_call_lets_tracers_begin();
  memory_is_not_reached_by_a_race();
  return finish();
}

int main(int count, char **arguments) {
  if (count > 1) return program();
  if (access("/proc/self/stat", R_OK) != 0) SKIP("/proc is not mounted");
  shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(shared != MAP_FAILED);
  char directory[] = "/tmp/exec-privacy-XXXXXX";
  REQUIRE(mkdtemp(directory) && chmod(directory, 0755) == 0);
  snprintf(own_file, sizeof own_file, "%s/own", directory);
  snprintf(guarded_file, sizeof guarded_file, "%s/guarded", directory);
  copy_program(own_file, 0755);
  open_memory_keeps_nothing(0);
  open_memory_keeps_nothing(1);
  struct statvfs mount;
  REQUIRE(statvfs(directory, &mount) == 0);
  if (getuid() == 0 && !(mount.f_flag & ST_NOSUID)) {
    copy_program(guarded_file, 04755);
    pid_t pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0) _exit(as_a_user());
    CHECK_WAIT(pid, 0);
    unlink(guarded_file);
  } else {
    say("set-user-ID programs are left out");
    files_stay_with_the_program_that_ran(own_file, has_begun);
    a_failed_call_lets_tracers_begin();
  }
  unlink(own_file);
  rmdir(directory);
  return finish();
}
