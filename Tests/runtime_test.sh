#!/usr/bin/env bash
# Builds the runtime without libtorch and uses it as its users do: the program by itself, the library from C.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
model=Tests/InteropTests/Fixtures/tiny-teacher
fail() { echo "runtime: $*" >&2 && exit 1; }

scripts/runtime.sh --output "$folder" >"$folder/build.log" 2>&1 || { tail -40 "$folder/build.log" >&2 && fail "it does not build"; }
program=$folder/bin/distill-run
[ "$(wc -c <"$program")" -le 14000000 ] || fail "distill-run takes $(wc -c <"$program") bytes, more than 14 MB"

# It needs nothing that this package or Swift installs.
if command -v ldd >/dev/null; then
    needed=$(ldd "$program" | sed -n 's/^[[:space:]]*\([^ ]*\) .*/\1/p')
    for library in $needed; do
        case "$library" in
            linux-vdso* | libc.so* | libm.so* | libstdc++.so* | libgcc_s.so* | libpthread.so* | libdl.so* | /lib*/ld-linux*) ;;
            *) fail "distill-run needs $library" ;;
        esac
    done
fi

texts=("A film to remember." "awful, terrible" "caf$(printf '\303\251') au lait")
printf '%s\n' "${texts[@]}" | env -i "$program" "$model" >"$folder/program.jsonl" || fail "distill-run fails"
[ "$(wc -l <"$folder/program.jsonl")" = 3 ] || fail "distill-run writes another number of lines"
grep -q '"label":"positive"' "$folder/program.jsonl" || fail "distill-run predicts something else"

# A release build reads the narrower forms of the weights as it does float32: the probabilities differ by what rounding the weights does.
for type in F16 BF16; do
    python3 Tests/narrow.py "$model" "$folder/$type" "$type" || fail "the weights cannot be written as $type"
    printf '%s\n' "${texts[@]}" | "$program" "$folder/$type" >"$folder/$type.jsonl" || fail "distill-run fails with weights in $type"
    python3 - "$folder/program.jsonl" "$folder/$type.jsonl" <<'END' || fail "weights in $type predict something else"
import json, sys
left, right = ([json.loads(line) for line in open(name)] for name in sys.argv[1:])
assert len(left) == len(right)
for a, b in zip(left, right):
    assert a["label"] == b["label"] and abs(a["score"] - b["score"]) < 0.01, (a, b)
END
done

# With hardly a file to open, and on a full disk.
(ulimit -n 5 && "$program" "$model" <<<"a film" >"$folder/few.jsonl") || fail "distill-run fails where few files can be opened"
if [ -e /dev/full ]; then
    if echo "a film" | "$program" "$model" >/dev/full 2>"$folder/error"; then fail "a full disk is no error"; fi
    grep -q 'standard output cannot be written' "$folder/error" || fail "a full disk is no error that is told"
fi

for compiler in cc clang; do
    command -v "$compiler" >/dev/null || continue
    "$compiler" -Wall -Wextra -Werror Examples/C/predict.c -I "$folder/include" -L "$folder/lib" -ldistill -lstdc++ -lm -lpthread -ldl \
        -o "$folder/predict" || fail "the example in C does not build with $compiler"
    env -i "$folder/predict" "$model" "${texts[@]}" >"$folder/c.jsonl" || fail "the example in C fails"
    cmp -s "$folder/program.jsonl" "$folder/c.jsonl" || fail "C and the program predict differently"
    if "$folder/predict" /nowhere text 2>"$folder/error" || ! grep -q '^/nowhere: ' "$folder/error"; then fail "a missing model is no error"; fi
done
# A language model: a prompt's text as it comes, several as lines, the same from C, and what is refused.
language_model=Tests/GenerationTests/Fixtures/text-model
env -i "$program" "$language_model" --prompt "Once upon a time" --max-new-tokens 16 >"$folder/text" || fail "distill-run writes no text"
printf '%s\n' "Once upon a time" "" "a" | "$program" "$language_model" --max-new-tokens 16 >"$folder/texts.jsonl" ||
    fail "distill-run writes no texts for lines"
python3 - "$folder/text" "$folder/texts.jsonl" Tests/GenerationTests/Fixtures/text.json <<'END' || fail "distill-run writes other texts"
import json, sys
text = open(sys.argv[1], encoding="utf-8", newline="").read()
lines = [json.loads(line) for line in open(sys.argv[2], encoding="utf-8")]
expected = next(case for case in json.load(open(sys.argv[3])) if case["prompt"] == "Once upon a time")
assert text == lines[0]["text"] + "\n", (text, lines[0])
assert lines[0]["tokens"] == 16 and lines[0]["finish_reason"] == "length" and expected["text"].startswith(lines[0]["text"].rstrip("\ufffd"))
assert lines[1] == {"error": "line 2 is empty"} and lines[2]["tokens"] > 0
END
# A prompt that is too long is an error of its line, and the others are answered.
python3 -c 'print("a", "word " * 400, "a", sep="\n")' >"$folder/long.txt"
"$program" "$language_model" "$folder/long.txt" --max-new-tokens 2 >"$folder/long.jsonl" || fail "distill-run fails for a prompt that is too long"
python3 - "$folder/long.jsonl" <<'END' || fail "distill-run answers otherwise beside a prompt that is too long"
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
assert len(lines) == 3 and lines[0] == lines[2] and lines[0]["tokens"] == 2, lines
assert lines[1]["error"].startswith("line 2 has ") and "the model 200 positions" in lines[1]["error"], lines
END
# The same model in a GGUF file writes the same text; rounded it writes one; what is damaged, or already in blocks, is an error of one line.
python3 Tests/gguf.py "$language_model" "$folder/model.gguf" || fail "the model cannot be written as GGUF"
env -i "$program" "$folder/model.gguf" --prompt "Once upon a time" --max-new-tokens 16 >"$folder/gguf-text" || fail "distill-run does not open GGUF"
cmp -s "$folder/text" "$folder/gguf-text" || fail "a GGUF file and its directory give different texts"
for form in --int8 --int4 --bfloat16; do
    "$program" "$folder/model.gguf" $form --prompt "Once" --max-new-tokens 4 >/dev/null || fail "distill-run fails with $form"
done
head -c 9000 "$folder/model.gguf" >"$folder/cut.gguf"
for refused in "$folder/cut.gguf" "$folder/none.gguf" "Tests/GGUFTests/Fixtures/types.gguf" "$folder/model.gguf --int8 --int4"; do
    # shellcheck disable=SC2086
    if "$program" $refused --prompt x </dev/null >"$folder/refused" 2>"$folder/error"; then fail "$refused is no error"; fi
    [ "$(wc -l <"$folder/error")" = 1 ] || fail "$refused is no error of one line"
done
for refused in "$language_model --pairs" "$language_model --threshold 0.5" "$model --temperature 1" "$language_model --top-p 2" \
    "$language_model --temperature 0 --top-p 0.9" "$language_model --temperature 0 --seed 7"; do
    # shellcheck disable=SC2086
    if "$program" $refused --prompt x </dev/null >"$folder/refused" 2>"$folder/error"; then fail "$refused is no error"; fi
    [ "$(wc -l <"$folder/error")" = 1 ] || fail "$refused is no error of one line"
done
for compiler in cc clang; do
    command -v "$compiler" >/dev/null || continue
    "$compiler" -Wall -Wextra -Werror Examples/C/generate.c -I "$folder/include" -L "$folder/lib" -ldistill -lstdc++ -lm -lpthread -ldl \
        -o "$folder/generate" || fail "the example of generation in C does not build with $compiler"
    env -i "$folder/generate" "$language_model" "Once upon a time" >"$folder/c-text" || fail "the example of generation in C fails"
    # The program's text is the shorter one, and ends its line.
    cmp -s -n "$(($(wc -c <"$folder/text") - 1))" "$folder/text" "$folder/c-text" || fail "C and the program write different texts"
    env -i "$folder/generate" "$folder/model.gguf" "Once upon a time" >"$folder/c-text" || fail "C does not open GGUF"
    cmp -s -n "$(($(wc -c <"$folder/text") - 1))" "$folder/text" "$folder/c-text" || fail "C and the program write different texts of GGUF"
done
echo "runtime: distill-run of $(wc -c <"$program") bytes, and the library from C"
