// Tells the kernel what to forget. The kernel may block such a write while a lookup in the same directory
// waits for an answer, which may need JavaScript: so it happens on a thread of its own.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

#include "channel.hpp"

class Notifier {
 public:
  ~Notifier() { stop(); }

  void start(std::shared_ptr<Channel> channel);
  void invalidateEntry(uint64_t parent, std::string_view name);
  void invalidateInode(uint64_t inode);
  // `isUnknown` is called, on the notifier's thread, if the kernel knows no such inode by then.
  void probe(uint64_t inode, std::function<void()> isUnknown);
  // All names; EINVAL, which nobody sees, where the kernel cannot.
  void invalidateAllEntries();
  // `done` is called, on the notifier's thread or by `stop`, when all that was queued before is written.
  void flush(std::function<void()> done);
  // Drops what is queued and joins; a write that blocks in the kernel must be able to go on.
  void stop();
  uint64_t written() const { return written_.load(std::memory_order_relaxed); }

 private:
  struct Job {
    std::vector<std::byte> message;   // empty:
    std::function<void()> done;       // then this
    std::function<void()> isUnknown{};
  };
  void push(Job job);
  void run();
  void write(const Job& job);

  std::shared_ptr<Channel> channel_;
  std::atomic<uint64_t> written_{0};
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<Job> queue_;
  bool stopped_ = false;
  std::thread thread_;
};
