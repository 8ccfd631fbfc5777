// Built with musl too.
// sigreturn(2), sigaltstack(2), and the Intel manual's XSAVE and XRSTOR: what a handler finds in its frame, and what
// becomes of whatever it leaves there. Each function below is a behaviour; the table at the end names all.
#include "check.h"
#include "extended-state.h"
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif
#define MAGIC1 0x46505853u
#define MAGIC2 0x46505845u
#define INITIAL_RIGHTS 0x55555554u
#define PAGE 4096ul

static uint64_t next_seed = 1;
static state_image before, after;

// --- A signal that is handled by changing its frame ---

static void (*change)(ucontext_t *context, uint8_t *saved);
// In the registers when a handler returns.
static state_image dirty;
static sigjmp_buf back;
static uint8_t fault_stack[65536] __attribute__((aligned(64)));
// Of the last SIGSEGV.
static struct {
  int code;
  ucontext_t context;
  state_image state;
} fault;

static void on_signal(int number, siginfo_t *information, void *opaque) {
  ucontext_t *context = opaque;
  change(context, (uint8_t *)context->uc_mcontext.fpregs);
  // What the frame does not bring back must not stay either.
  if (state.has_xsave) {
    __asm__ volatile("fnop\n\txrstor64 %0" : : "m"(dirty), "a"(0xFFFFFDFF), "d"(-1));
  } else {
    __asm__ volatile("fxrstor64 %0" : : "m"(dirty));
  }
}

static void on_fault(int number, siginfo_t *information, void *opaque) {
  ucontext_t *context = opaque;
  fault.code = information->si_code;
  memcpy(&fault.context, context, offsetof(ucontext_t, uc_sigmask) + 8);
  memcpy(&fault.state, context->uc_mcontext.fpregs, state.size);
  siglongjmp(back, 1);
}

static void set_handler(int number, void (*handler)(int, siginfo_t *, void *), int flags) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
  REQUIRE(sigaction(number, &action, NULL) == 0);
}

// Puts everything as the tests expect it.
static void prepare(void) {
  stack_t stack = {.ss_sp = fault_stack, .ss_size = sizeof fault_stack};
  REQUIRE(sigaltstack(&stack, NULL) == 0);
  set_handler(SIGUSR1, on_signal, 0);
  set_handler(SIGSEGV, on_fault, SA_ONSTACK | SA_NODEFER);
}

// A signal is sent with a pattern in every register; `how` changes its frame. 0, or SIGSEGV where the return from the
// handler is refused.
static int returns_through(void (*how)(ucontext_t *, uint8_t *)) {
  state_pattern(&before, next_seed++);
  change = how;
  memset(&fault, 0, sizeof fault);
  int result = SIGSEGV;
  if (sigsetjmp(back, 1) == 0) {
    state_through(&before, &after, SYS_kill, getpid(), SIGUSR1, 0);
    result = 0;
  } else {
    state_usual();
  }
  return result;
}

static int state_first_difference(const state_image *left, const state_image *right) {
  int byte = 0;
  while (byte < (int)state.size && ((byte >= 5 && byte < 24) || left->bytes[byte] == right->bytes[byte])) byte++;
  return byte;
}

#define CHECK_SAME() \
  do { \
    int component = state_difference(&before, &after); \
    if (component >= 0) { \
      int byte = state_first_difference(&before, &after); \
      say("not ok %s:%d: %s differs at byte %d: %02x, expected %02x", __FILE_NAME__, __LINE__, state_name(component), \
        byte, after.bytes[byte], before.bytes[byte]); \
      check_failures++; \
    } \
  } while (0)

// The change that is expected, made to `before` as well.
static void expect_initial(int component) {
  state_image initial;
  state_initial(&initial);
  if (component == X87) {
    memcpy(before.bytes, initial.bytes, 24);
    memcpy(before.bytes + 32, initial.bytes + 32, 128);
  } else if (component == SSE) {
    memcpy(before.bytes + 160, initial.bytes + 160, 256);
  } else if (state.length[component]) {
    memcpy(before.bytes + state.offset[component], initial.bytes + state.offset[component], state.length[component]);
  }
}
static void expect_all_initial(void) {
  for (int component = 0; component < COMPONENTS; component++) expect_initial(component);
}
static void expect_mxcsr(uint32_t value) { state_set32(&before, 24, value); }

// --- What a frame shows ---

static void keep(ucontext_t *context, uint8_t *saved) {}

static void check_description(ucontext_t *context, uint8_t *saved) {
  CHECK_EQUAL((uintptr_t)saved & 63, 0);
  CHECK_EQUAL((uintptr_t)context & 15, 0);
  CHECK_EQUAL(context->uc_flags, state.has_xsave ? 7 : 6);
  CHECK_EQUAL((uintptr_t)context->uc_link, 0);
  CHECK_EQUAL(state_get32(saved, 464), MAGIC1);
  CHECK_EQUAL(state_get32(saved, 468), state.size + 4);
  CHECK_EQUAL(state_get64(saved, 472), state.has_xsave ? state.mask : 0);
  CHECK_EQUAL(state_get32(saved, 480), state.size);
  for (int offset = 484; offset < 512; offset++) CHECK_EQUAL(saved[offset], 0);
  if (!state.has_xsave) return;
  CHECK_EQUAL(state_get32(saved, state.size), MAGIC2);
  CHECK_EQUAL(state_get64(saved, 512) & 3, 3);
  CHECK_EQUAL(state_get64(saved, 512) & ~state.mask, 0);
  for (int offset = 520; offset < 576; offset++) CHECK_EQUAL(saved[offset], 0);
}

static void frame_describes_itself(void) {
  CHECK_EQUAL(returns_through(check_description), 0);
  CHECK_SAME();
}

static state_image shown;
static void copy_frame(ucontext_t *context, uint8_t *saved) {
  memcpy(&shown, saved, state.size);
}

static void frame_shows_every_register(void) {
  for (int turn = 0; turn < 50; turn++) {
    CHECK_EQUAL(returns_through(copy_frame), 0);
    CHECK_SAME();
    CHECK_EQUAL(state_difference(&before, &shown), -1);
    if (check_failures) return;
  }
}

// Writes over the stack below, so that what a frame does not write shows.
static void __attribute__((noinline)) dirty_stack(void) {
  volatile uint8_t bytes[16384];
  for (unsigned i = 0; i < sizeof bytes; i++) bytes[i] = 0xA5;
}

// Each component with its bit in XSTATE_BV clear: its bytes must not be those that were there before.
static void initial_components_show_initial_values(void) {
  if (!state.has_xsave) return;
  for (int component = 0; component < COMPONENTS; component++) {
    if (!(state.mask >> component & 1) || component == RIGHTS) continue;
    state_pattern(&before, next_seed++);
    // AVX-512's parts and AVX are independent of each other in the image.
    state_set64(&before, 512, state.mask & ~(1ull << component));
    change = copy_frame;
    dirty_stack();
    state_through(&before, &after, SYS_kill, getpid(), SIGUSR1, 0);
    expect_initial(component);
    int differs = state_difference(&before, &shown);
    if (differs >= 0) {
      say("not ok: with %s initial the frame shows wrong %s", state_name(component), state_name(differs));
      check_failures++;
    }
    CHECK_SAME();
  }
}

static void on_stack_flags(ucontext_t *context, uint8_t *saved) {
  CHECK_EQUAL((uintptr_t)context->uc_stack.ss_sp, (uintptr_t)fault_stack);
  CHECK_EQUAL(context->uc_stack.ss_size, sizeof fault_stack);
  CHECK_EQUAL(context->uc_stack.ss_flags, 0);
}

static void frame_shows_the_alternate_stack(void) { CHECK_EQUAL(returns_through(on_stack_flags), 0); }

// --- What a handler starts with ---

// Filled by the handler's first instructions.
static struct {
  uint64_t rax, rdi, rsi, rdx, rsp, flags;
  uint32_t rights;
  state_image state;
} entry;

__attribute__((naked, used)) static void entry_handler(void) {
  __asm__ volatile(
    "movq %%rax, entry(%%rip)\n\t"
    "leaq entry(%%rip), %%rax\n\t"
    "movq %%rdi, 8(%%rax)\n\tmovq %%rsi, 16(%%rax)\n\tmovq %%rdx, 24(%%rax)\n\tmovq %%rsp, 32(%%rax)\n\t"
    "pushfq\n\tpopq 40(%%rax)\n\t"
    "movl %c1(%%rip), %%ecx\n\ttestl %%ecx, %%ecx\n\tjz 1f\n\t"
    "leaq %c0(%%rax), %%rcx\n\tmovl $-1, %%eax\n\tmovl $-1, %%edx\n\tfnop\n\txsave64 (%%rcx)\n\tret\n\t"
    "1:\n\tfxsave64 %c0(%%rax)\n\tret"
    : : "i"(offsetof(__typeof__(entry), state)), "i"(&state.has_xsave));
}

static void handler_starts_in_the_initial_state(void) {
  struct sigaction action = {.sa_flags = SA_SIGINFO};
  action.sa_sigaction = (void (*)(int, siginfo_t *, void *))(void *)entry_handler;
  REQUIRE(sigaction(SIGUSR2, &action, NULL) == 0);
  state_image initial;
  state_initial(&initial);
  if (state.has_rights) state_set32(&initial, state.offset[RIGHTS], INITIAL_RIGHTS);
  for (int turn = 0; turn < 20; turn++) {
    state_pattern(&before, next_seed++);
    memset(&entry, 0xFF, sizeof entry);
    state_through(&before, &after, SYS_kill, getpid(), SIGUSR2, 0);
    CHECK_SAME();
    // RIP and data pointers of the x87 too: nothing of what was before.
    int component = state_difference(&initial, &entry.state);
    if (component >= 0) {
      say("not ok: a handler starts with %s of what it interrupted", state_name(component));
      check_failures++;
      return;
    }
    CHECK_EQUAL(entry.rax, 0);
    CHECK_EQUAL(entry.rdi, SIGUSR2);
    CHECK_EQUAL(entry.rsp & 15, 8);
    CHECK_EQUAL(entry.rdx, entry.rsp + 8);
    CHECK_EQUAL(entry.rsi, entry.rsp + 312);
  }
  // With DF, and the arithmetic flags, set: DF alone is cleared. TF by a single step: TF too.
  long process = getpid(), result;
  __asm__ volatile("pushfq\n\torq $0xCD5, (%%rsp)\n\tpopfq\n\tsyscall\n\tcld"
                   : "=a"(result) : "0"((long)SYS_kill), "D"(process), "S"((long)SIGUSR2)
                   : "rcx", "r11", "rdx", "memory", "cc");
  CHECK_EQUAL(entry.flags & 0x10D00, 0x800);
}

// --- Values that arrive ---

static void change_all(ucontext_t *context, uint8_t *saved) {
  state_image other;
  state_pattern(&other, 0x5EED);
  memcpy(saved, other.bytes, 416);
  for (int number = 2; number < COMPONENTS; number++)
    memcpy(saved + state.offset[number], other.bytes + state.offset[number], state.length[number]);
}

static void changed_registers_arrive(void) {
  CHECK_EQUAL(returns_through(change_all), 0);
  state_pattern(&before, 0x5EED);
  CHECK_SAME();
}

static int dropped;
static void drop_component(ucontext_t *context, uint8_t *saved) {
  state_set64(saved, 512, state_get64(saved, 512) & ~(1ull << dropped));
}
static void do_not_load_component(ucontext_t *context, uint8_t *saved) {
  state_set64(saved, 472, state_get64(saved, 472) & ~(1ull << dropped));
}

// A clear bit in XSTATE_BV, or in the description's mask, means the initial state: PKRU 0. MXCSR comes from the image in
// the first case.
static void components_left_out_become_initial(void) {
  if (!state.has_xsave) return;
  for (dropped = 0; dropped < COMPONENTS; dropped++) {
    if (!(state.mask >> dropped & 1)) continue;
    CHECK_EQUAL(returns_through(drop_component), 0);
    expect_initial(dropped);
    CHECK_SAME();
    CHECK_EQUAL(returns_through(do_not_load_component), 0);
    expect_initial(dropped);
    if (dropped == SSE) expect_mxcsr(0x1F80);
    CHECK_SAME();
  }
}

static void load_nothing(ucontext_t *context, uint8_t *saved) { state_set64(saved, 472, 0); }
static void load_everything(ucontext_t *context, uint8_t *saved) { state_set64(saved, 472, ~0ull); }
static void hold_nothing(ucontext_t *context, uint8_t *saved) { state_set64(saved, 512, 0); }
static void no_state(ucontext_t *context, uint8_t *saved) { context->uc_mcontext.fpregs = NULL; }

static void masks_of_the_frame_decide_what_is_loaded(void) {
  if (!state.has_xsave) return;
  CHECK_EQUAL(returns_through(load_nothing), 0);
  expect_all_initial();
  expect_mxcsr(0x1F80);
  CHECK_SAME();
  CHECK_EQUAL(returns_through(load_everything), 0);
  CHECK_SAME();
  CHECK_EQUAL(returns_through(hold_nothing), 0);
  expect_all_initial();
  CHECK_SAME();
}

static void frame_without_state_gives_the_initial_one(void) {
  CHECK_EQUAL(returns_through(no_state), 0);
  expect_all_initial();
  expect_mxcsr(0x1F80);
  if (state.has_rights) state_set32(&before, state.offset[RIGHTS], INITIAL_RIGHTS);
  CHECK_SAME();
}

// --- Frames that are taken for FXSAVE's ---

static uint32_t bad_size;
static void wrong_magic1(ucontext_t *context, uint8_t *saved) { state_set32(saved, 464, MAGIC1 ^ 1); }
static void wrong_magic2(ucontext_t *context, uint8_t *saved) { state_set32(saved, state.size, MAGIC2 ^ 1); }
static void wrong_size(ucontext_t *context, uint8_t *saved) { state_set32(saved, 480, bad_size); }
static void small_total(ucontext_t *context, uint8_t *saved) { state_set32(saved, 468, state.size - 1); }
static void large_total(ucontext_t *context, uint8_t *saved) { state_set32(saved, 468, 0xFFFFFFFF); }

static void expect_legacy(void) {
  for (int component = AVX; component < COMPONENTS; component++) expect_initial(component);
}

static void frame_that_does_not_describe_itself_is_legacy(void) {
  if (!state.has_xsave) return;
  void (*const hows[])(ucontext_t *, uint8_t *) = {wrong_magic1, wrong_magic2, small_total};
  for (unsigned i = 0; i < sizeof hows / sizeof *hows; i++) {
    CHECK_EQUAL(returns_through(hows[i]), 0);
    expect_legacy();
    CHECK_SAME();
  }
  const uint32_t sizes[] = {0, 512, 575, state.size - 64 < 576 ? 575 : state.size - 64, state.size + 1, state.size + 64,
    0x7FFFFFFF, 0x80000000, 0xFFFFFFFF};
  for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    bad_size = sizes[i];
    CHECK_EQUAL(returns_through(wrong_size), 0);
    expect_legacy();
    CHECK_SAME();
  }
  CHECK_EQUAL(returns_through(large_total), 0);
  CHECK_SAME();
}

static void of_a_smaller_processor(ucontext_t *context, uint8_t *saved) {
  state_set32(saved, 468, 580);
  state_set32(saved, 480, 576);
  state_set64(saved, 472, 3);
  state_set64(saved, 512, 3);
  state_set32(saved, 576, MAGIC2);
}

static void frame_of_a_smaller_processor_is_loaded(void) {
  if (!state.has_xsave) return;
  CHECK_EQUAL(returns_through(of_a_smaller_processor), 0);
  expect_legacy();
  CHECK_SAME();
}

// --- Frames that are refused ---

static void reserved_mxcsr(ucontext_t *context, uint8_t *saved) { state_set32(saved, 24, 0x1F80 | ~state.mxcsr_mask); }
static void high_mxcsr(ucontext_t *context, uint8_t *saved) { state_set32(saved, 24, 0x80001F80); }
static void unknown_component(ucontext_t *context, uint8_t *saved) {
  uint64_t unknown = ~state.mask & -~state.mask;
  state_set64(saved, 512, state_get64(saved, 512) | unknown);
}
static void last_component(ucontext_t *context, uint8_t *saved) {
  state_set64(saved, 512, state_get64(saved, 512) | 1ull << 63);
}
static void components_of_xcomp(ucontext_t *context, uint8_t *saved) { state_set64(saved, 520, 3); }
static void compacted(ucontext_t *context, uint8_t *saved) { state_set64(saved, 520, 1ull << 63 | 1ull << 62); }
static void reserved_header(ucontext_t *context, uint8_t *saved) { state_set64(saved, 528, 1); }
static void *moved_to;
static void move(ucontext_t *context, uint8_t *saved) { context->uc_mcontext.fpregs = moved_to; }
static int shift;
static uint8_t *room;
static void misalign(ucontext_t *context, uint8_t *saved) {
  memmove(room + shift, saved, state.size + 4);
  context->uc_mcontext.fpregs = (void *)(room + shift);
}
static void misalign_legacy(ucontext_t *context, uint8_t *saved) {
  state_set32(saved, 464, 0);
  misalign(context, saved);
}

// The thread gets SIGSEGV, with its general registers taken from the frame and the initial extended state.
static void check_refused(int line, void (*how)(ucontext_t *, uint8_t *)) {
  if (returns_through(how) != SIGSEGV) {
    say("not ok %s:%d: a frame is accepted that should not be", __FILE_NAME__, line);
    check_failures++;
    return;
  }
  CHECK_EQUAL(fault.code, SI_KERNEL);
  state_image initial;
  state_initial(&initial);
  if (state.has_rights) state_set32(&initial, state.offset[RIGHTS], INITIAL_RIGHTS);
  int component = state_difference(&initial, &fault.state);
  if (component >= 0) {
    say("not ok %s:%d: after a refused frame %s is not initial", __FILE_NAME__, line, state_name(component));
    check_failures++;
  }
}
#define CHECK_REFUSED(how) check_refused(__LINE__, how)

static void malformed_images_are_refused(void) {
  CHECK_REFUSED(reserved_mxcsr);
  CHECK_REFUSED(high_mxcsr);
  if (!state.has_xsave) return;
  CHECK_REFUSED(unknown_component);
  CHECK_REFUSED(last_component);
  CHECK_REFUSED(components_of_xcomp);
  CHECK_REFUSED(compacted);
  CHECK_REFUSED(reserved_header);
}

static void state_lies_where_the_instruction_wants_it(void) {
  for (shift = 4; shift < 64; shift += 4) {
    if (state.has_xsave) CHECK_REFUSED(misalign);
    if (shift & 15) {
      CHECK_REFUSED(misalign_legacy);
    } else {
      CHECK_EQUAL(returns_through(misalign_legacy), 0);
      expect_legacy();
      CHECK_SAME();
    }
  }
  const uint64_t addresses[] = {1, 64, 0x7FFFFFFFF000 - 64, 0x7FFFFFFFF000, 0x800000000000, 0x8000000000000000,
    0xFFFF800000000000, 0xFFFFFFFF80000000, 0xFFFFFFFFFFFFFFC0};
  for (unsigned i = 0; i < sizeof addresses / sizeof *addresses; i++) {
    moved_to = (void *)addresses[i];
    CHECK_REFUSED(move);
  }
}

// The state before the end of its page, the rest on a page that is not there.
static unsigned in_front;
static void straddle(ucontext_t *context, uint8_t *saved) {
  uint8_t *start = room + 2 * PAGE - in_front;
  memcpy(start, saved, in_front);
  context->uc_mcontext.fpregs = (void *)start;
}
static void straddle_legacy(ucontext_t *context, uint8_t *saved) {
  state_set32(saved, 464, 0);
  straddle(context, saved);
}

static void state_that_ends_too_early_is_refused(void) {
  REQUIRE(mprotect(room + 2 * PAGE, PAGE, PROT_NONE) == 0);
  for (in_front = 64; in_front < state.size + 4; in_front += 64) {
    // QEMU's FXRSTOR reads no further than the last register.
    if (!state.has_xsave && in_front >= 416 && in_front < 512) continue;
    if (state.has_xsave || in_front < 512) CHECK_REFUSED(straddle);
    if (in_front < 512) {
      CHECK_REFUSED(straddle_legacy);
    } else {
      CHECK_EQUAL(returns_through(straddle_legacy), 0);
      expect_legacy();
      CHECK_SAME();
    }
  }
  REQUIRE(mprotect(room + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
}

// The state on pages that have never been touched: read in while the return waits.
static void state_on_absent_pages_is_loaded(void) {
  int file = memfd_create("state", 0);
  REQUIRE(file >= 0 && ftruncate(file, 3 * PAGE) == 0);
  uint8_t *written = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  REQUIRE(written != MAP_FAILED);
  uint8_t *kept = room;
  for (in_front = 64; in_front < state.size + 4; in_front += 64) {
    uint8_t *fresh = mmap(NULL, 3 * PAGE, PROT_READ, MAP_PRIVATE, file, 0);
    REQUIRE(fresh != MAP_FAILED);
    CHECK_EQUAL(returns_through(copy_frame), 0);
    memcpy(written + 2 * PAGE - in_front, &shown, state.size);
    state_set32(written, 2 * PAGE - in_front + state.size, MAGIC2);
    moved_to = fresh + 2 * PAGE - in_front;
    state_image expected = before;
    CHECK_EQUAL(returns_through(move), 0);
    before = expected;
    CHECK_SAME();
    munmap(fresh, 3 * PAGE);
  }
  munmap(written, 3 * PAGE);
  close(file);
  room = kept;
}

// --- Registers that no program may have ---

static uint64_t wanted;
static void set_rip(ucontext_t *context, uint8_t *saved) { context->uc_mcontext.gregs[REG_RIP] = (long long)wanted; }
static void set_selectors(ucontext_t *context, uint8_t *saved) {
  context->uc_mcontext.gregs[REG_CSGSFS] = (long long)wanted;
}
static void set_selectors_loosely(ucontext_t *context, uint8_t *saved) {
  context->uc_flags &= ~4ul;
  set_selectors(context, saved);
}

static void addresses_outside_of_the_program_fault_there(void) {
  const uint64_t addresses[] = {0, 8, 0x7FFFFFFFF000, 0x800000000000, 0x8000000000000000, 0xFFFF7FFFFFFFFFFF,
    0xFFFF800000000000, 0xFFFFFFFF80000000, 0xFFFFFFFFFFFFFFFF};
  for (unsigned i = 0; i < sizeof addresses / sizeof *addresses; i++) {
    wanted = addresses[i];
    CHECK_EQUAL(returns_through(set_rip), SIGSEGV);
    CHECK_EQUAL(fault.context.uc_mcontext.gregs[REG_RIP], wanted);
    // Everything else has arrived.
    CHECK_EQUAL(state_difference(&before, &fault.state), -1);
  }
}

static void selectors_of_others_fault(void) {
  // None, the kernel's, data as code, beyond the table, of a local table, the task state.
  const uint16_t code[] = {0, 0x10, 0x18, 0x28, 0x7F8, 0x34, 0xFFF8, 0x38, 0x40};
  for (unsigned i = 0; i < sizeof code / sizeof *code; i++) {
    wanted = 0x2Bull << 48 | code[i];
    CHECK_EQUAL(returns_through(set_selectors), SIGSEGV);
    CHECK_EQUAL(fault.context.uc_mcontext.gregs[REG_CSGSFS] & 0xFFFF, code[i] | 3);
    CHECK_EQUAL(fault.context.uc_mcontext.gregs[REG_TRAPNO], 13);
  }
  const uint16_t stack[] = {0, 0x10, 0x18, 0x30, 0x7F8, 0x2C, 0xFFF8, 0x38, 0x40};
  for (unsigned i = 0; i < sizeof stack / sizeof *stack; i++) {
    wanted = (uint64_t)stack[i] << 48 | 0x33;
    CHECK_EQUAL(returns_through(set_selectors), SIGSEGV);
    CHECK_EQUAL(fault.context.uc_mcontext.gregs[REG_CSGSFS] >> 48 & 0xFFFF, stack[i] | 3);
    // For those who cannot help it (UC_STRICT_RESTORE_SS clear) SS is put right.
    CHECK_EQUAL(returns_through(set_selectors_loosely), 0);
    CHECK_SAME();
  }
  // Ring 0 is asked for in vain.
  wanted = 0x28ull << 48 | 0x30;
  CHECK_EQUAL(returns_through(set_selectors), 0);
  CHECK_SAME();
}

static volatile int steps;
static void on_step(int number, siginfo_t *information, void *opaque) {
  steps++;
  ((ucontext_t *)opaque)->uc_mcontext.gregs[REG_EFL] &= ~0x100ll;
}
static void set_flags(ucontext_t *context, uint8_t *saved) { context->uc_mcontext.gregs[REG_EFL] = (long long)wanted; }

static uint64_t flags_after(uint64_t flags) {
  uint64_t result;
  long call = SYS_kill, process = getpid();
  wanted = flags;
  change = set_flags;
  __asm__ volatile("syscall\n\tpushfq\n\tpopq %%rdx\n\tpushq $0x202\n\tpopfq"
                   : "+a"(call), "=d"(result) : "D"(process), "S"((long)SIGUSR1) : "rcx", "r11", "memory", "cc");
  return result;
}

static void flags_of_the_kernel_are_not_taken(void) {
  const uint64_t own = 0x40CD5;  // AC, OF, DF, SF, ZF, AF, PF, CF
  for (int bit = 0; bit < 64; bit++) {
    if (bit == 8) continue;
    uint64_t flags = 1ull << bit;
    uint64_t found = flags_after(flags);
    CHECK_EQUAL(found & ~0x10000ull, (flags & own) | 0x202);
  }
  set_handler(SIGTRAP, on_step, 0);
  steps = 0;
  flags_after(0x302);
  CHECK_EQUAL(steps, 1);
}

// --- The frame itself ---

static long return_at(uint64_t address) {
  memset(&fault, 0, sizeof fault);
  if (sigsetjmp(back, 1) == 0) {
    __asm__ volatile("movq %0, %%rsp\n\tmovl $15, %%eax\n\tsyscall\n\tud2" : : "r"(address) : "memory");
  }
  return fault.context.uc_mcontext.gregs[REG_RAX];
}

static void frame_that_cannot_be_read_is_refused(void) {
  const uint64_t addresses[] = {0, 8, 0x1000, 0x7FFFFFFFF000, 0x7FFFFFFFF000 - 304, 0x7FFFFFFFF000 - 432,
    0x800000000000, 0x8000000000000000, 0xFFFF800000000000, 0xFFFFFFFFFFFFFF00, 0xFFFFFFFFFFFFFFF8};
  for (unsigned i = 0; i < sizeof addresses / sizeof *addresses; i++) {
    CHECK_EQUAL(return_at(addresses[i]), 0);
    CHECK_EQUAL(fault.code, SI_KERNEL);
  }
  REQUIRE(mprotect(room + 2 * PAGE, PAGE, PROT_NONE) == 0);
  for (int inside = 8; inside < 312; inside += 8) {
    memset(room + PAGE, 0, PAGE);
    CHECK_EQUAL(return_at((uintptr_t)room + 2 * PAGE - inside), 0);
    CHECK_EQUAL(fault.code, SI_KERNEL);
    if (fault.code == 0) break;
  }
  REQUIRE(mprotect(room + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
}

static void block_everything(ucontext_t *context, uint8_t *saved) {
  memset(&context->uc_sigmask, 0xFF, 8);
}
static void other_stack(ucontext_t *context, uint8_t *saved) {
  context->uc_stack.ss_sp = (void *)0x1000;
  context->uc_stack.ss_size = 5000;
  context->uc_stack.ss_flags = 0;
}
static void bad_stack(ucontext_t *context, uint8_t *saved) {
  other_stack(context, saved);
  context->uc_stack.ss_flags = 77;
}
static void small_stack(ucontext_t *context, uint8_t *saved) {
  other_stack(context, saved);
  context->uc_stack.ss_size = 2047;
}

static void mask_and_stack_of_the_frame_are_taken(void) {
  uint64_t mask = 0;
  CHECK_EQUAL(returns_through(block_everything), 0);
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &mask, 8);
  CHECK_EQUAL(mask, ~(1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1)));
  mask = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8);

  stack_t stack;
  CHECK_EQUAL(returns_through(bad_stack), 0);
  CHECK_EQUAL(sigaltstack(NULL, &stack), 0);
  CHECK(stack.ss_sp == fault_stack);
  CHECK_EQUAL(returns_through(small_stack), 0);
  CHECK_EQUAL(sigaltstack(NULL, &stack), 0);
  CHECK(stack.ss_sp == fault_stack);
  CHECK_EQUAL(returns_through(other_stack), 0);
  CHECK_EQUAL(sigaltstack(NULL, &stack), 0);
  CHECK_EQUAL((uintptr_t)stack.ss_sp, 0x1000);
  CHECK_EQUAL(stack.ss_size, 5000);
  prepare();
}

// --- Where a frame goes ---

// Raises a signal with RSP at an address. The child's end, as of waitpid.
static int raise_at(uint64_t stack_pointer, int uses_alternate) {
  pid_t child = fork();
  if (child == 0) {
    change = keep;
    set_handler(SIGUSR1, on_signal, uses_alternate ? SA_ONSTACK : 0);
    signal(SIGSEGV, SIG_DFL);
    long result;
    __asm__ volatile("movq %%rsp, %%r12\n\tmovq %4, %%rsp\n\tsyscall\n\tmovq %%r12, %%rsp"
                     : "=a"(result) : "0"((long)SYS_kill), "D"((long)getpid()), "S"((long)SIGUSR1), "r"(stack_pointer)
                     : "rcx", "r11", "r12", "memory");
    _exit(result == 0 ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return status;
}
#define IS_FAULT(status) (WIFSIGNALED(status) && (WTERMSIG(status) == SIGSEGV))

static void stack_without_room_ends_the_program(void) {
  const uint64_t addresses[] = {0, 64, 128, 0x2000, 0x800000000000, 0x8000000000000000, 0xFFFF800000000000,
    0xFFFFFFFFFFFFFFF0};
  for (unsigned i = 0; i < sizeof addresses / sizeof *addresses; i++) CHECK(IS_FAULT(raise_at(addresses[i], 0)));
  // Read-only, or with room for a part only.
  REQUIRE(mprotect(room + PAGE, PAGE, PROT_READ) == 0);
  CHECK(IS_FAULT(raise_at((uintptr_t)room + 2 * PAGE, 0)));
  for (int space = 64; space < 512; space += 64) CHECK(IS_FAULT(raise_at((uintptr_t)room + 2 * PAGE + space, 0)));
  REQUIRE(mprotect(room + PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
  CHECK_EQUAL(raise_at((uintptr_t)room + 3 * PAGE, 0), 0);
}

// The handler of SIGSEGV, on a stack of its own, is told of a stack without room.
static void stack_without_room_is_told_on_the_alternate_one(void) {
  memset(&fault, 0, sizeof fault);
  change = keep;
  if (sigsetjmp(back, 1) == 0) {
    __asm__ volatile("movq $0x2000, %%rsp\n\tsyscall\n\tud2"
                     : : "a"((long)SYS_kill), "D"((long)getpid()), "S"((long)SIGUSR1) : "rcx", "r11", "memory");
  }
  CHECK_EQUAL(fault.code, SI_KERNEL);
  CHECK_EQUAL(fault.context.uc_mcontext.gregs[REG_RSP], 0x2000);
  CHECK_EQUAL(fault.context.uc_mcontext.gregs[REG_RAX], 0);
}

// Pages that have never been touched, or are shared with a child, are made while the frame is written.
static void frame_is_written_to_absent_pages(void) {
  for (int turn = 0; turn < 64; turn++) {
    uint8_t *fresh = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(fresh != MAP_FAILED);
    stack_t stack = {.ss_sp = fresh, .ss_size = 4 * PAGE - turn * 64};
    REQUIRE(sigaltstack(&stack, NULL) == 0);
    set_handler(SIGUSR1, on_signal, SA_ONSTACK);
    CHECK_EQUAL(returns_through(copy_frame), 0);
    CHECK_SAME();
    CHECK_EQUAL(state_difference(&before, &shown), -1);
    if (turn % 8 == 0) {
      // Copied on the write by both.
      pid_t child = fork();
      CHECK_EQUAL(returns_through(copy_frame), 0);
      CHECK_SAME();
      CHECK_EQUAL(state_difference(&before, &shown), -1);
      if (child == 0) _exit(state_difference(&before, &after) >= 0 || state_difference(&before, &shown) >= 0);
      int status = -1;
      waitpid(child, &status, 0);
      CHECK_EQUAL(status, 0);
    }
    prepare();
    munmap(fresh, 4 * PAGE);
  }
}

static void nest(int number, siginfo_t *information, void *opaque) { kill(getpid(), SIGUSR2); }

static void alternate_stack_is_not_left(void) {
  uint8_t *pages = mmap(NULL, 6 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(pages != MAP_FAILED);
  memset(pages, 0x77, 6 * PAGE);
  pid_t child = fork();
  if (child == 0) {
    stack_t stack = {.ss_sp = pages + 2 * PAGE, .ss_size = 4 * PAGE};
    REQUIRE(sigaltstack(&stack, NULL) == 0);
    signal(SIGSEGV, SIG_DFL);
    set_handler(SIGUSR2, nest, SA_ONSTACK | SA_NODEFER);
    kill(getpid(), SIGUSR2);
    _exit(0);
  }
  int status = -1;
  waitpid(child, &status, 0);
  CHECK(IS_FAULT(status));
  // The handlers may have used a little; a frame is larger.
  unsigned touched = 0;
  for (unsigned i = 0; i < 2 * PAGE; i++) touched += pages[i] != 0x77;
  CHECK(touched < 200);
  munmap(pages, 6 * PAGE);
}

// On Linux 2048 bytes are enough for sigaltstack(2), whether a frame fits or not.
static void smallest_alternate_stack_is_linux(void) {
  uint8_t *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(pages != MAP_FAILED);
  stack_t stack = {.ss_sp = pages, .ss_size = 2047};
  CHECK_ERROR(sigaltstack(&stack, NULL), ENOMEM);
  stack.ss_size = 2048;
  CHECK_EQUAL(sigaltstack(&stack, NULL), 0);
  int status = raise_at((uintptr_t)room + 3 * PAGE, 1);
  if (state.size + 440 + 80 > 2048) CHECK(IS_FAULT(status));
  prepare();
  munmap(pages, 2 * PAGE);
}

static stack_t in_handler;
static void ask_stack(ucontext_t *context, uint8_t *saved) {
  sigaltstack(NULL, &in_handler);
  CHECK_EQUAL((unsigned)context->uc_stack.ss_flags, SS_AUTODISARM);
}

static void disarmed_stack_comes_back(void) {
  stack_t stack = {.ss_sp = fault_stack, .ss_size = sizeof fault_stack, .ss_flags = (int)SS_AUTODISARM};
  REQUIRE(sigaltstack(&stack, NULL) == 0);
  set_handler(SIGUSR1, on_signal, SA_ONSTACK);
  CHECK_EQUAL(returns_through(ask_stack), 0);
  CHECK_EQUAL(in_handler.ss_flags, SS_DISABLE);
  CHECK_EQUAL(in_handler.ss_size, 0);
  CHECK_EQUAL(sigaltstack(NULL, &stack), 0);
  CHECK_EQUAL((unsigned)stack.ss_flags, SS_AUTODISARM);
  CHECK(stack.ss_sp == fault_stack);
  prepare();
}

#define TEST(function) {#function, function}
static const struct {
  const char *name;
  void (*function)(void);
} tests[] = {
  TEST(frame_describes_itself),
  TEST(frame_shows_every_register),
  TEST(initial_components_show_initial_values),
  TEST(frame_shows_the_alternate_stack),
  TEST(handler_starts_in_the_initial_state),
  TEST(changed_registers_arrive),
  TEST(components_left_out_become_initial),
  TEST(masks_of_the_frame_decide_what_is_loaded),
  TEST(frame_without_state_gives_the_initial_one),
  TEST(frame_that_does_not_describe_itself_is_legacy),
  TEST(frame_of_a_smaller_processor_is_loaded),
  TEST(malformed_images_are_refused),
  TEST(state_lies_where_the_instruction_wants_it),
  TEST(state_that_ends_too_early_is_refused),
  TEST(state_on_absent_pages_is_loaded),
  TEST(addresses_outside_of_the_program_fault_there),
  TEST(selectors_of_others_fault),
  TEST(flags_of_the_kernel_are_not_taken),
  TEST(frame_that_cannot_be_read_is_refused),
  TEST(mask_and_stack_of_the_frame_are_taken),
  TEST(stack_without_room_ends_the_program),
  TEST(stack_without_room_is_told_on_the_alternate_one),
  TEST(frame_is_written_to_absent_pages),
  TEST(alternate_stack_is_not_left),
  TEST(smallest_alternate_stack_is_linux),
  TEST(disarmed_stack_comes_back),
};

int main(int count, char **arguments) {
  state_find();
  REQUIRE(state.size + 4 <= STATE_LARGEST);
  state_pattern(&dirty, 0xD127);
  room = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(room != MAP_FAILED);
  prepare();
  for (unsigned i = 0; i < sizeof tests / sizeof *tests; i++) {
    if (count > 1 && !strstr(tests[i].name, arguments[1])) continue;
    int failures = check_failures;
    tests[i].function();
    if (check_failures != failures) say("not ok: %s", tests[i].name);
  }
  return finish();
}
