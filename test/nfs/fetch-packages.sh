#!/usr/bin/env bash
# fetch-packages.sh FOLDER: has the Debian packages that the tests of NFS need in FOLDER, unpacked and not installed: a
# User Mode Linux kernel with its modules, the kernel's NFS server and client, nfs-ganesha and the clients of libnfs.
# Does nothing where they are there. Exits 1 with the reason where they cannot be had.
set -euo pipefail

folder=${1:?usage: fetch-packages.sh FOLDER}
packages=(user-mode-linux kmod nfs-kernel-server nfs-common nfs-ganesha-vfs libnfs-utils iproute2)
[ ! -e "$folder/complete" ] || exit 0

fail() { echo "fetch-packages: $1" >&2; exit 1; }
[ "$(uname -m)" = x86_64 ] || fail "User Mode Linux runs on x86-64 alone"
command -v apt-get >/dev/null && command -v dpkg >/dev/null || fail "there is no apt-get"

mkdir -p "$(dirname "$folder")"
staged=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$staged"' EXIT
mkdir -p "$staged/archives/partial" "$staged/root"
download() {
  apt-get install -y -qq --no-install-recommends --reinstall --download-only -o Dir::Cache::archives="$staged/archives" \
    -o Debug::NoLocking=1 -o Acquire::Retries=2 -o Acquire::http::Timeout=30 "${packages[@]}" >&2
}
download || { apt-get update -qq >&2 && download; } || fail "apt-get cannot download ${packages[*]}"
for archive in "$staged"/archives/*.deb; do dpkg -x "$archive" "$staged/root"; done
[ -x "$staged/root/usr/bin/linux.uml" ] || fail "there is no kernel in user-mode-linux"

# modprobe -d looks for lib/modules; links to it lead to /bin of the machine otherwise.
ln -sfn ../usr/lib/uml/modules "$staged/root/lib/modules"
kmod=$(cd "$staged/root" && ls bin/kmod usr/bin/kmod 2>/dev/null | head -n 1 || true)
ln -sfn "../$kmod" "$staged/root/sbin/modprobe"
rm -rf "$staged/archives"
touch "$staged/complete"
chmod 755 "$staged"
mv -T "$staged" "$folder" 2>/dev/null || [ -e "$folder/complete" ] || fail "cannot write $folder"
