#!/bin/sh
# TaskProlog= of slurm.conf: tells each task where its job's environments are (SHENV_JOB), or that they are not there.
# shellcheck source-path=SCRIPTDIR source=job-mount.sh
. "$(dirname "$0")/job-mount.sh"
[ -d "$job" ] || exit 0
echo "export SHENV_JOB=$mountpoint"
echo "export SHENV_RUNTIME=$runtime"
mountpoint -q "$mountpoint" || echo "print shenv-fs: the environments are not mounted on $(hostname); see the node's log"
