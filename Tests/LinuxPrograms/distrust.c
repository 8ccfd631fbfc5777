// What a program may try with flags, segments and registers without the kernel coming to harm, and what it must not
// learn of the kernel.
#include "check.h"
#include <asm/prctl.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <sys/ucontext.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

typedef unsigned long word;

static sigjmp_buf escape;
static volatile sig_atomic_t last_signal, traps;
static void get_out(int number) {
  last_signal = number;
  siglongjmp(escape, 1);
}

// The signal that a body ends with, or 0.
static int signal_of(void (*body)(void)) {
  static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
  for (unsigned index = 0; index < sizeof numbers / sizeof numbers[0]; index++) signal(numbers[index], get_out);
  last_signal = 0;
  if (sigsetjmp(escape, 1) == 0) body();
  for (unsigned index = 0; index < sizeof numbers / sizeof numbers[0]; index++) signal(numbers[index], SIG_DFL);
  return last_signal;
}

static word flags(void) {
  word value;
  __asm__ volatile("pushfq\n pop %0" : "=r"(value));
  return value;
}
static void set_flags(word value) { __asm__ volatile("push %0\n popfq" : : "r"(value) : "cc", "memory"); }

// A call by its own instruction, whatever the flags are.
static long raw_call(long number, long first, long second, long third) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(first), "S"(second), "d"(third) : "rcx", "r11", "memory");
  return result;
}

enum { TRAP = 0x100, DIRECTION = 0x400, PRIVILEGE = 0x3000, NESTED = 0x4000, ALIGNMENT = 0x40000, IDENTIFICATION = 0x200000 };

// --- Flags

static void disable_interrupts(void) { __asm__ volatile("cli"); }
static void read_port(void) { __asm__ volatile("inb $0x80, %%al" : : : "rax"); }
static void load_control(void) { __asm__ volatile("mov %%cr0, %%rax" : : : "rax"); }
static void halt(void) { __asm__ volatile("hlt"); }

static void set_privilege(int number, siginfo_t *information, void *context) {
  ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] |= PRIVILEGE | 0x20000 | 0x100000;
}

static void privilege_is_not_to_be_had(void) {
  CHECK_EQUAL(signal_of(disable_interrupts), SIGSEGV);
  CHECK_EQUAL(signal_of(read_port), SIGSEGV);
  CHECK_EQUAL(signal_of(load_control), SIGSEGV);
  CHECK_EQUAL(signal_of(halt), SIGSEGV);
  set_flags(flags() | PRIVILEGE);
  CHECK_EQUAL(flags() & PRIVILEGE, 0);
  struct sigaction action = {.sa_sigaction = set_privilege, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &action, NULL);
  raise(SIGUSR1);
  CHECK_EQUAL(flags() & (PRIVILEGE | 0x20000 | 0x100000), 0);
  CHECK_EQUAL(signal_of(disable_interrupts), SIGSEGV);
  // For others than root.
  pid_t child = fork();
  if (child == 0) {
    check_failures = 0;
    CHECK_EQUAL(syscall(SYS_setresuid, 1000, 1000, 1000), 0);
    CHECK(syscall(SYS_iopl, 3) == -1 && (errno == EPERM || errno == ENOSYS));
    CHECK(syscall(SYS_ioperm, 0x80, 1, 1) == -1 && (errno == EPERM || errno == ENOSYS));
    CHECK_EQUAL(signal_of(read_port), SIGSEGV);
    _exit(finish());
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
}

// Flags that steer the CPU stay the program's own across calls and faults.
static void odd_flags_survive_calls(void) {
  static const word odd[] = {DIRECTION, NESTED, ALIGNMENT, IDENTIFICATION, DIRECTION | NESTED | ALIGNMENT};
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  for (unsigned index = 0; index < sizeof odd / sizeof odd[0]; index++) {
    char *page = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    word before = flags(), inside, fault;
    long process, written, got;
    char bytes[16] __attribute__((aligned(16))) = {0};
    set_flags(before | odd[index]);
    process = raw_call(SYS_getpid, 0, 0, 0);
    inside = flags();
    // An interrupt's way in and out: a page fault.
    *(volatile char *)page = 1;
    fault = flags();
    // The kernel copies with its own flags.
    written = raw_call(SYS_write, ends[1], (long)"abcdefgh", 8);
    got = raw_call(SYS_read, ends[0], (long)bytes, 8);
    set_flags(before & ~(DIRECTION | NESTED | ALIGNMENT));
    CHECK_EQUAL(process, getpid());
    CHECK_EQUAL(inside & odd[index], odd[index]);
    CHECK_EQUAL(fault & odd[index], odd[index]);
    CHECK_EQUAL(written, 8);
    CHECK_EQUAL(got, 8);
    CHECK(memcmp(bytes, "abcdefgh", 8) == 0);
    munmap(page, 8192);
  }
  close(ends[0]);
  close(ends[1]);
}

static void count_trap(int number) { traps++; }

// Single steps into and over SYSCALL.
static void single_steps_pass_over_calls(void) {
  struct sigaction action = {.sa_handler = count_trap};
  sigaction(SIGTRAP, &action, NULL);
  traps = 0;
  long process = 0;
  __asm__ volatile(
    "pushfq\n orq $0x100, (%%rsp)\n popfq\n"
    "mov $39, %%eax\n syscall\n nop\n"
    "pushfq\n andq $~0x100, (%%rsp)\n popfq\n" : "=a"(process) : : "rcx", "r11", "memory", "cc");
  CHECK_EQUAL(process, getpid());
  CHECK(traps >= 4);
  signal(SIGTRAP, SIG_DFL);
}

// --- Segments

static void load_null_stack(void) { __asm__ volatile("mov %0, %%ss" : : "r"(0)); }
static void load_local_data(void) { __asm__ volatile("mov %0, %%ds" : : "r"(7)); }
static void load_local_extra(void) { __asm__ volatile("mov %0, %%es" : : "r"(0xF)); }
static void load_kernel_data(void) { __asm__ volatile("mov %0, %%ds" : : "r"(0x18)); }
static void load_beyond(void) { __asm__ volatile("mov %0, %%fs" : : "r"(0xFFF8 | 3)); }
static void call_kernel_segment(void) {
  static const struct { uint64_t offset; uint16_t selector; } __attribute__((packed)) target = {0, 0x10};
  __asm__ volatile("rex.W ljmp *%0" : : "m"(target));
}
static void software_interrupt(void) { __asm__ volatile("int $0x80" : : "a"(20) : "memory"); }
static void timer_interrupt(void) { __asm__ volatile("int $0x40"); }
static void double_fault(void) { __asm__ volatile("int $8"); }

static void segments_do_no_harm(void) {
  unsigned short data, extra, stack;
  __asm__ volatile("mov %%ds, %0\n mov %%es, %1\n mov %%ss, %2" : "=r"(data), "=r"(extra), "=r"(stack));
  static const unsigned short harmless[] = {0, 1, 2, 3};
  for (unsigned index = 0; index < 4; index++) {
    __asm__ volatile("mov %0, %%ds\n mov %0, %%es" : : "r"(harmless[index]));
    CHECK_EQUAL(raw_call(SYS_getpid, 0, 0, 0), getpid());
    raw_call(SYS_sched_yield, 0, 0, 0);
  }
  __asm__ volatile("mov %0, %%ds\n mov %0, %%es\n mov %0, %%ss" : : "r"(stack));
  // With the next call in the shadow of the load.
  long result;
  __asm__ volatile("mov %2, %%ss\n syscall" : "=a"(result) : "a"(SYS_getpid), "r"(stack) : "rcx", "r11", "memory");
  CHECK_EQUAL(result, getpid());
  __asm__ volatile("mov %0, %%ds\n mov %1, %%es" : : "r"(data), "r"(extra));
  CHECK_EQUAL(signal_of(load_null_stack), SIGSEGV);
  CHECK_EQUAL(signal_of(load_local_data), SIGSEGV);
  CHECK_EQUAL(signal_of(load_local_extra), SIGSEGV);
  CHECK_EQUAL(signal_of(load_kernel_data), SIGSEGV);
  CHECK_EQUAL(signal_of(load_beyond), SIGSEGV);
  CHECK_EQUAL(signal_of(call_kernel_segment), SIGSEGV);
  CHECK_EQUAL(signal_of(timer_interrupt), SIGSEGV);
  CHECK_EQUAL(signal_of(double_fault), SIGSEGV);
  // Linux may have the calls of 32 bits, or not.
  int number = signal_of(software_interrupt);
  CHECK(number == 0 || number == SIGSEGV);
  // GS is free for a program to use: its base is its own, and the kernel has another one.
  static char area[64];
  CHECK_EQUAL(syscall(SYS_arch_prctl, ARCH_SET_GS, area), 0);
  __asm__ volatile("movl $1234, %%gs:16" : : : "memory");
  CHECK_EQUAL(*(int *)(area + 16), 1234);
  usleep(2000);
  __asm__ volatile("movl $4321, %%gs:16" : : : "memory");
  CHECK_EQUAL(*(int *)(area + 16), 4321);
  CHECK_EQUAL(syscall(SYS_arch_prctl, ARCH_SET_GS, 0), 0);
}

// SYSCALL in a 32-bit segment: there are such calls, or none, or no such segment.
static void call_in_32_bits(void) {
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    // mov $20, %eax; syscall; then the same by SYSENTER; hlt
    static const unsigned char code[] = {0xB8, 20, 0, 0, 0, 0x0F, 0x05, 0x0F, 0x34, 0xF4};
    char *low = mmap((void *)0x10000000, 8192, PROT_READ | PROT_WRITE | PROT_EXEC,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    REQUIRE(low != MAP_FAILED);
    memcpy(low, code, sizeof code);
    static const struct { uint32_t offset; uint16_t selector; } __attribute__((packed)) target = {0x10000000, 0x23};
    __asm__ volatile("mov %1, %%rsp\n ljmp *%0" : : "m"(target), "r"(0x10001FF0ul) : "memory");
    __builtin_unreachable();
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
}

// --- Addresses that are not canonical

static word jump_target;
static void jump_by_return(int number, siginfo_t *information, void *context) {
  ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] = jump_target;
}
static void return_there(void) { raise(SIGUSR2); }
static void bad_stack(void) {
  // An interrupt and a call with a stack pointer that leads nowhere.
  __asm__ volatile(
    "mov %%rsp, %%rbx\n mov %0, %%rsp\n mov $39, %%eax\n syscall\n mov %%rbx, %%rsp"
    : : "r"(0x8000000000000000) : "rax", "rbx", "rcx", "r11", "memory");
}

static void addresses_that_are_none(void) {
  static const word addresses[] = {
    0x800000000000, 0x7FFFFFFFFFFF, 0x7FFFFFFFF000, 0xFFFF7FFFFFFFFFFF, 0xFFFF800000000000, 0xFFFFFFFF80000000,
    0x8000000000000000, -1ul, 0,
  };
  struct sigaction action = {.sa_sigaction = jump_by_return, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR2, &action, NULL);
  for (unsigned index = 0; index < sizeof addresses / sizeof addresses[0]; index++) {
    jump_target = addresses[index];
    CHECK_EQUAL(signal_of(return_there), SIGSEGV);
  }
  CHECK_EQUAL(signal_of(bad_stack), 0);
  // A call in the last bytes that there are: SYSRET would return to the first address that is none.
  word last = 0x7FFFFFFFF000 - 4096;
  char *page = mmap((void *)last, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (page == (char *)last) {
    pid_t child = fork();
    if (child == 0) {
      page[4094] = 0x0F;
      page[4095] = 0x05;
      __asm__ volatile("mov $39, %%eax\n jmp *%0" : : "r"(page + 4094) : "rax", "rcx", "r11", "memory");
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    munmap(page, 4096);
  }
  CHECK(mmap((void *)0x7FFFFFFFF000, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED);
}

// --- arch_prctl(2)

static void bases_and_permissions(void) {
  word value = 1;
  CHECK_EQUAL(syscall(SYS_arch_prctl, ARCH_GET_FS, &value), 0);
  CHECK(value != 0 && value == (word)__builtin_thread_pointer());
  CHECK_EQUAL(syscall(SYS_arch_prctl, ARCH_SET_FS, value), 0);
  CHECK_EQUAL(syscall(SYS_arch_prctl, ARCH_GET_GS, &value), 0);
  CHECK_EQUAL(value, 0);
  CHECK_ERROR(syscall(SYS_arch_prctl, ARCH_SET_FS, 0x800000000000), EPERM);
  CHECK_ERROR(syscall(SYS_arch_prctl, ARCH_SET_GS, 0x7FFFFFFFF000), EPERM);
  CHECK_ERROR(syscall(SYS_arch_prctl, ARCH_SET_GS, 0xFFFF800000000000), EPERM);
  CHECK_ERROR(syscall(SYS_arch_prctl, ARCH_SET_FS, -1ul), EPERM);
  CHECK_ERROR(syscall(SYS_arch_prctl, ARCH_GET_FS, 0), EFAULT);
  CHECK_ERROR(syscall(SYS_arch_prctl, ARCH_GET_GS, 0xFFFF800000000000), EFAULT);
  CHECK_EQUAL(syscall(SYS_arch_prctl, 0x1011, 0), 1);
  CHECK_ERROR(syscall(SYS_arch_prctl, 0, 0), EINVAL);
  CHECK_ERROR(syscall(SYS_arch_prctl, 0x3001, &value), EINVAL);
  // Components: at least x87 and SSE, and nothing has to be asked for but AMX, 18, which may not be there.
  word supported = 0, permitted = 0;
  CHECK_EQUAL(syscall(SYS_arch_prctl, 0x1021, &supported), 0);
  CHECK_EQUAL(syscall(SYS_arch_prctl, 0x1022, &permitted), 0);
  CHECK((supported & 3) == 3 && (permitted & ~supported) == 0);
  word guest = 0;
  CHECK_EQUAL(syscall(SYS_arch_prctl, 0x1024, &guest), 0);
  CHECK_EQUAL(guest & ~supported, 0);
  CHECK_ERROR(syscall(SYS_arch_prctl, 0x1021, 0), EFAULT);
  CHECK_ERROR(syscall(SYS_arch_prctl, 0x1022, 8), EFAULT);
  CHECK_ERROR(syscall(SYS_arch_prctl, 0x1024, -1ul), EFAULT);
  if (!(supported >> 18 & 1)) {
    CHECK_ERROR(syscall(SYS_arch_prctl, 0x1023, 18), EOPNOTSUPP);
    CHECK_ERROR(syscall(SYS_arch_prctl, 0x1025, 18), EOPNOTSUPP);
    CHECK_EQUAL(supported, permitted);
  }
  CHECK_ERROR(syscall(SYS_arch_prctl, 0x1023, 2), EOPNOTSUPP);
  CHECK_ERROR(syscall(SYS_arch_prctl, 0x1023, 0), EOPNOTSUPP);
  CHECK_ERROR(syscall(SYS_arch_prctl, 0x1023, 64), EINVAL);
  CHECK_ERROR(syscall(SYS_arch_prctl, 0x1025, -1ul), EINVAL);
}

// --- What the kernel must not tell

static word buffer[1024];
static int is_suspect(word value) {
  // The kernel's half, but for small negative numbers and all ones in a half.
  return value >= 0xFFFF800000000000 && value < 0xFFFFFFFFFFFF0000 && value >> 32 != 0xFFFFFFFF;
}
static void look(const char *what) {
  for (int index = 0; index < 1024; index++) {
    if (is_suspect(buffer[index])) {
      check_failures++;
      say("not ok %s: word %d is %#lx", what, index, buffer[index]);
    }
  }
  memset(buffer, 0, sizeof buffer);
}
#define LOOK(call) do { if ((call) < 0) say("%s: errno %d", #call, errno); look(#call); } while (0)

static void take_information(int number, siginfo_t *information, void *context) {
  memcpy(buffer, information, 128);
  // What lies behind the members of a signal of kill(2).
  for (int index = 6; index < 32; index++) CHECK_EQUAL(((int *)information)[index], 0);
  memcpy(buffer + 128, context, sizeof(ucontext_t) < 4096 ? sizeof(ucontext_t) : 4096);
}

static void no_address_of_the_kernels_is_told(void) {
  struct epoll_event *events = (void *)buffer;
  int ends[2], file = open("/", O_RDONLY | O_DIRECTORY);
  REQUIRE(pipe(ends) == 0);
  LOOK(syscall(SYS_fstat, file, buffer));
  LOOK(syscall(SYS_statx, file, "", 0x1000, 0xFFF, buffer));
  LOOK(syscall(SYS_fstatfs, file, buffer));
  LOOK(syscall(SYS_getdents64, file, buffer, sizeof buffer));
  lseek(file, 0, SEEK_SET);
  LOOK(syscall(SYS_getdents, file, buffer, sizeof buffer));
  LOOK(syscall(SYS_sysinfo, buffer));
  LOOK(syscall(SYS_uname, buffer));
  LOOK(syscall(SYS_times, buffer));
  LOOK(syscall(SYS_getrusage, 0, buffer));
  LOOK(syscall(SYS_adjtimex, buffer));
  LOOK(syscall(SYS_rt_sigaction, SIGUSR1, NULL, buffer, 8));
  LOOK(syscall(SYS_sigaltstack, NULL, buffer));
  LOOK(syscall(SYS_getitimer, 0, buffer));
  LOOK(syscall(SYS_sched_getattr, 0, buffer, 56, 0));
  LOOK(syscall(SYS_prlimit64, 0, RLIMIT_AS, NULL, buffer));
  LOOK(syscall(SYS_get_robust_list, 0, buffer, buffer + 1));
  LOOK(syscall(SYS_getcwd, buffer, sizeof buffer));
  LOOK(syscall(SYS_ioctl, ends[0], FIONREAD, buffer));
  LOOK(syscall(SYS_sched_getaffinity, 0, sizeof buffer, buffer));
  // sigaltstack's padding, stat's and statfs's spare words are zeros.
  memset(buffer, 0xAA, 32);
  CHECK_EQUAL(syscall(SYS_sigaltstack, NULL, buffer), 0);
  CHECK_EQUAL(buffer[1] >> 32, 0);
  memset(buffer, 0xAA, 144);
  CHECK_EQUAL(syscall(SYS_fstat, file, buffer), 0);
  CHECK(((uint32_t *)buffer)[9] == 0 && buffer[15] == 0 && buffer[16] == 0 && buffer[17] == 0);
  memset(buffer, 0xAA, 120);
  CHECK_EQUAL(syscall(SYS_fstatfs, file, buffer), 0);
  CHECK(buffer[11] == 0 && buffer[12] == 0 && buffer[13] == 0 && buffer[14] == 0);
  // Events, signals, messages.
  int epoll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLOUT, .data.u64 = 7};
  epoll_ctl(epoll, EPOLL_CTL_ADD, ends[1], &event);
  LOOK(epoll_wait(epoll, events, 8, 0));
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  struct sigaction action = {.sa_sigaction = take_information, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &action, NULL);
  kill(getpid(), SIGUSR1);
  look("a handler's arguments");
  sigprocmask(SIG_BLOCK, &set, NULL);
  kill(getpid(), SIGUSR1);
  memset(buffer, 0xAA, 128);
  CHECK_EQUAL(syscall(SYS_rt_sigtimedwait, &set, buffer, NULL, 8), SIGUSR1);
  for (int index = 6; index < 32; index++) CHECK_EQUAL(((int *)buffer)[index], 0);
  int signals = signalfd(-1, &set, 0);
  kill(getpid(), SIGUSR1);
  LOOK(read(signals, buffer, 128));
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  int sockets[2];
  socketpair(AF_UNIX, SOCK_DGRAM, 0, sockets);
  int one = 1;
  setsockopt(sockets[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof one);
  CHECK_EQUAL(send(sockets[0], "x", 1, 0), 1);
  struct iovec piece = {buffer, 64};
  struct msghdr message = {.msg_name = buffer + 8, .msg_namelen = 128, .msg_iov = &piece, .msg_iovlen = 1,
    .msg_control = buffer + 64, .msg_controllen = 512};
  LOOK(recvmsg(sockets[1], &message, 0));
  LOOK(getsockopt(sockets[1], SOL_SOCKET, SO_PEERCRED, buffer, &(socklen_t){128}));
  LOOK(getsockname(sockets[1], (void *)buffer, &(socklen_t){128}));
  pid_t child = fork();
  if (child == 0) _exit(3);
  memset(buffer, 0, 128);
  CHECK_EQUAL(syscall(SYS_waitid, P_PID, child, buffer, WEXITED, buffer + 64), 0);
  look("waitid");
  close(file);
}

// Registers that a call does not use come back as they were, and RCX and R11 tell the program nothing new.
static void calls_keep_registers(void) {
  word before[6] = {0x1111, 0x2222, 0x3333, 0x4444, 0x5555, 0x6666}, after[6], rcx, r11, rip;
  __asm__ volatile(
    "mov 0(%[b]), %%rdi\n mov 8(%[b]), %%rsi\n mov 16(%[b]), %%rdx\n mov 24(%[b]), %%r10\n mov 32(%[b]), %%r8\n"
    "mov 40(%[b]), %%r9\n mov $39, %%eax\n syscall\n"
    "1: mov %%rdi, 0(%[a])\n mov %%rsi, 8(%[a])\n mov %%rdx, 16(%[a])\n mov %%r10, 24(%[a])\n mov %%r8, 32(%[a])\n"
    "mov %%r9, 40(%[a])\n mov %%rcx, %[rcx]\n mov %%r11, %[r11]\n lea 1b(%%rip), %[rip]\n"
    : [rcx] "=&r"(rcx), [r11] "=&r"(r11), [rip] "=&r"(rip)
    : [a] "b"(after), [b] "r"(before)
    : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory");
  CHECK(memcmp(before, after, sizeof before) == 0);
  CHECK_EQUAL(rcx, rip);
  CHECK_EQUAL(r11 & ~0xFFFul, 0);
}

// A new program finds zeros in its registers: one made here, which writes them out.
static void new_programs_find_zeros(void) {
  static const unsigned char code[] = {
    0x41, 0x57, 0x41, 0x56, 0x41, 0x55, 0x41, 0x54, 0x41, 0x53, 0x41, 0x52, 0x41, 0x51, 0x41, 0x50, // push r15..r8
    0x57, 0x56, 0x55, 0x52, 0x51, 0x53, 0x50,                       // push rdi, rsi, rbp, rdx, rcx, rbx, rax
    0x48, 0x81, 0xEC, 0x08, 0x02, 0x00, 0x00,                       // sub $520, %rsp
    0x48, 0x83, 0xE4, 0xF0,                                         // and $-16, %rsp
    0x48, 0x89, 0xE3,                                               // mov %rsp, %rbx
    0x48, 0x81, 0xEC, 0x00, 0x02, 0x00, 0x00,                       // sub $512, %rsp
    0x0F, 0xAE, 0x04, 0x24,                                         // fxsave (%rsp)
    0x48, 0x89, 0xE6, 0xBF, 0x01, 0x00, 0x00, 0x00,                 // mov %rsp, %rsi; mov $1, %edi
    0xBA, 0xA0, 0x04, 0x00, 0x00,                                   // mov $1184, %edx
    0xB8, 0x01, 0x00, 0x00, 0x00, 0x0F, 0x05,                       // write
    0x31, 0xFF, 0xB8, 0x3C, 0x00, 0x00, 0x00, 0x0F, 0x05,           // exit(0)
  };
  struct {
    unsigned char identification[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, programs, sections;
    uint32_t flags;
    uint16_t size, program_size, program_count, section_size, section_count, names;
    uint32_t segment_type, segment_flags;
    uint64_t offset, address, physical, in_file, in_memory, alignment;
    unsigned char text[sizeof code];
  } __attribute__((packed)) image = {
    {0x7F, 'E', 'L', 'F', 2, 1, 1}, 2, 62, 1, 0x400078, 64, 0, 0, 64, 56, 1, 0, 0, 0,
    1, 5, 0, 0x400000, 0x400000, 120 + sizeof code, 120 + sizeof code, 4096, {0},
  };
  memcpy(image.text, code, sizeof code);
  int file = open("/tmp/distrust-program", O_WRONLY | O_CREAT | O_TRUNC, 0755);
  REQUIRE(file >= 0 && write(file, &image, sizeof image) == (long)sizeof image);
  close(file);
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], 1);
    // Something to find.
    __asm__ volatile("movq %0, %%xmm7\n movq %0, %%xmm15\n fld1" : : "r"(0xDEADBEEF12345678));
    execl("/tmp/distrust-program", "distrust-program", NULL);
    _exit(1);
  }
  close(ends[1]);
  static unsigned char state[1184];
  long got = 0, count;
  while ((count = read(ends[0], state + got, sizeof state - got)) > 0) got += count;
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  CHECK_EQUAL(got, sizeof state);
  // FXSAVE's area: FCW 0x37F, no tag, MXCSR 0x1F80, registers zeros.
  CHECK_EQUAL(*(uint16_t *)state, 0x37F);
  CHECK_EQUAL(*(uint16_t *)(state + 4), 0);
  CHECK_EQUAL(*(uint32_t *)(state + 24), 0x1F80);
  for (int index = 32; index < 416; index++) CHECK_EQUAL(state[index], 0);
  // The general registers are the last 15 words before the stack's first one, the count of arguments.
  int end = -1;
  for (int index = 512 + 520; index + 128 <= 1184 && end < 0; index += 8) {
    if (*(word *)(state + index + 120) == 1) end = index;
  }
  CHECK(end >= 0);
  for (int index = 0; index < 15 && end >= 0; index++) CHECK_EQUAL(*(word *)(state + end + index * 8), 0);
  unlink("/tmp/distrust-program");
}

int main(void) {
  privilege_is_not_to_be_had();
  odd_flags_survive_calls();
  single_steps_pass_over_calls();
  segments_do_no_harm();
  call_in_32_bits();
  addresses_that_are_none();
  bases_and_permissions();
  no_address_of_the_kernels_is_told();
  calls_keep_registers();
  new_programs_find_zeros();
  return finish();
}
