// What JavaScript says of upper layers and of the requests that it answers itself; src/mount/native-addon.ts has the
// contract.
#pragma once
#include "js-session.hpp"

namespace jsUpper {

napi_value answer(napi_env env, JsSession& js, const Arguments& given);
napi_value answerLookup(napi_env env, JsSession& js, const Arguments& given);
napi_value retry(napi_env env, JsSession& js, const Arguments& given);
napi_value setBacking(napi_env env, JsSession& js, const Arguments& given);
napi_value dropUpper(napi_env env, JsSession& js, const Arguments& given);
napi_value watchForget(napi_env env, JsSession& js, const Arguments& given);
napi_value probeForget(napi_env env, JsSession& js, const Arguments& given);
napi_value answerFromView(napi_env env, JsSession& js, const Arguments& given);

// A method of the tables that takes an inode number.
template <void (UpperTables::*method)(uint64_t)>
napi_value change(napi_env env, JsSession& js, const Arguments& given) {
  (js.session().service().upper.*method)(toInode(env, given.values[0]));
  return undefined(env);
}

}  // namespace jsUpper
