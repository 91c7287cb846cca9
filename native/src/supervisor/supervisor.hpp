// Holds what a serving process gave it, and starts another one when it dies.
#pragma once
#include <signal.h>

#include <span>

#include "../descriptor-message.hpp"
#include "../owned-fd.hpp"
#include "back-off.hpp"
#include "protocol.hpp"
#include "surroundings.hpp"

class Supervisor {
 public:
  // `command` ends with a null pointer and, like `mountpoint`, outlives the supervisor.
  Supervisor(const char* mountpoint, char* const* command, const Policy& policy);

  // The exit status: that of a serving process which ended by itself, or `givenUp`.
  int run();

  // As of the error MOUNT_FAILED.
  static constexpr int givenUp = 52;

 private:
  static constexpr size_t mostWords = 256;
  enum class State { running, waiting, ended };

  bool start();
  void onSignals();
  void onSocket();
  void receive(std::span<const char> bytes, std::span<int> descriptors);
  void hold(std::span<const char> state, std::span<int> descriptors);
  void adoptNext(std::span<const char> command);
  void askToStop(int signal);
  void reap();
  void onEnd(int status);
  void onDeath(int status);
  void giveUp();
  void endAfterStop();
  void onDeadline();
  void onFailedStart();
  void release();
  int timeoutMs() const;
  bool isHolding() const { return heldCount_ > 0; }
  // False where the mount was detached before: what is at its place is another's.
  bool isInPlace() const { return device_ == 0 || deviceAt(mountpoint_) == device_; }

  const char* const mountpoint_;
  const Policy policy_;
  BackOff backOff_;
  State state_ = State::waiting;
  int exitStatus_ = 0;

  char* const* command_;
  char* const* fallback_ = nullptr;  // what to go back to when a newly named program does not come to serve
  char named_[2][descriptorMessage::mostBytes];
  char* words_[2][mostWords];
  uint32_t namedCount_ = 0;

  OwnedFd signals_, socket_;
  pid_t server_ = -1;
  bool isEnding_ = false, isHandingOver_ = false, wasReady_ = false;
  int stopSignal_ = 0;
  uint64_t deadlineMs_ = 0;  // of the next start, or of a stop; 0 for none

  int held_[descriptorMessage::mostDescriptors];
  size_t heldCount_ = 0;
  char blob_[descriptorMessage::mostBytes];
  size_t blobBytes_ = 0;
  uint64_t device_ = 0;  // of the mount; 0 while nothing was ready
  uint32_t deaths_ = 0;
  protocol::LastEnd last_;
};
