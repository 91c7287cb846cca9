// Images with digests that fit; what is accepted is walked as a server would.
#include <cstdlib>

#include "failure.hpp"
#include "image-builder.hpp"
#include "image.hpp"

namespace {

void walk(const Image& image) {
  for (uint32_t index = 0; index < image.nodeCount(); ++index) {
    const auto& node = image.node(index);
    for (uint32_t child = node.firstChild; child < node.firstChild + node.childCount; ++child)
      if (image.lookup(index, image.nameOf(child)) != child || image.node(child).parent != index) std::abort();
    if (image.isDirectory(index)) continue;
    image.contentOf(index);
    const uint64_t inode = image.inodeOf(index);
    if (image.isInBase(index) && !image.fileOfBaseNode(static_cast<uint32_t>(inode))) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<std::byte> image(reinterpret_cast<const std::byte*>(data), reinterpret_cast<const std::byte*>(data) + size);
  uint32_t serial = 0;
  if (image.size() >= imageFormat::headerBytes) {
    auto header = headerOf(image);
    header.fileBytes = size;
    serial = static_cast<uint32_t>(header.serial);
    setHeader(image, header);
    sealImage(image);
  }
  try {
    walk(*Image::parse({serial, "fuzz", "", 4, "base"}, image, size));
  } catch (const Failure&) {
  }
  return 0;
}
