#include "forwarded.hpp"

bool Forwarded::add(uint64_t inode, const ForwardedRequest& request) {
  uint64_t token;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    token = nextToken_++;
    pending_.emplace(token, request);
  }
  emit_({token, inode, request.message});
  return true;
}

std::optional<ForwardedRequest> Forwarded::take(uint64_t token) {
  const std::lock_guard lock(mutex_);
  auto found = pending_.extract(token);
  if (!found) return std::nullopt;
  return std::move(found.mapped());
}

std::vector<ForwardedRequest> Forwarded::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  std::vector<ForwardedRequest> all;
  for (auto& [token, request] : pending_) all.push_back(std::move(request));
  pending_.clear();
  return all;
}

size_t Forwarded::waiting() {
  const std::lock_guard lock(mutex_);
  return pending_.size();
}
