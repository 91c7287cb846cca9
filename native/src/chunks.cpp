#include "chunks.hpp"

#include <sys/mman.h>

#include <new>
#include <utility>

namespace {

constexpr size_t mostSpareBytes = 2 << 20;

}  // namespace

// So that giving back cannot fail.
ChunkMemory::ChunkMemory(size_t chunkBytes) : chunkBytes_(chunkBytes) { spare_.reserve(mostSpareBytes / chunkBytes_); }

// Each is mapped by itself, so that the system gets all of it back.
std::byte* ChunkMemory::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!spare_.empty()) {
      std::byte* const memory = spare_.back();
      spare_.pop_back();
      return memory;
    }
  }
  void* memory = ::mmap(nullptr, chunkBytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return static_cast<std::byte*>(memory);
}

void ChunkMemory::give(std::byte* memory) {
  {
    const std::lock_guard lock(mutex_);
    if (spare_.size() < mostSpareBytes / chunkBytes_) return spare_.push_back(memory);
  }
  ::munmap(memory, chunkBytes_);
}

void ChunkMemory::trim() {
  const std::lock_guard lock(mutex_);
  for (std::byte* memory : spare_) ::munmap(memory, chunkBytes_);
  spare_.clear();
}

Chunks::Found Chunks::obtain(ChunkKey key) {
  std::unique_lock lock(mutex_);
  usage_.uses += 1;
  const auto found = byKey_.find(key);
  if (found == byKey_.end()) {
    const Handle chunk = add(key);
    chunk->wasUsed_ = true;
    return {chunk, true, true};
  }
  recent_.splice(recent_.begin(), recent_, found->second);
  const Handle chunk = found->second->chunk;
  finished_.wait(lock, [&] { return chunk->state_ != Chunk::State::loading; });
  if (chunk->state_ == Chunk::State::failed) return {};
  return {chunk, false, !std::exchange(chunk->wasUsed_, true)};
}

std::vector<Chunks::Handle> Chunks::claim(ChunkKey key, size_t count) {
  std::vector<Handle> claimed;
  claimed.reserve(count);
  const std::lock_guard lock(mutex_);
  try {
    for (; claimed.size() < count && !byKey_.contains(key); key.index += 1) claimed.push_back(add(key));
  } catch (const std::bad_alloc&) {  // what is claimed has to be loaded: others may wait for it
  }
  return claimed;
}

Chunks::Handle Chunks::add(ChunkKey key) {
  std::list<Entry> entry{{key, std::make_shared<Chunk>(memory_)}};
  byKey_[key] = entry.begin();
  recent_.splice(recent_.begin(), entry);
  return recent_.front().chunk;
}

void Chunks::finish(ChunkKey key, const Handle& chunk, size_t filledBytes) {
  const std::lock_guard lock(mutex_);
  chunk->filled_ = filledBytes;
  chunk->state_ = filledBytes == 0 ? Chunk::State::failed : Chunk::State::loaded;
  finished_.notify_all();
  const auto found = byKey_.find(key);
  if (found == byKey_.end() || found->second->chunk != chunk) return;
  if (filledBytes == 0) return erase(found);
  usage_.loads += 1;
  usage_.loadedBytes += filledBytes;
  usage_.heldBytes += filledBytes;
  while (usage_.heldBytes > limitBytes_) erase(byKey_.find(recent_.back().key));
}

void Chunks::erase(std::map<ChunkKey, Place>::iterator found) {
  usage_.heldBytes -= found->second->chunk->filled_;
  recent_.erase(found->second);
  byKey_.erase(found);
}

void Chunks::drop(uint32_t serial) {
  const std::lock_guard lock(mutex_);
  auto at = byKey_.lower_bound({serial, 0, 0});
  while (at != byKey_.end() && at->first.serial == serial) erase(at++);
}

void Chunks::dropAll() {
  const std::lock_guard lock(mutex_);
  while (!byKey_.empty()) erase(byKey_.begin());
  memory_->trim();
}

Chunks::Usage Chunks::usage() const {
  const std::lock_guard lock(mutex_);
  return usage_;
}
