#include "fusermount.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <vector>

#include "failure.hpp"

namespace {

constexpr int childSocket = 3;
constexpr int answerTimeoutMs = 30'000;

// fusermount3 splits options at commas.
std::string escaped(const std::string& value) {
  std::string out;
  for (const char c : value) {
    if (c == ',' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

struct Pair {
  OwnedFd ours, theirs;
};

Pair socketPair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw systemFailure(errno, "cannot create a socket pair");
  return {OwnedFd(ends[0]), OwnedFd(ends[1])};
}

Pair pipePair() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw systemFailure(errno, "cannot create a pipe");
  return {OwnedFd(ends[0]), OwnedFd(ends[1])};
}

std::vector<std::string> environmentOfChild() {
  std::vector<std::string> variables;
  for (char** at = environ; *at; ++at)
    if (std::strncmp(*at, "_FUSE_COMMFD=", 13) != 0) variables.emplace_back(*at);
  variables.push_back("_FUSE_COMMFD=" + std::to_string(childSocket));
  return variables;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (std::string& string : strings) out.push_back(string.data());
  out.push_back(nullptr);
  return out;
}

// The child's process id; its socket is descriptor 3, its stderr the pipe. Returns the errno of the start.
int spawn(const char* program, const MountOptions& options, int socket, int errors, pid_t& child) {
  const std::string access = options.writable ? "rw,default_permissions" : "ro";
  std::string list = access + ",nosuid,nodev,fsname=" + escaped(options.fsname) +
                     ",subtype=" + escaped(options.subtype) + (options.allowOther ? ",allow_other" : "");
  std::vector<std::string> arguments{program, "-o", list, "--", options.mountpoint};
  std::vector<std::string> variables = environmentOfChild();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, errors, 2);
  posix_spawn_file_actions_adddup2(&actions, socket, childSocket);
  const int error =
      ::posix_spawnp(&child, program, &actions, nullptr, pointers(arguments).data(), pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

// The descriptor that the child passes; none if it ends without.
OwnedFd receiveDescriptor(int socket, const char* program) {
  pollfd wait{.fd = socket, .events = POLLIN, .revents = 0};
  int ready;
  do ready = ::poll(&wait, 1, answerTimeoutMs);
  while (ready < 0 && errno == EINTR);
  if (ready == 0) throw Failure("ETIMEDOUT", std::string(program) + " gave no answer");
  char byte;
  iovec part{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (::recvmsg(socket, &message, MSG_CMSG_CLOEXEC) <= 0) return {};
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (!header || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int))) return {};
  int fd;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return OwnedFd(fd);
}

std::string readAll(int pipe) {
  std::string text;
  char buffer[512];
  ssize_t count;
  while ((count = ::read(pipe, buffer, sizeof buffer)) > 0) text.append(buffer, static_cast<size_t>(count));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

// fusermount3 ends its complaint with the system's words for the error.
std::string codeOf(const std::string& complaint) {
  for (int error = 1; error < 134; ++error)
    if (const char* words = strerrordesc_np(error); words && complaint.ends_with(words)) return errnoName(error);
  return "EPERM";
}

// The ends that the child gets lie above the descriptors that it replaces.
OwnedFd lifted(OwnedFd fd) { return fd.get() > childSocket ? std::move(fd) : OwnedFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 10)); }

// Nothing if there is no such program.
std::optional<Mounted> mountBy(const char* program, const MountOptions& options) {
  Pair socket = socketPair();
  Pair errors = pipePair();
  socket.theirs = lifted(std::move(socket.theirs));
  errors.theirs = lifted(std::move(errors.theirs));
  pid_t child;
  const int error = spawn(program, options, socket.theirs.get(), errors.theirs.get(), child);
  if (error == ENOENT) return std::nullopt;
  if (error) throw systemFailure(error, std::string("cannot start ") + program);
  socket.theirs.reset();
  errors.theirs.reset();
  OwnedFd fd = receiveDescriptor(socket.ours.get(), program);
  socket.ours.reset();
  const std::string complaint = readAll(errors.ours.get());
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {}
  if (fd) return Mounted{std::move(fd), "fusermount3"};
  throw Failure(codeOf(complaint), std::string(program) + " could not mount at " + options.mountpoint + ": " +
                                       (complaint.empty() ? "no reason given" : complaint));
}

}  // namespace

Mounted mountByFusermount(const MountOptions& options) {
  for (const char* program : {"fusermount3", "fusermount"})
    if (auto mounted = mountBy(program, options)) return std::move(*mounted);
  throw Failure("ENOENT", "cannot mount at " + options.mountpoint + ": neither fusermount3 nor fusermount is installed");
}
