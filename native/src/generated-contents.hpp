// Contents of generated files, bounded.
#pragma once
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

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
