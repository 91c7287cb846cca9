// Contents of images: large reads at the store, bounded memory, a damaged file.
#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <thread>

#include "image-contents.hpp"
#include "wire-test.hpp"

namespace {

constexpr size_t chunkBytes = ChunkSizes::forDisk().chunkBytes;
constexpr uint64_t fileBytes = 10 * chunkBytes + 1000;

// A file in which each 8 bytes tell where they are.
class Store {
 public:
  Store() {
    std::string pattern = (std::filesystem::temp_directory_path() / "shenv-contents-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("cannot make a temporary folder");
    folder_ = pattern;
    path = folder_ + "/7.img";
    write(0);
  }
  ~Store() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  void write(uint64_t salt) {
    std::vector<uint64_t> words(fileBytes / 8);
    for (uint64_t at = 0; at < words.size(); ++at) words[at] = at ^ salt;
    std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(words.data()), fileBytes);
  }
  ContentPlace place(uint64_t offset, uint64_t bytes) const { return {7, path, Believed(std::nullopt), offset, bytes}; }

  std::string path;

 private:
  std::string folder_;
};

// The rule that the answer to a read of `bytes` at `offset` of the file breaks; both are multiples of 8.
std::string wrongIn(ImageContents& contents, const Store& store, uint64_t offset, size_t bytes, uint64_t salt = 0) {
  std::vector<std::byte> scratch(bytes);
  const Answer answer = contents.read(store.place(offset, bytes), 0, scratch);
  if (answer.error) return "error " + std::to_string(answer.error);
  if (answer.body.size() != bytes) return std::to_string(answer.body.size()) + " bytes";
  for (uint64_t at = 0; at < bytes / 8; ++at)
    if (load<uint64_t>(answer.body, at * 8) != ((offset / 8 + at) ^ salt)) return "wrong bytes at " + std::to_string(at * 8);
  return "";
}

bool eventually(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!holds() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return holds();
}

void testLargeReads(Tally& tally) {
  const Store store;
  ImageContents contents({4, {chunkBytes, 4 * chunkBytes}});
  std::string wrong;
  for (uint64_t at = 0; wrong.empty() && at < chunkBytes; at += 8192) wrong = wrongIn(contents, store, at, 8192);
  tally.add("contents: neighbours come with one read of the store",
            !wrong.empty() ? wrong : contents.usage().loads == 1 ? "" : std::to_string(contents.usage().loads) + " loads");
  tally.add("contents: a read may span chunks", wrongIn(contents, store, chunkBytes - 80, 2 * chunkBytes + 160));
  tally.add("contents: the last chunk ends with the file", wrongIn(contents, store, fileBytes - 800, 800));
  for (uint64_t at = 0; wrong.empty() && at < fileBytes - 8; at += chunkBytes) wrong = wrongIn(contents, store, at, 8);
  tally.add("contents: memory stays within its bound",
            !wrong.empty() ? wrong : contents.usage().heldBytes <= 4 * chunkBytes ? "" : "too much is held");
}

void testChangedFile(Tally& tally) {
  Store store;
  ImageContents contents({4, {chunkBytes, 1 << 20}});
  std::vector<std::byte> scratch(800);
  std::string wrong = wrongIn(contents, store, 0, 800);
  store.write(1u << 20);
  contents.drop(7);
  if (wrong.empty()) wrong = wrongIn(contents, store, 0, 800, 1u << 20);
  tally.add("contents: a dropped image is read anew", wrong);
  std::filesystem::resize_file(store.path, 4000);
  contents.drop(7);
  wrong = wrongIn(contents, store, 3200, 800, 1u << 20);
  const int error = contents.read(store.place(3600, 800), 0, scratch).error;
  tally.add("contents: of a file that is too short only what is gone fails",
            !wrong.empty() ? wrong : error == EIO ? "" : "error " + std::to_string(error));
  std::filesystem::remove(store.path);
  contents.drop(7);
  const int gone = contents.read(store.place(0, 800), 0, scratch).error;
  tally.add("contents: a file that is gone is EIO", gone == EIO ? "" : "error " + std::to_string(gone));
}

void testLateLoad(Tally& tally) {
  const Store store;
  ImageDescriptors descriptors(4);
  Chunks chunks(ChunkSizes::forDisk());
  const auto before = descriptors.open(store.place(0, 8));
  descriptors.drop(7);
  chunks.drop(7);
  const ChunkKey late{7, (*before)->drops, 0};
  loadRun(*before, late, chunks.claim(late, 1), chunks);
  const auto after = descriptors.open(store.place(0, 8));
  const ChunkKey wanted{7, (*after)->drops, 0};
  const Chunks::Found found = chunks.obtain(wanted);
  tally.add("contents: what is loaded late of a dropped image is not taken for the one after it",
            found.mustLoad ? "" : "it is");
  chunks.finish(wanted, found.chunk, 0);
}

void testReadAhead(Tally& tally) {
  const Store store;
  ImageContents contents({4, {chunkBytes, fileBytes}});
  contents.startReadAhead();
  std::string wrong = wrongIn(contents, store, 0, 8);
  const bool isAhead = eventually([&] { return contents.usage().loads == 1 + mostInRun; });
  tally.add("contents: what follows is loaded ahead", !wrong.empty() ? wrong : isAhead ? "" : "it is not");
  contents.drop(7);
  wrong = wrongIn(contents, store, 5 * chunkBytes, 8);
  tally.add("contents: after a jump nothing is loaded ahead",
            !wrong.empty() ? wrong : contents.usage().heldBytes == chunkBytes ? "" : "more is held");
  const bool isReleased = eventually([&] { return contents.usage().heldBytes == 0; });
  tally.add("contents: memory is given back when nobody reads", isReleased ? "" : "it is not");
}

void testManyReaders(Tally& tally) {
  const Store store;
  ImageContents contents({4, {chunkBytes, 3 * chunkBytes}});
  contents.startReadAhead();
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < 6; ++i)
    threads.emplace_back([&, i] {
      std::minstd_rand random(i + 1);
      for (int count = 0; count < 400; ++count) {
        const size_t bytes = 8 * (1 + random() % 20'000);
        const uint64_t offset = 8 * (random() % ((fileBytes - bytes) / 8));
        if (!wrongIn(contents, store, offset, bytes).empty()) wrong += 1;
        if (i == 0 && count % 50 == 0) contents.drop(7);
      }
    });
  for (std::thread& thread : threads) thread.join();
  contents.stopReadAhead();
  tally.add("contents: each of many readers gets its bytes", wrong == 0 ? "" : std::to_string(wrong) + " reads were wrong");
}

}  // namespace

void testContents(Tally& tally) {
  testLargeReads(tally);
  testChangedFile(tally);
  testLateLoad(tally);
  testReadAhead(tally);
  testManyReaders(tally);
}
