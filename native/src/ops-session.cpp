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

// No blocks at all: `df` leaves such a file system out unless asked.
Answer statfs(Call& call) {
  wire::StatfsOut out{};
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

Answer noReply(Call&) { return Answer::none(); }
Answer succeed(Call&) { return Answer::done(); }
Answer notATerminal(Call&) { return Answer::fail(ENOTTY); }
Answer readOnly(Call&) { return Answer::fail(EROFS); }
Answer unsupported(Call&) { return Answer::fail(ENOSYS); }

}  // namespace ops
