// Programs whose headers ask for what cannot be, run by execve(2): each is refused, or ends by itself.
#include "check.h"
#include <elf.h>
#include <fcntl.h>
#include <stddef.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

struct program {
  Elf64_Ehdr header;
  Elf64_Phdr segments[4];
  char interpreter[64];
  unsigned char text[16];
};

// exit_group(42)
static const unsigned char leave[] = {0xBF, 42, 0, 0, 0, 0xB8, 231, 0, 0, 0, 0x0F, 0x05};

static struct program plain(int type, Elf64_Addr address) {
  struct program program = {0};
  program.header = (Elf64_Ehdr){
    .e_ident = {0x7F, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT}, .e_type = type, .e_machine = EM_X86_64,
    .e_version = EV_CURRENT, .e_entry = address + offsetof(struct program, text), .e_phoff = sizeof(Elf64_Ehdr),
    .e_ehsize = sizeof(Elf64_Ehdr), .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 1,
  };
  program.segments[0] = (Elf64_Phdr){
    .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = address, .p_paddr = address, .p_filesz = sizeof program,
    .p_memsz = sizeof program, .p_align = 4096,
  };
  memcpy(program.text, leave, sizeof leave);
  return program;
}

// A program that /tmp/hostile-interpreter loads. By itself it ends with another status than that.
static struct program interpreted(int type, Elf64_Addr address) {
  struct program program = plain(type, address);
  program.text[1] = 43;
  program.header.e_phnum = 2;
  strcpy(program.interpreter, "/tmp/hostile-interpreter");
  program.segments[1] = (Elf64_Phdr){
    .p_type = PT_INTERP, .p_offset = offsetof(struct program, interpreter),
    .p_filesz = strlen(program.interpreter) + 1};
  return program;
}

static void put(const char *path, const struct program *program) {
  unlink(path);
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);
  REQUIRE(file >= 0 && write(file, program, sizeof *program) == (long)sizeof *program);
  close(file);
}

// What comes of running a program: its status, or -1 where execve refuses it.
static int run(const char *path) {
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    execl(path, path, NULL);
    _exit(99);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  if (WIFSIGNALED(status)) return 128 + WTERMSIG(status);
  return WEXITSTATUS(status) == 99 ? -1 : WEXITSTATUS(status);
}

static int is_refused(const struct program *program) {
  put("/tmp/hostile-program", program);
  int result = run("/tmp/hostile-program");
  // Linux notices some of it only when the old program has gone.
  return result == -1 || result == 128 + SIGSEGV || result == 128 + SIGKILL || result == 128 + SIGBUS;
}

int main(void) {
  struct program program = plain(ET_EXEC, 0x400000);
  put("/tmp/hostile-program", &program);
  CHECK_EQUAL(run("/tmp/hostile-program"), 42);
  program = plain(ET_DYN, 0);
  put("/tmp/hostile-program", &program);
  CHECK_EQUAL(run("/tmp/hostile-program"), 42);
  // Its interpreter may be linked to fixed addresses, also to those of the program itself.
  for (int type = ET_EXEC; type <= ET_DYN; type++) {
    for (Elf64_Addr address = 0x200000; address <= 0x400000; address += 0x200000) {
      struct program user = interpreted(type, type == ET_EXEC ? 0x400000 : 0);
      put("/tmp/hostile-program", &user);
      program = plain(ET_EXEC, address);
      put("/tmp/hostile-interpreter", &program);
      CHECK_EQUAL(run("/tmp/hostile-program"), 42);
    }
  }
  // Wherever its addresses begin, it can be put somewhere, or is refused.
  static const Elf64_Addr places[] = {
    0x1000, 0x10000, 0x555555554000, 0x7FFF00000000, 0x7FFFFFF00000, 0x7FFFFFFFD000, 0x7FFFFFFFE000, 0x7FFFFFFFF000,
    0x800000000000, 0xFFFF800000000000, 0xFFFFFFFFFFFFF000, 0xFFFFFFFF80000000,
  };
  static const Elf64_Xword alignments[] = {
    0, 1, 4096, 1 << 21, 1ul << 30, 1ul << 40, 1ul << 46, 1ul << 47, 1ul << 48, 1ul << 63, 4097, -1ul,
  };
  for (unsigned index = 0; index < sizeof places / sizeof places[0]; index++) {
    for (unsigned choice = 0; choice < sizeof alignments / sizeof alignments[0]; choice++) {
      for (int type = ET_EXEC; type <= ET_DYN; type++) {
        program = plain(type, places[index]);
        program.segments[0].p_align = alignments[choice];
        put("/tmp/hostile-program", &program);
        int result = run("/tmp/hostile-program");
        if (result != 42 && result != -1 && result != 128 + SIGSEGV && result != 128 + SIGKILL) {
          check_failures++;
          say("not ok type %d at %#lx aligned to %#lx: %d", type, places[index], alignments[choice], result);
        }
        // And the same as the interpreter of a program that is in order.
        put("/tmp/hostile-interpreter", &program);
        struct program user = interpreted(ET_DYN, 0);
        put("/tmp/hostile-program", &user);
        result = run("/tmp/hostile-program");
        if (result != 42 && result != -1 && result != 128 + SIGSEGV && result != 128 + SIGKILL) {
          check_failures++;
          say("not ok interpreter of type %d at %#lx aligned to %#lx: %d", type, places[index], alignments[choice], result);
        }
      }
    }
  }
  // Sizes that wrap around or are beyond all memory, tables that lie nowhere.
  static const Elf64_Xword sizes[] = {0x7FFFFFFFF000, 1ul << 47, 1ul << 62, -4096ul, -1ul};
  for (unsigned index = 0; index < sizeof sizes / sizeof sizes[0]; index++) {
    program = plain(ET_EXEC, 0x400000);
    program.segments[0].p_memsz = sizes[index];
    CHECK(is_refused(&program));
    program.segments[0].p_filesz = sizes[index];
    CHECK(is_refused(&program));
    program = plain(ET_DYN, 0);
    program.segments[0].p_offset = sizes[index] & ~4095ul;
    CHECK(is_refused(&program));
    program = plain(ET_DYN, 0);
    program.header.e_phoff = sizes[index];
    CHECK(is_refused(&program));
  }
  // Arguments and environment: single strings and all together have limits.
  static char large[200000], *arguments[3] = {"/tmp/hostile-program", large, NULL}, *none[] = {NULL};
  memset(large, 'a', sizeof large - 1);
  program = plain(ET_EXEC, 0x400000);
  put("/tmp/hostile-program", &program);
  CHECK_ERROR(execve("/tmp/hostile-program", arguments, none), E2BIG);
  CHECK_ERROR(execve("/tmp/hostile-program", none, arguments), E2BIG);
  large[100000] = 0;
  static char *many[100000];
  for (int index = 0; index < 99999; index++) many[index] = large + 99900;
  CHECK_ERROR(execve("/tmp/hostile-program", many, many), E2BIG);
  for (int index = 0; index < 100; index++) many[index] = large;
  CHECK_ERROR(execve("/tmp/hostile-program", many, none), E2BIG);
  CHECK_ERROR(execve("/tmp/hostile-program", (char **)-8, none), EFAULT);
  CHECK_ERROR(execve("/tmp/hostile-program", (char **)0x7FFFFFFFEFF9, none), EFAULT);
  many[0] = (char *)0xFFFF800000000000;
  many[1] = NULL;
  CHECK_ERROR(execve("/tmp/hostile-program", many, none), EFAULT);
  // With any stack limit.
  static const rlim_t limits[] = {0, 4096, 1 << 20, RLIM_INFINITY};
  for (unsigned index = 0; index < sizeof limits / sizeof limits[0]; index++) {
    pid_t child = fork();
    if (child == 0) {
      struct rlimit limit = {limits[index], RLIM_INFINITY};
      setrlimit(RLIMIT_STACK, &limit);
      many[0] = many[1] = large;
      execve("/tmp/hostile-program", many, many);
      _exit(errno == E2BIG || errno == ENOMEM ? 42 : 1);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) || WEXITSTATUS(status) == 42);
  }
  unlink("/tmp/hostile-program");
  unlink("/tmp/hostile-interpreter");
  return finish();
}
