#include "session-report.hpp"

#include "opcodes.hpp"

namespace {

template <class Get>
napi_value total(napi_env env, const Session& session, const Get& get) {
  uint64_t sum = 0;
  for (const Worker& worker : session.workers()) sum += get(worker.counters);
  return fromNumber(env, static_cast<double>(sum));
}

// Opcodes that were never asked for are left out.
napi_value byOpcode(napi_env env, const Session& session) {
  const napi_value all = newObject(env);
  for (const OpcodeEntry& entry : opcodeTable()) {
    const uint32_t opcode = entry.opcode;
    uint64_t seen = 0;
    for (const Worker& worker : session.workers()) seen += worker.counters.requests[opcode].get();
    if (seen == 0) continue;
    const napi_value counts = newObject(env);
    set(env, counts, "requests", fromNumber(env, static_cast<double>(seen)));
    set(env, counts, "errors", total(env, session, [&](const Counters& c) { return c.errors[opcode].get(); }));
    set(env, all, *entry.name ? entry.name : "UNKNOWN", counts);
  }
  return all;
}

napi_value latency(napi_env env, const Session& session) {
  napi_value buckets;
  check(env, napi_create_array(env, &buckets));
  for (uint32_t i = 0; i < Counters::latencyBuckets; ++i)
    check(env, napi_set_element(env, buckets, i, total(env, session, [&](const Counters& c) { return c.latency[i].get(); })));
  return buckets;
}

}  // namespace

napi_value countersOf(napi_env env, Session& session) {
  const napi_value report = newObject(env);
  set(env, report, "opcodes", byOpcode(env, session));
  set(env, report, "latencyUs", latency(env, session));
  set(env, report, "latencyNs", total(env, session, [](const Counters& c) { return c.latencyNs.get(); }));
  set(env, report, "bytesRead", total(env, session, [](const Counters& c) { return c.bytesRead.get(); }));
  set(env, report, "upcalls", total(env, session, [](const Counters& c) { return c.upcalls.get(); }));
  set(env, report, "badRequests", total(env, session, [](const Counters& c) { return c.badRequests.get(); }));
  set(env, report, "ioErrors", total(env, session, [](const Counters& c) { return c.ioErrors.get(); }));
  set(env, report, "waiting", fromNumber(env, static_cast<double>(session.waiting())));
  set(env, report, "imagesHeld", fromNumber(env, static_cast<double>(session.imageCount())));
  const Chunks::Usage chunks = session.chunkUsage();
  set(env, report, "chunkUses", fromNumber(env, static_cast<double>(chunks.uses)));
  set(env, report, "chunkLoads", fromNumber(env, static_cast<double>(chunks.loads)));
  set(env, report, "chunkLoadedBytes", fromNumber(env, static_cast<double>(chunks.loadedBytes)));
  set(env, report, "chunkHeldBytes", fromNumber(env, static_cast<double>(chunks.heldBytes)));
  set(env, report, "notifications", fromNumber(env, static_cast<double>(session.notifications())));
  return report;
}

napi_value negotiatedOf(napi_env env, const Session& session) {
  const Negotiated agreed = session.negotiated();
  napi_value flags;
  check(env, napi_create_array(env, &flags));
  uint32_t count = 0;
  for (const std::string& name : Negotiation::featureNames(agreed.features))
    check(env, napi_set_element(env, flags, count++, fromString(env, name)));
  const napi_value report = newObject(env);
  const std::string protocol = agreed.minor ? "7." + std::to_string(agreed.minor) : "";
  set(env, report, "protocol", fromString(env, protocol));
  set(env, report, "maxWrite", fromNumber(env, agreed.maxWrite));
  set(env, report, "maxPages", fromNumber(env, agreed.maxPages));
  set(env, report, "maxReadahead", fromNumber(env, agreed.maxReadahead));
  set(env, report, "flags", flags);
  set(env, report, "threads", fromNumber(env, session.threadCount()));
  set(env, report, "clonedDescriptors", fromBool(env, session.hasClonedDescriptors()));
  return report;
}
