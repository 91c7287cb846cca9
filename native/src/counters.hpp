// Counts of one thread, written by it alone and summed by whoever asks; cheap enough to be always on.
#pragma once
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>

#include "wire.hpp"

class Count {
 public:
  // Only the owning thread adds, so a load and a store do without a locked instruction.
  void add(uint64_t more = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

struct Counters {
  // Bucket 0 holds latencies under 1 us, bucket n those under 2^n us, the last one all others.
  static constexpr size_t latencyBuckets = 28;

  std::array<Count, wire::opcodeCount> requests, errors;  // index 0: opcodes that the table does not know
  std::array<Count, latencyBuckets> latency;
  Count latencyNs, bytesRead, upcalls, badRequests, ioErrors, forwarded, backingHits;

  void addLatency(uint64_t ns) {
    latencyNs.add(ns);
    const auto bucket = static_cast<size_t>(std::bit_width(ns / 1000));
    latency[bucket < latencyBuckets ? bucket : latencyBuckets - 1].add();
  }
};
