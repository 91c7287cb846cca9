// Pieces of image files in memory, so that many small reads become few large ones at the store. Bounded, the least
// recently used dropped first.
#pragma once
#include <condition_variable>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "bytes.hpp"

// How large chunks are, and how many bytes of them are kept.
struct ChunkSizes {
  size_t chunkBytes, limitBytes;

  // Large enough that neighbours come together, small enough that what is wanted now does not wait for much else.
  static constexpr ChunkSizes forDisk() { return {256 << 10, 16 << 20}; }
  // Each read waits for the network, whatever its size: as large as NFS and its like read at once.
  static constexpr ChunkSizes forNetwork() { return {1 << 20, 64 << 20}; }
};

// Bytes [index * chunkBytes, (index + 1) * chunkBytes) of the file of an image, or as many as it has. `drops` is that of
// the descriptor that they are read through: a file that was replaced since is not taken for the one after it.
struct ChunkKey {
  uint32_t serial;
  uint64_t drops;
  uint64_t index;
  auto operator<=>(const ChunkKey&) const = default;
};

// Memory of chunks. A few that were given back are kept, because fresh pages cost as much as reading them full.
class ChunkMemory {
 public:
  explicit ChunkMemory(size_t chunkBytes);
  ~ChunkMemory() { trim(); }
  // Throws std::bad_alloc.
  std::byte* take();
  void give(std::byte* memory);
  // Returns what is kept to the system.
  void trim();
  size_t chunkBytes() const { return chunkBytes_; }

 private:
  const size_t chunkBytes_;
  std::mutex mutex_;
  std::vector<std::byte*> spare_;  // guarded by `mutex_`
};

class Chunk {
 public:
  explicit Chunk(std::shared_ptr<ChunkMemory> memory) : memory_(std::move(memory)), data_(memory_->take()) {}
  ~Chunk() { memory_->give(data_); }
  Chunk(const Chunk&) = delete;
  Chunk& operator=(const Chunk&) = delete;

  // For the thread that loads it alone.
  std::span<std::byte> space() const { return {data_, memory_->chunkBytes()}; }
  // Of a chunk that `Chunks` says is loaded: shorter at the end of the file.
  Bytes bytes() const { return {data_, filled_}; }

 private:
  friend class Chunks;
  enum class State : uint8_t { loading, loaded, failed };

  const std::shared_ptr<ChunkMemory> memory_;
  std::byte* const data_;
  size_t filled_ = 0;              // these three are guarded by the mutex of `Chunks`
  State state_ = State::loading;
  bool wasUsed_ = false;
};

class Chunks {
 public:
  explicit Chunks(ChunkSizes sizes)
      : limitBytes_(sizes.limitBytes), memory_(std::make_shared<ChunkMemory>(sizes.chunkBytes)) {}

  size_t chunkBytes() const { return memory_->chunkBytes(); }

  using Handle = std::shared_ptr<Chunk>;
  struct Found {
    Handle chunk;           // null if the thread that was loading it could not
    bool mustLoad = false;  // by the caller, who then calls `finish`, also when it fails
    bool isFirstUse = false;
  };
  // Waits while another thread loads it.
  Found obtain(ChunkKey key);
  // Of `count` chunks from `key` on those before the first that is there already, as far as there is memory; all are
  // the caller's to load.
  std::vector<Handle> claim(ChunkKey key, size_t count);
  // `filledBytes` is how much of the chunk was read; 0 stands for a failure. Only a loaded chunk is kept.
  void finish(ChunkKey key, const Handle& chunk, size_t filledBytes);

  // What is being loaded is not kept then.
  void drop(uint32_t serial);
  void dropAll();

  struct Usage {
    uint64_t uses = 0;
    uint64_t loads = 0, loadedBytes = 0;  // of chunks, also of those that nobody has used yet
    uint64_t heldBytes = 0;
  };
  Usage usage() const;

 private:
  struct Entry {
    ChunkKey key;
    Handle chunk;
  };
  using Place = std::list<Entry>::iterator;
  Handle add(ChunkKey key);
  void erase(std::map<ChunkKey, Place>::iterator found);

  const size_t limitBytes_;
  const std::shared_ptr<ChunkMemory> memory_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable finished_;
  Usage usage_;  // each thread may have a few more chunks in work than are held
  std::list<Entry> recent_;
  std::map<ChunkKey, Place> byKey_;
};
