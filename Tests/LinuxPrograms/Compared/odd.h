// Arguments that few programs give.
#pragma once

static const unsigned long odd_numbers[] = {0, 1, 2, 3, 4, 5, 7, 8, 16, 24, 31, 32, 63, 64, 65, 100, 4096, 0x7FFFFFFF,
                                            0x80000000UL, 0xFFFFFFFFUL, -1UL, 1UL << 32, 0x7FFFFFFFF000,
                                            0x800000000000, 0x7FFFFFFFFFFFFFFF};
static unsigned long odd(void) {
  unsigned long number = ANY(odd_numbers);
  say(" %lx", number);
  return number;
}

static const unsigned long odd_pointers[] = {0, 1, 0x7FFFFFFFF000, 0x800000000000, -1UL, -4096UL};
static void *pointer(void *usual) {
  if (!one_in(12)) return usual;
  unsigned long address = ANY(odd_pointers);
  say(" @%lx", address);
  return (void *)address;
}

static const struct timespec odd_times[] = {{0, 0}, {0, 1}, {0, 999999999}, {0, 1000000000}, {-1, 0}, {0, -1},
                                            {1000, 0}, {INT64_MAX, 0}, {1L << 40, 5}};
static struct timespec odd_time(void) {
  struct timespec time = ANY(odd_times);
  say(" %ld.%ld", time.tv_sec, time.tv_nsec);
  return time;
}
