// Brings what happens on a session's threads to JavaScript's.
#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "napi-values.hpp"
#include "forwarded.hpp"

class SessionEvents {
 public:
  // All are run on JavaScript's thread.
  struct Targets {
    std::function<void(napi_env, const Upcall&)> upcall;
    std::function<void(napi_env, int error)> end;
    std::function<void(napi_env, const Forward&)> request;
    std::function<void(napi_env, uint64_t inode)> forget;
  };

  SessionEvents(napi_env env, Targets targets);
  ~SessionEvents() { release(); }

  // From any thread. Once released, events are dropped.
  void postUpcall(const Upcall& upcall);
  void postEnd(int error);
  void postRequest(const Forward& request);
  void postForget(uint64_t inode);
  // Settles a promise of JavaScript's.
  void postResolve(napi_deferred deferred);
  // Lets the process end; on JavaScript's thread.
  void release();

 private:
  using Event = std::function<void(napi_env)>;
  static void deliver(napi_env env, napi_value, void*, void* data);
  void post(Event event);

  const std::shared_ptr<const Targets> targets_;  // an event may come after its session
  std::mutex mutex_;  // guards the next
  napi_threadsafe_function function_ = nullptr;
};
