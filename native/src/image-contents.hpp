// Where the bytes of files of images come from.
#pragma once
#include "chunks.hpp"
#include "image-descriptors.hpp"
#include "read-ahead.hpp"

class ImageContents {
 public:
  struct Limits {
    size_t descriptors;
    ChunkSizes chunks;
  };
  explicit ImageContents(Limits limits)
      : descriptors_(limits.descriptors), chunks_(limits.chunks), readAhead_(chunks_) {}

  // Without it everything works, but nothing is loaded ahead and the memory of chunks stays.
  void startReadAhead() { readAhead_.start(); }
  void stopReadAhead() { readAhead_.stop(); }

  // `bytes` of a file from `offset` on, which must be inside; they lie in `scratch`, or in what the answer owns.
  // EIO (and nothing else) if the image's file is not there, too short there, or unreadable there.
  Answer read(const ContentPlace& place, uint64_t offset, std::span<std::byte> scratch);

  // Closes the file and forgets what was read of it.
  void drop(uint32_t serial);

  Chunks::Usage usage() const { return chunks_.usage(); }

 private:
  // Null if nothing of the chunk can be read.
  Chunks::Handle chunkAt(const ImageDescriptors::Handle& image, ChunkKey key);
  // False if a chunk could not be read so far.
  bool copyChunks(const ImageDescriptors::Handle& image, ChunkKey first, size_t skipped, std::span<std::byte> into);

  ImageDescriptors descriptors_;
  Chunks chunks_;
  ReadAhead readAhead_;
};
