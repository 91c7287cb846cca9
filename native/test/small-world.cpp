#include "small-world.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "image-builder.hpp"
#include "inode.hpp"

using namespace viewFormat;

namespace {

constexpr uint32_t generatedNodes = 1u << 27;

std::string makeFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "shenv-wire-XXXXXX").string();
  if (!::mkdtemp(pattern.data())) throw std::runtime_error("cannot make a temporary folder");
  return pattern;
}

std::string largeContent() {
  std::string text;
  for (int line = 0; text.size() < 70'000; ++line) text += std::to_string(line) + "\n";
  return text;
}

std::vector<FileSpec> filesOfFive() {
  return {{"bin/run", "#!/bin/sh\n", true}, {"data/", ""},
          {"site/ns/a.py", "a = 1\n"},      {"site/pkg/__init__.py", "print('hello')\n"},
          {"site/pkg/empty.py", ""},        {"site/pkg/large.bin", largeContent()},
          {"site/pkg/sub/deep.py", "deep\n"}, {"site/top.py", "top = 1\n"}};
}

}  // namespace

std::vector<std::byte> request(uint32_t opcode, uint64_t nodeid, Bytes body) {
  std::vector<std::byte> message(sizeof(wire::InHeader) + body.size());
  wire::InHeader header{};
  header.len = static_cast<uint32_t>(message.size());
  header.opcode = opcode;
  header.nodeid = nodeid;
  store(std::span(message), 0, header);
  std::copy(body.begin(), body.end(), message.begin() + sizeof header);
  return message;
}

void RecordingSink::send(const iovec* parts, int count) {
  std::vector<std::byte> reply;
  for (int i = 0; i < count; ++i) {
    const auto* data = static_cast<const std::byte*>(parts[i].iov_base);
    reply.insert(reply.end(), data, data + parts[i].iov_len);
  }
  replies.push_back(std::move(reply));
}

SmallWorld::SmallWorld(size_t generatedCacheBytes, Upcalls::Emit emit, bool isWritable, std::mutex* mutex)
    : folder_(makeFolder()),
      mutex_(mutex),
      service({.attributes = {.uid = 1000, .gid = 100, .fullBlocks = false}, .maxImageDescriptors = 2,
               .generatedCacheBytes = generatedCacheBytes, .isWritable = isWritable, .statfsPath = folder_},
              {.upcall = emit ? std::move(emit) : into(upcalls),
               .request = into(forwards),
               .forget = into(forgotten)}),
      worker(service.publisher) {
  addImage(5, buildImage(5, imageFormat::kindWheel, filesOfFive()));
  addImage(6, buildImage(6, imageFormat::kindWheel, {{"site/ns/b.py", "b = 2\n"}, {"site/other/x.py", "x\n"}}));
  const uint32_t base = node(5, "site/pkg/__init__.py");
  std::vector<FileSpec> eight = {{"site/pkg/__init__.py", "print('hello')\n", false, true, base,
                                  image(5).node(base).contentOffset},
                                 {"site/pkg/__pycache__/__init__.pyc", "bytecode"}};
  if (isWritable) eight.push_back({"site/pkg/__pycache__/__init__.cpython-312.pyc", "MAGC-flag-and-hash-code"});
  addImage(8, buildImage(8, imageFormat::kindBytecode, std::move(eight)), 5);
  std::vector<RootEntry> roots = {{"one", 7}, {"nine", 9}, {".shenv", 0}};
  if (isWritable) roots.push_back({"own", 11});
  service.publisher.publishRoots(std::move(roots));
}

SmallWorld::~SmallWorld() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void SmallWorld::addImage(uint32_t serial, const std::vector<std::byte>& bytes, uint32_t base) {
  const std::string path = folder_ + "/" + std::to_string(serial) + ".img";
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()),
                                              static_cast<std::streamsize>(bytes.size()));
  ImageSource source{serial, path, "origin of " + std::to_string(serial), base, base ? imagePath(base) : ""};
  service.publisher.addImage(source);
  images_[serial] = service.publisher.current()->image(serial);
}

uint32_t SmallWorld::node(uint32_t serial, const std::string& path) const {
  uint32_t at = 0;
  for (const auto& part : std::filesystem::path(path)) {
    const auto child = image(serial).lookup(at, part.string());
    if (!child) throw std::runtime_error("no such path in the image: " + path);
    at = *child;
  }
  return at;
}

std::vector<std::byte> SmallWorld::encodeOwn() const {
  ViewBuilder view(11, flagOwn);
  const auto own = [](uint32_t number) { return inode::ofEnvironment(11, 0, number); };
  view.layers = {{8, 1}, {6, 2}};
  view.addDirectory(own(0), 0);
  view.addGenerated(own(generatedNodes), -1);
  view.addEntry("cfg", generated, 0);
  view.addEntry("link", EntryKind::link, 0);
  view.addEntry("ns", graft, 1, node(6, "site/ns"));
  view.addEntry("site", graft, 0, node(8, "site"));
  view.addLink(own(2), "../target");
  // Half a second before 1970, and a time that takes more than 32 bits.
  view.times = {{0, node(8, "site/pkg"), -500'000'000, 040700, 0},
                {0, node(8, "site/pkg/__init__.py"), 4'294'967'300'250'000'000, 0, 0},
                {1, node(6, "site/ns/b.py"), 1'600'000'000'250'000'000, 0100664, 0}};
  std::ranges::sort(view.times, {}, [](const Time& time) { return std::pair{time.layer, time.node}; });
  return view.encode();
}

std::vector<std::byte> SmallWorld::encode(uint32_t environment, bool changed) const {
  if (environment == 11) return encodeOwn();
  ViewBuilder view(environment, environment == 0 ? flagImageNumbered : 0);
  const auto own = [&](uint32_t slot, uint32_t number) { return inode::ofEnvironment(environment, slot, number); };
  view.addDirectory(own(0, 0), 0);
  if (environment == 0) {
    view.layers = {{5, 0}};
    view.addEntry("packages", directory, 1);
    view.addDirectory(own(0, 1), 0);
    view.addEntry("five", graft, 0, node(5, "site"));
    return view.encode();
  }
  if (environment == 9) {
    view.layers = {{8, 1}};
    view.addEntry("site", graft, 0, node(8, "site"));
    return view.encode();
  }
  view.layers = {{5, 1}, {6, 2}};
  view.addGenerated(own(0, generatedNodes), -1);
  view.addGenerated(own(0, generatedNodes + 1), 6);
  view.addGenerated(own(0, generatedNodes + 2), -1, generatedVolatile);
  view.addEntry("cfg", generated, 0);
  view.addEntry("link", EntryKind::link, 0);
  view.addEntry("site", directory, 1);
  view.addEntry("sized", generated, 1);
  view.addEntry("vol", generated, 2);
  if (changed) view.addEntry("zz", file, 0, node(5, "bin/run"));
  view.addDirectory(own(0, 1), 0);
  view.addEntry("ns", directory, 2);
  view.addEntry("other", graft, 1, node(6, "site/other"));
  view.addEntry("pkg", graft, 0, node(5, "site/pkg"));
  if (!changed) view.addEntry("top.py", file, 0, node(5, "site/top.py"));
  view.addDirectory(own(1, node(5, "site/ns")), 1);
  view.addEntry("a.py", file, 0, node(5, "site/ns/a.py"));
  view.addEntry("b.py", file, 1, node(6, "site/ns/b.py"));
  view.addLink(own(0, 2), "../target");
  view.expanded = {{0, node(5, "site"), 1}, {0, node(5, "site/ns"), 2}, {1, node(6, "site"), 1}, {1, node(6, "site/ns"), 2}};
  return view.encode();
}
