#!/usr/bin/env bash
# Installs the system libraries that the package links, where they are missing, and says which.
set -euo pipefail

libraries=(hdf5:libhdf5-dev zlib:zlib1g-dev libturbojpeg:libturbojpeg0-dev libpng:libpng-dev libxxhash:libxxhash-dev)

missing=()
command -v pkg-config >/dev/null || missing+=(pkg-config)
for pair in "${libraries[@]}"; do
  pkg-config --exists "${pair%%:*}" 2>/dev/null || missing+=("${pair##*:}")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "Missing: ${missing[*]} (Debian's names). Install them with this system's package manager." >&2
  echo "With Homebrew: brew install pkg-config hdf5 jpeg-turbo libpng xxhash zlib" >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "Missing: ${missing[*]}. Install them as root." >&2; exit 1; }
  as_root=(sudo)
fi
echo "Installing ${missing[*]}"
"${as_root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
