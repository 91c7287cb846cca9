// How a serving process talks to its supervisor (docs/supervision.md), and becomes one.
#pragma once
#include "napi-values.hpp"

// (socket, timeoutMs) => { message: Buffer, fds: number[] } | undefined at the end of the supervisor.
napi_value receiveFromSupervisor(napi_env env, napi_callback_info info);
// (socket, message: Buffer, fds: number[]); the descriptors stay the caller's.
napi_value sendToSupervisor(napi_env env, napi_callback_info info);
// (path, words, variables): execve(2); returns only by throwing.
napi_value becomeProgram(napi_env env, napi_callback_info info);
