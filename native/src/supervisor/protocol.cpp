#include "protocol.hpp"

#include <cstdio>
#include <cstring>

namespace protocol {

namespace {

const char* nameOf(LastEnd::How how) {
  switch (how) {
    case LastEnd::How::status: return "status";
    case LastEnd::How::signal: return "signal";
    case LastEnd::How::handOver: return "hand-over";
    default: return "none";
  }
}

}  // namespace

size_t greeting(std::span<char> into, bool isHeld, uint32_t deaths, const LastEnd& last) {
  const int length = isHeld ? std::snprintf(into.data(), into.size(), "take %d %u %s %d %lld\n", version, deaths,
                                            nameOf(last.how), last.number, static_cast<long long>(last.timeMs))
                            : std::snprintf(into.data(), into.size(), "begin %d\n", version);
  return static_cast<size_t>(length);
}

size_t splitCommand(std::span<char> command, std::span<char*> into) {
  if (command.empty() || command.front() != '/' || command.back() != '\0') return 0;
  size_t count = 0;
  for (size_t at = 0; at < command.size(); at += std::strlen(command.data() + at) + 1) {
    if (count + 1 >= into.size()) return 0;
    into[count++] = command.data() + at;
  }
  into[count] = nullptr;
  return count;
}

}  // namespace protocol
