// View format, version 3: docs/view-format.md.
#pragma once
#include <cstddef>
#include <cstdint>

namespace viewFormat {

constexpr char magic[] = {'S', 'H', 'E', 'N', 'V', 'I', 'E', 'W'};
constexpr uint32_t version = 3;
constexpr uint32_t flagImageNumbered = 1, flagOwn = 2;
constexpr uint32_t generatedVolatile = 1;

enum EntryKind : uint16_t { directory = 1, graft = 2, file = 3, generated = 4, link = 5 };

struct Header {
  char magic[8];
  uint32_t version, environment, flags, layers, directories, entries, generated, links, expanded, stringBytes, times;
};
static_assert(sizeof(Header) == 52);

struct Layer {
  uint32_t serial, slot;
};
static_assert(sizeof(Layer) == 8);

struct Directory {
  uint64_t inode;
  int64_t mtimeNs;
  uint32_t parent, firstEntry, entryCount, mode;
};
static_assert(sizeof(Directory) == 32);

struct Entry {
  uint32_t nameOffset;
  uint16_t nameBytes, kind;
  uint32_t a, b, reserved;
};
static_assert(sizeof(Entry) == 20);

struct Generated {
  uint64_t inode;
  int64_t mtimeNs, sizeBytes;
  uint32_t mode, flags;
};
static_assert(sizeof(Generated) == 32);

struct Link {
  uint64_t inode;
  int64_t mtimeNs;
  uint32_t targetOffset, targetBytes;
};
static_assert(sizeof(Link) == 24);

struct Expanded {
  uint32_t layer, node, directory;
};
static_assert(sizeof(Expanded) == 12);

struct Time {
  uint32_t layer, node;
  int64_t mtimeNs;
  uint32_t mode, reserved;
};
static_assert(sizeof(Time) == 24);

}  // namespace viewFormat
