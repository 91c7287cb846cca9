// Conversions between JavaScript values and C++; each throws Failure for a value of the wrong type.
#pragma once
#define NAPI_VERSION 8
#include <node_api.h>

#include <string>
#include <vector>

#include "bytes.hpp"
#include "failure.hpp"

// A JavaScript exception is pending; nothing must be added to it.
struct PendingException {};

void check(napi_env env, napi_status status);

napi_value property(napi_env env, napi_value object, const char* name);
bool isNullish(napi_env env, napi_value value);
std::string toString(napi_env env, napi_value value);
uint32_t toUint32(napi_env env, napi_value value);
int64_t toInt64(napi_env env, napi_value value);
uint64_t toInode(napi_env env, napi_value value);
// 0 or a positive errno.
int toErrno(napi_env env, napi_value value);
bool toBool(napi_env env, napi_value value);
// Valid until control returns to JavaScript.
Bytes toBytes(napi_env env, napi_value value);

// The items of an array, each as `convert` gives it.
template <class Convert>
auto toVector(napi_env env, napi_value list, const Convert& convert) {
  uint32_t count;
  check(env, napi_get_array_length(env, list, &count));
  std::vector<decltype(convert(list))> items;
  for (uint32_t i = 0; i < count; ++i) {
    napi_value item;
    check(env, napi_get_element(env, list, i, &item));
    items.push_back(convert(item));
  }
  return items;
}

napi_value fromString(napi_env env, const std::string& value);
napi_value fromNumber(napi_env env, double value);
napi_value fromNumbers(napi_env env, std::span<const int> numbers);
napi_value fromBool(napi_env env, bool value);
napi_value fromInode(napi_env env, uint64_t value);
// A copy.
napi_value fromBytes(napi_env env, Bytes value);
napi_value undefined(napi_env env);
napi_value newObject(napi_env env);
void set(napi_env env, napi_value object, const char* name, napi_value value);

struct Arguments {
  napi_value self;
  std::vector<napi_value> values;  // filled up with undefined
};
Arguments arguments(napi_env env, napi_callback_info info, size_t count);

void throwFailure(napi_env env, const std::string& code, const std::string& message);

// A native function of JavaScript: turns C++ exceptions into JavaScript's.
template <napi_value (*function)(napi_env, napi_callback_info)>
napi_value guarded(napi_env env, napi_callback_info info) {
  try {
    return function(env, info);
  } catch (const PendingException&) {
  } catch (const Failure& failure) {
    throwFailure(env, failure.code(), failure.what());
  } catch (const std::exception& error) {
    throwFailure(env, "ENOMEM", error.what());
  }
  return nullptr;
}
