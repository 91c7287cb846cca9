#include "image.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "image-check.hpp"
#include "inode.hpp"

using namespace imageFormat;

namespace {

constexpr uint64_t firstReadBytes = 65'536;

// Appends bytes of the file up to `end`; fewer if the file ends before.
void readUpTo(int fd, std::vector<std::byte>& data, uint64_t end, const std::string& path) {
  size_t done = data.size();
  if (end <= done) return;
  data.resize(end);
  while (done < end) {
    const ssize_t count = ::pread(fd, data.data() + done, end - done, static_cast<off_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw systemFailure(errno, "cannot read " + path);
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  data.resize(done);
}

Bytes sectionOf(Bytes data, const Header& header, Section section) {
  const SectionRecord& record = header.sections[section];
  if (record.offset > data.size()) return {};
  return data.subspan(record.offset, std::min<uint64_t>(record.length, data.size() - record.offset));
}

uint64_t metadataEnd(const Header& header) {
  return header.sections[imageFormat::names].offset + header.sections[imageFormat::names].length;
}

}  // namespace

std::shared_ptr<const Image> Image::open(ImageSource source) {
  const auto opened = openBelieved(source.path, source.storeOwner);
  if (!opened) throw systemFailure(opened.stop().error, "cannot open " + source.path);
  const OwnedFd& file = *opened;
  struct stat status;
  if (::fstat(file.get(), &status) != 0) throw systemFailure(errno, "cannot stat " + source.path);
  const auto fileBytes = static_cast<uint64_t>(status.st_size);
  std::vector<std::byte> data;
  readUpTo(file.get(), data, std::min(firstReadBytes, fileBytes), source.path);
  readUpTo(file.get(), data, metadataEnd(checkHeader(data, fileBytes, source.path)), source.path);
  return parse(std::move(source), data, fileBytes);
}

std::shared_ptr<const Image> Image::parse(ImageSource source, Bytes data, uint64_t fileBytes) {
  const Header header = checkHeader(data, fileBytes, source.path);
  if (source.serial != header.serial)
    throw imageDamaged(source.path, "the serial is " + std::to_string(header.serial) + ", not " +
                                        std::to_string(source.serial));
  const Bytes nodeBytes = sectionOf(data, header, imageFormat::nodes);
  const Bytes nameBytes = sectionOf(data, header, imageFormat::names);
  checkSectionDigest(nodeBytes, header, imageFormat::nodes, source.path);
  checkSectionDigest(nameBytes, header, imageFormat::names, source.path);
  std::vector<Node> nodes(header.nodeCount);
  std::memcpy(nodes.data(), nodeBytes.data(), nodeBytes.size());
  std::string names(textOf(nameBytes));
  checkNodes(nodes, names, header, source.path);
  const bool needsBase = std::ranges::any_of(nodes, [](const Node& node) { return node.flags & flagInBase; });
  if (needsBase && source.basePath.empty())
    throw Failure("EINVAL", source.path + ": a bytecode image needs its base");
  return std::shared_ptr<const Image>(new Image(std::move(source), std::move(nodes), std::move(names)));
}

Image::Image(ImageSource source, std::vector<Node> nodes, std::string names)
    : source_(std::move(source)), nodes_(std::move(nodes)), names_(std::move(names)) {
  for (uint32_t index = 0; index < nodes_.size(); ++index)
    if (isInBase(index)) baseNodes_.emplace_back(nodes_[index].baseNode, index);
  baseNodes_.shrink_to_fit();
  std::ranges::sort(baseNodes_);
}

std::optional<uint32_t> Image::lookup(uint32_t directory, std::string_view name) const {
  uint32_t low = nodes_[directory].firstChild;
  uint32_t high = low + nodes_[directory].childCount;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    const int order = nameOf(middle).compare(name);
    if (order == 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return std::nullopt;
}

uint64_t Image::inodeOf(uint32_t file) const {
  if (isInBase(file)) return inode::ofFile(source_.baseSerial, nodes_[file].baseNode);
  return inode::ofFile(source_.serial, file);
}

ContentPlace Image::contentOf(uint32_t file) const {
  const Node& node = nodes_[file];
  std::atomic<bool>& used = isInBase(file) ? baseUsed_ : used_;
  if (!used.load(std::memory_order_relaxed)) used.store(true, std::memory_order_relaxed);
  if (isInBase(file))
    return {source_.baseSerial, source_.basePath, {source_.baseStoreOwner, source_.baseStamp}, node.contentOffset,
            node.sizeBytes};
  return {source_.serial, source_.path, {source_.storeOwner, source_.stamp}, node.contentOffset, node.sizeBytes};
}

std::optional<uint32_t> Image::fileOfBaseNode(uint32_t baseNode) const {
  const auto found = std::ranges::lower_bound(baseNodes_, std::pair{baseNode, 0u});
  if (found == baseNodes_.end() || found->first != baseNode) return std::nullopt;
  return found->second;
}
