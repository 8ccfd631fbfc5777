// sigreturn(2): random signal frames, most of them good ones with something changed, on every CPU, while other programs
// check their registers. What becomes of each is foreseen: the registers of the frame, initial ones, or SIGSEGV.
//
//   frame-fuzz [--count FRAMES] [--seed SEED] [--first NUMBER] [--leaks]
//
// A failure names the seed and the number of its frame: --seed with --first NUMBER --count 1 makes it again. `--leaks`
// compares free memory before and after, where nothing else runs.
#include "check.h"
#include "extended-state.h"
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <elf.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <ucontext.h>

#define MAGIC1 0x46505853u
#define MAGIC2 0x46505845u
#define PAGE 4096ul
#define LIMIT 0x7FFFFFFFF000ul
#define INITIAL_RIGHTS 0x55555554u

// The kernel's frame: return address, ucontext with a mask of eight bytes, siginfo.
struct frame {
  uint64_t restorer, flags, link;
  uint64_t stack_base, stack_flags, stack_size;
  uint64_t registers[23];
  uint64_t state, reserved[8], mask;
  uint8_t information[128];
};

static struct {
  _Atomic int stop, mismatches;
  _Atomic long checks, frames, arrived, refused, trapped, ends;
  // Of each fuzzing process: whether the present frame may end it, and its number.
  struct {
    _Atomic int may_end;
    _Atomic long number;
  } at[8];
} *shared;

static uint64_t seed;
static long frame_number;
static uint64_t random_number(void) { return splitmix64(&seed); }
static uint64_t below(uint64_t bound) { return random_number() % bound; }

// --- A frame's way into the registers ---

// What the registers are on the other side.
static struct {
  uint64_t general[16], flags;
  state_image state;
} arrived __attribute__((used));

// Where the fuzzer goes on, whatever becomes of the frame.
static uint64_t resume_stack __attribute__((used));
static volatile int outcome;  // 0: arrived; else a signal
static struct {
  int code;
  uint64_t trap;
  greg_t general[23];
  state_image state;
} fault;

extern const uint8_t arrival[], resume[];

// Loads the registers from the frame at `address`. Comes back by `arrival`, or by `resume` from a handler.
__attribute__((naked, noinline)) static void enter_frame(uint64_t address, const int *has_xsave) {
  __asm__ volatile(
    "pushq %rbp\n\tpushq %rbx\n\tpushq %r12\n\tpushq %r13\n\tpushq %r14\n\tpushq %r15\n\tpushq %rsi\n\t"
    "movq %rsp, resume_stack(%rip)\n\t"
    "leaq 8(%rdi), %rsp\n\tmovl $15, %eax\n\tsyscall\n\tud2\n\t"
    ".globl arrival\n\tarrival:\n\t"
    "movq %r8, arrived(%rip)\n\tmovq %r9, arrived+8(%rip)\n\tmovq %r10, arrived+16(%rip)\n\t"
    "movq %r11, arrived+24(%rip)\n\tmovq %r12, arrived+32(%rip)\n\tmovq %r13, arrived+40(%rip)\n\t"
    "movq %r14, arrived+48(%rip)\n\tmovq %r15, arrived+56(%rip)\n\tmovq %rdi, arrived+64(%rip)\n\t"
    "movq %rsi, arrived+72(%rip)\n\tmovq %rbp, arrived+80(%rip)\n\tmovq %rbx, arrived+88(%rip)\n\t"
    "movq %rdx, arrived+96(%rip)\n\tmovq %rax, arrived+104(%rip)\n\tmovq %rcx, arrived+112(%rip)\n\t"
    "movq %rsp, arrived+120(%rip)\n\t"
    "movq resume_stack(%rip), %rsp\n\tpushfq\n\tpopq arrived+128(%rip)\n\t"
    "movl $0, outcome(%rip)\n\t"
    "leaq arrived+192(%rip), %r9\n\tmovq (%rsp), %rsi\n\tcmpl $0, (%rsi)\n\tje 1f\n\t"
    "orl $0, (%r9)\n\torl $0, 4092(%r9)\n\t"  // as STATE_XSAVE does
    "movl $-1, %eax\n\tmovl $-1, %edx\n\tfnop\n\txsave64 (%r9)\n\tjmp 2f\n"
    "1:\tfxsave64 (%r9)\n\t"
    "2:\t.globl resume\n\tresume:\n\t"
    "movq resume_stack(%rip), %rsp\n\tpushq $2\n\tpopfq\n\t"
    "popq %rsi\n\tpopq %r15\n\tpopq %r14\n\tpopq %r13\n\tpopq %r12\n\tpopq %rbx\n\tpopq %rbp\n\tret");
}
_Static_assert(offsetof(__typeof__(arrived), state) == 192, "the assembly says so");

__attribute__((naked, noreturn)) static void leave_handler(void) { __asm__ volatile("jmp resume"); }

// With the flags of a frame: AC would stop the C library.
__attribute__((naked)) static void on_signal(void) {
  __asm__ volatile("pushq $2\n\tpopfq\n\tjmp handle");
}

__attribute__((used)) static void handle(int number, siginfo_t *information, void *opaque) {
  ucontext_t *context = opaque;
  fault.code = information->si_code;
  fault.trap = context->uc_mcontext.gregs[REG_TRAPNO];
  memcpy(fault.general, context->uc_mcontext.gregs, sizeof fault.general);
  memcpy(&fault.state, context->uc_mcontext.fpregs, state.size);
  outcome = number;
  leave_handler();
}

#define STACK_LOST 90
static uint8_t handler_stack[32768] __attribute__((aligned(64)));

static void set_stack(void) {
  stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof handler_stack};
  // The fuzzer's own stack may count as the handlers' now.
  if (sigaltstack(&stack, NULL) != 0) _exit(STACK_LOST);
}

// --- Where frames and states lie ---

// For frames and for states eight pages each, of which the fifth cannot be reached, and a page of code for 32-bit mode.
static uint8_t *frame_room, *state_room, *code32;
#define HOLE(room) ((room) + 4 * PAGE)

// What is put together here is copied to its place at last, as far as that can be reached.
static struct frame model, *frame = &model;
static state_image image;
static uint8_t *saved = image.bytes;
static uint8_t *frame_place, *state_place;

// How many bytes from an address can be read, at most `wanted`.
static uint64_t readable_in(const uint8_t *room, uint64_t address, uint64_t wanted) {
  uint64_t start = (uintptr_t)room;
  if (address < start || address >= start + 8 * PAGE) return 0;
  uint64_t offset = address - start;
  if (offset >= 4 * PAGE && offset < 5 * PAGE) return 0;
  uint64_t end = offset < 4 * PAGE ? 4 * PAGE : 8 * PAGE;
  return end - offset < wanted ? end - offset : wanted;
}
static uint64_t readable(uint64_t address, uint64_t wanted) {
  uint64_t count = readable_in(state_room, address, wanted);
  return count ? count : readable_in(frame_room, address, wanted);
}

static void build(void) {
  frame_place = frame_room + PAGE + 8;
  state_place = state_room + PAGE;
  memset(frame, 0, sizeof *frame);
  frame->flags = (state.has_xsave ? 1 : 0) | 6;
  frame->stack_base = (uintptr_t)handler_stack;
  frame->stack_size = sizeof handler_stack;
  for (int i = 0; i < 16; i++) frame->registers[i] = random_number();
  frame->registers[REG_RIP] = (uintptr_t)arrival;
  frame->registers[REG_EFL] = 0x202;
  frame->registers[REG_CSGSFS] = 0x2Bull << 48 | 0x33;
  frame->state = (uintptr_t)state_place;
  state_pattern(&image, random_number());
  memset(saved + 464, 0, 48);
  state_set32(saved, 464, MAGIC1);
  state_set32(saved, 468, state.size + 4);
  state_set64(saved, 472, state.has_xsave ? state.mask : 0);
  state_set32(saved, 480, state.size);
  if (state.has_xsave) state_set32(saved, state.size, MAGIC2);
}

static uint64_t odd_address(void) {
  switch (below(9)) {
    case 0: return 0;
    case 1: return below(4096);
    case 2: return LIMIT - below(4096);
    case 3: return LIMIT + below(8192);
    case 4: return 0x800000000000ull + random_number() % 0x1000000000000;
    case 5: return 0xFFFF800000000000ull + random_number() % 0x800000000000;
    case 6: return 0xFFFFFFFF80000000ull + below(1 << 30);
    case 7: return random_number();
    default: return -below(4096);
  }
}

// A place for so many bytes, perhaps with their end where nothing can be read.
static uint8_t *place(uint8_t *room, uint64_t size, unsigned alignment) {
  uint8_t *to = below(3) == 0 ? HOLE(room) - below(size + 64) : room + 5 * PAGE + below(PAGE);
  return (uint8_t *)((uintptr_t)to & -(uintptr_t)alignment);
}

// What cannot be foreseen: whether the instruction of this processor looks there.
static int is_uncertain;
// The thread's own memory is out of reach, or SIGSEGV blocked, or the handlers' stack is gone.
static int may_end;
static int changes_stack;

// The changes to an image that apply to one given to ptrace(2) as well.
static void mutate_image(uint8_t *image, uint64_t size) {
  switch (below(9)) {
    case 0: state_set32(image, 24, below(2) ? random_number() : 1u << below(32)); break;
    case 1: if (size > 512) image[512 + below(8)] ^= 1 << below(8); break;
    case 2: if (size > 512) state_set64(image, 512, random_number() & (below(2) ? state.mask : ~0ull)); break;
    case 3: if (size > 512) state_set64(image, 520, below(2) ? 1ull << below(64) : random_number()); break;
    case 4: if (size > 512) image[528 + below(8)] ^= 1 << below(8); break;
    case 5: if (size > 576 && below(4) == 0) image[536 + below(40)] ^= 1 << below(8); break;
    case 6: for (int i = 0; i < 8; i++) image[32 + below(384)] = random_number(); break;
    case 7: if (size > 576) for (int i = 0; i < 8; i++) image[576 + below(size - 576)] = random_number(); break;
    case 8: if (size > 512) state_set64(image, 512, state_get64(image, 512) & random_number()); break;
  }
}

static void mutate(void) {
  switch (below(22)) {
    case 0: case 1: case 2: case 3: case 4: case 5: mutate_image(saved, state.size); break;
    case 6: saved[464 + below(24)] ^= 1 << below(8); break;
    case 7: state_set32(saved, 480, below(2) ? below(state.size + 128) : random_number()); break;
    case 8: state_set32(saved, 468, below(2) ? below(state.size + 128) : random_number()); break;
    case 9: state_set64(saved, 472, random_number() & random_number()); break;
    case 10: if (state.has_xsave) saved[state.size + below(4)] ^= 1 << below(8); break;
    case 11: {
      // A description of a smaller image, with its magic.
      uint32_t size = 576 + (below(state.size + 64) & ~3u);
      state_set32(saved, 480, size);
      state_set32(saved, 468, size + 4);
      if (state.has_xsave && below(2)) state_set32(saved, size, MAGIC2);
      break;
    }
    case 12: frame->state = odd_address(); break;
    case 13: {
      const unsigned alignments[] = {64, 64, 64, 16, 4, 1};
      state_place = place(state_room, state.size + 4, alignments[below(6)]);
      frame->state = (uintptr_t)state_place;
      break;
    }
    case 14: frame_place = place(frame_room, sizeof *frame, below(4) ? 8 : 1); break;
    case 15: frame->registers[REG_EFL] = below(2) ? random_number() : 1ull << below(64); break;
    case 16: frame->registers[REG_RIP] = odd_address(); break;
    case 17: {
      const uint16_t selectors[] = {0, 0x10, 0x18, 0x20, 0x23, 0x28, 0x2B, 0x30, 0x33, 0x38, 0x40, 0x48, 0x4B, 0x7B, 0x34};
      uint16_t code = below(3) ? selectors[below(15)] : random_number();
      uint16_t stack = below(3) ? 0x2B : below(3) ? selectors[below(15)] : random_number();
      if (below(2)) code = 0x33;
      frame->registers[REG_CSGSFS] = (uint64_t)stack << 48 | (random_number() & 0xFFFFFFFF0000) | code;
      break;
    }
    case 18: frame->flags = random_number(); break;
    case 19: frame->mask = random_number(); break;
    case 20:
      if (below(8) == 0) {
        frame->stack_base = below(2) ? odd_address() : (uintptr_t)handler_stack;
        frame->stack_size = below(2) ? random_number() : below(8192);
        frame->stack_flags = below(2) ? random_number() : below(4);
        changes_stack = 1;
      }
      break;
    case 21:
      if (state.has_rights && below(8) == 0) state_set32(saved, state.offset[RIGHTS], random_number());
      break;
  }
}

// --- What is to come of it ---

enum { REFUSED, LEGACY, EXTENDED, NO_STATE };

static uint64_t loaded;  // components that come from the frame

static int foresee_state(void) {
  uint64_t address = frame->state, total = state.size + (state.has_xsave ? 4 : 0);
  if (address == 0) return NO_STATE;
  if (address > LIMIT || LIMIT - address < total) return REFUSED;
  uint64_t there = readable(address, total);
  int is_extended = 0;
  loaded = 3;
  if (state.has_xsave) {
    if (there < 512) return REFUSED;
    uint32_t size = state_get32(saved, 480);
    if (state_get32(saved, 464) == MAGIC1 && size >= 576 && size <= state.size && size <= state_get32(saved, 468)) {
      if (there < size + 4) return REFUSED;
      is_extended = state_get32(saved, size) == MAGIC2;
    }
  }
  if (!is_extended) {
    if (there < 416) return REFUSED;
    if (there < 512) is_uncertain = 1;
    if (address & 15) return REFUSED;
    if (state_get32(saved, 24) & ~state.mxcsr_mask) return REFUSED;
    return LEGACY;
  }
  uint64_t wanted = state_get64(saved, 472) & state.mask, held = state_get64(saved, 512);
  uint64_t compaction = state_get64(saved, 520);
  if (address & 63) return REFUSED;
  if (wanted & 6 && state_get32(saved, 24) & ~state.mxcsr_mask) return REFUSED;
  if (held & ~state.mask) return REFUSED;
  if (compaction >> 63 && state.has_compaction) {
    is_uncertain = 1;
  } else if (compaction || state_get64(saved, 528)) {
    return REFUSED;
  }
  // What lies behind is not looked at by all processors, and not by all for nothing.
  for (int offset = 536; offset < 576; offset++) is_uncertain |= saved[offset] != 0;
  if (wanted == 0 || there < total) is_uncertain = 1;
  loaded = wanted & held;
  if (wanted & 2) loaded |= 1ull << 63;  // MXCSR, whatever XSTATE_BV says
  return EXTENDED;
}

// The state that the thread then has.
static void foresee_registers(int kind, state_image *expected) {
  state_initial(expected);
  if (kind == REFUSED || kind == NO_STATE) {
    if (state.has_rights) state_set32(expected, state.offset[RIGHTS], INITIAL_RIGHTS);
    return;
  }
  uint64_t from = kind == LEGACY ? 3 | 1ull << 63 : loaded;
  if (from & 1) {
    memcpy(expected, saved, 24);
    memcpy(expected->bytes + 32, saved + 32, 128);
  }
  if (from & 2) memcpy(expected->bytes + 160, saved + 160, 256);
  if (from >> 63) memcpy(expected->bytes + 24, saved + 24, 4);
  for (int number = 2; number < COMPONENTS; number++) {
    if (from >> number & 1 && state.length[number])
      memcpy(expected->bytes + state.offset[number], saved + state.offset[number], state.length[number]);
  }
}

static int failures;
__attribute__((format(printf, 1, 2)))
static void fail(const char *format, ...) {
  char text[200];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (failures++ < 10) say("not ok: frame %ld: %s", frame_number, text);
}

// Neither more nor less than what a frame may do.
static void check_outcome(void) {
  is_uncertain = 0;
  uint64_t rip = frame->registers[REG_RIP];
  int is_readable = readable((uintptr_t)frame_place + 8, 304) == 304;
  int kind = is_readable ? foresee_state() : REFUSED;
  uint16_t code = frame->registers[REG_CSGSFS] | 3, stack = frame->registers[REG_CSGSFS] >> 48 | 3;
  if (!(frame->flags & 4) && code == 0x33) stack = 0x2B;
  int arrives = kind != REFUSED && code == 0x33 && stack == 0x2B && rip == (uintptr_t)arrival;
  if (frame->registers[REG_EFL] & 0x100) arrives = 0;
  if (!is_uncertain && arrives != (outcome == 0)) {
    // A pending exception in an x87 state of random bytes, or alignment checks, may be noticed behind.
    if (!(arrives && (outcome == SIGFPE || (outcome == SIGBUS && frame->registers[REG_EFL] & 0x40000))))
      return fail("%s (kind %d, signal %d, code %d, trap %d)", arrives ? "was refused" : "arrived", kind, outcome,
        fault.code, (int)fault.trap);
  }
  state_image expected;
  const state_image *found = outcome == 0 ? &arrived.state : &fault.state;
  if (is_readable) {
    foresee_registers(kind, &expected);
    int component = state_difference(&expected, found);
    if (component == X87 && memcmp(&expected, found, 4) != 0) {
      // Random control and status words are put right by the processor.
      state_image other = expected;
      memcpy(&other, found, 5);
      component = state_difference(&other, found);
    }
    if (component >= 0 && is_uncertain) {
      foresee_registers(REFUSED, &expected);
      component = state_get64(saved, 520) >> 63 ? -1 : state_difference(&expected, found);
    }
    if (component >= 0) {
      int offset = 0;
      while (offset < (int)state.size && expected.bytes[offset] == found->bytes[offset]) offset++;
      return fail("%s is not as it should be (kind %d, signal %d, byte %d: %02x, not %02x)", state_name(component), kind,
        outcome, offset, found->bytes[offset], expected.bytes[offset]);
    }
    // The general registers arrive even where the state is refused.
    for (int i = 0; i < 15; i++) {
      uint64_t value = outcome == 0 ? arrived.general[i] : (uint64_t)fault.general[i];
      // 32-bit code has run, or the fuzzer's own behind the return.
      if (outcome != 0 && kind != REFUSED && (code == 0x23 || rip == (uintptr_t)arrival)) break;
      // The call that was refused returns 0.
      int is_result = i == REG_RAX && (kind == REFUSED || (is_uncertain && value == 0));
      uint64_t wanted = is_result ? 0 : frame->registers[i];
      if (value != wanted) return fail("register %d is %#lx, not %#lx (signal %d)", i, value, wanted, outcome);
    }
  } else if (outcome != SIGSEGV || fault.code != SI_KERNEL) {
    fail("a frame that cannot be read gave signal %d, code %d", outcome, fault.code);
  }
}

static void one(int process) {
  build();
  may_end = 0;
  changes_stack = 0;
  unsigned changes = below(4);
  for (unsigned i = 0; i < changes; i++) mutate();
  uint16_t code = frame->registers[REG_CSGSFS] | 3;
  // 32-bit code, which makes a system call that there is not.
  if (code == 0x23) frame->registers[REG_RIP] = (uintptr_t)code32 + below(4);
  int blocked = frame->mask & (1 << (SIGSEGV - 1) | 1 << (SIGTRAP - 1) |
    1 << (SIGBUS - 1) | 1 << (SIGFPE - 1) | 1 << (SIGILL - 1));
  int rights = state.has_rights && state_get32(saved, state.offset[RIGHTS]) & 3;
  may_end = blocked || rights || changes_stack;
  shared->at[process].may_end = may_end;
  shared->at[process].number = frame_number;
  uint64_t size = state.size + (state.has_xsave ? 4 : 0);
  memcpy(state_place, saved, readable((uintptr_t)state_place, size));
  memcpy(frame_place, frame, readable((uintptr_t)frame_place, sizeof *frame));
  outcome = -1;
  enter_frame((uintptr_t)frame_place, &state.has_xsave);
  state_usual();
  if (changes_stack) set_stack();
  // The next frame may be refused before its mask is looked at.
  if (frame->mask) {
    uint64_t none = 0;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, 8);
  }
  check_outcome();
  shared->frames++;
  if (outcome == 0) shared->arrived++;
  else if (outcome == SIGSEGV) shared->refused++;
  else shared->trapped++;
}

// Numbers of frames from `first` on. Each has a seed of its own, so that the next can be made without it.
static void fuzz(int process, uint64_t base, long first, long last) {
  for (frame_number = first; frame_number < last && failures < 10; frame_number++) {
    seed = base + (uint64_t)frame_number * 0x9E3779B97F4A7C15;
    one(process);
  }
  shared->at[process].may_end = 0;
  _exit(failures ? 1 : 0);
}

// --- Images by ptrace(2) ---

// What the traced child has in its registers when it stops, and what it has when it goes on.
static struct {
  state_image in, out, found;
} *traced;

static void be_traced(void) {
  if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) _exit(errno == ENOSYS ? SKIPPED : 2);
  for (uint64_t number = 1;; number++) {
    state_pattern(&traced->in, number << 40);
    state_through(&traced->in, &traced->out, SYS_kill, getpid(), SIGSTOP, 0);
    traced->found = traced->out;
  }
}

// Random images, changed as those of frames are: each is taken whole, or refused with nothing changed.
static void trace(long count) {
  if (!state.has_xsave) return;
  traced = mmap(NULL, sizeof *traced, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(traced != MAP_FAILED);
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) be_traced();
  int status = 0;
  long taken = 0, refused = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED) return;
  for (frame_number = 0; frame_number < count && failures < 10; frame_number++) {
    if (!WIFSTOPPED(status)) return fail("the traced program has ended with %#x", status);
    state_pattern(&image, random_number());
    unsigned changes = below(3);
    for (unsigned i = 0; i < changes; i++) mutate_image(image.bytes, state.size);
    struct iovec part = {image.bytes, below(8) ? state.size : below(state.size + 64)};
    uint64_t held = state_get64(&image, 512);
    int is_good = (held & ~state.mask) == 0, is_sse = (held & 7) != 0;
    for (int offset = 520; offset < 576; offset++) is_good = is_good && image.bytes[offset] == 0;
    if (is_sse && state_get32(&image, 24) & ~state.mxcsr_mask) is_good = 0;
    if (part.iov_len < state.size || part.iov_len % 8 != 0) is_good = 0;
    if (state.has_rights) state_set32(&image, state.offset[RIGHTS], state_get32(&image, state.offset[RIGHTS]) & ~3u);
    int result = ptrace(PTRACE_SETREGSET, child, (void *)(long)NT_X86_XSTATE, &part);
    if ((result == 0) != is_good) return fail("an image was %s (components %#llx, MXCSR %#x)", is_good ? "refused" : "taken",
      (unsigned long long)held, state_get32(&image, 24));
    state_image expected = traced->in;
    uint32_t before = state_get32(&expected, 24);
    if (is_good) {
      saved = image.bytes;
      loaded = held | (is_sse ? 1ull << 63 : 0);
      foresee_registers(EXTENDED, &expected);
      taken++;
    } else {
      refused++;
    }
    if (ptrace(PTRACE_CONT, child, NULL, NULL) != 0) return fail("the traced program cannot go on");
    // It stops again in the next round; `in` is that of the next.
    if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) return fail("the traced program has ended");
    const state_image *found = &traced->found;
    // Without SSE it is the image's or initial, as the kernel's own format has it; or that of before.
    uint32_t mxcsr = state_get32(found, 24);
    if (is_good && !(held & 2) && (mxcsr == 0x1F80 || mxcsr == state_get32(&image, 24) || (!is_sse && mxcsr == before)))
      state_set32(&expected, 24, mxcsr);
    int component = state_difference(&expected, found);
    if (component == X87 && is_good) {
      // Random control and status words are put right by the processor.
      memcpy(&expected, found, 5);
      component = state_difference(&expected, found);
    }
    if (component >= 0) fail("%s of a traced program is wrong after an image that is %s", state_name(component),
      is_good ? "good" : "bad");
  }
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  say("%ld images by ptrace: %ld taken, %ld refused", frame_number, taken, refused);
}

// --- All of it ---

static state_image in, out;

// Has a pattern in every register, and looks whether it stays.
static void witness(uint64_t first) {
  const volatile uint32_t *stop = (const volatile uint32_t *)&shared->stop;
  while (!shared->stop) {
    state_pattern(&in, first++);
    state_spin(&in, &out, stop, 20000);
    shared->checks++;
    if (state_difference(&in, &out) >= 0) shared->mismatches++;
  }
  _exit(0);
}

static long free_bytes(void) {
  struct sysinfo information;
  return sysinfo(&information) == 0 ? (long)(information.freeram * information.mem_unit) : 0;
}

int main(int count, char **arguments) {
  long frames = 20000, first = 0;
  uint64_t base = 1;
  int looks_for_leaks = 0;
  for (int i = 1; i < count; i++) {
    if (strcmp(arguments[i], "--leaks") == 0) looks_for_leaks = 1;
    if (i + 1 == count) break;
    if (strcmp(arguments[i], "--count") == 0) frames = atol(arguments[i + 1]);
    if (strcmp(arguments[i], "--seed") == 0) base = strtoull(arguments[i + 1], NULL, 0);
    if (strcmp(arguments[i], "--first") == 0) first = atol(arguments[i + 1]);
  }
  state_find();
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  frame_room = mmap(NULL, 20 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  code32 = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  REQUIRE(shared != MAP_FAILED && frame_room != MAP_FAILED && code32 != MAP_FAILED);
  state_room = frame_room + 10 * PAGE;
  REQUIRE(mprotect(HOLE(frame_room), PAGE, PROT_NONE) == 0 && mprotect(HOLE(state_room), PAGE, PROT_NONE) == 0);
  // SYSCALL, SYSENTER, INT 80h are what 32-bit code could call the kernel by; then a breakpoint.
  memset(code32, 0xCC, PAGE);
  memcpy(code32, "\x90\x0f\x05\x90", 4);
  REQUIRE(mprotect(code32, PAGE, PROT_READ | PROT_EXEC) == 0);
  int signals[] = {SIGSEGV, SIGBUS, SIGTRAP, SIGFPE, SIGILL};
  for (int i = 0; i < 5; i++) {
    struct sigaction action = {.sa_handler = (void (*)(int))(void *)on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    REQUIRE(sigaction(signals[i], &action, NULL) == 0);
  }
  set_stack();
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);

  cpu_set_t set;
  REQUIRE(sched_getaffinity(0, sizeof set, &set) == 0);
  int processes = CPU_COUNT(&set) < 4 ? CPU_COUNT(&set) : 4;
  pid_t witnesses[4], fuzzers[4];
  for (int i = 0; i < processes; i++) {
    witnesses[i] = fork();
    REQUIRE(witnesses[i] >= 0);
    if (witnesses[i] == 0) witness((uint64_t)(i + 1) << 32);
  }
  // In rounds, each by new processes; a frame that ends its process is followed by the next in another.
  const long in_round = frames < 8 * processes * 500L ? (frames + processes - 1) / processes : 5000;
  long next = first, at_first = 0;
  int round = 0;
  while (next < first + frames && check_failures == 0) {
    long starts[4], ends[4];
    int live = 0;
    for (int i = 0; i < processes; i++) {
      starts[i] = next;
      next = next + in_round < first + frames ? next + in_round : first + frames;
      ends[i] = next;
      fuzzers[i] = 0;
      if (starts[i] == ends[i]) continue;
      fuzzers[i] = fork();
      REQUIRE(fuzzers[i] >= 0);
      if (fuzzers[i] == 0) fuzz(i, base, starts[i], ends[i]);
      live++;
    }
    while (live > 0) {
      int status = 0, index = 0;
      pid_t ended = waitpid(-1, &status, 0);
      REQUIRE(ended > 0);
      while (index < processes && fuzzers[index] != ended) index++;
      if (index == processes) {
        say("not ok: a witness has ended with %#x", status);
        check_failures++;
        break;
      }
      long number = shared->at[index].number;
      if ((WIFSIGNALED(status) || status == STACK_LOST << 8) && shared->at[index].may_end) {
        shared->ends++;
        shared->frames++;
        fuzzers[index] = fork();
        REQUIRE(fuzzers[index] >= 0);
        if (fuzzers[index] == 0) fuzz(index, base, number + 1, ends[index]);
        continue;
      }
      if (status != 0) {
        say("not ok: seed %llu, frame %ld: status %#x", (unsigned long long)base, number, status);
        check_failures++;
      }
      live--;
    }
    round++;
    if (round == 2) at_first = free_bytes();
  }
  long at_last = free_bytes();
  seed = base;
  trace(frames / 40);
  check_failures += failures;
  // A witness may never have had a CPU yet.
  for (int turn = 0; turn < 20000 && shared->checks == 0; turn++) usleep(1000);
  shared->stop = 1;
  for (int i = 0; i < processes; i++) waitpid(witnesses[i], NULL, 0);
  CHECK_EQUAL(shared->mismatches, 0);
  CHECK(shared->checks > 0);
  say("%ld frames: %ld arrived, %ld refused, %ld trapped, %ld ended their process; %ld checks of others",
    shared->frames, shared->arrived, shared->refused, shared->trapped, shared->ends, shared->checks);
  if (looks_for_leaks && at_first) {
    say("free memory: %ld KiB after two rounds, %ld KiB after %d", at_first / 1024, at_last / 1024, round);
    CHECK(at_last > at_first - (1 << 20));
  }
  return finish();
}
