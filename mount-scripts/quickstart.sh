#!/usr/bin/env bash
# From a fresh checkout to Python running in a mounted environment: installs what is missing (as root, or
# with sudo), builds, makes a demo environment from real wheels, mounts it, runs Python in it.
#
#   ./mount-scripts/quickstart.sh [MOUNTPOINT]     default: ~/.venvs
set -euo pipefail
cd "$(dirname "$0")/.."
here=$PWD
mountpoint=${1:-$HOME/.venvs}
step() { printf '\n== %s\n' "$1"; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

new_enough() { command -v node >/dev/null && node -e '
  const [major, minor] = process.versions.node.split(".").map(Number);
  process.exit(major > 20 || (major === 20 && minor >= 15) ? 0 : 1)'; }

step "Prerequisites"
if ! ./mount-scripts/prerequisites.sh; then as_root ./mount-scripts/prerequisites.sh --install; fi
if ! new_enough; then
  # Debian 12 and Ubuntu 24.04 carry Node 18; the npm registry's package "node" brings a newer program.
  command -v npm >/dev/null || as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends npm
  toolchain=${XDG_DATA_HOME:-$HOME/.local/share}/shenv-fs-node
  npm install --loglevel=error --no-fund --no-audit --prefix "$toolchain" node@22
  export PATH=$toolchain/node_modules/node/bin:$PATH
fi
echo "node $(node --version), $(python3 --version)"

step "Build"
npm ci --loglevel=error
npm run --silent build
shenv() { node "$here/build/program/cli/main.cjs" "$@"; }

step "A demo environment from real wheels"
shenv delete demo >/dev/null 2>&1 || true
if python3 -m pip download -q --no-deps -d "$(mktemp -d)" six >/dev/null 2>&1; then
  shenv create demo numpy requests
  check='import numpy, requests; print("numpy", numpy.__version__, "and requests", requests.__version__, "from", numpy.__file__)'
else
  echo "No package index can be reached: using the wheels that the interpreter itself ships."
  shenv create demo
  check='import pip; print("pip", pip.__version__, "from", pip.__file__)'
fi

step "Mount"
shenv status "$mountpoint" >/dev/null 2>&1 || shenv mount "$mountpoint"
timeout 60 "$mountpoint/demo/bin/python" -c "$check"

step "What it saved"
echo "the environment itself occupies $(timeout 60 du -sh "$mountpoint/demo" | cut -f1); a venv of its own would take $(timeout 60 du -sh --apparent-size "$mountpoint/demo" | cut -f1)"
shenv list

step "How to go on"
cat <<EOF
  alias shenv-fs='node $here/build/program/cli/main.cjs'     (or: npm install -g .)
  source $mountpoint/demo/bin/activate
  shenv-fs create web django                 another environment; shared files are stored once
  shenv-fs status                            what the mount does
  shenv-fs unmount $mountpoint
EOF
