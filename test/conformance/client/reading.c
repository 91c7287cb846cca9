// Contents: pread at every boundary, mappings page by page, and where data and holes are said to be.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client.h"

enum { pageBytes = 4096, requestBytes = 131072, denseBytes = 1 << 20 };

struct Whole { int file; unsigned char *data; size_t bytes; unsigned char *buffer; unsigned long checks; };

static const size_t lengths[] = {0, 1, 2, 4095, 4096, 4097, 131071, 131072, 131073};

static void expectRead(struct Whole *whole, off_t offset, size_t length) {
  const size_t left = (size_t)offset < whole->bytes ? whole->bytes - (size_t)offset : 0;
  const size_t expected = length < left ? length : left;
  const ssize_t got = pread(whole->file, whole->buffer, length, offset);
  whole->checks += 1;
  if (got != (ssize_t)expected)
    broken("pread of %zu at %lld gives %zd, not %zu", length, (long long)offset, got, expected);
  else if (expected && memcmp(whole->buffer, whole->data + offset, expected))
    broken("pread of %zu at %lld gives other bytes", length, (long long)offset);
}

static void readAround(struct Whole *whole, off_t boundary) {
  for (off_t offset = boundary ? boundary - 1 : 0; offset <= boundary + 1; offset += 1)
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i += 1) expectRead(whole, offset, lengths[i]);
}

// Every page boundary of small files, every request boundary of large ones, and the end of each.
static void readEverywhere(struct Whole *whole) {
  const size_t step = whole->bytes > denseBytes + 1 ? requestBytes : pageBytes;
  for (size_t boundary = 0; boundary <= whole->bytes + step; boundary += step) readAround(whole, (off_t)boundary);
  readAround(whole, (off_t)whole->bytes);
  expectRead(whole, (off_t)1 << 40, 1);
}

static struct Whole openWhole(const char *path) {
  struct Whole whole = {.file = openOrDie(path, O_RDONLY)};
  whole.data = readWhole(whole.file, &whole.bytes);
  whole.buffer = malloc(requestBytes + 1);
  if (!whole.buffer) die("malloc");
  return whole;
}

// FILE: once with warm pages, once after giving them up.
void readBoundaries(char **args) {
  struct Whole whole = openWhole(args[0]);
  readEverywhere(&whole);
  if (posix_fadvise(whole.file, 0, 0, POSIX_FADV_DONTNEED)) die("posix_fadvise");
  readEverywhere(&whole);
  answerText("bytes", "%zu", whole.bytes);
  answerText("reads", "%lu", whole.checks);
  answer("negative offset", pread(whole.file, whole.buffer, 1, -1));
}

static sigjmp_buf onBusError;
static void jump(int signal) { siglongjmp(onBusError, signal); }

static const char *touch(const volatile unsigned char *at) {
  struct sigaction action = {.sa_handler = jump}, before;
  sigaction(SIGBUS, &action, &before);
  const char *result = "SIGBUS";
  if (!sigsetjmp(onBusError, 1)) {
    (void)*at;
    result = "readable";
  }
  sigaction(SIGBUS, &before, NULL);
  return result;
}

static void comparePages(const struct Whole *whole, const unsigned char *map, size_t mapped, const char *kind) {
  for (size_t at = 0; at < whole->bytes; at += pageBytes) {
    const size_t bytes = whole->bytes - at < pageBytes ? whole->bytes - at : pageBytes;
    if (memcmp(map + at, whole->data + at, bytes)) broken("%s page at %zu differs", kind, at);
  }
  for (size_t at = whole->bytes; at < mapped; at += 1)
    if (map[at]) broken("%s byte %zu after the end is not zero", kind, at);
}

static void mapOnce(const struct Whole *whole, int flags, const char *kind) {
  const size_t mapped = (whole->bytes + pageBytes - 1) / pageBytes * pageBytes;
  unsigned char *map = mmap(NULL, mapped + pageBytes, PROT_READ, flags, whole->file, 0);
  if (map == MAP_FAILED) return answer(kind, -1);
  comparePages(whole, map, mapped, kind);
  answerText(kind, "%zu bytes, then %s", mapped, touch(map + mapped));
  munmap(map, mapped + pageBytes);
}

static void writePrivately(const struct Whole *whole) {
  unsigned char *map = mmap(NULL, whole->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, whole->file, 0);
  if (map == MAP_FAILED) return answer("private and writable", -1);
  map[0] ^= 0xff;
  unsigned char first;
  if (pread(whole->file, &first, 1, 0) != 1 || first != whole->data[0]) broken("a private write reached the file");
  answerText("private and writable", "own copy");
  munmap(map, whole->bytes);
}

// FILE, not empty
void mapPages(char **args) {
  struct Whole whole = openWhole(args[0]);
  if (posix_fadvise(whole.file, 0, 0, POSIX_FADV_DONTNEED)) die("posix_fadvise");
  mapOnce(&whole, MAP_PRIVATE, "private");
  mapOnce(&whole, MAP_SHARED, "shared");
  mapOnce(&whole, MAP_SHARED | MAP_POPULATE, "populated");
  writePrivately(&whole);
  const void *map = mmap(NULL, whole.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, whole.file, 0);
  answer("shared and writable", map == MAP_FAILED ? -1 : 0);
}

static void seekTo(int file, const char *what, off_t offset, int whence) {
  char question[64];
  snprintf(question, sizeof question, "%s %lld", what, (long long)offset);
  const off_t at = lseek(file, offset, whence);
  if (at < 0) answer(question, -1);
  else answerText(question, "%lld", (long long)at);
}

// FILE
void seekData(char **args) {
  const int file = openOrDie(args[0], O_RDONLY);
  struct stat info;
  if (fstat(file, &info)) die("fstat");
  const off_t offsets[] = {0, 1, info.st_size / 2, info.st_size - 1, info.st_size, info.st_size + 1, -1};
  for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i += 1) {
    seekTo(file, "SEEK_DATA", offsets[i], SEEK_DATA);
    seekTo(file, "SEEK_HOLE", offsets[i], SEEK_HOLE);
    seekTo(file, "SEEK_SET", offsets[i], SEEK_SET);
  }
  seekTo(file, "SEEK_END", 0, SEEK_END);
  seekTo(file, "SEEK_END", 10, SEEK_END);
  seekTo(file, "SEEK_END", -info.st_size - 1, SEEK_END);
}
