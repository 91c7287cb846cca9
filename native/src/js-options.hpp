// What JavaScript says of images and sessions; each throws Failure for a value of the wrong type.
#pragma once
#include "napi-values.hpp"
#include "session.hpp"

ImageSource toImageSource(napi_env env, napi_value options);
// Valid until control returns to JavaScript; empty where the file is to be read.
Bytes metadataOf(napi_env env, napi_value image);
// Without callbacks.
SessionOptions toSessionOptions(napi_env env, napi_value given);
