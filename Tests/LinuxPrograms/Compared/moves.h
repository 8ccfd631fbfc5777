// Memory that is moved, shared and copied: what each page holds after mremap of several pages, in a child and after
// it, and of files that are cut and grow again.

#define MOVE_SLOTS 8
#define SLOT_PAGES 8
#define SLOT(slot, page) (ARENA + PAGE * ((slot) * 16 + (page)))

// Which call made each page, by a number, and where it stood in it: what moves together has to come from one.
static struct { int made, place; } slot_pages[MOVE_SLOTS][SLOT_PAGES];
static int slots_made;
static char made_of_shared_file[STEPS_OF_A_ROUND * 2];
static int move_files[2];

static void say_slots(void) {
  for (int slot = 0; slot < MOVE_SLOTS; slot++) {
    say(" %d[", slot);
    for (int page = 0; page < SLOT_PAGES; page++) {
      volatile unsigned char *bytes = (unsigned char *)SLOT(slot, page);
      guarded_signal = 0;
      if (sigsetjmp(guarded, 1) == 0) {
        unsigned first = bytes[8], last = bytes[4095];
        if (first == last) say("%x ", first); else say("%x,%x ", first, last);
      } else {
        say(guarded_signal == SIGBUS ? "! " : ". ");
      }
    }
    line_length--;
    say("]");
  }
}

// Pages of one slot that one call made, one after the other.
static int any_run(int *slot, int *page, int *count) {
  for (int tries = 0; tries < 20; tries++) {
    *slot = below(MOVE_SLOTS);
    *page = below(SLOT_PAGES);
    int made = slot_pages[*slot][*page].made;
    if (made == 0) continue;
    int most = 1;
    while (*page + most < SLOT_PAGES && slot_pages[*slot][*page + most].made == made
           && slot_pages[*slot][*page + most].place == slot_pages[*slot][*page].place + most) most++;
    *count = one_in(2) ? most : 1 + (int)below(most);
    return 1;
  }
  return 0;
}

static void write_page(int slot, int page, int value) {
  say(" %d.%d=%x", slot, page, value);
  guarded_signal = 0;
  if (sigsetjmp(guarded, 1) == 0) {
    ((volatile char *)SLOT(slot, page))[8] = value;
    // What is written behind a file's end may be there when it grows, as in Linux's tmpfs, or not, as in ext4.
    if (!made_of_shared_file[slot_pages[slot][page].made]) ((volatile char *)SLOT(slot, page))[4095] = value;
  } else {
    say(" signal %d", guarded_signal);
  }
}

static void move_step(void) {
  int slot, page, count;
  long result;
  switch (below(20)) {
    case 0: case 1: case 2: {
      slot = below(MOVE_SLOTS);
      page = below(3);
      count = 1 + below(SLOT_PAGES - page);
      unsigned kind = below(5), flags = MAP_FIXED;
      int file = -1;
      long offset = 0;
      static const char *const kinds[] = {"private", "shared", "private file", "shared file", "private file"};
      flags |= kind == 1 || kind == 3 ? MAP_SHARED : MAP_PRIVATE;
      if (kind < 2) flags |= MAP_ANONYMOUS; else { file = below(2); offset = below(4); }
      say("mmap %s %d@%ld %d.%d+%d", kinds[kind], file, offset, slot, page, count);
      result = CALL(mmap, SLOT(slot, page), PAGE * count, PROT_READ | PROT_WRITE, flags,
                    file < 0 ? -1 : move_files[file], offset * PAGE);
      say_success(result < 0 ? result : 0);
      slots_made++;
      made_of_shared_file[slots_made] = kind == 3;
      for (int i = 0; i < count; i++) {
        slot_pages[slot][page + i].made = slots_made;
        slot_pages[slot][page + i].place = i;
      }
      break;
    }
    case 3: {
      slot = below(MOVE_SLOTS);
      page = below(SLOT_PAGES);
      count = 1 + below(SLOT_PAGES - page);
      say("munmap %d.%d+%d", slot, page, count);
      say_result(CALL(munmap, SLOT(slot, page), PAGE * count));
      for (int i = 0; i < count; i++) slot_pages[slot][page + i].made = 0;
      break;
    }
    case 4: case 5: case 6: case 7: case 8: {
      if (!any_run(&slot, &page, &count)) break;
      int target = below(MOVE_SLOTS), place = below(4), kind = below(8);
      int wanted = one_in(2) ? count : 1 + (int)below(SLOT_PAGES);
      unsigned flags = MREMAP_MAYMOVE | MREMAP_FIXED;
      if (kind == 0) flags = 0;
      if (kind == 1 || kind == 2) { flags |= MREMAP_DONTUNMAP; wanted = count; }
      if (wanted > SLOT_PAGES - place) { if (wanted == count) place = 0; else wanted = SLOT_PAGES - place; }
      if (flags == 0 && page + wanted > SLOT_PAGES) wanted = SLOT_PAGES - page;
      say("mremap %d.%d+%d to %d.%d+%d %x", slot, page, count, target, place, wanted, flags);
      // Over itself is an error.
      result = CALL(mremap, SLOT(slot, page), PAGE * count, PAGE * wanted, flags, SLOT(target, place));
      say(result < 0 ? " fails" : " = 0");
      if (result < 0) break;
      int made = slot_pages[slot][page].made, first = slot_pages[slot][page].place;
      if (flags == 0) {
        for (int i = wanted; i < count; i++) slot_pages[slot][page + i].made = 0;
        target = slot;
        place = page;
      } else {
        if (!(flags & MREMAP_DONTUNMAP)) for (int i = 0; i < count; i++) slot_pages[slot][page + i].made = 0;
        made_of_shared_file[slots_made + 1] = made_of_shared_file[made];
        made = ++slots_made;
      }
      for (int i = 0; i < wanted; i++) {
        slot_pages[target][place + i].made = made;
        slot_pages[target][place + i].place = first + i;
      }
      break;
    }
    case 9: {
      if (!any_run(&slot, &page, &count)) break;
      static const struct word advice[] = {{4, "DONTNEED"}, {4, "DONTNEED"}, {9, "REMOVE"}, {20, "COLD"}, {21, "PAGEOUT"},
                                           {22, "POPULATE_READ"}, {23, "POPULATE_WRITE"}, {3, "WILLNEED"}};
      const struct word *one = &ANY(advice);
      say("madvise %s %d.%d+%d", one->name, slot, page, count);
      say(CALL(madvise, SLOT(slot, page), PAGE * count, one->value) < 0 ? " fails" : " = 0");
      break;
    }
    case 10: case 11: {
      int file = below(2);
      static const long sizes[] = {0, 9, 100, 4096, 4105, 8192, 10000, 20000, 32768};
      long size = ANY(sizes);
      say("ftruncate %d %ld", file, size);
      say_result(CALL(ftruncate, move_files[file], size));
      break;
    }
    case 12: {
      int file = below(2);
      char bytes[9000];
      static const long offsets[] = {0, 8, 4000, 4096, 8192, 12000, 16384};
      long offset = ANY(offsets);
      count = 1 + below(8900);
      if ((offset + count) % PAGE < 9) count += 9;
      int value = below(256);
      memset(bytes, value, sizeof bytes);
      say("pwrite %d %d@%ld %x", file, count, offset, value);
      say_result(CALL(pwrite64, move_files[file], bytes, count, offset));
      break;
    }
    case 13: {
      int file = below(2);
      long offset = PAGE * below(4) + below(2) * 100, length = 1 + below(9000);
      say("punch %d %ld+%ld", file, offset, length);
      say_result(CALL(fallocate, move_files[file], 3, offset, length));
      break;
    }
    case 14: case 15: {
      // A child that writes and moves, and what it leaves of shared memory.
      say("fork");
      fflush(NULL);
      int slots[4], pages[4], values[4];
      for (int i = 0; i < 4; i++) { slots[i] = below(MOVE_SLOTS); pages[i] = below(SLOT_PAGES); values[i] = below(256); }
      int moves = any_run(&slot, &page, &count), target = below(MOVE_SLOTS);
      pid_t child = fork();
      if (child == 0) {
        for (int i = 0; i < 4; i++) write_page(slots[i], pages[i], values[i]);
        if (moves) {
          say(" mremap %d.%d+%d to %d", slot, page, count, target);
          result = CALL(mremap, SLOT(slot, page), PAGE * count, PAGE * count, 3, SLOT(target, 0));
          say(result < 0 ? " fails" : " = 0");
          if (result >= 0)
            for (int i = 0; i < count; i++) slot_pages[target][i].made = slot_pages[slot][page].made;
          for (int i = 0; i < 2; i++) write_page(target, i, values[i] ^ 0x55);
        }
        say_slots();
        end_line();
        _exit(0);
      }
      int status = -1;
      waitpid(child, &status, 0);
      line_length = 0;
      say("%d.%d after the child %x", round_number, step_number, status);
      break;
    }
    default:
      for (int i = below(4); i >= 0; i--) write_page(below(MOVE_SLOTS), below(SLOT_PAGES), below(256));
  }
  say_slots();
}

static void move_round(void) {
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &action, NULL);
  sigaction(SIGBUS, &action, NULL);
  for (int i = 0; i < 2; i++) {
    char name[20], text[20000];
    sprintf(name, "/moved-%d", i);
    move_files[i] = open(name, O_RDWR | O_CREAT, 0600);
    for (size_t at = 0; at < sizeof text; at++) text[at] = 0xA0 + 0x10 * i + at / PAGE;
    if (write(move_files[i], text, sizeof text) != sizeof text) _exit(4);
  }
  for (int i = 0; i < STEPS_OF_A_ROUND; i++) {
    STEP(i);
    move_step();
    end_line();
  }
}
