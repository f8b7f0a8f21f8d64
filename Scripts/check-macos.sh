#!/bin/sh
# Compiles all C sources of the package for macOS, on any machine, with warnings as errors, and links the kernels'
# checks to an executable. What is compiled is not run. Needs python3 with venv, pip and a network, or ZIG: a
# command that runs zig.
set -eu
cd "$(dirname "$0")/.."

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# The compiler with Apple's headers, as PyPI has it.
if [ -z "${ZIG:-}" ]; then
  python3 -m venv "$folder/python"
  "$folder/python/bin/pip" install --quiet --disable-pip-version-check ziglang
  ZIG="$folder/python/bin/python -m ziglang"
fi
export ZIG_GLOBAL_CACHE_DIR="$folder/cache" ZIG_LOCAL_CACHE_DIR="$folder/cache"

headers=$(git ls-files 'Sources/*.h' 'Tests/*.h' | sed -n 's|/include/[^/]*\.h$|/include|p' | sort -u | sed 's/^/-I/')
for target in aarch64-macos x86_64-macos; do
  objects=
  checks=
  for source in $(git ls-files 'Sources/*.c' 'Tests/*.c'); do
    object=$folder/$target/$source.o
    mkdir -p "$(dirname "$object")"
    # shellcheck disable=SC2086 # several words each
    $ZIG cc -target $target -std=gnu11 -O1 -Wall -Wextra -Werror $headers -c "$source" -o "$object"
    objects="$objects $object"
    case $source in Sources/CZooKernels/* | Tests/KernelChecks/*) checks="$checks $object" ;; esac
  done
  # shellcheck disable=SC2086
  $ZIG cc -target $target $checks -o "$folder/$target/checks"
  case $(od -An -tx1 -N4 "$folder/$target/checks" | tr -d ' ') in
    cffaedfe) ;;
    *) echo "$target: the checks are no Mach-O executable" >&2; exit 1 ;;
  esac
  echo "$target: $(echo $objects | wc -w) sources compile, and the kernels' checks link"
done
