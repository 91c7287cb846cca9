// To be preloaded into a User Mode Linux kernel older than 6.12 on a processor with AMX. Such a kernel gives and takes
// 2,696 bytes of extended registers; the host takes them back only as a whole (11 KB here) and answers EFAULT. What is
// missing is filled in as "in its initial state". Of no use any more where Debian's kernel is 6.12 or later.
#include <cpuid.h>
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

enum { wholeBytes = 64 << 10, headerAt = 512, extendedStateLeaf = 0xd, firstExtended = 2, lastExtended = 62 };

typedef long (*Ptrace)(int, pid_t, void *, void *);

// The components that lie within the first `bytes` of the standard format.
static uint64_t componentsWithin(size_t bytes) {
  uint64_t within = 3;
  for (unsigned component = firstExtended; component <= lastExtended; component += 1) {
    unsigned size, offset, flags, reserved;
    __cpuid_count(extendedStateLeaf, component, size, offset, flags, reserved);
    if (size != 0 && offset + size <= bytes) within |= (uint64_t)1 << component;
  }
  return within;
}

static long setWhole(Ptrace next, pid_t pid, void *set, const struct iovec *given) {
  static unsigned char whole[wholeBytes];
  static uint64_t kept;
  struct iovec all = {whole, sizeof whole};
  if (next(PTRACE_GETREGSET, pid, set, &all) != 0 || all.iov_len <= given->iov_len)
    return next(PTRACE_SETREGSET, pid, set, (void *)given);
  if (kept == 0) kept = componentsWithin(given->iov_len);
  memset(whole, 0, sizeof whole);
  memcpy(whole, given->iov_base, given->iov_len);
  uint64_t present;
  memcpy(&present, whole + headerAt, sizeof present);
  present &= kept;
  memcpy(whole + headerAt, &present, sizeof present);
  return next(PTRACE_SETREGSET, pid, set, &all);
}

long ptrace(enum __ptrace_request request, ...) {
  static Ptrace next;
  if (!next) next = (Ptrace)dlsym(RTLD_NEXT, "ptrace");
  va_list rest;
  va_start(rest, request);
  const pid_t pid = va_arg(rest, pid_t);
  void *address = va_arg(rest, void *);
  void *data = va_arg(rest, void *);
  va_end(rest);
  if (request == PTRACE_SETREGSET && (uintptr_t)address == NT_X86_XSTATE) return setWhole(next, pid, address, data);
  return next(request, pid, address, data);
}
