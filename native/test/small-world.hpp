// A small mount without a kernel: three images, three environments, and a record of all that is said.
//
//   images      5 wheel, 6 wheel, 8 bytecode of 5
//   /one        environment 7: layers 5 (slot 1) and 6 (slot 2)
//     cfg (generated, size unknown), link, site/, sized (generated, 6 bytes), vol (volatile)
//     site/     ns/ (of both: a.py, b.py), other/ (of 6), pkg/ (of 5), top.py
//   /nine       environment 9: layer 8 (slot 1); site/ is a graft
//   /.shenv     environment 0: packages/five is the site folder of image 5
//   /own        environment 11, of a writable world alone, with numbers of its own: layers 8 (slot 1) and 6 (slot 2)
//     cfg (generated, size unknown), link, ns (of 6), site/ (of 8, where __pycache__ has a file more)
#pragma once
#include <deque>
#include <map>

#include "dispatch.hpp"
#include "view-builder.hpp"

struct RecordingSink : ReplySink {
  void send(const iovec* parts, int count) override;
  std::deque<std::vector<std::byte>> replies;
};

// What the kernel would send, from nobody in particular.
std::vector<std::byte> request(uint32_t opcode, uint64_t nodeid, Bytes body);

class SmallWorld {
  const std::string folder_;  // the service knows it
  std::mutex* const mutex_;

 public:
  // Upcalls go to `upcalls` unless `emit` is given; where several threads ask, `mutex` guards the queues.
  explicit SmallWorld(size_t generatedCacheBytes = 4096, Upcalls::Emit emit = {}, bool isWritable = false,
                      std::mutex* mutex = nullptr);
  ~SmallWorld();

  // The views of the three environments; `changed` gives 7 another tree (a name less, a name more).
  std::vector<std::byte> encode(uint32_t environment, bool changed = false) const;
  void publish(uint32_t environment, bool changed = false) { service.publishView(encode(environment, changed)); }

  const Image& image(uint32_t serial) const { return *images_.at(serial); }
  // The index of the node at a path of an image.
  uint32_t node(uint32_t serial, const std::string& path) const;
  // Of the images and whatever else a test puts there.
  const std::string& folder() const { return folder_; }
  const std::string& imagePath(uint32_t serial) const { return image(serial).source().path; }

  std::shared_ptr<RecordingSink> sink = std::make_shared<RecordingSink>();
  std::deque<Upcall> upcalls;
  std::deque<Forward> forwards;
  std::deque<uint64_t> forgotten;
  Service service;
  Worker worker;

 private:
  void addImage(uint32_t serial, const std::vector<std::byte>& bytes, uint32_t base = 0);

  // A function that puts what it is called with into a queue.
  template <class Item>
  auto into(std::deque<Item>& queue) {
    return [this, &queue](const Item& item) {
      const auto lock = mutex_ ? std::unique_lock(*mutex_) : std::unique_lock<std::mutex>();
      queue.push_back(item);
    };
  }
  std::vector<std::byte> encodeOwn() const;

  std::map<uint32_t, std::shared_ptr<const Image>> images_;
};
