#include "placement.hpp"

#include <pthread.h>
#include <sched.h>

namespace {

std::vector<int> usableCpus() {
  std::vector<int> cpus;
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  return cpus;
}

}  // namespace

Placement::Placement(uint32_t threads) : cpus_(usableCpus()), isLocal_(!cpus_.empty() && threads == cpus_.size()) {}

void Placement::apply(uint32_t thread) const {
  if (!isLocal_) return;
  cpu_set_t own;
  CPU_ZERO(&own);
  CPU_SET(cpus_[thread], &own);
  ::pthread_setaffinity_np(::pthread_self(), sizeof own, &own);
}
