// Requests against the small world. The input is a series of messages, each after two bytes with its length; each
// byte of 0xff in the place of a length answers the oldest upcall instead.
#include "small-world.hpp"

namespace {

struct DiscardingSink : ReplySink {
  void send(const iovec* parts, int count) override {
    uint64_t bytes = 0;
    for (int i = 0; i < count; ++i) bytes += parts[i].iov_len;
    const auto header = load<wire::OutHeader>({static_cast<const std::byte*>(parts[0].iov_base), sizeof(wire::OutHeader)});
    if (header.len != bytes || header.error > 0) __builtin_trap();
  }
};

void answerUpcall(SmallWorld& world, uint8_t choice) {
  if (world.upcalls.empty()) return;
  const auto [token, missing] = world.upcalls.front();
  world.upcalls.pop_front();
  const int error = choice & 1 ? 5 : 0;
  if (missing.kind == Missing::Kind::content)
    return completeContent(token, error, std::vector<std::byte>(choice * 20), world.service, world.worker);
  if (!error && missing.kind == Missing::Kind::view) world.publish(static_cast<uint32_t>(missing.subject), choice & 2);
  completeView(token, error, world.service, world.worker);
}

// In each of the three ways that JavaScript has.
void answerForward(SmallWorld& world, uint8_t choice) {
  if (world.forwards.empty()) return;
  const Forward request = world.forwards.front();
  world.forwards.pop_front();
  world.service.upper.markChanged(request.inode);
  if (choice & 1) return retryForwarded(request.token, world.service, world.worker);
  if (choice & 2) return answerLookup(request.token, request.inode, "site", world.service, world.worker);
  answerForwarded(request.token, choice & 4 ? 5 : 0, *request.message, world.service, world.worker);
}

// Mostly right lengths, so that the handlers are reached.
void fixLength(std::vector<std::byte>& message) {
  const auto length = static_cast<uint32_t>(message.size());
  if (length >= sizeof length && message[0] != std::byte{0xee}) store(std::span(message), 0, length);
}

}  // namespace

namespace {

void converse(SmallWorld& world, const uint8_t* data, size_t size) {
  static const auto sink = std::make_shared<DiscardingSink>();
  for (size_t at = 0; at + 2 <= size;) {
    if (data[at] == 0xff) {
      answerUpcall(world, data[at + 1]);
      answerForward(world, data[at + 1]);
      at += 2;
      continue;
    }
    const size_t length = std::min<size_t>(data[at] | (data[at + 1] & 1) << 8, size - at - 2);
    const auto* begin = reinterpret_cast<const std::byte*>(data) + at + 2;
    // A copy of its own, so that reading past it is noticed.
    std::vector<std::byte> message(begin, begin + length);
    fixLength(message);
    serve(message, world.service, world.worker, sink);
    at += 2 + length;
  }
  while (!world.upcalls.empty() || !world.forwards.empty()) answerUpcall(world, 1), answerForward(world, 4);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static SmallWorld world;
  static SmallWorld writable(4096, {}, true);
  world.publish(7);
  writable.publish(11);
  for (SmallWorld* each : {&world, &writable}) converse(*each, data, size);
  writable.service.upper.drop(11);
  return 0;
}
