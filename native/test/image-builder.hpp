// Writes small images for tests.
#pragma once
#include <string>
#include <vector>

#include "bytes.hpp"
#include "image-format.hpp"

struct FileSpec {
  std::string path;
  std::string content;
  bool isExecutable = false;
  // Of bytecode images: the contents are those of this node of the base, there at this offset.
  bool isInBase = false;
  uint32_t baseNode = 0;
  uint64_t baseOffset = 0;
};

// A whole image file. Directories come from the paths; a path that ends with '/' is an empty one.
std::vector<std::byte> buildImage(uint32_t serial, uint32_t kind, std::vector<FileSpec> files);

// Makes the digests fit again after a change of nodes, names or header; does nothing to what is out of range.
void sealImage(std::span<std::byte> image);
// The same of the header alone.
void sealHeader(std::span<std::byte> image);

imageFormat::Header headerOf(Bytes image);
void setHeader(std::span<std::byte> image, const imageFormat::Header& header);
imageFormat::Node nodeOf(Bytes image, uint32_t index);
void setNode(std::span<std::byte> image, uint32_t index, const imageFormat::Node& node);
