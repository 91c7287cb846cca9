#include "image-builder.hpp"

#include <algorithm>
#include <map>
#include <memory>

#include "sha256.hpp"

using namespace imageFormat;

namespace {

constexpr int64_t mtimeNs = 1'600'000'000'250'000'000;

struct Tree {
  std::map<std::string, std::unique_ptr<Tree>> children;
  const FileSpec* file = nullptr;
};

void plant(Tree& root, const FileSpec& file) {
  Tree* at = &root;
  size_t from = 0;
  while (from < file.path.size()) {
    const size_t end = std::min(file.path.find('/', from), file.path.size());
    auto& child = at->children[file.path.substr(from, end - from)];
    if (!child) child = std::make_unique<Tree>();
    at = child.get();
    from = end + 1;
  }
  if (!file.path.ends_with('/')) at->file = &file;
}

struct Builder {
  std::vector<Node> nodes;
  std::string names, contents;
  uint32_t files = 0;

  // Breadth first: a directory's children are appended when it is reached.
  void place(const Tree& root) {
    std::vector<const Tree*> order{&root};
    add("", 0);
    for (uint32_t index = 0; index < order.size(); ++index) {
      if (order[index]->file) fill(nodes[index], *order[index]->file);
      else adopt(index, *order[index], order);
    }
  }

  void adopt(uint32_t index, const Tree& directory, std::vector<const Tree*>& order) {
    nodes[index].mtimeNs = mtimeNs;
    if (directory.children.empty()) return;
    nodes[index].firstChild = static_cast<uint32_t>(order.size());
    nodes[index].childCount = static_cast<uint32_t>(directory.children.size());
    for (const auto& [name, child] : directory.children) {
      add(name, index);
      order.push_back(child.get());
    }
  }

  void add(const std::string& name, uint32_t parent) {
    Node node{};
    node.nameOffset = static_cast<uint32_t>(names.size());
    node.nameBytes = static_cast<uint16_t>(name.size());
    node.mode = modeDirectory;
    node.parent = parent;
    nodes.push_back(node);
    names += name;
  }

  void fill(Node& node, const FileSpec& file) {
    node.mode = file.isExecutable ? modeExecutable : modeFile;
    node.sizeBytes = node.storedBytes = file.content.size();
    node.mtimeNs = mtimeNs;
    node.digestIndex = files++;
    node.flags = file.isInBase ? flagInBase : 0;
    node.baseNode = file.baseNode;
    node.contentOffset = file.baseOffset;
    if (file.isInBase || file.content.empty()) return;
    node.contentOffset = contents.size();  // within the section, for now
    contents += file.content;
    contents.resize((contents.size() + 63) / 64 * 64);
  }
};

uint64_t aligned(uint64_t value, uint64_t to) { return (value + to - 1) / to * to; }

}  // namespace

std::vector<std::byte> buildImage(uint32_t serial, uint32_t kind, std::vector<FileSpec> files) {
  Tree root;
  for (const FileSpec& file : files) plant(root, file);
  Builder built;
  built.place(root);
  const uint64_t lengths[] = {built.nodes.size() * sizeof(Node), built.names.size(), 1, built.files * digestBytes,
                              built.contents.size()};
  Header header{};
  std::copy(std::begin(magic), std::end(magic), header.magic);
  header.version = version;
  header.headerBytes = headerBytes;
  header.kind = kind;
  header.serial = serial;
  header.nodeCount = static_cast<uint32_t>(built.nodes.size());
  header.sectionCount = sectionCount;
  uint64_t end = headerBytes;
  for (uint32_t i = 0; i < sectionCount; ++i) {
    const uint64_t offset = aligned(end, i == imageFormat::contents ? 4096 : sectionAlignment);
    header.sections[i] = {.id = i + 1, .reserved = 0, .offset = offset, .length = lengths[i], .digest = {}};
    end = offset + lengths[i];
  }
  header.fileBytes = end;
  std::vector<std::byte> image(end);
  for (uint32_t i = 0; i < built.nodes.size(); ++i) {
    Node node = built.nodes[i];
    const bool hasContents = node.sizeBytes > 0 && !(node.flags & flagInBase);
    if (hasContents) node.contentOffset += header.sections[imageFormat::contents].offset;
    store(std::span(image), header.sections[imageFormat::nodes].offset + i * sizeof(Node), node);
  }
  const auto put = [&](Section section, const std::string& text) {
    std::ranges::copy(bytesOf(text), image.begin() + static_cast<ptrdiff_t>(header.sections[section].offset));
  };
  put(imageFormat::names, built.names);
  put(imageFormat::contents, built.contents);
  setHeader(image, header);
  sealImage(image);
  return image;
}

void sealImage(std::span<std::byte> image) {
  if (image.size() < headerBytes) return;
  Header header = headerOf(image);
  for (const Section section : {imageFormat::nodes, imageFormat::names}) {
    SectionRecord& record = header.sections[section];
    if (record.offset > image.size() || record.length > image.size() - record.offset) continue;
    const Digest digest = sha256(Bytes(image).subspan(record.offset, record.length));
    std::memcpy(record.digest, digest.data(), digest.size());
  }
  setHeader(image, header);
  sealHeader(image);
}

void sealHeader(std::span<std::byte> image) {
  const Digest digest = sha256(Bytes(image).first(signedBytes));
  std::ranges::copy(digest, image.begin() + signedBytes);
}

Header headerOf(Bytes image) { return load<Header>(image); }
void setHeader(std::span<std::byte> image, const Header& header) { store(image, 0, header); }

Node nodeOf(Bytes image, uint32_t index) {
  return load<Node>(image, headerOf(image).sections[imageFormat::nodes].offset + index * sizeof(Node));
}

void setNode(std::span<std::byte> image, uint32_t index, const Node& node) {
  store(image, headerOf(image).sections[imageFormat::nodes].offset + index * sizeof(Node), node);
}
