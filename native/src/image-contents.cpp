#include "image-contents.hpp"

#include <algorithm>
#include <cerrno>

namespace {

// Exactly this range: a chunk around it may not be readable as a whole.
int readExactly(int fd, uint64_t from, std::span<std::byte> into) {
  size_t done = 0;
  while (done < into.size()) {
    const ssize_t count = ::pread(fd, into.data() + done, into.size() - done, static_cast<off_t>(from + done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return EIO;
    done += static_cast<size_t>(count);
  }
  return 0;
}

// Imports also jump about in the bytecode of large packages: reading ahead there would load much that nobody wants.
bool follows(uint64_t chunk, uint64_t before) { return chunk == before + 1 || chunk == before + 2; }

}  // namespace

Answer ImageContents::read(const ContentPlace& place, uint64_t offset, std::span<std::byte> scratch) {
  const auto image = descriptors_.open(place);
  if (!image) return Answer::fail(EIO);
  const uint64_t from = place.offset + offset;
  const ChunkKey first{place.serial, (*image)->drops, from / chunks_.chunkBytes()};
  const size_t skipped = from % chunks_.chunkBytes();
  if (skipped + scratch.size() <= chunks_.chunkBytes()) {
    const Chunks::Handle chunk = chunkAt(*image, first);
    if (chunk && chunk->bytes().size() >= skipped + scratch.size())
      return Answer::reply(chunk->bytes().subspan(skipped, scratch.size()), chunk);
  } else if (copyChunks(*image, first, skipped, scratch)) {
    return Answer::reply(scratch);
  }
  const int error = readExactly((*image)->file.get(), from, scratch);
  return error ? Answer::fail(error) : Answer::reply(scratch);
}

bool ImageContents::copyChunks(const ImageDescriptors::Handle& image, ChunkKey key, size_t skipped,
                               std::span<std::byte> into) {
  while (!into.empty()) {
    const Chunks::Handle chunk = chunkAt(image, key);
    const size_t part = std::min(into.size(), chunks_.chunkBytes() - skipped);
    if (!chunk || chunk->bytes().size() < skipped + part) return false;
    std::ranges::copy(chunk->bytes().subspan(skipped, part), into.begin());
    into = into.subspan(part);
    key.index += 1;
    skipped = 0;
  }
  return true;
}

Chunks::Handle ImageContents::chunkAt(const ImageDescriptors::Handle& image, ChunkKey key) {
  const Chunks::Found found = chunks_.obtain(key);
  if (found.mustLoad) loadRun(image, key, std::span(&found.chunk, 1), chunks_);
  if (found.isFirstUse && follows(key.index, image->lastChunk.exchange(key.index, std::memory_order_relaxed)))
    readAhead_.request({image, {key.serial, key.drops, key.index + 1}, mostInRun});
  return found.chunk;
}

void ImageContents::drop(uint32_t serial) {
  descriptors_.drop(serial);
  chunks_.drop(serial);
}
