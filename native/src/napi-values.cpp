#include "napi-values.hpp"

namespace {

void expect(napi_env env, napi_status status, const char* what) {
  if (status == napi_pending_exception) throw PendingException();
  if (status != napi_ok) throw Failure("EINVAL", std::string("expected ") + what);
  (void)env;
}

}  // namespace

void check(napi_env env, napi_status status) {
  if (status == napi_ok) return;
  bool isPending = false;
  napi_is_exception_pending(env, &isPending);
  if (isPending) throw PendingException();
  const napi_extended_error_info* info = nullptr;
  napi_get_last_error_info(env, &info);
  throw Failure("EINVAL", info && info->error_message ? info->error_message : "a call of Node-API failed");
}

napi_value property(napi_env env, napi_value object, const char* name) {
  napi_value value;
  expect(env, napi_get_named_property(env, object, name, &value), "an object");
  return value;
}

bool isNullish(napi_env env, napi_value value) {
  napi_valuetype type;
  check(env, napi_typeof(env, value, &type));
  return type == napi_undefined || type == napi_null;
}

std::string toString(napi_env env, napi_value value) {
  size_t bytes;
  expect(env, napi_get_value_string_utf8(env, value, nullptr, 0, &bytes), "a string");
  std::string text(bytes, '\0');
  check(env, napi_get_value_string_utf8(env, value, text.data(), bytes + 1, &bytes));
  if (text.find('\0') != text.npos) throw Failure("EINVAL", "a string holds NUL");
  return text;
}

uint32_t toUint32(napi_env env, napi_value value) {
  const int64_t number = toInt64(env, value);
  if (number < 0 || number > UINT32_MAX) throw Failure("EINVAL", "a number is out of range");
  return static_cast<uint32_t>(number);
}

int64_t toInt64(napi_env env, napi_value value) {
  int64_t number;
  expect(env, napi_get_value_int64(env, value, &number), "a number");
  return number;
}

uint64_t toInode(napi_env env, napi_value value) {
  uint64_t number;
  bool isLossless = false;
  expect(env, napi_get_value_bigint_uint64(env, value, &number, &isLossless), "a bigint");
  if (!isLossless) throw Failure("EINVAL", "an inode number is out of range");
  return number;
}

int toErrno(napi_env env, napi_value value) {
  const int64_t number = toInt64(env, value);
  if (number < 0 || number > 4095) throw Failure("EINVAL", "an errno is out of range");
  return static_cast<int>(number);
}

bool toBool(napi_env env, napi_value value) {
  bool truth;
  expect(env, napi_get_value_bool(env, value, &truth), "a boolean");
  return truth;
}

Bytes toBytes(napi_env env, napi_value value) {
  void* data;
  size_t length;
  bool isBuffer = false;
  check(env, napi_is_buffer(env, value, &isBuffer));
  if (!isBuffer) throw Failure("EINVAL", "expected a Buffer");
  check(env, napi_get_buffer_info(env, value, &data, &length));
  return {static_cast<const std::byte*>(data), length};
}

napi_value fromString(napi_env env, const std::string& value) {
  napi_value text;
  check(env, napi_create_string_utf8(env, value.data(), value.size(), &text));
  return text;
}

napi_value fromNumber(napi_env env, double value) {
  napi_value number;
  check(env, napi_create_double(env, value, &number));
  return number;
}

napi_value fromNumbers(napi_env env, std::span<const int> numbers) {
  napi_value list;
  check(env, napi_create_array(env, &list));
  for (uint32_t i = 0; i < numbers.size(); ++i) check(env, napi_set_element(env, list, i, fromNumber(env, numbers[i])));
  return list;
}

napi_value fromBool(napi_env env, bool value) {
  napi_value truth;
  check(env, napi_get_boolean(env, value, &truth));
  return truth;
}

napi_value fromInode(napi_env env, uint64_t value) {
  napi_value number;
  check(env, napi_create_bigint_uint64(env, value, &number));
  return number;
}

napi_value fromBytes(napi_env env, Bytes value) {
  napi_value buffer;
  void* data;
  check(env, napi_create_buffer_copy(env, value.size(), value.data(), &data, &buffer));
  return buffer;
}

napi_value undefined(napi_env env) {
  napi_value value;
  check(env, napi_get_undefined(env, &value));
  return value;
}

napi_value newObject(napi_env env) {
  napi_value object;
  check(env, napi_create_object(env, &object));
  return object;
}

void set(napi_env env, napi_value object, const char* name, napi_value value) {
  check(env, napi_set_named_property(env, object, name, value));
}

Arguments arguments(napi_env env, napi_callback_info info, size_t count) {
  Arguments out{.self = nullptr, .values = std::vector<napi_value>(count)};
  check(env, napi_get_cb_info(env, info, &count, out.values.data(), &out.self, nullptr));
  return out;
}

void throwFailure(napi_env env, const std::string& code, const std::string& message) {
  napi_throw_error(env, code.c_str(), message.c_str());
}
