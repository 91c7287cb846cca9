// Opening image files that other users may have put under a name of ours.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "answer.hpp"
#include "owned-fd.hpp"

// Opens a regular file to read it: no link is followed and no FIFO waited for. With `storeOwner`, only one that nobody
// but that user, root or this process can change; ENOENT for any other. Errors of open(2) and fstat(2) else.
Result<OwnedFd> openBelieved(const std::string& path, std::optional<uint32_t> storeOwner);
