/*
 * Prints how many bytes of the files below the roots are in the kernel's page cache (mincore(2)); a file with several
 * names, or one that several roots show under the same device and inode number, counts once. Links are not followed.
 * Needs root, or files that the caller owns: the kernel tells others that everything is cached.
 *
 *   cached ROOT...
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct id {
  dev_t device;
  ino_t inode;
};

/* Open addressing; an inode number of 0 is a free slot. */
static struct id *seen;
static size_t capacity, count;
static long long cached_bytes;
static size_t page;

static void fail(const char *what, const char *path) {
  fprintf(stderr, "cached: %s %s: %s\n", what, path, strerror(errno));
  exit(1);
}

static size_t slot_of(struct id id) {
  size_t slot = (id.inode * 0x9E3779B97F4A7C15ULL ^ id.device) & (capacity - 1);
  while (seen[slot].inode && (seen[slot].inode != id.inode || seen[slot].device != id.device))
    slot = (slot + 1) & (capacity - 1);
  return slot;
}

static void grow(void) {
  struct id *before = seen;
  size_t size = capacity;
  capacity = capacity ? capacity * 2 : 1024;
  seen = calloc(capacity, sizeof *seen);
  if (!seen) fail("allocate", "memory");
  for (size_t i = 0; i < size; i++)
    if (before[i].inode) seen[slot_of(before[i])] = before[i];
  free(before);
}

static int is_new(const struct stat *info) {
  struct id id = {info->st_dev, info->st_ino};
  if (count * 2 >= capacity) grow();
  size_t slot = slot_of(id);
  if (seen[slot].inode) return 0;
  seen[slot] = id;
  count++;
  return 1;
}

static int look(const char *path, const struct stat *info, int kind, struct FTW *unused) {
  (void)unused;
  if (kind == FTW_DNR || kind == FTW_NS) fail("read", path);
  if (kind != FTW_F || !S_ISREG(info->st_mode) || info->st_size == 0 || !is_new(info)) return 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail("open", path);
  size_t pages = (info->st_size + page - 1) / page;
  unsigned char *resident = malloc(pages);
  void *map = mmap(NULL, info->st_size, PROT_READ, MAP_SHARED, fd, 0);
  if (!resident || map == MAP_FAILED || mincore(map, info->st_size, resident)) fail("ask about", path);
  for (size_t i = 0; i < pages; i++) cached_bytes += (resident[i] & 1) * (long long)page;
  munmap(map, info->st_size);
  free(resident);
  close(fd);
  return 0;
}

int main(int argc, char **argv) {
  page = sysconf(_SC_PAGESIZE);
  if (argc < 2) {
    fprintf(stderr, "usage: cached ROOT...\n");
    return 2;
  }
  for (int i = 1; i < argc; i++)
    if (nftw(argv[i], look, 32, FTW_PHYS)) fail("walk", argv[i]);
  printf("%lld\n", cached_bytes);
  return 0;
}
