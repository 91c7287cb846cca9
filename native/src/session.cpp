#include "session.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

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

Session::Session(OwnedFd fd, SessionOptions options)
    : options_(std::move(options)),
      service_(options_.service, options_.onUpcall),
      channel_(std::make_shared<Channel>(std::move(fd))),
      stopEvent_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      placement_(options_.threads) {
  if (!stopEvent_) throw systemFailure(errno, "cannot create an eventfd");
  for (uint32_t i = 0; i < options_.threads + 2; ++i) workers_.emplace_back(service_.publisher);
}

void Session::start() {
  const SignalsBlocked blocked;
  notifier_.start(channel_);
  service_.images.startReadAhead();
  running_ = options_.threads;
  for (uint32_t i = 0; i < options_.threads; ++i) {
    auto channel = i == 0 ? channel_ : Channel::clone(*channel_);
    cloned_ = cloned_ && channel;
    if (!channel) channel = channel_;
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
  const PageBuffer request(limits::requestBytes);
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

// The order matters: a notification may block until a parked lookup is answered or one in the kernel's queue
// is served, so the threads leave last.
void Session::close() {
  closeUpcalls(service_, workers_[options_.threads + 1]);
  notifier_.stop();
  stopping_.store(true, std::memory_order_release);
  const uint64_t one = 1;
  while (::write(stopEvent_.get(), &one, sizeof one) < 0 && errno == EINTR) {}
}

void Session::finish() {
  stop();
  if (closing_.joinable()) closing_.join();
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
  service_.images.stopReadAhead();
  channel_.reset();
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
