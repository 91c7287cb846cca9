// Opening image files that other users may have put under a name of ours.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "answer.hpp"
#include "owned-fd.hpp"

// Of a file whose metadata were read elsewhere: what it was then. Whole seconds, because not every file system keeps more.
struct FileStamp {
  uint64_t sizeBytes = 0;
  int64_t mtimeSeconds = 0;
};

// Which file is believed: of whom, and in which state; of anybody and in any where that is left out.
struct Believed {
  std::optional<uint32_t> storeOwner;
  std::optional<FileStamp> stamp;

  Believed(std::optional<uint32_t> storeOwner, std::optional<FileStamp> stamp = std::nullopt)
      : storeOwner(storeOwner), stamp(stamp) {}
};

// Opens a regular file to read it: no link is followed and no FIFO waited for. With `storeOwner`, only one that nobody
// but that user, root or this process can change; ENOENT for any other. With `stamp`, ESTALE for a file
// that was changed or replaced. Errors of open(2) and fstat(2) else.
Result<OwnedFd> openBelieved(const std::string& path, const Believed& believed);
