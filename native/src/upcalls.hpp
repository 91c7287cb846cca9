// Requests that wait for JavaScript. All that miss the same thing share one upcall.
#pragma once
#include <sys/uio.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "answer.hpp"

// Where the answer to a request goes: the descriptor that it came from, as the kernel demands.
class ReplySink {
 public:
  virtual ~ReplySink() = default;
  virtual void send(const iovec* parts, int count) = 0;
};

// Who answers a request, and how often JavaScript was asked to before.
struct Course {
  bool isNative = false;  // the view, whatever lies over it
  uint32_t tries = 0;
};

struct Parked {
  std::vector<std::byte> message;
  std::shared_ptr<ReplySink> sink;
  uint64_t startNs;
  Course course{};
};

struct Upcall {
  uint64_t token;
  Missing missing;
};

class Upcalls {
 public:
  // Called without any lock held, from whichever thread parked the request.
  using Emit = std::function<void(const Upcall&)>;
  explicit Upcalls(Emit emit) : emit_(std::move(emit)) {}

  struct Taken {
    Missing missing{};
    uint64_t viewIdentity = 0;
    std::vector<Parked> parked;
  };

  // `viewIdentity` is that of the view whose content is missing, else 0. False once closed: the request is
  // still the caller's then. `isNew` tells whether an upcall was made.
  bool park(Missing missing, uint64_t viewIdentity, Parked&& request, bool& isNew);
  // Nothing for a token that is not (or no longer) waited for.
  Taken take(uint64_t token);
  // Removes the request with this id, if it waits.
  std::vector<Parked> interrupt(uint64_t unique);
  // From now on nothing is parked; returns what was.
  std::vector<Parked> close();
  // Requests that wait.
  size_t waiting();

 private:
  using Key = std::pair<Missing, uint64_t>;
  struct Pending {
    uint64_t token;
    std::vector<Parked> parked;
  };

  const Emit emit_;
  std::mutex mutex_;  // guards what follows
  bool closed_ = false;
  uint64_t nextToken_ = 1;
  std::map<Key, Pending> pending_;
};
