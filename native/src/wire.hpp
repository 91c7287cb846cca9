// Messages of /dev/fuse, protocol 7 (kernel ABI; see `man 4 fuse`). Names and layouts follow the kernel's
// interface; only what this server needs is here. All structures are copied in and out with
// memcpy: nothing promises that a message is aligned.
#pragma once
#include <cstddef>
#include <cstdint>

namespace wire {

constexpr uint32_t majorVersion = 7;
constexpr uint32_t minorVersion = 41;
// Older kernels have smaller attribute and INIT structures that this server does not write.
constexpr uint32_t oldestMinor = 12;
constexpr uint32_t shortInitMinor = 22;
constexpr uint64_t rootNode = 1;

enum Opcode : uint32_t {
  lookup = 1, forget = 2, getattr = 3, setattr = 4, readlink = 5, symlink = 6, mknod = 8, mkdir = 9,
  unlink = 10, rmdir = 11, rename = 12, link = 13, open = 14, read = 15, write = 16, statfs = 17,
  release = 18, fsync = 20, setxattr = 21, getxattr = 22, listxattr = 23, removexattr = 24, flush = 25,
  init = 26, opendir = 27, readdir = 28, releasedir = 29, fsyncdir = 30, getlk = 31, setlk = 32,
  setlkw = 33, access = 34, create = 35, interrupt = 36, bmap = 37, destroy = 38, ioctl = 39, poll = 40,
  notifyReply = 41, batchForget = 42, fallocate = 43, readdirplus = 44, rename2 = 45, lseek = 46,
  copyFileRange = 47, setupMapping = 48, removeMapping = 49, syncfs = 50, tmpfile = 51, statx = 52,
  copyFileRange64 = 53,
};
constexpr uint32_t opcodeCount = 54;

// Feature bits of INIT; those from 32 on travel in flags2 and need `initExt`.
namespace feature {
constexpr uint64_t asyncRead = 1ull << 0;
constexpr uint64_t exportSupport = 1ull << 4;
constexpr uint64_t bigWrites = 1ull << 5;
constexpr uint64_t autoInvalData = 1ull << 12;
constexpr uint64_t doReaddirplus = 1ull << 13;
constexpr uint64_t noOpenSupport = 1ull << 17;
constexpr uint64_t parallelDirops = 1ull << 18;
constexpr uint64_t maxPages = 1ull << 22;
constexpr uint64_t cacheSymlinks = 1ull << 23;
constexpr uint64_t noOpendirSupport = 1ull << 24;
constexpr uint64_t handleKillprivV2 = 1ull << 28;
constexpr uint64_t initExt = 1ull << 30;
constexpr uint64_t hasResend = 1ull << 39;
}  // namespace feature

constexpr uint32_t openKeepCache = 1u << 1;
constexpr uint32_t openCacheDir = 1u << 3;
constexpr uint32_t getattrHasHandle = 1u << 0;
constexpr int32_t notifyInvalInode = 2;
constexpr int32_t notifyInvalEntry = 3;
// Requests that were read and not answered come again, from their oldest, with this bit in `unique`; it stays there.
constexpr int32_t notifyResend = 7;
constexpr uint64_t uniqueResend = 1ull << 63;
// Every name that the kernel remembers is looked up again on its next use.
constexpr int32_t notifyIncEpoch = 8;

struct InHeader {
  uint32_t len, opcode;
  uint64_t unique, nodeid;
  uint32_t uid, gid, pid;
  uint16_t extensionLength, padding;
};
static_assert(sizeof(InHeader) == 40);

struct OutHeader {
  uint32_t len;
  int32_t error;
  uint64_t unique;
};
static_assert(sizeof(OutHeader) == 16);

struct InitIn {
  uint32_t major, minor, maxReadahead, flags, flags2, unused[11];
};
static_assert(sizeof(InitIn) == 64);
constexpr size_t initInShort = 16;

struct InitOut {
  uint32_t major, minor, maxReadahead, flags;
  uint16_t maxBackground, congestionThreshold;
  uint32_t maxWrite, timeGran;
  uint16_t maxPages, mapAlignment;
  uint32_t flags2, maxStackDepth;
  uint16_t requestTimeout, unused[11];
};
static_assert(sizeof(InitOut) == 64);
constexpr size_t initOutShort = 24;

struct Attr {
  uint64_t ino, size, blocks, atime, mtime, ctime;
  uint32_t atimensec, mtimensec, ctimensec, mode, nlink, uid, gid, rdev, blksize, flags;
};
static_assert(sizeof(Attr) == 88);

struct EntryOut {
  uint64_t nodeid, generation, entryValid, attrValid;
  uint32_t entryValidNsec, attrValidNsec;
  Attr attr;
};
static_assert(sizeof(EntryOut) == 128);

struct AttrOut {
  uint64_t attrValid;
  uint32_t attrValidNsec, dummy;
  Attr attr;
};
static_assert(sizeof(AttrOut) == 104);

struct GetattrIn {
  uint32_t flags, dummy;
  uint64_t handle;
};
static_assert(sizeof(GetattrIn) == 16);

// READ, READDIR and READDIRPLUS.
struct ReadIn {
  uint64_t handle, offset;
  uint32_t size, readFlags;
  uint64_t lockOwner;
  uint32_t flags, padding;
};
static_assert(sizeof(ReadIn) == 40);

struct OpenOut {
  uint64_t handle;
  uint32_t openFlags;
  int32_t backing;
};
static_assert(sizeof(OpenOut) == 16);

// GETXATTR (a name follows) and LISTXATTR.
struct XattrIn {
  uint32_t size, padding;
};
static_assert(sizeof(XattrIn) == 8);

struct XattrOut {
  uint32_t size, padding;
};
static_assert(sizeof(XattrOut) == 8);

struct AccessIn {
  uint32_t mask, padding;
};
static_assert(sizeof(AccessIn) == 8);

struct LseekIn {
  uint64_t handle, offset;
  uint32_t whence, padding;
};
static_assert(sizeof(LseekIn) == 24);

struct LseekOut {
  uint64_t offset;
};

struct StatfsOut {
  uint64_t blocks, bfree, bavail, files, ffree;
  uint32_t bsize, namelen, frsize, padding, spare[6];
};
static_assert(sizeof(StatfsOut) == 80);

// Of a write: it takes the set-id bits away.
constexpr uint32_t writeKillSuidgid = 1u << 2;

struct WriteIn {
  uint64_t handle, offset;
  uint32_t size, writeFlags;
  uint64_t lockOwner;
  uint32_t flags, padding;
};
static_assert(sizeof(WriteIn) == 40);

struct WriteOut {
  uint32_t size, padding;
};
static_assert(sizeof(WriteOut) == 8);

struct FallocateIn {
  uint64_t handle, offset, length;
  uint32_t mode, padding;
};
static_assert(sizeof(FallocateIn) == 32);

// So many of the next follow.
struct BatchForgetIn {
  uint32_t count, padding;
};
static_assert(sizeof(BatchForgetIn) == 8);

struct ForgetOne {
  uint64_t nodeid, lookups;
};
static_assert(sizeof(ForgetOne) == 16);

struct InterruptIn {
  uint64_t unique;
};

// Names follow; each record is padded to 8 bytes.
struct Dirent {
  uint64_t ino, off;
  uint32_t namelen, type;
};
static_assert(sizeof(Dirent) == 24);

struct NotifyInvalInode {
  uint64_t ino;
  int64_t off, len;
};
static_assert(sizeof(NotifyInvalInode) == 24);

// The name and a NUL follow.
struct NotifyInvalEntry {
  uint64_t parent;
  uint32_t namelen, flags;
};
static_assert(sizeof(NotifyInvalEntry) == 16);

}  // namespace wire
