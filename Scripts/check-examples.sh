#!/usr/bin/env bash
# Type-checks the sample programs in Examples against a build that is there, in seconds; `make examples` builds them.
#
#     Scripts/check-examples.sh [debug|release]
set -euo pipefail
cd "$(dirname "$0")/.."
build=.build/${1:-release}
[ -e "$build/Modules/ModelZooTools.swiftmodule" ] || {
  echo "There is no build in $build; run: swift build --build-tests -c ${1:-release}" >&2
  exit 1
}
. Scripts/module-flags.sh
for example in Examples/Sources/*/; do
  swiftc -typecheck -parse-as-library -swift-version 6 -warnings-as-errors "${flags[@]}" "$example"*.swift
done
echo "examples: $(ls Examples/Sources | tr '\n' ' ')compile"
