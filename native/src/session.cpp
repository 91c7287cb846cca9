#include "session.hpp"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>

#include "failure.hpp"

namespace {

// Threads started while it lives never handle the process's signals.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

// Keeps the answer to one request.
struct KeptAnswer : ReplySink {
  void send(const iovec* parts, int count) override {
    for (const iovec& part : std::span(parts, static_cast<size_t>(count))) {
      const auto* bytes = static_cast<const std::byte*>(part.iov_base);
      message.insert(message.end(), bytes, bytes + part.iov_len);
    }
  }
  std::vector<std::byte> message;
};

constexpr int initTimeoutMs = 20'000;

// Waits for a request or the order to stop. Where threads float, one request wakes one of them.
class RequestWait {
 public:
  RequestWait(int requests, int stop, bool wakesAll) : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    add(requests, wakesAll ? EPOLLIN : EPOLLIN | EPOLLEXCLUSIVE);
    add(stop, EPOLLIN);
  }
  bool isValid() const { return valid_; }
  void wait() {
    epoll_event event;
    ::epoll_wait(epoll_.get(), &event, 1, -1);
  }

 private:
  void add(int fd, uint32_t events) {
    epoll_event event{};
    event.events = events;
    valid_ = ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0 && valid_;
  }

  OwnedFd epoll_;
  bool valid_ = true;
};

}  // namespace

Session::Session(std::vector<OwnedFd> fds, SessionOptions options)
    : options_(std::move(options)),
      service_(options_.service, {options_.onUpcall, options_.onRequest, options_.onForget}),
      stopEvent_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      placement_(options_.threads) {
  if (!stopEvent_) throw systemFailure(errno, "cannot create an eventfd");
  for (uint32_t i = 0; i < options_.threads + 2; ++i) workers_.emplace_back(service_.publisher);
  if (options_.agreed) service_.negotiation.restore(*options_.agreed);
  openChannels(std::move(fds));
}

void Session::openChannels(std::vector<OwnedFd> fds) {
  for (OwnedFd& fd : fds) channels_.push_back(std::make_shared<Channel>(std::move(fd)));
  if (options_.agreed) return service_.negotiation.has(wire::feature::hasResend) ? void() : renewChannels();
  while (channels_.size() < options_.threads) {
    auto next = Channel::clone(*channels_.front());
    if (!next) return channels_.resize(1);
    channels_.push_back(std::move(next));
  }
}

// Where nothing can be sent again, what the process before this one had read fails as soon as nobody has its
// descriptors any more, instead of waiting for ever.
void Session::renewChannels() {
  std::vector<std::shared_ptr<Channel>> fresh;
  while (fresh.size() < options_.threads) {
    auto next = Channel::clone(*channels_.front());
    if (!next) return;
    fresh.push_back(std::move(next));
  }
  channels_ = std::move(fresh);
}

std::vector<int> Session::descriptors() const {
  std::vector<int> fds;
  for (const auto& channel : channels_) fds.push_back(channel->fd());
  return fds;
}

void Session::negotiate() {
  pollfd wait{.fd = channels_.front()->fd(), .events = POLLIN, .revents = 0};
  int ready;
  do ready = ::poll(&wait, 1, initTimeoutMs);
  while (ready < 0 && errno == EINTR);
  const PageBuffer request(requestBytes());
  const ssize_t count = ready == 1 ? channels_.front()->receive(request.span()) : -ETIMEDOUT;
  if (count < 0) throw systemFailure(static_cast<int>(-count), "the kernel did not begin to talk");
  const auto answer = std::make_shared<KeptAnswer>();
  serve(request.span().first(static_cast<size_t>(count)), service_, workers_.front(), answer);
  initAnswer_ = std::move(answer->message);
}

// Before any thread reads: what has been spliced back to the kernel's queue is then read once.
void Session::resumeService() {
  if (!initAnswer_.empty()) {
    const iovec part{initAnswer_.data(), initAnswer_.size()};
    channels_.front()->write(&part, 1);
  }
  if (!options_.agreed || !service_.negotiation.has(wire::feature::hasResend)) return;
  wire::OutHeader resend{.len = sizeof resend, .error = wire::notifyResend, .unique = 0};
  const iovec part{&resend, sizeof resend};
  channels_.front()->write(&part, 1);
}

void Session::start() {
  const SignalsBlocked blocked;
  notifier_.start(channels_.front());
  resumeService();
  service_.images.startReadAhead();
  running_ = options_.threads;
  for (uint32_t i = 0; i < options_.threads; ++i) {
    auto channel = channels_[i < channels_.size() ? i : 0];
    threads_.emplace_back([this, i, channel] {
      placement_.apply(i);
      run(workers_[i], channel);
    });
  }
}

void Session::run(Worker& worker, const std::shared_ptr<Channel>& channel) {
  pthread_setname_np(pthread_self(), "shenv-fs");
  int error = EIO;
  try {
    error = serveUntilEnd(worker, channel);
  } catch (const std::exception&) {  // out of memory: the others go on, this thread does not
    error = ENOMEM;
  }
  leave(error);
}

int Session::serveUntilEnd(Worker& worker, const std::shared_ptr<Channel>& channel) {
  const PageBuffer request(requestBytes());
  // A kill amid a read must not find the kernel without a page to copy to: it would fail the request.
  std::ranges::fill(request.span(), std::byte{});
  RequestWait requests(channel->fd(), stopEvent_.get(), placement_.isLocal());
  if (!requests.isValid()) return EIO;
  while (!stopping_.load(std::memory_order_acquire)) {
    const ssize_t count = channel->receive(request.span());
    if (count >= 0) {
      serve(request.span().first(static_cast<size_t>(count)), service_, worker, channel);
    } else if (count == -EAGAIN) {
      worker.world.release();
      requests.wait();
    } else if (count == -ENODEV) {
      break;
    } else if (count != -EINTR && count != -ENOENT) {
      return static_cast<int>(-count);
    }
  }
  worker.world.release();
  return 0;
}

void Session::leave(int error) {
  int none = 0;
  if (error) firstError_.compare_exchange_strong(none, error);
  if (running_.fetch_sub(1) == 1) options_.onEnd(firstError_);
}

void Session::stop() {
  if (closing_.joinable() || !isStarted()) return;
  const SignalsBlocked blocked;
  closing_ = std::thread([this] { close(); });
}

void Session::stopReading() {
  leaving_ = true;
  signalStop();
}

void Session::signalStop() {
  stopping_.store(true, std::memory_order_release);
  const uint64_t one = 1;
  while (::write(stopEvent_.get(), &one, sizeof one) < 0 && errno == EINTR) {}
}

// The order matters: a notification may block until a parked lookup is answered or one in the kernel's queue
// is served, so the threads leave last.
void Session::close() {
  const bool isLeft = leaving_ && service_.negotiation.has(wire::feature::hasResend);
  if (!isLeft) closeUpcalls(service_, workers_[options_.threads + 1]);
  notifier_.stop();
  signalStop();
}

void Session::finish() {
  stop();
  if (closing_.joinable()) closing_.join();
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
  service_.images.stopReadAhead();
  channels_.clear();
}

void Session::probeForget(uint64_t inode) {
  notifier_.probe(nodeIdOf(inode), [this, inode] {
    if (service_.watches.take(inode)) service_.onForget(inode);
  });
}

void Session::completeView(uint64_t token, int error) {
  Worker& worker = workers_[options_.threads];
  ::completeView(token, error, service_, worker);
  worker.world.release();
}

void Session::completeContent(uint64_t token, int error, std::vector<std::byte> bytes) {
  Worker& worker = workers_[options_.threads];
  ::completeContent(token, error, std::move(bytes), service_, worker);
  worker.world.release();
}

void Session::answer(uint64_t token, int error, Bytes body) {
  Worker& worker = workers_[options_.threads];
  answerForwarded(token, error, body, service_, worker);
  worker.world.release();
}

void Session::answerLookup(uint64_t token, uint64_t lowerParent, std::string_view name) {
  Worker& worker = workers_[options_.threads];
  ::answerLookup(token, lowerParent, name, service_, worker);
  worker.world.release();
}

void Session::retry(uint64_t token) {
  Worker& worker = workers_[options_.threads];
  retryForwarded(token, service_, worker);
  worker.world.release();
}

void Session::answerFromView(uint64_t token) {
  Worker& worker = workers_[options_.threads];
  ::answerFromView(token, service_, worker);
  worker.world.release();
}
