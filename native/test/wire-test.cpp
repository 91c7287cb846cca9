// Usage: wire-test FOLDER [--stress SECONDS], wire-test --seeds FOLDER
#include "wire-test.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "fixture.hpp"
#include "sha256.hpp"

void Tally::add(const std::string& name, const std::string& problem) {
  ++(problem.empty() ? passed : failed);
  std::printf("%s %s%s%s\n", problem.empty() ? "ok  " : "FAIL", name.c_str(), problem.empty() ? "" : ": ", problem.c_str());
}

void testDigests(Tally& tally) {
  const std::pair<std::string, std::string> vectors[] = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {std::string(1'000'000, 'a'), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"}};
  for (const auto& [text, expected] : vectors) {
    std::string hex;
    char digits[3];
    for (const std::byte byte : sha256(bytesOf(text))) hex.append(digits, static_cast<size_t>(std::snprintf(digits, 3, "%02x", static_cast<unsigned>(byte))));
    tally.add("sha256 of " + std::to_string(text.size()) + " bytes", hex == expected ? "" : hex);
  }
}

namespace {

void testFixtures(Tally& tally, const std::string& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".txt") paths.push_back(entry.path());
  std::ranges::sort(paths);
  for (const auto& path : paths) {
    std::string problem;
    try {
      Fixture::run(path);
    } catch (const std::exception& error) {
      problem = error.what();
    }
    tally.add(path.stem(), problem);
  }
  if (paths.empty()) tally.add("fixtures", "there are none in " + folder);
}

}  // namespace

int main(int count, char** words) {
  if (count != 2 && count != 3 && count != 4) return std::fprintf(stderr, "usage: wire-test FOLDER [--stress SECONDS]\n"), 2;
  if (count == 3) return writeSeeds(words[2]), 0;
  Tally tally;
  testDigests(tally);
  testContents(tally);
  testFixtures(tally, words[1]);
  testRefusedImages(tally);
  testRefusedViews(tally);
  testUpper(tally);
  stress(tally, count == 4 ? std::atoi(words[3]) : 1);
  std::printf("%d passed, %d failed\n", tally.passed, tally.failed);
  return tally.failed ? 1 : 0;
}
