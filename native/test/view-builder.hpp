// Writes views for tests; everything stays changeable until it is encoded.
#pragma once
#include <string>
#include <vector>

#include "bytes.hpp"
#include "view-format.hpp"

struct ViewBuilder {
  viewFormat::Header header{};
  std::vector<viewFormat::Layer> layers;
  std::vector<viewFormat::Directory> directories;
  std::vector<viewFormat::Entry> entries;
  std::vector<viewFormat::Generated> generated;
  std::vector<viewFormat::Link> links;
  std::vector<viewFormat::Expanded> expanded;
  std::vector<viewFormat::Time> times;
  std::string strings;

  explicit ViewBuilder(uint32_t environment, uint32_t flags = 0);

  // The entries that follow belong to it; the caller adds them in name order.
  void addDirectory(uint64_t inode, uint32_t parent);
  void addEntry(const std::string& name, viewFormat::EntryKind kind, uint32_t a, uint32_t b = 0);
  void addGenerated(uint64_t inode, int64_t sizeBytes, uint32_t flags = 0);
  void addLink(uint64_t inode, const std::string& target);

  // With counts that fit the tables.
  std::vector<std::byte> encode() const;
};
