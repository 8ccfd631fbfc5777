// What faults tell: their signals, codes, addresses, and what stands in the frame.
#include <sys/mman.h>

static jmp_buf fault_return;
static volatile unsigned long fault_words[12];

static void on_any_fault(int signal, siginfo_t *info, void *context) {
  ucontext_t *state = context;
  fault_words[0] = signal;
  fault_words[1] = info->si_code;
  fault_words[2] = (unsigned long)info->si_addr;
  fault_words[3] = state->uc_mcontext.gregs[REG_TRAPNO];
  fault_words[4] = state->uc_mcontext.gregs[REG_ERR];
  fault_words[5] = state->uc_mcontext.gregs[REG_CR2];
  fault_words[6] = state->uc_flags;
  fault_words[7] = state->uc_mcontext.gregs[REG_CSGSFS];
  memcpy((void *)&fault_words[8], &state->uc_sigmask, 8);
  fault_words[9] = state->uc_mcontext.gregs[REG_RIP];
  fault_words[10] = state->uc_mcontext.gregs[REG_EFL];
  fault_words[11] = info->si_errno;
  siglongjmp(fault_return, 1);
}

#define FAULT_PLACE 0x300000000000UL
static void fault(int kind) {
  volatile char *place = (char *)FAULT_PLACE;
  switch (kind) {
    case 0: *(volatile char *)16 = 1; break;
    case 1: (void)place[4096 + 5]; break;
    case 2: place[5] = 1; break;
    case 3: ((void (*)(void))(FAULT_PLACE + 5))(); break;
    case 4: (void)place[2 * 4096 + 7]; break;
    case 5: (void)*(volatile char *)0x8000000000000000UL; break;
    case 6: (void)*(volatile char *)0x800000000000UL; break;
    case 7: (void)*(volatile char *)0xFFFFFFFF80000000UL; break;
    case 8: __asm__ volatile("ud2"); break;
    case 9: __asm__ volatile("int3"); break;
    case 10: __asm__ volatile("hlt"); break;
    case 11: __asm__ volatile("xor %%edx, %%edx; mov $1, %%eax; xor %%ecx, %%ecx; div %%ecx" ::: "eax", "ecx", "edx"); break;
    case 12: __asm__ volatile("mov $0x80000000, %%eax; cltd; mov $-1, %%ecx; idiv %%ecx" ::: "eax", "ecx", "edx"); break;
    case 13: {
      unsigned control = 0x1D00;
      __asm__ volatile("ldmxcsr %0; xorps %%xmm0, %%xmm0; mov $0x3f800000, %%eax; movd %%eax, %%xmm1; divss %%xmm0, %%xmm1"
                       :: "m"(control) : "eax", "xmm0", "xmm1");
      break;
    }
    case 14: {
      unsigned short control = 0x37B;
      __asm__ volatile("fninit; fldcw %0; fld1; fldz; fdivrp; fwait" :: "m"(control));
      break;
    }
    case 15: __asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq; nop; nop" ::: "memory"); break;
    case 16: __asm__ volatile("int $0x20"); break;
    case 17: __asm__ volatile("int $3"); break;
    case 18:
      __asm__ volatile("mov $0x8000000000000000, %%rax; push %%rbp; mov %%rax, %%rbp; movq (%%rbp), %%rax; pop %%rbp"
                       ::: "rax");
      break;
    case 19: __asm__ volatile(".byte 0xF1"); break;
    case 20: {
      unsigned control = 0x1F00;
      __asm__ volatile("ldmxcsr %0; xorps %%xmm0, %%xmm0; divss %%xmm0, %%xmm0" :: "m"(control) : "xmm0");
      break;
    }
    case 21: __asm__ volatile("mov %%cr0, %%rax" ::: "rax"); break;
    case 22: __asm__ volatile("in $0x60, %%al" ::: "rax"); break;
    case 23: __asm__ volatile("mov $0x33, %%eax; mov %%eax, %%ss" ::: "rax"); break;
    case 24: __asm__ volatile("int $0x80" :: "a"(-1)); break;
    case 25: place[3 * 4096 - 2] = 1; __asm__ volatile("movq $0, (%0)" :: "r"(FAULT_PLACE + 3 * 4096 - 4) : "memory"); break;
    case 26: { long value = 0; __asm__ volatile("wrmsr" :: "c"(0), "a"(0), "d"(0), "m"(value)); break; }
    case 27: __asm__ volatile("mov $0x7fff, %%eax; mov %%eax, %%ds" ::: "rax"); break;
  }
}

static void fault_step(void) {
  int kind = below(28);
  // An emulated processor has no faults of vectors, and takes these otherwise than a real one.
  if (kind == 13 || kind == 20 || kind == 16 || kind == 18 || kind == 19) kind = 0;
  say("fault %d", kind);
  mmap((void *)FAULT_PLACE, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  mmap((void *)(FAULT_PLACE + 4096), 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  int file = CALL(memfd_create, "short", 0);
  if (ftruncate(file, 100) != 0) _exit(4);
  mmap((void *)(FAULT_PLACE + 2 * 4096), 2 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
  static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
  unsigned long mask = 0;
  int way = below(6);
  for (int i = 0; i < 5; i++) {
    if (way == 5) break;
    set_action(signals[i], way == 4 ? (void *)SIG_IGN : (void *)on_any_fault, SA_SIGINFO, 1UL << (SIGUSR1 - 1));
    if (way == 3) mask |= 1UL << (signals[i] - 1);
  }
  CALL(rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8);
  say(" %s", way == 5 ? "default" : way == 4 ? "ignored" : way == 3 ? "blocked" : "handled");
  if (way >= 3) { end_line(); STEP(step_number); }
  if (sigsetjmp(fault_return, 1) == 0) {
    fault(kind);
    say(" nothing");
  } else {
    unsigned long address = fault_words[2], trap = fault_words[3], error = fault_words[4];
    // Where the program was loaded is none of the comparison's.
    if (address - (unsigned long)fault < 4096) address = 1;
    say(" signal %ld code %ld address %lx trap %ld", fault_words[0], (long)(int)fault_words[1], address, trap);
    // Whether a page is there that may not be used anyway is the memory's affair.
    say(" error %lx cr2 %lx", trap == 14 ? error & ~1UL : error, trap == 14 && error ? fault_words[5] : 0);
    say(" flags %lx cs %lx mask %lx", fault_words[6] & ~1UL, fault_words[7] & 0xFFFF, fault_words[8]);
    say(" same %d trace %ld errno %ld", fault_words[9] == fault_words[2], fault_words[10] >> 8 & 1, fault_words[11]);
  }
}
