// When the next serving process is started after one has died. Pure: the caller tells the time.
#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>

struct Policy {
  uint32_t mostDeaths = 8;       // in a row; then it is given up
  uint32_t lastingMs = 30'000;   // a process that served for so long begins a new row
  uint32_t firstDelayMs = 50, mostDelayMs = 5'000;
  uint32_t stopMs = 20'000;      // for a clean stop
};

class BackOff {
 public:
  explicit BackOff(const Policy& policy) : policy_(policy) {}

  void serves(uint64_t nowMs) { servesSinceMs_ = nowMs; }
  // Milliseconds until the next start: none the first time, then doubling. Nothing when it is to be given up.
  std::optional<uint32_t> afterDeath(uint64_t nowMs) {
    const bool lasted = servesSinceMs_ && nowMs - *servesSinceMs_ >= policy_.lastingMs;
    servesSinceMs_.reset();
    deaths_ = lasted ? 1 : deaths_ + 1;
    if (deaths_ >= policy_.mostDeaths) return std::nullopt;
    if (deaths_ == 1) return 0;
    const uint64_t delay = uint64_t{policy_.firstDelayMs} << std::min(deaths_ - 2, 16u);
    return static_cast<uint32_t>(std::min<uint64_t>(delay, policy_.mostDelayMs));
  }
  uint32_t deathsInARow() const { return deaths_; }

 private:
  const Policy policy_;
  std::optional<uint64_t> servesSinceMs_;
  uint32_t deaths_ = 0;
};
