#include "dispatch.hpp"

#include <cerrno>
#include <ctime>

#include "inode.hpp"
#include "opcodes.hpp"
#include "route.hpp"

namespace {

uint64_t clockNs(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

void sendReply(ReplySink& sink, uint64_t unique, int error, Bytes body) {
  const wire::OutHeader header{.len = static_cast<uint32_t>(sizeof header + body.size()), .error = -error, .unique = unique};
  const iovec parts[] = {{const_cast<wire::OutHeader*>(&header), sizeof header},
                         {const_cast<std::byte*>(body.data()), body.size()}};
  sink.send(parts, body.empty() ? 1 : 2);
}

// The one place where an errno becomes a negative number and a request is counted.
void finish(const wire::InHeader& header, const Answer& answer, uint64_t startNs, ReplySink& sink, Worker& worker) {
  const OpcodeEntry& entry = opcodeEntry(header.opcode);
  if (answer.error) worker.counters.errors[entry.opcode].add();
  if (entry.hasReply) sendReply(sink, header.unique, answer.error, answer.body);
  worker.counters.addLatency(clockNs(CLOCK_MONOTONIC) - startNs);
}

// The body is as long as the handler may read, and the name, if any, ends within it.
bool isComplete(const OpcodeEntry& entry, Call& call) {
  if (call.body.size() < entry.bodyBytes) return false;
  if (!entry.hasName) return true;
  const auto rest = textOf(call.body.subspan(entry.bodyBytes));
  const auto end = rest.find('\0');
  if (end == rest.npos || end == 0) return false;
  call.name = rest.substr(0, end);
  return true;
}

Answer handle(const OpcodeEntry& entry, Call& call) {
  if (!isComplete(entry, call)) {
    call.worker.counters.badRequests.add();
    return Answer::fail(EINVAL);
  }
  try {
    if (call.mayHaveUpper() && !call.course.isNative)
      if (auto answer = route(call)) return *std::move(answer);
    return entry.handler(call);
  } catch (const std::exception&) {  // out of memory: this request fails, no other
    call.worker.counters.ioErrors.add();
    return Answer::fail(EIO);
  }
}

// What is missing again right after it was said to be there would make the request wander for ever.
bool park(const Missing& missing, Call& call, Bytes message) {
  const bool wanders = call.resumed && call.resumed->missing == missing && missing.kind != Missing::Kind::content;
  bool isNew = false;
  Parked request{{message.begin(), message.end()}, call.sink, call.startNs, call.course};
  if (wanders || !call.service.upcalls.park(missing, call.viewIdentity, std::move(request), isNew)) return false;
  if (isNew) call.worker.counters.upcalls.add();
  return true;
}

// False where it was begun anew too often, or the session ends.
bool forward(Call& call, Bytes message) {
  if (call.course.tries >= limits::forwardTries) return false;
  const auto copy = std::make_shared<const std::vector<std::byte>>(message.begin(), message.end());
  call.worker.counters.forwarded.add();
  return call.service.forwarded.add(call.inode(), {copy, call.sink, call.startNs, call.course.tries + 1});
}

void run(Bytes message, Service& service, Worker& worker, const std::shared_ptr<ReplySink>& sink, uint64_t startNs,
         const Resumed* resumed, Course course) {
  const auto world = worker.world.acquire();
  Call call{.header = load<wire::InHeader>(message), .body = message.subspan(sizeof(wire::InHeader)), .name = {},
            .service = service, .worker = worker, .sink = sink, .startNs = startNs, .world = *world, .resumed = resumed, .course = course};
  Answer answer = handle(opcodeEntry(call.header.opcode), call);
  if (answer.kind == Answer::Kind::forward) {
    if (forward(call, message)) return;
    answer = Answer::fail(EIO);
  }
  if (answer.kind == Answer::Kind::wait) {
    if (park(answer.missing, call, message)) return;
    // No view brings the image: the handle stands for nothing any more.
    answer = Answer::fail(answer.missing.kind == Missing::Kind::image ? ESTALE : EIO);
  }
  finish(call.header, answer, startNs, *sink, worker);
}

void resume(const std::vector<Parked>& requests, int error, const Resumed* resumed, Service& service, Worker& worker) {
  for (const Parked& request : requests) {
    if (error) answerParked(request, error, worker);
    else run(request.message, service, worker, request.sink, request.startNs, resumed, request.course);
  }
}

const GeneratedFile* generatedFile(const World& world, uint64_t number, uint64_t viewIdentity) {
  const bool isEnvironment = inode::spaceOf(number) == inode::Space::environment;
  const View* view = world.view(isEnvironment ? inode::environmentOf(number) : 0);
  if (!view || view->identity() != viewIdentity) return nullptr;
  const auto own = view->ownNode(number);
  return own && own->kind == viewFormat::generated ? &view->generated(own->index) : nullptr;
}

// A volatile file gets a new time, so that the kernel drops the pages that it holds of the last content.
GeneratedContents::Handle keep(const GeneratedFile& file, uint64_t viewIdentity, std::vector<std::byte> bytes,
                               Service& service) {
  if (file.isVolatile)
    file.mtimeNs.store(static_cast<int64_t>(clockNs(CLOCK_REALTIME)), std::memory_order_release);
  file.sizeBytes.store(static_cast<int64_t>(bytes.size()), std::memory_order_release);
  auto content = std::make_shared<const Content>(Content{std::move(bytes), file.mtimeNs.load()});
  service.contents.put(viewIdentity, file.inode, content);
  return content;
}

}  // namespace

void serve(Bytes message, Service& service, Worker& worker, const std::shared_ptr<ReplySink>& sink) {
  const uint64_t startNs = clockNs(CLOCK_MONOTONIC);
  if (message.size() < sizeof(wire::InHeader)) return worker.counters.badRequests.add();
  const auto header = load<wire::InHeader>(message);
  const OpcodeEntry& entry = opcodeEntry(header.opcode);
  worker.counters.requests[entry.opcode].add();
  // CPython before 3.13 asks of each file that it opens whether it is a terminal.
  if (header.opcode == wire::ioctl) return finish(header, Answer::fail(ENOTTY), startNs, *sink, worker);
  if (header.len == message.size()) return run(message, service, worker, sink, startNs, nullptr, {});
  worker.counters.badRequests.add();
  finish(header, Answer::fail(EIO), startNs, *sink, worker);
}

void answerParked(const Parked& request, int error, Worker& worker) {
  finish(load<wire::InHeader>(request.message), Answer::fail(error), request.startNs, *request.sink, worker);
}

void completeView(uint64_t token, int error, Service& service, Worker& worker) {
  const auto taken = service.upcalls.take(token);
  const Resumed resumed{taken.missing, nullptr};
  resume(taken.parked, error, &resumed, service, worker);
}

void completeContent(uint64_t token, int error, std::vector<std::byte> bytes, Service& service, Worker& worker) {
  const auto taken = service.upcalls.take(token);
  const auto world = worker.world.acquire();
  const GeneratedFile* file = generatedFile(*world, taken.missing.subject, taken.viewIdentity);
  if (error || !file) return resume(taken.parked, error, nullptr, service, worker);
  const Resumed resumed{taken.missing, keep(*file, taken.viewIdentity, std::move(bytes), service)};
  resume(taken.parked, 0, &resumed, service, worker);
}

void answerForwarded(uint64_t token, int error, Bytes body, Service& service, Worker& worker) {
  const auto request = service.forwarded.take(token);
  if (!request) return;
  const Answer answer = error ? Answer::fail(error) : Answer::reply(body);
  finish(load<wire::InHeader>(*request->message), answer, request->startNs, *request->sink, worker);
}

// As if the kernel had asked for it, and nothing lay over the view.
void answerLookup(uint64_t token, uint64_t lowerParent, std::string_view name, Service& service, Worker& worker) {
  const auto request = service.forwarded.take(token);
  if (!request) return;
  auto header = load<wire::InHeader>(*request->message);
  std::vector<std::byte> message(sizeof header + name.size() + 1);
  header.len = static_cast<uint32_t>(message.size());
  header.opcode = wire::lookup;
  header.nodeid = lowerParent;
  store(std::span(message), 0, header);
  std::ranges::copy(bytesOf(name), message.begin() + sizeof header);
  run(message, service, worker, request->sink, request->startNs, nullptr, {.isNative = true});
}

void retryForwarded(uint64_t token, Service& service, Worker& worker) {
  const auto request = service.forwarded.take(token);
  if (!request) return;
  run(*request->message, service, worker, request->sink, request->startNs, nullptr, {.tries = request->tries});
}

void answerFromView(uint64_t token, Service& service, Worker& worker) {
  const auto request = service.forwarded.take(token);
  if (!request) return;
  run(*request->message, service, worker, request->sink, request->startNs, nullptr, {.isNative = true});
}

void closeUpcalls(Service& service, Worker& worker) {
  for (const Parked& request : service.upcalls.close()) answerParked(request, EIO, worker);
  for (const ForwardedRequest& request : service.forwarded.close())
    finish(load<wire::InHeader>(*request.message), Answer::fail(EIO), request.startNs, *request.sink, worker);
}
