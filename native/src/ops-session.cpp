#include <sys/statvfs.h>

#include <cerrno>

#include "dispatch.hpp"
#include "ops.hpp"

namespace ops {

Answer init(Call& call) {
  wire::InitOut reply;
  size_t replyBytes;
  const int error = call.service.negotiation.answer(call.body, reply, replyBytes);
  if (error) return Answer::fail(error);
  return Answer::reply(call.reply(reply).body.first(replyBytes));
}

namespace {

// What is written goes there.
bool fill(wire::StatfsOut& out, const std::string& path) {
  struct statvfs found;
  if (path.empty() || ::statvfs(path.c_str(), &found) != 0) return false;
  out.blocks = found.f_blocks;
  out.bfree = found.f_bfree;
  out.bavail = found.f_bavail;
  out.files = found.f_files;
  out.ffree = found.f_ffree;
  out.bsize = static_cast<uint32_t>(found.f_bsize);
  out.frsize = static_cast<uint32_t>(found.f_frsize);
  out.namelen = limits::nameBytes;
  return true;
}

void forgetOne(Call& call, uint64_t inode) {
  if (call.service.watches.take(inode)) call.service.onForget(inode);
}

}  // namespace

// No blocks at all where nothing is written: `df` leaves such a file system out unless asked.
Answer statfs(Call& call) {
  wire::StatfsOut out{};
  if (call.service.isWritable && fill(out, call.service.statfsPath)) return call.reply(out);
  out.bsize = out.frsize = 4096;
  out.namelen = limits::nameBytes;
  return call.reply(out);
}

// Only requests that wait for JavaScript take long enough to be given up.
Answer interrupt(Call& call) {
  for (const Parked& request : call.service.upcalls.interrupt(load<wire::InterruptIn>(call.body).unique))
    answerParked(request, EINTR, call.worker);
  return Answer::none();
}

// There is no table to take anything from; JavaScript may want to know of some.
Answer forget(Call& call) {
  forgetOne(call, call.inode());
  return Answer::none();
}

Answer batchForget(Call& call) {
  const size_t count = load<uint32_t>(call.body);
  const Bytes items = call.body.subspan(sizeof(wire::BatchForgetIn));
  for (size_t i = 0; i < count && (i + 1) * sizeof(wire::ForgetOne) <= items.size(); ++i)
    forgetOne(call, load<wire::ForgetOne>(items, i * sizeof(wire::ForgetOne)).nodeid);
  return Answer::none();
}

Answer noReply(Call&) { return Answer::none(); }
Answer succeed(Call&) { return Answer::done(); }
Answer notATerminal(Call&) { return Answer::fail(ENOTTY); }
Answer readOnly(Call&) { return Answer::fail(EROFS); }
Answer unsupported(Call&) { return Answer::fail(ENOSYS); }

}  // namespace ops
