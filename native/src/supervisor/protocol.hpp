// What supervisor and serving process say to each other (docs/supervision.md): a line, then what the line is about.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace protocol {

constexpr int version = 1;

// From the serving process.
enum class Word { hold, ready, ending, next, unknown };

struct Message {
  Word word = Word::unknown;
  std::span<const char> rest;  // of `hold` the opaque state, of `next` the command, each word ended by NUL
};

inline Message parse(std::span<const char> bytes) {
  const std::string_view text(bytes.data(), bytes.size());
  const auto end = text.find('\n');
  if (end == text.npos) return {};
  const std::string_view line = text.substr(0, end);
  const auto rest = bytes.subspan(end + 1);
  if (line == "hold") return {Word::hold, rest};
  if (line == "ready") return {Word::ready, rest};
  if (line == "ending") return {Word::ending, rest};
  if (line == "next") return {Word::next, rest};
  return {};
}

// How the last serving process ended.
struct LastEnd {
  enum class How : uint8_t { none, status, signal, handOver } how = How::none;
  int number = 0;        // exit status or signal
  int64_t timeMs = 0;    // since 1970
};

// The first line to a serving process: `begin 1`, or `take 1 DEATHS HOW NUMBER TIME-MS`. Returns its length.
size_t greeting(std::span<char> into, bool isHeld, uint32_t deaths, const LastEnd& last);
constexpr std::string_view held = "held\n";

// The words of `next`: an absolute program, then arguments; `into` ends with a null pointer. 0 for what is no command.
size_t splitCommand(std::span<char> command, std::span<char*> into);

}  // namespace protocol
