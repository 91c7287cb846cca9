#include "surroundings.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <initializer_list>

namespace {

int64_t clockMs(clockid_t clock) {
  timespec now;
  ::clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

// As a program expects them; main() and the supervisor have changed some.
void restoreSignals() {
  ::signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

bool runToEnd(const char* const* command) {
  const pid_t child = ::fork();
  if (child == 0) {
    restoreSignals();
    ::execvp(command[0], const_cast<char* const*>(command));
    ::_exit(127);
  }
  int status = 0;
  while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// Text that is cut where it has no room.
struct Line {
  char text[2048];
  size_t length = 0;

  Line& add(const char* part) {
    for (; *part && length < sizeof text; ++part) text[length++] = *part;
    return *this;
  }
  // As a part of a string of JSON; control characters, which no message needs, become spaces.
  Line& addQuoted(const char* part) {
    for (; *part && length + 8 < sizeof text; ++part) {
      if (*part == '"' || *part == '\\') text[length++] = '\\';
      text[length++] = static_cast<unsigned char>(*part) < 0x20 ? ' ' : *part;
    }
    return *this;
  }
};

}  // namespace

uint64_t monotonicMs() { return static_cast<uint64_t>(clockMs(CLOCK_MONOTONIC)); }
int64_t wallClockMs() { return clockMs(CLOCK_REALTIME); }

void tell(const Event& event, const char* format, ...) {
  char message[768];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  Line line;
  if (::isatty(STDERR_FILENO)) {
    line.add(message);
  } else {
    char time[32];
    const time_t now = ::time(nullptr);
    tm utc;
    std::strftime(time, sizeof time, "%FT%T.000Z", ::gmtime_r(&now, &utc));
    line.add("{\"time\":\"").add(time).add("\",\"level\":\"").add(event.level).add("\",\"event\":\"").add(event.name);
    line.add("\",\"message\":\"").addQuoted(message).add("\"}");
  }
  line.add("\n");
  if (::write(STDERR_FILENO, line.text, line.length) < 0) return;  // nobody reads the log
}

void notifyManager(const char* state) {
  const char* path = ::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  if (!path || std::strlen(path) >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, path);
  const auto bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path));
  if (path[0] == '@') address.sun_path[0] = '\0';
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return;
  ::sendto(socket, state, std::strlen(state), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), bytes);
  ::close(socket);
}

bool isConnected(int fuse) {
  pollfd wait{.fd = fuse, .events = 0, .revents = 0};
  return ::poll(&wait, 1, 0) >= 0 && (wait.revents & POLLERR) == 0;
}

uint64_t deviceAt(const char* path) {
  constexpr int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
  struct statx found;
  if (::statx(AT_FDCWD, path, flags, 0, &found) != 0) return 0;
  return uint64_t{found.stx_dev_major} << 32 | found.stx_dev_minor;
}

bool detach(const char* mountpoint) {
  if (::umount2(mountpoint, MNT_DETACH) == 0) return true;
  for (const char* program : {"fusermount3", "fusermount"}) {
    const char* const command[] = {program, "-u", "-z", "--", mountpoint, nullptr};
    if (runToEnd(command)) return true;
  }
  return false;
}

pid_t startServer(char* const* command, int socket) {
  const pid_t self = ::getpid();
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::prctl(PR_SET_PDEATHSIG, SIGURG);
  if (::getppid() != self) ::_exit(1);
  restoreSignals();
  char number[16];
  std::snprintf(number, sizeof number, "%d", socket);
  ::fcntl(socket, F_SETFD, 0);
  ::setenv("SHENV_SUPERVISOR", number, 1);
  ::unsetenv("NOTIFY_SOCKET");
  ::execv(command[0], command);
  tell({"error", "command-failed"}, "Cannot run %s: %s", command[0], std::strerror(errno));
  ::_exit(126);
}
