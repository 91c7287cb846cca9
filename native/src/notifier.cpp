#include "notifier.hpp"

#include <algorithm>
#include <cerrno>

#include "wire.hpp"

namespace {

std::vector<std::byte> message(int32_t code, Bytes fixed, std::string_view name) {
  const size_t nameBytes = name.empty() ? 0 : name.size() + 1;
  std::vector<std::byte> bytes(sizeof(wire::OutHeader) + fixed.size() + nameBytes);
  store(bytes, 0, wire::OutHeader{.len = static_cast<uint32_t>(bytes.size()), .error = code, .unique = 0});
  const auto after = std::ranges::copy(fixed, bytes.begin() + sizeof(wire::OutHeader)).out;
  std::ranges::copy(bytesOf(name), after);
  return bytes;
}

}  // namespace

void Notifier::start(std::shared_ptr<Channel> channel) {
  channel_ = std::move(channel);
  thread_ = std::thread([this] { run(); });
}

void Notifier::invalidateEntry(uint64_t parent, std::string_view name) {
  const wire::NotifyInvalEntry out{parent, static_cast<uint32_t>(name.size()), 0};
  push({message(wire::notifyInvalEntry, bytesOf(out), name), {}});
}

void Notifier::invalidateInode(uint64_t inode) {
  const wire::NotifyInvalInode out{inode, 0, 0};
  push({message(wire::notifyInvalInode, bytesOf(out), {}), {}});
}

// Nothing is dropped but attributes: the offset is before the first byte.
void Notifier::probe(uint64_t inode, std::function<void()> isUnknown) {
  const wire::NotifyInvalInode out{inode, -1, 0};
  push({message(wire::notifyInvalInode, bytesOf(out), {}), {}, std::move(isUnknown)});
}

void Notifier::invalidateAllEntries() { push({message(wire::notifyIncEpoch, {}, {}), {}}); }

void Notifier::flush(std::function<void()> done) { push({{}, std::move(done)}); }

void Notifier::push(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopped_ && thread_.joinable()) {
      queue_.push_back(std::move(job));
      changed_.notify_one();
      return;
    }
  }
  if (job.done) job.done();
}

void Notifier::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopped_ || !queue_.empty(); });
    if (stopped_) return;
    const Job job = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    write(job);
    lock.lock();
  }
}

// ENOENT says that the kernel does not know the name or inode: nothing to forget.
void Notifier::write(const Job& job) {
  if (job.done) return job.done();
  const iovec part{const_cast<std::byte*>(job.message.data()), job.message.size()};
  if (channel_->write(&part, 1) == ENOENT && job.isUnknown) job.isUnknown();
  written_.fetch_add(1, std::memory_order_relaxed);
}

void Notifier::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
  for (const Job& job : std::exchange(queue_, {}))
    if (job.done) job.done();
  channel_.reset();
}
