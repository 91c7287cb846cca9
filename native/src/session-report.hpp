// What `status` shows of a session.
#pragma once
#include "napi-values.hpp"
#include "session.hpp"

napi_value countersOf(napi_env env, Session& session);
napi_value negotiatedOf(napi_env env, const Session& session);
