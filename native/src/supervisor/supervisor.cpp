#include "supervisor.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace {

constexpr int watched[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP};

OwnedFd watchSignals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : watched) ::sigaddset(&set, signal);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  return OwnedFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

// The command that waits for readiness sees the end of this pipe when no process has it any more.
void closeReadiness() {
  if (const char* number = ::getenv("SHENV_READY_DESCRIPTOR")) ::close(std::atoi(number));
  ::unsetenv("SHENV_READY_DESCRIPTOR");
}

int shellStatus(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

void describe(int status, std::span<char> into) {
  if (WIFSIGNALED(status)) std::snprintf(into.data(), into.size(), "signal %d", WTERMSIG(status));
  else std::snprintf(into.data(), into.size(), "exit status %d", WEXITSTATUS(status));
}

}  // namespace

Supervisor::Supervisor(const char* mountpoint, char* const* command, const Policy& policy)
    : mountpoint_(mountpoint), policy_(policy), backOff_(policy), command_(command), signals_(watchSignals()) {}

int Supervisor::run() {
  if (!signals_ || !start()) {
    tell({"error", "start-failed"}, "Cannot start: %s", std::strerror(errno));
    return givenUp;
  }
  closeReadiness();
  while (state_ != State::ended) {
    pollfd waits[] = {{.fd = signals_.get(), .events = POLLIN, .revents = 0},
                      {.fd = socket_.get(), .events = POLLIN, .revents = 0}};
    const int ready = ::poll(waits, socket_ ? 2 : 1, timeoutMs());
    if (ready < 0 && errno != EINTR) return givenUp;
    if (socket_ && waits[1].revents) onSocket();
    if (waits[0].revents) onSignals();
    if (deadlineMs_ && monotonicMs() >= deadlineMs_) onDeadline();
  }
  release();
  return exitStatus_;
}

int Supervisor::timeoutMs() const {
  if (!deadlineMs_) return -1;
  const uint64_t now = monotonicMs();
  return deadlineMs_ > now ? static_cast<int>(deadlineMs_ - now) : 0;
}

bool Supervisor::start() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return false;
  socket_ = OwnedFd(ends[0]);
  const OwnedFd theirs(ends[1]);
  ::fcntl(socket_.get(), F_SETFL, O_NONBLOCK);
  char message[descriptorMessage::mostBytes];
  size_t length = protocol::greeting(message, isHolding(), deaths_, last_);
  const size_t blobBytes = isHolding() ? std::min(blobBytes_, sizeof message - length) : 0;
  std::copy_n(blob_, blobBytes, message + length);
  length += blobBytes;
  errno = sendMessage(socket_.get(), {message, length}, {held_, heldCount_});
  if (errno != 0) return false;
  isEnding_ = isHandingOver_ = false;
  deadlineMs_ = 0;
  server_ = startServer(command_, theirs.get());
  if (server_ < 0) return false;
  state_ = State::running;
  return true;
}

void Supervisor::onSocket() {
  char bytes[descriptorMessage::mostBytes];
  int descriptors[descriptorMessage::mostDescriptors];
  while (socket_) {
    size_t count;
    const ssize_t length = receiveMessage(socket_.get(), bytes, descriptors, count);
    if (length == -EAGAIN) return;
    if (length > 0) receive({bytes, static_cast<size_t>(length)}, {descriptors, count});
    else if (length != -EMSGSIZE) socket_.reset();
  }
}

void Supervisor::receive(std::span<const char> bytes, std::span<int> descriptors) {
  const protocol::Message message = protocol::parse(bytes);
  if (message.word == protocol::Word::hold) return hold(message.rest, descriptors);
  for (const int fd : descriptors) ::close(fd);
  if (message.word == protocol::Word::ending) isEnding_ = true;
  if (message.word == protocol::Word::next) adoptNext(message.rest);
  if (message.word != protocol::Word::ready) return;
  fallback_ = nullptr;
  backOff_.serves(monotonicMs());
  if (std::exchange(wasReady_, true)) return;
  device_ = deviceAt(mountpoint_);
  notifyManager("READY=1");
}

// What was held before goes: the serving process may have replaced its descriptors.
void Supervisor::hold(std::span<const char> state, std::span<int> descriptors) {
  release();
  std::ranges::copy(descriptors, held_);
  heldCount_ = descriptors.size();
  blobBytes_ = std::min(state.size(), sizeof blob_);
  std::copy_n(state.data(), blobBytes_, blob_);
  sendMessage(socket_.get(), protocol::held, {});
}

void Supervisor::release() {
  for (const int fd : std::span(held_, heldCount_)) ::close(fd);
  heldCount_ = 0;
}

// The command that is in use must not be overwritten: there are two places.
void Supervisor::adoptNext(std::span<const char> command) {
  const size_t place = namedCount_ % 2;
  if (fallback_ || command.size() > sizeof named_[place]) return;
  std::ranges::copy(command, named_[place]);
  if (protocol::splitCommand({named_[place], command.size()}, words_[place]) == 0) return;
  ++namedCount_;
  fallback_ = command_;
  command_ = words_[place];
  isHandingOver_ = true;
}

void Supervisor::onSignals() {
  signalfd_siginfo info;
  while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
    const int signal = static_cast<int>(info.ssi_signo);
    if (signal == SIGCHLD) reap();
    else askToStop(signal);
  }
}

void Supervisor::askToStop(int signal) {
  const bool isFirst = std::exchange(stopSignal_, signal) == 0;
  notifyManager("STOPPING=1");
  if (server_ < 0) return endAfterStop();
  ::kill(server_, SIGTERM);
  if (isFirst) deadlineMs_ = monotonicMs() + policy_.stopMs;
}

void Supervisor::reap() {
  int status;
  while (server_ > 0) {
    const pid_t ended = ::waitpid(server_, &status, WNOHANG);
    if (ended != server_) return;
    server_ = -1;
    onEnd(status);
  }
}

void Supervisor::onEnd(int status) {
  onSocket();  // what it said before it ended
  socket_.reset();
  if (isEnding_ || !isHolding()) {
    exitStatus_ = shellStatus(status);
    state_ = State::ended;
    notifyManager("STOPPING=1");
  } else if (stopSignal_) {
    endAfterStop();
  } else {
    onDeath(status);
  }
}

void Supervisor::onDeath(int status) {
  state_ = State::waiting;
  const bool isClean = isHandingOver_ && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  using How = protocol::LastEnd::How;
  last_ = {.how = isClean ? How::handOver : WIFSIGNALED(status) ? How::signal : How::status,
           .number = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), .timeMs = wallClockMs()};
  deadlineMs_ = monotonicMs();
  const char* const successor = command_[1] ? command_[1] : command_[0];
  if (isClean) return tell({"info", "hand-over"}, "%s is handed over to %s", mountpoint_, successor);
  ++deaths_;
  if (fallback_ && !isHandingOver_) {
    tell({"warn", "hand-over-failed"}, "The program that was to take over %s did not come to serve; back to the one before",
         mountpoint_);
    command_ = std::exchange(fallback_, nullptr);
  }
  char how[32];
  describe(status, how);
  const auto delayMs = backOff_.afterDeath(monotonicMs());
  if (!delayMs) {
    tell({"error", "server-died"}, "The server of %s died again (%s), %u times in a row", mountpoint_, how,
         backOff_.deathsInARow());
    return giveUp();
  }
  tell({"warn", "server-died"}, "The server of %s died (%s); starting the next in %u ms", mountpoint_, how, *delayMs);
  deadlineMs_ += *delayMs;
}

void Supervisor::giveUp() {
  if (isConnected(held_[0]) && isInPlace()) detach(mountpoint_);
  tell({"error", "given-up"}, "%s is given up and unmounted; see the lines above, then run `shenv-fs mount %s`", mountpoint_,
       mountpoint_);
  exitStatus_ = givenUp;
  state_ = State::ended;
}

// Told to stop, and no serving process is there that could do it well.
void Supervisor::endAfterStop() {
  const bool isAway = !isHolding() || !isConnected(held_[0]) || !isInPlace() || detach(mountpoint_);
  tell({"info", "unmounted"}, "%s was unmounted without its server", mountpoint_);
  exitStatus_ = isAway ? 0 : givenUp;
  state_ = State::ended;
}

void Supervisor::onDeadline() {
  deadlineMs_ = 0;
  if (stopSignal_ && server_ > 0) {
    tell({"warn", "stop-late"}, "The server of %s did not stop in time; it is killed", mountpoint_);
    ::kill(server_, SIGKILL);
  } else if (state_ == State::waiting && !start()) {
    onFailedStart();
  }
}

// There may be no memory for a process just now: as after a death.
void Supervisor::onFailedStart() {
  tell({"error", "start-failed"}, "Cannot start: %s", std::strerror(errno));
  const auto delayMs = backOff_.afterDeath(monotonicMs());
  if (!delayMs) return giveUp();
  deadlineMs_ = monotonicMs() + *delayMs;
}
