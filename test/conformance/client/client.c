#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { lifeSeconds = 200, chunkBytes = 1 << 20 };

static const struct { const char *name; Command *run; int arguments; } commands[] = {
  {"list", list, 2}, {"resume", resume, 2}, {"seek", seek, 2}, {"walk", walk, 1},
  {"take-handles", takeHandles, 2}, {"open-handles", openHandles, 3},
  {"read", readBoundaries, 1}, {"map", mapPages, 1}, {"seek-data", seekData, 1},
  {"statfs", statFileSystem, 1}, {"look-up", lookUp, 3}, {"access", checkAccess, 1},
  {"statx", extendedStat, 1}, {"beneath", resolveBeneath, 3}, {"attributes", attributes, 2},
  {"writes", attemptWrites, 3}, {"terminal", terminal, 1}, {"lock", lock, 1}, {"notify", notify, 2},
  {"execute", execute, 1}, {"burst", burst, 2},
};

static const struct { int number; const char *name; } names[] = {
  {EACCES, "EACCES"}, {EAGAIN, "EAGAIN"}, {EBADF, "EBADF"}, {EBUSY, "EBUSY"}, {EEXIST, "EEXIST"},
  {EFAULT, "EFAULT"}, {EINVAL, "EINVAL"}, {EIO, "EIO"}, {EISDIR, "EISDIR"}, {ELOOP, "ELOOP"},
  {EMLINK, "EMLINK"}, {ENAMETOOLONG, "ENAMETOOLONG"}, {ENODATA, "ENODATA"}, {ENODEV, "ENODEV"},
  {ENOENT, "ENOENT"}, {ENOEXEC, "ENOEXEC"}, {ENOSYS, "ENOSYS"}, {ENOTDIR, "ENOTDIR"},
  {ENOTEMPTY, "ENOTEMPTY"}, {ENOTTY, "ENOTTY"}, {ENXIO, "ENXIO"}, {EOPNOTSUPP, "EOPNOTSUPP"},
  {EOVERFLOW, "EOVERFLOW"}, {EPERM, "EPERM"}, {ERANGE, "ERANGE"}, {EROFS, "EROFS"}, {ESPIPE, "ESPIPE"},
  {ESTALE, "ESTALE"}, {ETXTBSY, "ETXTBSY"}, {EXDEV, "EXDEV"},
};

const char *errnoName(int number) {
  static char other[32];
  for (size_t i = 0; i < sizeof names / sizeof *names; i += 1)
    if (names[i].number == number) return names[i].name;
  snprintf(other, sizeof other, "errno %d", number);
  return other;
}

void answer(const char *question, long result) {
  printf("%s\t%s\n", question, result < 0 ? errnoName(errno) : "OK");
}

void answerText(const char *question, const char *format, ...) {
  va_list values;
  va_start(values, format);
  printf("%s\t", question);
  vprintf(format, values);
  putchar('\n');
  va_end(values);
}

void broken(const char *format, ...) {
  va_list values;
  va_start(values, format);
  printf("BROKEN\t");
  vprintf(format, values);
  putchar('\n');
  va_end(values);
}

void die(const char *what) {
  fprintf(stderr, "probe client: %s: %s\n", what, strerror(errno));
  exit(1);
}

uint64_t hashBytes(uint64_t hash, const void *data, size_t bytes) {
  const unsigned char *at = data;
  for (size_t i = 0; i < bytes; i += 1) hash = (hash ^ at[i]) * 0x100000001b3u;
  return hash;
}

uint64_t hashFile(int file) {
  size_t bytes;
  unsigned char *data = readWhole(file, &bytes);
  const uint64_t hash = hashBytes(HASH_START, data, bytes);
  free(data);
  return hash;
}

int openOrDie(const char *path, int flags) {
  const int file = open(path, flags | O_CLOEXEC);
  if (file < 0) die(path);
  return file;
}

unsigned char *readWhole(int file, size_t *bytes) {
  size_t used = 0;
  unsigned char *data = NULL;
  for (;;) {
    data = realloc(data, used + chunkBytes);
    if (!data) die("realloc");
    const ssize_t got = read(file, data + used, chunkBytes);
    if (got < 0) die("read");
    if (got == 0) break;
    used += (size_t)got;
  }
  *bytes = used;
  return data;
}

int main(int count, char **args) {
  alarm(lifeSeconds);
  for (size_t i = 0; count > 1 && i < sizeof commands / sizeof *commands; i += 1) {
    if (strcmp(commands[i].name, args[1])) continue;
    if (count - 2 < commands[i].arguments) break;
    commands[i].run(args + 2);
    return fflush(stdout) ? 1 : 0;
  }
  fprintf(stderr, "probe client: unknown command, or too few arguments\n");
  return 2;
}
