# Read by the other scripts of this folder: where a job's mount is. Settings are in /etc/shenv-fs/slurm.conf:
# SHENV_HOME and SHENV_STORE (exported home and store), MOUNT_OPTIONS for mount.shenv (comma-separated).
# shellcheck shell=sh disable=SC2034
SHENV_HOME='' SHENV_STORE='' MOUNT_OPTIONS=''
configuration=${SHENV_SLURM_CONFIGURATION:-/etc/shenv-fs/slurm.conf}
# shellcheck source=/dev/null
[ ! -r "$configuration" ] || . "$configuration"
: "${SLURM_JOB_ID:?is set by Slurm}"
jobs=${SHENV_JOBS:-/run/shenv-fs-jobs}
job=$jobs/$SLURM_JOB_ID
mountpoint=$job/venvs
runtime=$job/run
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
