// Unaligned little-endian access to byte ranges.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

static_assert(std::endian::native == std::endian::little, "formats and messages are read as they are");

using Bytes = std::span<const std::byte>;

// The caller has checked that `offset + sizeof(T)` is inside.
template <class T>
T load(Bytes bytes, size_t offset = 0) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

template <class T>
void store(std::span<std::byte> bytes, size_t offset, const T& value) {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
}

template <class T>
  requires std::is_trivially_copyable_v<T> && (!std::is_convertible_v<T, std::string_view>)
Bytes bytesOf(const T& value) {
  return std::as_bytes(std::span<const T, 1>(&value, 1));
}

inline Bytes bytesOf(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

inline std::string_view textOf(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
