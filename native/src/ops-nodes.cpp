#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "checked-bytecode.hpp"
#include "ops.hpp"

namespace ops {

namespace {

using namespace std::string_view_literals;
constexpr auto originAttribute = "user.shenv.origin"sv;

// A size of 0 asks how large the value is.
Answer xattrValue(const Call& call, std::string_view value) {
  const auto in = load<wire::XattrIn>(call.body);
  if (in.size == 0) return call.reply(wire::XattrOut{static_cast<uint32_t>(value.size()), 0});
  return value.size() > in.size ? Answer::fail(ERANGE) : Answer::reply(bytesOf(value));
}

std::string_view originOf(const Object& object) {
  return object.kind == Object::Kind::file ? std::string_view(object.image->source().origin) : std::string_view();
}

// How many bytes a read of `size` at `offset` gets.
size_t clip(uint64_t offset, uint32_t size, uint64_t available, size_t room) {
  if (offset >= available) return 0;
  return static_cast<size_t>(std::min<uint64_t>({size, available - offset, room}));
}

// The start of bytecode as an own view shows it. The bytes may lie where others read them too.
Answer checked(const Answer& answer, const Object& file, size_t offset, std::span<std::byte> into) {
  using namespace checkedBytecode;
  const auto header = headerOf(*file.view, file.index, file.node);
  if (!header) return answer;
  if (answer.body.data() != into.data()) std::ranges::copy(answer.body, into.begin());
  for (size_t at = std::max(begin, offset); at < end && at - offset < into.size(); ++at)
    into[at - offset] = (*header)[at - begin];
  return Answer::reply(into);
}

Answer readImage(Call& call, const Object& file, const wire::ReadIn& in) {
  const ContentPlace place = file.image->contentOf(file.node);
  const auto into = call.scratch().first(clip(in.offset, in.size, place.sizeBytes, call.scratch().size()));
  if (into.empty()) return Answer::done();
  Answer answer = call.service.images.read(place, in.offset, into);
  if (answer.error) call.worker.counters.ioErrors.add();
  return answer.error || !file.view || in.offset >= checkedBytecode::end ? answer : checked(answer, file, in.offset, into);
}

Answer readGenerated(Call& call, const Object& file, const wire::ReadIn& in) {
  const auto content = requireContent(call, file);
  if (!content) return Answer::from(content.stop());
  const Bytes all = (*content)->bytes;
  const auto into = call.scratch().first(clip(in.offset, in.size, all.size(), call.scratch().size()));
  if (!into.empty()) std::ranges::copy(all.subspan(in.offset, into.size()), into.begin());
  return Answer::reply(into);
}

Answer opened(const Call& call, uint32_t flags) { return call.reply(wire::OpenOut{0, flags, 0}); }

}  // namespace

// With a handle the kernel looks at an open file between two reads: a volatile one must not change there.
Answer getattr(Call& call) {
  const bool isStat = !(load<wire::GetattrIn>(call.body).flags & wire::getattrHasHandle);
  const auto found = call.tree().find(call.header.nodeid);
  if (!found) return Answer::from(found.stop());
  if (const auto stop = requireAttributes(call, *found, isStat)) return Answer::from(*stop);
  const uint64_t seconds = hasLastingAttributes(*found) ? limits::endlessSeconds : 0;
  return call.reply(wire::AttrOut{seconds, 0, 0, attributesOf(*found, call.world, call.service.attributes)});
}

Answer readlink(Call& call) {
  const auto found = call.tree().find(call.header.nodeid);
  if (!found) return Answer::from(found.stop());
  if (found->kind != Object::Kind::link) return Answer::fail(EINVAL);
  return Answer::reply(bytesOf(found->view->targetOf(found->view->link(found->index))));
}

// ENOSYS tells a kernel that offered it never to send OPEN again.
Answer open(Call& call) {
  if (call.service.negotiation.has(wire::feature::noOpenSupport)) return Answer::fail(ENOSYS);
  const auto found = call.tree().find(call.header.nodeid);
  if (!found) return Answer::from(found.stop());
  if ((load<uint32_t>(call.body) & O_ACCMODE) != O_RDONLY) return Answer::fail(EROFS);
  return opened(call, hasLastingAttributes(*found) ? wire::openKeepCache : 0);
}

Answer opendir(Call& call) {
  if (call.service.negotiation.has(wire::feature::noOpendirSupport)) return Answer::fail(ENOSYS);
  const auto found = call.tree().findDirectory(call.header.nodeid);
  return found ? opened(call, wire::openKeepCache | wire::openCacheDir) : Answer::from(found.stop());
}

Answer read(Call& call) {
  const auto in = load<wire::ReadIn>(call.body);
  const auto found = call.tree().find(call.header.nodeid);
  if (!found) return Answer::from(found.stop());
  if (!found->isRegular()) return Answer::fail(found->isDirectory() ? EISDIR : EINVAL);
  const Answer answer =
      found->kind == Object::Kind::file ? readImage(call, *found, in) : readGenerated(call, *found, in);
  call.worker.counters.bytesRead.add(answer.body.size());
  return answer;
}

// Without holes: data up to the end, and one hole there.
Answer lseek(Call& call) {
  const auto in = load<wire::LseekIn>(call.body);
  const auto found = call.tree().find(call.header.nodeid);
  if (!found) return Answer::from(found.stop());
  if (!found->isRegular() || (in.whence != SEEK_DATA && in.whence != SEEK_HOLE)) return Answer::fail(EINVAL);
  if (const auto stop = requireAttributes(call, *found, false)) return Answer::from(*stop);
  const uint64_t size = attributesOf(*found, call.world, call.service.attributes).size;
  if (in.offset >= size) return Answer::fail(ENXIO);
  return call.reply(wire::LseekOut{in.whence == SEEK_DATA ? in.offset : size});
}

// Everybody may read and enter everything; only x bits tell files apart. Writing is refused by the read-only mount.
Answer access(Call& call) {
  const auto found = call.tree().find(call.header.nodeid);
  if (!found) return Answer::from(found.stop());
  const bool wantsToRun = (load<wire::AccessIn>(call.body).mask & X_OK) != 0;
  return wantsToRun && found->isRegular() && (modeOf(*found) & 0111) == 0 ? Answer::fail(EACCES) : Answer::done();
}

// Outside of user.* nothing is supported: `ls -l` then asks once a mount, not once a file, for labels and lists.
Answer getxattr(Call& call) {
  if (!call.name.starts_with("user."sv)) return Answer::fail(EOPNOTSUPP);
  const auto found = call.tree().find(call.header.nodeid);
  if (!found) return Answer::from(found.stop());
  const auto origin = originOf(*found);
  if (call.name != originAttribute || origin.empty()) return Answer::fail(ENODATA);
  return xattrValue(call, origin);
}

Answer listxattr(Call& call) {
  const auto found = call.tree().find(call.header.nodeid);
  if (!found) return Answer::from(found.stop());
  return xattrValue(call, originOf(*found).empty() ? ""sv : "user.shenv.origin\0"sv);
}

}  // namespace ops
