#include "contents.hpp"

#include <cerrno>

#include "believed-file.hpp"

ImageDescriptors::Handle ImageDescriptors::find(uint32_t serial) {
  const std::lock_guard lock(mutex_);
  const auto found = bySerial_.find(serial);
  if (found == bySerial_.end()) return nullptr;
  recent_.splice(recent_.begin(), recent_, found->second);
  return found->second->handle;
}

Result<ImageDescriptors::Handle> ImageDescriptors::open(const ContentPlace& place) {
  const uint32_t serial = place.serial;
  if (auto known = find(serial)) return known;
  auto file = openBelieved(place.path, place.storeOwner);
  if (!file) return file.stop();
  auto handle = std::make_shared<const OwnedFd>(std::move(file).value());
  const std::lock_guard lock(mutex_);
  if (const auto other = bySerial_.find(serial); other != bySerial_.end()) return other->second->handle;
  recent_.push_front({serial, handle});
  bySerial_[serial] = recent_.begin();
  if (recent_.size() > limit_) {
    bySerial_.erase(recent_.back().serial);
    recent_.pop_back();
  }
  return handle;
}

void ImageDescriptors::drop(uint32_t serial) {
  const std::lock_guard lock(mutex_);
  const auto found = bySerial_.find(serial);
  if (found == bySerial_.end()) return;
  recent_.erase(found->second);
  bySerial_.erase(found);
}

int ImageDescriptors::read(const ContentPlace& place, uint64_t offset, std::span<std::byte> into) {
  const auto file = open(place);
  if (!file) return EIO;
  size_t done = 0;
  while (done < into.size()) {
    const auto at = static_cast<off_t>(place.offset + offset + done);
    const ssize_t count = ::pread((*file)->get(), into.data() + done, into.size() - done, at);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return EIO;
    done += static_cast<size_t>(count);
  }
  return 0;
}

GeneratedContents::Handle GeneratedContents::find(uint64_t viewIdentity, uint64_t inode) {
  const std::lock_guard lock(mutex_);
  const auto found = byKey_.find({viewIdentity, inode});
  if (found == byKey_.end()) return nullptr;
  recent_.splice(recent_.begin(), recent_, found->second);
  return found->second->content;
}

void GeneratedContents::put(uint64_t viewIdentity, uint64_t inode, Handle content) {
  const std::lock_guard lock(mutex_);
  const Key key{viewIdentity, inode};
  if (const auto old = byKey_.find(key); old != byKey_.end()) erase(old);
  usedBytes_ += content->bytes.size();
  recent_.push_front({key, std::move(content)});
  byKey_[key] = recent_.begin();
  while (usedBytes_ > limitBytes_) erase(byKey_.find(recent_.back().key));
}

void GeneratedContents::dropView(uint64_t viewIdentity) {
  const std::lock_guard lock(mutex_);
  auto at = byKey_.lower_bound({viewIdentity, 0});
  while (at != byKey_.end() && at->first.first == viewIdentity) erase(at++);
}

void GeneratedContents::erase(std::map<Key, std::list<Entry>::iterator>::iterator found) {
  usedBytes_ -= found->second->content->bytes.size();
  recent_.erase(found->second);
  byKey_.erase(found);
}
