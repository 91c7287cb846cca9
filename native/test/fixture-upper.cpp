#include <fcntl.h>

#include <algorithm>
#include <fstream>
#include <stdexcept>

#include "fixture.hpp"

namespace {

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }

uint64_t takeFront(std::deque<uint64_t>& queue, const char* what) {
  if (queue.empty()) fail(std::string("no ") + what);
  const uint64_t front = queue.front();
  queue.pop_front();
  return front;
}

}  // namespace

bool Fixture::upperLine(const Words& words) {
  const std::string& kind = words[0];
  Service& service = world_.service;
  if (kind == "forward") {
    expectForward(words);
  } else if (kind == "no-forward") {
    if (!world_.forwards.empty()) fail("a request was forwarded");
  } else if (kind == "answer") {
    const std::string body = words.size() > 2 ? words[2] : std::string();
    answerForwarded(takeFront(forwardTokens_, "token"), errorNumber(words.at(1)), bytesOf(body), service, world_.worker);
  } else if (kind == "answer-lookup") {
    const uint64_t token = takeFront(forwardTokens_, "token");
    answerLookup(token, number(words.at(1)), words.at(2), service, world_.worker);
  } else if (kind == "retry") {
    retryForwarded(takeFront(forwardTokens_, "token"), service, world_.worker);
  } else if (kind == "watch") {
    service.watches.add(number(words.at(1)));
  } else if (kind == "forgotten") {
    if (takeFront(world_.forgotten, "inode is forgotten") != number(words.at(1))) fail("another inode");
  } else {
    return tablesLine(words);
  }
  return true;
}

bool Fixture::tablesLine(const Words& words) {
  const std::string& kind = words[0];
  UpperTables& upper = world_.service.upper;
  if (kind == "set-backing") setBacking(words);
  else if (kind == "set-orphan") upper.setOrphan(number(words.at(1)));
  else if (kind == "drop-backing") upper.dropBacking(number(words.at(1)));
  else if (kind == "mark-changed") upper.markChanged(number(words.at(1)));
  else if (kind == "clear-changed") upper.clearChanged(number(words.at(1)));
  else if (kind == "drop-upper") upper.drop(static_cast<uint32_t>(number(words.at(1))));
  else if (kind == "backing-has") {
    std::ifstream file(world_.folder() + "/backing-" + std::to_string(backings_));
    const std::string text(std::istreambuf_iterator<char>(file), {});
    if (text != words.at(1)) fail("it has: " + text);
  } else {
    return false;
  }
  return true;
}

// forward OPCODE INODE: its body is looked at as that of a reply is.
void Fixture::expectForward(const Words& words) {
  if (world_.forwards.empty()) fail("nothing was forwarded");
  const Forward request = world_.forwards.front();
  world_.forwards.pop_front();
  const auto header = load<wire::InHeader>(*request.message);
  if (header.opcode != opcodeNumber(words.at(1))) fail("the opcode is " + std::to_string(header.opcode));
  if (request.inode != number(words.at(2))) fail("the inode is " + std::to_string(request.inode));
  forwardTokens_.push_back(request.token);
  reply_.assign(request.message->begin() + sizeof header, request.message->end());
  replyAt_ = 0;
}

// set-backing INODE TEXT [orphan] [read-only]
void Fixture::setBacking(const Words& words) {
  const std::string path = world_.folder() + "/backing-" + std::to_string(++backings_);
  std::ofstream(path) << words.at(2);
  const auto has = [&](const char* word) { return std::ranges::find(words, word) != words.end(); };
  OwnedFd file(::open(path.c_str(), (has("read-only") ? O_RDONLY : O_RDWR) | O_CLOEXEC));
  if (!file) fail("cannot open " + path);
  world_.service.upper.setBacking(number(words.at(1)), std::move(file), {.isOrphan = has("orphan")});
}
