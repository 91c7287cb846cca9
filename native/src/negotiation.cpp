#include "negotiation.hpp"

#include <algorithm>
#include <cerrno>

#include "limits.hpp"

using namespace wire;

namespace {

struct FeatureName {
  uint64_t bit;
  const char* name;
};

constexpr FeatureName wanted[] = {
    {feature::asyncRead, "ASYNC_READ"},
    {feature::exportSupport, "EXPORT_SUPPORT"},
    {feature::bigWrites, "BIG_WRITES"},
    {feature::autoInvalData, "AUTO_INVAL_DATA"},
    {feature::doReaddirplus, "DO_READDIRPLUS"},
    {feature::noOpenSupport, "NO_OPEN_SUPPORT"},
    {feature::parallelDirops, "PARALLEL_DIROPS"},
    {feature::maxPages, "MAX_PAGES"},
    {feature::cacheSymlinks, "CACHE_SYMLINKS"},
    {feature::noOpendirSupport, "NO_OPENDIR_SUPPORT"},
    {feature::handleKillprivV2, "HANDLE_KILLPRIV_V2"},
    {feature::initExt, "INIT_EXT"},
    {feature::hasResend, "HAS_RESEND"},
};

// With HANDLE_KILLPRIV_V2 a write does not ask for the capabilities of its file first. No cache for writing back, and no truncation by opening: what is written arrives here before the call returns.
constexpr uint64_t wantedBits(bool isWritable) {
  uint64_t bits = 0;
  for (const auto& [bit, name] : wanted) bits |= bit;
  return isWritable ? bits : bits & ~(feature::bigWrites | feature::handleKillprivV2);
}

uint64_t offered(const InitIn& in) {
  const uint64_t high = in.flags & feature::initExt ? uint64_t{in.flags2} << 32 : 0;
  return high | in.flags;
}

}  // namespace

int Negotiation::answer(Bytes body, InitOut& reply, size_t& replyBytes) {
  InitIn in{};
  std::memcpy(&in, body.data(), std::min(body.size(), sizeof in));
  reply = {};
  reply.major = majorVersion;
  reply.minor = minorVersion;
  replyBytes = sizeof reply;
  if (in.major > majorVersion) return 0;  // the kernel comes back with the version it was told
  if (in.major < majorVersion || in.minor < oldestMinor || body.size() < initInShort) return EPROTO;
  const uint64_t features = offered(in) & wantedBits(isWritable_);
  reply.minor = std::min(in.minor, minorVersion);
  reply.maxReadahead = in.maxReadahead;
  reply.flags = static_cast<uint32_t>(features);
  reply.flags2 = static_cast<uint32_t>(features >> 32);
  reply.maxBackground = limits::maxBackground;
  reply.congestionThreshold = limits::congestionThreshold;
  reply.maxWrite = isWritable_ ? limits::largestWriteBytes : limits::maxWriteBytes;
  reply.timeGran = 1;
  reply.maxPages = features & feature::maxPages ? limits::maxPages() : 0;
  if (in.minor <= shortInitMinor) replyBytes = initOutShort;
  const std::lock_guard lock(mutex_);
  result_ = {reply.minor, features, reply.maxWrite, reply.maxPages ? reply.maxPages : limits::defaultPages, reply.maxReadahead};
  features_.store(features, std::memory_order_release);
  return 0;
}

Negotiated Negotiation::result() const {
  const std::lock_guard lock(mutex_);
  return result_;
}

void Negotiation::restore(const Negotiated& agreed) {
  const std::lock_guard lock(mutex_);
  result_ = agreed;
  features_.store(agreed.features, std::memory_order_release);
}

std::vector<std::string> Negotiation::featureNames(uint64_t features) {
  std::vector<std::string> names;
  for (const auto& [bit, name] : wanted)
    if (features & bit) names.emplace_back(name);
  return names;
}
