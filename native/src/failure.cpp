#include "failure.hpp"

#include <cstring>

std::string errnoName(int error) {
  const char* name = strerrorname_np(error);
  return name ? name : "EIO";
}

Failure systemFailure(int error, const std::string& what) {
  return Failure(errnoName(error), what + ": " + std::string(strerrordesc_np(error) ? strerrordesc_np(error) : "unknown error"));
}
