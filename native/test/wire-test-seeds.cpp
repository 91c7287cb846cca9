#include <filesystem>
#include <fstream>

#include "image-builder.hpp"
#include "inode.hpp"
#include "small-world.hpp"
#include "wire-test.hpp"

namespace {

void write(const std::filesystem::path& path, Bytes bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

// One request as fuzz-messages reads it.
std::vector<std::byte> message(uint32_t opcode, uint64_t node, size_t bodyBytes, std::string_view name) {
  wire::InHeader header{};
  header.opcode = opcode;
  header.nodeid = node;
  const auto length = sizeof header + bodyBytes + name.size();
  std::vector<std::byte> out(2 + length);
  out[0] = static_cast<std::byte>(length);
  store(std::span(out), 2, header);
  const Bytes text = bytesOf(name);
  std::copy(text.begin(), text.end(), out.end() - static_cast<ptrdiff_t>(name.size()));
  // A size of 4 KiB, where READ and READDIR have it.
  if (bodyBytes == 40) store(std::span(out), 2 + sizeof header + 16, uint32_t{4096});
  return out;
}

}  // namespace

void writeSeeds(const std::string& folder) {
  using namespace std::string_view_literals;
  const SmallWorld world(4096, {}, true);
  const std::filesystem::path root = folder;
  for (const uint32_t environment : {0u, 7u, 9u, 11u})
    write(root / "views" / std::to_string(environment), world.encode(environment));
  write(root / "images/wheel", buildImage(3, 1, {{"bin/run", "x", true}, {"site/a/b/c.py", "c"}, {"site/a.py", "a"}, {"data/", ""}}));
  write(root / "images/bytecode", buildImage(3, 2, {{"site/a.py", "a", false, true, 4, 4096}, {"site/a.pyc", "b"}}));
  int count = 0;
  const auto file = world.image(5).inodeOf(world.node(5, "site/top.py"));
  for (const uint64_t node : {uint64_t{1}, inode::ofEnvironment(7, 0, 0), inode::ofEnvironment(7, 0, 1u << 27), file, inode::ofEnvironment(11, 0, 0), inode::ofEnvironment(11, 1, 5)}) {
    for (uint32_t opcode = 1; opcode < wire::opcodeCount; ++opcode)
      write(root / "messages" / std::to_string(count++), message(opcode, node, 40, ""sv));
    for (const auto name : {"one\0"sv, "site\0"sv, "cfg\0"sv, "..\0"sv, ".\0"sv})
      write(root / "messages" / std::to_string(count++), message(wire::lookup, node, 0, name));
    write(root / "messages" / std::to_string(count++), message(wire::getxattr, node, 8, "user.shenv.origin\0"sv));
  }
}
