#include "upper-tables.hpp"

#include <algorithm>

#include "inode.hpp"

UpperTables::Handle UpperTables::backing(uint64_t inode) {
  const std::shared_lock lock(mutex_);
  const auto found = backings_.find(inode);
  if (found == backings_.end()) return nullptr;
  found->second->isUsed.store(true, std::memory_order_relaxed);
  return found->second;
}

bool UpperTables::isChanged(uint64_t inode) const {
  const std::shared_lock lock(mutex_);
  return changed_.contains(inode);
}

// Files are closed without the lock held: a close may wait for a disk.
void UpperTables::setBacking(uint64_t inode, OwnedFd file, BackingKind kind) {
  auto next = std::make_shared<Backing>(std::move(file), kind);
  std::vector<std::shared_ptr<Backing>> closing;
  const std::unique_lock lock(mutex_);
  auto& place = backings_[inode];
  if (!place) turns_.push_back(inode);
  std::swap(place, next);
  closing.push_back(std::move(next));
  makeRoom(inode, closing);
}

// What was used since its last turn gets another one.
void UpperTables::makeRoom(uint64_t newest, std::vector<std::shared_ptr<Backing>>& closing) {
  while (backings_.size() > maxBackings_) {
    const uint64_t inode = turns_.front();
    turns_.pop_front();
    const auto found = backings_.find(inode);
    if (found == backings_.end()) continue;
    if (found->second->isUsed.exchange(false, std::memory_order_relaxed) || inode == newest) {
      turns_.push_back(inode);
      continue;
    }
    // The view must not answer for it now.
    if (!inode::isUpper(inode)) changed_.insert(inode);
    closing.push_back(std::move(found->second));
    backings_.erase(found);
  }
}

void UpperTables::setOrphan(uint64_t inode) {
  bool isFolder = false;
  {
    const std::shared_lock lock(mutex_);
    const auto found = backings_.find(inode);
    if (found == backings_.end()) return;
    isFolder = found->second->isFolder;
    found->second->isOrphan = true;
  }
  if (isFolder) dropBacking(inode);
}

void UpperTables::dropBacking(uint64_t inode) {
  std::shared_ptr<Backing> closing;
  const std::unique_lock lock(mutex_);
  const auto found = backings_.find(inode);
  if (found == backings_.end()) return;
  closing = std::move(found->second);
  backings_.erase(found);
}

void UpperTables::markChanged(uint64_t inode) {
  const std::unique_lock lock(mutex_);
  changed_.insert(inode);
}

void UpperTables::clearChanged(uint64_t inode) {
  const std::unique_lock lock(mutex_);
  changed_.erase(inode);
}

void UpperTables::drop(uint32_t environment) {
  std::vector<std::shared_ptr<Backing>> closing;
  const std::unique_lock lock(mutex_);
  std::erase_if(changed_, [&](uint64_t inode) { return inode::environmentOf(inode) == environment; });
  std::erase_if(backings_, [&](auto& item) {
    if (inode::environmentOf(item.first) != environment) return false;
    closing.push_back(std::move(item.second));
    return true;
  });
}

size_t UpperTables::backings() const {
  const std::shared_lock lock(mutex_);
  return backings_.size();
}

void ForgetWatch::add(uint64_t inode) {
  const std::lock_guard lock(mutex_);
  inodes_.insert(inode);
  count_ = inodes_.size();
}

bool ForgetWatch::take(uint64_t inode) {
  if (count_.load(std::memory_order_acquire) == 0) return false;
  const std::lock_guard lock(mutex_);
  const bool isWatched = inodes_.erase(inode) > 0;
  count_ = inodes_.size();
  return isWatched;
}
