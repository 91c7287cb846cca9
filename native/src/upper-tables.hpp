// What native threads know of the upper layers of environments: which inodes are changed, and the files behind some.
#pragma once
#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "owned-fd.hpp"

// What stands behind an inode number, as far as it matters here.
struct BackingKind {
  // Of a file: its last link is where the mount does not show it.
  bool isOrphan = false;
  bool isFolder = false;
  // Of a folder: nothing lower is merged with it, so that what it does not have is not there.
  bool isWhole = false;
};

// An open file or folder of an upper layer.
struct Backing {
  Backing(OwnedFd file, BackingKind kind)
      : file(std::move(file)), isFolder(kind.isFolder), isWhole(kind.isWhole), isOrphan(kind.isOrphan) {}

  const OwnedFd file;
  const bool isFolder, isWhole;
  std::atomic<bool> isOrphan;
  // Since it was looked at for being closed last.
  mutable std::atomic<bool> isUsed{false};
};

// Readers are the threads of the session, the writer is JavaScript's.
class UpperTables {
 public:
  explicit UpperTables(size_t maxBackings) : maxBackings_(maxBackings) {}

  using Handle = std::shared_ptr<const Backing>;
  // Null if there is none. The file stays open as long as the handle lives.
  Handle backing(uint64_t inode);
  // Also true of an inode whose backing was closed to make room.
  bool isChanged(uint64_t inode) const;

  void setBacking(uint64_t inode, OwnedFd file, BackingKind kind);
  // The last name of a file went; of a folder too: it has no backing then.
  void setOrphan(uint64_t inode);
  void dropBacking(uint64_t inode);
  void markChanged(uint64_t inode);
  void clearChanged(uint64_t inode);
  // Forgets what is known of one environment.
  void drop(uint32_t environment);

  size_t backings() const;

 private:
  void makeRoom(uint64_t newest, std::vector<std::shared_ptr<Backing>>& closing);

  const size_t maxBackings_;
  mutable std::shared_mutex mutex_;  // guards what follows
  std::unordered_map<uint64_t, std::shared_ptr<Backing>> backings_;
  std::deque<uint64_t> turns_;  // who is looked at for being closed, the first one next; may name what is gone
  std::unordered_set<uint64_t> changed_;
};

// Inodes of which JavaScript wants to know when the kernel forgets them.
class ForgetWatch {
 public:
  void add(uint64_t inode);
  // Whether it was watched; it is not any more. Costs nothing where nothing is watched.
  bool take(uint64_t inode);

 private:
  std::atomic<size_t> count_{0};
  std::mutex mutex_;  // guards the next
  std::unordered_set<uint64_t> inodes_;
};
