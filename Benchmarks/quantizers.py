#!/usr/bin/env python3
"""What a GGUF file's rounding costs, by `distill export` and by llama.cpp's own quantizer: for each type, without and with an importance
matrix, the mean KL divergence per token from the same model in float32, and the perplexity, on the same texts.

    python3 -m venv quantizers && quantizers/bin/pip install llama-cpp-python==0.3.36 gguf numpy
    quantizers/bin/python Benchmarks/quantizers.py --model MODEL --data TEXTS.jsonl [--calibrate OTHERS.jsonl]
        [--types q4_0,q8_0,q4_k_m,q6_k] [--program .build/release/distill] [--work FOLDER] [--output FILE.json]

MODEL is a directory or a GGUF file, TEXTS.jsonl holds what `distill evaluate` reads. llama-cpp-python is built from source (a C++ compiler,
some minutes); its `llama_model_quantize` is what llama.cpp's program `llama-quantize` calls. Both sides start from one file in float32,
get the same importance matrix (which `distill export --calibrate` computes), and are evaluated by `distill evaluate`, so that nothing but
the rounding differs. Tensors to which the sides give different types are told.
"""

import argparse
import ctypes
import json
import pathlib
import platform
import subprocess
import sys
import tempfile

import gguf
import llama_cpp
import numpy

FILE_TYPES = {"q4_0": 2, "q8_0": 7, "q5_0": 8, "q4_k_s": 14, "q4_k_m": 15, "q5_k_s": 16, "q5_k_m": 17, "q6_k": 18}


def importance(path):
    """The matrix as llama.cpp takes it: mean squares by tensor, ended by an entry without a name; the arrays must outlive it."""
    tensors = {tensor.name: numpy.array(tensor.data).reshape(-1) for tensor in gguf.GGUFReader(path).tensors}
    arrays = {
        name.removesuffix(".in_sum2"): numpy.ascontiguousarray(
            values / tensors[name.removesuffix(".in_sum2") + ".counts"][0], dtype=numpy.float32)
        for name, values in tensors.items() if name.endswith(".in_sum2")
    }
    entries = (llama_cpp.llama_model_imatrix_data * (len(arrays) + 1))()
    for entry, (name, values) in zip(entries, arrays.items()):
        entry.name, entry.size = name.encode(), values.size
        entry.data = values.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
    return entries, arrays


def theirs(source, target, kind, matrix):
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = FILE_TYPES[kind]
    kept = importance(matrix) if matrix else None
    if kept:
        parameters.imatrix = kept[0]
    code = llama_cpp.llama_model_quantize(str(source).encode(), str(target).encode(), ctypes.byref(parameters))
    if code != 0:
        sys.exit(f"llama_model_quantize of {source} to {kind} failed with {code}")


def types(path):
    return {tensor.name: tensor.tensor_type.name for tensor in gguf.GGUFReader(path).tensors}


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if pathlib.Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--calibrate")
    parser.add_argument("--calibrate-tokens", type=int, default=65536)
    parser.add_argument("--types", default="q4_0,q8_0,q4_k_m,q6_k")
    parser.add_argument("--program", default=".build/release/distill")
    parser.add_argument("--work", help="a folder that keeps files and measurements: what is there is not made again")
    parser.add_argument("--output")
    options = parser.parse_args()
    kinds = options.types.split(",")
    for kind in kinds:
        if kind not in FILE_TYPES:
            sys.exit(f"--types: there is no type '{kind}'; choose from {', '.join(FILE_TYPES)}")
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(options.work or temporary)
        work.mkdir(parents=True, exist_ok=True)
        rows = measure(options, kinds, work)
    result = {"processor": processor(), "llama-cpp-python": llama_cpp.__version__, "rows": rows}
    if options.output:
        pathlib.Path(options.output).write_text(json.dumps(result, indent=1) + "\n")
    print(f"{result['processor']}, llama-cpp-python {llama_cpp.__version__}\n")
    print("| type | importance matrix | KL, ours | KL, llama.cpp | ratio | perplexity, ours | llama.cpp | float32 |")
    print("|---|---|---|---|---|---|---|---|")
    for row in rows:
        a, b = row["ours"], row["llama.cpp"]
        print(f"| `{row['type']}` | {'yes' if row['importance'] else 'no'} | {a['kl']:.6f} | {b['kl']:.6f} | {a['kl'] / b['kl']:.3f} | "
              f"{a['perplexity']:.3f} | {b['perplexity']:.3f} | {a['teacher_perplexity']:.3f} |")


def measure(options, kinds, work):
    def run(*arguments):
        done = subprocess.run([options.program, *map(str, arguments)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(map(str, arguments))} failed:\n{done.stderr[-2000:]}")
        return done.stdout

    def export(kind, target, *more):
        if not target.exists():
            run("export", "--format", "gguf", "--model", options.model, "--outtype", kind, "--output", target, *more)

    def evaluate(path):
        kept = path.with_suffix(".json")
        if kept.exists():
            return json.loads(kept.read_text())
        report = json.loads(run("evaluate", "--model", path, "--teacher", floats, "--data", options.data, "--latency-samples", 0, "--json"))
        result = {"kl": report["comparison"]["kl"], "perplexity": report["model"]["metrics"]["perplexity"], "tokens": report["model"]["examples"],
                  "teacher_perplexity": report["teacher"]["metrics"]["perplexity"], "bytes": path.stat().st_size}
        kept.write_text(json.dumps(result))
        return result

    floats = work / "f32.gguf"
    export("f32", floats)
    rows = []
    for weighed in [False, True] if options.calibrate else [False]:
        for kind in kinds:
            if weighed and kind == "q8_0":  # nothing is searched for
                continue
            name, matrix = kind + ("-weighed" if weighed else ""), work / "importance.gguf"
            own, other = work / f"{name}-ours.gguf", work / f"{name}-llama.cpp.gguf"
            if weighed:
                export(kind, own, "--imatrix", matrix,
                       *([] if matrix.exists() else ["--calibrate", options.calibrate, "--calibrate-tokens", options.calibrate_tokens]))
            else:
                export(kind, own)
            if not other.exists():
                theirs(floats, other, kind, matrix if weighed else None)
            a, b = types(own), types(other)
            differ = sorted(f"{tensor} {a.get(tensor)} {b.get(tensor)}" for tensor in a.keys() | b.keys() if a.get(tensor) != b.get(tensor))
            if differ:
                print(f"{kind}: {len(differ)} tensors have another type (ours, llama.cpp's): {'; '.join(differ[:4])}", file=sys.stderr)
            rows.append({"type": kind, "importance": weighed, "tensors of other types": len(differ), "ours": evaluate(own),
                         "llama.cpp": evaluate(other)})
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    return rows


if __name__ == "__main__":
    main()
