// Directories: getdents64 with any buffer, positions, and a walk that compares what listings and lstat say.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client.h"

struct Record {
  uint64_t ino;
  int64_t off;
  unsigned short bytes;
  unsigned char type;
  char name[];
};

static long getRecords(int folder, void *buffer, size_t bytes) {
  return syscall(SYS_getdents64, folder, buffer, bytes);
}

typedef void Visit(const struct Record *record, void *with);

// Gives each record of a folder, read with a buffer of this size; the last result is 0 or negative with errno.
static long forEachRecord(int folder, size_t bytes, Visit *visit, void *with) {
  char *buffer = malloc(bytes);
  if (!buffer) die("malloc");
  long got;
  while ((got = getRecords(folder, buffer, bytes)) > 0) {
    for (long at = 0; at < got;) {
      const struct Record *record = (const struct Record *)(buffer + at);
      visit(record, with);
      at += record->bytes;
    }
  }
  const int error = errno;
  free(buffer);
  errno = error;
  return got;
}

static void print(const struct Record *record, void *with) {
  (void)with;
  answerText(record->name, "%llu %u %u", (unsigned long long)record->ino, record->type, record->bytes);
}

// FOLDER BYTES
void list(char **args) {
  const int folder = openOrDie(args[0], O_RDONLY | O_DIRECTORY);
  answer("/end", forEachRecord(folder, strtoul(args[1], NULL, 10), print, NULL));
}

struct Positions { size_t count, room; struct { long at; char *name; } *items; };

static void remember(struct Positions *all, long at, const char *name) {
  if (all->count == all->room) {
    all->room = all->room ? all->room * 2 : 1024;
    all->items = realloc(all->items, all->room * sizeof *all->items);
    if (!all->items) die("realloc");
  }
  all->items[all->count].at = at;
  all->items[all->count++].name = strdup(name);
}

static void rememberOffset(const struct Record *record, void *with) {
  remember(with, (long)record->off, record->name);
}

// Without `.` and `..`, which a listing need not have.
static size_t countNames(const struct Positions *all) {
  size_t count = 0;
  for (size_t i = 0; i < all->count; i += 1) {
    const char *name = all->items[i].name;
    count += strcmp(name, ".") && strcmp(name, "..") && strcmp(name, "/end");
  }
  return count;
}

static const char *nameAfter(const char *path, long offset, char *buffer, size_t bytes) {
  const int folder = openOrDie(path, O_RDONLY | O_DIRECTORY);
  if (lseek(folder, offset, SEEK_SET) < 0) die("lseek");
  const long got = getRecords(folder, buffer, bytes);
  close(folder);
  if (got < 0) return errnoName(errno);
  return got == 0 ? "/end" : ((struct Record *)buffer)->name;
}

// FOLDER STEP: a descriptor opened anew goes on from any d_off of an earlier one, as NFS clients do.
void resume(char **args) {
  struct Positions all = {0};
  const int folder = openOrDie(args[0], O_RDONLY | O_DIRECTORY);
  if (forEachRecord(folder, 4096, rememberOffset, &all) < 0) die("getdents64");
  const size_t step = strtoul(args[1], NULL, 10);
  _Alignas(8) char buffer[512];
  for (size_t i = 0; i < all.count; i += step) {
    const char *expected = i + 1 < all.count ? all.items[i + 1].name : "/end";
    const char *found = nameAfter(args[0], all.items[i].at, buffer, sizeof buffer);
    if (strcmp(expected, found)) broken("after '%s' comes '%s', not '%s'", all.items[i].name, found, expected);
  }
  answerText("names", "%zu", countNames(&all));
}

static void expectNext(DIR *folder, const struct Positions *all, size_t index) {
  const struct dirent *entry = readdir(folder);
  const char *expected = index < all->count ? all->items[index].name : "/end";
  const char *found = entry ? entry->d_name : "/end";
  if (strcmp(expected, found)) broken("at position %zu stands '%s', not '%s'", index, found, expected);
}

// FOLDER STEP: seekdir to every STEPth telldir position, from the last to the first; then rewinddir.
void seek(char **args) {
  struct Positions all = {0};
  DIR *folder = opendir(args[0]);
  if (!folder) die(args[0]);
  for (;;) {
    const long at = telldir(folder);
    const struct dirent *entry = readdir(folder);
    if (!entry) { remember(&all, at, "/end"); break; }
    remember(&all, at, entry->d_name);
  }
  const size_t step = strtoul(args[1], NULL, 10);
  for (size_t back = 0; back < all.count; back += step) {
    const size_t index = all.count - 1 - back;
    seekdir(folder, all.items[index].at);
    expectNext(folder, &all, index);
    if (index + 1 < all.count) expectNext(folder, &all, index + 1);
  }
  rewinddir(folder);
  for (size_t i = 0; i < all.count; i += 1) expectNext(folder, &all, i);
  answerText("names", "%zu", countNames(&all));
}

struct Walk { unsigned long entries, wrongTypes, wrongNumbers; uint64_t tree; };

static void walkFolder(int parent, const char *name, const char *path, struct Walk *walk);

static uint64_t hashContent(int folder, const char *name, const struct stat *info) {
  char target[PATH_MAX];
  if (S_ISLNK(info->st_mode)) {
    const ssize_t bytes = readlinkat(folder, name, target, sizeof target);
    return bytes < 0 ? 1 : hashBytes(HASH_START, target, (size_t)bytes);
  }
  if (!S_ISREG(info->st_mode)) return 0;
  const int file = openat(folder, name, O_RDONLY | O_CLOEXEC);
  if (file < 0) return (uint64_t)errno;
  const uint64_t hash = hashFile(file);
  close(file);
  return hash;
}

// The sum over all objects does not depend on the order of listings.
static void visitEntry(int folder, const struct dirent *entry, const char *path, struct Walk *walk) {
  struct stat info;
  if (fstatat(folder, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) < 0) {
    broken("%s: %s", path, errnoName(errno));
    return;
  }
  walk->entries += 1;
  walk->wrongTypes += entry->d_type != IFTODT(info.st_mode);
  walk->wrongNumbers += entry->d_ino != info.st_ino;
  const uint64_t facts[] = {info.st_mode, S_ISDIR(info.st_mode) ? 0 : (uint64_t)info.st_size,
                            hashContent(folder, entry->d_name, &info)};
  walk->tree += hashBytes(hashBytes(HASH_START, path, strlen(path)), facts, sizeof facts);
  if (S_ISDIR(info.st_mode)) walkFolder(folder, entry->d_name, path, walk);
}

static void walkFolder(int parent, const char *name, const char *path, struct Walk *walk) {
  const int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *listing = folder < 0 ? NULL : fdopendir(folder);
  if (!listing) {
    broken("%s: %s", path, errnoName(errno));
    return;
  }
  const struct dirent *entry;
  char below[PATH_MAX * 2];
  while ((entry = readdir(listing))) {
    if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
    snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
    visitEntry(folder, entry, below, walk);
  }
  closedir(listing);
}

// FOLDER: everything below it, with contents.
void walk(char **args) {
  struct Walk found = {0};
  walkFolder(AT_FDCWD, args[0], "", &found);
  answerText("entries", "%lu", found.entries);
  answerText("tree", "%016llx", (unsigned long long)found.tree);
  answerText("d_type unlike lstat", "%lu", found.wrongTypes);
  answerText("d_ino unlike lstat", "%lu", found.wrongNumbers);
}
