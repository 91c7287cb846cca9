// Bytecode as environments with an upper layer show it: checked against its source's time and size (PEP 552).
#pragma once
#include <array>
#include <optional>

#include "view.hpp"

namespace checkedBytecode {

// The magic before stays, the code behind too.
constexpr size_t begin = 4, end = 16;
using Header = std::array<std::byte, end - begin>;

// For a file of a layer of an own view; nothing for what is no bytecode, or has no source in its image.
std::optional<Header> headerOf(const View& view, uint32_t layer, uint32_t node);

}  // namespace checkedBytecode
