// Sizes that the server announces or reserves.
#pragma once
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace limits {

// What a kernel without MAX_PAGES asks for at most in one request.
constexpr uint32_t defaultPages = 32;
// As everywhere on Linux (NAME_MAX).
constexpr size_t nameBytes = 255;
constexpr size_t largestReadBytes = 1 << 20;
inline size_t pageBytes() { return static_cast<size_t>(::sysconf(_SC_PAGESIZE)); }
inline uint16_t maxPages() { return static_cast<uint16_t>(largestReadBytes / pageBytes()); }
inline size_t replyBytes() { return std::max(largestReadBytes, defaultPages * pageBytes()); }
// Where nothing is ever written; the kernel's least value keeps the buffer that it demands small.
constexpr uint32_t maxWriteBytes = 4096;
// Holds each request that a read-only mount sends, and a good batch of FORGETs.
constexpr size_t requestBytes = 65'536;
constexpr uint32_t largestWriteBytes = 1 << 20;
// Open files of upper layers: so that what an installer has written is there when it is compiled.
constexpr size_t mostBackings = 8192;
inline size_t backings() {
  rlimit limit{};
  const bool isKnown = ::getrlimit(RLIMIT_NOFILE, &limit) == 0;
  return isKnown ? std::clamp<size_t>(limit.rlim_cur / 4, 64, mostBackings) : 64;
}
// How often one request may begin anew before it fails.
constexpr uint32_t forwardTries = 16;
constexpr uint16_t maxBackground = 64, congestionThreshold = 48;
// 68 years: changes are pushed as invalidations. Small enough for any kernel's arithmetic.
constexpr uint64_t endlessSeconds = 0x7fffffff;

}  // namespace limits
