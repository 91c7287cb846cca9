#include "image-descriptors.hpp"

#include "believed-file.hpp"

ImageDescriptors::Known ImageDescriptors::find(uint32_t serial) {
  const std::lock_guard lock(mutex_);
  const auto found = bySerial_.find(serial);
  if (found == bySerial_.end()) return {nullptr, drops_};
  recent_.splice(recent_.begin(), recent_, found->second);
  return {found->second->handle, drops_};
}

Result<ImageDescriptors::Handle> ImageDescriptors::open(const ContentPlace& place) {
  const uint32_t serial = place.serial;
  const Known known = find(serial);
  if (known.handle) return known.handle;
  auto file = openBelieved(place.path, place.storeOwner);
  if (!file) return file.stop();
  auto handle = std::make_shared<const OpenImage>(std::move(file).value(), known.drops);
  const std::lock_guard lock(mutex_);
  if (drops_ != known.drops) return handle;  // it may have been replaced meanwhile: for this reader alone
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
  drops_ += 1;
  const auto found = bySerial_.find(serial);
  if (found == bySerial_.end()) return;
  recent_.erase(found->second);
  bySerial_.erase(found);
}
