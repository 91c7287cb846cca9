#include "fixture.hpp"

#include <cstring>
#include <fstream>

#include "inode.hpp"
#include "opcodes.hpp"

namespace {

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }

void equal(uint64_t found, uint64_t expected, const std::string& label) {
  if (found != expected) fail(label + " is " + std::to_string(found) + ", not " + std::to_string(expected));
}

// Words are separated by spaces; a word in double quotes may hold spaces, \0 and \n.
std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> words;
  for (size_t at = 0; at < line.size();) {
    if (line[at] == ' ') { ++at; continue; }
    if (line[at] == '#') break;
    std::string word;
    if (line[at] != '"') {
      while (at < line.size() && line[at] != ' ') word += line[at++];
    } else {
      for (++at; at < line.size() && line[at] != '"'; ++at) {
        if (line[at] == '\\' && ++at < line.size()) word += line[at] == '0' ? '\0' : line[at] == 'n' ? '\n' : line[at];
        else word += line[at];
      }
      ++at;
    }
    words.push_back(word);
  }
  return words;
}

std::vector<std::string> splitAt(const std::string& text, char separator) {
  std::vector<std::string> parts{""};
  for (const char c : text) {
    if (c == separator) parts.emplace_back();
    else parts.back() += c;
  }
  return parts;
}

}  // namespace

int errorNumber(const std::string& name) {
  if (name == "0" || name == "ok") return 0;
  for (int error = 1; error < 134; ++error)
    if (const char* known = strerrorname_np(error); known && name == known) return error;
  fail("no such errno: " + name);
}

uint32_t opcodeNumber(const std::string& name) {
  for (const OpcodeEntry& entry : opcodeTable())
    if (name == entry.name) return entry.opcode;
  return static_cast<uint32_t>(std::stoul(name, nullptr, 0));
}

void Fixture::run(const std::string& path) {
  std::ifstream file(path);
  if (!file) fail("cannot read " + path);
  std::string text;
  const bool isWritable = std::getline(file, text) && text == "writable";
  if (!isWritable) file.seekg(0);
  Fixture fixture(isWritable);
  for (int number = isWritable ? 2 : 1; std::getline(file, text); ++number) {
    try {
      const Words words = split(text);
      if (!words.empty()) fixture.line(words);
    } catch (const std::exception& error) {
      fail("line " + std::to_string(number) + " (" + text + "): " + error.what());
    }
  }
  fixture.endReply();
  if (!fixture.world_.upcalls.empty()) fail("an upcall was not expected");
  if (!fixture.world_.forwards.empty()) fail("a forwarded request was not expected");
  if (!fixture.world_.forgotten.empty()) fail("that something is forgotten was not expected");
}

void Fixture::line(const Words& words) {
  if (request_ ? requestLine(words) : replyLine(words)) return;
  if (request_) fail("expected reply, error, none or parked first");
  worldLine(words);
}

bool Fixture::requestLine(const Words& words) {
  const std::string& kind = words[0];
  if (kind == "u16") numberField<uint16_t>(words);
  else if (kind == "u32") numberField<uint32_t>(words);
  else if (kind == "u64") numberField<uint64_t>(words);
  else if (kind == "name") append(bytesOf(words.at(1) + '\0'));
  else if (kind == "bytes") append(bytesOf(words.at(1)));
  else if (kind == "zeros") append(std::vector<std::byte>(number(words.at(1))));
  else if (kind == "len") store(std::span(*request_), 0, static_cast<uint32_t>(number(words.at(1))));
  else if (kind == "cut") request_->resize(number(words.at(1)));
  else if (kind == "reply") expectReply(0);
  else if (kind == "error") expectReply(errorNumber(words.at(1)));
  else if (kind == "none" || kind == "parked") expectNothing();
  else if (kind == "interrupts") sendRequest(), expectReply(errorNumber(words.at(1)));
  else return false;
  return true;
}

void Fixture::append(Bytes bytes) {
  request_->insert(request_->end(), bytes.begin(), bytes.end());
  store(std::span(*request_), 0, static_cast<uint32_t>(request_->size()));
}

template <class Value>
void Fixture::numberField(const Words& words) {
  append(bytesOf(static_cast<Value>(number(words.at(2)))));
}

bool Fixture::replyLine(const Words& words) {
  const std::string& kind = words[0];
  if (kind == "u16") equal(take<uint16_t>(), number(words.at(2)), words[1]);
  else if (kind == "u32") equal(take<uint32_t>(), number(words.at(2)), words[1]);
  else if (kind == "u64") equal(take<uint64_t>(), number(words.at(2)), words[1]);
  else if (kind == "bytes" && takeText(words.at(1).size()) != words.at(1)) fail("other bytes");
  else if (kind == "skip") takeText(number(words.at(1)));
  else if (kind == "rest") equal(reply_.size() - replyAt_, number(words.at(1)), "rest"), replyAt_ = reply_.size();
  else if (kind == "dirent" || kind == "direntplus") expectEntry(words, kind == "direntplus");
  else return kind == "bytes";
  return true;
}

template <class Value>
Value Fixture::take() {
  if (reply_.size() - replyAt_ < sizeof(Value)) fail("the reply is too short");
  replyAt_ += sizeof(Value);
  return load<Value>(reply_, replyAt_ - sizeof(Value));
}

std::string Fixture::takeText(size_t bytes) {
  if (reply_.size() - replyAt_ < bytes) fail("the reply is too short");
  replyAt_ += bytes;
  return std::string(textOf(Bytes(reply_).subspan(replyAt_ - bytes, bytes)));
}

// direntplus NODEID INO OFFSET TYPE NAME, dirent without the first.
void Fixture::expectEntry(const Words& words, bool plus) {
  size_t at = 1;
  if (plus) {
    const auto entry = take<wire::EntryOut>();
    equal(entry.nodeid, number(words.at(at++)), "nodeid");
    if (entry.nodeid) equal(entry.attr.ino, number(words.at(at)), "attr.ino");
  }
  const auto dirent = take<wire::Dirent>();
  equal(dirent.ino, number(words.at(at++)), "ino");
  equal(dirent.off, number(words.at(at++)), "off");
  equal(dirent.type, number(words.at(at++)), "type");
  if (takeText(dirent.namelen) != words.at(at)) fail("another name");
  takeText((8 - dirent.namelen % 8) % 8);
}

void Fixture::worldLine(const Words& words) {
  endReply();
  const std::string& kind = words[0];
  if (kind == "request") beginRequest(words);
  else if (kind == "publish") world_.publish(static_cast<uint32_t>(number(words.at(1))), words.size() > 2);
  else if (kind == "sole" || kind == "sole-gone") publishSole(static_cast<uint32_t>(number(words.at(1))), kind == "sole");
  else if (kind == "drop-view") world_.service.dropView(static_cast<uint32_t>(number(words.at(1))));
  else if (kind == "drop-image") world_.service.dropImage(static_cast<uint32_t>(number(words.at(1))));
  else if (kind == "truncate-image") std::ofstream(world_.imagePath(static_cast<uint32_t>(number(words.at(1)))), std::ios::trunc);
  else if (kind == "upcall") expectUpcall(words);
  else if (kind == "no-upcall") equal(world_.upcalls.size(), 0, "upcalls");
  else if (kind == "complete-view" || kind == "complete-content") completeOldest(words);
  else if (kind == "close") closeUpcalls(world_.service, world_.worker);
  else if (kind == "hold") held_ = world_.service.publisher.current();
  else if (kind == "held-view-has") {
    const auto found = held_->view(static_cast<uint32_t>(number(words.at(1))))->lookup(1, words.at(2));
    if (!found) fail("the held view lost a name");
  } else if (kind == "answered") {  // a parked request's answer
    expectReply(errorNumber(words.at(1)));
  } else if (kind == "nothing") {
    equal(world_.sink->replies.size(), 0, "replies");
  } else if (!upperLine(words)) {
    fail("unknown line");
  }
}

void Fixture::publishSole(uint32_t environment, bool exists) {
  world_.service.publisher.publishRoots(exists ? std::vector<RootEntry>{{"sole", environment}} : std::vector<RootEntry>{},
                                        environment);
}

// request OPCODE [NODE]: the header; the lines after it add to the body.
void Fixture::beginRequest(const Words& words) {
  wire::InHeader header{};
  header.len = sizeof header;
  header.opcode = opcodeNumber(words.at(1));
  header.unique = ++unique_;
  header.nodeid = words.size() > 2 ? number(words[2]) : 0;
  const Bytes bytes = bytesOf(header);
  request_.emplace(bytes.begin(), bytes.end());
}

void Fixture::sendRequest() {
  if (!request_) return;
  const auto message = std::exchange(request_, std::nullopt);
  serve(*message, world_.service, world_.worker, world_.sink);
}

void Fixture::expectReply(int error) {
  const bool isFresh = request_.has_value();
  sendRequest();
  if (world_.sink->replies.empty()) fail("no reply");
  reply_ = std::move(world_.sink->replies.front());
  world_.sink->replies.pop_front();
  replyAt_ = 0;
  const auto header = take<wire::OutHeader>();
  equal(header.len, reply_.size(), "len");
  if (header.error != -error) fail(std::string("the error is ") + (strerrorname_np(-header.error) ?: "0"));
  if (isFresh) equal(header.unique, unique_, "unique");
}

void Fixture::expectNothing() {
  sendRequest();
  equal(world_.sink->replies.size(), 0, "replies");
}

void Fixture::endReply() { equal(reply_.size() - replyAt_, 0, "what is left of the reply"); }

// upcall view SERIAL, upcall image SERIAL, upcall content INODE
void Fixture::expectUpcall(const Words& words) {
  if (world_.upcalls.empty()) fail("no upcall");
  const Upcall upcall = world_.upcalls.front();
  world_.upcalls.pop_front();
  const auto kind = words.at(1) == "view"    ? Missing::Kind::view
                    : words.at(1) == "image" ? Missing::Kind::image
                                             : Missing::Kind::content;
  if (upcall.missing.kind != kind) fail("an upcall of the other kind");
  equal(upcall.missing.subject, number(words.at(2)), "subject");
  tokens_.push_back(upcall.token);
}

// complete-view ERRNO, complete-content ERRNO [TEXT]
void Fixture::completeOldest(const Words& words) {
  if (tokens_.empty()) fail("nothing to complete");
  const uint64_t token = tokens_.front();
  tokens_.pop_front();
  const int error = errorNumber(words.at(1));
  if (words[0] == "complete-view") return completeView(token, error, world_.service, world_.worker);
  const std::string text = words.size() > 2 ? words[2] : "";
  const Bytes bytes = bytesOf(text);
  completeContent(token, error, {bytes.begin(), bytes.end()}, world_.service, world_.worker);
}

// A number, or an inode: file:SERIAL:PATH, env:SERIAL:SLOT:NODE, dir:SERIAL:PATH, and image:SERIAL:PATH for the
// node in slot 1 or 2 of environment 7; own:SERIAL:PATH in environment 11, upper:SERIAL:NUMBER in an upper layer.
uint64_t Fixture::number(const std::string& word) const {
  return word.find(':') == word.npos ? std::stoull(word, nullptr, 0) : place(word);
}

uint64_t Fixture::place(const std::string& word) const {
  const auto parts = splitAt(word, ':');
  const auto serial = static_cast<uint32_t>(std::stoul(parts.at(1)));
  if (parts[0] == "env")
    return inode::ofEnvironment(serial, static_cast<uint32_t>(std::stoul(parts.at(2))),
                                static_cast<uint32_t>(std::stoul(parts.at(3), nullptr, 0)));
  if (parts[0] == "upper") return inode::ofEnvironment(serial, 0, 0) | uint64_t{1} << 40 | std::stoull(parts.at(2), nullptr, 0);
  const uint32_t node = world_.node(serial, parts.at(2));
  if (parts[0] == "own") return inode::ofEnvironment(11, serial == 8 ? 1 : 2, node);
  if (parts[0] == "file") return world_.image(serial).inodeOf(node);
  if (parts[0] == "dir") return inode::ofImageDirectory(serial, node);
  if (parts[0] == "nine") return inode::ofEnvironment(9, 1, node);
  if (parts[0] == "image") return inode::ofEnvironment(7, serial - 4, node);
  fail("no such place: " + word);
}
