#include "session-events.hpp"

namespace {

// An exception of a callback is the program's own error: it ends as any uncaught one.
void surfaceException(napi_env env) {
  bool isPending = false;
  napi_is_exception_pending(env, &isPending);
  napi_value exception;
  if (isPending && napi_get_and_clear_last_exception(env, &exception) == napi_ok) napi_fatal_exception(env, exception);
}

}  // namespace

SessionEvents::SessionEvents(napi_env env, Targets targets)
    : targets_(std::make_shared<const Targets>(std::move(targets))) {
  check(env, napi_create_threadsafe_function(env, nullptr, nullptr, fromString(env, "shenv-fs session"), 0, 1, nullptr,
                                             nullptr, nullptr, deliver, &function_));
}

// At the end of the environment `env` is null: then the event is only freed.
void SessionEvents::deliver(napi_env env, napi_value, void*, void* data) {
  const std::unique_ptr<Event> event(static_cast<Event*>(data));
  if (!env) return;
  try {
    (*event)(env);
  } catch (const std::exception&) {  // the environment is going down
  } catch (const PendingException&) {
  }
  surfaceException(env);
}

void SessionEvents::post(Event event) {
  const std::lock_guard lock(mutex_);
  if (!function_) return;
  auto owned = std::make_unique<Event>(std::move(event));
  if (napi_call_threadsafe_function(function_, owned.get(), napi_tsfn_nonblocking) == napi_ok) owned.release();
}

void SessionEvents::postUpcall(const Upcall& upcall) {
  post([targets = targets_, upcall](napi_env env) { targets->upcall(env, upcall); });
}

void SessionEvents::postEnd(int error) {
  post([targets = targets_, error](napi_env env) { targets->end(env, error); });
}

void SessionEvents::postRequest(const Forward& request) {
  post([targets = targets_, request](napi_env env) { targets->request(env, request); });
}

void SessionEvents::postForget(uint64_t inode) {
  post([targets = targets_, inode](napi_env env) { targets->forget(env, inode); });
}

void SessionEvents::postResolve(napi_deferred deferred) {
  post([deferred](napi_env env) { check(env, napi_resolve_deferred(env, deferred, undefined(env))); });
}

void SessionEvents::release() {
  const std::lock_guard lock(mutex_);
  if (function_) napi_release_threadsafe_function(std::exchange(function_, nullptr), napi_tsfn_release);
}
