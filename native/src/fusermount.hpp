// The program that mounts for users without privileges; the only place that starts a process.
#pragma once
#include "mount.hpp"

Mounted mountByFusermount(const MountOptions& options);
