#!/usr/bin/env bash
# Depends on this package as others do, by version, for the runtime alone: what is fetched, how long it takes to build, and that it predicts.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

root=$PWD
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
model=$root/Tests/InteropTests/Fixtures/tiny-teacher
fail() { echo "dependency: $*" >&2 && exit 1; }
# No setting of the user's changes what is tested.
git() { command git -c user.name=distill -c user.email=distill@localhost -c commit.gpgsign=false -c tag.gpgsign=false "$@"; }

# The working tree as a release.
mkdir -p "$folder/distill" "$folder/app/Sources/app"
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
    # Of the tests' files only the manifest needs to know that they are there.
    case "$file" in */Fixtures/* | Benchmarks/results* | docs/*) ;; *) [ ! -e "$file" ] || printf '%s\0' "$file" ;; esac
done | tar --null -T - -cf - | tar -xf - -C "$folder/distill"
(cd "$folder/distill" && git init -q && git add -Af . && git commit -qm Release && git tag 1.0.0)

cat >"$folder/app/Package.swift" <<EOF
// swift-tools-version: 6.1
import PackageDescription

let package = Package(
    name: "app",
    dependencies: [.package(url: "file://$folder/distill", from: "1.0.0", traits: [])],
    targets: [
        .executableTarget(
            name: "app",
            dependencies: [
                .product(name: "DistillRuntime", package: "distill"), .product(name: "Tokenizers", package: "distill"),
            ])
    ])
EOF
cat >"$folder/app/Sources/app/main.swift" <<'EOF'
import DistillRuntime
import Tokenizers

let classifier = try TextClassifier(CommandLine.arguments[1])
let predictions = try await classifier.predict([TextPair("A film to remember.")])
print(predictions[0].label ?? "")
EOF

cd "$folder/app"
# libtorch is where nothing is.
export LIBTORCH=/nowhere
options=(-c release --cache-path "$folder/cache")
swift package --cache-path "$folder/cache" resolve >"$folder/log" 2>&1 || { cat "$folder/log" >&2 && fail "it cannot be resolved"; }
fetched=$(ls .build/checkouts)
[ "$fetched" = distill ] || fail "more is fetched than this package: $fetched"
start=$SECONDS
swift build "${options[@]}" >"$folder/log" 2>&1 || { tail -40 "$folder/log" >&2 && fail "it does not build"; }
seconds=$((SECONDS - start))
label=$(.build/release/app "$model") || fail "it does not predict"
[ "$label" = positive ] || fail "it predicts '$label'"
if command -v ldd >/dev/null && ldd .build/release/app | grep -Ei 'torch|c10|libFoundation'; then fail "it needs more than the runtime"; fi
# Not in a pipe, whose shell has started nothing yet.
times >"$folder/times"
work=$(awk 'NR == 2 { for (i = 1; i <= 2; i++) { split($i, part, /[ms]/); sum += 60 * part[1] + part[2] } printf "%.0f", sum }' "$folder/times")
echo "dependency: fetched $fetched alone, built in $seconds seconds ($work seconds of processors' time in all), predicts"
