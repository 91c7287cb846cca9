// Mounting a FUSE file system: mount(2) for root, else fusermount3.
#pragma once
#include <string>

#include "owned-fd.hpp"

struct MountOptions {
  std::string mountpoint, fsname, subtype;
  bool allowOther = false;
  bool writable = false;
};

struct Mounted {
  OwnedFd fd;  // close-on-exec
  const char* via;
};

// Read-only without default_permissions: everything is readable by all who may enter the mount, and the kernel's own
// check of each part of each path costs an lstat 7 % (bench/trials/stat.ts); ACCESS is answered instead.
// Throws Failure; its code is that of the system call or of what fusermount3 wrote.
Mounted mountFuse(const MountOptions& options);
