// Open image files by serial, bounded: the least recently used is closed first.
#pragma once
#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "answer.hpp"
#include "image.hpp"
#include "owned-fd.hpp"

struct OpenImage {
  OpenImage(OwnedFd file, uint64_t drops) : file(std::move(file)), drops(drops) {}

  OwnedFd file;
  uint64_t drops;  // how many images had been dropped when it was opened
  // The chunk that was last used for the first time; before the first.
  mutable std::atomic<uint64_t> lastChunk{~uint64_t{0}};
};

class ImageDescriptors {
 public:
  explicit ImageDescriptors(size_t limit) : limit_(limit ? limit : 1) {}

  // A descriptor in use stays open until its last user lets go.
  using Handle = std::shared_ptr<const OpenImage>;
  Result<Handle> open(const ContentPlace& place);
  void drop(uint32_t serial);

 private:
  struct Entry {
    uint32_t serial;
    Handle handle;
  };
  struct Known {
    Handle handle;  // null for one that is not open
    uint64_t drops;
  };
  Known find(uint32_t serial);

  const size_t limit_;
  std::mutex mutex_;  // guards what follows
  uint64_t drops_ = 0;
  std::list<Entry> recent_;
  std::unordered_map<uint32_t, std::list<Entry>::iterator> bySerial_;
};
