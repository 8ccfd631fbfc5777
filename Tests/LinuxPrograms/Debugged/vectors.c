// What gdb on the host debugs through gdbserver in the guest: registers that it reads, and one that it changes; a
// variable that it watches; and a loop that it interrupts.
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

volatile float seen[4];
volatile int ready;
volatile int watched;
volatile int goes_on = 1;

__attribute__((noinline)) void stop_here(void) { __asm__ volatile(""); }

static void *waiting_thread(void *unused) {
  ready = 1;
  for (;;) pause();
  return 0;
}

// Loads YMM3 and XMM1, and stores XMM1: a debugger that stops in between can change it.
__attribute__((noinline)) static int load_registers(void) {
  static const float values[8] = {1.5f, 2.5f, 3.5f, 4.5f, 5.5f, 6.5f, 7.5f, 8.5f};
  static const double number = 2.718281828459045;
  __asm__ volatile(
    "vmovups %1, %%ymm3\n\tvmovups %1, %%xmm1\n\tfldl %2\n\t"
    ".globl registers_loaded\nregisters_loaded:\n\tnop\n\tnop\n\t"
    "vmovups %%xmm1, %0\n\tfstp %%st(0)\n\tvzeroupper"
    : "=m"(seen) : "m"(values), "m"(number) : "xmm1", "xmm3", "st");
  return 1;
}

__attribute__((noinline)) int descend(int depth) {
  if (depth == 0) return load_registers();
  return descend(depth - 1) + 1;
}

__attribute__((noinline)) static void change_watched(void) {
  for (int i = 0; i < 3; i++) watched = 0;
  watched = 7;
}

__attribute__((noinline)) static void run_until_told(void) {
  while (goes_on) {}
}

int main(void) {
  pthread_t thread;
  pthread_create(&thread, 0, waiting_thread, 0);
  while (!ready) usleep(1000);
  int depth = descend(2);
  stop_here();
  change_watched();
  run_until_told();
  printf("the debugger has left %g %g %g %g\n", seen[0], seen[1], seen[2], seen[3]);
  fflush(stdout);
  return seen[0] == 1.25f && seen[3] == -4 && depth == 3 ? 33 : 1;
}
