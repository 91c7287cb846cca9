#include "js-upper.hpp"

namespace {

uint64_t toToken(napi_env env, napi_value value) { return static_cast<uint64_t>(toInt64(env, value)); }

}  // namespace

napi_value jsUpper::answer(napi_env env, JsSession& js, const Arguments& given) {
  const Bytes body = isNullish(env, given.values[2]) ? Bytes() : toBytes(env, given.values[2]);
  js.session().answer(toToken(env, given.values[0]), toErrno(env, given.values[1]), body);
  return undefined(env);
}

napi_value jsUpper::answerLookup(napi_env env, JsSession& js, const Arguments& given) {
  const uint64_t parent = toInode(env, given.values[1]);
  js.session().answerLookup(toToken(env, given.values[0]), parent, toString(env, given.values[2]));
  return undefined(env);
}

napi_value jsUpper::retry(napi_env env, JsSession& js, const Arguments& given) {
  js.session().retry(toToken(env, given.values[0]));
  return undefined(env);
}

// The descriptor is the session's as soon as the number is known to be one.
napi_value jsUpper::setBacking(napi_env env, JsSession& js, const Arguments& given) {
  OwnedFd file(static_cast<int>(toUint32(env, given.values[1])));
  const uint64_t inode = toInode(env, given.values[0]);
  const auto is = [&](const char* name) {
    const napi_value value = property(env, given.values[2], name);
    return !isNullish(env, value) && toBool(env, value);
  };
  const BackingKind kind{.isOrphan = is("orphan"), .isFolder = is("folder"), .isWhole = is("whole")};
  js.session().service().upper.setBacking(inode, std::move(file), kind);
  return undefined(env);
}

napi_value jsUpper::dropUpper(napi_env env, JsSession& js, const Arguments& given) {
  js.session().service().upper.drop(toUint32(env, given.values[0]));
  return undefined(env);
}

napi_value jsUpper::watchForget(napi_env env, JsSession& js, const Arguments& given) {
  js.session().service().watches.add(toInode(env, given.values[0]));
  return undefined(env);
}

napi_value jsUpper::probeForget(napi_env env, JsSession& js, const Arguments& given) {
  js.session().probeForget(toInode(env, given.values[0]));
  return undefined(env);
}

napi_value jsUpper::answerFromView(napi_env env, JsSession& js, const Arguments& given) {
  js.session().answerFromView(toToken(env, given.values[0]));
  return undefined(env);
}
