// Requests that JavaScript answers as a whole, each under a token of its own.
#pragma once
#include <map>
#include <optional>

#include "upcalls.hpp"

// What JavaScript is told; the message is that of the kernel, header and all.
struct Forward {
  uint64_t token;
  uint64_t inode;
  std::shared_ptr<const std::vector<std::byte>> message;
};

struct ForwardedRequest {
  std::shared_ptr<const std::vector<std::byte>> message;
  std::shared_ptr<ReplySink> sink;
  uint64_t startNs;
  uint32_t tries;  // how often it came to JavaScript
};

class Forwarded {
 public:
  // Called without any lock held, from whichever thread read the request.
  using Emit = std::function<void(const Forward&)>;
  explicit Forwarded(Emit emit) : emit_(std::move(emit)) {}

  // False once closed: the request is still the caller's then.
  bool add(uint64_t inode, const ForwardedRequest& request);
  // Nothing for a token that is not (or no longer) waited for.
  std::optional<ForwardedRequest> take(uint64_t token);
  // From now on nothing is taken in; returns what waits.
  std::vector<ForwardedRequest> close();
  size_t waiting();

 private:
  const Emit emit_;
  std::mutex mutex_;  // guards what follows
  bool closed_ = false;
  uint64_t nextToken_ = 1;
  std::map<uint64_t, ForwardedRequest> pending_;
};
