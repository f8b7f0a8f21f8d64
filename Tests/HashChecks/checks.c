#include "HashChecks.h"

#include <CZooHash.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { message_bytes = (1 << 20) + 1, digest_bytes = 32, random_rounds = 3000 };

// A hash with one of its implementations.
typedef struct {
  enum { sha256, md5, xxh3 } kind;
  int32_t implementation;
  char name[32];
} subject;

typedef union {
  zoo_sha256 sha256;
  zoo_md5 md5;
  zoo_xxh3 xxh3;
} state;

typedef struct {
  zoo_hash_check_result result;
  void (*report)(void *context, const char *line);
  void *context;
  uint64_t random;
} checks;

// SplitMix64.
static uint64_t next(checks *c) {
  uint64_t z = c->random += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

static bool begin(const subject *s, state *st) {
  switch (s->kind) {
  case sha256: return zoo_sha256_init_with(&st->sha256, s->implementation);
  case md5: zoo_md5_init(&st->md5); return true;
  default: return zoo_xxh3_init_with(&st->xxh3, s->implementation);
  }
}

static void update(const subject *s, state *st, const uint8_t *bytes, size_t count) {
  switch (s->kind) {
  case sha256: zoo_sha256_update(&st->sha256, bytes, count); break;
  case md5: zoo_md5_update(&st->md5, bytes, count); break;
  default: zoo_xxh3_update(&st->xxh3, bytes, count);
  }
}

static void finish(const subject *s, const state *st, char text[2 * digest_bytes + 1]) {
  uint8_t digest[digest_bytes];
  size_t count = 16;
  switch (s->kind) {
  case sha256:
    zoo_sha256_final(&st->sha256, digest);
    count = 32;
    break;
  case md5: zoo_md5_final(&st->md5, digest); break;
  default: {
    const zoo_xxh3_digest d = zoo_xxh3_final(&st->xxh3);
    for (int i = 0; i < 8; i++) {
      digest[i] = (uint8_t)(d.high >> (56 - 8 * i));
      digest[8 + i] = (uint8_t)(d.low >> (56 - 8 * i));
    }
  }
  }
  for (size_t i = 0; i < count; i++) snprintf(text + 2 * i, 3, "%02x", digest[i]);
}

static void compare(checks *c, const subject *s, const char *found, const char *expected, size_t count) {
  c->result.compared++;
  if (strcmp(found, expected) == 0) return;
  c->result.failed++;
  char line[256];
  snprintf(line, sizeof line, "%s of %zu bytes: %s, not %s", s->name, count, found, expected);
  c->report(c->context, line);
}

// The digest in parts: of any size, and sometimes asked for on the way.
static void hash_in_parts(
    checks *c, const subject *s, const uint8_t *bytes, size_t count, char text[2 * digest_bytes + 1]) {
  static const size_t sizes[] = {1, 8, 63, 64, 65, 256, 257, 1024, 5000, message_bytes};
  state st;
  begin(s, &st);
  while (count > 0) {
    const size_t most = sizes[next(c) % (sizeof sizes / sizeof *sizes)];
    size_t part = next(c) % 4 == 0 ? most : next(c) % (most + 1);
    if (part > count) part = count;
    update(s, &st, bytes, part);
    bytes += part;
    count -= part;
    if (next(c) % 8 == 0) finish(s, &st, text);
  }
  finish(s, &st, text);
}

static void check(checks *c, const subject *s, const uint8_t *bytes, size_t count, const char *expected) {
  char text[2 * digest_bytes + 1];
  state st;
  begin(s, &st);
  update(s, &st, bytes, count);
  finish(s, &st, text);
  compare(c, s, text, expected, count);
  hash_in_parts(c, s, bytes, count, text);
  compare(c, s, text, expected, count);
}

static int find_subjects(subject *subjects) {
  int count = 0;
  const char *name;
  state st;
  subjects[count++] = (subject){.kind = md5, .name = "MD5"};
  for (int32_t i = 0; (name = zoo_sha256_implementation(i)); i++) {
    subject *s = &subjects[count];
    *s = (subject){.kind = sha256, .implementation = i};
    snprintf(s->name, sizeof s->name, "SHA-256 %s", name);
    count += begin(s, &st);
  }
  for (int32_t i = 0; (name = zoo_xxh3_implementation(i)); i++) {
    subject *s = &subjects[count];
    *s = (subject){.kind = xxh3, .implementation = i};
    snprintf(s->name, sizeof s->name, "XXH3 %s", name);
    count += begin(s, &st);
  }
  return count;
}

static void check_known(
    checks *c, const subject *subjects, int count, const uint8_t *message, const char *known) {
  size_t length;
  char digests[3][2 * digest_bytes + 1];
  int read;
  while (sscanf(known, "%zu %64s %64s %64s\n%n", &length, digests[0], digests[1], digests[2], &read) == 4) {
    known += read;
    for (int i = 0; i < count && length <= message_bytes; i++) {
      check(c, &subjects[i], message, length, digests[subjects[i].kind]);
    }
  }
}

// Random lengths at random addresses; the last implementation of each hash is the portable one.
static void check_random(checks *c, const subject *subjects, int count, const uint8_t *message) {
  for (int round = 0; round < random_rounds; round++) {
    const size_t limit = (size_t)64 << next(c) % 9, length = next(c) % limit, start = next(c) % 100;
    char expected[2 * digest_bytes + 1];
    for (int i = count - 1; i >= 0; i--) {
      if (i == count - 1 || subjects[i].kind != subjects[i + 1].kind) {
        state st;
        begin(&subjects[i], &st);
        update(&subjects[i], &st, message + start, length);
        finish(&subjects[i], &st, expected);
      }
      check(c, &subjects[i], message + start, length, expected);
    }
  }
}

zoo_hash_check_result zoo_check_hashes(
    const char *known, void (*report)(void *context, const char *line), void *context) {
  checks c = {.report = report, .context = context, .random = 1};
  subject subjects[16];
  const int count = find_subjects(subjects);
  for (int i = 0; i < count; i++) report(context, subjects[i].name);
  uint8_t *message = malloc(message_bytes);
  if (!message) return (zoo_hash_check_result){.failed = 1};
  for (uint32_t i = 0; i < message_bytes; i++) message[i] = (uint8_t)(i * 0x9e3779b1u >> 24);
  check_known(&c, subjects, count, message, known);
  check_random(&c, subjects, count, message);
  free(message);
  return c.result;
}
