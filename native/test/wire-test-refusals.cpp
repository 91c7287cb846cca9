#include <functional>
#include <vector>

#include "failure.hpp"
#include "image-builder.hpp"
#include "small-world.hpp"
#include "wire-test.hpp"

using namespace imageFormat;

namespace {

using ImageBytes = std::vector<std::byte>;

struct ImageRefusal {
  const char* message;
  std::function<void(ImageBytes&)> damage;
  bool isSealed = true;
};

// Nodes: 0 root, 1 bin, 2 site, 3 bin/run, 4 site/a.py, 5 site/b.py, 6 site/sub, 7 site/sub/c.py
ImageBytes soundImage() {
  return buildImage(3, kindWheel, {{"bin/run", "x", true}, {"site/a.py", "a"}, {"site/b.py", "b"}, {"site/sub/c.py", "c"}});
}

auto node(uint32_t index, const std::function<void(Node&)>& change) {
  return [index, change](ImageBytes& image) {
    Node found = nodeOf(image, index);
    change(found);
    setNode(image, index, found);
  };
}

auto header(const std::function<void(Header&)>& change) {
  return [change](ImageBytes& image) {
    Header found = headerOf(image);
    change(found);
    setHeader(image, found);
  };
}

void rename(ImageBytes& image, uint32_t index, const std::string& name) {
  Node found = nodeOf(image, index);
  found.nameBytes = static_cast<uint16_t>(name.size());
  setNode(image, index, found);
  const uint64_t at = headerOf(image).sections[imageFormat::names].offset + found.nameOffset;
  for (size_t i = 0; i < name.size(); ++i) image[at + i] = static_cast<std::byte>(name[i]);
}

auto renamed(uint32_t index, const std::string& name) {
  return [index, name](ImageBytes& image) { rename(image, index, name); };
}

auto damagedDigest(Section section) {
  return [section](ImageBytes& image) {
    Header found = headerOf(image);
    found.sections[section].digest[0] ^= 1;
    setHeader(image, found);
    sealHeader(image);
  };
}

// "the tree has nodes that no directory holds" is missing: the rules before it leave no such tree.
const ImageRefusal imageRefusals[] = {
    {"the magic number is missing", [](ImageBytes& i) { i[0] = std::byte{'x'}; }},
    {"the magic number is missing", [](ImageBytes& i) { i.resize(100); }},
    {"has image format 2", header([](Header& h) { h.version = 2; })},
    {"or unknown features", header([](Header& h) { h.features = 1; })},
    {"the header digest does not match", [](ImageBytes& i) { i[360] ^= std::byte{1}; }, false},
    {"the header length is wrong", header([](Header& h) { h.headerBytes = 400; })},
    {"the section count is wrong", header([](Header& h) { h.sectionCount = 4; })},
    {"section 1 is not 'names'", header([](Header& h) { h.sections[1].id = 3; })},
    {"section 'nodes' overlaps or is unaligned", header([](Header& h) { h.sections[0].offset = 8; })},
    {"section 'names' overlaps or is unaligned", header([](Header& h) { h.sections[1].offset += 1; })},
    {"section 'meta' overlaps or is unaligned", header([](Header& h) { h.sections[2].length = ~0ull; })},
    {"a reserved field is set", header([](Header& h) { h.sections[0].reserved = 1; })},
    {"the kind is unknown", header([](Header& h) { h.kind = 3; })},
    {"the serial is out of range", header([](Header& h) { h.serial = 0; })},
    {"the serial is out of range", header([](Header& h) { h.serial = 1ull << 31; })},
    {"the serial is 4, not 3", header([](Header& h) { h.serial = 4; })},
    {"bytes, not", header([](Header& h) { h.fileBytes += 1; })},
    {"the contents do not end with the file", header([](Header& h) { h.sections[4].length -= 1; })},
    {"the node count is out of range", header([](Header& h) { h.nodeCount = 0; })},
    {"the node section has the wrong length", header([](Header& h) { h.nodeCount += 1; })},
    {"the digest of section 'nodes' does not match", damagedDigest(imageFormat::nodes), false},
    {"the digest of section 'names' does not match", damagedDigest(imageFormat::names), false},
    {"has a name outside the names section", node(4, [](Node& n) { n.nameOffset = 1 << 20; })},
    {"is the root and has a name", node(0, [](Node& n) { n.nameBytes = 1; })},
    {"has a name of illegal length", node(4, [](Node& n) { n.nameBytes = 0; })},
    {"has a name with NUL or '/'", renamed(4, std::string("a\0py", 4))},
    {"has a name with NUL or '/'", renamed(4, "a/py")},
    {"is named '.' or '..'", renamed(4, ".")},
    {"is named '.' or '..'", renamed(4, "..")},
    {"is no root directory", node(0, [](Node& n) { n.mode = modeFile; })},
    {"comes before its parent", node(4, [](Node& n) { n.parent = 4; })},
    {"is not among the children of its parent", node(4, [](Node& n) { n.parent = 1; })},
    {"is not in name order or is there twice", renamed(5, "a.py")},
    {"is a directory with contents or flags", node(2, [](Node& n) { n.sizeBytes = 1; })},
    {"is a directory with a digest", node(2, [](Node& n) { n.digestIndex = 1; })},
    {"has a first child but no children", node(6, [](Node& n) { n.childCount = 0; })},
    {"has children out of order", node(6, [](Node& n) { n.firstChild = 5; })},
    {"has children past the end", node(6, [](Node& n) { n.childCount = 9; })},
    {"has an unknown mode", node(4, [](Node& n) { n.mode = 0100600; })},
    {"is a file with children", node(4, [](Node& n) { n.childCount = 1; })},
    {"has unknown flags", node(4, [](Node& n) { n.flags = 0x400; })},
    {"has an unknown codec", node(4, [](Node& n) { n.flags = 1; })},
    {"refers to a base image that there is none of", node(4, [](Node& n) { n.flags = flagInBase; })},
    {"has a base node but its own contents", node(4, [](Node& n) { n.baseNode = 1; })},
    {"has the wrong digest index", node(4, [](Node& n) { n.digestIndex = 7; })},
    {"has a size or an offset out of range", node(4, [](Node& n) { n.sizeBytes = n.storedBytes = 1ull << 53; })},
    {"has a stored size that is not its size", node(4, [](Node& n) { n.storedBytes = 2; })},
    {"is empty but has an offset", node(4, [](Node& n) { n.sizeBytes = n.storedBytes = 0; })},
    {"has contents before the contents section", node(4, [](Node& n) { n.contentOffset = 64; })},
    {"has contents past the end of the file", node(4, [](Node& n) { n.sizeBytes = n.storedBytes = 1 << 20; })},
    {"the digest section has the wrong length", header([](Header& h) { h.sections[3].length -= 32; })},
};

// The message of the refusal, or that there was none.
std::string refusalOf(const std::function<void()>& attempt) {
  try {
    attempt();
  } catch (const Failure& failure) {
    return failure.what();
  }
  return "it was accepted";
}

void expectRefusal(Tally& tally, const std::string& what, const std::string& message, const std::string& found) {
  tally.add("refused " + what + ": " + message, found.find(message) != found.npos ? "" : found);
}

struct ViewRefusal {
  const char* message;
  std::function<void(ViewBuilder&)> damage;
};

// Decodes a blob into the tables that it was encoded from.
ViewBuilder builderOf(Bytes blob) {
  ViewBuilder view(7);
  view.header = load<viewFormat::Header>(blob);
  size_t at = sizeof view.header;
  const auto take = [&](auto& table, uint32_t count) {
    table.resize(count);
    if (count > 0) std::memcpy(table.data(), blob.data() + at, count * sizeof table[0]);
    at += count * sizeof table[0];
  };
  take(view.layers, view.header.layers);
  take(view.directories, view.header.directories);
  take(view.entries, view.header.entries);
  take(view.generated, view.header.generated);
  take(view.links, view.header.links);
  take(view.expanded, view.header.expanded);
  take(view.times, view.header.times);
  view.strings = textOf(blob.subspan(at));
  return view;
}

// Entries: 0 cfg, 1 link, 2 site, 3 sized, 4 vol, 5 ns, 6 other, 7 pkg, 8 top.py, 9 a.py, 10 b.py
const ViewRefusal viewRefusals[] = {
    {"the magic is missing", [](ViewBuilder& v) { v.header.magic[0] = 'x'; }},
    {"the version is unknown", [](ViewBuilder& v) { v.header.version = 1; }},
    {"a flag is unknown", [](ViewBuilder& v) { v.header.flags = 4; }},
    {"only .shenv may be numbered by images", [](ViewBuilder& v) { v.header.flags = 1; }},
    {"the environment serial is out of range", [](ViewBuilder& v) { v.header.environment = 1 << 21; }},
    {"an inode number is not of this environment", [](ViewBuilder& v) { v.header.environment = 6; }},
    {"has an image that was not added", [](ViewBuilder& v) { v.layers[0].serial = 77; }},
    {"has a slot out of range", [](ViewBuilder& v) { v.layers[0].slot = 0; }},
    {"has a slot out of range", [](ViewBuilder& v) { v.layers[0].slot = 1 << 12; }},
    {"two layers have one slot", [](ViewBuilder& v) { v.layers[0].slot = 2; }},
    {"directory 1 has a mode that is no directory's", [](ViewBuilder& v) { v.directories[1].mode = 0755; }},
    {"directory 1 has a mode that is no directory's", [](ViewBuilder& v) { v.directories[1].mode = 042755; }},
    {"directory 1 has a parent out of range", [](ViewBuilder& v) { v.directories[1].parent = 9; }},
    {"directory 0 has a parent out of range", [](ViewBuilder& v) { v.directories[0].parent = 1; }},
    {"directory 2 has entries out of range", [](ViewBuilder& v) { v.directories[2].entryCount = 9; }},
    {"the root has another inode number", [](ViewBuilder& v) { v.directories[0].inode += 5; }},
    {"not each entry belongs to one directory", [](ViewBuilder& v) { v.directories[2].entryCount = 1; }},
    {"an inode number is there twice", [](ViewBuilder& v) { v.links[0].inode = v.directories[1].inode; }},
    {"an inode number is not of this environment", [](ViewBuilder& v) { v.links[0].inode = 3; }},
    {"entry 0 has a name out of range", [](ViewBuilder& v) { v.entries[0].nameOffset = 1 << 20; }},
    {"entry 0 has a name of illegal length", [](ViewBuilder& v) { v.entries[0].nameBytes = 0; }},
    {"entry 0 has an illegal name", [](ViewBuilder& v) { v.strings[0] = '/'; }},
    {"entry 1 is not in name order", [](ViewBuilder& v) { v.entries[1].nameOffset = 0; v.entries[1].nameBytes = 3; }},
    {"entry 0 has a reserved field set", [](ViewBuilder& v) { v.entries[0].reserved = 1; }},
    {"entry 0 has an unknown kind", [](ViewBuilder& v) { v.entries[0].kind = 6; }},
    {"entry 0 has a second number", [](ViewBuilder& v) { v.entries[0].b = 1; }},
    {"entry 0 has a generated file out of range", [](ViewBuilder& v) { v.entries[0].a = 3; }},
    {"entry 1 has a link out of range", [](ViewBuilder& v) { v.entries[1].a = 1; }},
    {"entry 2 has a directory out of range", [](ViewBuilder& v) { v.entries[2].a = 3; }},
    {"entry 2 is a directory of another parent", [](ViewBuilder& v) { v.entries[2].a = 2; }},
    {"is not the entry of exactly one directory", [](ViewBuilder& v) { v.entries[2].kind = 4; v.entries[2].a = 0; }},
    {"entry 6 has a layer out of range", [](ViewBuilder& v) { v.entries[6].a = 2; }},
    {"entry 6 has a node that its image does not have", [](ViewBuilder& v) { v.entries[6].b = 999; }},
    {"entry 6 has a node of the wrong type", [](ViewBuilder& v) { v.entries[6].b = v.entries[10].b; }},
    {"entry 8 has a node of the wrong type", [](ViewBuilder& v) { v.entries[8].b = 0; }},
    {"a graft is there twice", [](ViewBuilder& v) { v.entries[7].a = v.entries[6].a; v.entries[7].b = v.entries[6].b; }},
    {"generated file 0 has a size out of range", [](ViewBuilder& v) { v.generated[0].sizeBytes = -2; }},
    {"generated file 0 has a mode that is no regular file's", [](ViewBuilder& v) { v.generated[0].mode = 0644; }},
    {"generated file 0 has an unknown flag", [](ViewBuilder& v) { v.generated[0].flags = 2; }},
    {"link 0 has a target out of range", [](ViewBuilder& v) { v.links[0].targetOffset = 1 << 20; }},
    {"link 0 has a target of illegal length", [](ViewBuilder& v) { v.links[0].targetBytes = 0; }},
    {"link 0 has a target with NUL", [](ViewBuilder& v) { v.strings[v.links[0].targetOffset] = '\0'; }},
    {"expanded directory 0 has a node of the wrong type", [](ViewBuilder& v) { v.expanded[0].node = v.entries[8].b; }},
    {"expanded directory 0 has a directory out of range", [](ViewBuilder& v) { v.expanded[0].directory = 3; }},
    {"the expanded directories are not in order", [](ViewBuilder& v) { std::swap(v.expanded[0], v.expanded[1]); }},
    {"a directory is expanded twice", [](ViewBuilder& v) { v.expanded[1] = v.expanded[0]; v.expanded[1].directory = 2; }},
    {"it has times without numbers of its own", [](ViewBuilder& v) { v.times = {{0, 0, 1, 0, 0}}; }},
    {".shenv has no numbers of its own", [](ViewBuilder& v) { v.header.environment = 0; v.header.flags = viewFormat::flagOwn; }},
    {"time 0 has a layer out of range", [](ViewBuilder& v) { v.header.flags = viewFormat::flagOwn; v.times = {{2, 0, 1, 0, 0}}; }},
    {"time 0 has a node that its image does not have", [](ViewBuilder& v) { v.header.flags = viewFormat::flagOwn; v.times = {{0, 999, 1, 0, 0}}; }},
    {"time 0 has a mode of another type than its node", [](ViewBuilder& v) { v.header.flags = viewFormat::flagOwn; v.times = {{0, 0, 1, 0100600, 0}}; }},
    {"time 0 has a mode of another type than its node", [](ViewBuilder& v) { v.header.flags = viewFormat::flagOwn; v.times = {{0, 0, 1, 042755, 0}}; }},
    {"time 0 has a reserved field set", [](ViewBuilder& v) { v.header.flags = viewFormat::flagOwn; v.times = {{0, 0, 1, 0, 1}}; }},
    {"the times are not in order", [](ViewBuilder& v) { v.header.flags = viewFormat::flagOwn; v.times = {{0, 1, 1, 0, 0}, {0, 0, 1, 0, 0}}; }},
    {"the times are not in order", [](ViewBuilder& v) { v.header.flags = viewFormat::flagOwn; v.times = {{0, 1, 1, 0, 0}, {0, 1, 2, 0, 0}}; }},
};

}  // namespace

void testRefusedImages(Tally& tally) {
  for (const auto& [message, damage, isSealed] : imageRefusals) {
    ImageBytes image = soundImage();
    damage(image);
    if (isSealed) sealImage(image);
    const auto open = [&] { Image::parse({3, "test.img", "", 0, ""}, image, image.size()); };
    expectRefusal(tally, "image", message, refusalOf(open));
  }
  const ImageBytes sound = soundImage();
  const auto open = [&] { Image::parse({3, "test.img", "", 0, ""}, sound, sound.size()); };
  expectRefusal(tally, "no image", "it was accepted", refusalOf(open));
}

void testRefusedViews(Tally& tally) {
  const SmallWorld world;
  const auto imageOf = [&](uint32_t serial) { return world.service.publisher.current()->image(serial); };
  const auto decode = [&](Bytes blob) { View::decode(blob, imageOf); };
  const auto sound = world.encode(7);
  for (const auto& [message, damage] : viewRefusals) {
    ViewBuilder view = builderOf(sound);
    damage(view);
    expectRefusal(tally, "view", message, refusalOf([&] { decode(view.encode()); }));
  }
  for (size_t length = 0; length < sound.size(); length += 7)
    if (refusalOf([&] { decode(Bytes(sound).first(length)); }) == "it was accepted")
      tally.add("refused view: too short", std::to_string(length) + " bytes were accepted");
  expectRefusal(tally, "no view", "it was accepted", refusalOf([&] { decode(sound); }));
}
