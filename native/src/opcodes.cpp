#include "opcodes.hpp"

namespace {

using namespace wire;

constexpr OpcodeEntry unknown(uint32_t opcode) { return {opcode, "", 0, false, true, ops::unsupported}; }
// Of a read-only session; in a writable one route.cpp comes first.
constexpr OpcodeEntry refused(uint32_t opcode, const char* name, uint16_t changeBytes) {
  return {opcode, name, 0, false, true, ops::readOnly, changeBytes};
}
// ENOSYS makes the kernel succeed without asking again: a FLUSH for each close would double what a file costs.
constexpr OpcodeEntry absent(uint32_t opcode, const char* name) {
  return {opcode, name, 0, false, true, ops::unsupported};
}
constexpr OpcodeEntry fine(uint32_t opcode, const char* name) { return {opcode, name, 0, false, true, ops::succeed}; }
constexpr OpcodeEntry silent(uint32_t opcode, const char* name, uint16_t bytes, ops::Handler handler) {
  return {opcode, name, bytes, false, false, handler};
}

constexpr std::array<OpcodeEntry, opcodeCount> table = {{
    unknown(0),
    {Opcode::lookup, "LOOKUP", 0, true, true, ops::lookup},
    silent(Opcode::forget, "FORGET", 8, ops::forget),
    {Opcode::getattr, "GETATTR", sizeof(GetattrIn), false, true, ops::getattr},
    refused(Opcode::setattr, "SETATTR", 88),
    {Opcode::readlink, "READLINK", 0, false, true, ops::readlink},
    refused(Opcode::symlink, "SYMLINK", 4),
    unknown(7),
    refused(Opcode::mknod, "MKNOD", 18),
    refused(Opcode::mkdir, "MKDIR", 10),
    refused(Opcode::unlink, "UNLINK", 2),
    refused(Opcode::rmdir, "RMDIR", 2),
    refused(Opcode::rename, "RENAME", 12),
    refused(Opcode::link, "LINK", 10),
    {Opcode::open, "OPEN", 8, false, true, ops::open},
    {Opcode::read, "READ", sizeof(ReadIn), false, true, ops::read},
    refused(Opcode::write, "WRITE", 40),
    {Opcode::statfs, "STATFS", 0, false, true, ops::statfs},
    fine(Opcode::release, "RELEASE"),
    unknown(19),
    absent(Opcode::fsync, "FSYNC"),
    refused(Opcode::setxattr, "SETXATTR", 11),
    {Opcode::getxattr, "GETXATTR", sizeof(XattrIn), true, true, ops::getxattr},
    {Opcode::listxattr, "LISTXATTR", sizeof(XattrIn), false, true, ops::listxattr},
    refused(Opcode::removexattr, "REMOVEXATTR", 2),
    absent(Opcode::flush, "FLUSH"),
    {Opcode::init, "INIT", 8, false, true, ops::init},
    {Opcode::opendir, "OPENDIR", 8, false, true, ops::opendir},
    {Opcode::readdir, "READDIR", sizeof(ReadIn), false, true, ops::readdir},
    fine(Opcode::releasedir, "RELEASEDIR"),
    absent(Opcode::fsyncdir, "FSYNCDIR"),
    absent(Opcode::getlk, "GETLK"),
    absent(Opcode::setlk, "SETLK"),
    absent(Opcode::setlkw, "SETLKW"),
    {Opcode::access, "ACCESS", sizeof(AccessIn), false, true, ops::access},
    refused(Opcode::create, "CREATE", 18),
    silent(Opcode::interrupt, "INTERRUPT", sizeof(InterruptIn), ops::interrupt),
    absent(Opcode::bmap, "BMAP"),
    fine(Opcode::destroy, "DESTROY"),
    {Opcode::ioctl, "IOCTL", 0, false, true, ops::notATerminal},
    absent(Opcode::poll, "POLL"),
    silent(Opcode::notifyReply, "NOTIFY_REPLY", 0, ops::noReply),
    silent(Opcode::batchForget, "BATCH_FORGET", sizeof(BatchForgetIn), ops::batchForget),
    refused(Opcode::fallocate, "FALLOCATE", 32),
    {Opcode::readdirplus, "READDIRPLUS", sizeof(ReadIn), false, true, ops::readdirplus},
    refused(Opcode::rename2, "RENAME2", 20),
    {Opcode::lseek, "LSEEK", sizeof(LseekIn), false, true, ops::lseek},
    refused(Opcode::copyFileRange, "COPY_FILE_RANGE", 0),
    absent(Opcode::setupMapping, "SETUPMAPPING"),
    absent(Opcode::removeMapping, "REMOVEMAPPING"),
    fine(Opcode::syncfs, "SYNCFS"),
    refused(Opcode::tmpfile, "TMPFILE", 18),
    absent(Opcode::statx, "STATX"),
    refused(Opcode::copyFileRange64, "COPY_FILE_RANGE_64", 0),
}};

constexpr bool isIndexedByOpcode() {
  for (uint32_t opcode = 0; opcode < table.size(); ++opcode)
    if (table[opcode].opcode != opcode) return false;
  return true;
}
static_assert(isIndexedByOpcode());

}  // namespace

const OpcodeEntry& opcodeEntry(uint32_t opcode) { return table[opcode < table.size() ? opcode : 0]; }

const std::array<OpcodeEntry, wire::opcodeCount>& opcodeTable() { return table; }
