// A thread that loads chunks before they are asked for, and gives their memory back when nobody reads any more.
#pragma once
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "chunks.hpp"
#include "image-descriptors.hpp"

// In one run, which one system call reads. With more, what is loaded at the end of each burst and never wanted grows.
constexpr size_t mostInRun = 2;

struct ChunkRun {
  ImageDescriptors::Handle image;
  ChunkKey first;
  size_t count;  // up to `mostInRun`
};

class ReadAhead {
 public:
  explicit ReadAhead(Chunks& chunks) : chunks_(chunks) {}
  ~ReadAhead() { stop(); }

  // Before it, and after `stop`, requests are let go.
  void start();
  // Never blocks. What was asked for last is loaded first; of too much, what was asked for first is let go.
  void request(ChunkRun run);
  // Joins; waits for a read that is under way.
  void stop();

 private:
  void run();
  // False when there is nothing more to do.
  bool waitForRun(std::unique_lock<std::mutex>& lock);

  Chunks& chunks_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<ChunkRun> queue_;
  bool stopped_ = true;
  std::thread thread_;
};

// Reads a run of claimed chunks with one call and finishes all of them; the store's pages do not stay in the kernel's
// cache, because what is read here stays in that of the mount.
void loadRun(const ImageDescriptors::Handle& image, ChunkKey first, std::span<const Chunks::Handle> claimed, Chunks& chunks) noexcept;
