// What is served at one moment: immutable, replaced as a whole. Readers hold on to the world that they
// started with; a publish never waits for them, nor they for it.
#pragma once
#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "image.hpp"
#include "inode.hpp"
#include "view.hpp"

struct RootEntry {
  std::string name;
  uint32_t environment;
};

struct Roots {
  std::vector<RootEntry> entries;  // sorted by name bytes
  std::vector<uint32_t> environments;  // sorted
  std::optional<uint32_t> sole;        // the environment whose root is the mount's root
  int64_t mtimeNs = 0;
};

// A regular file of an image, found by its inode number.
struct ImageFile {
  const Image* image;
  uint32_t node;
};

struct World {
  std::vector<std::shared_ptr<const Image>> images;  // sorted by serial
  std::vector<std::shared_ptr<const Image>> bytecodeImages;  // sorted by the serial of their base
  std::vector<std::shared_ptr<const View>> views;  // sorted by environment
  bool hasOwn = false;  // one of them has an upper layer over it
  std::shared_ptr<const Roots> roots = std::make_shared<const Roots>();
  // Serials whose files a process before this one showed, sorted; JavaScript knows where each is.
  std::shared_ptr<const std::vector<uint32_t>> inherited = std::make_shared<const std::vector<uint32_t>>();

  std::shared_ptr<const Image> image(uint32_t serial) const;
  const View* view(uint32_t environment) const;
  bool isRoot(uint32_t environment) const;
  bool isInherited(uint32_t serial) const { return std::ranges::binary_search(*inherited, serial); }
  // The number of what the mount's root shows: its own, or that of the root of the sole environment.
  uint64_t rootInode() const;
  // By what the kernel knows an object: its inode number, but always 1 for the mount's root.
  uint64_t nodeIdOf(uint64_t inode) const { return inode == rootInode() ? inode::mountRoot : inode; }
  // Whether an image with this serial is loaded, or one of bytecode that refers to it.
  bool hasFilesOf(uint32_t serial) const;
  // Also answers for a wheel's image that only a bytecode image refers to.
  std::optional<ImageFile> file(uint32_t serial, uint32_t node) const;
};

class Publisher {
 public:
  // With `metadata`, the start of the file as it was at `source.stamp`; the file itself is not opened.
  void addImage(ImageSource source, Bytes metadata = {});
  // The file was replaced: reads it anew, and takes the place of the image with the same serial.
  void renewImage(ImageSource source, Bytes metadata = {});
  void dropImage(uint32_t serial);
  void inheritImages(std::vector<uint32_t> serials);
  // With `sole` the root of that environment is the mount's; it names nothing unless `entries` has it too.
  void publishRoots(std::vector<RootEntry> entries, std::optional<uint32_t> sole = std::nullopt);
  // Returns the environment's serial.
  uint32_t publishView(Bytes blob);
  void dropView(uint32_t environment);

  std::shared_ptr<const World> current() const;
  uint64_t version() const { return version_.load(std::memory_order_acquire); }

 private:
  template <class Change>
  void change(const Change& apply);

  std::mutex publishing_;          // one change at a time
  mutable std::mutex swapping_;    // guards `current_`, held for a pointer copy only
  std::shared_ptr<const World> current_ = std::make_shared<const World>();
  std::atomic<uint64_t> version_{0};
};

// One thread's hold on the current world.
class WorldReader {
 public:
  explicit WorldReader(const Publisher& publisher) : publisher_(publisher) {}

  std::shared_ptr<const World> acquire() {
    const uint64_t version = publisher_.version();
    if (!held_ || version != version_) {
      held_ = publisher_.current();
      version_ = version;
    }
    return held_;
  }

  // To be called before the thread sleeps, so that it does not keep an old world alive.
  void release() { held_.reset(); }

 private:
  const Publisher& publisher_;
  std::shared_ptr<const World> held_;
  uint64_t version_ = 0;
};
