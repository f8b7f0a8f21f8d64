// Workers that wait a moment in a loop, then asleep: operations follow each other within microseconds,
// and an idle session must cost nothing.
//
// Each thread gets one contiguous share of an operation's units, the same part every time: what it wrote
// in one operation is in its own cache when it reads it in the next. A worker's share, and all that it has
// to know, is in one cache line, which goes to the worker and comes back when it is done.
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "CZooKernels.h"

#if defined(__x86_64__)
#define PAUSE() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define PAUSE() __asm__ volatile("yield")
#else
#define PAUSE() ((void)0)
#endif

enum { spins = 2000 };

enum { idle, assigned, taken, stopping };

typedef struct {
  _Alignas(64) atomic_int state;
  int32_t begin, end;
  zoo_kernel kernel;
  const void *arguments;
  // What is below is touched when a worker falls asleep, and not in between.
  _Alignas(64) atomic_int asleep;
  int32_t thread_index;
  pthread_t thread;
  pthread_mutex_t mutex;
  pthread_cond_t wake;
} zoo_worker;

struct zoo_pool {
  int32_t count;
  zoo_worker workers[];
};

// Threads that are inside of `zoo_pool_enter` and `zoo_pool_leave`, of all pools.
static atomic_int callers;
// Which of a pool's threads this is; those that call are number 0.
static _Thread_local int32_t thread_index;

int32_t zoo_thread_index(void) { return thread_index; }

// Whether there is something to do; a share that the caller has taken is nothing.
static int concerns_worker(int state) { return state == assigned || state == stopping; }

static int wait_for_work(zoo_worker *worker) {
  for (int i = 0; i < spins; i++) {
    int state = atomic_load_explicit(&worker->state, memory_order_acquire);
    if (concerns_worker(state)) return state;
    PAUSE();
  }
  pthread_mutex_lock(&worker->mutex);
  atomic_store(&worker->asleep, 1);
  int state = atomic_load(&worker->state);
  while (!concerns_worker(state)) {
    pthread_cond_wait(&worker->wake, &worker->mutex);
    state = atomic_load(&worker->state);
  }
  atomic_store(&worker->asleep, 0);
  pthread_mutex_unlock(&worker->mutex);
  return state;
}

static int take(zoo_worker *worker) {
  int expected = assigned;
  return atomic_compare_exchange_strong(&worker->state, &expected, taken);
}

static void *work(void *argument) {
  zoo_worker *worker = argument;
  thread_index = worker->thread_index;
  while (wait_for_work(worker) != stopping) {
    // The caller does the share itself if it comes by before its worker does.
    if (!take(worker)) continue;
    worker->kernel(worker->arguments, worker->begin, worker->end);
    atomic_store_explicit(&worker->state, idle, memory_order_release);
  }
  return NULL;
}

static void set_state(zoo_worker *worker, int state) {
  atomic_store(&worker->state, state);
  if (atomic_load(&worker->asleep)) {
    pthread_mutex_lock(&worker->mutex);
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->mutex);
  }
}

zoo_pool *zoo_pool_create(int32_t threads) {
  const int32_t count = threads > 1 ? threads - 1 : 0;
  zoo_pool *pool = NULL;
  if (posix_memalign((void **)&pool, 64, sizeof(zoo_pool) + (size_t)count * sizeof(zoo_worker))) return NULL;
  pool->count = 0;
  for (int32_t i = 0; i < count; i++) {
    zoo_worker *worker = &pool->workers[i];
    *worker = (zoo_worker){.thread_index = i + 1};
    pthread_mutex_init(&worker->mutex, NULL);
    pthread_cond_init(&worker->wake, NULL);
    if (pthread_create(&worker->thread, NULL, work, worker) != 0) {
      pthread_cond_destroy(&worker->wake);
      pthread_mutex_destroy(&worker->mutex);
      zoo_pool_destroy(pool);
      return NULL;
    }
    pool->count++;
  }
  return pool;
}

void zoo_pool_destroy(zoo_pool *pool) {
  if (!pool) return;
  for (int32_t i = 0; i < pool->count; i++) {
    zoo_worker *worker = &pool->workers[i];
    set_state(worker, stopping);
    pthread_join(worker->thread, NULL);
    pthread_cond_destroy(&worker->wake);
    pthread_mutex_destroy(&worker->mutex);
  }
  free(pool);
}

void zoo_pool_enter(void) { atomic_fetch_add(&callers, 1); }

void zoo_pool_leave(void) { atomic_fetch_sub(&callers, 1); }

// As many workers as the pool has, but where several threads call at once, their part of the processors.
static int32_t usable_workers(const zoo_pool *pool) {
  static atomic_int processors;
  const int others = atomic_load_explicit(&callers, memory_order_relaxed) - 1;
  if (others <= 0) return pool->count;
  int known = atomic_load_explicit(&processors, memory_order_relaxed);
  if (known == 0) {
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    known = online > 0 ? (int)online : 1;
    atomic_store_explicit(&processors, known, memory_order_relaxed);
  }
  const int share = known / (others + 1) - 1;
  return share < 0 ? 0 : share < pool->count ? share : pool->count;
}

void zoo_pool_run(zoo_pool *pool, zoo_kernel kernel, const void *arguments, int32_t units) {
  const int32_t workers = pool && units > 1 ? usable_workers(pool) : 0;
  const int32_t threads = workers < units ? workers + 1 : units;
  if (threads <= 1) {
    // A thread of a pool may call as one of its own: it then is the first and only one.
    const int32_t outer = thread_index;
    thread_index = 0;
    kernel(arguments, 0, units);
    thread_index = outer;
    return;
  }
  for (int32_t i = 1; i < threads; i++) {
    zoo_worker *worker = &pool->workers[i - 1];
    worker->kernel = kernel;
    worker->arguments = arguments;
    worker->begin = (int32_t)((int64_t)units * i / threads);
    worker->end = (int32_t)((int64_t)units * (i + 1) / threads);
    set_state(worker, assigned);
  }
  kernel(arguments, 0, (int32_t)(units / threads));
  for (int32_t i = 1; i < threads; i++) {
    zoo_worker *worker = &pool->workers[i - 1];
    if (take(worker)) {
      kernel(arguments, worker->begin, worker->end);
      atomic_store_explicit(&worker->state, idle, memory_order_release);
    }
    for (int n = 0; atomic_load_explicit(&worker->state, memory_order_acquire) != idle; n++) {
      if (n < spins) PAUSE(); else sched_yield();
    }
  }
}
