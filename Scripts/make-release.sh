#!/usr/bin/env bash
# Makes .build/dist/zoo-VERSION-PLATFORM.tar.gz and its .sha256: the command with Swift's runtime linked in, its man
# page, completions and licences.
set -euo pipefail
cd "$(dirname "$0")/.."

version=$1
system=$(uname -s | tr '[:upper:]' '[:lower:]')
[ "$system" = darwin ] && system=macos
name=zoo-$version-$system-$(uname -m)
dist=.build/dist
stage=$dist/$name

# A build folder of its own keeps the one of `make build` as it is. On Apple's systems the runtime is part of the system.
build=.build/static
static=(--static-swift-stdlib)
[ "$system" = macos ] && static=()
"${SWIFT:-swift}" build -c release --product zoo ${static[@]+"${static[@]}"} --scratch-path "$build"

rm -rf "$stage" "$stage.tar.gz" "$stage.tar.gz.sha256"
mkdir -p "$stage"
"${MAKE:-make}" --no-print-directory install-files ZOO="$build/release/zoo" DESTDIR="$PWD/$stage" PREFIX= >/dev/null
strip "$stage/bin/zoo"
cp README.md CHANGELOG.md LICENSE THIRD-PARTY-NOTICES.md "$stage"

# The same sources give the same archive: names in order, no owner, the time of the last commit.
ordered=()
if tar --version | grep -q GNU; then
  ordered=(--sort=name --owner=0 --group=0 --numeric-owner --mtime="@$(git log -1 --format=%ct 2>/dev/null || echo 0)")
fi
tar -C "$dist" ${ordered[@]+"${ordered[@]}"} -cf - "$name" | gzip -9n >"$stage.tar.gz"
rm -rf "$stage"

cd "$dist"
if command -v sha256sum >/dev/null; then sha256sum "$name.tar.gz"; else shasum -a 256 "$name.tar.gz"; fi \
  >"$name.tar.gz.sha256"
echo "$dist/$name.tar.gz"
cat "$name.tar.gz.sha256"
