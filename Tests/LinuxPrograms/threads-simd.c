// Built with musl too.
// Threads of a C library: mutexes, conditions, barriers, thread-local storage, with SIMD registers in use.
#include "check.h"
#include <math.h>
#include <pthread.h>
#include <semaphore.h>

enum { THREADS = 8, TURNS = 400 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static sem_t semaphore;
static int counter, turn, once_count, destroyed;
static __thread double mine;

static void count_once(void) { once_count++; }
static void destroy(void *value) { __atomic_add_fetch(&destroyed, *(int *)value, __ATOMIC_SEQ_CST); }

static double sum_of_roots(int last) {
  double sum = 0;
  for (int number = 1; number < last; number++) sum += sqrt(number);
  return sum;
}

static void *work(void *argument) {
  int number = *(int *)argument;
  pthread_once(&once, count_once);
  static const int one = 1;
  pthread_setspecific(key, &one);
  for (int round = 0; round < TURNS; round++) {
    mine += number + 0.5;
    pthread_mutex_lock(&mutex);
    counter++;
    pthread_mutex_unlock(&mutex);
    if (round % 50 == 0) pthread_barrier_wait(&barrier);
    char text[64], copy[64];
    snprintf(text, sizeof text, "%d %.6f %s", number, mine, "text");
    memcpy(copy, text, sizeof copy);
    double read = 0;
    CHECK(sscanf(copy, "%*d %lf", &read) == 1 && fabs(read - mine) < 1e-5);
  }
  CHECK(mine == (number + 0.5) * TURNS);
  CHECK(fabs(sum_of_roots(20000) - 1885546.4585) < 1);
  // One after the other, by number.
  pthread_mutex_lock(&mutex);
  while (turn != number) pthread_cond_wait(&condition, &mutex);
  turn++;
  pthread_cond_broadcast(&condition);
  pthread_mutex_unlock(&mutex);
  sem_post(&semaphore);
  return argument;
}

int main(void) {
  pthread_t threads[THREADS];
  int numbers[THREADS];
  REQUIRE(pthread_barrier_init(&barrier, NULL, THREADS) == 0);
  REQUIRE(pthread_key_create(&key, destroy) == 0);
  REQUIRE(sem_init(&semaphore, 0, 0) == 0);
  for (int index = 0; index < THREADS; index++) {
    numbers[index] = index;
    REQUIRE(pthread_create(&threads[index], NULL, work, &numbers[index]) == 0);
  }
  for (int index = 0; index < THREADS; index++) CHECK(sem_wait(&semaphore) == 0);
  for (int index = 0; index < THREADS; index++) {
    void *result = NULL;
    CHECK_EQUAL(pthread_join(threads[index], &result), 0);
    CHECK(result == &numbers[index]);
  }
  CHECK_EQUAL(counter, THREADS * TURNS);
  CHECK_EQUAL(turn, THREADS);
  CHECK_EQUAL(once_count, 1);
  CHECK_EQUAL(destroyed, THREADS);
  CHECK(mine == 0);
  return finish();
}
