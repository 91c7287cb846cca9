// Usage: supervisor-test SUPERVISOR; with --server SCENARIO it plays the serving process.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "supervisor/back-off.hpp"
#include "descriptor-message.hpp"
#include "supervisor/protocol.hpp"

namespace {

int failures = 0;

void expect(bool holds, const char* rule) {
  std::printf("%s supervisor: %s\n", holds ? "ok  " : "FAIL", rule);
  if (!holds) ++failures;
}

void testBackOff() {
  BackOff backOff({.mostDeaths = 4, .lastingMs = 1000, .firstDelayMs = 50, .mostDelayMs = 80});
  expect(backOff.afterDeath(0) == 0u, "the first death is followed at once");
  expect(backOff.afterDeath(10) == 50u && backOff.afterDeath(20) == 80u, "then the delay grows up to its limit");
  expect(!backOff.afterDeath(30), "too many deaths in a row are the end");
  backOff.serves(100);
  expect(backOff.afterDeath(1100) == 0u, "a process that lasted begins a new row");
  backOff.serves(1200);
  expect(backOff.afterDeath(1300) == 50u, "one that served for a moment only does not");
}

void testProtocol() {
  using namespace protocol;
  const std::string hold = "hold\nstate", torn = "hold";
  expect(parse(hold).word == Word::hold && parse(hold).rest.size() == 5, "a message is a line and what follows");
  expect(parse(torn).word == Word::unknown && parse(std::span<const char>()).word == Word::unknown,
         "a message without a whole line is unknown");
  char text[100];
  const std::string begin(text, greeting(text, false, 0, {}));
  const std::string take(text, greeting(text, true, 3, {LastEnd::How::signal, 9, 1234}));
  expect(begin == "begin 1\n" && take == "take 1 3 signal 9 1234\n", "the greeting tells of the last end");
  char* words[4];
  std::string command("/bin/a\0b\0", 9), relative("a\0", 2), open("/a", 2), many("/a\0b\0c\0d\0", 9);
  expect(splitCommand(command, words) == 2 && !std::strcmp(words[1], "b") && !words[2], "a command is split at NUL");
  expect(!splitCommand(relative, words) && !splitCommand(open, words) && !splitCommand(many, words),
         "a command that is relative, open or too long is none");
}

void testMessages() {
  int ends[2], pipes[2], received[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) || ::pipe(pipes)) std::abort();
  char into[16];
  size_t count = 0;
  expect(sendMessage(ends[0], std::string_view("two"), pipes) == 0 &&
             receiveMessage(ends[1], into, received, count) == 3 && count == 2,
         "descriptors travel with their message");
  expect(::write(received[1], "x", 1) == 1 && ::read(pipes[0], into, 1) == 1 && into[0] == 'x' &&
             ::fcntl(received[0], F_GETFD) == FD_CLOEXEC,
         "a descriptor is the same file on the other side, close-on-exec");
  expect(sendMessage(ends[0], std::string(40, 'x'), {}) == 0 && receiveMessage(ends[1], into, received, count) == -EMSGSIZE,
         "a message that does not fit is refused");
  const std::string huge(descriptorMessage::mostBytes + 1, 'x');
  expect(sendMessage(ends[0], huge, {}) == EMSGSIZE, "one that never fits is not sent");
  ::close(ends[0]);
  expect(receiveMessage(ends[1], into, received, count) == 0, "the other side's end is told");
}

// What a serving process does, by scenario; its exit status is what the supervisor's is compared with.
struct Server {
  int socket = std::atoi(std::getenv("SHENV_SUPERVISOR"));
  char text[4096];
  int held[4];
  size_t heldCount = 0;

  std::string hear() {
    const ssize_t length = receiveMessage(socket, text, held, heldCount);
    return {text, static_cast<size_t>(length < 0 ? 0 : length)};
  }
  void say(std::string_view message) { sendMessage(socket, message, {}); }
  void hold(const char* message) {
    int pipes[2];
    if (::pipe(pipes)) std::abort();
    sendMessage(socket, std::string_view(message), pipes);
    if (hear() != "held\n") ::_exit(90);
  }
  [[noreturn]] void end(int status) {
    say("ending\n");
    ::_exit(status);
  }
};

int serve(const std::string& scenario, const char* self) {
  Server server;
  const std::string greeting = server.hear();
  const bool isFirst = greeting == "begin 1\n";
  if (scenario == "fails") return 7;
  if (isFirst) server.hold("hold\nstate");
  if (scenario == "keeps-dying") ::raise(SIGKILL);
  if (scenario == "stops") {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    ::kill(::getppid(), SIGTERM);
    int signal;
    ::sigwait(&set, &signal);
    server.end(4);
  }
  if (scenario == "successor") server.end(greeting.starts_with("take 1 0 hand-over 0 ") ? 5 : 91);
  if (scenario == "hands-over") {
    std::string next = std::string("next\n") + self;
    next += std::string("\0--server\0successor\0", 20);
    server.say("ready\n");
    server.say(next);
    return 0;
  }
  if (isFirst) ::raise(SIGKILL);
  const bool isWhole = greeting.starts_with("take 1 1 signal 9 ") && greeting.ends_with("\nstate");
  char byte = 0;
  const bool isSame = server.heldCount == 2 && ::write(server.held[1], "y", 1) == 1 && ::read(server.held[0], &byte, 1) == 1;
  server.end(isWhole && isSame && byte == 'y' ? 6 : 92);
}

int openNull() { return ::open("/dev/null", O_WRONLY); }

// A pipe that nobody reads.
int openBrokenPipe() {
  int ends[2];
  if (::pipe(ends)) std::abort();
  ::close(ends[0]);
  return ends[1];
}

int supervise(const char* supervisor, const char* self, const char* scenario, int (*openLog)() = openNull) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(openLog(), STDERR_FILENO);
    ::execl(supervisor, supervisor, "/nonexistent/mountpoint", "3", "30000", "--", self, "--server", scenario, nullptr);
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

int main(int count, char** words) {
  char self[PATH_MAX] = {};
  if (::readlink("/proc/self/exe", self, sizeof self - 1) < 0) return 2;
  if (count == 3 && std::string(words[1]) == "--server") return serve(words[2], self);
  if (count != 2) return std::fprintf(stderr, "usage: supervisor-test SUPERVISOR\n"), 2;
  testBackOff();
  testProtocol();
  testMessages();
  expect(supervise(words[1], self, "fails") == 7, "the status of a process that holds nothing is passed on");
  expect(supervise(words[1], self, "dies") == 6, "the next process gets descriptors and state of the one that died");
  expect(supervise(words[1], self, "dies", openBrokenPipe) == 6, "a log that nobody reads is no reason to end");
  expect(supervise(words[1], self, "keeps-dying") == 52, "a process that keeps dying is given up");
  expect(supervise(words[1], self, "stops") == 4, "SIGTERM is handed on, and a clean stop is the end");
  expect(supervise(words[1], self, "hands-over") == 5, "the program that was named takes over, and that is no death");
  return failures ? 1 : 0;
}
