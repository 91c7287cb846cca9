// One open /dev/fuse of a mount. A reply must go to the descriptor that its request came from.
#pragma once
#include <span>

#include "owned-fd.hpp"
#include "upcalls.hpp"

class Channel : public ReplySink {
 public:
  // Takes the descriptor and makes it non-blocking.
  explicit Channel(OwnedFd fd);
  // Another descriptor of the same mount, or null where /dev/fuse may not be opened.
  static std::shared_ptr<Channel> clone(const Channel& original);

  int fd() const { return fd_.get(); }
  // Bytes read, or a negative errno.
  ssize_t receive(std::span<std::byte> into) const;
  // A reply that nobody waits for any more (ENOENT) is no error.
  void send(const iovec* parts, int count) override { write(parts, count); }
  // 0 or a positive errno. Also for notifications.
  int write(const iovec* parts, int count) const;

 private:
  OwnedFd fd_;
};
