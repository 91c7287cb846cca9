#include <algorithm>
#include <sys/stat.h>

#include "failure.hpp"
#include "inode.hpp"
#include "view.hpp"

using namespace viewFormat;

namespace {

std::atomic<uint64_t> nextIdentity{1};

void require(bool holds, const std::string& rule) {
  if (!holds) throw Failure("VIEW_INVALID", "the view is invalid: " + rule);
}

std::string nth(const char* what, size_t index) { return std::string(what) + " " + std::to_string(index); }

// Hands out the tables of a blob one after the other.
class Tables {
 public:
  explicit Tables(Bytes rest) : rest_(rest) {}

  template <class Record>
  std::vector<Record> take(uint32_t count) {
    const uint64_t bytes = uint64_t{count} * sizeof(Record);
    require(bytes <= rest_.size(), "it is too short for its counts");
    std::vector<Record> records(count);
    if (count > 0) std::memcpy(records.data(), rest_.data(), bytes);
    rest_ = rest_.subspan(bytes);
    return records;
  }

  Bytes rest() const { return rest_; }

 private:
  Bytes rest_;
};

}  // namespace

class ViewDecoder {
 public:
  ViewDecoder(Bytes blob, const View::ImageOf& imageOf) : view_(std::make_shared<View>()), imageOf_(imageOf) {
    require(blob.size() >= sizeof(Header), "it is shorter than its header");
    header_ = load<Header>(blob);
    require(std::memcmp(header_.magic, magic, sizeof magic) == 0, "the magic is missing");
    require(header_.version == version, "the version is unknown");
    Tables tables(blob.subspan(sizeof(Header)));
    layers_ = tables.take<Layer>(header_.layers);
    view_->directories_ = tables.take<Directory>(header_.directories);
    view_->entries_ = tables.take<Entry>(header_.entries);
    generated_ = tables.take<Generated>(header_.generated);
    view_->links_ = tables.take<Link>(header_.links);
    expanded_ = tables.take<Expanded>(header_.expanded);
    times_ = tables.take<Time>(header_.times);
    require(tables.rest().size() == header_.stringBytes, "its length is not that of its counts");
    view_->strings_ = textOf(tables.rest());
  }

  std::shared_ptr<const View> decode() {
    decodeHeader();
    decodeLayers();
    decodeDirectories();
    decodeEntries();
    decodeGenerated();
    decodeLinks();
    decodeExpanded();
    decodeTimes();
    sortOwnNodes();
    return view_;
  }

 private:
  void decodeHeader() {
    require(header_.environment < inode::environmentLimit, "the environment serial is out of range");
    require((header_.flags & ~(flagImageNumbered | flagOwn)) == 0, "a flag is unknown");
    require(header_.directories >= 1, "it has no directory");
    view_->environment_ = header_.environment;
    view_->imageNumbered_ = header_.flags & flagImageNumbered;
    view_->own_ = header_.flags & flagOwn;
    require(!view_->imageNumbered_ || header_.environment == 0, "only .shenv may be numbered by images");
    require(!view_->own_ || header_.environment != 0, ".shenv has no numbers of its own");
    require(view_->own_ || header_.times == 0, "it has times without numbers of its own");
    view_->identity_ = nextIdentity.fetch_add(1, std::memory_order_relaxed);
  }

  void decodeLayers() {
    auto& slots = view_->slots_;
    for (uint32_t index = 0; index < layers_.size(); ++index) {
      const auto [serial, slot] = layers_[index];
      auto image = imageOf_(serial);
      require(image != nullptr, nth("layer", index) + " has an image that was not added: " + std::to_string(serial));
      require(view_->imageNumbered_ || (slot >= 1 && slot < inode::layerSlotLimit),
              nth("layer", index) + " has a slot out of range");
      slots.emplace_back(view_->imageNumbered_ ? serial : slot, index);
      view_->layers_.push_back({std::move(image), slot});
    }
    std::ranges::sort(slots);
    const auto same = std::ranges::adjacent_find(slots, {}, &std::pair<uint32_t, uint32_t>::first);
    require(view_->imageNumbered_ || same == slots.end(), "two layers have one slot");
  }

  void decodeDirectories() {
    const auto& directories = view_->directories_;
    for (uint32_t index = 0; index < directories.size(); ++index) {
      const Directory& directory = directories[index];
      const std::string name = nth("directory", index);
      require((directory.mode & ~0777u) == S_IFDIR, name + " has a mode that is no directory's");
      require(directory.parent < directories.size() && (index > 0 || directory.parent == 0),
              name + " has a parent out of range");
      require(uint64_t{directory.firstEntry} + directory.entryCount <= header_.entries,
              name + " has entries out of range");
      own(directory.inode, EntryKind::directory, index);
    }
    require(directories[0].inode == inode::ofEnvironment(header_.environment, 0, 0),
            "the root has another inode number than the environment's");
  }

  void decodeEntries() {
    uint64_t held = 0;
    for (const Directory& directory : view_->directories_) held += directory.entryCount;
    require(held == header_.entries, "not each entry belongs to one directory");
    holders_.assign(header_.directories, 0);
    for (uint32_t holder = 0; holder < header_.directories; ++holder) {
      const Directory& directory = view_->directories_[holder];
      for (uint32_t i = 0; i < directory.entryCount; ++i) {
        const uint32_t index = directory.firstEntry + i;
        checkName(index, i > 0);
        decodeEntry(view_->entries_[index], index, holder);
      }
    }
    for (uint32_t index = 1; index < header_.directories; ++index)
      require(holders_[index] == 1, nth("directory", index) + " is not the entry of exactly one directory");
    sortUnique(view_->graftHolders_, "a graft is there twice");
  }

  void checkName(uint32_t index, bool hasPredecessor) {
    const Entry& entry = view_->entries_[index];
    const std::string what = nth("entry", index);
    require(uint64_t{entry.nameOffset} + entry.nameBytes <= header_.stringBytes, what + " has a name out of range");
    const auto name = view_->nameOf(entry);
    require(!name.empty() && name.size() <= 255, what + " has a name of illegal length");
    require(name.find('\0') == name.npos && name.find('/') == name.npos && name != "." && name != "..",
            what + " has an illegal name");
    require(!hasPredecessor || view_->nameOf(view_->entries_[index - 1]) < name, what + " is not in name order");
    require(entry.reserved == 0, what + " has a reserved field set");
  }

  void decodeEntry(const Entry& entry, uint32_t index, uint32_t holder) {
    const std::string what = nth("entry", index);
    switch (entry.kind) {
      case EntryKind::directory:
        require(entry.a > 0 && entry.a < header_.directories, what + " has a directory out of range");
        require(view_->directories_[entry.a].parent == holder, what + " is a directory of another parent");
        ++holders_[entry.a];
        break;
      case EntryKind::graft:
        checkImageNode(entry.a, entry.b, true, what);
        view_->graftHolders_.push_back({{entry.a, entry.b}, holder});
        return;
      case EntryKind::file: return checkImageNode(entry.a, entry.b, false, what);
      case EntryKind::generated: require(entry.a < header_.generated, what + " has a generated file out of range"); break;
      case EntryKind::link: require(entry.a < header_.links, what + " has a link out of range"); break;
      default: require(false, what + " has an unknown kind");
    }
    require(entry.b == 0, what + " has a second number that its kind does not use");
  }

  void checkImageNode(uint32_t layer, uint32_t node, bool directory, const std::string& what) {
    require(layer < view_->layers_.size(), what + " has a layer out of range");
    const Image& image = *view_->layers_[layer].image;
    require(node < image.nodeCount(), what + " has a node that its image does not have");
    require(image.isDirectory(node) == directory, what + " has a node of the wrong type");
  }

  void decodeGenerated() {
    view_->generated_ = std::vector<GeneratedFile>(generated_.size());
    for (uint32_t index = 0; index < generated_.size(); ++index) {
      const Generated& record = generated_[index];
      const std::string what = nth("generated file", index);
      require(record.sizeBytes >= -1, what + " has a size out of range");
      require((record.mode & ~0777u) == S_IFREG, what + " has a mode that is no regular file's");
      require((record.flags & ~generatedVolatile) == 0, what + " has an unknown flag");
      GeneratedFile& file = view_->generated_[index];
      file.inode = record.inode;
      file.mode = record.mode;
      file.isVolatile = record.flags & generatedVolatile;
      file.mtimeNs.store(record.mtimeNs, std::memory_order_relaxed);
      file.sizeBytes.store(record.sizeBytes, std::memory_order_relaxed);
      own(record.inode, EntryKind::generated, index);
    }
  }

  void decodeLinks() {
    for (uint32_t index = 0; index < header_.links; ++index) {
      const Link& link = view_->links_[index];
      const std::string what = nth("link", index);
      require(uint64_t{link.targetOffset} + link.targetBytes <= header_.stringBytes, what + " has a target out of range");
      require(link.targetBytes >= 1 && link.targetBytes < 4096, what + " has a target of illegal length");
      require(view_->targetOf(link).find('\0') == std::string_view::npos, what + " has a target with NUL");
      own(link.inode, EntryKind::link, index);
    }
  }

  void decodeExpanded() {
    for (uint32_t index = 0; index < expanded_.size(); ++index) {
      const auto [layer, node, directory] = expanded_[index];
      const std::string what = nth("expanded directory", index);
      checkImageNode(layer, node, true, what);
      require(directory < header_.directories, what + " has a directory out of range");
      view_->expanded_.push_back({{layer, node}, directory});
    }
    require(std::ranges::is_sorted(view_->expanded_), "the expanded directories are not in order");
    sortUnique(view_->expanded_, "a directory is expanded twice");
  }

  void decodeTimes() {
    for (uint32_t index = 0; index < times_.size(); ++index) {
      const auto [layer, node, mtimeNs, mode, reserved] = times_[index];
      const std::string what = nth("time", index);
      require(layer < view_->layers_.size(), what + " has a layer out of range");
      const Image& image = *view_->layers_[layer].image;
      require(node < image.nodeCount(), what + " has a node that its image does not have");
      const uint32_t type = image.isDirectory(node) ? S_IFDIR : S_IFREG;
      require(mode == 0 || (mode & ~0777u) == type, what + " has a mode of another type than its node");
      require(reserved == 0, what + " has a reserved field set");
      view_->times_.push_back({{layer, node}, {mtimeNs, mode}});
    }
    const auto unordered = [](const auto& a, const auto& b) { return a.first >= b.first; };
    require(std::ranges::adjacent_find(view_->times_, unordered) == view_->times_.end(), "the times are not in order");
  }

  // Only .shenv shows directories numbered by their image.
  void own(uint64_t number, EntryKind kind, uint32_t index) {
    const auto space = inode::spaceOf(number);
    const bool isOurs = space == inode::Space::environment && inode::environmentOf(number) == header_.environment;
    const bool isImages = space == inode::Space::imageDirectory && view_->imageNumbered_;
    require(isOurs || isImages, "an inode number is not of this environment");
    view_->ownNodes_.push_back({number, {kind, index}});
  }

  void sortOwnNodes() {
    auto& nodes = view_->ownNodes_;
    std::ranges::sort(nodes, {}, &std::pair<uint64_t, OwnNode>::first);
    const auto same = std::ranges::adjacent_find(nodes, {}, &std::pair<uint64_t, OwnNode>::first);
    require(same == nodes.end(), "an inode number is there twice");
  }

  template <class Pair>
  void sortUnique(std::vector<Pair>& pairs, const char* rule) {
    std::ranges::sort(pairs);
    require(std::ranges::adjacent_find(pairs, {}, &Pair::first) == pairs.end(), rule);
  }

  std::shared_ptr<View> view_;
  const View::ImageOf& imageOf_;
  Header header_;
  std::vector<Layer> layers_;
  std::vector<Generated> generated_;
  std::vector<Expanded> expanded_;
  std::vector<Time> times_;
  std::vector<uint32_t> holders_;
};

std::shared_ptr<const View> View::decode(Bytes blob, const ImageOf& imageOf) {
  return ViewDecoder(blob, imageOf).decode();
}
