#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "inode.hpp"
#include "small-world.hpp"
#include "wire-test.hpp"

namespace {

constexpr int threadCount = 8;

// Counts replies; those of parked requests come on another thread.
struct CountingSink : ReplySink {
  void send(const iovec* parts, int) override {
    const auto header = load<wire::OutHeader>({static_cast<const std::byte*>(parts[0].iov_base), sizeof(wire::OutHeader)});
    replies.fetch_add(1, std::memory_order_relaxed);
    if (header.error == -EIO) failures.fetch_add(1, std::memory_order_relaxed);
  }
  std::atomic<uint64_t> replies{0}, failures{0};
};

std::vector<std::vector<std::byte>> requests(const SmallWorld& world) {
  using namespace std::string_view_literals;
  const auto root = inode::ofEnvironment(7, 0, 0), site = inode::ofEnvironment(7, 0, 1);
  const auto generated = inode::ofEnvironment(7, 0, 1u << 27);
  const auto package = inode::ofEnvironment(7, 1, world.node(5, "site/pkg"));
  const auto file = world.image(5).inodeOf(world.node(5, "site/pkg/large.bin"));
  const auto base = world.image(8).inodeOf(world.node(8, "site/pkg/__init__.py"));
  const wire::ReadIn read{0, 0, 65'536, 0, 0, 0, 0};
  const wire::GetattrIn getattr{};
  std::vector<std::vector<std::byte>> all;
  for (const auto name : {"one\0"sv, "nine\0"sv, "absent\0"sv}) all.push_back(request(wire::lookup, 1, bytesOf(name)));
  for (const auto name : {"cfg\0"sv, "vol\0"sv, "site\0"sv, "zz\0"sv}) all.push_back(request(wire::lookup, root, bytesOf(name)));
  for (const uint64_t node : {uint64_t{1}, root, site, package}) all.push_back(request(wire::readdirplus, node, bytesOf(read)));
  for (const uint64_t node : {file, base, generated, generated + 1, generated + 2}) {
    all.push_back(request(wire::read, node, bytesOf(read)));
    all.push_back(request(wire::getattr, node, bytesOf(getattr)));
  }
  all.push_back(request(wire::lookup, package, bytesOf("..\0"sv)));
  all.push_back(request(wire::interrupt, 0, bytesOf(uint64_t{0})));
  return all;
}

// The part of JavaScript: answers upcalls, swaps views.
class Owner {
 public:
  Owner(SmallWorld& world, std::mutex& mutex, std::deque<Upcall>& upcalls)
      : world_(world), mutex_(mutex), upcalls_(upcalls), worker_(world.service.publisher) {}

  void turn(int count) {
    answerUpcalls();
    if (count % 3 == 0) world_.publish(7, count % 2);
    if (count % 50 == 0) world_.service.dropView(9);
    if (count % 70 == 0) world_.service.dropView(7);
  }

  void answerUpcalls() {
    for (const Upcall& upcall : take()) {
      if (upcall.missing.kind == Missing::Kind::content) {
        completeContent(upcall.token, 0, std::vector<std::byte>(upcall.token % 100), world_.service, worker_);
      } else {
        if (upcall.missing.kind == Missing::Kind::view) world_.publish(static_cast<uint32_t>(upcall.missing.subject));
        completeView(upcall.token, 0, world_.service, worker_);
      }
      worker_.world.release();
    }
  }

 private:
  std::deque<Upcall> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(upcalls_, {});
  }

  SmallWorld& world_;
  std::mutex& mutex_;
  std::deque<Upcall>& upcalls_;
  Worker worker_;
};

}  // namespace

void stress(Tally& tally, int seconds) {
  std::mutex mutex;
  std::deque<Upcall> upcalls;
  SmallWorld world(1000, [&](const Upcall& upcall) {
    const std::lock_guard lock(mutex);
    upcalls.push_back(upcall);
  });
  const auto messages = requests(world);
  const auto sink = std::make_shared<CountingSink>();
  std::atomic<bool> stopping{false};
  std::atomic<uint64_t> sent{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < threadCount; ++i)
    threads.emplace_back([&, i] {
      Worker worker(world.service.publisher);
      for (size_t at = static_cast<size_t>(i) * 3; !stopping; ++at) {
        const auto& message = messages[at % messages.size()];
        serve(message, world.service, worker, sink);
        if (load<wire::InHeader>(message).opcode != wire::interrupt) sent.fetch_add(1, std::memory_order_relaxed);
        // Parked requests are bounded by the number of waiting processes; here by this.
        if (at % 64 == 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
      }
    });
  Owner owner(world, mutex, upcalls);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  for (int count = 1; std::chrono::steady_clock::now() < end; ++count) owner.turn(count);
  stopping = true;
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < 100; ++i) owner.answerUpcalls();
  closeUpcalls(world.service, world.worker);
  const uint64_t replies = sink->replies;
  std::printf("     stress: %llu requests, %llu EIO\n", static_cast<unsigned long long>(sent), static_cast<unsigned long long>(sink->failures));
  tally.add("stress: each request is answered once",
            replies == sent ? "" : std::to_string(sent) + " requests, " + std::to_string(replies) + " replies");
}
