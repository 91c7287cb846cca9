#include "believed-file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

Result<OwnedFd> openBelieved(const std::string& path, const Believed& believed) {
  OwnedFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK));
  if (!file) return Stop(errno);
  struct stat status;
  if (::fstat(file.get(), &status) != 0) return Stop(errno);
  if (!S_ISREG(status.st_mode)) return Stop(ENOENT);
  const auto& [storeOwner, stamp] = believed;
  if (stamp && (static_cast<uint64_t>(status.st_size) != stamp->sizeBytes || status.st_mtime != stamp->mtimeSeconds))
    return Stop(ESTALE);
  // Its readers ask for what they want in large pieces: the kernel's own read-ahead would only fill its cache.
  ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_RANDOM);
  if (!storeOwner) return file;
  const bool isBelieved = status.st_uid == *storeOwner || status.st_uid == 0 || status.st_uid == ::geteuid();
  if (!isBelieved || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) return Stop(ENOENT);
  return file;
}
