#include "channel.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <cerrno>

namespace {

// FUSE_DEV_IOC_CLONE of the kernel's interface.
constexpr unsigned long cloneRequest = _IOR(229, 0, uint32_t);

}  // namespace

Channel::Channel(OwnedFd fd) : fd_(std::move(fd)) {
  ::fcntl(fd_.get(), F_SETFL, ::fcntl(fd_.get(), F_GETFL) | O_NONBLOCK);
  ::fcntl(fd_.get(), F_SETFD, FD_CLOEXEC);
}

std::shared_ptr<Channel> Channel::clone(const Channel& original) {
  OwnedFd fd(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
  uint32_t source = static_cast<uint32_t>(original.fd());
  if (!fd || ::ioctl(fd.get(), cloneRequest, &source) != 0) return nullptr;
  return std::make_shared<Channel>(std::move(fd));
}

ssize_t Channel::receive(std::span<std::byte> into) const {
  const ssize_t count = ::read(fd_.get(), into.data(), into.size());
  return count < 0 ? -errno : count;
}

int Channel::write(const iovec* parts, int count) const {
  while (::writev(fd_.get(), parts, count) < 0)
    if (errno != EINTR) return errno;
  return 0;
}
