// Image format, version 1: docs/image-format.md; src/image/format.ts holds the same numbers.
#pragma once
#include <cstddef>
#include <cstdint>

namespace imageFormat {

constexpr char magic[] = {'S', 'H', 'E', 'N', 'V', 'I', 'M', 'G'};
constexpr uint32_t version = 1;
constexpr uint32_t kindWheel = 1, kindBytecode = 2;
constexpr uint32_t sectionCount = 5;
constexpr size_t digestBytes = 32;
constexpr size_t sectionTable = 80;
constexpr size_t headerBytes = 392;
constexpr size_t signedBytes = headerBytes - digestBytes;
constexpr uint64_t sectionAlignment = 8;
constexpr uint64_t serialLimit = 1ull << 31;
constexpr uint64_t nodeLimit = 1ull << 27;
constexpr uint64_t metadataLimit = 1ull << 31;
constexpr uint64_t offsetLimit = 1ull << 52;
constexpr uint16_t modeDirectory = 0040755, modeFile = 0100644, modeExecutable = 0100755;
constexpr uint32_t codecMask = 0xff, flagPythonScript = 0x100, flagInBase = 0x200;
constexpr uint32_t knownFlags = codecMask | flagPythonScript | flagInBase;

enum Section { nodes, names, meta, digests, contents };
constexpr const char* sectionNames[] = {"nodes", "names", "meta", "digests", "contents"};

struct SectionRecord {
  uint32_t id, reserved;
  uint64_t offset, length;
  unsigned char digest[digestBytes];
};
static_assert(sizeof(SectionRecord) == 56);

struct Header {
  char magic[8];
  uint32_t version, headerBytes, kind, features;
  uint64_t serial, fileBytes;
  uint32_t nodeCount, sectionCount;
  unsigned char wheelDigest[digestBytes];
  SectionRecord sections[5];
  unsigned char digest[digestBytes];
};
static_assert(sizeof(Header) == headerBytes && offsetof(Header, sections) == sectionTable);

struct Node {
  uint32_t nameOffset;
  uint16_t nameBytes, mode;
  uint32_t parent, firstChild, childCount, flags;
  uint64_t sizeBytes, contentOffset, storedBytes;
  int64_t mtimeNs;
  uint32_t digestIndex, baseNode;
};
static_assert(sizeof(Node) == 64 && offsetof(Node, mtimeNs) == 48);

}  // namespace imageFormat
