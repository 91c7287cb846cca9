#include "descriptor-message.hpp"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

using namespace descriptorMessage;

namespace {

constexpr size_t controlBytes = CMSG_SPACE(mostDescriptors * sizeof(int));

size_t take(const cmsghdr& header, std::span<int> into) {
  const size_t count = (header.cmsg_len - CMSG_LEN(0)) / sizeof(int);
  int found[mostDescriptors];
  std::memcpy(found, CMSG_DATA(&header), std::min(count, mostDescriptors) * sizeof(int));
  const size_t kept = std::min({count, into.size(), mostDescriptors});
  std::copy_n(found, kept, into.data());
  for (size_t i = kept; i < std::min(count, mostDescriptors); ++i) ::close(found[i]);
  return kept;
}

}  // namespace

int sendMessage(int socket, std::span<const char> bytes, std::span<const int> descriptors) {
  if (bytes.size() > mostBytes || descriptors.size() > mostDescriptors) return EMSGSIZE;
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[controlBytes] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  }
  while (::sendmsg(socket, &message, MSG_NOSIGNAL) < 0)
    if (errno != EINTR) return errno;
  return 0;
}

ssize_t receiveMessage(int socket, std::span<char> into, std::span<int> descriptors, size_t& descriptorCount) {
  iovec part{into.data(), into.size()};
  alignas(cmsghdr) char control[controlBytes];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  descriptorCount = 0;
  ssize_t count;
  do count = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  while (count < 0 && errno == EINTR);
  if (count < 0) return -errno;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
    descriptorCount = take(*header, descriptors);
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0) return count;
  for (size_t i = 0; i < descriptorCount; ++i) ::close(descriptors[i]);
  descriptorCount = 0;
  return -EMSGSIZE;
}
