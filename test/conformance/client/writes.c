// Every kind of change, tried where EROFS is the only right answer.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "client.h"

static char fresh[PATH_MAX], file[PATH_MAX], other[PATH_MAX], emptyFolder[PATH_MAX];

static void openings(void) {
  answer("open O_WRONLY", open(file, O_WRONLY));
  answer("open O_RDWR", open(file, O_RDWR));
  answer("open O_WRONLY O_APPEND", open(file, O_WRONLY | O_APPEND));
  answer("open O_RDONLY O_TRUNC", open(file, O_RDONLY | O_TRUNC));
  answer("open O_WRONLY O_TRUNC", open(file, O_WRONLY | O_TRUNC));
  answer("open O_WRONLY O_CREAT, new", open(fresh, O_WRONLY | O_CREAT, 0644));
  answer("open O_RDONLY O_CREAT, new", open(fresh, O_RDONLY | O_CREAT, 0644));
  answer("open O_WRONLY O_CREAT O_EXCL, new", open(fresh, O_WRONLY | O_CREAT | O_EXCL, 0644));
  answer("creat, new", creat(fresh, 0644));
  answer("creat, existing", creat(file, 0644));
  answer("truncate", truncate(file, 0));
  answer("access W_OK", access(file, W_OK));
}

static void namesChanged(const char *folder) {
  answer("open O_TMPFILE", open(folder, O_TMPFILE | O_RDWR, 0600));
  answer("mkdir", mkdir(fresh, 0755));
  answer("mknod of a file", mknod(fresh, S_IFREG | 0644, 0));
  answer("mknod of a pipe", mknod(fresh, S_IFIFO | 0644, 0));
  answer("mknod of a socket", mknod(fresh, S_IFSOCK | 0644, 0));
  answer("symlink", symlink("target", fresh));
  answer("link", link(file, fresh));
  answer("unlink", unlink(file));
  answer("rmdir", rmdir(emptyFolder));
  answer("rename to a new name", rename(file, fresh));
  answer("rename over a file", rename(file, other));
  answer("rename of a folder", rename(emptyFolder, fresh));
  answer("renameat2 RENAME_EXCHANGE", renameat2(AT_FDCWD, file, AT_FDCWD, other, RENAME_EXCHANGE));
}

static void attributesChanged(const char *folder) {
  const struct timespec now[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
  const int opened = openOrDie(file, O_RDONLY);
  answer("chmod", chmod(file, 0600));
  answer("fchmod", fchmod(opened, 0600));
  answer("chmod of a folder", chmod(folder, 0700));
  answer("chown", chown(file, getuid(), getgid()));
  answer("fchown", fchown(opened, getuid(), getgid()));
  answer("lchown", lchown(file, getuid(), getgid()));
  answer("utimensat", utimensat(AT_FDCWD, file, now, 0));
  answer("utimensat of now", utimensat(AT_FDCWD, file, NULL, 0));
  answer("futimens", futimens(opened, now));
  answer("utimes of a folder", utimes(folder, NULL));
  answer("setxattr", setxattr(file, "user.new", "1", 1, 0));
  answer("setxattr of a folder", setxattr(folder, "user.new", "1", 1, 0));
  answer("fsetxattr", fsetxattr(opened, "user.new", "1", 1, 0));
  answer("removexattr", removexattr(file, "user.shenv.origin"));
}

// FOLDER FILE OTHER-FILE, the last two relative to the folder
void attemptWrites(char **args) {
  snprintf(fresh, sizeof fresh, "%s/new", args[0]);
  snprintf(emptyFolder, sizeof emptyFolder, "%s/include", args[0]);
  snprintf(file, sizeof file, "%s/%s", args[0], args[1]);
  snprintf(other, sizeof other, "%s/%s", args[0], args[2]);
  openings();
  namesChanged(args[0]);
  attributesChanged(args[0]);
}
