#!/usr/bin/env bash
# Checks cellgrad on a machine with an NVIDIA card and nothing else prepared: its driver, tar and, for NVRTC and PyTorch, a Python.
# Beside it lies kit.tar.xz (node test/gpu/pack.mjs --archive), or it is run from the kit itself. About ten minutes at most.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
kit="$here"
if [ ! -f "$kit/check.mjs" ]; then
  archive="$here/kit.tar.xz"
  [ -f "$archive" ] || archive="$here/../../build/gpu/kit.tar.xz"
  [ -f "$archive" ] || { echo "kit.tar.xz is missing: make it with node test/gpu/pack.mjs --archive"; exit 2; }
  work="$(mktemp -d)"
  trap 'rm -rf "$work"' EXIT
  # xz is not everywhere; Python has its own.
  tar -C "$work" -xJf "$archive" 2>/dev/null || python3 -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$archive" "$work"
  kit="$work/kit"
fi
node="$kit/node"
[ -x "$node" ] || node="$(command -v node)"
export CELLGRAD_CACHE_DIR="${CELLGRAD_CACHE_DIR:-$(mktemp -d)}"
command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=name,driver_version,memory.total,memory.used --format=csv,noheader
cd "$kit"
timeout 600 "$node" check.mjs
