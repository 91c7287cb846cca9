#include "generated-contents.hpp"

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
