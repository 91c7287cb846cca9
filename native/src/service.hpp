// All that the threads of one session share.
#pragma once
#include <cstdlib>
#include <memory>

#include "attributes.hpp"
#include "counters.hpp"
#include "forwarded.hpp"
#include "generated-contents.hpp"
#include "image-contents.hpp"
#include "limits.hpp"
#include "negotiation.hpp"
#include "upcalls.hpp"
#include "upper-tables.hpp"
#include "world.hpp"

struct ServiceOptions {
  AttributeSettings attributes;
  size_t maxImageDescriptors = 256;
  ChunkSizes chunks = ChunkSizes::forDisk();  // of contents of images, for a while
  size_t generatedCacheBytes = 16 << 20;
  bool isWritable = false;
  // Whose file system STATFS tells of; none if empty.
  std::string statfsPath{};
};

// Page-aligned memory that stays untouched, and so costs nothing, until it is used.
class PageBuffer {
 public:
  explicit PageBuffer(size_t bytes)
      : bytes_(bytes), data_(static_cast<std::byte*>(std::aligned_alloc(limits::pageBytes(), bytes))) {
    if (!data_) throw std::bad_alloc();
  }
  std::span<std::byte> span() const { return {data_.get(), bytes_}; }

 private:
  struct Free {
    void operator()(std::byte* data) const { std::free(data); }
  };
  size_t bytes_;
  std::unique_ptr<std::byte, Free> data_;
};

// What one thread needs to answer requests.
struct Worker {
  explicit Worker(const Publisher& publisher) : world(publisher), reply(limits::replyBytes()) {}

  WorldReader world;
  Counters counters;
  PageBuffer reply;  // the body of the reply in work
};

// What JavaScript is asked and told; each is called on whichever thread serves the request.
struct ServiceEvents {
  Upcalls::Emit upcall;
  Forwarded::Emit request = [](const Forward&) {};
  std::function<void(uint64_t inode)> forget = [](uint64_t) {};
};

struct Service {
  Service(const ServiceOptions& options, ServiceEvents events)
      : attributes(options.attributes),
        negotiation(options.isWritable),
        images({options.maxImageDescriptors, options.chunks}),
        contents(options.generatedCacheBytes),
        upcalls(std::move(events.upcall)),
        isWritable(options.isWritable),
        statfsPath(options.statfsPath),
        upper(limits::backings()),
        forwarded(std::move(events.request)),
        onForget(std::move(events.forget)) {}

  // Also closes what is open of its file and of its base's.
  void renewImage(ImageSource source, Bytes metadata = {});
  void dropImage(uint32_t serial);
  // Forgets what was generated for the view before.
  void publishView(Bytes blob);
  void dropView(uint32_t environment);

  const AttributeSettings attributes;
  Publisher publisher;
  Negotiation negotiation;
  ImageContents images;
  GeneratedContents contents;
  Upcalls upcalls;
  // Of a writable session alone.
  const bool isWritable;
  const std::string statfsPath;
  UpperTables upper;
  Forwarded forwarded;
  ForgetWatch watches;
  const std::function<void(uint64_t inode)> onForget;
};
