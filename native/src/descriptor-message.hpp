// Messages with descriptors over a SOCK_SEQPACKET socket (unix(7), SCM_RIGHTS). No allocation: the supervisor uses it.
#pragma once
#include <sys/types.h>

#include <cstddef>
#include <span>

namespace descriptorMessage {

constexpr size_t mostBytes = 48 << 10;
constexpr size_t mostDescriptors = 64;

}  // namespace descriptorMessage

// 0 or a positive errno. The descriptors stay the caller's.
int sendMessage(int socket, std::span<const char> bytes, std::span<const int> descriptors);

// Bytes received, 0 at the end of the other side, or a negative errno; EMSGSIZE for what does not fit whole. The
// first `descriptorCount` of `descriptors` are the caller's then, close-on-exec.
ssize_t receiveMessage(int socket, std::span<char> into, std::span<int> descriptors, size_t& descriptorCount);
