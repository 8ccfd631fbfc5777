// What the families of compare-calls share: the sequence of random numbers, lines of output, and names of errors.
#pragma once
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// One round begins with a state of its own, so that a difference spoils no more than its round.
#define STEPS_OF_A_ROUND 40

// xorshift64*: the same numbers everywhere for the same seed.
static uint64_t random_state;

static uint64_t next_random(void) {
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return random_state * 0x2545F4914F6CDD1DULL;
}

static void seed_random(uint64_t seed, uint64_t round) {
  random_state = (seed + 1) * 0x9E3779B97F4A7C15ULL ^ (round + 1) * 0xD1B54A32D192ED03ULL;
  if (random_state == 0) random_state = 1;
  for (int i = 0; i < 8; i++) next_random();
}

static unsigned below(unsigned limit) { return (next_random() >> 33) % limit; }
static int one_in(unsigned count) { return below(count) == 0; }
#define COUNT(list) (sizeof(list) / sizeof *(list))
#define ANY(list) ((list)[below(COUNT(list))])

// A line is gathered and written at once: a program that dies has shown its last complete step.
static char line[16384];
static size_t line_length;

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int count = vsnprintf(line + line_length, sizeof line - line_length, format, arguments);
  va_end(arguments);
  line_length += count;
  if (line_length >= sizeof line) line_length = sizeof line - 1;
}

static void end_line(void) {
  line[line_length++] = '\n';
  for (size_t at = 0; at < line_length;) {
    ssize_t count = write(1, line + at, line_length - at);
    if (count <= 0) _exit(3);
    at += count;
  }
  line_length = 0;
}

// The number that a call gave, or its error by name.
static void say_result(long result) {
  if (result < 0) {
    say(" = %s", strerrorname_np(-result) ? strerrorname_np(-result) : "E?");
  } else {
    say(" = %ld", result);
  }
}

static void say_success(long result) { say_result(result < 0 ? result : 0); }

// A call as the kernel sees it, without a library's changes: the result, or the negative error.
#define CALL(name, ...) raw_call(SYS_##name, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define raw_call(number, a, b, c, d, e, f, ...) \
  raw_call_of((long)(number), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

static long raw_call_of(long number, long a, long b, long c, long d, long e, long f) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

// No handler of a caller's is an executed program's or an actor's.
static void reset_actions(void) {
  static const unsigned long by_default[4];
  for (int signal = 1; signal <= 64; signal++) CALL(rt_sigaction, signal, by_default, NULL, 8);
}

struct word {
  unsigned value;
  const char *name;
};

// A value of words, each set by chance one in `rarity`; the words are printed.
static unsigned any_words(const struct word *words, size_t count, unsigned rarity) {
  unsigned value = 0;
  for (size_t i = 0; i < count; i++)
    if (one_in(rarity)) {
      value |= words[i].value;
      say("|%s", words[i].name);
    }
  return value;
}
#define ANY_WORDS(list, rarity) any_words(list, COUNT(list), rarity)

// The line that is written next: its round, and the step in it.
static int step_number, round_number;
#define STEP(n) (step_number = (n), say("%d.%d ", round_number, step_number))
