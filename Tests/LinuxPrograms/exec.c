// Running programs: arguments, the auxiliary vector, scripts, permissions, files that are no programs.
// Built with musl too.
#include "check.h"
#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static char self[4096];

static void make_file(const char *path, const void *bytes, size_t size, int mode) {
  unlink(path);
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
  REQUIRE(file >= 0);
  REQUIRE(write(file, bytes, size) == (ssize_t)size);
  close(file);
}
static void make_script(const char *path, const char *text, int mode) { make_file(path, text, strlen(text), mode); }

// The exit status of a program; errno + 1000 where it cannot be run.
static int run(const char *path, char *const arguments[], char *const environment[]) {
  int *failure = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    execve(path, arguments, environment);
    *failure = errno;
    _exit(99);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  int result = *failure ? *failure + 1000 : WIFEXITED(status) ? WEXITSTATUS(status) : 2000 + WTERMSIG(status);
  munmap(failure, 4096);
  return result;
}
static int run_plain(const char *path) {
  char *arguments[] = {(char *)path, 0}, *environment[] = {0};
  return run(path, arguments, environment);
}

// --- As the program that is run

static int show(int argc, char **argv) {
  // exec show COUNT FIRST...: whether the arguments are these.
  if (argc < 3) return 50;
  return argc - 3 == atoi(argv[2]) ? 7 : 51;
}

static int vector(int argc, char **argv, char **envp) {
  char **end = envp;
  while (*end) end++;
  Elf64_auxv_t *entry = (Elf64_auxv_t *)(end + 1);
  uint64_t values[64] = {0}, seen = 0;
  for (; entry->a_type != AT_NULL; entry++)
    if (entry->a_type < 64) values[entry->a_type] = entry->a_un.a_val, seen |= 1ull << entry->a_type;
  CHECK_EQUAL(values[AT_PAGESZ], 4096);
  CHECK_EQUAL(values[AT_CLKTCK], 100);
  CHECK_EQUAL(values[AT_PHENT], 56);
  CHECK(values[AT_PHNUM] > 1);
  Elf64_Phdr *header = (Elf64_Phdr *)values[AT_PHDR];
  int loads = 0;
  for (uint64_t i = 0; i < values[AT_PHNUM]; i++) loads += header[i].p_type == PT_LOAD;
  CHECK(loads > 0);
  CHECK_EQUAL(values[AT_SECURE], 0);
  CHECK_EQUAL(values[AT_UID], getuid());
  CHECK_EQUAL(values[AT_EGID], getegid());
  CHECK(values[AT_RANDOM] != 0);
  CHECK(values[AT_ENTRY] != 0);
  CHECK(values[AT_HWCAP] & 1 << 25);
  CHECK(values[AT_MINSIGSTKSZ] > 512);
  CHECK_TEXT((char *)values[AT_PLATFORM], "x86_64");
  CHECK_TEXT((char *)values[AT_EXECFN], self);
  CHECK(seen & 1ull << AT_HWCAP2 && seen & 1ull << AT_FLAGS && seen & 1ull << AT_BASE);
  CHECK_EQUAL((uintptr_t)&argv[-1] & 15, 0);
  CHECK_TEXT(envp[0], "A=b");
  CHECK(envp[1] && !envp[2]);
  return finish() ? 60 : 8;
}

// --- As the test

static void strings(void) {
  char *environment[] = {"A=b", "C=", 0};
  char *arguments[] = {self, "vector", 0};
  CHECK_EQUAL(run(self, arguments, environment), 8);
  char *shown[] = {"whatever", "show", "3", "", "x y", "z", 0};
  CHECK_EQUAL(run(self, shown, environment), 7);
  // Many and long ones.
  size_t size = 100 << 10;
  char *long_string = malloc(size + 1);
  memset(long_string, 'l', size), long_string[size] = 0;
  char *many[] = {self, "show", "5", long_string, long_string, long_string, long_string, long_string, 0};
  CHECK_EQUAL(run(self, many, environment), 7);
  char *too_long = malloc((128 << 10) + 1);
  memset(too_long, 'l', 128 << 10), too_long[128 << 10] = 0;
  char *with_long[] = {self, "show", "1", too_long, 0};
  CHECK_EQUAL(run(self, with_long, environment), 1000 + E2BIG);
  too_long[(128 << 10) - 1] = 0;
  CHECK_EQUAL(run(self, with_long, environment), 7);
  char **lots = calloc(40, sizeof *lots);
  for (int i = 0; i < 25; i++) lots[i] = long_string;
  CHECK_EQUAL(run(self, lots, environment), 1000 + E2BIG);
  char *volatile nowhere = (char *)8;
  CHECK_EQUAL(run(self, (char **)nowhere, environment), 1000 + EFAULT);
  char *bad[] = {self, nowhere, 0};
  CHECK_EQUAL(run(self, bad, environment), 1000 + EFAULT);
}

static void scripts(void) {
  char line[8192];
  snprintf(line, sizeof line, "#! %s show 2  \nrest", self);
  make_script("script", line, 0755);
  // Interpreter, "show 2" as one argument, script: that is no "show".
  char *arguments[] = {"script", "one", 0}, *environment[] = {0};
  snprintf(line, sizeof line, "#!%s show\n", self);
  make_script("script", line, 0755);
  // exec show script one: argv[2] is "script", so COUNT is 0 and one argument follows.
  CHECK_EQUAL(run("script", arguments, environment), 51);
  char *none[] = {"script", 0};
  CHECK_EQUAL(run("script", none, environment), 7);
  make_script("script", "#!\n", 0755);
  CHECK_EQUAL(run_plain("script"), 1000 + ENOEXEC);
  make_script("script", "#!/no/such/file\n", 0755);
  CHECK_EQUAL(run_plain("script"), 1000 + ENOENT);
  make_script("script", "#!script\n", 0755);
  CHECK_EQUAL(run_plain("script"), 1000 + ELOOP);
  snprintf(line, sizeof line, "#!%s show\n", self);
  make_script("script0", line, 0755);
  for (int i = 1; i < 6; i++) {
    char name[16];
    snprintf(line, sizeof line, "#!script%d\n", i - 1);
    snprintf(name, sizeof name, "script%d", i);
    make_script(name, line, 0755);
  }
  CHECK_EQUAL(run_plain("script0"), 7);
  CHECK_EQUAL(run_plain("script1"), 51);
  CHECK_EQUAL(run_plain("script4"), 51);
  CHECK_EQUAL(run_plain("script5"), 1000 + ELOOP);
  make_script("script", line, 0644);
  CHECK_EQUAL(run_plain("script"), 1000 + EACCES);
}

static void bad_files(void) {
  CHECK_EQUAL(run_plain("/no/such/file"), 1000 + ENOENT);
  CHECK_EQUAL(run_plain(""), 1000 + ENOENT);
  CHECK_EQUAL(run_plain("."), 1000 + EACCES);
  make_script("file", "just text\n", 0755);
  CHECK_EQUAL(run_plain("file"), 1000 + ENOEXEC);
  make_script("file", "", 0755);
  CHECK_EQUAL(run_plain("file"), 1000 + ENOEXEC);
  CHECK_EQUAL(run_plain("file/x"), 1000 + ENOTDIR);
  symlink("loop", "loop");
  CHECK_EQUAL(run_plain("loop"), 1000 + ELOOP);
  // The program itself, cut off at different places, and with damage in its headers.
  int file = open(self, O_RDONLY);
  struct stat status;
  REQUIRE(file >= 0 && fstat(file, &status) == 0);
  char *bytes = malloc(status.st_size);
  REQUIRE(read(file, bytes, status.st_size) == status.st_size);
  close(file);
  for (int size = 1; size < 400; size += 37) {
    make_file("cut", bytes, size, 0755);
    int result = run_plain("cut");
    CHECK(result == 1000 + ENOEXEC || result == 1000 + EIO || result == 1000 + EINVAL || result >= 2000);
  }
  make_file("whole", bytes, status.st_size, 0755);
  char *arguments[] = {"whole", "show", "0", 0}, *environment[] = {0};
  CHECK_EQUAL(run("whole", arguments, environment), 7);
  for (int field = 16; field < 64 + 56 * 3; field++) {
    char old = bytes[field];
    bytes[field] ^= 0x5a;
    make_file("damaged", bytes, status.st_size, 0755);
    pid_t child = fork();
    if (child == 0) {
      alarm(5);
      char *exec_arguments[] = {"damaged", "show", "0", 0};
      execve("damaged", exec_arguments, environment);
      _exit(0);
    }
    int ignored;
    CHECK(waitpid(child, &ignored, 0) == child);
    bytes[field] = old;
  }
}

static void descriptors(void) {
  char *arguments[] = {"x", "show", "0", 0}, *environment[] = {0};
  int file = open(self, O_PATH | O_CLOEXEC);
  REQUIRE(file >= 0);
  pid_t child = fork();
  if (child == 0) {
    syscall(SYS_execveat, file, "", arguments, environment, AT_EMPTY_PATH);
    _exit(99);
  }
  int status = -1;
  waitpid(child, &status, 0);
  CHECK_EQUAL(WEXITSTATUS(status), 7);
  CHECK_ERROR(syscall(SYS_execveat, file, "", arguments, environment, 0), ENOENT);
  CHECK_ERROR(syscall(SYS_execveat, AT_FDCWD, "", arguments, environment, AT_EMPTY_PATH), EACCES);
  CHECK_ERROR(syscall(SYS_execveat, AT_FDCWD, self, arguments, environment, 0x8000), EINVAL);
  CHECK_ERROR(syscall(SYS_execveat, -1, "x", arguments, environment, 0), EBADF);
  symlink(self, "link");
  CHECK_ERROR(syscall(SYS_execveat, AT_FDCWD, "link", arguments, environment, AT_SYMLINK_NOFOLLOW), ELOOP);
}

static void *exec_thread(void *unused) {
  char *arguments[] = {self, "leader", 0}, *environment[] = {0};
  execve(self, arguments, environment);
  return 0;
}
static void threads(void) {
  pid_t child = fork();
  if (child == 0) {
    pthread_t thread;
    pthread_create(&thread, 0, exec_thread, 0);
    for (;;) pause();
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK_EQUAL(WEXITSTATUS(status), 9);
}

// Threads that are being made when another executes a program: they end with the rest, or are not made. Each stays
// until some more have been made, the last ones for ever.
static int made;
static void *stay(void *unused) {
  int own = __atomic_add_fetch(&made, 1, __ATOMIC_SEQ_CST);
  while (__atomic_load_n(&made, __ATOMIC_SEQ_CST) < own + 8) usleep(1000);
  return unused;
}
static void *keep_making(void *unused) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 65536);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  for (;;) {
    pthread_create(&thread, &attributes, stay, 0);
    sched_yield();
  }
  return unused;
}
static void threads_that_are_made(void) {
  for (int turn = 0; turn < 12 && !check_failures; turn++) {
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      pthread_t thread;
      pthread_create(&thread, 0, keep_making, 0);
      while (__atomic_load_n(&made, __ATOMIC_SEQ_CST) < 3) sched_yield();
      exec_thread(0);
      _exit(1);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_EQUAL(status, 9 << 8);
  }
}

int main(int argc, char **argv, char **envp) {
  if (argv[0][0] == '/') strcpy(self, argv[0]);
  if (argc > 1) {
    if (!strcmp(argv[1], "show")) return show(argc, argv);
    if (!strcmp(argv[1], "vector")) return vector(argc, argv, envp);
    if (!strcmp(argv[1], "leader")) return syscall(SYS_gettid) == getpid() ? 9 : 70;
    return 80;
  }
  if (!realpath(argv[0], self)) return 81;
  char directory[] = "/tmp/exec-XXXXXX";
  REQUIRE(mkdtemp(directory) && chdir(directory) == 0);
  strings();
  scripts();
  bad_files();
  descriptors();
  threads();
  threads_that_are_made();
  return finish();
}
