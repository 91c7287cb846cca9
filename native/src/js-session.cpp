#include "js-session.hpp"

namespace {

napi_value describe(napi_env env, const Upcall& upcall) {
  const napi_value object = newObject(env);
  const auto [kind, subject] = upcall.missing;
  set(env, object, "token", fromNumber(env, static_cast<double>(upcall.token)));
  const auto describeAs = [&](const char* name, const char* label, napi_value value) {
    set(env, object, "kind", fromString(env, name));
    set(env, object, label, value);
  };
  const auto number = [&] { return fromNumber(env, static_cast<double>(subject)); };
  switch (kind) {
    case Missing::Kind::view: describeAs("view", "environmentSerial", number()); break;
    case Missing::Kind::image: describeAs("image", "imageSerial", number()); break;
    case Missing::Kind::content: describeAs("content", "inode", fromInode(env, subject)); break;
  }
  return object;
}

napi_ref reference(napi_env env, napi_value value) {
  napi_ref reference;
  check(env, napi_create_reference(env, value, 1, &reference));
  return reference;
}

napi_ref callback(napi_env env, napi_value object, const char* name) {
  const napi_value value = property(env, object, name);
  napi_valuetype type;
  check(env, napi_typeof(env, value, &type));
  if (type != napi_function) throw Failure("EINVAL", std::string(name) + " is no function");
  return reference(env, value);
}

napi_ref optionalCallback(napi_env env, napi_value object, const char* name) {
  return isNullish(env, property(env, object, name)) ? nullptr : callback(env, object, name);
}

napi_value describe(napi_env env, const Forward& request) {
  const Bytes message = *request.message;
  const auto header = load<wire::InHeader>(message);
  const napi_value object = newObject(env);
  set(env, object, "token", fromNumber(env, static_cast<double>(request.token)));
  set(env, object, "opcode", fromNumber(env, header.opcode));
  set(env, object, "inode", fromInode(env, request.inode));
  set(env, object, "isResent", fromBool(env, (header.unique & wire::uniqueResend) != 0));
  set(env, object, "uid", fromNumber(env, header.uid));
  set(env, object, "gid", fromNumber(env, header.gid));
  set(env, object, "pid", fromNumber(env, header.pid));
  set(env, object, "body", fromBytes(env, message.subspan(sizeof header)));
  return object;
}

void drop(napi_env env, napi_ref& reference) {
  if (reference) napi_delete_reference(env, std::exchange(reference, nullptr));
}

}  // namespace

JsSession::JsSession(napi_env env, std::vector<OwnedFd> fds, SessionOptions options, napi_value callbacks) : env_(env) {
  onUpcall_ = callback(env, callbacks, "onUpcall");
  onEnd_ = callback(env, callbacks, "onEnd");
  onRequest_ = optionalCallback(env, callbacks, "onRequest");
  onForget_ = optionalCallback(env, callbacks, "onForget");
  if (options.service.isWritable && !onRequest_) throw Failure("EINVAL", "a writable session needs onRequest");
  events_ = std::make_unique<SessionEvents>(
      env, SessionEvents::Targets{[this](napi_env env, const Upcall& upcall) { onUpcall(env, upcall); },
                                  [this](napi_env env, int error) { onEnd(env, error); },
                                  [this](napi_env env, const Forward& request) { onRequest(env, request); },
                                  [this](napi_env env, uint64_t inode) { onForget(env, inode); }});
  options.onUpcall = [this](const Upcall& upcall) { events_->postUpcall(upcall); };
  options.onRequest = [this](const Forward& request) { events_->postRequest(request); };
  options.onForget = [this](uint64_t inode) { events_->postForget(inode); };
  options.onEnd = [this](int error) { events_->postEnd(error); };
  session_ = std::make_unique<Session>(std::move(fds), std::move(options));
  check(env, napi_add_env_cleanup_hook(env, onEnvironmentEnd, this));
}

JsSession::~JsSession() {
  napi_remove_env_cleanup_hook(env_, onEnvironmentEnd, this);
  session_.reset();
  events_.reset();
  for (napi_ref* held : {&onUpcall_, &onEnd_, &onRequest_, &onForget_, &self_}) drop(env_, *held);
}

void JsSession::onEnvironmentEnd(void* self) {
  auto& session = *static_cast<JsSession*>(self);
  session.session_->finish();
  session.events_->release();
  session.ended_ = true;
}

void JsSession::start(napi_env env, napi_value self) {
  if (ended_ || session_->isStarted()) throw Failure("EINVAL", "the session was started before");
  self_ = reference(env, self);
  session_->start();
}

// Runs once, when the last thread has left. `self_` keeps this object alive up to the end of the function.
void JsSession::onEnd(napi_env env, int error) {
  if (ended_) return;
  // A process that hands over answers what waits for JavaScript still; it ends soon.
  if (session_->isLeaving()) return call(env, onEnd_, fromNumber(env, error));
  ended_ = true;
  session_->finish();
  for (const napi_deferred deferred : std::exchange(stopping_, {}))
    check(env, napi_resolve_deferred(env, deferred, undefined(env)));
  call(env, onEnd_, fromNumber(env, error));
  events_->release();
  drop(env, self_);
}

void JsSession::onUpcall(napi_env env, const Upcall& upcall) {
  if (!ended_) call(env, onUpcall_, describe(env, upcall));
}

void JsSession::onRequest(napi_env env, const Forward& request) {
  if (!ended_) call(env, onRequest_, describe(env, request));
}

void JsSession::onForget(napi_env env, uint64_t inode) {
  if (!ended_ && onForget_) call(env, onForget_, fromInode(env, inode));
}

// An exception stays pending for whoever delivers events.
void JsSession::call(napi_env env, napi_ref callback, napi_value argument) {
  napi_value function;
  check(env, napi_get_reference_value(env, callback, &function));
  napi_call_function(env, undefined(env), function, 1, &argument, nullptr);
}

napi_value JsSession::stop(napi_env env) {
  napi_deferred deferred;
  napi_value promise;
  check(env, napi_create_promise(env, &deferred, &promise));
  if (!ended_ && session_->isStarted()) {
    stopping_.push_back(deferred);
    session_->stop();
    return promise;
  }
  ended_ = true;
  session_->finish();
  events_->release();
  check(env, napi_resolve_deferred(env, deferred, undefined(env)));
  return promise;
}

napi_value JsSession::flushInvalidations(napi_env env) {
  napi_deferred deferred;
  napi_value promise;
  check(env, napi_create_promise(env, &deferred, &promise));
  if (ended_) check(env, napi_resolve_deferred(env, deferred, undefined(env)));
  else session_->notifier().flush([this, deferred] { events_->postResolve(deferred); });
  return promise;
}
