#include "upcalls.hpp"

#include <algorithm>

#include "wire.hpp"

bool Upcalls::park(Missing missing, uint64_t viewIdentity, Parked&& request, bool& isNew) {
  uint64_t token;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    const auto [found, inserted] = pending_.try_emplace({missing, viewIdentity});
    if (inserted) found->second.token = nextToken_++;
    found->second.parked.push_back(std::move(request));
    token = found->second.token;
    isNew = inserted;
  }
  if (isNew) emit_({token, missing});
  return true;
}

Upcalls::Taken Upcalls::take(uint64_t token) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find_if(pending_, [&](const auto& item) { return item.second.token == token; });
  if (found == pending_.end()) return {};
  Taken taken{found->first.first, found->first.second, std::move(found->second.parked)};
  pending_.erase(found);
  return taken;
}

// An upcall that loses its last request stays: its answer may still be useful.
std::vector<Parked> Upcalls::interrupt(uint64_t unique) {
  const std::lock_guard lock(mutex_);
  for (auto& [key, pending] : pending_) {
    const auto found = std::ranges::find_if(pending.parked, [&](const Parked& request) {
      return load<wire::InHeader>(request.message).unique == unique;
    });
    if (found == pending.parked.end()) continue;
    std::vector<Parked> taken;
    taken.push_back(std::move(*found));
    pending.parked.erase(found);
    return taken;
  }
  return {};
}

size_t Upcalls::waiting() {
  const std::lock_guard lock(mutex_);
  size_t count = 0;
  for (const auto& [key, pending] : pending_) count += pending.parked.size();
  return count;
}

std::vector<Parked> Upcalls::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  std::vector<Parked> all;
  for (auto& [key, pending] : pending_) std::ranges::move(pending.parked, std::back_inserter(all));
  pending_.clear();
  return all;
}
