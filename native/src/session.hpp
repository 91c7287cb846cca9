// The threads that answer one mount.
#pragma once
#include <atomic>
#include <deque>
#include <thread>

#include "channel.hpp"
#include "dispatch.hpp"
#include "notifier.hpp"
#include "placement.hpp"

struct SessionOptions {
  ServiceOptions service;
  uint32_t threads = 2;
  // Of the process before this one, which served the same mount.
  std::optional<Negotiated> agreed;
  // Called on the session's threads; none may block.
  Upcalls::Emit onUpcall;
  Forwarded::Emit onRequest;
  std::function<void(uint64_t inode)> onForget;
  std::function<void(int error)> onEnd;
};

class Session {
 public:
  // `fds` is one descriptor, which is cloned for each thread where that is possible; or, with `agreed`, all that
  // the process before this one had.
  Session(std::vector<OwnedFd> fds, SessionOptions options);
  // Stops and joins.
  ~Session() { finish(); }

  // Reads INIT and keeps the answer until `start`. Throws Failure when it does not come.
  void negotiate();
  // With `agreed`, what the process before this one had read and not answered comes again.
  void start();
  // Makes the threads leave, without waiting for them; `onEnd` follows. Not before `start`.
  void stop();
  // As `stop`, but what waits for JavaScript is answered as it comes, or left to the next process by `finish`.
  void stopReading();
  // Stops if need be, joins all threads, closes the descriptors. A second call does nothing.
  void finish();

  Service& service() { return service_; }
  Notifier& notifier() { return notifier_; }
  // Make the kernel forget an inode, or a name in a directory, both given by inode number.
  void invalidateEntry(uint64_t parent, std::string_view name) { notifier_.invalidateEntry(nodeIdOf(parent), name); }
  void invalidateInode(uint64_t inode) { notifier_.invalidateInode(nodeIdOf(inode)); }
  // Of an inode that is watched: `onForget` follows if the kernel does not know it.
  void probeForget(uint64_t inode);
  void invalidateAllEntries() { notifier_.invalidateAllEntries(); }
  bool isStarted() const { return !threads_.empty(); }
  bool isLeaving() const { return leaving_; }

  // For the thread that owns the session.
  void completeView(uint64_t token, int error);
  void completeContent(uint64_t token, int error, std::vector<std::byte> bytes);
  void answer(uint64_t token, int error, Bytes body);
  void answerLookup(uint64_t token, uint64_t lowerParent, std::string_view name);
  void retry(uint64_t token);
  void answerFromView(uint64_t token);

  const std::deque<Worker>& workers() const { return workers_; }
  uint32_t threadCount() const { return options_.threads; }
  bool hasClonedDescriptors() const { return channels_.size() == options_.threads; }
  // Owned by the session; each in use by a thread.
  std::vector<int> descriptors() const;
  Negotiated negotiated() const { return service_.negotiation.result(); }
  // Requests that wait for JavaScript.
  size_t waiting() { return service_.upcalls.waiting() + service_.forwarded.waiting(); }
  // Open files of upper layers.
  size_t backings() const { return service_.upper.backings(); }
  size_t imageCount() const { return service_.publisher.current()->images.size(); }
  Chunks::Usage chunkUsage() const { return service_.images.usage(); }
  uint64_t notifications() const { return notifier_.written(); }

 private:
  // The kernel refuses to fill a buffer that its largest write does not fit into.
  size_t requestBytes() const { return limits::requestBytes + (service_.isWritable ? limits::largestWriteBytes : 0); }
  uint64_t nodeIdOf(uint64_t inode) const { return service_.publisher.current()->nodeIdOf(inode); }
  void run(Worker& worker, const std::shared_ptr<Channel>& channel);
  // 0 when told to stop or unmounted, else the errno that ended the loop.
  int serveUntilEnd(Worker& worker, const std::shared_ptr<Channel>& channel);
  void leave(int error);
  void close();
  void signalStop();
  void openChannels(std::vector<OwnedFd> fds);
  void renewChannels();
  void resumeService();

  const SessionOptions options_;
  Service service_;
  Notifier notifier_;
  std::vector<std::shared_ptr<Channel>> channels_;  // one a thread, or one for all
  std::vector<std::byte> initAnswer_;
  OwnedFd stopEvent_;
  Placement placement_;
  std::deque<Worker> workers_;  // one a thread, then the owner's, then the closing thread's
  std::vector<std::thread> threads_;
  std::thread closing_;
  std::atomic<uint32_t> running_{0};
  std::atomic<int> firstError_{0};
  std::atomic<bool> stopping_{false};
  bool leaving_ = false;
};
