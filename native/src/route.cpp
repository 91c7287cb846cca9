#include "route.hpp"

#include <cerrno>

#include "opcodes.hpp"

namespace {

// What an opcode does with the inode of its header.
enum class Use : uint8_t { none, look, check, open, change, names, copy, sync };

Use useOf(uint32_t opcode) {
  switch (opcode) {
    case wire::lookup:
    case wire::getattr:
    case wire::readlink:
    case wire::read:
    case wire::readdir:
    case wire::readdirplus:
    case wire::lseek:
    case wire::getxattr:
    case wire::listxattr: return Use::look;
    case wire::access: return Use::check;
    case wire::open:
    case wire::opendir: return Use::open;
    case wire::setattr:
    case wire::write:
    case wire::setxattr:
    case wire::removexattr:
    case wire::fallocate: return Use::change;
    case wire::create:
    case wire::mkdir:
    case wire::mknod:
    case wire::symlink:
    case wire::link:
    case wire::unlink:
    case wire::rmdir:
    case wire::rename:
    case wire::rename2:
    case wire::tmpfile: return Use::names;
    case wire::copyFileRange:
    case wire::copyFileRange64: return Use::copy;
    case wire::fsync:
    case wire::fsyncdir: return Use::sync;
    default: return Use::none;
  }
}

bool isForBacking(uint32_t opcode) {
  return opcode == wire::read || opcode == wire::write || opcode == wire::getattr || opcode == wire::fallocate ||
         opcode == wire::lseek || opcode == wire::lookup;
}

std::optional<uint32_t> environmentIn(uint64_t number) {
  if (inode::spaceOf(number) != inode::Space::environment) return std::nullopt;
  return inode::environmentOf(number);
}

// No layer has these, and the kernel asks for one before each write.
bool isForeignAttribute(const Call& call) {
  return call.header.opcode == wire::getxattr && !call.name.starts_with("user.");
}

// Nothing goes into or out of an environment that takes no changes by renaming; tools copy then.
bool leavesEnvironment(const Call& call) {
  const bool isRename = call.header.opcode == wire::rename || call.header.opcode == wire::rename2;
  if (!isRename || call.body.size() < sizeof(uint64_t)) return false;
  const auto to = load<uint64_t>(call.body);
  const uint64_t number = to == inode::mountRoot ? call.world.rootInode() : to;
  return environmentIn(number) != environmentIn(call.inode());
}

// What is in no upper layer: images by their numbers, sealed environments, `.shenv`.
std::optional<Answer> sealed(const Call& call, Use use) {
  if (use == Use::change || use == Use::names) return Answer::fail(leavesEnvironment(call) ? EXDEV : EROFS);
  return use == Use::sync ? std::optional(Answer::done()) : std::nullopt;
}

std::optional<Answer> mountRoot(const Call& call, Use use) {
  return use == Use::names ? std::optional(Answer::forward()) : sealed(call, use);
}

// A kernel that offers it has been told that opening is its own matter.
std::optional<Answer> opened(const Call& call) {
  const bool isFolder = call.header.opcode == wire::opendir;
  const auto never = isFolder ? wire::feature::noOpendirSupport : wire::feature::noOpenSupport;
  if (call.service.negotiation.has(never)) return std::nullopt;
  return call.reply(wire::OpenOut{0, wire::openKeepCache | (isFolder ? wire::openCacheDir : 0), 0});
}

std::optional<Answer> own(Call& call, Use use) {
  const uint64_t number = call.inode();
  if (use == Use::open) return opened(call);
  if (isForBacking(call.header.opcode)) {
    if (const auto backing = call.service.upper.backing(number)) {
      if (call.header.opcode == wire::lookup) {
        if (auto missing = ops::missingIn(call, *backing)) return missing;
      } else if (!backing->isFolder || call.header.opcode == wire::getattr) {
        return ops::onBacking(call, *backing);
      }
    }
  }
  const bool isChanged = inode::isUpper(number) || call.service.upper.isChanged(number);
  if (use == Use::check) return isChanged ? std::optional(Answer::done()) : std::nullopt;
  if (isChanged || use == Use::change || use == Use::names) return Answer::forward();
  return use == Use::sync ? std::optional(Answer::done()) : std::nullopt;
}

}  // namespace

std::optional<Answer> route(Call& call) {
  const Use use = useOf(call.header.opcode);
  if (use == Use::none || isForeignAttribute(call)) return std::nullopt;
  // The kernel copies itself then, and does not ask again.
  if (use == Use::copy) return Answer::fail(ENOSYS);
  if (call.body.size() < opcodeEntry(call.header.opcode).changeBytes) return Answer::fail(EINVAL);
  if (call.name.size() > limits::nameBytes) return Answer::fail(ENAMETOOLONG);
  const uint64_t number = call.inode();
  if (number == inode::mountRoot) return mountRoot(call, use);
  const auto environment = environmentIn(number);
  if (!environment || *environment == 0) return sealed(call, use);
  const View* view = call.world.view(*environment);
  if (view) return view->isOwn() ? own(call, use) : sealed(call, use);
  if (!call.world.isRoot(*environment)) return Answer::fail(ESTALE);
  return Answer::from(Stop(Missing::view(*environment)));
}
