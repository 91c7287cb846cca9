// What a handler says: a reply, an errno, nothing, that JavaScript has to be asked first, or that it answers itself.
#pragma once
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "bytes.hpp"

// What is missing: the view of an environment, an image that some view brings or that a process before this one
// showed, or the contents of a generated file.
struct Missing {
  enum class Kind : uint8_t { view, image, content } kind;
  uint64_t subject;  // environment serial, image serial or inode number
  auto operator<=>(const Missing&) const = default;

  static Missing view(uint32_t environment) { return {Kind::view, environment}; }
  static Missing image(uint32_t serial) { return {Kind::image, serial}; }
  static Missing content(uint64_t inode) { return {Kind::content, inode}; }
};

// Why a step cannot go on: a positive errno, or something missing.
struct Stop {
  int error = 0;
  std::optional<Missing> missing;

  Stop(int error) : error(error) {}
  Stop(Missing missing) : missing(missing) {}
};

template <class Value>
class Result {
 public:
  Result(Value value) : value_(std::move(value)) {}
  Result(Stop stop) : stop_(stop) {}
  explicit operator bool() const { return value_.has_value(); }
  const Value& operator*() const { return *value_; }
  Value value() && { return *std::move(value_); }
  const Value* operator->() const { return &*value_; }
  const Stop& stop() const { return stop_; }

 private:
  std::optional<Value> value_;
  Stop stop_{0};
};

struct Answer {
  enum class Kind : uint8_t { reply, none, wait, forward } kind = Kind::reply;
  int error = 0;
  Bytes body{};
  Missing missing{};
  std::shared_ptr<const void> owner{};  // keeps `body` until it is sent; null if nothing has to

  static Answer reply(Bytes body) { return {Kind::reply, 0, body}; }
  static Answer reply(Bytes body, std::shared_ptr<const void> owner) {
    return {Kind::reply, 0, body, {}, std::move(owner)};
  }
  static Answer done() { return {Kind::reply}; }
  static Answer fail(int error) { return {Kind::reply, error}; }
  static Answer none() { return {Kind::none}; }
  // JavaScript gets the message and gives the answer.
  static Answer forward() { return {Kind::forward}; }
  static Answer from(const Stop& stop) {
    return stop.missing ? Answer{Kind::wait, 0, {}, *stop.missing} : fail(stop.error);
  }
};
