// Leaves a core in the guest that gdb on the host opens: two threads, each with registers of its own.
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

volatile int ready;

static void *spinning_thread(void *unused) {
  static const float values[8] = {10.5f, 20.5f, 30.5f, 40.5f, 50.5f, 60.5f, 70.5f, 80.5f};
  __asm__ volatile("vmovups %0, %%ymm4\n\tmovl $1, ready\n1:\tpause\n\tjmp 1b" : : "m"(values) : "xmm4", "memory");
  return 0;
}

__attribute__((noinline)) int crash_here(int *where) {
  static const float values[8] = {1.5f, 2.5f, 3.5f, 4.5f, 5.5f, 6.5f, 7.5f, 8.5f};
  __asm__ volatile("vmovups %1, %%ymm3\n\tmovl $7, (%0)" : : "r"(where), "m"(values) : "xmm3", "memory");
  return 1;
}

__attribute__((noinline)) int descend(int depth) {
  if (depth == 0) return crash_here((int *)0x18);
  return descend(depth - 1) + 1;
}

int main(void) {
  struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
  setrlimit(RLIMIT_CORE, &limit);
  pthread_t thread;
  pthread_create(&thread, 0, spinning_thread, 0);
  while (!ready) usleep(1000);
  return descend(2);
}
