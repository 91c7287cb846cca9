// What stands behind a Session object of JavaScript.
#pragma once
#include <memory>
#include <vector>

#include "session-events.hpp"
#include "session.hpp"

class JsSession {
 public:
  // `callbacks` has onUpcall and onEnd, and may have onRequest and onForget.
  JsSession(napi_env env, std::vector<OwnedFd> fds, SessionOptions options, napi_value callbacks);
  ~JsSession();
  JsSession(const JsSession&) = delete;
  JsSession& operator=(const JsSession&) = delete;

  // `self` is the JavaScript object; it stays alive until the session has ended.
  void start(napi_env env, napi_value self);
  napi_value stop(napi_env env);
  napi_value flushInvalidations(napi_env env);
  Session& session() { return *session_; }

 private:
  void onUpcall(napi_env env, const Upcall& upcall);
  void onEnd(napi_env env, int error);
  void onRequest(napi_env env, const Forward& request);
  void onForget(napi_env env, uint64_t inode);
  void call(napi_env env, napi_ref callback, napi_value argument);
  static void onEnvironmentEnd(void* self);

  const napi_env env_;
  napi_ref onUpcall_ = nullptr, onEnd_ = nullptr, onRequest_ = nullptr, onForget_ = nullptr, self_ = nullptr;
  std::vector<napi_deferred> stopping_;
  bool ended_ = false;
  std::unique_ptr<SessionEvents> events_;
  std::unique_ptr<Session> session_;  // its threads use the events: it goes first
};
