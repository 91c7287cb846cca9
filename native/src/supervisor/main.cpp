// Usage: shenv-fs-supervisor MOUNTPOINT DEATHS LASTING-MS -- PROGRAM ARGUMENTS...
#include <signal.h>
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "supervisor.hpp"

namespace {

// The serving process keeps many images open; its limit is inherited from here.
void raiseDescriptorLimit() {
  rlimit limit;
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int count, char** words) {
  if (count < 6 || std::string_view(words[4]) != "--" || words[5][0] != '/') {
    std::fprintf(stderr, "usage: shenv-fs-supervisor MOUNTPOINT DEATHS LASTING-MS -- PROGRAM ARGUMENTS...\n");
    return 2;
  }
  raiseDescriptorLimit();
  ::signal(SIGPIPE, SIG_IGN);  // nobody may read the log any more
  Policy policy;
  policy.mostDeaths = static_cast<uint32_t>(std::strtoul(words[2], nullptr, 10));
  policy.lastingMs = static_cast<uint32_t>(std::strtoul(words[3], nullptr, 10));
  static Supervisor supervisor(words[1], words + 5, policy);
  return supervisor.run();
}
