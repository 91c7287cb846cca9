// What a supervisor needs of the system around it.
#pragma once
#include <sys/types.h>

#include <cstdint>

uint64_t monotonicMs();
// Since 1970.
int64_t wallClockMs();

// As docs/observing.md lists them.
struct Event {
  const char* level;
  const char* name;
};

// An entry for the log, which stderr is for a mount in the background; the sentence alone on a terminal.
[[gnu::format(printf, 2, 3)]] void tell(const Event& event, const char* format, ...);

// Tells the service manager that started this process (sd_notify(3)); nothing where there is none.
void notifyManager(const char* state);

// Whether the mount behind a descriptor of /dev/fuse is there still.
bool isConnected(int fuse);

// The device of what is mounted at `path`, whose server is not asked; 0 where it cannot be told.
uint64_t deviceAt(const char* path);

// Detaches what is mounted there: with umount2(2), or fusermount3 where that is not allowed.
bool detach(const char* mountpoint);

// Starts a program that gets `socket` as the descriptor that SHENV_SUPERVISOR names, and SIGURG when this process
// dies. -1 with errno.
pid_t startServer(char* const* command, int socket);
