// Where the bytes of files come from: open image files and generated contents, both bounded.
#pragma once
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "answer.hpp"
#include "image.hpp"
#include "owned-fd.hpp"

// Open image files by serial, the least recently used closed first. A descriptor in use stays open
// until its last user lets go.
class ImageDescriptors {
 public:
  explicit ImageDescriptors(size_t limit) : limit_(limit ? limit : 1) {}

  using Handle = std::shared_ptr<const OwnedFd>;
  Result<Handle> open(const ContentPlace& place);
  void drop(uint32_t serial);

  // Fills `into` from the file; EIO (and nothing else) if the file is not there, too short or unreadable.
  int read(const ContentPlace& place, uint64_t offset, std::span<std::byte> into);

 private:
  struct Entry {
    uint32_t serial;
    Handle handle;
  };
  Handle find(uint32_t serial);

  const size_t limit_;
  std::mutex mutex_;  // guards the two below
  std::list<Entry> recent_;
  std::unordered_map<uint32_t, std::list<Entry>::iterator> bySerial_;
};

struct Content {
  std::vector<std::byte> bytes;
  int64_t mtimeNs;
};

// Contents of generated files, the least recently used dropped first; one that is larger than the whole
// bound is not kept.
class GeneratedContents {
 public:
  explicit GeneratedContents(size_t limitBytes) : limitBytes_(limitBytes) {}

  using Handle = std::shared_ptr<const Content>;
  Handle find(uint64_t viewIdentity, uint64_t inode);
  void put(uint64_t viewIdentity, uint64_t inode, Handle content);
  void dropView(uint64_t viewIdentity);

 private:
  using Key = std::pair<uint64_t, uint64_t>;
  struct Entry {
    Key key;
    Handle content;
  };
  void erase(std::map<Key, std::list<Entry>::iterator>::iterator found);

  const size_t limitBytes_;
  std::mutex mutex_;  // guards what follows
  size_t usedBytes_ = 0;
  std::list<Entry> recent_;
  std::map<Key, std::list<Entry>::iterator> byKey_;
};
