#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "inode.hpp"
#include "small-world.hpp"
#include "wire-test.hpp"

namespace {

OwnedFd anyFile() { return OwnedFd(::open("/dev/null", O_RDWR | O_CLOEXEC)); }

uint64_t lower(uint32_t node) { return inode::ofEnvironment(11, 1, node); }
uint64_t upper(uint64_t number) { return inode::ofEnvironment(11, 0, 0) | uint64_t{1} << 40 | number; }

std::string problemOf(bool holds, const char* problem) { return holds ? "" : problem; }

void testRoom(Tally& tally) {
  UpperTables tables(2);
  tables.setBacking(lower(1), anyFile(), {});
  tables.setBacking(upper(2), anyFile(), {});
  const auto held = tables.backing(lower(1));
  tables.setBacking(lower(3), anyFile(), {});
  tally.add("backings: the least recently used is closed", problemOf(!tables.backing(upper(2)) && tables.backing(lower(1)), "another one was"));
  tally.add("backings: what has a number of the upper layer needs no mark", problemOf(!tables.isChanged(upper(2)), "it is marked"));
  tables.setBacking(lower(4), anyFile(), {});
  tables.setBacking(lower(5), anyFile(), {});
  tally.add("backings: no more stay open than there is room for", problemOf(tables.backings() == 2, "more are open"));
  tally.add("backings: the view does not answer for what was closed", problemOf(tables.isChanged(lower(3)), "it does"));
  struct stat found;
  tally.add("backings: a file in use is not closed", problemOf(::fstat(held->file.get(), &found) == 0, "it was closed"));
}

void testDropping(Tally& tally) {
  UpperTables tables(8);
  const uint64_t other = inode::ofEnvironment(12, 1, 1);
  for (const uint64_t number : {lower(1), upper(2), other}) tables.setBacking(number, anyFile(), {}), tables.markChanged(number);
  tables.drop(11);
  tally.add("backings: one environment is forgotten, no other",
            problemOf(tables.backings() == 1 && tables.backing(other) && tables.isChanged(other) && !tables.isChanged(lower(1)), "another one was, too"));
  const int closed = anyFile().release();
  tables.setBacking(other, OwnedFd(closed), {});
  tables.dropBacking(other);
  tally.add("backings: a dropped file is closed", problemOf(::fcntl(closed, F_GETFD) < 0, "it is open"));
}

struct CountingSink : ReplySink {
  void send(const iovec*, int) override { replies.fetch_add(1, std::memory_order_relaxed); }
  std::atomic<uint64_t> replies{0};
};

std::vector<std::vector<std::byte>> requests(const SmallWorld& world) {
  using namespace std::string_view_literals;
  const uint64_t root = inode::ofEnvironment(11, 0, 0), source = lower(world.node(8, "site/pkg/__init__.py"));
  const wire::ReadIn read{0, 0, 64, 0, 0, 0, 0};
  std::vector<std::vector<std::byte>> all;
  for (const uint64_t number : {source, upper(1), upper(2), upper(3)}) {
    all.push_back(request(wire::read, number, bytesOf(read)));
    all.push_back(request(wire::getattr, number, bytesOf(wire::GetattrIn{})));
    all.push_back(request(wire::write, number, bytesOf(wire::WriteIn{})));
  }
  for (const auto name : {"cfg\0"sv, "site\0"sv, "absent\0"sv}) all.push_back(request(wire::lookup, root, bytesOf(name)));
  all.push_back(request(wire::mkdir, root, bytesOf("12345678a\0"sv)));
  return all;
}

// What JavaScript does: gives, takes and marks, and answers each request in one of three ways.
class Owner {
 public:
  explicit Owner(SmallWorld& world, std::mutex& mutex) : world_(world), mutex_(mutex), worker_(world.service.publisher) {}

  void turn(uint64_t count) {
    UpperTables& tables = world_.service.upper;
    const uint64_t root = inode::ofEnvironment(11, 0, 0);
    tables.setBacking(upper(count % 4), anyFile(), {.isOrphan = count % 2 != 0});
    if (count % 3 == 0) tables.dropBacking(upper(1));
    if (count % 5 == 0) count % 2 ? tables.markChanged(root) : tables.clearChanged(root);
    if (count % 7 == 0) tables.drop(11);
    answer();
  }

  void answer() {
    for (const Forward& forward : take(world_.forwards)) {
      const uint64_t token = forward.token;
      if (token % 3 == 0) answerForwarded(token, 0, bytesOf(token), world_.service, worker_);
      else if (token % 3 == 1) answerLookup(token, inode::ofEnvironment(11, 0, 0), "cfg", world_.service, worker_);
      else retryForwarded(token, world_.service, worker_);
    }
    for (const Upcall& upcall : take(world_.upcalls)) completeContent(upcall.token, 0, {}, world_.service, worker_);
    worker_.world.release();
  }

 private:
  template <class Item>
  std::deque<Item> take(std::deque<Item>& queue) {
    const std::lock_guard lock(mutex_);
    return std::exchange(queue, {});
  }

  SmallWorld& world_;
  std::mutex& mutex_;
  Worker worker_;
};

void stressUpper(Tally& tally) {
  std::mutex mutex;
  SmallWorld world(0, {}, true, &mutex);
  world.publish(11);
  const auto messages = requests(world);
  const auto sink = std::make_shared<CountingSink>();
  std::atomic<bool> stopping{false};
  std::atomic<uint64_t> sent{0};
  std::vector<std::thread> threads;
  for (size_t i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      Worker worker(world.service.publisher);
      for (size_t at = i * 5; !stopping; ++at, sent.fetch_add(1, std::memory_order_relaxed)) {
        serve(messages[at % messages.size()], world.service, worker, sink);
        if (at % 16 == 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
      }
    });
  Owner owner(world, mutex);
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
  for (uint64_t count = 1; std::chrono::steady_clock::now() < end; ++count) owner.turn(count);
  stopping = true;
  for (std::thread& thread : threads) thread.join();
  // As often as one request may begin anew, and once more for a content.
  for (uint32_t i = 0; i < limits::forwardTries + 2; ++i) owner.answer();
  tally.add("stress of upper layers: each request is answered once",
            sink->replies == sent ? "" : std::to_string(sent) + " requests, " + std::to_string(sink->replies) + " replies");
  tally.add("stress of upper layers: nothing waits", problemOf(world.service.forwarded.waiting() == 0, "something does"));
}

}  // namespace

void testUpper(Tally& tally) {
  testRoom(tally);
  testDropping(tally);
  stressUpper(tally);
}
