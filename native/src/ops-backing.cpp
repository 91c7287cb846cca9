#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "ops.hpp"

namespace ops {

namespace {

// A descriptor that was opened for reading alone is that of an environment which takes no changes now.
Answer failed(int error) { return Answer::fail(error == EBADF ? EROFS : error); }

wire::Attr attributesOf(uint64_t inode, const Backing& backing, const struct stat& found) {
  const auto seconds = [](const timespec& time) { return static_cast<uint64_t>(time.tv_sec); };
  const auto rest = [](const timespec& time) { return static_cast<uint32_t>(time.tv_nsec); };
  const auto links = static_cast<uint32_t>(found.st_nlink);
  return {.ino = inode,
          .size = static_cast<uint64_t>(found.st_size),
          .blocks = static_cast<uint64_t>(found.st_blocks),
          .atime = seconds(found.st_atim), .mtime = seconds(found.st_mtim), .ctime = seconds(found.st_ctim),
          .atimensec = rest(found.st_atim), .mtimensec = rest(found.st_mtim), .ctimensec = rest(found.st_ctim),
          .mode = found.st_mode,
          .nlink = backing.isFolder ? 1 : backing.isOrphan && links > 0 ? links - 1 : links,
          .uid = found.st_uid, .gid = found.st_gid,
          .rdev = 0,
          .blksize = static_cast<uint32_t>(found.st_blksize),
          .flags = 0};
}

Answer getattr(Call& call, const Backing& backing) {
  struct stat found;
  if (::fstat(backing.file.get(), &found) != 0) return Answer::fail(errno);
  return call.reply(wire::AttrOut{limits::endlessSeconds, 0, 0, attributesOf(call.inode(), backing, found)});
}

Answer read(Call& call, int file) {
  const auto in = load<wire::ReadIn>(call.body);
  const auto into = call.scratch().first(std::min<size_t>(in.size, call.scratch().size()));
  size_t done = 0;
  while (done < into.size()) {
    const ssize_t count = ::pread(file, into.data() + done, into.size() - done, static_cast<off_t>(in.offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && done == 0) return Answer::fail(errno);
    if (count <= 0) break;
    done += static_cast<size_t>(count);
  }
  call.worker.counters.bytesRead.add(done);
  return Answer::reply(into.first(done));
}

// As the kernel does for who may not set them.
void dropSetIdBits(int file) {
  struct stat found;
  if (::fstat(file, &found) != 0) return;
  const mode_t group = (found.st_mode & S_IXGRP) != 0 ? S_ISGID : 0;
  const mode_t doomed = found.st_mode & (S_ISUID | group);
  if (doomed != 0) (void)::fchmod(file, (found.st_mode & 07777) & ~doomed);
}

// What was written before a full disk counts: the kernel asks again for the rest.
Answer write(Call& call, int file) {
  const auto in = load<wire::WriteIn>(call.body);
  const Bytes data = call.body.subspan(sizeof in);
  if (in.size != data.size()) return Answer::fail(EINVAL);
  if ((in.writeFlags & wire::writeKillSuidgid) != 0) dropSetIdBits(file);
  size_t done = 0;
  while (done < data.size()) {
    const ssize_t count = ::pwrite(file, data.data() + done, data.size() - done, static_cast<off_t>(in.offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && done == 0) return failed(errno);
    if (count <= 0) break;
    done += static_cast<size_t>(count);
  }
  return call.reply(wire::WriteOut{static_cast<uint32_t>(done), 0});
}

Answer allocate(Call& call, int file) {
  const auto in = load<wire::FallocateIn>(call.body);
  int result;
  do result = ::fallocate(file, static_cast<int>(in.mode), static_cast<off_t>(in.offset), static_cast<off_t>(in.length));
  while (result != 0 && errno == EINTR);
  return result == 0 ? Answer::done() : failed(errno);
}

// The descriptor's own position is nobody's.
Answer seek(Call& call, int file) {
  const auto in = load<wire::LseekIn>(call.body);
  if (in.whence != SEEK_DATA && in.whence != SEEK_HOLE) return Answer::fail(EINVAL);
  const off_t found = ::lseek(file, static_cast<off_t>(in.offset), static_cast<int>(in.whence));
  return found < 0 ? Answer::fail(errno) : call.reply(wire::LseekOut{static_cast<uint64_t>(found)});
}

}  // namespace

std::optional<Answer> missingIn(Call& call, const Backing& folder) {
  struct stat found;
  const std::string name(call.name);
  if (!folder.isWhole || name.starts_with(".wh.")) return std::nullopt;
  if (::fstatat(folder.file.get(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT) return std::nullopt;
  call.worker.counters.backingHits.add();
  return missingName(call);
}

Answer onBacking(Call& call, const Backing& backing) {
  call.worker.counters.backingHits.add();
  switch (call.header.opcode) {
    case wire::getattr: return getattr(call, backing);
    case wire::read: return read(call, backing.file.get());
    case wire::write: return write(call, backing.file.get());
    case wire::fallocate: return allocate(call, backing.file.get());
    default: return seek(call, backing.file.get());
  }
}

}  // namespace ops
