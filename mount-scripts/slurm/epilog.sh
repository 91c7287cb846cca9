#!/bin/sh
# Epilog= of slurm.conf: takes the job's mount away, however the job ended; its daemon ends with it.
set -u
# shellcheck source-path=SCRIPTDIR source=job-mount.sh
. "$(dirname "$0")/job-mount.sh"
[ -d "$job" ] || exit 0
# One that is dead, that does not answer, or that what the job left behind still uses, goes too; nothing is asked of it.
if grep -qF " $mountpoint " /proc/self/mountinfo; then
  timeout 10 umount "$mountpoint" 2>/dev/null || timeout 10 umount -l "$mountpoint"
fi
rm -rf --one-file-system "$job"
exit 0
