#include "image-check.hpp"

#include <algorithm>

#include "sha256.hpp"

using namespace imageFormat;

namespace {

void require(bool holds, const std::string& path, const std::string& rule) {
  if (!holds) throw imageDamaged(path, rule);
}

bool sameDigest(const Digest& found, const unsigned char* expected) {
  return std::memcmp(found.data(), expected, digestBytes) == 0;
}

void checkSections(const Header& header, const std::string& path) {
  require(header.headerBytes == headerBytes, path, "the header length is wrong");
  require(header.sectionCount == sectionCount, path, "the section count is wrong");
  uint64_t end = headerBytes;
  for (uint32_t index = 0; index < sectionCount; ++index) {
    const SectionRecord& record = header.sections[index];
    const std::string name = std::string("'") + sectionNames[index] + "'";
    require(record.id == index + 1, path, "section " + std::to_string(index) + " is not " + name);
    const bool apart = record.offset >= end && record.offset % sectionAlignment == 0;
    require(apart && !__builtin_add_overflow(record.offset, record.length, &end), path,
            "section " + name + " overlaps or is unaligned");
    require(record.reserved == 0, path, "a reserved field is set");
  }
}

void checkFields(const Header& header, uint64_t actualBytes, const std::string& path) {
  const SectionRecord& last = header.sections[contents];
  require(header.kind == kindWheel || header.kind == kindBytecode, path, "the kind is unknown");
  require(header.serial >= 1 && header.serial < serialLimit, path, "the serial is out of range");
  require(header.fileBytes == actualBytes, path,
          "the file has " + std::to_string(actualBytes) + " bytes, not " + std::to_string(header.fileBytes));
  require(last.offset + last.length == actualBytes, path, "the contents do not end with the file");
  require(last.offset <= metadataLimit, path, "the metadata sections are too large");
  require(header.nodeCount >= 1 && header.nodeCount <= nodeLimit, path, "the node count is out of range");
  require(header.sections[imageFormat::nodes].length == uint64_t{header.nodeCount} * sizeof(Node), path,
          "the node section has the wrong length");
}

// Checks the nodes in order; holds what the rules need to know of the nodes before.
class NodeCheck {
 public:
  NodeCheck(const std::vector<Node>& nodes, std::string_view names, const Header& header)
      : nodes_(nodes), names_(names), header_(header) {}

  // The rule that a node breaks, or nullptr.
  const char* check(uint32_t index) {
    const Node& node = nodes_[index];
    if (const char* rule = nameRule(node, index)) return rule;
    if (const char* rule = orderRule(node, index)) return rule;
    if (node.mode != modeDirectory) return fileRule(node);
    const char* rule = directoryRule(node, index);
    nextChild += node.childCount;
    return rule;
  }

  uint64_t nextChild = 1;
  uint64_t files = 0;

 private:
  std::string_view nameOf(const Node& node) const { return names_.substr(node.nameOffset, node.nameBytes); }

  const char* nameRule(const Node& node, uint32_t index) const {
    if (uint64_t{node.nameOffset} + node.nameBytes > names_.size()) return "has a name outside the names section";
    if (index == 0) return node.nameBytes == 0 ? nullptr : "is the root and has a name";
    if (node.nameBytes == 0 || node.nameBytes > 255) return "has a name of illegal length";
    const std::string_view name = nameOf(node);
    if (name.find('\0') != name.npos || name.find('/') != name.npos) return "has a name with NUL or '/'";
    return name == "." || name == ".." ? "is named '.' or '..'" : nullptr;
  }

  const char* orderRule(const Node& node, uint32_t index) const {
    if (index == 0) return node.parent == 0 && node.mode == modeDirectory ? nullptr : "is no root directory";
    if (node.parent >= index) return "comes before its parent";
    const Node& parent = nodes_[node.parent];
    if (index < parent.firstChild || index - parent.firstChild >= parent.childCount)
      return "is not among the children of its parent";
    if (index == parent.firstChild) return nullptr;
    return nameOf(nodes_[index - 1]) < nameOf(node) ? nullptr : "is not in name order or is there twice";
  }

  const char* directoryRule(const Node& node, uint32_t index) const {
    if (node.flags || node.sizeBytes || node.contentOffset || node.storedBytes)
      return "is a directory with contents or flags";
    if (node.digestIndex || node.baseNode) return "is a directory with a digest";
    if (node.childCount == 0) return node.firstChild == 0 ? nullptr : "has a first child but no children";
    if (node.firstChild != nextChild || node.firstChild <= index) return "has children out of order";
    return uint64_t{node.firstChild} + node.childCount <= nodes_.size() ? nullptr : "has children past the end";
  }

  const char* fileRule(const Node& node) {
    if (node.mode != modeFile && node.mode != modeExecutable) return "has an unknown mode";
    if (node.firstChild || node.childCount) return "is a file with children";
    if (node.flags & ~knownFlags) return "has unknown flags";
    if (node.flags & codecMask) return "has an unknown codec";
    const bool inBase = node.flags & flagInBase;
    if (inBase && header_.kind != kindBytecode) return "refers to a base image that there is none of";
    if (!inBase && node.baseNode) return "has a base node but its own contents";
    if (node.digestIndex != files++) return "has the wrong digest index";
    return contentRule(node, inBase);
  }

  const char* contentRule(const Node& node, bool inBase) const {
    if (node.sizeBytes > offsetLimit || node.contentOffset > offsetLimit) return "has a size or an offset out of range";
    if (node.storedBytes != node.sizeBytes) return "has a stored size that is not its size";
    if (inBase) return nullptr;
    if (node.sizeBytes == 0) return node.contentOffset == 0 ? nullptr : "is empty but has an offset";
    if (node.contentOffset < header_.sections[contents].offset) return "has contents before the contents section";
    return node.contentOffset + node.sizeBytes <= header_.fileBytes ? nullptr
                                                                     : "has contents past the end of the file";
  }

  const std::vector<Node>& nodes_;
  const std::string_view names_;
  const Header& header_;
};

}  // namespace

Failure imageDamaged(const std::string& path, const std::string& rule) {
  return Failure("IMAGE_DAMAGED", path + ": " + rule);
}

Header checkHeader(Bytes data, uint64_t actualBytes, const std::string& path) {
  require(data.size() >= headerBytes && std::memcmp(data.data(), magic, sizeof magic) == 0, path,
          "the magic number is missing");
  const auto header = load<Header>(data);
  if (header.version != version || header.features != 0)
    throw Failure("IMAGE_VERSION",
                  path + " has image format " + std::to_string(header.version) + " or unknown features");
  require(sameDigest(sha256(data.first(signedBytes)), header.digest), path, "the header digest does not match");
  checkSections(header, path);
  checkFields(header, actualBytes, path);
  return header;
}

void checkSectionDigest(Bytes data, const Header& header, Section section, const std::string& path) {
  const SectionRecord& record = header.sections[section];
  require(data.size() == record.length && sameDigest(sha256(data), record.digest), path,
          std::string("the digest of section '") + sectionNames[section] + "' does not match");
}

void checkNodes(const std::vector<Node>& nodes, std::string_view names, const Header& header,
                const std::string& path) {
  NodeCheck check(nodes, names, header);
  for (uint32_t index = 0; index < nodes.size(); ++index)
    if (const char* rule = check.check(index)) throw imageDamaged(path, "node " + std::to_string(index) + " " + rule);
  require(check.nextChild == nodes.size(), path, "the tree has nodes that no directory holds");
  require(header.sections[digests].length == check.files * digestBytes, path,
          "the digest section has the wrong length");
}
