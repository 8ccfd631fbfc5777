// ptrace(2): the register sets, read and written by a tracer while other threads use the same CPUs' registers.
#include "tracing.h"
#include "extended-state.h"
#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/user.h>

#define NT_PRSTATUS 1
#define NT_PRFPREG 2
#define NT_X86_XSTATE 0x202

#define REGISTER(name) offsetof(struct user_regs_struct, name)

// What a tracee shows of itself, in memory that its tracer sees too.
struct shown {
  uint8_t vectors[16][32];
  uint8_t x87[108];
  uint32_t mxcsr, rights;
  volatile int value;
};
static struct shown *shown;

static uint8_t pattern(int number, int byte) { return (uint8_t)(number * 37 + byte * 11 + 5); }

#define ALL(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11) M(12) M(13) M(14) M(15)
#define LOAD_Y(n) "vmovups " #n "*32(%%r8), %%ymm" #n "\n\t"
#define STORE_Y(n) "vmovups %%ymm" #n ", " #n "*32(%%r8)\n\t"
#define LOAD_X(n) "movups " #n "*32(%%r8), %%xmm" #n "\n\t"
#define STORE_X(n) "movups %%xmm" #n ", " #n "*32(%%r8)\n\t"
#define VECTORS \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", \
    "xmm14", "xmm15"

// Fills the registers, stops for the tracer, and stores what it then finds.
static void __attribute__((noinline)) fill_and_stop(void) {
  struct shown image;
  for (int number = 0; number < 16; number++)
    for (int i = 0; i < 32; i++) image.vectors[number][i] = pattern(number, i);
  uint32_t mxcsr = 0x7F80;
  uint16_t control = 0x0F7F;
#define BODY(LOAD, STORE) \
  __asm__ volatile( \
    "fninit\n\tfldcw %[control]\n\tfldpi\n\tfld1\n\tldmxcsr %[mxcsr]\n\tmovq %[in], %%r8\n\t" ALL(LOAD) \
    "int3\n\tmovq %[out], %%r8\n\t" ALL(STORE) \
    "fnsave %[x87]\n\tstmxcsr %[saved]\n\tldmxcsr %[usual]\n\tfninit\n\t" \
    : [x87] "=m"(shown->x87), [saved] "=m"(shown->mxcsr) \
    : [in] "r"(image.vectors), [out] "r"(shown->vectors), [control] "m"(control), [mxcsr] "m"(mxcsr), \
      [usual] "m"((const uint32_t){0x1F80}) \
    : "r8", "memory", VECTORS)
  if (state.has_avx) {
    BODY(LOAD_Y, STORE_Y);
    __asm__ volatile("vzeroupper");
  } else {
    BODY(LOAD_X, STORE_X);
  }
  if (state.has_rights) {
    uint32_t high;
    __asm__ volatile("rdpkru" : "=a"(shown->rights), "=d"(high) : "c"(0));
  }
}

// The tracee has a CPU of its own where there are two: what is left of its registers there must not come back when its
// tracer has written others.
static pid_t traced_alone(void (*body)(void)) { return traced_on(0, body); }

static void continue_to_trap(pid_t pid) {
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  CHECK_WAIT(pid, STOPPED(SIGTRAP, 0));
}

static void finish_tracee(pid_t pid, int status) {
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  int found = -1;
  CHECK_EQUAL(waitpid(pid, &found, 0), pid);
  CHECK_EQUAL(found, status);
}

static long get_set(pid_t pid, int set, void *base, size_t size, size_t *length) {
  struct iovec vector = {base, size};
  long result = trace(PTRACE_GETREGSET, pid, set, (uintptr_t)&vector);
  if (length) *length = vector.iov_len;
  return result;
}
static long put_set(pid_t pid, int set, void *base, size_t size) {
  struct iovec vector = {base, size};
  return trace(PTRACE_SETREGSET, pid, set, (uintptr_t)&vector);
}

static uint8_t image[8192] __attribute__((aligned(64)));

static void a_tracer_sees_every_register(void) {
  pid_t pid = traced_alone(fill_and_stop);
  continue_to_trap(pid);
  struct user_fpregs_struct legacy;
  CHECK_EQUAL(trace(PTRACE_GETFPREGS, pid, 0, (uintptr_t)&legacy), 0);
  CHECK_EQUAL(legacy.cwd, 0x0F7F);
  CHECK_EQUAL(legacy.mxcsr, 0x7F80);
  CHECK_EQUAL(legacy.ftw, 0xC0);
  for (int number = 0; number < 16; number++)
    for (int i = 0; i < 16; i++) CHECK_EQUAL(((uint8_t *)legacy.xmm_space)[number * 16 + i], pattern(number, i));
  static const uint8_t one[10] = {0, 0, 0, 0, 0, 0, 0, 0x80, 0xFF, 0x3F};
  CHECK(memcmp(legacy.st_space, one, 10) == 0);
  size_t length;
  memset(image, 0xEE, sizeof image);
  CHECK_EQUAL(get_set(pid, NT_PRFPREG, image, sizeof image, &length), 0);
  CHECK_EQUAL(length, 512);
  CHECK(memcmp(image, &legacy, 416) == 0);
  CHECK_EQUAL(image[512], 0xEE);
  if (state.has_xsave) {
    memset(image, 0xEE, sizeof image);
    CHECK_EQUAL(get_set(pid, NT_X86_XSTATE, image, sizeof image, &length), 0);
    CHECK_EQUAL(length, state.size);
    CHECK_EQUAL(image[length], 0xEE);
    // Linux tells the components that there are where a debugger looks for them.
    uint64_t components;
    memcpy(&components, image + 464, 8);
    CHECK((components & 3) == 3);
    CHECK_EQUAL(!!(components & 4), state.has_avx);
    if (state.has_avx)
      for (int number = 0; number < 16; number++)
        for (int i = 0; i < 16; i++) CHECK_EQUAL(image[state.offset[AVX] + number * 16 + i], pattern(number, 16 + i));
    // Less is read where there is less room.
    memset(image, 0xEE, 1024);
    CHECK_EQUAL(get_set(pid, NT_X86_XSTATE, image, 576, &length), 0);
    CHECK_EQUAL(length, 576);
    CHECK_EQUAL(image[576], 0xEE);
    CHECK_ERROR(get_set(pid, NT_X86_XSTATE, image, 577, 0), EINVAL);
  } else {
    CHECK_ERROR(get_set(pid, NT_X86_XSTATE, image, sizeof image, 0), ENODEV);
  }
  CHECK_ERROR(get_set(pid, 0x999, image, sizeof image, 0), EINVAL);
  CHECK_ERROR(get_set(pid, NT_PRFPREG, (void *)8, 512, 0), EFAULT);
  finish_tracee(pid, 0);
  // Nothing was changed by being looked at.
  for (int number = 0; number < 16; number++)
    for (int i = 0; i < (state.has_avx ? 32 : 16); i++) CHECK_EQUAL(shown->vectors[number][i], pattern(number, i));
  CHECK_EQUAL(shown->mxcsr, 0x7F80);
}

static void what_a_tracer_writes_the_tracee_has(void) {
  pid_t pid = traced_alone(fill_and_stop);
  continue_to_trap(pid);
  struct user_fpregs_struct legacy;
  CHECK_EQUAL(trace(PTRACE_GETFPREGS, pid, 0, (uintptr_t)&legacy), 0);
  memset((uint8_t *)legacy.xmm_space + 16, 0x5A, 16);
  legacy.mxcsr = 0x3F80;
  CHECK_EQUAL(trace(PTRACE_SETFPREGS, pid, 0, (uintptr_t)&legacy), 0);
  if (state.has_avx) {
    CHECK_EQUAL(get_set(pid, NT_X86_XSTATE, image, state.size, 0), 0);
    // The upper halves are as they were.
    CHECK_EQUAL(image[state.offset[AVX] + 16], pattern(1, 16));
    CHECK_EQUAL(image[160 + 16], 0x5A);
    memset(image + state.offset[AVX] + 3 * 16, 0x77, 16);
    if (state.has_rights) {
      uint32_t rights = 0x55555550;
      memcpy(image + state.offset[RIGHTS], &rights, 4);
      image[513] |= 2;
    }
    CHECK_EQUAL(put_set(pid, NT_X86_XSTATE, image, state.size), 0);
  }
  finish_tracee(pid, 0);
  CHECK_EQUAL(shown->mxcsr, 0x3F80);
  for (int number = 0; number < 16; number++)
    for (int i = 0; i < (state.has_avx ? 32 : 16); i++) {
      int expected = pattern(number, i);
      if (number == 1 && i < 16) expected = 0x5A;
      if (number == 3 && i >= 16) expected = 0x77;
      CHECK_EQUAL(shown->vectors[number][i], expected);
    }
  if (state.has_avx && state.has_rights) CHECK_EQUAL(shown->rights, 0x55555550);
}

static void initial_components_read_as_initial_values(void) {
  if (!state.has_xsave) return;
  pid_t pid = traced_alone(fill_and_stop);
  continue_to_trap(pid);
  CHECK_EQUAL(get_set(pid, NT_X86_XSTATE, image, state.size, 0), 0);
  // Every component but PKRU goes, one after the other, though its bytes stay behind.
  for (int bit = 2; bit >= 0; bit--) {
    image[512] &= (uint8_t) ~(1 << bit);
    CHECK_EQUAL(put_set(pid, NT_X86_XSTATE, image, state.size), 0);
    static uint8_t seen[8192] __attribute__((aligned(64)));
    memset(seen, 0xEE, sizeof seen);
    CHECK_EQUAL(get_set(pid, NT_X86_XSTATE, seen, state.size, 0), 0);
    if (state.has_avx)
      for (int i = 0; i < 256; i++) CHECK_EQUAL(seen[state.offset[AVX] + i], bit <= 2 ? 0 : image[state.offset[AVX] + i]);
    for (int i = 0; i < 256; i++) CHECK_EQUAL(seen[160 + i], bit <= 1 ? 0 : image[160 + i]);
    if (bit == 0) {
      CHECK_EQUAL(seen[0] | seen[1] << 8, 0x037F);
      for (int i = 32; i < 160; i++) CHECK_EQUAL(seen[i], 0);
    }
  }
  finish_tracee(pid, 0);
  for (int number = 0; number < 16; number++)
    for (int i = 0; i < (state.has_avx ? 32 : 16); i++) CHECK_EQUAL(shown->vectors[number][i], 0);
}

static void bad_images_are_refused_and_change_nothing(void) {
  pid_t pid = traced_alone(fill_and_stop);
  continue_to_trap(pid);
  struct user_fpregs_struct legacy;
  CHECK_EQUAL(trace(PTRACE_GETFPREGS, pid, 0, (uintptr_t)&legacy), 0);
  legacy.mxcsr |= 1u << 31;
  memset(legacy.xmm_space, 1, 256);
  CHECK_ERROR(trace(PTRACE_SETFPREGS, pid, 0, (uintptr_t)&legacy), EINVAL);
  CHECK_ERROR(trace(PTRACE_SETFPREGS, pid, 0, 8), EFAULT);
  CHECK_ERROR(put_set(pid, NT_PRFPREG, &legacy, 256), EINVAL);
  if (state.has_xsave) {
    static const struct {
      int offset, mask;
    } changes[] = {{27, 0x80}, {519, 0x40}, {515, 0x10}, {520, 1}, {527, 0x80}, {528, 1}, {575, 1}};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
      CHECK_EQUAL(get_set(pid, NT_X86_XSTATE, image, state.size, 0), 0);
      memset(image + 160, 2, 256);
      image[512] |= 3;
      image[changes[i].offset] |= (uint8_t)changes[i].mask;
      CHECK_ERROR(put_set(pid, NT_X86_XSTATE, image, state.size), EINVAL);
    }
    CHECK_EQUAL(get_set(pid, NT_X86_XSTATE, image, state.size, 0), 0);
    CHECK_ERROR(put_set(pid, NT_X86_XSTATE, image, state.size - 8), EFAULT);
    CHECK_ERROR(put_set(pid, NT_X86_XSTATE, (void *)8, state.size), EFAULT);
  }
  finish_tracee(pid, 0);
  for (int number = 0; number < 16; number++)
    for (int i = 0; i < (state.has_avx ? 32 : 16); i++) CHECK_EQUAL(shown->vectors[number][i], pattern(number, i));
}

static void reports_registers(void) {
  unsigned long result, flags;
  __asm__ volatile("xorl %%eax, %%eax; movl $1, %%ebx; cmpl %%ebx, %%ebx; int3; pushfq; popq %1"
                   : "=a"(result), "=r"(flags) : : "rbx", "cc", "memory");
  _exit(result == 0x1234 && (flags & 0x401) == 0x401 && !(flags & 0x3000) ? 21 : 22);
}

static void general_registers_are_read_and_written(void) {
  pid_t pid = traced_alone(reports_registers);
  continue_to_trap(pid);
  struct user_regs_struct registers, again;
  CHECK_EQUAL(trace(PTRACE_GETREGS, pid, 0, (uintptr_t)&registers), 0);
  CHECK_EQUAL(registers.rax, 0);
  CHECK_EQUAL(registers.rbx, 1);
  CHECK_EQUAL(registers.cs, 0x33);
  CHECK_EQUAL(registers.ss, 0x2B);
  CHECK_EQUAL(registers.ds | registers.es | registers.fs | registers.gs, 0);
  CHECK_EQUAL(registers.orig_rax, -1);
  CHECK((registers.eflags & 0x240) == 0x240);
  size_t length;
  CHECK_EQUAL(get_set(pid, NT_PRSTATUS, &again, sizeof again, &length), 0);
  CHECK_EQUAL(length, sizeof again);
  CHECK(memcmp(&registers, &again, sizeof again) == 0);
  unsigned long value = 0;
  CHECK_EQUAL(trace(PTRACE_PEEKUSER, pid, REGISTER(fs_base), (uintptr_t)&value), 0);
  CHECK_EQUAL(value, registers.fs_base);
  CHECK(value != 0);
  // The rest of the area reads as 0, and what is not aligned or outside is not read.
  CHECK_EQUAL(trace(PTRACE_PEEKUSER, pid, 400, (uintptr_t)&value), 0);
  CHECK_EQUAL(value, 0);
  CHECK_EQUAL(trace(PTRACE_PEEKUSER, pid, offsetof(struct user, u_debugreg[0]), (uintptr_t)&value), 0);
  CHECK_EQUAL(value, 0);
  CHECK_ERROR(trace(PTRACE_PEEKUSER, pid, 4, (uintptr_t)&value), EIO);
  CHECK_ERROR(trace(PTRACE_PEEKUSER, pid, 928, (uintptr_t)&value), EIO);
  CHECK_ERROR(trace(PTRACE_PEEKUSER, pid, -8, (uintptr_t)&value), EIO);
  CHECK_ERROR(trace(PTRACE_PEEKUSER, pid, 0, 8), EFAULT);
  CHECK_ERROR(trace(PTRACE_POKEUSER, pid, 400, 0), EIO);
  CHECK_ERROR(trace(PTRACE_GETREGS, pid, 0, 8), EFAULT);
  // Selectors of the kernel's, none at all, and segments in its half.
  CHECK_ERROR(trace(PTRACE_POKEUSER, pid, REGISTER(cs), 0x10), EIO);
  CHECK_ERROR(trace(PTRACE_POKEUSER, pid, REGISTER(cs), 0), EIO);
  CHECK_ERROR(trace(PTRACE_POKEUSER, pid, REGISTER(ss), 0x18), EIO);
  CHECK_ERROR(trace(PTRACE_POKEUSER, pid, REGISTER(ss), 0), EIO);
  CHECK_ERROR(trace(PTRACE_POKEUSER, pid, REGISTER(ds), 0x10), EIO);
  CHECK_ERROR(trace(PTRACE_POKEUSER, pid, REGISTER(fs_base), 0xFFFF800000000000), EIO);
  CHECK_ERROR(trace(PTRACE_POKEUSER, pid, REGISTER(gs_base), 1ul << 48), EIO);
  // Of the flags a debugger changes what a program could: not IOPL, not the interrupt flag.
  registers.rax = 0x1234;
  registers.eflags = (registers.eflags & ~0x200ul) | 0x3000 | 0x401;
  CHECK_EQUAL(trace(PTRACE_SETREGS, pid, 0, (uintptr_t)&registers), 0);
  CHECK_EQUAL(trace(PTRACE_GETREGS, pid, 0, (uintptr_t)&again), 0);
  CHECK_EQUAL(again.eflags & 0x3601, 0x601);
  registers.gs_base = 0x123000;
  CHECK_EQUAL(put_set(pid, NT_PRSTATUS, &registers, sizeof registers), 0);
  CHECK_EQUAL(trace(PTRACE_PEEKUSER, pid, REGISTER(gs_base), (uintptr_t)&value), 0);
  CHECK_EQUAL(value, 0x123000);
  finish_tracee(pid, 21 << 8);
}

static void an_address_that_is_none_faults_in_the_tracee(void) {
  static const unsigned long addresses[] = {1ul << 47, 1ul << 62, 0xFFFF7FFFFFFFFFFF, 0xFFFF800000000000, 8};
  for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
    pid_t pid = traced_alone(reports_registers);
    continue_to_trap(pid);
    CHECK_EQUAL(trace(PTRACE_POKEUSER, pid, REGISTER(rip), addresses[i]), 0);
    unsigned long value = 0;
    CHECK_EQUAL(trace(PTRACE_PEEKUSER, pid, REGISTER(rip), (uintptr_t)&value), 0);
    CHECK_EQUAL(value, addresses[i]);
    CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
    CHECK_WAIT(pid, STOPPED(SIGSEGV, 0));
    CHECK_EQUAL(trace(PTRACE_SINGLESTEP, pid, 0, 0), 0);
    CHECK_WAIT(pid, STOPPED(SIGSEGV, 0));
    CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, SIGSEGV), 0);
    int status = 0;
    CHECK_EQUAL(waitpid(pid, &status, 0), pid);
    CHECK_EQUAL(status & 0x7F, SIGSEGV);
  }
}

// Threads that keep values in all registers, and are stopped, looked at, moved and changed all the time.
static volatile int *running;
static void *keeper(void *argument) {
  long number = (long)argument;
  uint8_t values[16][32], found[16][32];
  unsigned char turn = (unsigned char)(number * 50);
  for (;;) {
    for (int i = 0; i < 512; i++) values[i / 32][i % 32] = (uint8_t)(turn + i);
#define KEEP(LOAD, STORE) \
  __asm__ volatile("movq %0, %%r8\n\t" ALL(LOAD) "movl $200000, %%ecx\n1:\tdecl %%ecx\n\tjnz 1b\n\tmovq %1, %%r8\n\t" \
                   ALL(STORE) : : "r"(values), "r"(found) : "r8", "rcx", "memory", VECTORS)
    if (state.has_avx) {
      KEEP(LOAD_Y, STORE_Y);
      __asm__ volatile("vzeroupper");
    } else {
      memset(found, 0, sizeof found);
      KEEP(LOAD_X, STORE_X);
      for (int n = 0; n < 16; n++) memcpy(found[n] + 16, values[n] + 16, 16);
    }
    // The tracer adds 1 to the first byte of XMM5, for it to be seen.
    if (found[5][0] != values[5][0]) __atomic_add_fetch(&running[20 + number], 1, __ATOMIC_SEQ_CST);
    found[5][0] = values[5][0];
    if (memcmp(found, values, sizeof found)) __atomic_add_fetch(&running[10], 1, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&running[number], 1, __ATOMIC_SEQ_CST);
    turn++;
  }
  return 0;
}

enum { KEEPERS = 3 };
static void keeps(void) {
  cpu_set_t all;
  memset(&all, 0xFF, sizeof all);
  sched_setaffinity(0, sizeof all, &all);
  pthread_t thread;
  for (long i = 0; i < KEEPERS; i++) pthread_create(&thread, 0, keeper, (void *)i);
  for (;;) pause();
}

static void registers_of_running_threads_are_their_own(void) {
  running = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(running != MAP_FAILED);
  pid_t pid = traced_alone(keeps), threads[KEEPERS];
  CHECK_EQUAL(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACECLONE), 0);
  for (int i = 0; i < KEEPERS; i++) {
    CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
    CHECK_WAIT(pid, STOPPED(SIGTRAP, PTRACE_EVENT_CLONE));
    unsigned long message = 0;
    CHECK_EQUAL(trace(PTRACE_GETEVENTMSG, pid, 0, (uintptr_t)&message), 0);
    threads[i] = (pid_t)message;
    CHECK_WAIT(threads[i], STOPPED(SIGSTOP, 0));
    CHECK_EQUAL(trace(PTRACE_CONT, threads[i], 0, 0), 0);
  }
  CHECK_EQUAL(trace(PTRACE_CONT, pid, 0, 0), 0);
  int changes[KEEPERS] = {0};
  for (int turn = 0; turn < 120; turn++) {
    int which = turn % KEEPERS;
    pid_t thread = threads[which];
    usleep(2000);
    CHECK_EQUAL(syscall(SYS_tgkill, pid, thread, SIGSTOP), 0);
    CHECK_WAIT(thread, STOPPED(SIGSTOP, 0));
    // To another CPU, where there is one.
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(turn / KEEPERS % 2, &set);
    sched_setaffinity(thread, sizeof set, &set);
    struct user_fpregs_struct legacy;
    CHECK_EQUAL(trace(PTRACE_GETFPREGS, thread, 0, (uintptr_t)&legacy), 0);
    struct user_regs_struct registers;
    CHECK_EQUAL(trace(PTRACE_GETREGS, thread, 0, (uintptr_t)&registers), 0);
    uint8_t *vectors = (uint8_t *)legacy.xmm_space;
    // In the middle of the loop, the registers hold what the thread has loaded: then they fit each other.
    int is_inside = registers.rcx > 0 && registers.rcx < 200000;
    for (int n = 1; n < 16 && is_inside; n++) is_inside = vectors[n * 16 + 3] == (uint8_t)(vectors[n * 16 + 2] + 1);
    if (is_inside && turn % 2) {
      vectors[5 * 16]++;
      CHECK_EQUAL(trace(PTRACE_SETFPREGS, thread, 0, (uintptr_t)&legacy), 0);
      changes[which]++;
    } else if (state.has_xsave) {
      CHECK_EQUAL(get_set(thread, NT_X86_XSTATE, image, state.size, 0), 0);
      CHECK_EQUAL(put_set(thread, NT_X86_XSTATE, image, state.size), 0);
    }
    CHECK_EQUAL(trace(PTRACE_CONT, thread, 0, 0), 0);
  }
  for (int i = 0; i < KEEPERS; i++) {
    // The last change is seen at the end of the turn that is under way.
    int before = running[i];
    while (running[i] < before + 2) usleep(1000);
    CHECK(changes[i] > 5);
    // Two changes may come in one turn, and one may cancel nothing: at least half are seen, none without a change.
    CHECK(running[20 + i] > 0 && running[20 + i] <= changes[i]);
  }
  CHECK_EQUAL(running[10], 0);
  kill(pid, SIGKILL);
  for (int i = 0; i < KEEPERS; i++) CHECK_WAIT(threads[i], SIGKILL);
  CHECK_WAIT(pid, SIGKILL);
}

int main(void) {
  state_find();
  run_on(1);
  shown = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(shown != MAP_FAILED);
  a_tracer_sees_every_register();
  what_a_tracer_writes_the_tracee_has();
  initial_components_read_as_initial_values();
  bad_images_are_refused_and_change_nothing();
  general_registers_are_read_and_written();
  an_address_that_is_none_faults_in_the_tracee();
  registers_of_running_threads_are_their_own();
  return finish();
}
