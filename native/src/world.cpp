#include "world.hpp"

#include <algorithm>
#include <ctime>

#include "failure.hpp"

namespace {

uint32_t serialOf(const std::shared_ptr<const Image>& image) { return image->serial(); }
uint32_t baseOf(const std::shared_ptr<const Image>& image) { return image->source().baseSerial; }
uint32_t environmentOf(const std::shared_ptr<const View>& view) { return view->environment(); }

template <class Item, class Key>
Item find(const std::vector<Item>& sorted, uint32_t wanted, const Key& key) {
  const auto found = std::ranges::lower_bound(sorted, wanted, {}, key);
  return found != sorted.end() && key(*found) == wanted ? *found : nullptr;
}

template <class Item, class Key>
void insert(std::vector<Item>& sorted, Item item, const Key& key) {
  sorted.insert(std::ranges::upper_bound(sorted, key(item), {}, key), std::move(item));
}

std::shared_ptr<const Image> load(ImageSource source, Bytes metadata) {
  if (metadata.empty()) return Image::open(std::move(source));
  if (!source.stamp) throw Failure("EINVAL", source.path + ": metadata without a stamp");
  const uint64_t fileBytes = source.stamp->sizeBytes;
  return Image::parse(std::move(source), metadata, fileBytes);
}

int64_t nowNs() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void noteOwn(World& world) {
  world.hasOwn = std::ranges::any_of(world.views, [](const auto& view) { return view->isOwn(); });
}

}  // namespace

std::shared_ptr<const Image> World::image(uint32_t serial) const { return find(images, serial, serialOf); }

const View* World::view(uint32_t environment) const {
  const auto found = std::ranges::lower_bound(views, environment, {}, environmentOf);
  return found != views.end() && (*found)->environment() == environment ? found->get() : nullptr;
}

bool World::isRoot(uint32_t environment) const {
  return std::ranges::binary_search(roots->environments, environment);
}

uint64_t World::rootInode() const {
  return roots->sole ? inode::ofEnvironment(*roots->sole, 0, 0) : inode::mountRoot;
}

bool World::hasFilesOf(uint32_t serial) const {
  return image(serial) || std::ranges::binary_search(bytecodeImages, serial, {}, baseOf);
}

std::optional<ImageFile> World::file(uint32_t serial, uint32_t node) const {
  const auto found = std::ranges::lower_bound(images, serial, {}, serialOf);
  if (found != images.end() && (*found)->serial() == serial) {
    const Image& image = **found;
    if (node >= image.nodeCount() || image.isDirectory(node) || image.isInBase(node)) return std::nullopt;
    return ImageFile{&image, node};
  }
  auto at = std::ranges::lower_bound(bytecodeImages, serial, {}, baseOf);
  for (; at != bytecodeImages.end() && baseOf(*at) == serial; ++at)
    if (const auto here = (*at)->fileOfBaseNode(node)) return ImageFile{at->get(), *here};
  return std::nullopt;
}

std::shared_ptr<const World> Publisher::current() const {
  const std::lock_guard lock(swapping_);
  return current_;
}

template <class Change>
void Publisher::change(const Change& apply) {
  const std::lock_guard publishing(publishing_);
  auto next = std::make_shared<World>(*current());
  apply(*next);
  std::shared_ptr<const World> old = std::move(next);
  {
    const std::lock_guard swapping(swapping_);
    std::swap(current_, old);
    version_.fetch_add(1, std::memory_order_release);
  }
}

void Publisher::addImage(ImageSource source, Bytes metadata) {
  if (current()->image(source.serial)) return;
  const auto image = load(std::move(source), metadata);
  change([&](World& world) {
    if (world.image(image->serial())) return;
    insert(world.images, image, serialOf);
    if (image->source().baseSerial != 0) insert(world.bytecodeImages, image, baseOf);
  });
}

void Publisher::renewImage(ImageSource source, Bytes metadata) {
  const auto image = load(std::move(source), metadata);
  const auto isSame = [&](const auto& other) { return other->serial() == image->serial(); };
  change([&](World& world) {
    std::erase_if(world.images, isSame);
    std::erase_if(world.bytecodeImages, isSame);
    insert(world.images, image, serialOf);
    if (image->source().baseSerial != 0) insert(world.bytecodeImages, image, baseOf);
  });
}

void Publisher::dropImage(uint32_t serial) {
  change([&](World& world) {
    std::erase_if(world.images, [&](const auto& image) { return image->serial() == serial; });
    std::erase_if(world.bytecodeImages, [&](const auto& image) { return image->serial() == serial; });
  });
}

void Publisher::inheritImages(std::vector<uint32_t> serials) {
  std::ranges::sort(serials);
  const auto inherited = std::make_shared<const std::vector<uint32_t>>(std::move(serials));
  change([&](World& world) { world.inherited = inherited; });
}

void Publisher::publishRoots(std::vector<RootEntry> entries, std::optional<uint32_t> sole) {
  const auto roots = std::make_shared<Roots>();
  std::ranges::sort(entries, {}, &RootEntry::name);
  if (std::ranges::adjacent_find(entries, {}, &RootEntry::name) != entries.end())
    throw Failure("EINVAL", "a root is named twice");
  for (const auto& [name, environment] : entries) {
    const bool isLegal = !name.empty() && name.size() <= 255 && name.find('/') == name.npos &&
                         name.find('\0') == name.npos && name != "." && name != "..";
    if (!isLegal || environment >= inode::environmentLimit) throw Failure("EINVAL", "a root is illegal: " + name);
    roots->environments.push_back(environment);
  }
  if (sole && *sole >= inode::environmentLimit) throw Failure("EINVAL", "the sole environment is illegal");
  std::ranges::sort(roots->environments);
  roots->sole = sole;
  roots->entries = std::move(entries);
  roots->mtimeNs = nowNs();
  change([&](World& world) { world.roots = roots; });
}

uint32_t Publisher::publishView(Bytes blob) {
  const auto images = current();
  const auto view = View::decode(blob, [&](uint32_t serial) { return images->image(serial); });
  change([&](World& world) {
    std::erase_if(world.views, [&](const auto& other) { return other->environment() == view->environment(); });
    insert(world.views, view, environmentOf);
    noteOwn(world);
  });
  return view->environment();
}

void Publisher::dropView(uint32_t environment) {
  change([&](World& world) {
    std::erase_if(world.views, [&](const auto& view) { return view->environment() == environment; });
    noteOwn(world);
  });
}
