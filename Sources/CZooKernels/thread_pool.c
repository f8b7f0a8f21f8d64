// Workers that wait a moment in a loop, then asleep: operations follow each other within microseconds,
// and an idle session must cost nothing.
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "CZooKernels.h"

#if defined(__x86_64__)
#define PAUSE() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define PAUSE() __asm__ volatile("yield")
#else
#define PAUSE() ((void)0)
#endif

enum { spins = 2000 };

struct zoo_pool {
  zoo_kernel kernel;
  const void *arguments;
  int32_t units, chunk;
  _Alignas(64) atomic_int next;         // the first unit that nobody has taken
  _Alignas(64) atomic_uint generation;  // odd while an operation can be joined
  _Alignas(64) atomic_int joined;       // workers that may be reading the operation
  atomic_int sleepers;
  atomic_int stopping;
  pthread_mutex_t mutex;
  pthread_cond_t wake;
  int32_t workers;
  pthread_t threads[];
};

static void take_units(zoo_pool *pool) {
  for (;;) {
    int32_t begin = atomic_fetch_add_explicit(&pool->next, pool->chunk, memory_order_relaxed);
    if (begin >= pool->units) return;
    int32_t end = pool->units - begin > pool->chunk ? begin + pool->chunk : pool->units;
    pool->kernel(pool->arguments, begin, end);
  }
}

// Returns the generation of an operation that can be joined and is not `seen`.
static unsigned wait_for_work(zoo_pool *pool, unsigned seen) {
  for (int i = 0; i < spins; i++) {
    unsigned now = atomic_load_explicit(&pool->generation, memory_order_acquire);
    if (now % 2 && now != seen) return now;
    PAUSE();
  }
  pthread_mutex_lock(&pool->mutex);
  atomic_fetch_add(&pool->sleepers, 1);
  unsigned now = atomic_load(&pool->generation);
  while (now % 2 == 0 || now == seen) {
    pthread_cond_wait(&pool->wake, &pool->mutex);
    now = atomic_load(&pool->generation);
  }
  atomic_fetch_sub(&pool->sleepers, 1);
  pthread_mutex_unlock(&pool->mutex);
  return now;
}

static void *work(void *argument) {
  zoo_pool *pool = argument;
  unsigned seen = 0;
  for (;;) {
    seen = wait_for_work(pool, seen);
    if (atomic_load(&pool->stopping)) return NULL;
    // Either the caller sees this worker and waits for it, or the worker sees that the operation is over.
    atomic_fetch_add(&pool->joined, 1);
    if (atomic_load(&pool->generation) == seen) take_units(pool);
    atomic_fetch_sub(&pool->joined, 1);
  }
}

static void announce(zoo_pool *pool) {
  atomic_fetch_add(&pool->generation, 1);
  if (atomic_load(&pool->sleepers) > 0) {
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
  }
}

zoo_pool *zoo_pool_create(int32_t threads) {
  int32_t workers = threads > 1 ? threads - 1 : 0;
  size_t bytes = (sizeof(zoo_pool) + (size_t)workers * sizeof(pthread_t) + 63) / 64 * 64;
  zoo_pool *pool = aligned_alloc(64, bytes);
  if (!pool) return NULL;
  *pool = (zoo_pool){.workers = 0};
  pthread_mutex_init(&pool->mutex, NULL);
  pthread_cond_init(&pool->wake, NULL);
  while (pool->workers < workers) {
    if (pthread_create(&pool->threads[pool->workers], NULL, work, pool) != 0) {
      zoo_pool_destroy(pool);
      return NULL;
    }
    pool->workers++;
  }
  return pool;
}

void zoo_pool_destroy(zoo_pool *pool) {
  if (!pool) return;
  atomic_store(&pool->stopping, 1);
  announce(pool);
  for (int32_t i = 0; i < pool->workers; i++) pthread_join(pool->threads[i], NULL);
  pthread_cond_destroy(&pool->wake);
  pthread_mutex_destroy(&pool->mutex);
  free(pool);
}

void zoo_pool_run(zoo_pool *pool, zoo_kernel kernel, const void *arguments, int32_t units, int32_t chunk) {
  if (!pool || pool->workers == 0 || units <= chunk) {
    kernel(arguments, 0, units);
    return;
  }
  pool->kernel = kernel;
  pool->arguments = arguments;
  pool->units = units;
  pool->chunk = chunk;
  atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
  announce(pool);
  take_units(pool);
  // Workers that come too late find the operation over; nobody waits for them.
  atomic_fetch_add(&pool->generation, 1);
  for (int i = 0; atomic_load(&pool->joined) > 0; i++) {
    if (i < spins) PAUSE(); else sched_yield();
  }
}
