#!/usr/bin/env bash
# Builds the documentation of the two products from a build that is there, and fails if DocC warns or a public
# symbol has no comment. DOCS names the folder to write to.
#
#     Scripts/check-docs.sh [debug|release]
set -euo pipefail
cd "$(dirname "$0")/.."
build=.build/${1:-release}
output=${DOCS:-.build/docs}
[ -e "$build/Modules/ModelZooTools.swiftmodule" ] || {
  echo "There is no build in $build; run: swift build --build-tests -c ${1:-release}" >&2
  exit 1
}
command -v python3 >/dev/null || {
  echo "python3 is needed to look for public symbols without a comment." >&2
  exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

tool() { command -v "$1" || xcrun --find "$1"; }

# The modules whose public symbols the two products hand on.
shared=(ZooSystem ZooTensor ZooGraph ZooImages ZooData ZooWeightFiles ZooLearning ZooVerification ZooConversion
  ZooTraining ZooExport)
. Scripts/module-flags.sh
for module in ModelZoo ModelZooTools "${shared[@]}"; do
  mkdir -p "$work/$module"
  "$(tool swift-symbolgraph-extract)" -module-name "$module" "${flags[@]}" -output-dir "$work/$module" \
    -minimum-access-level public -skip-synthesized-members -skip-inherited-docs >/dev/null
done

bare=$(python3 - "$work" <<'PYTHON'
import json, pathlib, sys

for file in sorted(pathlib.Path(sys.argv[1]).rglob("*.symbols.json")):
    graph = json.loads(file.read_text())
    # What a protocol of another module asks for is documented there.
    required = {
        r["source"] for r in graph["relationships"] if "sourceOrigin" in r or r["kind"] == "requirementOf"}
    for symbol in graph["symbols"]:
        if "docComment" not in symbol and symbol["identifier"]["precise"] not in required:
            print(graph["module"]["name"], ".".join(symbol["pathComponents"]))
PYTHON
)
if [ -n "$bare" ]; then
  echo "Public symbols without a comment:" >&2
  sed 's/^/  /' <<<"$bare" >&2
  exit 1
fi

rm -rf "$output"
mkdir -p "$output"
for product in ModelZoo ModelZooTools; do
  mkdir -p "$work/graphs-$product"
  find "$work" -path "$work/graphs-*" -prune -o -name '*.symbols.json' -print | while read -r file; do
    case $(basename "$file") in
      ModelZoo.* | ModelZoo@*) [ "$product" = ModelZoo ] || continue ;;
      ModelZooTools*) [ "$product" = ModelZooTools ] || continue ;;
    esac
    cp "$file" "$work/graphs-$product/"
  done
  "$(tool docc)" convert "Sources/$product/$product.docc" --additional-symbol-graph-dir "$work/graphs-$product" \
    --fallback-display-name "$product" --fallback-bundle-identifier "model-zoo.$product" \
    --warnings-as-errors --output-path "$output/$product.doccarchive"
done
echo "documentation: $output, no warnings, every public symbol has a comment"
