/*
 * A read-only FUSE file system that shows a folder and answers late, as a shared file system over a network does.
 *
 *   delayfs FOLDER MOUNTPOINT DELAY_US COUNTERS
 *
 * Every request that a client of NFS would send to its server is answered DELAY_US microseconds later: LOOKUP,
 * GETATTR, OPEN (close-to-open consistency asks the server at each), READ (of up to 1 MiB, as most servers of NFS grant), READDIR, READLINK.
 * Names and attributes stay valid for 3 s, NFS's acregmin; pages stay cached from open to open. COUNTERS is a file
 * of 64 little-endian 64-bit counts by opcode (linux/fuse.h), the last one of bytes read, kept up to date. Runs in the
 * foreground until it is unmounted; needs root, because it mounts by mount(2). Speaks the protocol itself, so it needs
 * no library.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { most_read = 1 << 20, buffer_size = most_read + 4096, threads = 16, most_nodes = 1 << 20, opcodes = 64, read_bytes = 63 };

/* A node id is the index of a path; nodes are never given back. */
static char *paths[most_nodes];
static uint64_t node_count = 2;
static pthread_mutex_t nodes_lock = PTHREAD_MUTEX_INITIALIZER;
/* Path -> node id, open addressing; guarded by nodes_lock. */
static uint32_t table[most_nodes * 2];

static int device;
static long delay_us;
static uint64_t *counters;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static uint64_t node_of(const char *path) {
  uint64_t hash = 14695981039346656037ULL;
  for (const char *c = path; *c; c++) hash = (hash ^ (unsigned char)*c) * 1099511628211ULL;
  pthread_mutex_lock(&nodes_lock);
  size_t slot = hash % (most_nodes * 2);
  while (table[slot] && strcmp(paths[table[slot]], path)) slot = (slot + 1) % (most_nodes * 2);
  uint64_t node = table[slot];
  if (!node && node_count < most_nodes) {
    node = node_count++;
    paths[node] = strdup(path);
    table[slot] = node;
  }
  pthread_mutex_unlock(&nodes_lock);
  return node;
}

static void fill_attr(struct fuse_attr *attr, const struct stat *info, uint64_t node) {
  *attr = (struct fuse_attr){
      .ino = node, .size = info->st_size, .blocks = info->st_blocks, .mode = info->st_mode, .nlink = info->st_nlink,
      .uid = info->st_uid, .gid = info->st_gid, .blksize = info->st_blksize,
      .atime = info->st_atim.tv_sec, .mtime = info->st_mtim.tv_sec, .ctime = info->st_ctim.tv_sec,
      .atimensec = info->st_atim.tv_nsec, .mtimensec = info->st_mtim.tv_nsec, .ctimensec = info->st_ctim.tv_nsec,
  };
}

/* Each handler writes its answer to `out` and gives its length, or a negative errno. */

static long do_init(char *out, const struct fuse_init_in *in) {
  struct fuse_init_out *init = memset((void *)out, 0, sizeof *init);
  init->major = FUSE_KERNEL_VERSION;
  init->minor = FUSE_KERNEL_MINOR_VERSION;
  init->max_readahead = in->max_readahead;
  init->flags = in->flags & (FUSE_ASYNC_READ | FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES | FUSE_BIG_WRITES);
  init->max_background = 64;
  init->congestion_threshold = 48;
  init->max_write = most_read; /* bounds reads too */
  init->max_pages = most_read / 4096;
  init->time_gran = 1;
  return sizeof *init;
}

static long do_lookup(char *out, uint64_t parent, const char *name) {
  char path[PATH_MAX];
  if (snprintf(path, sizeof path, "%s/%s", paths[parent], name) >= (int)sizeof path) return -ENAMETOOLONG;
  struct fuse_entry_out *entry = memset((void *)out, 0, sizeof *entry);
  struct stat info;
  entry->entry_valid = entry->attr_valid = 3;
  if (lstat(path, &info)) return errno == ENOENT ? (long)sizeof *entry : -errno;
  entry->nodeid = node_of(path);
  if (!entry->nodeid) return -ENFILE;
  fill_attr(&entry->attr, &info, entry->nodeid);
  return sizeof *entry;
}

static long do_getattr(char *out, uint64_t node) {
  struct fuse_attr_out *answer = memset((void *)out, 0, sizeof *answer);
  struct stat info;
  if (lstat(paths[node], &info)) return -errno;
  answer->attr_valid = 3;
  fill_attr(&answer->attr, &info, node);
  return sizeof *answer;
}

static long do_open(char *out, uint64_t node, const struct fuse_open_in *in, int is_directory) {
  struct fuse_open_out *answer = memset((void *)out, 0, sizeof *answer);
  if ((in->flags & O_ACCMODE) != O_RDONLY) return -EROFS;
  if (is_directory) {
    DIR *dir = opendir(paths[node]);
    if (!dir) return -errno;
    answer->fh = (uintptr_t)dir;
  } else {
    int fd = open(paths[node], O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    answer->fh = fd;
  }
  answer->open_flags = FOPEN_KEEP_CACHE;
  return sizeof *answer;
}

static long do_read(char *out, const struct fuse_read_in *in) {
  ssize_t got = pread(in->fh, out, in->size, in->offset);
  if (got > 0) __atomic_add_fetch(&counters[read_bytes], got, __ATOMIC_RELAXED);
  return got < 0 ? -errno : got;
}

static long do_readdir(char *out, const struct fuse_read_in *in) {
  DIR *dir = (DIR *)(uintptr_t)in->fh;
  seekdir(dir, in->offset);
  size_t length = 0;
  for (struct dirent *entry; (entry = readdir(dir));) {
    size_t name = strlen(entry->d_name), size = FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + name);
    if (length + size > in->size) break;
    struct fuse_dirent *next = memset((void *)(out + length), 0, size);
    *next = (struct fuse_dirent){entry->d_ino, entry->d_off, name, entry->d_type};
    memcpy(next->name, entry->d_name, name);
    length += size;
  }
  return length;
}

static long do_statfs(char *out) {
  struct fuse_statfs_out *answer = memset((void *)out, 0, sizeof *answer);
  struct statvfs info;
  if (statvfs(paths[1], &info)) return -errno;
  answer->st = (struct fuse_kstatfs){info.f_blocks, info.f_bfree, info.f_bavail, info.f_files, info.f_ffree,
                                     info.f_bsize, info.f_namemax, info.f_frsize, 0, {0}};
  return sizeof *answer;
}

static long answer(const struct fuse_in_header *in, const void *body, char *out) {
  switch (in->opcode) {
    case FUSE_INIT: return do_init(out, body);
    case FUSE_LOOKUP: return do_lookup(out, in->nodeid, body);
    case FUSE_GETATTR: return do_getattr(out, in->nodeid);
    case FUSE_READLINK: {
      ssize_t length = readlink(paths[in->nodeid], out, PATH_MAX);
      return length < 0 ? -errno : length;
    }
    case FUSE_OPEN: return do_open(out, in->nodeid, body, 0);
    case FUSE_OPENDIR: return do_open(out, in->nodeid, body, 1);
    case FUSE_READ: return do_read(out, body);
    case FUSE_READDIR: return do_readdir(out, body);
    case FUSE_STATFS: return do_statfs(out);
    case FUSE_RELEASE: return -close(((const struct fuse_release_in *)body)->fh);
    case FUSE_RELEASEDIR: return -closedir((DIR *)(uintptr_t)((const struct fuse_release_in *)body)->fh);
    default: return -ENOSYS;
  }
}

static int reaches_the_server(uint32_t opcode) {
  return opcode == FUSE_LOOKUP || opcode == FUSE_GETATTR || opcode == FUSE_OPEN || opcode == FUSE_READ ||
         opcode == FUSE_READDIR || opcode == FUSE_READLINK;
}

static void *serve(void *unused) {
  char *in = malloc(buffer_size), *out = malloc(buffer_size);
  if (!in || !out) fail("malloc");
  for (;;) {
    ssize_t got = read(device, in, buffer_size);
    if (got < 0 && (errno == EINTR || errno == ENOENT || errno == EAGAIN)) continue;
    if (got < (ssize_t)sizeof(struct fuse_in_header)) break; /* ENODEV: unmounted */
    const struct fuse_in_header *header = (void *)in;
    if (header->opcode < opcodes) __atomic_add_fetch(&counters[header->opcode], 1, __ATOMIC_RELAXED);
    if (header->opcode == FUSE_FORGET || header->opcode == FUSE_BATCH_FORGET || header->opcode == FUSE_INTERRUPT)
      continue;
    if (reaches_the_server(header->opcode) && delay_us > 0) {
      struct timespec delay = {delay_us / 1000000, delay_us % 1000000 * 1000};
      clock_nanosleep(CLOCK_MONOTONIC, 0, &delay, NULL);
    }
    long length = answer(header, in + sizeof *header, out);
    struct fuse_out_header head = {.unique = header->unique, .error = length < 0 ? (int)length : 0};
    struct iovec parts[] = {{&head, sizeof head}, {out, length < 0 ? 0 : length}};
    head.len = sizeof head + parts[1].iov_len;
    if (writev(device, parts, 2) < 0 && errno != ENOENT) break;
  }
  free(in);
  free(out);
  return unused;
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: delayfs FOLDER MOUNTPOINT DELAY_US COUNTERS\n");
    return 2;
  }
  paths[1] = realpath(argv[1], NULL);
  if (!paths[1]) fail(argv[1]);
  delay_us = atol(argv[3]);
  int file = open(argv[4], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || ftruncate(file, opcodes * sizeof *counters)) fail(argv[4]);
  counters = mmap(NULL, opcodes * sizeof *counters, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (counters == MAP_FAILED) fail("mmap");
  device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (device < 0) fail("/dev/fuse");
  char options[128];
  snprintf(options, sizeof options, "fd=%d,rootmode=40755,user_id=0,group_id=0,allow_other", device);
  if (mount("delayfs", argv[2], "fuse.delayfs", MS_RDONLY | MS_NOSUID | MS_NODEV, options)) fail("mount");
  pthread_t all[threads];
  for (int i = 0; i < threads; i++)
    if (pthread_create(&all[i], NULL, serve, NULL)) fail("pthread_create");
  for (int i = 0; i < threads; i++) pthread_join(all[i], NULL);
  return 0;
}
