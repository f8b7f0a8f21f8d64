// The pool of threads: each unit is done once, by a thread whose number nobody else has at the time, and what a slow
// thread does not come to is done by others.
#include <stdatomic.h>
#include <time.h>

#include "checks.h"

enum { most_units = 300, most_threads = 4 };

typedef struct {
  atomic_int done[most_units];
  atomic_int busy[most_threads], clashes;
  // The thread that comes to unit 0 waits until all from this one on are done; 0: it doesn't.
  int awaited, units;
} pool_work;

static int is_done(const pool_work *w, int unit) { return atomic_load(&w->done[unit]) > 0; }

static void wait_for_others(const pool_work *w) {
  const time_t start = time(NULL);
  for (int unit = w->awaited; unit < w->units && time(NULL) - start < 20;) {
    if (is_done(w, unit)) {
      unit++;
    } else {
      nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    }
  }
}

static void count_units(const void *arguments, int32_t begin, int32_t end) {
  pool_work *w = (pool_work *)arguments;
  const int32_t thread = zoo_thread_index();
  if (thread < 0 || thread >= most_threads || atomic_fetch_add(&w->busy[thread], 1) > 0) {
    atomic_fetch_add(&w->clashes, 1);
  }
  if (begin == 0 && w->awaited > 0) {
    wait_for_others(w);
    // Those after this piece which are not done are left to the thread that waited in vain.
    for (int unit = w->awaited; unit < w->units; unit++) {
      if (!is_done(w, unit)) atomic_fetch_add(&w->clashes, 1);
    }
  }
  for (int32_t unit = begin; unit < end; unit++) atomic_fetch_add(&w->done[unit], 1);
  if (thread >= 0 && thread < most_threads) atomic_fetch_sub(&w->busy[thread], 1);
}

static void check_run(check *c, zoo_pool *pool, int units, int awaited) {
  pool_work w = {.awaited = awaited, .units = units};
  zoo_pool_run(pool, count_units, &w, units);
  for (int unit = 0; unit < units; unit++) expect(c, "times that a unit was done", w.done[unit], 1, 0);
  expect(c, "units that only a waiting thread was left for", w.clashes, 0, 0);
}

zoo_check_result zoo_check_pool(void (*report)(void *, const char *), void *context) {
  const zoo_kernels pools = {.name = "pool"};
  check c = {.kernels = &pools, .report = report, .context = context, .random = 1};
  for (int threads = 1; threads <= most_threads; threads++) {
    zoo_pool *pool = zoo_pool_create(threads);
    for (int i = 0; i < 300; i++) check_run(&c, pool, any(&c, 1, most_units), 0);
    // The caller is kept in the first half of its share: the rest of it is for the others.
    if (threads > 1) {
      for (int i = 0; i < 3; i++) check_run(&c, pool, 64, (64 / threads + 1) / 2);
    }
    zoo_pool_destroy(pool);
  }
  return c.result;
}
