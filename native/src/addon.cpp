// What JavaScript sees. Nothing else here but conversions.
#include "js-files.hpp"
#include "js-options.hpp"
#include "js-session.hpp"
#include "js-supervision.hpp"
#include "js-upper.hpp"
#include "mount.hpp"
#include "session-report.hpp"

namespace {

Arguments sessionArguments(napi_env env, napi_callback_info info, size_t count, JsSession*& session) {
  Arguments found = arguments(env, info, count);
  void* wrapped = nullptr;
  check(env, napi_unwrap(env, found.self, &wrapped));
  session = static_cast<JsSession*>(wrapped);
  return found;
}

// A method whose body gets the session and its arguments.
template <auto body, size_t count>
napi_value method(napi_env env, napi_callback_info info) {
  JsSession* session;
  const Arguments found = sessionArguments(env, info, count, session);
  return body(env, *session, found);
}

napi_value start(napi_env env, JsSession& js, const Arguments& given) {
  js.start(env, given.self);
  return undefined(env);
}

napi_value stop(napi_env env, JsSession& js, const Arguments&) { return js.stop(env); }

auto numberOf(napi_env env) {
  return [env](napi_value value) { return toUint32(env, value); };
}

napi_value addImage(napi_env env, JsSession& js, const Arguments& given) {
  const napi_value image = given.values[0];
  js.session().service().publisher.addImage(toImageSource(env, image), metadataOf(env, image));
  return undefined(env);
}

napi_value renewImage(napi_env env, JsSession& js, const Arguments& given) {
  const napi_value image = given.values[0];
  js.session().service().renewImage(toImageSource(env, image), metadataOf(env, image));
  return undefined(env);
}

// Serials of images whose contents were read since they were added or renewed.
napi_value usedImages(napi_env env, JsSession& js, const Arguments&) {
  napi_value list;
  check(env, napi_create_array(env, &list));
  uint32_t count = 0;
  const auto add = [&](uint32_t serial) {
    check(env, napi_set_element(env, list, count++, fromNumber(env, serial)));
  };
  const auto world = js.session().service().publisher.current();
  for (const auto& image : world->images) {
    if (image->isUsed()) add(image->serial());
    if (image->isBaseUsed()) add(image->source().baseSerial);
  }
  return list;
}

napi_value dropImage(napi_env env, JsSession& js, const Arguments& given) {
  js.session().service().dropImage(toUint32(env, given.values[0]));
  return undefined(env);
}

napi_value publishRoots(napi_env env, JsSession& js, const Arguments& given) {
  uint32_t count;
  check(env, napi_get_array_length(env, given.values[0], &count));
  std::vector<RootEntry> entries;
  for (uint32_t i = 0; i < count; ++i) {
    napi_value entry;
    check(env, napi_get_element(env, given.values[0], i, &entry));
    entries.push_back({toString(env, property(env, entry, "name")),
                       toUint32(env, property(env, entry, "environmentSerial"))});
  }
  std::optional<uint32_t> sole;
  if (!isNullish(env, given.values[1])) sole = toUint32(env, given.values[1]);
  js.session().service().publisher.publishRoots(std::move(entries), sole);
  return undefined(env);
}

napi_value publishView(napi_env env, JsSession& js, const Arguments& given) {
  js.session().service().publishView(toBytes(env, given.values[0]));
  return undefined(env);
}

napi_value dropView(napi_env env, JsSession& js, const Arguments& given) {
  js.session().service().dropView(toUint32(env, given.values[0]));
  return undefined(env);
}

napi_value completeView(napi_env env, JsSession& js, const Arguments& given) {
  const auto token = static_cast<uint64_t>(toInt64(env, given.values[0]));
  js.session().completeView(token, toErrno(env, given.values[1]));
  return undefined(env);
}

napi_value completeContent(napi_env env, JsSession& js, const Arguments& given) {
  const auto token = static_cast<uint64_t>(toInt64(env, given.values[0]));
  const int error = toErrno(env, given.values[1]);
  const Bytes bytes = error || isNullish(env, given.values[2]) ? Bytes() : toBytes(env, given.values[2]);
  js.session().completeContent(token, error, {bytes.begin(), bytes.end()});
  return undefined(env);
}

napi_value invalidateEntry(napi_env env, JsSession& js, const Arguments& given) {
  js.session().invalidateEntry(toInode(env, given.values[0]), toString(env, given.values[1]));
  return undefined(env);
}

napi_value invalidateInode(napi_env env, JsSession& js, const Arguments& given) {
  js.session().invalidateInode(toInode(env, given.values[0]));
  return undefined(env);
}

napi_value flushInvalidations(napi_env env, JsSession& js, const Arguments&) { return js.flushInvalidations(env); }
napi_value counters(napi_env env, JsSession& js, const Arguments&) { return countersOf(env, js.session()); }
napi_value negotiated(napi_env env, JsSession& js, const Arguments&) { return negotiatedOf(env, js.session()); }

// Serials that onUpcall is asked for when a file of theirs is read.
napi_value inheritImages(napi_env env, JsSession& js, const Arguments& given) {
  js.session().service().publisher.inheritImages(toVector(env, given.values[0], numberOf(env)));
  return undefined(env);
}

napi_value invalidateAllEntries(napi_env env, JsSession& js, const Arguments&) {
  js.session().invalidateAllEntries();
  return undefined(env);
}

napi_value negotiate(napi_env env, JsSession& js, const Arguments&) {
  js.session().negotiate();
  return undefined(env);
}

napi_value stopReading(napi_env env, JsSession& js, const Arguments&) {
  js.session().stopReading();
  return undefined(env);
}

napi_value descriptors(napi_env env, JsSession& js, const Arguments&) {
  return fromNumbers(env, js.session().descriptors());
}

napi_value agreed(napi_env env, JsSession& js, const Arguments&) {
  const Negotiated agreed = js.session().negotiated();
  const napi_value object = newObject(env);
  set(env, object, "minor", fromNumber(env, agreed.minor));
  set(env, object, "features", fromInode(env, agreed.features));
  set(env, object, "maxWrite", fromNumber(env, agreed.maxWrite));
  set(env, object, "maxPages", fromNumber(env, agreed.maxPages));
  set(env, object, "maxReadahead", fromNumber(env, agreed.maxReadahead));
  return object;
}

napi_value construct(napi_env env, napi_callback_info info) {
  const Arguments given = arguments(env, info, 1);
  SessionOptions options = toSessionOptions(env, given.values[0]);
  std::vector<OwnedFd> fds;
  for (const uint32_t fd : toVector(env, property(env, given.values[0], "fds"), numberOf(env))) fds.emplace_back(static_cast<int>(fd));
  if (fds.empty()) throw Failure("EINVAL", "there is no descriptor");
  auto session = std::make_unique<JsSession>(env, std::move(fds), std::move(options), given.values[0]);
  const auto free = [](napi_env, void* data, void*) { std::unique_ptr<JsSession>(static_cast<JsSession*>(data)); };
  check(env, napi_wrap(env, given.self, session.get(), free, nullptr, nullptr));
  session.release();
  return given.self;
}

template <auto body, size_t count>
napi_property_descriptor methodNamed(const char* name) {
  return {.utf8name = name, .name = nullptr, .method = guarded<method<body, count>>, .getter = nullptr,
          .setter = nullptr, .value = nullptr, .attributes = napi_default_method, .data = nullptr};
}

napi_value sessionClass(napi_env env) {
  const napi_property_descriptor methods[] = {
      methodNamed<start, 0>("start"),
      methodNamed<stop, 0>("stop"),
      methodNamed<addImage, 1>("addImage"),
      methodNamed<renewImage, 1>("renewImage"),
      methodNamed<dropImage, 1>("dropImage"),
      methodNamed<usedImages, 0>("usedImages"),
      methodNamed<publishRoots, 2>("publishRoots"),
      methodNamed<publishView, 1>("publishView"),
      methodNamed<dropView, 1>("dropView"),
      methodNamed<completeView, 2>("completeView"),
      methodNamed<completeContent, 3>("completeContent"),
      methodNamed<jsUpper::answer, 3>("answer"),
      methodNamed<jsUpper::answerLookup, 3>("answerLookup"),
      methodNamed<jsUpper::retry, 1>("retry"),
      methodNamed<jsUpper::setBacking, 3>("setBacking"),
      methodNamed<jsUpper::change<&UpperTables::setOrphan>, 1>("setOrphan"),
      methodNamed<jsUpper::change<&UpperTables::dropBacking>, 1>("dropBacking"),
      methodNamed<jsUpper::change<&UpperTables::markChanged>, 1>("markChanged"),
      methodNamed<jsUpper::change<&UpperTables::clearChanged>, 1>("clearChanged"),
      methodNamed<jsUpper::dropUpper, 1>("dropUpper"),
      methodNamed<jsUpper::watchForget, 1>("watchForget"),
      methodNamed<jsUpper::probeForget, 1>("probeForget"),
      methodNamed<jsUpper::answerFromView, 1>("answerFromView"),
      methodNamed<invalidateEntry, 2>("invalidateEntry"),
      methodNamed<invalidateInode, 1>("invalidateInode"),
      methodNamed<invalidateAllEntries, 0>("invalidateAllEntries"),
      methodNamed<flushInvalidations, 0>("flushInvalidations"),
      methodNamed<inheritImages, 1>("inheritImages"),
      methodNamed<negotiate, 0>("negotiate"),
      methodNamed<agreed, 0>("agreed"),
      methodNamed<descriptors, 0>("descriptors"),
      methodNamed<stopReading, 0>("stopReading"),
      methodNamed<counters, 0>("counters"),
      methodNamed<negotiated, 0>("negotiated"),
  };
  napi_value constructor;
  check(env, napi_define_class(env, "Session", NAPI_AUTO_LENGTH, guarded<construct>, nullptr, std::size(methods),
                               methods, &constructor));
  return constructor;
}

napi_value openSession(napi_env env, napi_callback_info info) {
  napi_value options, session, constructor;
  size_t count = 1;
  void* data = nullptr;
  check(env, napi_get_cb_info(env, info, &count, &options, nullptr, nullptr));
  check(env, napi_get_instance_data(env, &data));
  check(env, napi_get_reference_value(env, static_cast<napi_ref>(data), &constructor));
  check(env, napi_new_instance(env, constructor, 1, &options, &session));
  return session;
}

napi_value mountFuseForJs(napi_env env, napi_callback_info info) {
  const Arguments given = arguments(env, info, 2);
  const napi_value options = given.values[1];
  Mounted mounted = mountFuse({.mountpoint = toString(env, given.values[0]),
                               .fsname = toString(env, property(env, options, "fsname")),
                               .subtype = toString(env, property(env, options, "subtype")),
                               .allowOther = toBool(env, property(env, options, "allowOther")),
                               .writable = toBool(env, property(env, options, "writable"))});
  const napi_value result = newObject(env);
  set(env, result, "via", fromString(env, mounted.via));
  set(env, result, "fd", fromNumber(env, mounted.fd.get()));
  mounted.fd.release();
  return result;
}

template <napi_value (*function)(napi_env, napi_callback_info)>
void exportFunction(napi_env env, napi_value exports, const char* name) {
  napi_value value;
  check(env, napi_create_function(env, name, NAPI_AUTO_LENGTH, guarded<function>, nullptr, &value));
  set(env, exports, name, value);
}

}  // namespace

NAPI_MODULE_INIT() {
  const napi_value constructor = sessionClass(env);
  napi_ref reference;
  if (napi_create_reference(env, constructor, 1, &reference) != napi_ok) return nullptr;
  const auto free = [](napi_env env, void* data, void*) { napi_delete_reference(env, static_cast<napi_ref>(data)); };
  napi_set_instance_data(env, reference, free, nullptr);
  exportFunction<mountFuseForJs>(env, exports, "mountFuse");
  exportFunction<openSession>(env, exports, "openSession");
  exportFunction<receiveFromSupervisor>(env, exports, "receiveFromSupervisor");
  exportFunction<sendToSupervisor>(env, exports, "sendToSupervisor");
  exportFunction<becomeProgram>(env, exports, "becomeProgram");
  exportFunction<renameAt>(env, exports, "renameAt");
  exportFunction<setTimes>(env, exports, "setTimes");
  exportFunction<getXattr>(env, exports, "getXattr");
  exportFunction<setXattr>(env, exports, "setXattr");
  exportFunction<listXattr>(env, exports, "listXattr");
  exportFunction<removeXattr>(env, exports, "removeXattr");
  exportFunction<makeNode>(env, exports, "makeNode");
  exportFunction<lockFile>(env, exports, "lockFile");
  exportFunction<scanFolder>(env, exports, "scanFolder");
  exportFunction<copyRange>(env, exports, "copyRange");
  exportFunction<startWriting>(env, exports, "startWriting");
  set(env, exports, "Session", constructor);
  return exports;
}
