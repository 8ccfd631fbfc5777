// Calls about memory in a fixed part of the address space: what each page is afterwards, and what it holds.
#include <sys/mman.h>

#define ARENA 0x100000000000UL
#define PAGE 4096UL
#define ARENA_PAGES 32

static sigjmp_buf guarded;
static volatile int guarded_signal, guarded_code;

static void on_fault(int signal, siginfo_t *info, void *context) {
  guarded_signal = signal;
  guarded_code = info->si_code;
  siglongjmp(guarded, 1);
}

static int memory_files[3];
static const long memory_file_pages[] = {4, 9, 1};

static const struct word protections[] = {{PROT_READ, "R"}, {PROT_WRITE, "W"}, {PROT_EXEC, "X"}};
static const struct word map_words[] = {
  {MAP_NORESERVE, "NORESERVE"}, {MAP_LOCKED, "LOCKED"}, {MAP_POPULATE, "POPULATE"}, {MAP_GROWSDOWN, "GROWSDOWN"},
  {MAP_STACK, "STACK"}};
static const struct word remap_words[] = {{MREMAP_MAYMOVE, "MAYMOVE"}, {MREMAP_FIXED, "FIXED"},
                                          {MREMAP_DONTUNMAP, "DONTUNMAP"}, {8, "8"}};
static const struct word sync_words[] = {{MS_ASYNC, "ASYNC"}, {MS_SYNC, "SYNC"}, {MS_INVALIDATE, "INVALIDATE"},
                                         {8, "8"}};

static unsigned long any_address(void) {
  unsigned long address = ARENA + PAGE * below(ARENA_PAGES);
  if (one_in(15)) address += 1 + below(4095);
  if (one_in(60)) {
    static const unsigned long odd[] = {0, 0x1000, 0x7FFFFFFFF000, 0x800000000000, -4096UL, -1UL};
    address = ANY(odd);
  }
  say(address >= ARENA && address < ARENA + PAGE * ARENA_PAGES ? " +%lx" : " =%lx",
      address >= ARENA && address < ARENA + PAGE * ARENA_PAGES ? address - ARENA : address);
  return address;
}

static unsigned long any_length(void) {
  unsigned long length = PAGE * (1 + below(6));
  if (one_in(12)) length -= 1 + below(4095);
  if (one_in(25)) {
    static const unsigned long odd[] = {0, 0, 1, -1UL, -4096UL, 0x7FFFFFFFFFFFFFFF, 0x800000000000};
    length = ANY(odd);
  }
  say(" %lx", length);
  return length;
}

static unsigned any_protection(void) {
  say(" ");
  unsigned value = any_words(protections, COUNT(protections), 2);
  if (one_in(40)) { value |= 0x40; say("|40"); }
  return value;
}

// A length that keeps a fixed mapping inside the arena, for calls that would hit what lies elsewhere.
static int stays_inside(unsigned long address, unsigned long length) {
  return address >= ARENA && address < ARENA + PAGE * ARENA_PAGES && length <= 8 * PAGE;
}

static void say_pages(void) {
  char permissions[ARENA_PAGES + 9][5];
  char sources[ARENA_PAGES + 9];
  long offsets[ARENA_PAGES + 9];
  memset(permissions, 0, sizeof permissions);
  FILE *maps = fopen("/proc/self/maps", "r");
  char text[8400];
  while (fgets(text, sizeof text, maps)) {
    unsigned long start, end, offset;
    char bits[8], name[4096] = "";
    if (sscanf(text, "%lx-%lx %7s %lx %*s %*s %4095s", &start, &end, bits, &offset, name) < 4) continue;
    for (unsigned long page = start; page < end; page += PAGE) {
      if (page < ARENA || page >= ARENA + PAGE * (ARENA_PAGES + 8)) break;
      int i = (page - ARENA) / PAGE;
      memcpy(permissions[i], bits, 4);
      char *digit = strstr(name, "compared-");
      sources[i] = *name == 0 ? 'a' : digit ? digit[9] : strncmp(name, "/dev/zero", 9) == 0 ? 'z' : '?';
      offsets[i] = offset / PAGE + (page - start) / PAGE;
    }
  }
  fclose(maps);
  for (int i = 0; i < ARENA_PAGES + 8; i++) {
    if (permissions[i][0] == 0) continue;
    say(" %d:%s%c", i, permissions[i], sources[i]);
    if (sources[i] != 'a' && sources[i] != 'z') say("%ld", offsets[i]);
    volatile char *page = (char *)(ARENA + PAGE * i);
    guarded_signal = 0;
    if (sigsetjmp(guarded, 1) == 0) {
      unsigned first = (unsigned char)page[8], last = (unsigned char)page[4095];
      say("=%02x,%02x", first, last);
    } else {
      say("!%d,%d", guarded_signal, guarded_code);
    }
  }
}

static void memory_step(void) {
  unsigned long address, length;
  long result;
  unsigned kind = below(22);
  switch (kind) {
    case 0: case 1: case 2: case 3: case 4: case 5: {
      say("mmap");
      address = any_address();
      length = any_length();
      unsigned protection = any_protection();
      unsigned flags = 0;
      static const struct word kinds[] = {{MAP_PRIVATE, "PRIVATE"}, {MAP_SHARED, "SHARED"},
                                          {MAP_SHARED_VALIDATE, "VALIDATE"}, {0, "NONE"}};
      const struct word *type = &kinds[one_in(12) ? below(4) : below(2)];
      flags |= type->value;
      say(" %s", type->name);
      if (one_in(8)) flags |= any_words(map_words, COUNT(map_words), 4);
      if ((flags & MAP_SHARED) && (flags & MAP_GROWSDOWN)) { flags &= ~MAP_GROWSDOWN; say("~"); }
      flags &= ~MAP_GROWSDOWN;
      // A fixed address, so that there is no choice to differ in.
      if (one_in(3)) { flags |= MAP_FIXED_NOREPLACE; say("|NOREPLACE"); } else { flags |= MAP_FIXED; say("|FIXED"); }
      int file = -1;
      long offset = 0;
      if (one_in(2)) {
        flags |= MAP_ANONYMOUS;
        say("|ANONYMOUS");
      } else {
        unsigned index = below(3);
        file = one_in(20) ? -1 : memory_files[index];
        offset = PAGE * below(6);
        if (one_in(25)) offset += 5;
        if (one_in(25)) offset = -4096;
        say(" file%d %ld", file < 0 ? -1 : (int)index, offset);
      }
      if (!stays_inside(address, length) && length != 0 && length < 0x700000000000) { say(" left out"); return; }
      result = CALL(mmap, address, length, protection, flags, file, offset);
      if (result > 0) say(" = %s", (unsigned long)result == address ? "there" : "elsewhere"); else say_result(result);
      break;
    }
    case 6: case 7:
      say("munmap");
      address = any_address();
      length = any_length();
      say_result(CALL(munmap, address, length));
      break;
    case 8: case 9: case 10: {
      say("mprotect");
      address = any_address();
      length = any_length();
      say_result(CALL(mprotect, address, length, any_protection()));
      break;
    }
    case 11: case 12: case 13: {
      say("mremap");
      address = any_address();
      // A page alone: Linux 6.17 began to move several mappings at once, and where one ends is a matter of merging.
      length = one_in(15) ? 0 : PAGE;
      unsigned long wanted = one_in(10) ? 0 : one_in(8) ? below(3 * PAGE) : PAGE * (1 + below(5)), target = 0;
      say(" %lx %lx", length, wanted);
      unsigned flags = ANY_WORDS(remap_words, 3);
      target = any_address();
      if ((flags & MREMAP_MAYMOVE) && !(flags & MREMAP_FIXED)) {
        // Where it goes is the kernel's choice.
        flags &= ~MREMAP_MAYMOVE;
        say(" stays");
      }
      result = CALL(mremap, address, length, wanted, flags, target);
      if (result > 0) say(" = +%lx", result - ARENA); else say_result(result);
      break;
    }
    case 14: case 15: {
      static const struct word advice[] = {
        {0, "NORMAL"}, {1, "RANDOM"}, {2, "SEQUENTIAL"}, {3, "WILLNEED"}, {4, "DONTNEED"}, {4, "DONTNEED"},
        {8, "FREE"}, {9, "REMOVE"}, {10, "DONTFORK"}, {11, "DOFORK"}, {16, "DONTDUMP"}, {17, "DODUMP"},
        {18, "WIPEONFORK"}, {19, "KEEPONFORK"}, {20, "COLD"}, {21, "PAGEOUT"}, {22, "POPULATE_READ"},
        {23, "POPULATE_WRITE"}, {5, "5"}, {77, "77"}};
      const struct word *one = &ANY(advice);
      say("madvise %s", one->name);
      address = any_address();
      length = any_length();
      // Of all memory the program's own would be lost.
      if (length > 60 * PAGE && length < 1UL << 63) { say(" left out"); break; }
      say_result(CALL(madvise, address, length, one->value));
      // Whether a page that may be dropped has been is the kernel's choice.
      if (one->value == 8) { say_result(CALL(madvise, address, length, 4)); }
      break;
    }
    case 16: {
      unsigned char vector[64];
      say("mincore");
      address = any_address();
      length = any_length();
      if (length > 60 * PAGE && length < 0x700000000000) { say(" left out"); return; }
      say_result(CALL(mincore, address, length, vector));
      break;
    }
    case 17: {
      say("msync");
      address = any_address();
      length = any_length();
      unsigned flags = ANY_WORDS(sync_words, 3);
      say_result(CALL(msync, address, length, flags));
      break;
    }
    case 18: {
      int lock = one_in(2);
      say(lock ? "mlock" : "munlock");
      address = any_address();
      length = any_length();
      say_result(lock ? CALL(mlock, address, length) : CALL(munlock, address, length));
      break;
    }
    case 19: {
      unsigned index = below(3);
      static const long sizes[] = {0, 1, 4096, 5000, 20000};
      long size = ANY(sizes);
      say("ftruncate file%u %ld", index, size);
      say_result(CALL(ftruncate, memory_files[index], size));
      break;
    }
    default: {
      unsigned page = below(ARENA_PAGES), value = below(256);
      say("write %u %02x", page, value);
      guarded_signal = 0;
      if (sigsetjmp(guarded, 1) == 0) {
        ((volatile char *)(ARENA + PAGE * page))[8] = value;
        ((volatile char *)(ARENA + PAGE * page))[4095] = value + 1;
      } else {
        say(" signal %d %d", guarded_signal, guarded_code);
      }
    }
  }
  say_pages();
}

static void memory_round(void) {
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &action, NULL);
  sigaction(SIGBUS, &action, NULL);
  if (mkdir("/tmp", 0777) != 0) _exit(4);
  for (int i = 0; i < 3; i++) {
    char name[32];
    sprintf(name, "/tmp/compared-%d", i);
    memory_files[i] = open(name, (i == 2 ? O_RDONLY : O_RDWR) | O_CREAT, 0600);
    int writer = open(name, O_WRONLY);
    for (int page = 0; page < memory_file_pages[i]; page++) {
      char text[PAGE];
      memset(text, 0x10 * (i + 1) + page, sizeof text);
      if (write(writer, text, sizeof text - (page == 3 ? 1000 : 0)) <= 0) _exit(4);
    }
    close(writer);
  }
  for (int i = 0; i < STEPS_OF_A_ROUND; i++) {
    STEP(i);
    memory_step();
    end_line();
  }
}
