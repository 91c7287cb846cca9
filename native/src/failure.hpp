// An error of the control plane, thrown to JavaScript with its code; the data plane uses errno values.
#pragma once
#include <stdexcept>
#include <string>

class Failure : public std::runtime_error {
 public:
  Failure(std::string code, const std::string& message) : std::runtime_error(message), code_(std::move(code)) {}
  const std::string& code() const { return code_; }

 private:
  std::string code_;
};

// The symbolic name of an errno value, for the `code` property.
std::string errnoName(int error);
Failure systemFailure(int error, const std::string& what);
