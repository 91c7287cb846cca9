// Runs one labelled fixture of test/wire against a small world; test/wire/README.md describes the language.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "small-world.hpp"

class Fixture {
 public:
  // Throws std::runtime_error that names the line.
  static void run(const std::string& path);

 private:
  using Words = std::vector<std::string>;

  void line(const Words& words);
  bool requestLine(const Words& words);
  bool replyLine(const Words& words);
  void worldLine(const Words& words);
  void publishSole(uint32_t environment, bool exists);
  void beginRequest(const Words& words);
  void sendRequest();
  void expectReply(int error);
  void expectNothing();
  void endReply();
  void expectUpcall(const Words& words);
  void expectEntry(const Words& words, bool plus);
  void completeOldest(const Words& words);

  uint64_t number(const std::string& word) const;
  uint64_t place(const std::string& word) const;
  void append(Bytes bytes);
  template <class Value>
  void numberField(const Words& words);
  template <class Value>
  Value take();
  std::string takeText(size_t bytes);
  std::string takeName();

  SmallWorld world_;
  std::optional<std::vector<std::byte>> request_;  // in work
  std::vector<std::byte> reply_;
  size_t replyAt_ = 0;
  uint64_t unique_ = 0;
  std::deque<uint64_t> tokens_;  // of upcalls that the fixture has seen and not completed
  std::shared_ptr<const World> held_;
};
