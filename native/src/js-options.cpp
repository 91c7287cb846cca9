#include "js-options.hpp"

namespace {

std::optional<uint32_t> optionalUint32(napi_env env, napi_value value) {
  return isNullish(env, value) ? std::nullopt : std::optional(toUint32(env, value));
}

std::optional<FileStamp> optionalStamp(napi_env env, napi_value value) {
  if (isNullish(env, value)) return std::nullopt;
  return FileStamp{static_cast<uint64_t>(toInt64(env, property(env, value, "sizeBytes"))),
                   toInt64(env, property(env, value, "mtimeSeconds"))};
}

std::optional<Negotiated> toAgreed(napi_env env, napi_value given) {
  if (isNullish(env, given)) return std::nullopt;
  const auto number = [&](const char* name) { return toUint32(env, property(env, given, name)); };
  return Negotiated{number("minor"), toInode(env, property(env, given, "features")), number("maxWrite"),
                    number("maxPages"), number("maxReadahead")};
}

}  // namespace

Bytes metadataOf(napi_env env, napi_value image) {
  const napi_value metadata = property(env, image, "metadata");
  return isNullish(env, metadata) ? Bytes() : toBytes(env, metadata);
}

ImageSource toImageSource(napi_env env, napi_value options) {
  ImageSource source;
  source.serial = toUint32(env, property(env, options, "serial"));
  source.path = toString(env, property(env, options, "path"));
  source.storeOwner = optionalUint32(env, property(env, options, "storeOwner"));
  source.stamp = optionalStamp(env, property(env, options, "stamp"));
  source.origin = toString(env, property(env, options, "origin"));
  const napi_value base = property(env, options, "base");
  if (!isNullish(env, base)) {
    source.baseSerial = toUint32(env, property(env, base, "serial"));
    source.basePath = toString(env, property(env, base, "path"));
    source.baseStoreOwner = optionalUint32(env, property(env, base, "storeOwner"));
    source.baseStamp = optionalStamp(env, property(env, base, "stamp"));
  }
  return source;
}

SessionOptions toSessionOptions(napi_env env, napi_value given) {
  SessionOptions options;
  options.threads = toUint32(env, property(env, given, "threads"));
  if (options.threads < 1 || options.threads > 256) throw Failure("EINVAL", "threads must be 1 to 256");
  options.service.attributes = {.uid = toUint32(env, property(env, given, "uid")),
                                .gid = toUint32(env, property(env, given, "gid")),
                                .fullBlocks = toBool(env, property(env, given, "fullBlocks"))};
  options.agreed = toAgreed(env, property(env, given, "agreed"));
  if (toBool(env, property(env, given, "isStoreRemote"))) options.service.chunks = ChunkSizes::forNetwork();
  options.service.maxImageDescriptors = toUint32(env, property(env, given, "maxImageDescriptors"));
  options.service.generatedCacheBytes =
      static_cast<size_t>(toInt64(env, property(env, given, "generatedCacheBytes")));
  options.service.isWritable = toBool(env, property(env, given, "writable"));
  const napi_value statfsPath = property(env, given, "statfsPath");
  if (!isNullish(env, statfsPath)) options.service.statfsPath = toString(env, statfsPath);
  return options;
}
