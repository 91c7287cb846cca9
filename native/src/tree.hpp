// Navigation of a world by inode number, name and position. Pure: nothing here reads a file or waits.
#pragma once
#include <string_view>

#include "answer.hpp"
#include "world.hpp"

// One object of the mounted tree. Its pointers live as long as the world that it was found in.
struct Object {
  enum class Kind : uint8_t { mountRoot, unloadedView, directory, graft, file, generated, link } kind;
  uint64_t inode;
  const View* view = nullptr;    // of a directory, graft, generated file or link, of a file of an own view
  const Image* image = nullptr;  // of a graft or file
  uint32_t index = 0;            // of a graft and a file of an own view its layer, of an unloaded view its environment, else in the view's table
  uint32_t node = 0;             // of a graft or file

  bool isDirectory() const { return kind <= Kind::graft; }
  bool isRegular() const { return kind == Kind::file || kind == Kind::generated; }
  const GeneratedFile& generated() const { return view->generated(index); }
};

struct Child {
  std::string_view name;
  Object object;
};

class Tree {
 public:
  explicit Tree(const World& world) : world_(world) {}

  // ESTALE for a node id that names nothing.
  Result<Object> find(uint64_t nodeId) const;
  // As `find`, but ENOTDIR for anything else than a directory.
  Result<Object> findDirectory(uint64_t nodeId) const;
  // ENOENT for a name that is not there; never "." or "..".
  Result<Object> lookup(const Object& directory, std::string_view name) const;
  Result<Object> parent(const Object& directory) const;

  uint32_t childCount(const Object& directory) const;
  // In name order, `position` below `childCount`.
  Child child(const Object& directory, uint32_t position) const;

 private:
  Stop missingFile(uint32_t serial) const;
  Result<Object> findInView(uint64_t inode, const View& view) const;
  Result<Object> findImageNode(const View& view, std::optional<uint32_t> layer, uint32_t node) const;
  Object rootEntry(uint32_t environment) const;
  Object directory(const View& view, uint32_t index) const;
  Object file(const View& view, uint32_t layer, uint32_t node) const;
  Object graft(const View& view, uint32_t layer, uint32_t node) const;
  Object entry(const View& view, const viewFormat::Entry& entry) const;
  Object graftChild(const Object& directory, uint32_t node) const;

  const World& world_;
};
