# What the checks of scripts/field.sh share. The program is $DISTILL, the project $ROOT; all is written below $W.
set -uo pipefail
W=$(mktemp -d)
trap 'rm -rf "$W"' EXIT
export DISTILL_CACHE=$W/cache HF_HUB_OFFLINE=1 HF_HUB_CACHE=$W/hub TMPDIR=$W/tmp
# Several at once on few processors: threads would wait for each other.
export OMP_NUM_THREADS=1
mkdir -p "$TMPDIR" "$W/out"
MODEL=$ROOT/Tests/InteropTests/Fixtures/tiny-teacher
TEXTS=$ROOT/Tests/InteropTests/Fixtures/reviews.csv
faults=0

# fault TEXT…: tells what is wrong; the check goes on.
fault() {
    printf 'FAULT: %s\n' "$*"
    faults=$((faults + 1))
}
finish() { exit $((faults > 0)); }
skip() {
    printf 'skipped: %s\n' "$*"
    exit 77
}
# A short fine-tuning, up to its output. No function: a signal to one in the background would reach a shell.
TRAIN=("$DISTILL" finetune --model "$MODEL" --train "$TEXTS" --output)
# await PROCESS: its exit status, without the shell's own account of how it ended.
await() { { wait "$1"; } 2>/dev/null; }
# holds_model DIRECTORY
holds_model() { [ -s "$1/model.safetensors" ] && [ -s "$1/config.json" ]; }
# hidden PLACE…: what stays of unfinished work.
hidden() { find "$@" -mindepth 1 \( -name '.*' -o -name '*partial*' -o -name '*.tmp' \) 2>/dev/null; }
# one_error STATUS FILE WHAT: a failure has an exit code of its own and one line that says why; a signal is a fault.
one_error() {
    if [ "$1" -ge 128 ]; then
        fault "$3: ended by signal $(($1 - 128))"
    elif [ "$1" != 0 ] && [ "$(grep -c 'Error: ' "$2")" != 1 ]; then
        fault "$3: exit code $1 without a line that says why: $(tail -n 2 "$2")"
    fi
}
