/*
 * Measures file system calls from a process of its own, so that the measuring does not disturb the server.
 *
 *   fsclient collect ROOT                   prints "d PATH" and "f PATH" for everything below ROOT
 *   fsclient listdir|lstat|missing|read|walk LIST PASSES
 *
 * LIST is what `collect` printed, so that a measurement with dropped caches touches nothing before it
 * starts. Prints one line a pass: operations and nanoseconds.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct item {
  char kind;
  char *path;
};

static struct item *items;
static size_t item_count;

static void fail(const char *what, const char *path) {
  fprintf(stderr, "fsclient: %s %s: %s\n", what, path, strerror(errno));
  exit(1);
}

static void collect(const char *root) {
  DIR *dir = opendir(root);
  if (!dir) fail("opendir", root);
  printf("d %s\n", root);
  for (struct dirent *entry; (entry = readdir(dir));) {
    if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
    char *path;
    if (asprintf(&path, "%s/%s", root, entry->d_name) < 0) fail("asprintf", root);
    struct stat info;
    if (lstat(path, &info)) fail("lstat", path);
    if (S_ISDIR(info.st_mode)) collect(path);
    else if (S_ISREG(info.st_mode)) printf("f %s\n", path);
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
    if (item_count == room) items = realloc(items, (room = room ? room * 2 : 1024) * sizeof *items);
    items[item_count++] = (struct item){line[0], strdup(line + 2)};
  }
  free(line);
  fclose(file);
}

static long listdir(int with_lstat) {
  long operations = 0;
  for (size_t i = 0; i < item_count; i++) {
    if (items[i].kind != 'd') continue;
    DIR *dir = opendir(items[i].path);
    if (!dir) fail("opendir", items[i].path);
    struct stat info;
    for (struct dirent *entry; (entry = readdir(dir));) {
      if (!with_lstat) continue;
      if (fstatat(dirfd(dir), entry->d_name, &info, AT_SYMLINK_NOFOLLOW)) fail("fstatat", entry->d_name);
      operations++;
    }
    closedir(dir);
    if (!with_lstat) operations++;
  }
  return operations;
}

static long lstat_all(void) {
  struct stat info;
  for (size_t i = 0; i < item_count; i++)
    if (lstat(items[i].path, &info)) fail("lstat", items[i].path);
  return (long)item_count;
}

static long missing(void) {
  long operations = 0;
  char path[8192];
  struct stat info;
  for (size_t i = 0; i < item_count; i++) {
    if (items[i].kind != 'd') continue;
    snprintf(path, sizeof path, "%s/no-such-module.py", items[i].path);
    if (!lstat(path, &info) || errno != ENOENT) fail("lstat of a missing name", path);
    operations++;
  }
  return operations;
}

static long read_sources(void) {
  static char buffer[1 << 18];
  long operations = 0;
  for (size_t i = 0; i < item_count; i++) {
    size_t length = strlen(items[i].path);
    if (items[i].kind != 'f' || length < 3 || strcmp(items[i].path + length - 3, ".py")) continue;
    int fd = open(items[i].path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) fail("open", items[i].path);
    ssize_t got;
    while ((got = read(fd, buffer, sizeof buffer)) > 0) continue;
    if (got < 0) fail("read", items[i].path);
    close(fd);
    operations++;
  }
  return operations;
}

static long run(const char *trial) {
  if (!strcmp(trial, "listdir")) return listdir(0);
  if (!strcmp(trial, "walk")) return listdir(1);
  if (!strcmp(trial, "lstat")) return lstat_all();
  if (!strcmp(trial, "missing")) return missing();
  if (!strcmp(trial, "read")) return read_sources();
  errno = EINVAL;
  fail("trial", trial);
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 3 && !strcmp(argv[1], "collect")) {
    collect(argv[2]);
    return 0;
  }
  if (argc != 4) {
    fprintf(stderr, "usage: fsclient collect ROOT | fsclient TRIAL LIST PASSES\n");
    return 2;
  }
  load(argv[2]);
  for (int pass = atoi(argv[3]); pass > 0; pass--) {
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    long operations = run(argv[1]);
    clock_gettime(CLOCK_MONOTONIC, &end);
    long long ns = (end.tv_sec - start.tv_sec) * 1000000000LL + (end.tv_nsec - start.tv_nsec);
    printf("%ld %lld\n", operations, ns);
  }
  return 0;
}
