// Policies, priorities, CPUs, memory barriers and restartable sequences.
#include "check.h"

#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

static void checkPolicies(void) {
  struct sched_param parameter = {0};
  CHECK_EQUAL(sched_getscheduler(0), SCHED_OTHER);
  CHECK_EQUAL(sched_get_priority_max(SCHED_FIFO), 99);
  CHECK_EQUAL(sched_get_priority_min(SCHED_RR), 1);
  CHECK_EQUAL(sched_get_priority_max(SCHED_OTHER), 0);
  CHECK_ERROR(sched_get_priority_max(77), EINVAL);
  CHECK_ERROR(sched_getscheduler(0x3fffffff), ESRCH);
  CHECK_ERROR(sched_getscheduler(-1), EINVAL);
  CHECK_EQUAL(sched_setscheduler(0, SCHED_BATCH, &parameter), 0);
  CHECK_EQUAL(sched_getscheduler(getpid()), SCHED_BATCH);
  parameter.sched_priority = 5;
  CHECK_ERROR(sched_setscheduler(0, SCHED_OTHER, &parameter), EINVAL);
  CHECK_ERROR(sched_setscheduler(0, 77, &parameter), EINVAL);
  CHECK_ERROR(syscall(SYS_sched_setparam, 0, 8), EFAULT);
  CHECK_ERROR(syscall(SYS_sched_setparam, 0, 0), EINVAL);
  parameter.sched_priority = 0;
  CHECK_EQUAL(sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &parameter), 0);
  CHECK_EQUAL(sched_getscheduler(0), SCHED_OTHER | SCHED_RESET_ON_FORK);
  CHECK_EQUAL(sched_setscheduler(0, SCHED_OTHER, &parameter), 0);
  CHECK_EQUAL(sched_getparam(0, &parameter), 0);
  struct timespec interval;
  CHECK_EQUAL(sched_rr_get_interval(0, &interval), 0);
  CHECK_ERROR(syscall(SYS_sched_getattr, 0, &interval, 20, 0), EINVAL);
}

// A structure of a later time is refused, and says how much of it is known.
static void checkAttributes(void) {
  unsigned words[20] = {80};
  words[19] = 1;
  CHECK_ERROR(syscall(SYS_sched_setattr, 0, words, 0), E2BIG);
  CHECK_EQUAL(words[0], 56);
  words[19] = 0;
  words[0] = 80;
  CHECK_EQUAL(syscall(SYS_sched_setattr, 0, words, 0), 0);
  CHECK_EQUAL(syscall(SYS_sched_getattr, 0, words, 80, 0), 0);
  CHECK_EQUAL(words[0], 56);
  // SCHED_FLAG_KEEP_POLICY
  words[1] = SCHED_BATCH, words[2] = 8;
  CHECK_EQUAL(syscall(SYS_sched_setattr, 0, words, 0), 0);
  CHECK_EQUAL(sched_getscheduler(0), SCHED_OTHER);
  // SCHED_FLAG_KEEP_PARAMS keeps the policy as well, but not what a fork does (SCHED_FLAG_RESET_ON_FORK).
  words[1] = SCHED_IDLE, words[2] = 16 | 1;
  CHECK_EQUAL(syscall(SYS_sched_setattr, 0, words, 0), 0);
  CHECK_EQUAL(sched_getscheduler(0), SCHED_OTHER | SCHED_RESET_ON_FORK);
  words[1] = 9, words[2] = 16;
  CHECK_ERROR(syscall(SYS_sched_setattr, 0, words, 0), EINVAL);
  words[1] = SCHED_OTHER;
  CHECK_EQUAL(syscall(SYS_sched_setattr, 0, words, 0), 0);
  CHECK_EQUAL(sched_getscheduler(0), SCHED_OTHER);
}

static void checkNice(void) {
  errno = 0;
  CHECK_EQUAL(getpriority(PRIO_PROCESS, 0), 0);
  CHECK_EQUAL(setpriority(PRIO_PROCESS, 0, 5), 0);
  CHECK_EQUAL(getpriority(PRIO_PROCESS, getpid()), 5);
  CHECK_EQUAL(getpriority(PRIO_USER, 0) <= 5, 1);
  CHECK_ERROR(getpriority(PRIO_PROCESS, 0x3fffffff), ESRCH);
  CHECK_ERROR(getpriority(7, 0), EINVAL);
  if (fork() == 0) {
    int good = getpriority(PRIO_PROCESS, 0) == 5 && setuid(1000) == 0 && nice(2) == 7;
    errno = 0;
    good &= setpriority(PRIO_PROCESS, 0, 1) == -1 && errno == EACCES;
    // Its own CPUs are its own to choose, another user's are not.
    cpu_set_t all;
    good &= sched_getaffinity(getppid(), sizeof all, &all) == 0 && sched_setaffinity(0, sizeof all, &all) == 0;
    good &= sched_setaffinity(getppid(), sizeof all, &all) == -1 && errno == EPERM;
    CPU_ZERO(&all);
    good &= sched_setaffinity(getppid(), sizeof all, &all) == -1 && errno == EPERM;
    good &= sched_setaffinity(0, sizeof all, &all) == -1 && errno == EINVAL;
    _exit(good ? 0 : 1);
  }
  int status;
  wait(&status);
  CHECK_EQUAL(status, 0);
}

static void checkProcessors(void) {
  cpu_set_t all, one;
  CHECK_EQUAL(sched_getaffinity(0, sizeof all, &all), 0);
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, &all)) continue;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    CHECK_EQUAL(sched_setaffinity(0, sizeof one, &one), 0);
    unsigned found = -1;
    CHECK_EQUAL(syscall(SYS_getcpu, &found, 0, 0), 0);
    CHECK_EQUAL(found, cpu);
    CHECK_EQUAL(sched_getcpu(), cpu);
  }
  CHECK_EQUAL(sched_setaffinity(0, sizeof all, &all), 0);
  struct sysinfo information;
  CHECK(sysinfo(&information) == 0 && information.totalram > information.freeram && information.procs > 0);
  CHECK_ERROR(syscall(SYS_sysinfo, 8), EFAULT);
}

static void checkBarriers(void) {
  int commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
  CHECK(commands > 0 && commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED);
  CHECK_ERROR(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0), EPERM);
  CHECK_EQUAL(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0), 0);
  CHECK_EQUAL(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0), 0);
  CHECK_EQUAL(syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0), 0);
  CHECK_ERROR(syscall(SYS_membarrier, 3, 0, 0), EINVAL);
  CHECK_ERROR(syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 5, 0), EINVAL);
}

static long counters[CPU_SETSIZE][8];
static long aborts;
enum { threadCount = 6, rounds = 30000 };

// Adds 1 to this CPU's counter without a locked instruction: 0, or -1 where the section was aborted. A delay in the
// section gives preemption its chance.
static int addOnThisProcessor(struct rseq *sequence) {
  unsigned cpu = *(volatile unsigned *)&sequence->cpu_id_start;
  long *counter = counters[cpu];
  __asm__ goto volatile(
    ".pushsection __rseq_cs, \"aw\"\n"
    ".balign 32\n"
    "3: .long 0, 0\n"
    ".quad 1f, 2f - 1f, 4f\n"
    ".popsection\n"
    "leaq 3b(%%rip), %%rax\n"
    "movq %%rax, %c[section](%[sequence])\n"
    "1:\n"
    "cmpl %[cpu], %c[id](%[sequence])\n"
    "jnz 4f\n"
    "movq (%[counter]), %%rax\n"
    "movl $60, %%ecx\n"
    "5: decl %%ecx\n"
    "jnz 5b\n"
    "incq %%rax\n"
    "movq %%rax, (%[counter])\n"
    "2:\n"
    ".pushsection .text.abort, \"ax\"\n"
    ".byte 0x0f, 0xb9, 0x3d\n"
    ".long 0x53053053\n"
    "4: jmp %l[aborted]\n"
    ".popsection\n"
    :
    : [sequence] "r"(sequence), [counter] "r"(counter), [cpu] "r"(cpu), [section] "i"(offsetof(struct rseq, rseq_cs)),
      [id] "i"(offsetof(struct rseq, cpu_id))
    : "rax", "rcx", "memory", "cc"
    : aborted);
  return 0;
aborted:
  return -1;
}

static void *count(void *argument) {
  struct rseq *sequence = (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
  for (int i = 0; i < rounds; i++)
    while (addOnThisProcessor(sequence) != 0) __atomic_add_fetch(&aborts, 1, __ATOMIC_RELAXED);
  return argument;
}

static void checkSequences(void) {
  struct rseq *sequence = (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
  REQUIRE(__rseq_size > 0);
  // On one CPU, so that both are asked of the same.
  cpu_set_t all, one;
  CHECK_EQUAL(sched_getaffinity(0, sizeof all, &all), 0);
  CPU_ZERO(&one);
  CPU_SET(sched_getcpu(), &one);
  CHECK_EQUAL(sched_setaffinity(0, sizeof one, &one), 0);
  unsigned found = -1;
  CHECK_EQUAL(syscall(SYS_getcpu, &found, 0, 0), 0);
  CHECK_EQUAL(sequence->cpu_id, found);
  CHECK_EQUAL(sched_setaffinity(0, sizeof all, &all), 0);
  CHECK_ERROR(syscall(SYS_rseq, sequence, 32, 0, RSEQ_SIG), EBUSY);
  CHECK_ERROR(syscall(SYS_rseq, sequence, 32, 0, 1), EPERM);
  CHECK_ERROR(syscall(SYS_rseq, sequence, 64, 0, RSEQ_SIG), EINVAL);
  CHECK_ERROR(syscall(SYS_rseq, sequence, 32, 2, RSEQ_SIG), EINVAL);
  CHECK_ERROR(syscall(SYS_rseq, sequence, 32, RSEQ_FLAG_UNREGISTER, 1), EPERM);
  pthread_t threads[threadCount];
  for (int i = 0; i < threadCount; i++) REQUIRE(pthread_create(&threads[i], 0, count, 0) == 0);
  for (int i = 0; i < threadCount; i++) pthread_join(threads[i], 0);
  long sum = 0;
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) sum += counters[cpu][0];
  CHECK_EQUAL(sum, (long)threadCount * rounds);
  say("restartable sequences: %ld aborts", aborts);
  if (fork() == 0) {
    int good = sched_setaffinity(0, sizeof one, &one) == 0 && syscall(SYS_getcpu, &found, 0, 0) == 0;
    good &= sequence->cpu_id == found;
    good &= syscall(SYS_rseq, sequence, 32, RSEQ_FLAG_UNREGISTER, RSEQ_SIG) == 0 && sequence->cpu_id == -1u;
    good &= syscall(SYS_rseq, sequence, 32, RSEQ_FLAG_UNREGISTER, RSEQ_SIG) == -1 && errno == EINVAL;
    _exit(good ? 0 : 1);
  }
  int status;
  wait(&status);
  CHECK_EQUAL(status, 0);
}

int main(void) {
  checkPolicies();
  checkAttributes();
  checkNice();
  checkProcessors();
  checkBarriers();
  checkSequences();
  return finish();
}
