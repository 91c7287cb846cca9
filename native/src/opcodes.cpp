#include "opcodes.hpp"

namespace {

using namespace wire;

constexpr OpcodeEntry unknown(uint32_t opcode) { return {opcode, "", 0, false, true, ops::unsupported}; }
constexpr OpcodeEntry refused(uint32_t opcode, const char* name) { return {opcode, name, 0, false, true, ops::readOnly}; }
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
    silent(Opcode::forget, "FORGET", 8, ops::noReply),
    {Opcode::getattr, "GETATTR", sizeof(GetattrIn), false, true, ops::getattr},
    refused(Opcode::setattr, "SETATTR"),
    {Opcode::readlink, "READLINK", 0, false, true, ops::readlink},
    refused(Opcode::symlink, "SYMLINK"),
    unknown(7),
    refused(Opcode::mknod, "MKNOD"),
    refused(Opcode::mkdir, "MKDIR"),
    refused(Opcode::unlink, "UNLINK"),
    refused(Opcode::rmdir, "RMDIR"),
    refused(Opcode::rename, "RENAME"),
    refused(Opcode::link, "LINK"),
    {Opcode::open, "OPEN", 8, false, true, ops::open},
    {Opcode::read, "READ", sizeof(ReadIn), false, true, ops::read},
    refused(Opcode::write, "WRITE"),
    {Opcode::statfs, "STATFS", 0, false, true, ops::statfs},
    fine(Opcode::release, "RELEASE"),
    unknown(19),
    absent(Opcode::fsync, "FSYNC"),
    refused(Opcode::setxattr, "SETXATTR"),
    {Opcode::getxattr, "GETXATTR", sizeof(XattrIn), true, true, ops::getxattr},
    {Opcode::listxattr, "LISTXATTR", sizeof(XattrIn), false, true, ops::listxattr},
    refused(Opcode::removexattr, "REMOVEXATTR"),
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
    refused(Opcode::create, "CREATE"),
    silent(Opcode::interrupt, "INTERRUPT", sizeof(InterruptIn), ops::interrupt),
    absent(Opcode::bmap, "BMAP"),
    fine(Opcode::destroy, "DESTROY"),
    {Opcode::ioctl, "IOCTL", 0, false, true, ops::notATerminal},
    absent(Opcode::poll, "POLL"),
    silent(Opcode::notifyReply, "NOTIFY_REPLY", 0, ops::noReply),
    silent(Opcode::batchForget, "BATCH_FORGET", 8, ops::noReply),
    refused(Opcode::fallocate, "FALLOCATE"),
    {Opcode::readdirplus, "READDIRPLUS", sizeof(ReadIn), false, true, ops::readdirplus},
    refused(Opcode::rename2, "RENAME2"),
    {Opcode::lseek, "LSEEK", sizeof(LseekIn), false, true, ops::lseek},
    refused(Opcode::copyFileRange, "COPY_FILE_RANGE"),
    absent(Opcode::setupMapping, "SETUPMAPPING"),
    absent(Opcode::removeMapping, "REMOVEMAPPING"),
    fine(Opcode::syncfs, "SYNCFS"),
    refused(Opcode::tmpfile, "TMPFILE"),
    absent(Opcode::statx, "STATX"),
    refused(Opcode::copyFileRange64, "COPY_FILE_RANGE_64"),
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
