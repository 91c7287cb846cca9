#include <cerrno>

#include "listing.hpp"
#include "ops.hpp"

namespace ops {

namespace {

wire::EntryOut entryOf(const Call& call, const Object& object) {
  const uint64_t seconds = hasLastingAttributes(object) ? limits::endlessSeconds : 0;
  // The kernel asks again, and the upper layer answers.
  const bool isChanged = call.mayHaveUpper() && call.service.upper.isChanged(object.inode);
  return {.nodeid = call.world.nodeIdOf(object.inode),
          .generation = 0,
          .entryValid = seconds, .attrValid = isChanged ? 0 : seconds,
          .entryValidNsec = 0, .attrValidNsec = 0,
          .attr = attributesOf(object, call.world, call.service.attributes)};
}

// With "." the kernel asks whether a node id from a file handle still stands for something.
Result<Object> self(const Call& call) {
  auto found = call.tree().find(call.header.nodeid);
  if (found && call.world.nodeIdOf(found->inode) != call.header.nodeid) return Stop(ESTALE);
  return found;
}

Result<Object> target(const Call& call) {
  if (call.name == ".") return self(call);
  const auto directory = call.tree().findDirectory(call.header.nodeid);
  if (!directory) return directory;
  return call.name == ".." ? call.tree().parent(*directory) : call.tree().lookup(*directory, call.name);
}

Answer list(Call& call, bool plus) {
  const auto in = load<wire::ReadIn>(call.body);
  const auto directory = call.tree().findDirectory(call.header.nodeid);
  if (!directory) return Answer::from(directory.stop());
  const auto parent = call.tree().parent(*directory);
  if (!parent) return Answer::from(parent.stop());
  Listing listing(call.scratch().first(std::min<size_t>(in.size, call.scratch().size())), plus);
  const uint64_t end = uint64_t{call.tree().childCount(*directory)} + 2;
  for (uint64_t at = in.offset; at < end; ++at) {
    const Child child = at == 0   ? Child{".", *directory}
                        : at == 1 ? Child{"..", *parent}
                                  : call.tree().child(*directory, static_cast<uint32_t>(at - 2));
    const bool isPlain = at < 2 || !plus || !hasLastingAttributes(child.object);
    const auto entry = isPlain ? wire::EntryOut{} : entryOf(call, child.object);
    if (!listing.add(child, at + 1, entry)) return listing.isEmpty() ? Answer::fail(EINVAL) : listing.answer();
  }
  return listing.answer();
}

}  // namespace

Answer missingName(const Call& call) {
  wire::EntryOut entry{};
  entry.entryValid = limits::endlessSeconds;
  return call.reply(entry);
}

Answer lookup(Call& call) {
  // The kernel passes on names of up to 1024 bytes.
  if (call.name.size() > limits::nameBytes) return Answer::fail(ENAMETOOLONG);
  const auto found = target(call);
  if (!found) return found.stop().error == ENOENT ? missingName(call) : Answer::from(found.stop());
  if (const auto stop = requireAttributes(call, *found, true)) return Answer::from(*stop);
  return call.reply(entryOf(call, *found));
}

Answer readdir(Call& call) { return list(call, false); }
Answer readdirplus(Call& call) { return list(call, true); }

}  // namespace ops
