#include "listing.hpp"

#include <algorithm>

namespace {

// The type bits of a mode are those of `d_type`, shifted.
uint32_t directoryType(const Object& object) { return typeOf(object) >> 12; }

}  // namespace

bool Listing::add(const Child& child, uint64_t cookie, const wire::EntryOut& entry) {
  const size_t fixed = sizeof(wire::Dirent) + (plus_ ? sizeof entry : 0);
  const size_t padded = (fixed + child.name.size() + 7) & ~size_t{7};
  if (padded > space_.size() - used_) return false;
  const size_t end = used_ + padded;
  if (plus_) append(entry);
  append(wire::Dirent{.ino = child.object.inode,
                      .off = cookie,
                      .namelen = static_cast<uint32_t>(child.name.size()),
                      .type = directoryType(child.object)});
  std::ranges::copy(bytesOf(child.name), space_.begin() + static_cast<ptrdiff_t>(used_));
  std::fill(space_.begin() + static_cast<ptrdiff_t>(used_ + child.name.size()),
            space_.begin() + static_cast<ptrdiff_t>(end), std::byte{0});
  used_ = end;
  return true;
}
