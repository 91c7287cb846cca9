/*
 * Measures file system calls from a process of its own, so that the measuring does not disturb the server.
 *
 *   fsclient collect ROOT...                prints "d PATH" and "f PATH" for everything below the roots; links to
 *                                           files count as files, links to directories are left out
 *   fsclient TRIAL LIST PASSES [MS]         prints one line a pass: operations and nanoseconds; after the second pass
 *                                           none begins once MS milliseconds have gone by
 *   fsclient TRIAL LIST PASSES each         times each call alone: operations, and of one call in ns the minimum,
 *                                           median, 99th percentile and maximum; the clock's own cost is in it
 *
 * LIST is what `collect` printed, so that a measurement with dropped caches touches nothing before it starts.
 *
 *   stat      stat(2) of every path               missing   stat(2) of a name that is in no directory
 *   listdir   opendir, readdir to the end         scandir   the same and an fstatat(2) of each entry
 *   read      open, read to the end, close of every .py
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct item {
  char kind;
  char *path;
  char *missing; /* a name below a directory that does not exist */
};

static struct item *items;
static size_t item_count;

static void fail(const char *what, const char *path) {
  fprintf(stderr, "fsclient: %s %s: %s\n", what, path, strerror(errno));
  exit(1);
}

static void *need(void *memory) {
  if (!memory) fail("allocate", "memory");
  return memory;
}

static char *join(const char *folder, const char *name) {
  char *path;
  if (asprintf(&path, "%s/%s", folder, name) < 0) fail("allocate", folder);
  return path;
}

static void collect(const char *root) {
  DIR *dir = opendir(root);
  if (!dir) fail("opendir", root);
  printf("d %s\n", root);
  for (struct dirent *entry; (entry = readdir(dir));) {
    if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
    char *path = join(root, entry->d_name);
    struct stat info, target;
    if (lstat(path, &info)) fail("lstat", path);
    if (S_ISDIR(info.st_mode)) collect(path);
    else if (!stat(path, &target) && S_ISREG(target.st_mode)) printf("f %s\n", path);
    free(path);
  }
  closedir(dir);
}

static void load(const char *list) {
  FILE *file = fopen(list, "r");
  if (!file) fail("open", list);
  char *line = NULL;
  size_t capacity = 0, room = 0;
  for (ssize_t length; (length = getline(&line, &capacity, file)) > 2;) {
    line[length - 1] = 0;
    if (item_count == room) items = need(realloc(items, (room = room ? room * 2 : 1024) * sizeof *items));
    char *path = need(strdup(line + 2));
    items[item_count++] = (struct item){line[0], path, line[0] == 'd' ? join(path, "no_such_module.py") : NULL};
  }
  free(line);
  fclose(file);
}

/* Each does its call for one item and gives the number of operations: 0 when the item is of another kind. */

static long do_stat(const struct item *item) {
  struct stat info;
  if (stat(item->path, &info)) fail("stat", item->path);
  return 1;
}

static long do_missing(const struct item *item) {
  struct stat info;
  if (item->kind != 'd') return 0;
  if (!stat(item->missing, &info) || errno != ENOENT) fail("stat of a missing name", item->missing);
  return 1;
}

static long list(const struct item *item, int with_stat) {
  if (item->kind != 'd') return 0;
  DIR *dir = opendir(item->path);
  if (!dir) fail("opendir", item->path);
  struct stat info;
  errno = 0;
  for (struct dirent *entry; (entry = readdir(dir));)
    if (with_stat && fstatat(dirfd(dir), entry->d_name, &info, AT_SYMLINK_NOFOLLOW)) fail("fstatat", entry->d_name);
  if (errno) fail("readdir", item->path);
  closedir(dir);
  return 1;
}

static long do_listdir(const struct item *item) { return list(item, 0); }
static long do_scandir(const struct item *item) { return list(item, 1); }

static long do_read(const struct item *item) {
  static char buffer[1 << 18];
  size_t length = strlen(item->path);
  if (item->kind != 'f' || length < 3 || strcmp(item->path + length - 3, ".py")) return 0;
  int fd = open(item->path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail("open", item->path);
  ssize_t got;
  while ((got = read(fd, buffer, sizeof buffer)) > 0) continue;
  if (got < 0) fail("read", item->path);
  close(fd);
  return 1;
}

static const struct {
  const char *name;
  long (*run)(const struct item *);
} trials[] = {
    {"stat", do_stat}, {"missing", do_missing}, {"listdir", do_listdir}, {"scandir", do_scandir}, {"read", do_read},
};

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void pass(long (*run)(const struct item *)) {
  long operations = 0;
  long long start = now();
  for (size_t i = 0; i < item_count; i++) operations += run(&items[i]);
  printf("%ld %lld\n", operations, now() - start);
}

static int ascending(const void *left, const void *right) {
  long long a = *(const long long *)left, b = *(const long long *)right;
  return (a > b) - (a < b);
}

static void pass_each(long (*run)(const struct item *)) {
  long long *times = need(malloc((item_count + 1) * sizeof *times));
  size_t count = 0;
  for (size_t i = 0; i < item_count; i++) {
    long long start = now();
    if (run(&items[i])) times[count++] = now() - start;
  }
  if (count == 0) {
    fprintf(stderr, "fsclient: the list has nothing for this trial\n");
    exit(1);
  }
  qsort(times, count, sizeof *times, ascending);
  size_t p99 = (count * 99 + 99) / 100 - 1;
  printf("%zu %lld %lld %lld %lld\n", count, times[0], times[(count - 1) / 2], times[p99], times[count - 1]);
  free(times);
}

int main(int argc, char **argv) {
  if (argc >= 3 && !strcmp(argv[1], "collect")) {
    for (int i = 2; i < argc; i++) collect(argv[i]);
    return 0;
  }
  for (size_t i = 0; argc >= 4 && i < sizeof trials / sizeof *trials; i++) {
    if (strcmp(argv[1], trials[i].name)) continue;
    load(argv[2]);
    int each = argc >= 5 && !strcmp(argv[4], "each");
    long long most = argc >= 5 && !each ? atoll(argv[4]) * 1000000 : LLONG_MAX, start = now();
    for (int done = 0; done < atoi(argv[3]) && (done < 2 || now() - start < most); done++)
      each ? pass_each(trials[i].run) : pass(trials[i].run);
    return 0;
  }
  fprintf(stderr, "usage: fsclient collect ROOT... | fsclient stat|missing|listdir|scandir|read LIST PASSES [each|MS]\n");
  return 2;
}
