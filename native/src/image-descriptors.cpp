#include "image-descriptors.hpp"

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
  auto handle = std::make_shared<const OpenImage>(std::move(file).value());
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
