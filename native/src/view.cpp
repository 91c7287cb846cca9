#include "view.hpp"

#include <algorithm>

#include "inode.hpp"

namespace {

template <class Key, class Value>
std::optional<Value> find(const std::vector<std::pair<Key, Value>>& sorted, const Key& key) {
  const auto found = std::ranges::lower_bound(sorted, key, {}, &std::pair<Key, Value>::first);
  if (found == sorted.end() || found->first != key) return std::nullopt;
  return found->second;
}

}  // namespace

std::optional<uint32_t> View::lookup(uint32_t directory, std::string_view name) const {
  const auto begin = entries_.begin() + directories_[directory].firstEntry;
  const auto end = begin + directories_[directory].entryCount;
  const auto found = std::lower_bound(begin, end, name, [this](const viewFormat::Entry& entry, std::string_view wanted) {
    return nameOf(entry) < wanted;
  });
  if (found == end || nameOf(*found) != name) return std::nullopt;
  return static_cast<uint32_t>(found - entries_.begin());
}

uint64_t View::fileInode(uint32_t layer, uint32_t node) const {
  const auto& [image, slot] = layers_[layer];
  return own_ ? inode::ofEnvironment(environment_, slot, node) : image->inodeOf(node);
}

int64_t View::mtimeNsOf(uint32_t layer, uint32_t node) const {
  if (!times_.empty())
    if (const auto given = find(times_, LayerNode{layer, node})) return given->mtimeNs;
  return layers_[layer].image->node(node).mtimeNs;
}

uint32_t View::modeOf(uint32_t layer, uint32_t node) const {
  if (!times_.empty())
    if (const auto given = find(times_, LayerNode{layer, node}); given && given->mode != 0) return given->mode;
  return layers_[layer].image->node(node).mode;
}

std::optional<OwnNode> View::ownNode(uint64_t inode) const { return find(ownNodes_, inode); }

std::optional<uint32_t> View::layerOfSlot(uint32_t slot) const {
  return imageNumbered_ ? std::nullopt : find(slots_, slot);
}

std::optional<uint32_t> View::layerOfImage(uint32_t serial) const {
  return imageNumbered_ ? find(slots_, serial) : std::nullopt;
}

std::optional<uint32_t> View::expandedTo(uint32_t layer, uint32_t node) const {
  return find(expanded_, LayerNode{layer, node});
}

std::optional<uint32_t> View::graftHolder(uint32_t layer, uint32_t node) const {
  return find(graftHolders_, LayerNode{layer, node});
}
