// Atomic operations on a 32-bit word. Loads acquire, stores release, the others do both.
#pragma once
#include <stdint.h>

#include "Inlining.h"

INSTRUCTION uint32_t atomicLoad(const uint32_t *word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }
// In assembly, which Swift's optimizer takes for a call of anything: it moves the retain of an object behind a plain
// store, an atomic one too, and so behind the release of the lock under which the reference was read.
INSTRUCTION void atomicStore(uint32_t *word, uint32_t value) {
  __asm__ volatile("movl %1, %0" : "=m"(*word) : "ri"(value) : "memory");
}
INSTRUCTION uint32_t atomicAdd(uint32_t *word, uint32_t value) {
  return __atomic_fetch_add(word, value, __ATOMIC_ACQ_REL);
}
INSTRUCTION uint32_t atomicOr(uint32_t *word, uint32_t bits) {
  return __atomic_fetch_or(word, bits, __ATOMIC_ACQ_REL);
}
INSTRUCTION uint32_t atomicExchange(uint32_t *word, uint32_t value) {
  return __atomic_exchange_n(word, value, __ATOMIC_ACQ_REL);
}
// Sets the word to `value` where it is `expected`; 1 where it was, else 0.
INSTRUCTION uint32_t atomicCompareExchange(uint32_t *word, uint32_t expected, uint32_t value) {
  return __atomic_compare_exchange_n(word, &expected, value, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}
INSTRUCTION uint64_t atomicLoadWord(const uint64_t *word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }
INSTRUCTION uint64_t exchangeWord64(uint64_t *word, uint64_t value) {
  return __atomic_exchange_n(word, value, __ATOMIC_ACQ_REL);
}
// Orders everything before against everything after, stores against loads included.
INSTRUCTION void memoryFence(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
