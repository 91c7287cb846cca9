// The INIT exchange: what this server asks for, and what kernel and server have agreed on.
#pragma once
#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "bytes.hpp"
#include "wire.hpp"

struct Negotiated {
  uint32_t minor = 0;  // 0 before INIT
  uint64_t features = 0;
  uint32_t maxWrite = 0, maxPages = 0, maxReadahead = 0;
};

class Negotiation {
 public:
  explicit Negotiation(bool isWritable = false) : isWritable_(isWritable) {}

  // Reads INIT's body (at least 8 bytes) and writes the reply's. Returns an errno, 0 for success.
  int answer(Bytes body, wire::InitOut& reply, size_t& replyBytes);

  // False until INIT has come.
  bool has(uint64_t feature) const { return features_.load(std::memory_order_acquire) & feature; }
  Negotiated result() const;
  // What another process agreed on for the same mount.
  void restore(const Negotiated& agreed);
  static std::vector<std::string> featureNames(uint64_t features);

 private:
  const bool isWritable_;
  std::atomic<uint64_t> features_{0};
  mutable std::mutex mutex_;  // guards `result_`
  Negotiated result_;
};
