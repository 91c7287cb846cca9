// What programs do with files that they did not write: run them, lock them, watch them, read them all at once.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "client.h"

// FILE
void terminal(char **args) {
  const int file = openOrDie(args[0], O_RDONLY);
  struct termios settings;
  struct winsize window;
  int left = -1;
  answer("isatty", isatty(file) ? 0 : -1);
  answer("TCGETS", ioctl(file, TCGETS, &settings));
  answer("TIOCGWINSZ", ioctl(file, TIOCGWINSZ, &window));
  if (ioctl(file, FIONREAD, &left)) answer("FIONREAD", -1);
  else answerText("FIONREAD", "%d", left);
}

static const char *statusText(int status) {
  static char text[32];
  if (WIFSIGNALED(status)) snprintf(text, sizeof text, "signal %d", WTERMSIG(status));
  else snprintf(text, sizeof text, "status %d", WEXITSTATUS(status));
  return text;
}

static int waitFor(pid_t child) {
  int status;
  if (waitpid(child, &status, 0) < 0) die("waitpid");
  return status;
}

// In a child with a descriptor of its own; exits with errno.
static void lockElsewhere(const char *question, const char *path, int operation) {
  const pid_t child = fork();
  if (child < 0) die("fork");
  if (child == 0) _exit(flock(openOrDie(path, O_RDONLY), operation | LOCK_NB) ? errno : 0);
  const int error = WEXITSTATUS(waitFor(child));
  answerText(question, "%s", error ? errnoName(error) : "OK");
}

static void recordLock(int file, const char *question, int command, short type) {
  struct flock range = {.l_type = type, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10};
  answer(question, fcntl(file, command, &range));
}

// FILE
void lock(char **args) {
  const int file = openOrDie(args[0], O_RDONLY);
  answer("flock shared", flock(file, LOCK_SH));
  lockElsewhere("another's shared beside shared", args[0], LOCK_SH);
  lockElsewhere("another's exclusive beside shared", args[0], LOCK_EX);
  answer("flock exclusive", flock(file, LOCK_EX));
  lockElsewhere("another's shared beside exclusive", args[0], LOCK_SH);
  answer("flock unlock", flock(file, LOCK_UN));
  lockElsewhere("another's exclusive when free", args[0], LOCK_EX);
  recordLock(file, "fcntl read lock", F_SETLK, F_RDLCK);
  recordLock(file, "fcntl write lock", F_SETLK, F_WRLCK);
  recordLock(file, "fcntl ask", F_GETLK, F_RDLCK);
  recordLock(file, "fcntl unlock", F_SETLK, F_UNLCK);
  recordLock(file, "open file description lock", F_OFD_SETLK, F_RDLCK);
}

// FOLDER NAME: what a watch of the folder tells when the file is read
void notify(char **args) {
  const int watches = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  answer("watch", inotify_add_watch(watches, args[0], IN_OPEN | IN_ACCESS | IN_CLOSE));
  char path[4096], byte;
  snprintf(path, sizeof path, "%s/%s", args[0], args[1]);
  const int file = openOrDie(path, O_RDONLY);
  if (read(file, &byte, 1) < 0) die("read");
  close(file);
  _Alignas(8) char events[4096];
  const ssize_t got = read(watches, events, sizeof events);
  for (ssize_t at = 0; at < got;) {
    const struct inotify_event *event = (const struct inotify_event *)(events + at);
    answerText("event", "%x %s", event->mask, event->len ? event->name : "");
    at += (ssize_t)(sizeof *event + event->len);
  }
}

static void runByPath(char *path) {
  fflush(stdout);
  const pid_t child = fork();
  if (child < 0) die("fork");
  if (child == 0) {
    execl(path, path, "by-path", (char *)NULL);
    _exit(errno);
  }
  answerText("execve", "%s", statusText(waitFor(child)));
}

static void runByDescriptor(char *path) {
  fflush(stdout);
  const pid_t child = fork();
  if (child < 0) die("fork");
  if (child == 0) {
    // A script needs a descriptor that is still open when its interpreter starts.
    const int file = open(path, O_RDONLY);
    char *const with[] = {path, "by-descriptor", NULL};
    if (file >= 0) syscall(SYS_execveat, file, "", with, environ, AT_EMPTY_PATH);
    _exit(errno);
  }
  answerText("execveat", "%s", statusText(waitFor(child)));
}

// PROGRAM...
void execute(char **args) {
  for (char **path = args; *path; path += 1) {
    runByPath(*path);
    runByDescriptor(*path);
  }
}

// FILE COUNT: so many processes read the file at once, each from a descriptor of its own.
void burst(char **args) {
  const int count = atoi(args[1]);
  int results[2], gate[2];
  if (pipe(results) || pipe(gate)) die("pipe");
  for (int i = 0; i < count; i += 1) {
    const pid_t child = fork();
    if (child < 0) die("fork");
    if (child) continue;
    char byte;
    close(gate[1]);
    if (read(gate[0], &byte, 1) != 0) _exit(1);
    const uint64_t hash = hashFile(openOrDie(args[0], O_RDONLY));
    _exit(write(results[1], &hash, sizeof hash) == sizeof hash ? 0 : 1);
  }
  close(gate[0]);
  close(gate[1]);
  close(results[1]);
  uint64_t first = 0, hash;
  int answers = 0;
  while (read(results[0], &hash, sizeof hash) == sizeof hash) {
    if (answers++ == 0) first = hash;
    else if (hash != first) broken("a process read other bytes");
  }
  while (wait(NULL) > 0) continue;
  answerText("processes", "%d", answers);
  answerText("content", "%016llx", (unsigned long long)first);
}
