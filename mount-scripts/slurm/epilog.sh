#!/bin/sh
# Epilog= of slurm.conf: takes the job's mount away, however the job ended; its daemon ends with it.
set -u
# shellcheck source-path=SCRIPTDIR source=job-mount.sh
. "$(dirname "$0")/job-mount.sh"
[ -d "$job" ] || exit 0
# One that is dead, or still used by what the job left behind, goes too.
if mountpoint -q "$mountpoint" || grep -q " $mountpoint " /proc/self/mountinfo; then
  umount "$mountpoint" 2>/dev/null || umount -l "$mountpoint"
fi
rm -rf --one-file-system "$job"
exit 0
