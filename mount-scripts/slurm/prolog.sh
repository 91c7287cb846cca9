#!/bin/sh
# Prolog= of slurm.conf: mounts the environments for the job, as its user and for nobody else. It never fails, because a
# prolog that fails drains the node; the job is told by the task prolog when there is no mount.
set -u
# shellcheck source-path=SCRIPTDIR source=job-mount.sh
. "$(dirname "$0")/job-mount.sh"
[ -d "$SHENV_HOME/environments" ] || exit 0
say() { logger -t shenv-fs-prolog "job $SLURM_JOB_ID: $*" 2>/dev/null || echo "$*" >&2; }

umask 022
if ! { mkdir -p "$job" && install -d -o "$SLURM_JOB_UID" "$mountpoint" && install -d -m 700 -o "$SLURM_JOB_UID" "$runtime"; }; then
  say "$job cannot be made"
  exit 0
fi
options="ro,uid=$SLURM_JOB_UID,runtime=$runtime,home=$SHENV_HOME"
[ -z "$SHENV_STORE" ] || options="$options,store=$SHENV_STORE"
reason=$(mount -t shenv -o "$options${MOUNT_OPTIONS:+,$MOUNT_OPTIONS}" shenv-fs "$mountpoint" 2>&1) || say "$reason"
exit 0
