// File handles, as an NFS server keeps them: taken once, opened when no cache knows the file any more.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client.h"

union Handle {
  struct file_handle head;
  unsigned char bytes[sizeof(struct file_handle) + MAX_HANDLE_SZ];
};

static void describeHandle(const char *path, const union Handle *handle) {
  char text[2 * MAX_HANDLE_SZ + 1] = "";
  for (unsigned i = 0; i < handle->head.handle_bytes; i += 1)
    sprintf(text + 2 * i, "%02x", handle->head.f_handle[i]);
  answerText(path, "%d %s", handle->head.handle_type, text);
}

// SAVE-TO PATH...
void takeHandles(char **args) {
  const int save = open(args[0], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (save < 0) die(args[0]);
  for (char **path = args + 1; *path; path += 1) {
    union Handle handle = {.head = {.handle_bytes = MAX_HANDLE_SZ}};
    int mount;
    if (name_to_handle_at(AT_FDCWD, *path, &handle.head, &mount, 0) < 0) answer(*path, -1);
    else describeHandle(*path, &handle);
    if (write(save, &handle, sizeof handle) != sizeof handle) die("write");
  }
}

static uint64_t hashNames(int folder) {
  DIR *listing = fdopendir(dup(folder));
  uint64_t sum = 0;
  const struct dirent *entry;
  while (listing && (entry = readdir(listing))) sum += hashBytes(HASH_START, entry->d_name, strlen(entry->d_name));
  if (listing) closedir(listing);
  return sum;
}

static uint64_t hashTarget(int link) {
  char target[PATH_MAX];
  const ssize_t bytes = readlinkat(link, "", target, sizeof target);
  return bytes < 0 ? 0 : hashBytes(HASH_START, target, (size_t)bytes);
}

static uint64_t hashOpened(int opened, mode_t mode) {
  return S_ISDIR(mode) ? hashNames(opened) : S_ISLNK(mode) ? hashTarget(opened) : hashFile(opened);
}

static void openOne(int mount, const char *path, union Handle *handle) {
  struct stat info;
  const int place = open_by_handle_at(mount, &handle->head, O_PATH | O_CLOEXEC);
  if (place < 0) return answer(path, -1);
  if (fstat(place, &info)) return answer(path, -1);
  int opened = place;
  if (!S_ISLNK(info.st_mode)) opened = open_by_handle_at(mount, &handle->head, O_RDONLY | O_CLOEXEC);
  if (opened < 0) return answer(path, -1);
  answerText(path, "%o %llu %016llx", info.st_mode, (unsigned long long)info.st_ino,
             (unsigned long long)hashOpened(opened, info.st_mode));
  if (opened != place) close(opened);
  close(place);
}

// MOUNT SAVED-IN PATH...: opens the handles in the order in which they were taken.
void openHandles(char **args) {
  const int mount = openOrDie(args[0], O_RDONLY | O_DIRECTORY);
  const int saved = openOrDie(args[1], O_RDONLY);
  for (char **path = args + 2; *path; path += 1) {
    union Handle handle;
    if (read(saved, &handle, sizeof handle) != sizeof handle) die("read");
    openOne(mount, *path, &handle);
  }
}
