// Looking names up: which error each wrong path gives, access, statx, openat2, extended attributes, statfs.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>
#if __has_include(<linux/openat2.h>) && defined(SYS_openat2)
#include <linux/openat2.h>
#endif

#include "client.h"

// PATH
void statFileSystem(char **args) {
  struct statfs byPath, byDescriptor;
  struct statvfs posix;
  if (statfs(args[0], &byPath) || fstatfs(openOrDie(args[0], O_RDONLY), &byDescriptor)) die("statfs");
  if (statvfs(args[0], &posix)) die("statvfs");
  if (memcmp(&byPath.f_fsid, &byDescriptor.f_fsid, sizeof byPath.f_fsid)) broken("statfs and fstatfs disagree");
  answerText("f_namelen", "%ld", (long)byPath.f_namelen);
  answerText("f_namemax", "%lu", posix.f_namemax);
  answerText("_PC_NAME_MAX", "%ld", pathconf(args[0], _PC_NAME_MAX));
  answerText("block size", "%s", byPath.f_bsize > 0 ? "positive" : "none");
  answerText("read-only", "%s", posix.f_flag & ST_RDONLY ? "yes" : "no");
}

static void tryOpen(const char *question, const char *path, int flags) {
  const int file = open(path, flags | O_CLOEXEC);
  answer(question, file);
  if (file >= 0) close(file);
}

static char *below(const char *folder, const char *rest) {
  static char path[2][PATH_MAX * 3];
  static int turn;
  char *into = path[turn = !turn];
  snprintf(into, sizeof path[0], "%s%s", folder, rest);
  return into;
}

static void tryLongNames(const char *folder) {
  char name[PATH_MAX + 2];
  for (int bytes = 254; bytes <= 257; bytes += 1) {
    memset(name, 'z', sizeof name);
    name[0] = '/';
    name[bytes + 1] = 0;
    char question[64];
    snprintf(question, sizeof question, "missing name of %d bytes", bytes);
    tryOpen(question, below(folder, name), O_RDONLY);
  }
  memset(name, '/', sizeof name);
  name[PATH_MAX] = 0;
  tryOpen("path over PATH_MAX", below(folder, name), O_RDONLY);
}

static void tryFile(const char *file) {
  char byte;
  tryOpen("file", file, O_RDONLY);
  tryOpen("file, O_DIRECTORY", file, O_RDONLY | O_DIRECTORY);
  tryOpen("file, O_NOFOLLOW", file, O_RDONLY | O_NOFOLLOW);
  tryOpen("file, O_NOATIME", file, O_RDONLY | O_NOATIME);
  tryOpen("file, O_NONBLOCK", file, O_RDONLY | O_NONBLOCK);
  tryOpen("file, O_CREAT", file, O_RDONLY | O_CREAT);
  tryOpen("file, O_CREAT O_EXCL", file, O_RDONLY | O_CREAT | O_EXCL);
  tryOpen("file with a slash", below(file, "/"), O_RDONLY);
  tryOpen("file with a dot", below(file, "/."), O_RDONLY);
  tryOpen("below a file", below(file, "/x"), O_RDONLY);
  tryOpen("file with another case", below(file, "X"), O_RDONLY);
  tryOpen("file with a space", below(file, " "), O_RDONLY);
  answer("readlink of a file", readlink(file, &byte, 1));
  answer("chdir to a file", chdir(file));
  answer("execute a file without x", execl(file, file, (char *)NULL));
  answer("write to a descriptor for reading", write(openOrDie(file, O_RDONLY), "x", 1));
  answer("ftruncate of a descriptor for reading", ftruncate(openOrDie(file, O_RDONLY), 0));
  answer("fallocate of a descriptor for reading", fallocate(openOrDie(file, O_RDONLY), 0, 0, 1));
}

static void tryFolder(const char *folder) {
  char byte;
  tryOpen("folder", folder, O_RDONLY);
  tryOpen("folder for writing", folder, O_WRONLY);
  tryOpen("folder for both", folder, O_RDWR);
  tryOpen("folder, O_CREAT", folder, O_RDONLY | O_CREAT);
  tryOpen("folder with slashes and dots", below(folder, "///./."), O_RDONLY);
  tryOpen("parent of the folder", below(folder, "/.."), O_RDONLY | O_DIRECTORY);
  tryOpen("missing", below(folder, "/missing"), O_RDONLY);
  tryOpen("missing again", below(folder, "/missing"), O_RDONLY);
  tryOpen("missing with a slash", below(folder, "/missing/"), O_RDONLY);
  tryOpen("below a missing folder", below(folder, "/missing/x"), O_RDONLY);
  tryOpen("parent of a missing folder", below(folder, "/missing/.."), O_RDONLY);
  answer("read of a folder", read(openOrDie(folder, O_RDONLY), &byte, 1));
  answer("pread of a folder", pread(openOrDie(folder, O_RDONLY), &byte, 1, 0));
  answer("readlink of a folder", readlink(folder, &byte, 1));
  answer("execute a folder", execl(folder, folder, (char *)NULL));
}

static void tryLink(const char *link) {
  char target[PATH_MAX];
  struct stat info;
  tryOpen("link", link, O_RDONLY);
  tryOpen("link, O_NOFOLLOW", link, O_RDONLY | O_NOFOLLOW);
  tryOpen("link, O_NOFOLLOW O_DIRECTORY", link, O_RDONLY | O_NOFOLLOW | O_DIRECTORY);
  tryOpen("link, O_PATH O_NOFOLLOW", link, O_PATH | O_NOFOLLOW);
  tryOpen("below a link to a file", below(link, "/x"), O_RDONLY);
  const ssize_t bytes = readlink(link, target, sizeof target);
  if (lstat(link, &info)) die("lstat");
  answerText("size of a link", "%s", info.st_size == bytes ? "of its target" : "another");
  answerText("readlink into 2 bytes", "%zd", readlink(link, target, 2));
  answer("readlink into none", readlink(link, target, 0));
}

// FOLDER FILE LINK: a file without x bit, a link to a file
void lookUp(char **args) {
  tryFolder(args[0]);
  tryFile(args[1]);
  tryLink(args[2]);
  tryLongNames(args[0]);
  tryOpen("no name", "", O_RDONLY);
}

// PATH...
void checkAccess(char **args) {
  static const struct { int mode; const char *name; } modes[] = {
    {F_OK, "F"}, {R_OK, "R"}, {W_OK, "W"}, {X_OK, "X"}, {R_OK | X_OK, "RX"}, {R_OK | W_OK, "RW"}};
  for (char **path = args; *path; path += 1) {
    const char *name = strrchr(*path, '/');
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i += 1) {
      char question[NAME_MAX + 32];
      snprintf(question, sizeof question, "%s %s", modes[i].name, name ? name + 1 : *path);
      answer(question, access(*path, modes[i].mode));
      const int real = errno;
      if (faccessat(AT_FDCWD, *path, modes[i].mode, AT_EACCESS) < 0 && errno != real)
        broken("AT_EACCESS of %s gives %s", question, errnoName(errno));
    }
  }
}

static struct statx statxOf(const char *path, int flags) {
  struct statx info;
  if (statx(AT_FDCWD, path, flags | AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &info)) die("statx");
  return info;
}

static void compareStatx(const char *path, const struct statx *now, const struct stat *info) {
  if (now->stx_ino != info->st_ino || now->stx_mode != info->st_mode || now->stx_nlink != info->st_nlink ||
      now->stx_size != (uint64_t)info->st_size || now->stx_blocks != (uint64_t)info->st_blocks ||
      now->stx_uid != info->st_uid || now->stx_gid != info->st_gid ||
      now->stx_mtime.tv_sec != info->st_mtim.tv_sec || now->stx_mtime.tv_nsec != info->st_mtim.tv_nsec)
    broken("statx and lstat of %s disagree", path);
}

// PATH...
void extendedStat(char **args) {
  static const int flags[] = {AT_STATX_SYNC_AS_STAT, AT_STATX_FORCE_SYNC, AT_STATX_DONT_SYNC};
  for (char **path = args; *path; path += 1) {
    struct stat info;
    if (lstat(*path, &info)) die("lstat");
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i += 1) {
      const struct statx now = statxOf(*path, flags[i]);
      compareStatx(*path, &now, &info);
      const char *name = strrchr(*path, '/');
      answerText(name ? name + 1 : *path, "mask %x", now.stx_mask & STATX_BASIC_STATS);
    }
  }
}

#ifdef RESOLVE_BENEATH
static void resolve(int folder, const char *question, const char *path, uint64_t how) {
  const struct open_how settings = {.flags = O_RDONLY | O_CLOEXEC, .resolve = how};
  const long file = syscall(SYS_openat2, folder, path, &settings, sizeof settings);
  answer(question, file);
  if (file >= 0) close((int)file);
}

// FOLDER FILE ABSOLUTE-LINK, the last two relative to the folder
void resolveBeneath(char **args) {
  const int folder = openOrDie(args[0], O_RDONLY | O_DIRECTORY);
  resolve(folder, "file beneath", args[1], RESOLVE_BENEATH);
  resolve(folder, "parent beneath", "..", RESOLVE_BENEATH);
  resolve(folder, "absolute beneath", args[0], RESOLVE_BENEATH);
  resolve(folder, "absolute link beneath", args[2], RESOLVE_BENEATH);
  resolve(folder, "link without links", args[2], RESOLVE_NO_SYMLINKS);
  resolve(folder, "file without links", args[1], RESOLVE_NO_SYMLINKS);
  resolve(folder, "file in the root", args[1], RESOLVE_IN_ROOT);
  resolve(folder, "parents in the root", "../../..", RESOLVE_IN_ROOT);
  resolve(folder, "file on this mount", args[1], RESOLVE_NO_XDEV);
}
#else
void resolveBeneath(char **args) {
  (void)args;
  answerText("openat2", "unknown to the headers");
}
#endif

static void tryAttribute(const char *question, ssize_t result) {
  if (result < 0) answer(question, -1);
  else answerText(question, "%zd", result);
}

// PATH NAME: an attribute that the path has
void attributes(char **args) {
  char value[4096], names[4096];
  const char *path = args[0], *name = args[1];
  const ssize_t bytes = lgetxattr(path, name, value, sizeof value);
  const ssize_t listed = llistxattr(path, names, sizeof names);
  tryAttribute("get", bytes);
  tryAttribute("get, how large", lgetxattr(path, name, NULL, 0));
  tryAttribute("list", listed);
  tryAttribute("list, how large", llistxattr(path, NULL, 0));
  if (bytes > 1 && listed > 1) {
    tryAttribute("get, exact", lgetxattr(path, name, value, (size_t)bytes));
    tryAttribute("get, too small", lgetxattr(path, name, value, (size_t)bytes - 1));
    tryAttribute("list, exact", llistxattr(path, names, (size_t)listed));
    tryAttribute("list, too small", llistxattr(path, names, (size_t)listed - 1));
    for (const char *at = names; at < names + listed; at += strlen(at) + 1) answerText("name", "%s", at);
    answerText("value", "%.*s", (int)bytes, value);
  }
  tryAttribute("get of a missing one", lgetxattr(path, "user.shenv.missing", value, sizeof value));
  tryAttribute("get of an empty name", lgetxattr(path, "", value, sizeof value));
  tryAttribute("get by descriptor", fgetxattr(openOrDie(path, O_RDONLY), name, value, sizeof value));
}
