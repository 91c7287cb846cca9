#include "read-ahead.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace {

constexpr size_t mostQueued = 8;
// Long enough that an import of many packages is one burst, short enough that idle mounts hold no memory.
constexpr std::chrono::seconds idleTime{2};

// How many bytes of the file were read from `offset` on: fewer than there is room for at its end, or after an error.
size_t readFully(int fd, std::span<iovec> parts, off_t offset) {
  size_t done = 0;
  while (!parts.empty()) {
    const ssize_t count = ::preadv(fd, parts.data(), static_cast<int>(parts.size()), offset + static_cast<off_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    auto left = static_cast<size_t>(count);
    done += left;
    for (; !parts.empty() && left >= parts.front().iov_len; parts = parts.subspan(1)) left -= parts.front().iov_len;
    if (left == 0) continue;
    parts.front() = {static_cast<std::byte*>(parts.front().iov_base) + left, parts.front().iov_len - left};
  }
  return done;
}

}  // namespace

void loadRun(const ImageDescriptors::Handle& image, ChunkKey first, std::span<const Chunks::Handle> claimed,
             Chunks& chunks) noexcept {
  const size_t chunkBytes = chunks.chunkBytes();
  std::array<iovec, mostInRun> parts;
  for (size_t i = 0; i < claimed.size(); ++i) parts[i] = {claimed[i]->space().data(), chunkBytes};
  const auto offset = static_cast<off_t>(first.index * chunkBytes);
  const size_t done = readFully(image->file.get(), std::span(parts).first(claimed.size()), offset);
  for (size_t i = 0; i < claimed.size(); ++i) {
    const size_t before = i * chunkBytes;
    const size_t filled = done > before ? std::min(done - before, chunkBytes) : 0;
    chunks.finish({first.serial, first.drops, first.index + i}, claimed[i], filled);
  }
  if (done > 0) ::posix_fadvise(image->file.get(), offset, static_cast<off_t>(done), POSIX_FADV_DONTNEED);
}

void ReadAhead::start() {
  const std::lock_guard lock(mutex_);
  thread_ = std::thread([this] { run(); });
  stopped_ = false;
}

void ReadAhead::request(ChunkRun run) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return;
  queue_.push_front(std::move(run));
  if (queue_.size() > mostQueued) queue_.pop_back();
  changed_.notify_one();
}

void ReadAhead::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    queue_.clear();
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void ReadAhead::run() {
  pthread_setname_np(pthread_self(), "shenv-fs-ahead");
  std::unique_lock lock(mutex_);
  while (waitForRun(lock)) {
    const ChunkRun run = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    try {
      loadRun(run.image, run.first, chunks_.claim(run.first, run.count), chunks_);
    } catch (const std::bad_alloc&) {  // nobody waits for it
    }
    lock.lock();
  }
}

bool ReadAhead::waitForRun(std::unique_lock<std::mutex>& lock) {
  const auto isWoken = [this] { return stopped_ || !queue_.empty(); };
  while (!isWoken()) {
    const Chunks::Usage before = chunks_.usage();
    if (before.heldBytes == 0) changed_.wait(lock, isWoken);
    else if (!changed_.wait_for(lock, idleTime, isWoken) && chunks_.usage().uses == before.uses) chunks_.dropAll();
  }
  return !stopped_;
}
