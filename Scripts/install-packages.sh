#!/usr/bin/env bash
# Installs the system libraries that the package links and that are missing, with apt where it exists.
# --tests also installs what some tests use; without it these tests run less and report that.
# NO_INSTALL=1 installs nothing: it lists what is missing and fails if the build needs it.
set -euo pipefail

libraries=(hdf5:libhdf5-dev zlib:zlib1g-dev libdeflate:libdeflate-dev libzstd:libzstd-dev)
# Apple's systems decode images and check signatures themselves.
[ "$(uname -s)" = Darwin ] || libraries+=(
  libsodium:libsodium-dev
  libturbojpeg:libturbojpeg0-dev libpng:libpng-dev libwebpdemux:libwebp-dev libgif:libgif-dev libtiff-4:libtiff-dev)

missing=()
command -v pkg-config >/dev/null || missing+=(pkg-config)
for pair in "${libraries[@]}"; do
  pkg-config --exists "${pair%%:*}" 2>/dev/null || missing+=("${pair##*:}")
done

# Python, for the check of the documentation; a browser, for reports; an emulator and a C library, for the kernels of 64-bit ARM elsewhere.
wanted=()
[ "${1:-}" != --tests ] || command -v python3 >/dev/null || wanted+=(python3)
[ "${1:-}" != --tests ] || command -v chromium >/dev/null || command -v chromium-browser >/dev/null ||
  command -v google-chrome >/dev/null || [ "$(uname -s)" != Linux ] || wanted+=(chromium)
if [ "${1:-}" = --tests ] && [ "$(uname -s) $(uname -m)" = "Linux x86_64" ]; then
  command -v qemu-aarch64 >/dev/null || wanted+=(qemu-user)
  [ -e /usr/aarch64-linux-gnu/lib/libc.a ] || wanted+=(libc6-dev-arm64-cross)
  compgen -G "/usr/lib/gcc-cross/aarch64-linux-gnu/*/libgcc.a" >/dev/null || wanted+=(libgcc-dev-arm64-cross)
fi
[ ${#missing[@]} -eq 0 ] && [ ${#wanted[@]} -eq 0 ] && exit 0

if [ "${NO_INSTALL:-}" = 1 ]; then
  [ ${#wanted[@]} -eq 0 ] || echo "Missing for some tests, which run less: ${wanted[*]}" >&2
  [ ${#missing[@]} -gt 0 ] || exit 0
  echo "Missing (Debian's names): ${missing[*]}" >&2
  exit 1
fi

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)

install() {
  echo "Installing $*"
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

if [ ${#missing[@]} -gt 0 ]; then
  if ! command -v apt-get >/dev/null; then
    echo "Missing (Debian's names): ${missing[*]}. Install them with this system's package manager." >&2
    echo "With Homebrew: brew install pkgconf hdf5 zlib libdeflate zstd" >&2
    exit 1
  fi
  if [ ${#as_root[@]} -gt 0 ] && ! command -v sudo >/dev/null; then
    echo "Missing: ${missing[*]}. Install them as root." >&2
    exit 1
  fi
  "${as_root[@]}" apt-get update -qq
  install "${missing[@]}"
fi

if [ ${#wanted[@]} -gt 0 ] && command -v apt-get >/dev/null && { [ ${#as_root[@]} -eq 0 ] || sudo -n true; }; then
  [ ${#missing[@]} -gt 0 ] || "${as_root[@]}" apt-get update -qq || true
  # The compiler's own library has its version in its name.
  libgcc=$(apt-cache pkgnames libgcc- | grep -E '^libgcc-[0-9]+-dev-arm64-cross$' | sort -V | tail -1 || true)
  for package in "${wanted[@]/libgcc-dev-arm64-cross/$libgcc}"; do
    [ -z "$package" ] || install "$package" || echo "Could not install $package; some tests run less." >&2
  done
fi
