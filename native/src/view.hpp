// One environment's tree: directories, links and generated files of its own, and references to images.
#pragma once
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "bytes.hpp"
#include "image.hpp"
#include "view-format.hpp"

struct ViewLayer {
  std::shared_ptr<const Image> image;
  uint32_t slot;
};

// The size and the time of a generated file become known, and change, while the view is served.
struct GeneratedFile {
  uint64_t inode = 0;
  uint32_t mode = 0;
  bool isVolatile = false;
  mutable std::atomic<int64_t> mtimeNs{0};
  mutable std::atomic<int64_t> sizeBytes{-1};
};

// What is shown of a file or directory of an image in the place of what the image says.
struct Shown {
  int64_t mtimeNs;
  uint32_t mode;  // with the type; 0: that of the image
};

// What an inode number of this view's own tables names; `index` goes into the table of that kind.
struct OwnNode {
  viewFormat::EntryKind kind;
  uint32_t index;
};

class View {
 public:
  using ImageOf = std::function<std::shared_ptr<const Image>(uint32_t serial)>;

  // Checks everything; throws Failure VIEW_INVALID with the rule. Images are found by `imageOf` (null if missing).
  static std::shared_ptr<const View> decode(Bytes blob, const ImageOf& imageOf);

  uint32_t environment() const { return environment_; }
  // Different for each decoded view, also of one environment.
  uint64_t identity() const { return identity_; }
  bool isImageNumbered() const { return imageNumbered_; }
  // Regular files of images have numbers of this environment, and their bytecode is checked.
  bool isOwn() const { return own_; }
  // The number that a regular file of a layer's image has here.
  uint64_t fileInode(uint32_t layer, uint32_t node) const;
  // The time that a file or directory of a layer's image has here, in ns.
  int64_t mtimeNsOf(uint32_t layer, uint32_t node) const;
  // The mode that it has here, with the type.
  uint32_t modeOf(uint32_t layer, uint32_t node) const;

  const ViewLayer& layer(uint32_t index) const { return layers_[index]; }
  const viewFormat::Directory& directory(uint32_t index) const { return directories_[index]; }
  const viewFormat::Entry& entry(uint32_t index) const { return entries_[index]; }
  const GeneratedFile& generated(uint32_t index) const { return generated_[index]; }
  const viewFormat::Link& link(uint32_t index) const { return links_[index]; }
  std::string_view nameOf(const viewFormat::Entry& entry) const { return text(entry.nameOffset, entry.nameBytes); }
  std::string_view targetOf(const viewFormat::Link& link) const { return text(link.targetOffset, link.targetBytes); }

  std::optional<uint32_t> lookup(uint32_t directory, std::string_view name) const;
  std::optional<OwnNode> ownNode(uint64_t inode) const;
  std::optional<uint32_t> layerOfSlot(uint32_t slot) const;
  std::optional<uint32_t> layerOfImage(uint32_t serial) const;
  // The directory of this view that holds the contents of an image's directory.
  std::optional<uint32_t> expandedTo(uint32_t layer, uint32_t node) const;
  // The directory of this view in which a graft is an entry.
  std::optional<uint32_t> graftHolder(uint32_t layer, uint32_t node) const;

 private:
  friend class ViewDecoder;
  using LayerNode = std::pair<uint32_t, uint32_t>;

  std::string_view text(uint32_t offset, uint32_t bytes) const {
    return std::string_view(strings_).substr(offset, bytes);
  }

  uint32_t environment_ = 0;
  uint64_t identity_ = 0;
  bool imageNumbered_ = false, own_ = false;
  std::vector<ViewLayer> layers_;
  std::vector<viewFormat::Directory> directories_;
  std::vector<viewFormat::Entry> entries_;
  std::vector<GeneratedFile> generated_;
  std::vector<viewFormat::Link> links_;
  std::string strings_;
  std::vector<std::pair<uint64_t, OwnNode>> ownNodes_;                // sorted by inode
  std::vector<std::pair<uint32_t, uint32_t>> slots_;                  // (slot or image serial, layer), sorted
  std::vector<std::pair<LayerNode, uint32_t>> expanded_, graftHolders_;  // (layer, node) to directory, sorted
  std::vector<std::pair<LayerNode, Shown>> times_;                       // sorted
};
