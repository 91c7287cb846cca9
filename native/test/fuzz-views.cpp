// Encoded views over the images of the small world; what is accepted is walked as a server would.
#include <cstdlib>

#include "checked-bytecode.hpp"
#include "failure.hpp"
#include "small-world.hpp"

namespace {

void checkOwnFile(const Tree& tree, const Object& file) {
  const auto found = tree.find(file.inode);
  // A number of the view's tables comes first.
  if (!found || (found->kind == Object::Kind::file && found->node != file.node)) std::abort();
  (void)checkedBytecode::headerOf(*file.view, file.index, file.node);
}

void walk(const World& world, uint64_t inode, int depth) {
  const Tree tree(world);
  const auto directory = tree.findDirectory(inode);
  if (!directory || depth > 8) return;
  (void)tree.parent(*directory);
  for (uint32_t i = 0; i < tree.childCount(*directory); ++i) {
    const Child child = tree.child(*directory, i);
    const auto found = tree.lookup(*directory, child.name);
    if (!found || found->inode != child.object.inode) std::abort();
    attributesOf(child.object, world, {});
    if (child.object.kind == Object::Kind::file && child.object.view) checkOwnFile(tree, child.object);
    if (child.object.isDirectory()) walk(world, child.object.inode, depth + 1);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const SmallWorld world(4096, {}, true);
  static const auto base = world.service.publisher.current();
  World changed = *base;
  const auto imageOf = [](uint32_t serial) { return base->image(serial); };
  try {
    changed.views = {View::decode({reinterpret_cast<const std::byte*>(data), size}, imageOf)};
  } catch (const Failure&) {
    return 0;
  }
  walk(changed, changed.views[0]->directory(0).inode, 0);
  return 0;
}
