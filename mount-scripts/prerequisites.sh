#!/usr/bin/env bash
# Names the system packages that shenv-fs needs and this machine lacks; with --install, and as root on
# Debian or Ubuntu, installs them. Exits 0 when nothing is missing (any more), 1 otherwise.
# With --tests, also shellcheck and the shells that tests try activation in; these tests are skipped where a program is
# missing, so it is never an error. With --scripts, likewise, what the scripts of this folder are for: autofs, Slurm and
# a booted systemd, which their tests run for real. With --bench, also the programs of the benchmarks' other contenders, which are
# left out by name where they are missing.
set -euo pipefail

install=false
tests=false
bench=false
scripts=false
for option in "$@"; do
  case $option in
    --install) install=true ;;
    --tests) tests=true ;;
    --bench) bench=true ;;
    --scripts) scripts=true ;;
    *) echo "usage: prerequisites.sh [--install] [--tests] [--bench] [--scripts]" >&2; exit 2 ;;
  esac
done

need=()   # Debian packages
why=()
lacks() { need+=("$1"); why+=("$1: $2"); }

have() { command -v "$1" >/dev/null 2>&1; }
library() { ldconfig -p 2>/dev/null | grep -q "$1" || /sbin/ldconfig -p 2>/dev/null | grep -q "$1"; }
available() { apt-cache show "$1" >/dev/null 2>&1; }

have fusermount3 || lacks fuse3 "fusermount3 mounts for users who are not root"
library libfuse.so.2 || {
  # Ubuntu 24.04 and later renamed the package.
  if available libfuse2t64; then lacks libfuse2t64 "the engine fuse-native loads libfuse.so.2"
  else lacks libfuse2 "the engine fuse-native loads libfuse.so.2"; fi
}
have python3 || lacks python3 "environments are made of it"
python3 -c 'import venv, ensurepip' 2>/dev/null || lacks python3-venv "its venv module and pip"
have setfattr || lacks attr "the tests read extended attributes"
have make || lacks make "builds the native engine"
have g++ || lacks g++ "builds the native engine"

# Packages that nothing fails without: offer WHAT_FOR PACKAGE...
offer() {
  local why_for=$1; shift
  [ $# -gt 0 ] || return 0
  if $install && [ "$(id -u)" = 0 ] && have apt-get; then
    { apt-get update -qq &&
      DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } >&2 || true
  else
    echo "prerequisites: optional, for $why_for: $*" >&2
  fi
}

shells=()
if $tests; then for shell in zsh fish tcsh; do have "$shell" || shells+=("$shell"); done; fi
offer "tests of activation" ${shells[@]+"${shells[@]}"}

checkers=()
if $tests && ! have shellcheck; then checkers+=(shellcheck); fi
offer "the test of the shell scripts" ${checkers[@]+"${checkers[@]}"}

services=()
if $scripts; then
  PATH=$PATH:/usr/sbin:/sbin
  have automount || services+=(autofs)
  have systemd-nspawn || services+=(systemd-container)
  have munged || services+=(munge)
  have slurmctld || services+=(slurmctld)
  have slurmd || services+=(slurmd)
  have sbatch || services+=(slurm-client)
fi
offer "the tests of mount-scripts" ${services[@]+"${services[@]}"}

contenders=()
if $bench; then
  have fuse-overlayfs || contenders+=(fuse-overlayfs)
  have mksquashfs || contenders+=(squashfs-tools)
  have squashfuse || contenders+=(squashfuse)
  have mkfs.erofs || contenders+=(erofs-utils)
  have uv || echo "prerequisites: optional, for the benchmarks: uv (pip install uv)" >&2
fi
offer "the benchmarks" ${contenders[@]+"${contenders[@]}"}

if [ ! -e /dev/fuse ]; then
  echo "prerequisites: /dev/fuse is missing; load the kernel module: modprobe fuse" >&2
  if $install && [ "$(id -u)" = 0 ]; then modprobe fuse 2>/dev/null || true; fi
fi
if [ -e /dev/fuse ] && [ "$(stat -c %a /dev/fuse)" = 600 ]; then
  # udev's rule for it is 0666; a machine without udev keeps the kernel's 0600, and only root can mount.
  if $install && [ "$(id -u)" = 0 ]; then chmod 666 /dev/fuse; else
    echo "prerequisites: only root may open /dev/fuse; as root: chmod 666 /dev/fuse" >&2; fi
fi

if [ ${#need[@]} -eq 0 ]; then exit 0; fi
printf 'prerequisites: missing %s\n' "${why[@]}" >&2
if $install && [ "$(id -u)" = 0 ] && have apt-get; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >&2 && apt-get install -y -qq --no-install-recommends "${need[@]}" >&2
  exit 0
fi
echo "  -> as root: apt-get install ${need[*]}" >&2
exit 1
