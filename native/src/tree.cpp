#include "tree.hpp"

#include <algorithm>
#include <cerrno>

#include "inode.hpp"

using Kind = Object::Kind;

namespace {

Object imageFile(const Image& image, uint32_t node) {
  return {.kind = Kind::file, .inode = image.inodeOf(node), .image = &image, .node = node};
}

}  // namespace

Result<Object> Tree::find(uint64_t nodeId) const {
  const uint64_t number = nodeId == inode::mountRoot ? world_.rootInode() : nodeId;
  if (number == inode::mountRoot) return Object{.kind = Kind::mountRoot, .inode = number};
  const auto space = inode::spaceOf(number);
  if (space == inode::Space::imageFile) {
    const auto file = world_.file(inode::fileSerial(number), inode::fileNode(number));
    if (!file) return missingFile(inode::fileSerial(number));
    return imageFile(*file->image, file->node);
  }
  const uint32_t environment = space == inode::Space::environment ? inode::environmentOf(number) : 0;
  const View* view = world_.view(environment);
  if (view) return findInView(number, *view);
  return world_.isRoot(environment) ? Stop(Missing::view(environment)) : Stop(ESTALE);
}

// A handle may be older than this daemon, and its image in no view so far, or in none any more where a process before
// this one showed it. The view of a sole environment brings the images of all other files that a handle can stand for;
// where there are many, JavaScript knows which one does.
Stop Tree::missingFile(uint32_t serial) const {
  if (world_.hasFilesOf(serial)) return Stop(ESTALE);
  const auto& sole = world_.roots->sole;
  if (!sole || world_.isInherited(serial)) return Stop(Missing::image(serial));
  return world_.isRoot(*sole) && !world_.view(*sole) ? Stop(Missing::view(*sole)) : Stop(ESTALE);
}

Result<Object> Tree::findDirectory(uint64_t nodeId) const {
  auto found = find(nodeId);
  if (found && !found->isDirectory()) return Stop(ENOTDIR);
  return found;
}

Result<Object> Tree::findInView(uint64_t number, const View& view) const {
  if (const auto own = view.ownNode(number)) {
    if (own->kind == viewFormat::directory) return directory(view, own->index);
    const Kind kind = own->kind == viewFormat::link ? Kind::link : Kind::generated;
    return Object{.kind = kind, .inode = number, .view = &view, .index = own->index};
  }
  if (inode::spaceOf(number) == inode::Space::imageDirectory)
    return findImageNode(view, view.layerOfImage(inode::directorySerial(number)), inode::directoryNode(number));
  return findImageNode(view, view.layerOfSlot(inode::slotOf(number)), inode::viewNodeOf(number));
}

// An image's directory may have become part of a merged one since its number was handed out.
Result<Object> Tree::findImageNode(const View& view, std::optional<uint32_t> layer, uint32_t node) const {
  if (!layer) return Stop(ESTALE);
  const Image& image = *view.layer(*layer).image;
  if (node >= image.nodeCount()) return Stop(ESTALE);
  if (!image.isDirectory(node)) return view.isOwn() ? Result<Object>(file(view, *layer, node)) : Stop(ESTALE);
  if (const auto merged = view.expandedTo(*layer, node)) return directory(view, *merged);
  return graft(view, *layer, node);
}

Object Tree::directory(const View& view, uint32_t index) const {
  return {.kind = Kind::directory, .inode = view.directory(index).inode, .view = &view, .index = index};
}

// Elsewhere a file is the same in each view.
Object Tree::file(const View& view, uint32_t layer, uint32_t node) const {
  const Image& image = *view.layer(layer).image;
  if (!view.isOwn()) return imageFile(image, node);
  return {.kind = Kind::file, .inode = view.fileInode(layer, node), .view = &view, .image = &image, .index = layer,
          .node = node};
}

Object Tree::graft(const View& view, uint32_t layer, uint32_t node) const {
  const auto& [image, slot] = view.layer(layer);
  const uint64_t number = view.isImageNumbered() ? inode::ofImageDirectory(image->serial(), node)
                                                 : inode::ofEnvironment(view.environment(), slot, node);
  return {.kind = Kind::graft, .inode = number, .view = &view, .image = image.get(), .index = layer, .node = node};
}

Object Tree::entry(const View& view, const viewFormat::Entry& entry) const {
  switch (entry.kind) {
    case viewFormat::directory: return directory(view, entry.a);
    case viewFormat::graft: return graft(view, entry.a, entry.b);
    case viewFormat::file: return file(view, entry.a, entry.b);
    case viewFormat::generated:
      return {.kind = Kind::generated, .inode = view.generated(entry.a).inode, .view = &view, .index = entry.a};
    default: return {.kind = Kind::link, .inode = view.link(entry.a).inode, .view = &view, .index = entry.a};
  }
}

Object Tree::graftChild(const Object& parent, uint32_t node) const {
  return parent.image->isDirectory(node) ? graft(*parent.view, parent.index, node)
                                         : file(*parent.view, parent.index, node);
}

Object Tree::rootEntry(uint32_t environment) const {
  if (const View* view = world_.view(environment)) return directory(*view, 0);
  return {.kind = Kind::unloadedView, .inode = inode::ofEnvironment(environment, 0, 0), .index = environment};
}

Result<Object> Tree::lookup(const Object& parent, std::string_view name) const {
  if (parent.kind == Kind::mountRoot) {
    const auto& entries = world_.roots->entries;
    const auto found = std::ranges::lower_bound(entries, name, {}, &RootEntry::name);
    if (found == entries.end() || found->name != name) return Stop(ENOENT);
    const Object root = rootEntry(found->environment);
    return root.kind == Kind::unloadedView ? Result<Object>(Stop(Missing::view(root.index))) : root;
  }
  if (parent.kind == Kind::graft) {
    const auto node = parent.image->lookup(parent.node, name);
    return node ? Result<Object>(graftChild(parent, *node)) : Stop(ENOENT);
  }
  const auto found = parent.view->lookup(parent.index, name);
  return found ? Result<Object>(entry(*parent.view, parent.view->entry(*found))) : Stop(ENOENT);
}

Result<Object> Tree::parent(const Object& child) const {
  if (child.kind == Kind::mountRoot) return child;
  const View& view = *child.view;
  if (child.kind == Kind::directory) {
    if (child.index == 0) return find(inode::mountRoot);
    return directory(view, view.directory(child.index).parent);
  }
  if (const auto holder = view.graftHolder(child.index, child.node)) return directory(view, *holder);
  if (child.node == 0) return Stop(ESTALE);
  const uint32_t above = child.image->node(child.node).parent;
  if (const auto merged = view.expandedTo(child.index, above)) return directory(view, *merged);
  return graft(view, child.index, above);
}

uint32_t Tree::childCount(const Object& parent) const {
  if (parent.kind == Kind::mountRoot) return static_cast<uint32_t>(world_.roots->entries.size());
  if (parent.kind == Kind::graft) return parent.image->node(parent.node).childCount;
  return parent.view->directory(parent.index).entryCount;
}

Child Tree::child(const Object& parent, uint32_t position) const {
  if (parent.kind == Kind::mountRoot) {
    const auto& [name, environment] = world_.roots->entries[position];
    return {name, rootEntry(environment)};
  }
  if (parent.kind == Kind::graft) {
    const uint32_t node = parent.image->node(parent.node).firstChild + position;
    return {parent.image->nameOf(node), graftChild(parent, node)};
  }
  const auto& found = parent.view->entry(parent.view->directory(parent.index).firstEntry + position);
  return {parent.view->nameOf(found), entry(*parent.view, found)};
}
