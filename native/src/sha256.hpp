// SHA-256 (FIPS 180-4), for the metadata of images.
#pragma once
#include <array>
#include <cstddef>

#include "bytes.hpp"

using Digest = std::array<std::byte, 32>;

Digest sha256(Bytes data);
