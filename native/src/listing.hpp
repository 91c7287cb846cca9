// The records of a READDIR or READDIRPLUS reply.
#pragma once
#include "attributes.hpp"

class Listing {
 public:
  Listing(std::span<std::byte> space, bool plus) : space_(space), plus_(plus) {}

  // `cookie` is the offset that continues after this entry. False if it does not fit.
  bool add(const Child& child, uint64_t cookie, const wire::EntryOut& entry);
  bool isEmpty() const { return used_ == 0; }
  Answer answer() const { return Answer::reply(space_.first(used_)); }

 private:
  template <class Value>
  void append(const Value& value) {
    store(space_, used_, value);
    used_ += sizeof value;
  }

  std::span<std::byte> space_;
  const bool plus_;
  size_t used_ = 0;
};
