#include "attributes.hpp"

#include <sys/stat.h>

using Kind = Object::Kind;

namespace {

constexpr int64_t nsPerSecond = 1'000'000'000;

uint64_t sizeOf(const Object& object) {
  switch (object.kind) {
    case Kind::file: return object.image->node(object.node).sizeBytes;
    case Kind::generated: return static_cast<uint64_t>(object.generated().sizeBytes.load(std::memory_order_acquire));
    case Kind::link: return object.view->link(object.index).targetBytes;
    default: return 0;
  }
}

int64_t mtimeNsOf(const Object& object, const World& world) {
  switch (object.kind) {
    case Kind::mountRoot: return world.roots->mtimeNs;
    case Kind::directory: return object.view->directory(object.index).mtimeNs;
    case Kind::generated: return object.generated().mtimeNs.load(std::memory_order_acquire);
    case Kind::link: return object.view->link(object.index).mtimeNs;
    case Kind::graft: return object.view->mtimeNsOf(object.index, object.node);
    case Kind::file:
      return object.view ? object.view->mtimeNsOf(object.index, object.node) : object.image->node(object.node).mtimeNs;
    default: return 0;
  }
}

uint64_t blocksOf(const Object& object, uint64_t size, bool full) {
  if (!object.isRegular() || size == 0) return 0;
  return full ? (size + 511) / 512 : 1;
}

}  // namespace

uint32_t typeOf(const Object& object) {
  if (object.isDirectory()) return S_IFDIR;
  return object.kind == Kind::link ? S_IFLNK : S_IFREG;
}

uint32_t modeOf(const Object& object) {
  switch (object.kind) {
    case Kind::directory: return object.view->directory(object.index).mode;
    case Kind::graft: return object.view->modeOf(object.index, object.node);
    case Kind::file:
      return object.view ? object.view->modeOf(object.index, object.node) : object.image->node(object.node).mode;
    case Kind::generated: return object.generated().mode;
    case Kind::link: return S_IFLNK | 0777;
    default: return S_IFDIR | 0755;
  }
}

bool hasLastingAttributes(const Object& object) {
  if (object.kind == Kind::unloadedView) return false;
  if (object.kind != Kind::generated) return true;
  const GeneratedFile& file = object.generated();
  return !file.isVolatile && file.sizeBytes.load(std::memory_order_acquire) >= 0;
}

wire::Attr attributesOf(const Object& object, const World& world, const AttributeSettings& settings) {
  const uint64_t size = sizeOf(object);
  const int64_t mtimeNs = mtimeNsOf(object, world);
  const int64_t rest = mtimeNs % nsPerSecond;
  const auto seconds = static_cast<uint64_t>(mtimeNs / nsPerSecond - (rest < 0));
  const auto nanoseconds = static_cast<uint32_t>(rest < 0 ? rest + nsPerSecond : rest);
  return {.ino = object.inode,
          .size = size,
          .blocks = blocksOf(object, size, settings.fullBlocks),
          .atime = seconds, .mtime = seconds, .ctime = seconds,
          .atimensec = nanoseconds, .mtimensec = nanoseconds, .ctimensec = nanoseconds,
          .mode = modeOf(object),
          .nlink = 1,
          .uid = settings.uid, .gid = settings.gid,
          .rdev = 0,
          .blksize = 4096,
          .flags = 0};
}
