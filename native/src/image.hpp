// The nodes and names of one image in memory, checked: no accessor needs to check again.
#pragma once
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "believed-file.hpp"
#include "bytes.hpp"
#include "image-format.hpp"

struct ImageSource {
  uint32_t serial = 0;
  std::string path;
  std::string origin;  // value of user.shenv.origin
  uint32_t baseSerial = 0;
  std::string basePath;
  // Whose files are believed there beside our own and root's; anybody's if left out.
  std::optional<uint32_t> storeOwner = std::nullopt;
  std::optional<uint32_t> baseStoreOwner = std::nullopt;
  // Of files whose metadata were not read from them: they are opened in no other state.
  std::optional<FileStamp> stamp = std::nullopt;
  std::optional<FileStamp> baseStamp = std::nullopt;
};

// Where the bytes of a regular file are.
struct ContentPlace {
  uint32_t serial;
  const std::string& path;
  Believed storeOwner;
  uint64_t offset, sizeBytes;
};

class Image {
 public:
  // Reads the file at `source.path`. Throws Failure (IMAGE_DAMAGED, IMAGE_VERSION or the name of an errno).
  static std::shared_ptr<const Image> open(ImageSource source);

  // For an image in memory, at least up to the end of its names; `fileBytes` is the length of the whole file.
  static std::shared_ptr<const Image> parse(ImageSource source, Bytes data, uint64_t fileBytes);

  const ImageSource& source() const { return source_; }
  uint32_t serial() const { return source_.serial; }
  uint32_t nodeCount() const { return static_cast<uint32_t>(nodes_.size()); }
  const imageFormat::Node& node(uint32_t index) const { return nodes_[index]; }
  bool isDirectory(uint32_t index) const { return nodes_[index].mode == imageFormat::modeDirectory; }
  bool isInBase(uint32_t index) const { return nodes_[index].flags & imageFormat::flagInBase; }

  std::string_view nameOf(uint32_t index) const {
    return std::string_view(names_).substr(nodes_[index].nameOffset, nodes_[index].nameBytes);
  }

  // The child of a directory, by binary search.
  std::optional<uint32_t> lookup(uint32_t directory, std::string_view name) const;

  // The inode number of a regular file: that of the wheel's image for a file that stays there.
  uint64_t inodeOf(uint32_t file) const;
  ContentPlace contentOf(uint32_t file) const;

  // Whether contents were read, of this file and of the wheel's image's.
  bool isUsed() const { return used_.load(std::memory_order_relaxed); }
  bool isBaseUsed() const { return baseUsed_.load(std::memory_order_relaxed); }

  // The file of this image that stands for a node of the wheel's image.
  std::optional<uint32_t> fileOfBaseNode(uint32_t baseNode) const;

 private:
  Image(ImageSource source, std::vector<imageFormat::Node> nodes, std::string names);

  const ImageSource source_;
  const std::vector<imageFormat::Node> nodes_;
  const std::string names_;
  std::vector<std::pair<uint32_t, uint32_t>> baseNodes_;  // (node of the wheel's image, node here), sorted
  mutable std::atomic<bool> used_{false}, baseUsed_{false};
};
