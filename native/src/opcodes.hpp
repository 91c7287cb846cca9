// The opcode table: what each message must hold before its handler sees it. Checked when it is compiled.
#pragma once
#include <array>

#include "ops.hpp"

struct OpcodeEntry {
  uint32_t opcode;
  const char* name;
  uint16_t bodyBytes;  // the least
  bool hasName;        // NUL-terminated, after the body
  bool hasReply;
  ops::Handler handler;
  uint16_t changeBytes = 0;  // the least of what would write, where that is not refused
};

// Entry 0 stands for opcodes that do not exist.
const OpcodeEntry& opcodeEntry(uint32_t opcode);
const std::array<OpcodeEntry, wire::opcodeCount>& opcodeTable();
