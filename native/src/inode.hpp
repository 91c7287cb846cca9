// Inode numbers (docs/view-format.md): computed from what they name, so that they survive a restart.
#pragma once
#include <cstdint>

namespace inode {

constexpr uint64_t mountRoot = 1;
constexpr uint32_t environmentLimit = 1u << 21;
constexpr uint32_t slotLimit = 1u << 13;
// The other half of the slots is for what an upper layer holds.
constexpr uint32_t layerSlotLimit = slotLimit / 2;
constexpr uint64_t viewNodeLimit = 1u << 28;

enum class Space { imageFile, environment, imageDirectory };

constexpr Space spaceOf(uint64_t number) {
  if ((number >> 63) == 0) return Space::imageFile;
  return (number >> 62) == 2 ? Space::environment : Space::imageDirectory;
}

constexpr uint64_t ofFile(uint32_t serial, uint32_t node) { return uint64_t{serial} << 32 | node; }
constexpr uint32_t fileSerial(uint64_t number) { return static_cast<uint32_t>(number >> 32); }
constexpr uint32_t fileNode(uint64_t number) { return static_cast<uint32_t>(number); }

constexpr uint64_t ofEnvironment(uint32_t environment, uint32_t slot, uint32_t node) {
  return uint64_t{2} << 62 | uint64_t{environment} << 41 | uint64_t{slot} << 28 | node;
}
constexpr uint32_t environmentOf(uint64_t number) { return (number >> 41) & (environmentLimit - 1); }
constexpr uint32_t slotOf(uint64_t number) { return (number >> 28) & (slotLimit - 1); }
constexpr uint32_t viewNodeOf(uint64_t number) { return number & (viewNodeLimit - 1); }

// What was made in the upper layer of an environment; no view has it.
constexpr bool isUpper(uint64_t number) { return spaceOf(number) == Space::environment && (number >> 40 & 1); }

constexpr uint64_t ofImageDirectory(uint32_t serial, uint32_t node) {
  return uint64_t{3} << 62 | uint64_t{serial} << 31 | node;
}
constexpr uint32_t directorySerial(uint64_t number) { return (number >> 31) & 0x7fffffff; }
constexpr uint32_t directoryNode(uint64_t number) { return number & 0x7fffffff; }

}  // namespace inode
