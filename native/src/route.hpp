// Who answers a request of a writable session.
#pragma once
#include "call.hpp"

// Nothing for what the handler of the opcode answers, as in a read-only session; else the answer, which may be that
// JavaScript has to give it. Only for messages that are as long as the opcode table demands.
std::optional<Answer> route(Call& call);
