// Runs one labelled fixture of test/wire against a small world; test/wire/README.md describes the language.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "small-world.hpp"

int errorNumber(const std::string& name);
uint32_t opcodeNumber(const std::string& name);

class Fixture {
 public:
  explicit Fixture(bool isWritable) : world_(4096, {}, isWritable) {}

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
  // fixture-upper.cpp: what a writable world has beside. False for another line.
  bool upperLine(const Words& words);
  bool tablesLine(const Words& words);
  void expectForward(const Words& words);
  void setBacking(const Words& words);

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
  std::deque<uint64_t> forwardTokens_;  // of requests that the fixture has seen and not answered
  int backings_ = 0;
  std::shared_ptr<const World> held_;
};
