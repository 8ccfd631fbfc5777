// A fuzzer of system calls: makes millions of them with good, odd and hostile arguments, and looks at the end whether
// anything has been lost.
//
// Usage, as the first program: fuzz-calls [--calls N] [--seed N] [--rounds N] [--workers N] [--only NAMES] [--without NAMES]
//
// The names are those of calls.h, with commas between them.
//
// Each worker lives many lives, one after the other: a process with three threads that all draw calls from `calls` with
// arguments from arguments.h, some of them by INT 0x80, until something ends it or it has made enough of them. A life's
// calls follow from the seed, the worker's and the life's number. Lives run as root and as others, in a root directory
// and a session of their own, under limits. The first process watches: it interrupts calls that block, ends lives that
// are stuck, and makes new ones. After each round everything is ended and unmounted; processes have to be what they were
// at the beginning, and memory and kernel heap what they were after half of the calls.
//
// It fails where a life cannot be ended, where something is lost, or where a call of the kernel's table is not in
// calls.h. A panic shows itself. The numbers of the last calls of each thread are shown with a failure.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/epoll.h>
#include <sys/msg.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../Runner/prepare.h"
#include "calls.h"

// The numbers of the kernel's own table, made by the Makefile.
static const int kernel_calls[] = {
#include "kernel-calls.h"
};

// What i386 numbers there are for them, each with the last of its range and the first one's number of x86-64.
static const struct { uint32_t first, last, same; } i386_calls[] = {
#include "i386-calls.h"
  {2, 2, SYS_fork},
};

enum { WORKERS = 16, THREADS = 3, RECENT = 8, CHILDREN = 256 };

// --- What lives and the first process share

struct record { word number, arguments[6]; };
struct slot {
  volatile int process, thread;
  // Calls of all lives; the supervisor looks whether it moves.
  volatile word made;
  volatile word in_life;
  struct record recent[RECENT];
};
static struct shared {
  volatile word total, goal;
  word made[COUNT_OF(calls)], succeeded[COUNT_OF(calls)];
  struct slot slots[WORKERS][THREADS];
  // Processes that lives have made, and when.
  struct { volatile int process; volatile long time; } children[CHILDREN];
  word child_count;
} *shared;

static long milliseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

// --- A call

// A child with memory of its own goes on behind the call. One that shares its parent's memory has no stack to go on
// with: it gives up the CPU once and ends.
__attribute__((naked, noinline))
static long raw_call(word number, const word *arguments, word child_ends) {
  __asm__(
    "push %rbx\n push %r12\n"
    "mov %rdi, %rax\n mov %rsi, %rbx\n mov %rdx, %r12\n"
    "mov 0(%rbx), %rdi\n mov 8(%rbx), %rsi\n mov 16(%rbx), %rdx\n"
    "mov 24(%rbx), %r10\n mov 32(%rbx), %r8\n mov 40(%rbx), %r9\n"
    "syscall\n"
    "test %r12, %r12\n jz 1f\n test %rax, %rax\n jnz 1f\n"
    "mov $24, %eax\n syscall\n xor %edi, %edi\n mov $60, %eax\n syscall\n ud2\n"
    "1: pop %r12\n pop %rbx\n ret\n");
}

// The same by INT 0x80, with 32 bits of each argument.
__attribute__((naked, noinline))
static long raw_i386_call(word number, const word *arguments) {
  __asm__(
    "push %rbx\n push %rbp\n"
    "mov %rdi, %rax\n mov %rsi, %rbp\n"
    "mov 0(%rbp), %rbx\n mov 8(%rbp), %rcx\n mov 16(%rbp), %rdx\n mov 24(%rbp), %rsi\n mov 32(%rbp), %rdi\n"
    "mov 40(%rbp), %rbp\n"
    "int $0x80\n"
    "pop %rbp\n pop %rbx\n ret\n");
}

// The i386 number of a call; 0 where it is made in the other way.
static word i386_number(struct stream *stream, const struct call *call) {
  if ((call->number & 0xF000) == I386) return call->number & ~I386;
  if (!one_in(stream, 8)) return 0;
  for (unsigned index = 0; index < COUNT_OF(i386_calls); index++) {
    word offset = call->number - i386_calls[index].same;
    if (offset <= i386_calls[index].last - i386_calls[index].first) return i386_calls[index].first + offset;
  }
  return 0;
}

// Whether the child of a call shares memory, or begins on another stack.
static word child_ends(const struct call *call, const word *arguments) {
  word flags = 0, stack = 0;
  switch (call->number) {
  case 58: return 1;
  case 56: flags = arguments[0]; stack = arguments[1]; break;
  // Other threads may change the structure meanwhile.
  case 435: return 1;
  default: return 0;
  }
  return (flags & 0x100) != 0 || stack != 0;
}

// How often each call is made, and all together.
static word weights[COUNT_OF(calls)], all_weights;

static int is_listed(const char *name, const char *names) {
  size_t length = strlen(name);
  for (const char *found = names; (found = strstr(found, name)); found++) {
    if ((found == names || found[-1] == ',') && (found[length] == 0 || found[length] == ',')) return 1;
  }
  return 0;
}

static void weigh(const char *only, const char *without) {
  for (word index = 0; index < COUNT_OF(calls); index++) {
    weights[index] = calls[index].weight;
    if (only && !is_listed(calls[index].name, only)) weights[index] = 0;
    if (without && is_listed(calls[index].name, without)) weights[index] = 0;
    all_weights += weights[index];
  }
}

static const struct call *choose(struct stream *stream) {
  word left = below(stream, all_weights), index = 0;
  while (left >= weights[index]) left -= weights[index++];
  return &calls[index];
}

static int is_in_arena(word address, word size) { return address >= arena && address <= arena + arena_size - size; }

static void fuzz(struct stream *stream, struct slot *slot, word count);

// A child of fork: some calls of its own, and the end.
static void be_child(struct stream *stream) {
  static struct slot slot;
  own_process = getpid();
  word index = __atomic_fetch_add(&shared->child_count, 1, __ATOMIC_RELAXED) % CHILDREN;
  shared->children[index].time = milliseconds();
  shared->children[index].process = own_process;
  fuzz(stream, &slot, 1 + below(stream, 30));
  _exit(below(stream, 4));
}

static void keep_result(struct stream *stream, const struct call *call, const word *arguments, long result) {
  if (call->result == R_PROCESS) {
    if (result == 0) be_child(stream);
    processes[below(stream, POOL)] = result;
  } else if (call->result == R_IDENTIFIER) {
    identifiers[below(stream, POOL)] = result;
  } else if (call->result >= R_PAIR) {
    int type = call->result - R_PAIR;
    word pair = arguments[type == PIPE ? 0 : 3];
    if (!is_in_arena(pair, 8)) return;
    remember_descriptor(stream, type, ((int *)pair)[0]);
    remember_descriptor(stream, type, ((int *)pair)[1]);
  } else if (call->result >= R_DESCRIPTOR) {
    remember_descriptor(stream, call->result - R_DESCRIPTOR, result);
  }
}

static void fuzz(struct stream *stream, struct slot *slot, word count) {
  for (word turn = 0; turn < count; turn++) {
    const struct call *call = choose(stream);
    // The arguments are put down where the first process can see them.
    struct record *record = &slot->recent[turn % RECENT];
    word arguments[6];
    for (int index = 0; index < 6; index++) arguments[index] = argument(stream, &call->arguments[index]);
    // What would end the machine.
    if (call->number == 169 && (uint32_t)arguments[2] != 0 && (uint32_t)arguments[2] != 0x89ABCDEF) arguments[1] = 1;
    word short_number = i386_number(stream, call);
    record->number = short_number ? I386 | short_number : call->number;
    memcpy(record->arguments, arguments, sizeof arguments);
    slot->in_life = turn + 1;
    slot->made++;
    word index = call - calls;
    __atomic_fetch_add(&shared->made[index], 1, __ATOMIC_RELAXED);
    if (__atomic_add_fetch(&shared->total, 1, __ATOMIC_RELAXED) > shared->goal) return;
    long result = short_number ? raw_i386_call(short_number, arguments)
      : raw_call(call->number, arguments, child_ends(call, arguments));
    if (result < 0 && result > -4096) continue;
    __atomic_fetch_add(&shared->succeeded[index], 1, __ATOMIC_RELAXED);
    keep_result(stream, call, arguments, result);
  }
}

// --- A life

static void do_nothing(int number) {}
static void end_life(int number) { _exit(100 + number); }

static void limit(int resource, word value) {
  struct rlimit limit = {value, value};
  setrlimit(resource, &limit);
}

// Opens a file for writing. An earlier life may have made it anything, a terminal or a FIFO that nobody reads among them:
// neither this nor a write to it waits.
static int open_new(const char *path, int flags) {
  return open(path, O_WRONLY | O_CREAT | O_NOCTTY | O_NONBLOCK | flags, 0755);
}

static void put(const char *path, const char *text) {
  int file = open_new(path, O_TRUNC);
  if (file < 0) return;
  if (write(file, text, strlen(text)) < 0) errno = 0;
  close(file);
}

// A root directory with all kinds of files. What earlier lives have left of it stays.
static void furnish(const char *directory) {
  char path[128];
  static const struct { const char *name; int mode, major, minor; } devices[] = {
    {"null", 0666, 1, 3}, {"zero", 0666, 1, 5}, {"full", 0666, 1, 7}, {"urandom", 0666, 1, 9}, {"tty", 0666, 5, 0},
    {"ptmx", 0666, 5, 2},
  };
  static const char *const directories[] = {"", "/proc", "/dev", "/dev/pts", "/work", "/work/d", "/work/d/d"};
  for (unsigned index = 0; index < COUNT_OF(directories); index++) {
    snprintf(path, sizeof path, "%s%s", directory, directories[index]);
    int is_new = mkdir(path, 0777) == 0;
    chmod(path, 0777);
    // An earlier life of root's may have unmounted its own root: nothing is to be left in the first process's.
    struct stat own, above;
    if (index == 0 && stat(path, &own) == 0 && stat("/tmp", &above) == 0 && own.st_dev == above.st_dev) {
      if (mount("tmpfs", path, "tmpfs", 0, "size=8m") != 0) _exit(1);
    }
    if (index == 1 && is_new) mount("proc", path, "proc", 0, NULL);
    if (index == 3 && is_new) mount("devpts", path, "devpts", 0, "ptmxmode=0666");
  }
  for (unsigned index = 0; index < COUNT_OF(devices); index++) {
    snprintf(path, sizeof path, "%s/dev/%s", directory, devices[index].name);
    mknod(path, S_IFCHR | devices[index].mode, makedev(devices[index].major, devices[index].minor));
    chmod(path, 0666);
  }
  snprintf(path, sizeof path, "%s/script", directory);
  put(path, "#!/prog\n");
  snprintf(path, sizeof path, "%s/prog", directory);
  if (access(path, X_OK) != 0) {
    char bytes[65536];
    int from = open("/proc/self/exe", O_RDONLY), to = open_new(path, 0);
    ssize_t count;
    while ((count = read(from, bytes, sizeof bytes)) > 0) {
      if (write(to, bytes, count) != count) break;
    }
    close(from);
    close(to);
  }
}

static void open_some(void) {
  for (int type = 0; type < TYPES; type++) {
    for (int index = 0; index < POOL; index++) pools[type][index] = -1;
  }
  int pair[2];
  for (int index = 0; index < 6; index++) {
    static const char *const names[] = {"a", "b", "c", "d/a", "/dev/zero", "/dev/null"};
    pools[FILE_][index] = open(names[index], O_RDWR | O_CREAT | O_NOCTTY | O_NONBLOCK, 0666);
    if (index < 4 && write(pools[FILE_][index], (void *)calls, 3000 * index) < 0) errno = 0;
    fcntl(pools[FILE_][index], F_SETFL, 0);
  }
  for (int index = 0; index < 4; index++) {
    static const char *const names[] = {".", "d", "/", "/proc/self"};
    pools[DIRECTORY][index] = open(names[index], O_RDONLY | O_DIRECTORY);
  }
  for (int index = 0; index < 6; index += 2) {
    if (pipe2(pair, O_NONBLOCK) != 0) continue;
    pools[PIPE][index] = pair[0];
    pools[PIPE][index + 1] = pair[1];
  }
  static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
  for (int index = 0; index < 3; index++) {
    if (socketpair(AF_UNIX, types[index] | SOCK_NONBLOCK, 0, pair) != 0) continue;
    pools[SOCKET][index * 3] = pair[0];
    pools[SOCKET][index * 3 + 1] = pair[1];
    pools[SOCKET][index * 3 + 2] = socket(AF_UNIX, types[index] | SOCK_NONBLOCK, 0);
  }
  sigset_t all;
  sigfillset(&all);
  for (int index = 0; index < 2; index++) {
    pools[EPOLL][index] = epoll_create1(0);
    pools[EVENT][index] = eventfd(index, EFD_NONBLOCK);
    pools[TIMER][index] = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    pools[SIGNALS][index] = signalfd(-1, &all, SFD_NONBLOCK);
  }
  pools[PROCESS_][0] = syscall(434, own_process, 0);
  int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK), unlocked = 0, number = 0;
  if (master >= 0) {
    char path[32];
    syscall(SYS_ioctl, master, 0x40045431, &unlocked);
    syscall(SYS_ioctl, master, 0x80045430, &number);
    snprintf(path, sizeof path, "/dev/pts/%d", number);
    pools[TERMINAL][0] = master;
    pools[TERMINAL][1] = open(path, O_RDWR | O_NONBLOCK);
  }
  for (int index = 0; index < 4; index++) {
    static const char *const names[] = {"/proc/self/maps", "/proc/self/stat", "/proc/self/mem", "/proc/self/comm"};
    pools[GENERATED][index] = open(names[index], O_RDWR);
    if (pools[GENERATED][index] < 0) pools[GENERATED][index] = open(names[index], O_RDONLY);
  }
}

// Memory as arguments.h describes it.
static void map_arena(void) {
  mmap((void *)arena, arena_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  mmap((void *)guard_page, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  mmap((void *)read_only_page, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (ftruncate(pools[FILE_][1], 4096) == 0) {
    mmap((void *)file_page, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, pools[FILE_][1], 0);
  }
  mmap((void *)playground, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static word life_seed, life_calls;
static struct slot *life_slots;

static void *live(void *argument) {
  long number = (long)argument;
  struct slot *slot = &life_slots[number];
  struct stream stream = {life_seed + number * 0x1000003};
  next(&stream);
  slot->thread = syscall(SYS_gettid);
  fuzz(&stream, slot, life_calls);
  return NULL;
}

static void begin_life(int worker, word life, word seed) {
  char directory[64];
  life_seed = seed * 0x9E3779B97F4A7C15 + ((word)worker << 40) + (life << 8);
  struct stream stream = {life_seed ^ 0x5555};
  setsid();
  own_process = getpid();
  is_root = life % 3 == 0;
  snprintf(directory, sizeof directory, "/tmp/fuzz.%d", worker);
  umask(0);
  furnish(directory);
  // Nothing of the first process's: what lives do to these would reach it.
  syscall(SYS_close_range, 0, 1000, 0);
  // An earlier life of root's may have left a file in the place of the directory.
  if (chroot(directory) != 0 || (chdir("/work") != 0 && chdir("/") != 0)) _exit(1);
  int null = open("/dev/null", O_RDWR);
  while (null >= 0 && null < 3) null = dup(null);
  open_some();
  map_arena();
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, 1 << 20);
  limit(RLIMIT_AS, 64 << 20);
  limit(RLIMIT_NPROC, 40);
  limit(RLIMIT_NOFILE, life % 4 == 1 ? 64 : 1024);
  if (!is_root) {
    syscall(SYS_setgroups, 0, NULL);
    if (setgid(1000 + worker) != 0 || setuid(1000 + worker) != 0) _exit(1);
  }
  // What calls of kill send is to end a life only now and then. Calls that block are interrupted.
  for (int number = 1; number <= 64; number++) {
    struct sigaction action = {.sa_handler = do_nothing, .sa_flags = number % 3 == 0 ? SA_SIGINFO : 0};
    sigaction(number, &action, NULL);
  }
  static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS};
  for (unsigned index = 0; index < COUNT_OF(fatal); index++) signal(fatal[index], end_life);
  life_calls = 500 + below(&stream, 8000);
  life_slots = shared->slots[worker];
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 65536);
  for (long number = 1; number < THREADS; number++) {
    pthread_t thread;
    if (pthread_create(&thread, &attributes, live, (void *)number) != 0) continue;
  }
  live((void *)0);
  _exit(0);
}

// --- The first process

static struct worker {
  int process;
  word life;
  // Per thread: the count that was seen last, and since when.
  word seen[THREADS];
  long since[THREADS];
  long kicked[THREADS];
  long killed;
} workers[WORKERS];
static word seed = 1;
// How lives ended: by exit, by signal.
static word endings[2][128];
static int worker_count = 4, failed;

static void show_recent(int worker) {
  for (int thread = 0; thread < THREADS; thread++) {
    struct slot *slot = &shared->slots[worker][thread];
    printf("fuzz: worker %d, life %lu, thread %d: call %lu of its life\n", worker, workers[worker].life, thread, slot->in_life);
    for (word back = RECENT; back > 0; back--) {
      struct record *record = &slot->recent[(slot->in_life + RECENT - back) % RECENT];
      printf("fuzz:   %lu(%#lx, %#lx, %#lx, %#lx, %#lx, %#lx)\n", record->number, record->arguments[0],
        record->arguments[1], record->arguments[2], record->arguments[3], record->arguments[4], record->arguments[5]);
    }
  }
}

// Has Needletail's console say what each thread does in the kernel.
static void show_threads(void) {
  fflush(stdout);
  int file = open("/proc/sysrq-trigger", O_WRONLY);
  if (file < 0) return;
  if (write(file, "t", 1) < 0) printf("fuzz: /proc/sysrq-trigger: errno %d\n", errno);
  close(file);
}

static void start_life(int index) {
  struct worker *worker = &workers[index];
  worker->life++;
  worker->killed = 0;
  for (int thread = 0; thread < THREADS; thread++) {
    worker->since[thread] = milliseconds();
    shared->slots[index][thread].thread = 0;
  }
  worker->process = fork();
  if (worker->process == 0) begin_life(index, worker->life, seed);
  for (int thread = 0; thread < THREADS; thread++) shared->slots[index][thread].process = worker->process;
}

static void reap(void) {
  int process, status;
  while ((process = waitpid(-1, &status, WNOHANG | __WALL)) > 0) {
    for (int index = 0; index < worker_count; index++) {
      if (workers[index].process != process) continue;
      workers[index].process = 0;
      if (WIFSIGNALED(status)) endings[1][WTERMSIG(status)]++; else endings[0][WEXITSTATUS(status) & 127]++;
      // What it has made in its session.
      kill(-process, SIGKILL);
    }
  }
}

// Interrupts calls that block, and ends a life of which a thread stands still.
static void watch(int index) {
  struct worker *worker = &workers[index];
  long now = milliseconds();
  int stuck = 0, moving = 0;
  for (int thread = 0; thread < THREADS; thread++) {
    struct slot *slot = &shared->slots[index][thread];
    if (slot->made != worker->seen[thread]) {
      worker->seen[thread] = slot->made;
      worker->since[thread] = now;
      moving++;
    } else if (now - worker->since[thread] > 1500) {
      stuck++;
    } else if (now - worker->since[thread] > 30 && now - worker->kicked[thread] > 30 && slot->thread > 0) {
      worker->kicked[thread] = now;
      syscall(SYS_tgkill, worker->process, slot->thread, SIGALRM);
    }
  }
  if (worker->killed == 0 && stuck > 0 && (moving == 0 || stuck == THREADS)) {
    kill(worker->process, SIGKILL);
    kill(-worker->process, SIGKILL);
    worker->killed = now;
  }
  if (worker->killed != 0 && now - worker->killed > 30000) {
    printf("fuzz: worker %d, process %d, does not end\n", index, worker->process);
    show_recent(index);
    show_threads();
    failed = 1;
    worker->killed = now;
  }
}

static void end_old_children(void) {
  long now = milliseconds();
  for (int index = 0; index < CHILDREN; index++) {
    int process = shared->children[index].process;
    if (process <= 1 || now - shared->children[index].time < 1000) continue;
    kill(process, SIGKILL);
    shared->children[index].process = 0;
  }
}

// Runs lives until so many calls have been made.
static void run_until(word goal) {
  shared->goal = goal;
  for (int index = 0; index < worker_count; index++) start_life(index);
  while (shared->total < goal && !failed) {
    struct timespec nap = {0, 5000000};
    nanosleep(&nap, NULL);
    reap();
    for (int index = 0; index < worker_count; index++) {
      if (workers[index].process <= 0) start_life(index); else watch(index);
    }
    end_old_children();
  }
}

// Shared memory, semaphores and message queues stay when processes end.
static void remove_objects(void) {
  char structure[512];
  static const struct { long number; int status; } kinds[] = {
    {SYS_shmctl, 13}, {SYS_semctl, 18}, {SYS_msgctl, 11},
  };
  for (unsigned kind = 0; kind < COUNT_OF(kinds); kind++) {
    long number = kinds[kind].number;
    int is_set = number == SYS_semctl;
    long last = is_set ? syscall(number, 0, 0, IPC_INFO, structure) : syscall(number, 0, IPC_INFO, structure);
    for (long place = 0; place <= last; place++) {
      long id = is_set ? syscall(number, place, 0, kinds[kind].status, structure)
        : syscall(number, place, kinds[kind].status, structure);
      if (id < 0) continue;
      if (is_set) syscall(number, id, 0, IPC_RMID); else syscall(number, id, IPC_RMID, structure);
    }
  }
}

// Ends all processes but this one, and takes down what they have mounted.
static void clear_away(void) {
  long begin = milliseconds();
  for (;;) {
    kill(-1, SIGKILL);
    reap();
    int process = waitpid(-1, NULL, WNOHANG | __WALL);
    if (process < 0 && errno == ECHILD) break;
    if (milliseconds() - begin > 30000) {
      printf("fuzz: processes are left that do not end\n");
      for (int index = 0; index < worker_count; index++) {
        if (workers[index].process > 0) show_recent(index);
      }
      failed = 1;
      break;
    }
    struct timespec nap = {0, 5000000};
    nanosleep(&nap, NULL);
  }
  for (int index = 0; index < worker_count; index++) workers[index].process = 0;
  remove_objects();
  for (int attempt = 0; attempt < 1000; attempt++) {
    FILE *mounts = fopen("/proc/mounts", "r");
    char line[512], last[512] = "", path[512];
    while (mounts && fgets(line, sizeof line, mounts)) {
      if (sscanf(line, "%*s %511s", path) == 1 && strncmp(path, "/tmp/fuzz.", 10) == 0) strcpy(last, path);
    }
    if (mounts) fclose(mounts);
    if (!last[0]) break;
    if (umount2(last, MNT_DETACH) == 0) continue;
    // Its place may have gone, as those of processes in /proc do, or be another one under the same name: with all that
    // it is in, then.
    int is_gone = errno == ENOENT || errno == EINVAL;
    char *end = strchr(last + 10, '/');
    if (end) *end = 0;
    if (!is_gone || umount2(last, MNT_DETACH) != 0) {
      if (end) *end = '/';
      printf("fuzz: %s stays mounted, errno %d\n", last, errno);
      break;
    }
  }
  for (int index = 0; index < worker_count; index++) {
    char path[64];
    snprintf(path, sizeof path, "/tmp/fuzz.%d", index);
    rmdir(path);
  }
  // Message queues that lives have left their names of.
  const char *queues = "/tmp/queues";
  mkdir(queues, 0700);
  if (mount("none", queues, "mqueue", 0, NULL) == 0) {
    DIR *names = opendir(queues);
    for (struct dirent *name; names && (name = readdir(names));) unlinkat(dirfd(names), name->d_name, 0);
    if (names) closedir(names);
    umount(queues);
  }
  rmdir(queues);
  // Lives of root may have changed it.
  sethostname("fuzz", 4);
}

struct balance { long memory, heap, processes; };

static struct balance take_balance(void) {
  struct sysinfo information;
  sysinfo(&information);
  struct balance balance = {information.freeram * information.mem_unit >> 10, 0, information.procs};
  FILE *file = fopen("/proc/meminfo", "r");
  char line[128];
  while (file && fgets(line, sizeof line, file)) sscanf(line, "Slab: %ld", &balance.heap);
  if (file) fclose(file);
  return balance;
}

// The balance once it has stopped changing.
static struct balance settled_balance(void) {
  // Sockets that carry each other are looked for when others are closed.
  for (int count = 0; count < 1000; count++) close(socket(AF_UNIX, SOCK_DGRAM, 0));
  struct balance balance = take_balance();
  for (int attempt = 0; attempt < 30; attempt++) {
    struct timespec nap = {0, 100000000};
    nanosleep(&nap, NULL);
    struct balance later = take_balance();
    int is_same = later.memory == balance.memory && later.heap == balance.heap && later.processes == balance.processes;
    balance = later;
    if (is_same && attempt >= 3) break;
  }
  return balance;
}

static int check_table(void) {
  int missing = 0;
  for (word index = 0; index < COUNT_OF(kernel_calls); index++) {
    word entry = 0;
    while (entry < COUNT_OF(calls) && calls[entry].number != kernel_calls[index]) entry++;
    if (entry < COUNT_OF(calls)) continue;
    printf("fuzz: call %d of the kernel's table is not in calls.h\n", kernel_calls[index]);
    missing = 1;
  }
  return missing;
}

static void report_calls(void) {
  printf("fuzz: calls that never went well:");
  for (word index = 0; index < COUNT_OF(calls); index++) {
    if (shared->made[index] > 0 && shared->succeeded[index] == 0) printf(" %s", calls[index].name);
  }
  printf("\nfuzz: lives ended");
  for (int number = 0; number < 128; number++) {
    if (endings[0][number] > 3) printf(" with %d: %lu", number, endings[0][number]);
    if (endings[1][number] > 3) printf(" by signal %d: %lu", number, endings[1][number]);
  }
  printf("\n");
}

int main(int count, char **texts) {
  // Lives execute this program too.
  if (getpid() != 1) return 0;
  word goal = 1000000, rounds = 0;
  const char *only = NULL, *without = NULL;
  for (int index = 1; index + 1 < count; index += 2) {
    if (strcmp(texts[index], "--calls") == 0) goal = strtoul(texts[index + 1], NULL, 0);
    if (strcmp(texts[index], "--seed") == 0) seed = strtoul(texts[index + 1], NULL, 0);
    if (strcmp(texts[index], "--rounds") == 0) rounds = strtoul(texts[index + 1], NULL, 0);
    if (strcmp(texts[index], "--workers") == 0) worker_count = atoi(texts[index + 1]);
    if (strcmp(texts[index], "--only") == 0) only = texts[index + 1];
    if (strcmp(texts[index], "--without") == 0) without = texts[index + 1];
  }
  if (worker_count < 1 || worker_count > WORKERS) worker_count = 4;
  if (rounds == 0) rounds = goal / 500000 + 2;
  setvbuf(stdout, NULL, _IOLBF, 0);
  prepare();
  weigh(only, without);
  if (all_weights == 0) return 2;
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return 2;
  memset(shared, 0, sizeof *shared);
  printf("fuzz: seed %lu, %lu calls, %d workers of %d threads\n", seed, goal, worker_count, THREADS);
  failed = check_table();
  // What the kernel keeps from the first round on is not lost.
  word warm_up = goal / 10 < 100000 ? goal / 10 : 100000;
  run_until(warm_up);
  clear_away();
  struct balance before = settled_balance(), middle = before, after = before;
  for (word round = 1; round <= rounds && !failed; round++) {
    long begin = milliseconds();
    word made = shared->total;
    run_until(warm_up + (goal - warm_up) * round / rounds);
    clear_away();
    after = settled_balance();
    made = shared->total - made;
    word lives = 0;
    for (int index = 0; index < worker_count; index++) lives += workers[index].life;
    printf("fuzz: %lu calls, %lu lives, %lu calls/s, %ld KiB free, heap %ld KiB, %ld processes\n", shared->total, lives,
      made * 1000 / (milliseconds() - begin + 1), after.memory, after.heap, after.processes);
    if (round == rounds / 2) middle = after;
  }
  report_calls();
  // In the first half the kernel's tables grow to the size that the most that ever happens at once needs.
  long memory = middle.memory - after.memory, heap = after.heap - middle.heap, left = after.processes - before.processes;
  printf("fuzz: lost %ld KiB of memory, %ld KiB of kernel heap, %ld processes; before, the kernel took %ld and %ld KiB\n",
    memory, heap, left, before.memory - middle.memory, middle.heap - before.heap);
  if (memory > 1024 || heap > 64 || left > 0) failed = 1;
  if (before.memory - middle.memory > 4096 || middle.heap - before.heap > 512) failed = 1;
  printf("fuzz: %s\n", failed ? "failed" : "passed");
  return failed;
}
