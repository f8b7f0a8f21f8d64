// Workers that wait a moment in a loop, then asleep: operations follow each other within microseconds,
// and an idle session must cost nothing.
//
// Each thread gets one contiguous share of an operation's units, the same part every time: what it wrote
// in one operation is in its own cache when it reads it in the next. It takes its share piece by piece, and
// whoever is done takes pieces from the ends of the others' shares: a core that is slower, or busy with
// something else, makes nobody wait. A worker's share, and all that it has to know, is in one cache line.
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
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

// How often a worker looks for work before it falls asleep.
enum { spins = 2000 };
// An eighth of a share is not divided further: to wait for so little costs no more than to divide it.
enum { least_part = 8 };

enum { idle, assigned, taken, stopping };

// Units that are still to be taken: the first in the lower half, the end in the upper.
typedef _Atomic uint64_t zoo_share;

// What is done with the units, by how many threads, and how many units are not divided further.
typedef struct {
  zoo_kernel kernel;
  const void *arguments;
  int32_t threads, least;
} zoo_job;

typedef struct {
  _Alignas(64) atomic_int state;
  zoo_share share;
  zoo_job job;
  // What is below is touched when a worker falls asleep, and not in between.
  _Alignas(64) atomic_int asleep;
  int32_t thread_index;
  zoo_pool *pool;
  pthread_t thread;
  pthread_mutex_t mutex;
  pthread_cond_t wake;
} zoo_worker;

struct zoo_pool {
  int32_t count;
  _Alignas(64) zoo_share share;  // the caller's
  zoo_worker workers[];
};

// Threads that are inside of `zoo_pool_enter` and `zoo_pool_leave`, of all pools.
static atomic_int callers;
// Which of a pool's threads this is; those that call are number 0.
static _Thread_local int32_t thread_index;

int32_t zoo_thread_index(void) { return thread_index; }

// Whether there is something to do.
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

// Where a piece of a share begins and ends; empty where nothing is left.
typedef struct {
  int32_t begin, end;
} zoo_piece;

// Takes half of what is left, or all if that is no more than `least`: from its front for the thread whose share it
// is, from its end for others.
static zoo_piece take_piece(zoo_share *share, int is_own, int32_t least) {
  uint64_t left = atomic_load_explicit(share, memory_order_relaxed);
  for (;;) {
    const int32_t begin = (int32_t)(left & UINT32_MAX), end = (int32_t)(left >> 32);
    if (begin >= end) return (zoo_piece){0, 0};
    const int32_t count = end - begin <= least ? end - begin : (end - begin + 1) / 2;
    const int32_t new_begin = is_own ? begin + count : begin, new_end = is_own ? end : end - count;
    const uint64_t rest = (uint64_t)(uint32_t)new_end << 32 | (uint32_t)new_begin;
    if (atomic_compare_exchange_weak_explicit(share, &left, rest, memory_order_relaxed, memory_order_relaxed)) {
      return is_own ? (zoo_piece){begin, new_begin} : (zoo_piece){new_end, end};
    }
  }
}

static zoo_share *share_of(zoo_pool *pool, int32_t thread) {
  return thread == 0 ? &pool->share : &pool->workers[thread - 1].share;
}

// Does the share of `thread`, and then what others have not come to.
static void do_units(zoo_pool *pool, int32_t thread, zoo_job job) {
  for (int32_t i = 0; i < job.threads; i++) {
    zoo_share *share = share_of(pool, (thread + i) % job.threads);
    for (;;) {
      const zoo_piece piece = take_piece(share, i == 0, job.least);
      if (piece.begin == piece.end) break;
      job.kernel(job.arguments, piece.begin, piece.end);
    }
  }
}

static void *work(void *argument) {
  zoo_worker *worker = argument;
  thread_index = worker->thread_index;
  while (wait_for_work(worker) != stopping) {
    // The caller takes the assignment back if all is done before the worker comes by.
    int expected = assigned;
    if (!atomic_compare_exchange_strong(&worker->state, &expected, taken)) continue;
    do_units(worker->pool, thread_index, worker->job);
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
    *worker = (zoo_worker){.thread_index = i + 1, .pool = pool};
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
  const zoo_job job = {kernel, arguments, threads, (units / threads + least_part - 1) / least_part};
  for (int32_t i = 0; i < threads; i++) {
    const int64_t begin = (int64_t)units * i / threads, end = (int64_t)units * (i + 1) / threads;
    atomic_store_explicit(share_of(pool, i), (uint64_t)(end << 32 | begin), memory_order_relaxed);
  }
  for (int32_t i = 1; i < threads; i++) {
    zoo_worker *worker = &pool->workers[i - 1];
    worker->job = job;
    set_state(worker, assigned);
  }
  do_units(pool, 0, job);
  for (int32_t i = 1; i < threads; i++) {
    zoo_worker *worker = &pool->workers[i - 1];
    int expected = assigned;
    if (atomic_compare_exchange_strong(&worker->state, &expected, idle)) continue;
    for (int n = 0; atomic_load_explicit(&worker->state, memory_order_acquire) != idle; n++) {
      if (n < spins) PAUSE(); else sched_yield();
    }
  }
}
