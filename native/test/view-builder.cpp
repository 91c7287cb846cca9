#include "view-builder.hpp"

#include <algorithm>

using namespace viewFormat;

namespace {

constexpr int64_t mtimeNs = 1'700'000'000'500'000'000;

template <class Record>
void append(std::vector<std::byte>& out, const std::vector<Record>& records) {
  for (const Record& record : records) std::ranges::copy(bytesOf(record), std::back_inserter(out));
}

}  // namespace

ViewBuilder::ViewBuilder(uint32_t environment, uint32_t flags) {
  std::copy(std::begin(magic), std::end(magic), header.magic);
  header.version = version;
  header.environment = environment;
  header.flags = flags;
}

void ViewBuilder::addDirectory(uint64_t inode, uint32_t parent) {
  directories.push_back({inode, mtimeNs, parent, static_cast<uint32_t>(entries.size()), 0, 040755});
}

void ViewBuilder::addEntry(const std::string& name, EntryKind kind, uint32_t a, uint32_t b) {
  entries.push_back({static_cast<uint32_t>(strings.size()), static_cast<uint16_t>(name.size()), kind, a, b, 0});
  strings += name;
  ++directories.back().entryCount;
}

void ViewBuilder::addGenerated(uint64_t inode, int64_t sizeBytes, uint32_t flags) {
  generated.push_back({inode, mtimeNs, sizeBytes, 0100644, flags});
}

void ViewBuilder::addLink(uint64_t inode, const std::string& target) {
  links.push_back({inode, mtimeNs, static_cast<uint32_t>(strings.size()), static_cast<uint32_t>(target.size())});
  strings += target;
}

std::vector<std::byte> ViewBuilder::encode() const {
  Header counted = header;
  counted.layers = static_cast<uint32_t>(layers.size());
  counted.directories = static_cast<uint32_t>(directories.size());
  counted.entries = static_cast<uint32_t>(entries.size());
  counted.generated = static_cast<uint32_t>(generated.size());
  counted.links = static_cast<uint32_t>(links.size());
  counted.expanded = static_cast<uint32_t>(expanded.size());
  counted.times = static_cast<uint32_t>(times.size());
  counted.stringBytes = static_cast<uint32_t>(strings.size());
  std::vector<std::byte> out;
  append(out, std::vector{counted});
  append(out, layers);
  append(out, directories);
  append(out, entries);
  append(out, generated);
  append(out, links);
  append(out, expanded);
  append(out, times);
  std::ranges::copy(bytesOf(strings), std::back_inserter(out));
  return out;
}
