// core(5): the file that a process leaves behind, with the registers of all its threads.
#include "check.h"
#include "extended-state.h"
#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/procfs.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

#ifndef NT_SIGINFO
#define NT_SIGINFO 0x53494749
#endif
#ifndef NT_FILE
#define NT_FILE 0x46494c45
#endif

enum { THREADS = 3 };
static volatile int ready[THREADS];
static char marker[] = "a marker in the memory of the process";
static char *far_memory;

static uint8_t pattern(int number, int byte) { return (uint8_t)(number * 71 + byte * 3 + 1); }

// Keeps a pattern in YMM7 and a number in R12 and MXCSR, in a loop that no call interrupts.
static void *keeper(void *argument) {
  long number = (long)argument;
  uint8_t values[32];
  for (int i = 0; i < 32; i++) values[i] = pattern((int)number, i);
  uint32_t mxcsr = 0x1F80 | (uint32_t)(number & 3) << 13;
  if (state.has_avx)
    __asm__ volatile("vmovups (%0), %%ymm7\n\tldmxcsr %1\n\tmovq %2, %%r12\n\tmovl $1, (%3)\n1:\tpause\n\tjmp 1b"
                     : : "r"(values), "m"(mxcsr), "r"(number), "r"(&ready[number]) : "r12", "xmm7", "memory");
  else
    __asm__ volatile("movups (%0), %%xmm7\n\tldmxcsr %1\n\tmovq %2, %%r12\n\tmovl $1, (%3)\n1:\tpause\n\tjmp 1b"
                     : : "r"(values), "m"(mxcsr), "r"(number), "r"(&ready[number]) : "r12", "xmm7", "memory");
  return 0;
}

static void crash(void) {
  far_memory = mmap(0, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  far_memory[32 << 20] = 'm';
  for (long i = 1; i < THREADS; i++) {
    pthread_t thread;
    pthread_create(&thread, 0, keeper, (void *)i);
    while (!ready[i]) usleep(1000);
  }
  uint8_t values[32];
  for (int i = 0; i < 32; i++) values[i] = pattern(0, i);
  // Writes to an address at which nothing is mapped, with R12 and YMM7 of its own.
  if (state.has_avx)
    __asm__ volatile("vmovups (%0), %%ymm7\n\tmovq $0x5A5A, %%r12\n\tmovl $1, 0x10" : : "r"(values) : "r12", "xmm7", "memory");
  else
    __asm__ volatile("movups (%0), %%xmm7\n\tmovq $0x5A5A, %%r12\n\tmovl $1, 0x10" : : "r"(values) : "r12", "xmm7", "memory");
}

static void limit_core(rlim_t size) {
  struct rlimit limit = {size, RLIM_INFINITY};
  REQUIRE(setrlimit(RLIMIT_CORE, &limit) == 0);
}

// Runs `body` in a child with a limit; returns its status.
static int run(void (*body)(void), rlim_t limit) {
  unlink("core");
  pid_t pid = fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    limit_core(limit);
    body();
    _exit(99);
  }
  int status = -1;
  CHECK_EQUAL(waitpid(pid, &status, 0), pid);
  return status;
}

static uint8_t *core;
static size_t core_size;

static void *memory_at(uint64_t address) {
  Elf64_Ehdr *header = (void *)core;
  Elf64_Phdr *segments = (void *)(core + header->e_phoff);
  for (int i = 0; i < header->e_phnum; i++) {
    Elf64_Phdr *segment = &segments[i];
    if (segment->p_type == PT_LOAD && address >= segment->p_vaddr && address < segment->p_vaddr + segment->p_filesz)
      return core + segment->p_offset + (address - segment->p_vaddr);
  }
  return 0;
}

static void check_state(const uint8_t *legacy, const uint8_t *extended, size_t size, uint64_t r12) {
  int number = r12 == 0x5A5A ? 0 : (int)r12;
  if (number < 0 || number >= THREADS) return;
  CHECK(memcmp(legacy + 160 + 7 * 16, (uint8_t[]){pattern(number, 0), pattern(number, 1), pattern(number, 2)}, 3) == 0);
  uint32_t mxcsr;
  memcpy(&mxcsr, legacy + 24, 4);
  if (number) CHECK_EQUAL(mxcsr, 0x1F80 | number << 13);
  if (!state.has_xsave) return;
  REQUIRE(extended != 0);
  CHECK_EQUAL(size, state.size);
  uint64_t components;
  memcpy(&components, extended + 464, 8);
  CHECK((components & 3) == 3);
  if (state.has_avx)
    for (int i = 0; i < 16; i++) CHECK_EQUAL(extended[state.offset[AVX] + 7 * 16 + i], pattern(number, 16 + i));
}

static void a_core_has_all_threads_with_their_registers(void) {
  int status = run(crash, RLIM_INFINITY);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
  CHECK(WCOREDUMP(status));
  int file = open("core", O_RDONLY);
  REQUIRE(file >= 0);
  struct stat what;
  REQUIRE(fstat(file, &what) == 0);
  CHECK_EQUAL(what.st_mode & 07777, 0600);
  // What was never touched is a hole.
  CHECK(what.st_size > 64 << 20);
  CHECK(what.st_blocks < 16 << 11);
  core_size = (size_t)what.st_size;
  core = mmap(0, core_size, PROT_READ, MAP_PRIVATE, file, 0);
  REQUIRE(core != MAP_FAILED);
  Elf64_Ehdr *header = (void *)core;
  CHECK(memcmp(header->e_ident, "\177ELF\2\1\1", 7) == 0);
  CHECK_EQUAL(header->e_type, ET_CORE);
  CHECK_EQUAL(header->e_machine, EM_X86_64);
  Elf64_Phdr *segments = (void *)(core + header->e_phoff);
  CHECK_EQUAL(segments[0].p_type, PT_NOTE);
  for (int i = 1; i < header->e_phnum; i++) {
    CHECK_EQUAL(segments[i].p_type, PT_LOAD);
    CHECK_EQUAL(segments[i].p_offset % 4096, 0);
    CHECK(segments[i].p_offset + segments[i].p_filesz <= core_size);
  }

  int threads = 0, seen = 0, infos = 0, signals = 0, vectors = 0, files = 0;
  uint64_t r12 = -1;
  uint8_t *legacy = 0, *extended = 0;
  size_t extended_size = 0;
  uint8_t *place = core + segments[0].p_offset, *end = place + segments[0].p_filesz;
  while (place + 12 <= end) {
    Elf64_Nhdr *note = (void *)place;
    char *name = (char *)(note + 1);
    uint8_t *body = (uint8_t *)name + ((note->n_namesz + 3) & ~3u);
    place = body + ((note->n_descsz + 3) & ~3u);
    CHECK_TEXT(name, (note->n_type & 0xF00) == 0x200 ? "LINUX" : "CORE");
    switch (note->n_type) {
      case NT_PRSTATUS: {
        if (legacy) check_state(legacy, extended, extended_size, r12);
        legacy = extended = 0;
        struct elf_prstatus *thread = (void *)body;
        CHECK_EQUAL(note->n_descsz, sizeof *thread);
        struct user_regs_struct *registers = (void *)&thread->pr_reg;
        r12 = registers->r12;
        if (threads == 0) {
          // The one that was ended comes first.
          CHECK_EQUAL(r12, 0x5A5A);
          CHECK_EQUAL(thread->pr_cursig, SIGSEGV);
          CHECK_EQUAL(registers->cs, 0x33);
          // Its instruction is in the core's memory or in the program's.
          CHECK(registers->rip != 0);
        } else {
          CHECK(r12 == 1 || r12 == 2);
        }
        if (r12 < THREADS) seen |= 1 << r12;
        CHECK(thread->pr_pid > 0);
        CHECK_EQUAL(thread->pr_ppid, getpid());
        threads++;
        break;
      }
      case NT_FPREGSET:
        CHECK_EQUAL(note->n_descsz, 512);
        legacy = body;
        break;
      case 0x202:
        extended = body;
        extended_size = note->n_descsz;
        break;
      case NT_PRPSINFO: {
        struct elf_prpsinfo *process = (void *)body;
        CHECK_EQUAL(note->n_descsz, sizeof *process);
        CHECK(memcmp(process->pr_fname, "core-dump", 9) == 0);
        CHECK(strstr(process->pr_psargs, "core-dump") != 0);
        CHECK_EQUAL(process->pr_ppid, getpid());
        infos++;
        break;
      }
      case NT_SIGINFO: {
        siginfo_t *information = (void *)body;
        CHECK_EQUAL(note->n_descsz, sizeof *information);
        CHECK_EQUAL(information->si_signo, SIGSEGV);
        CHECK_EQUAL(information->si_code, SEGV_MAPERR);
        CHECK(information->si_addr == (void *)0x10);
        signals++;
        break;
      }
      case NT_AUXV: {
        Elf64_auxv_t *entry = (void *)body;
        for (; entry->a_type != AT_NULL; entry++)
          if (entry->a_type == AT_PAGESZ) CHECK_EQUAL(entry->a_un.a_val, 4096);
        vectors++;
        break;
      }
      case NT_FILE: {
        uint64_t *words = (void *)body;
        CHECK(words[0] > 0);
        CHECK_EQUAL(words[1], 4096);
        char *path = (char *)&words[2 + words[0] * 3];
        CHECK(strstr(path, "core-dump") != 0);
        CHECK(memory_at(words[2]) == 0 || memcmp(memory_at(words[2]), "\177ELF", 4) == 0);
        files++;
        break;
      }
    }
  }
  if (legacy) check_state(legacy, extended, extended_size, r12);
  CHECK_EQUAL(threads, THREADS);
  CHECK_EQUAL(seen, 6);
  CHECK_EQUAL(infos, 1);
  CHECK_EQUAL(signals, 1);
  CHECK_EQUAL(vectors, 1);
  CHECK_EQUAL(files, 1);
  // The child's memory lies where its parent's does.
  char *copy = memory_at((uint64_t)(uintptr_t)marker);
  REQUIRE(copy != 0);
  CHECK_TEXT(copy, marker);
  char **pointer = memory_at((uint64_t)(uintptr_t)&far_memory);
  REQUIRE(pointer != 0);
  char *touched = memory_at((uint64_t)(uintptr_t)*pointer + (32 << 20));
  REQUIRE(touched != 0);
  CHECK_EQUAL(*touched, 'm');
  CHECK_EQUAL(touched[4096], 0);
  munmap(core, core_size);
  close(file);
}

static void aborts(void) { abort(); }
static void terminates(void) {
  raise(SIGTERM);
}
static void hides(void) {
  prctl(PR_SET_DUMPABLE, 0);
  abort();
}

static void check_none(int status, int signal) {
  CHECK_EQUAL(status, signal);
  CHECK_ERROR(access("core", F_OK), ENOENT);
}

static void only_who_may_leaves_a_core(void) {
  check_none(run(aborts, 0), SIGABRT);
  check_none(run(aborts, 4095), SIGABRT);
  check_none(run(terminates, RLIM_INFINITY), SIGTERM);
  check_none(run(hides, RLIM_INFINITY), SIGABRT);
  CHECK_EQUAL(run(aborts, RLIM_INFINITY), SIGABRT | 0x80);
  CHECK_EQUAL(access("core", F_OK), 0);
  // One that does not fit ends at the limit, and is told of all the same.
  CHECK_EQUAL(run(aborts, 8192), SIGABRT | 0x80);
  struct stat what;
  CHECK(stat("core", &what) == 0 && what.st_blocks <= 32);
  // It takes the name of what was there before, and leaves that alone.
  unlink("core");
  unlink("other");
  int file = open("core", O_WRONLY | O_CREAT, 0600);
  CHECK_EQUAL(link("core", "other"), 0);
  close(file);
  pid_t pid = fork();
  if (pid == 0) {
    limit_core(RLIM_INFINITY);
    abort();
  }
  int status = -1;
  CHECK_EQUAL(waitpid(pid, &status, 0), pid);
  CHECK_EQUAL(status, SIGABRT | 0x80);
  CHECK(stat("core", &what) == 0 && what.st_size > 0 && what.st_nlink == 1);
  CHECK(stat("other", &what) == 0 && what.st_size == 0);
  unlink("other");
  unlink("core");
}

// Threads that all crash at once, or end while one does.
static void *crashing_thread(void *unused) {
  __asm__ volatile("movl $1, 0x8" : : : "memory");
  return 0;
}
static void *leaving_thread(void *unused) {
  for (;;) {
    pthread_t thread;
    if (pthread_create(&thread, 0, (void *(*)(void *))(void *)getpid, 0) == 0) pthread_join(thread, 0);
  }
  return 0;
}
static void crashes_in_many_threads(void) {
  pthread_t thread;
  pthread_create(&thread, 0, leaving_thread, 0);
  for (int i = 0; i < 4; i++) pthread_create(&thread, 0, crashing_thread, 0);
  for (;;) pause();
}

static void threads_that_crash_at_once_leave_one_core(void) {
  for (int i = 0; i < 8; i++) {
    int status = run(crashes_in_many_threads, RLIM_INFINITY);
    CHECK_EQUAL(status, SIGSEGV | 0x80);
    CHECK_EQUAL(access("core", F_OK), 0);
  }
}

enum { MUCH = 48 << 20 };
static void crashes_with_much_memory(void) {
  char *much = mmap(0, MUCH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (much != MAP_FAILED) memset(much, 1, MUCH);
  abort();
}

// SIGKILL ends the writing, and the process: what there is by then is the core.
static void a_core_can_be_cut_short(void) {
  int is_cut = 0;
  // The signal may come too late.
  for (int turn = 0; turn < 30 && !is_cut; turn++) {
    unlink("core");
    pid_t pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
      limit_core(RLIM_INFINITY);
      crashes_with_much_memory();
    }
    struct stat what;
    siginfo_t ended = {0};
    while (stat("core", &what) != 0 || what.st_blocks == 0) {
      if (waitid(P_PID, pid, &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || ended.si_pid == pid) break;
    }
    CHECK_EQUAL(kill(pid, SIGKILL), 0);
    int status = -1;
    CHECK_EQUAL(waitpid(pid, &status, 0), pid);
    is_cut = status != (SIGABRT | 0x80);
    if (is_cut) CHECK_EQUAL(status, SIGKILL);
    CHECK(stat("core", &what) == 0 && (what.st_blocks < MUCH / 512) == is_cut);
  }
  CHECK(is_cut);
}

int main(void) {
  state_find();
  char text[64] = "";
  int file = open("/proc/sys/kernel/core_pattern", O_RDONLY);
  REQUIRE(file >= 0 && read(file, text, sizeof text - 1) > 0);
  close(file);
  if (strcmp(text, "core\n") != 0) SKIP("cores go elsewhere here");
  char directory[] = "/tmp/core-XXXXXX";
  REQUIRE(mkdtemp(directory) != 0 && chdir(directory) == 0);
  a_core_has_all_threads_with_their_registers();
  only_who_may_leaves_a_core();
  threads_that_crash_at_once_leave_one_core();
  a_core_can_be_cut_short();
  unlink("core");
  CHECK_EQUAL(rmdir(directory), 0);
  return finish();
}
