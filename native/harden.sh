#!/usr/bin/env bash
# Builds the native tests with sanitizers and the fuzzers, and runs each for a bounded time.
#
#   native/harden.sh [SECONDS] [SEED]     of each fuzzer (default: 20) and its seed (default: random, printed)
#
# Needs g++ with its sanitizer libraries, and clang with libFuzzer for the fuzzers; what is missing is named and left out.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-20}
seed=${2:-$((RANDOM * 32768 + RANDOM + 1))}
jobs=$(nproc)

echo "== address and undefined-behaviour sanitizers"
make -s -j"$jobs" SANITIZE=address,undefined check
echo "== thread sanitizer"
make -s -j"$jobs" SANITIZE=thread check

if ! command -v clang++ >/dev/null && ! compgen -c clang++- >/dev/null; then
  echo "== fuzzers left out: clang++ is missing (packages clang and libclang-rt-dev)"
  exit 0
fi
echo "== fuzzers, $seconds s each, seed $seed"
make -s -j"$jobs" fuzz
make -s -j"$jobs" build/wire-test
corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT
build/wire-test --seeds "$corpus"
for name in messages images views; do
  echo "-- fuzz-$name"
  mkdir -p "$corpus/$name"
  build-fuzz/fuzz-"$name" -max_total_time="$seconds" -seed="$seed" -print_final_stats=1 -verbosity=0 "$corpus/$name"
done
echo "hardening done: no finding"
