#include "js-supervision.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "descriptor-message.hpp"
#include "owned-fd.hpp"

namespace {

void waitFor(int socket, int timeoutMs) {
  pollfd wait{.fd = socket, .events = POLLIN, .revents = 0};
  int ready;
  do ready = ::poll(&wait, 1, timeoutMs);
  while (ready < 0 && errno == EINTR);
  if (ready <= 0) throw systemFailure(ready == 0 ? ETIMEDOUT : errno, "the supervisor does not answer");
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (std::string& string : strings) out.push_back(string.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

napi_value receiveFromSupervisor(napi_env env, napi_callback_info info) {
  const Arguments given = arguments(env, info, 2);
  const auto socket = static_cast<int>(toUint32(env, given.values[0]));
  ::fcntl(socket, F_SETFD, FD_CLOEXEC);
  waitFor(socket, static_cast<int>(toUint32(env, given.values[1])));
  std::vector<char> bytes(descriptorMessage::mostBytes);
  int fds[descriptorMessage::mostDescriptors];
  size_t count;
  const ssize_t length = receiveMessage(socket, bytes, fds, count);
  if (length == 0) return undefined(env);
  if (length < 0) throw systemFailure(static_cast<int>(-length), "cannot hear the supervisor");
  const napi_value message = newObject(env);
  napi_value buffer;
  check(env, napi_create_buffer_copy(env, static_cast<size_t>(length), bytes.data(), nullptr, &buffer));
  set(env, message, "message", buffer);
  set(env, message, "fds", fromNumbers(env, {fds, count}));
  return message;
}

napi_value sendToSupervisor(napi_env env, napi_callback_info info) {
  const Arguments given = arguments(env, info, 3);
  const Bytes bytes = toBytes(env, given.values[1]);
  const auto fds = toVector(env, given.values[2], [&](napi_value fd) { return static_cast<int>(toUint32(env, fd)); });
  const int error = sendMessage(static_cast<int>(toUint32(env, given.values[0])),
                                {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, fds);
  if (error) throw systemFailure(error, "cannot talk to the supervisor");
  return undefined(env);
}

napi_value becomeProgram(napi_env env, napi_callback_info info) {
  const Arguments given = arguments(env, info, 3);
  const std::string path = toString(env, given.values[0]);
  const auto text = [&](napi_value value) { return toString(env, value); };
  auto words = toVector(env, given.values[1], text);
  auto variables = toVector(env, given.values[2], text);
  ::signal(SIGPIPE, SIG_DFL);
  ::execve(path.c_str(), pointers(words).data(), pointers(variables).data());
  throw systemFailure(errno, "cannot run " + path);
}
