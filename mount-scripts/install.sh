#!/bin/sh
# Installs what an administrator needs beside the program, or takes it away again:
#
#   install.sh [--prefix FOLDER] [--root FOLDER] [--program FILE] [--uninstall]
#
# PREFIX (default /usr/local) gets   libexec/shenv-fs/shenv-fs   what everything below starts: the program with its node
#                                    libexec/shenv-fs/           the autofs map; slurm/ the prologs and the epilog
#                                    lib/systemd/{system,user}/  units; share/shenv-fs/ examples
# /sbin gets                         mount.shenv, mount.fuse.shenv   for mount(8), which looks there alone
# --root FOLDER stands before all of these (to build a package); --program is what to start, by default this checkout.
set -eu

prefix=/usr/local root='' program='' uninstall=false
usage() { echo "usage: install.sh [--prefix FOLDER] [--root FOLDER] [--program FILE] [--uninstall]" >&2; exit 2; }
while [ $# -gt 0 ]; do
  case $1 in
    --prefix) prefix=${2:-}; shift ;;
    --root) root=${2:-}; shift ;;
    --program) program=${2:-}; shift ;;
    --uninstall) uninstall=true ;;
    *) usage ;;
  esac
  shift || usage
done
case $prefix in /*) ;; *) usage ;; esac
prefix=${prefix%/}
here=$(cd "$(dirname "$0")" && pwd)
libexec=$prefix/libexec/shenv-fs
launcher=$libexec/shenv-fs
units=$prefix/lib/systemd
share=$prefix/share/shenv-fs

if $uninstall; then
  for helper in mount.shenv mount.fuse.shenv; do rm -f "$root/sbin/$helper"; done
  for unit in "$here"/systemd/system/*; do rm -f "$root$units/system/$(basename "$unit")"; done
  for unit in "$here"/systemd/user/*; do rm -f "$root$units/user/$(basename "$unit")"; done
  rm -rf "$root$libexec" "$root$share"
  for folder in "$units/system" "$units/user" "$units" "$prefix/lib" "$prefix/libexec" "$prefix/share"; do
    rmdir "$root$folder" 2>/dev/null || true
  done
  exit 0
fi

# place MODE FILE TARGET: with the launcher's path for the program's name.
place() {
  mkdir -p "$root$(dirname "$3")"
  sed "s|@PROGRAM@|$launcher|g; s|{SHENV_FS_PROGRAM:-shenv-fs}|{SHENV_FS_PROGRAM:-$launcher}|; s|@LIBEXEC@|$libexec|g" "$2" >"$root$3"
  chmod "$1" "$root$3"
}

if [ -z "$program" ]; then
  program=$here/../build/program/cli/main.cjs
  [ -f "$program" ] || { echo "install.sh: $program is not there; build it first (npm run build), or name another one with --program" >&2; exit 1; }
  program=$(realpath "$program")
  node=$(command -v node) || { echo "install.sh: there is no node in PATH" >&2; exit 1; }
  start="'$(realpath "$node")' '$program'"
else
  start="'$program'"
fi
mkdir -p "$root$libexec"
printf '#!/bin/sh\nexec %s "$@"\n' "$start" >"$root$launcher"
chmod 755 "$root$launcher"

place 755 "$here/mount.shenv" /sbin/mount.shenv
ln -sf mount.shenv "$root/sbin/mount.fuse.shenv"
for unit in "$here"/systemd/system/*; do place 644 "$unit" "$units/system/$(basename "$unit")"; done
for unit in "$here"/systemd/user/*; do place 644 "$unit" "$units/user/$(basename "$unit")"; done
place 755 "$here/autofs/auto.shenv" "$libexec/auto.shenv"
for script in "$here"/slurm/*.sh; do place 755 "$script" "$libexec/slurm/$(basename "$script")"; done
for example in autofs/auto.master.d/shenv.autofs slurm/job.sbatch slurm/slurm.conf.example nfs/exports nfs/ganesha.conf fstab; do
  place 644 "$here/$example" "$share/$(basename "$example")"
done
echo "Installed below ${root}$prefix and ${root}/sbin; examples are in $root$share"
