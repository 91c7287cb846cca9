#include "mount.hpp"

#include <fcntl.h>
#include <sys/mount.h>

#include <cerrno>

#include "failure.hpp"
#include "fusermount.hpp"

namespace {

Mounted mountAsRoot(const MountOptions& options) {
  OwnedFd fd(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
  if (!fd) throw systemFailure(errno, "cannot open /dev/fuse");
  std::string data = "fd=" + std::to_string(fd.get()) + ",rootmode=40000,user_id=" + std::to_string(::geteuid()) +
                     ",group_id=" + std::to_string(::getegid());
  if (options.allowOther) data += ",allow_other";
  if (options.writable) data += ",default_permissions";
  const std::string type = "fuse." + options.subtype;
  const unsigned long flags = MS_NOSUID | MS_NODEV | (options.writable ? 0 : MS_RDONLY);
  if (::mount(options.fsname.c_str(), options.mountpoint.c_str(), type.c_str(), flags, data.c_str()) != 0)
    throw systemFailure(errno, "mount(2) of " + type + " at " + options.mountpoint);
  return {std::move(fd), "mount"};
}

}  // namespace

// Root in a user namespace may lack the right to mount: the error then names both ways.
Mounted mountFuse(const MountOptions& options) {
  if (::geteuid() != 0) return mountByFusermount(options);
  try {
    return mountAsRoot(options);
  } catch (const Failure& asRoot) {
    if (asRoot.code() != "EPERM") throw;
    try {
      return mountByFusermount(options);
    } catch (const Failure& asUser) {
      throw Failure("EPERM", std::string(asRoot.what()) + "; then " + asUser.what());
    }
  }
}
