"""Language models: ours and PyTorch's (transformers), in turn, on the same forward pass and the same training step.

    python Benchmarks/decoders.py [--layers 20] [--batch 4] [--length 512] [--rounds 5] [--precision float32,bfloat16] [--threads 2]
    python Benchmarks/decoders.py --distillation [--modes eager,compile,chunked] …     a step with a teacher of 30 layers

The model has the sizes of SmolLM2-135M with fewer layers and random weights; build the runner first: swift build -c release
--product benchmark-runner. The forward pass ends with the logits of each text's last token; the step is the cross-entropy of every
next token, its backward pass and AdamW. PyTorch runs with scaled_dot_product_attention and a fused AdamW, in bfloat16 by autocast.
Printed: medians in milliseconds, tokens a second, and the ratio.

The step of distillation is 0.7 · KL(teacher ‖ student) + 0.3 · cross-entropy of every next token over the whole vocabulary, with
the teacher in every step and with its last hidden states kept (gpu/lm_peer.py). Its peers: transformers with all logits, as TRL's GKD
with λ = 0 computes them, eager and compiled; and with Liger Kernel's chunked loss.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
RUNNER = ROOT / ".build/release/benchmark-runner"
SIZES = dict(vocab_size=49152, hidden_size=576, intermediate_size=1536, num_attention_heads=9, num_key_value_heads=3,
             max_position_embeddings=8192, rope_theta=100000.0, tie_word_embeddings=True)


def tokens(request):
    return [(i * 7919 + 17) % SIZES["vocab_size"] for i in range(request["batch"] * request["length"])]


def serve(request):
    """PyTorch's side: answers each line with the seconds of one round."""
    import torch
    import torch.nn.functional as F
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(request["threads"])
    model = AutoModelForCausalLM.from_pretrained(request["model"], dtype=torch.float32, attn_implementation="sdpa")
    ids = torch.tensor(tokens(request)).view(request["batch"], request["length"])
    half = torch.autocast("cpu", torch.bfloat16, enabled=request["precision"] == "bfloat16")
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, weight_decay=0.01, fused=True)

    def forward():
        with torch.inference_mode(), half:
            model(input_ids=ids, use_cache=False, logits_to_keep=1).logits.float().numpy()

    def step():
        optimizer.zero_grad()
        with half:
            logits = model(input_ids=ids, use_cache=False).logits[:, :-1]
        F.cross_entropy(logits.float().reshape(-1, logits.size(-1)), ids[:, 1:].reshape(-1)).backward()
        optimizer.step()

    run = forward if request["workload"] == "decoder_forward" else step
    model.train(run is step)
    print(json.dumps({"ready": True}), flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        run()
        print(json.dumps({"seconds": [time.perf_counter() - start]}), flush=True)


class Side:
    def __init__(self, command, request, first):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if first:
            self.ask(json.dumps(request))
        else:
            self.answer()

    def answer(self):
        answer = json.loads(self.process.stdout.readline() or '{"error": "it ended"}')
        if "error" in answer:
            sys.exit(f"{self.process.args[0]}: {answer['error']}")
        return answer

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def compare(request, rounds):
    ours = Side([str(RUNNER)], request, True)
    theirs = Side([sys.executable, __file__, "--serve", json.dumps(request)], request, False)
    times = ([], [])
    for index in range(rounds + 1):
        for side, kept in zip((ours, theirs), times):
            seconds = side.ask("round")["seconds"][0]
            if index:
                kept.append(seconds)
    for side in (ours, theirs):
        side.close()
    own, other = (statistics.median(kept) for kept in times)
    count = request["batch"] * request["length"]
    print(f"{request['workload']:16} {request['precision']:9} ours {1000 * own:8.0f} ms ({count / own:6.0f} tokens/s)   "
          f"PyTorch {1000 * other:8.0f} ms ({count / other:6.0f} tokens/s)   {other / own:.2f}x", flush=True)


def make_model(folder, layers):
    make = ("import sys, json, torch; from transformers import LlamaConfig, LlamaForCausalLM; torch.manual_seed(1); "
            "LlamaForCausalLM(LlamaConfig(**json.loads(sys.argv[1]))).save_pretrained(sys.argv[2])")
    subprocess.run([sys.executable, "-c", make, json.dumps(dict(SIZES, num_hidden_layers=layers)), str(folder)], check=True, capture_output=True)


def compare_distillation(options, precision, folder):
    """All sides in turn, first with the teacher in every step, then with its states kept."""
    request = dict(workload="gpu_lm_step", teacher=f"{folder}/teacher", student=f"{folder}/student", precision=precision, device="cpu",
                   batch=options.batch, length=options.length, threads=options.threads, warmup=1, steps=1, lead_seconds=0)
    for cached in (False, True):
        request["cached_teacher"] = cached
        sides = {"ours": Side([str(RUNNER)], request, True)}
        for mode in options.modes.split(","):
            program = [sys.executable, str(ROOT / "Benchmarks/gpu/lm_peer.py")]
            sides[mode] = Side(program, dict(request, mode=mode, kinds=[cached]), True)
        times, answers = {name: [] for name in sides}, {}
        for index in range(options.rounds + 1):
            for name, side in sides.items():
                answers[name] = side.ask("round" if name == "ours" else "round " + json.dumps({"cached_teacher": cached}))
                if index:
                    times[name].append(answers[name]["seconds"][0])
        for side in sides.values():
            side.close()
        own = statistics.median(times["ours"])
        print(f"{precision}, teacher {'kept' if cached else 'in every step'}, {options.batch} x {options.length} tokens", flush=True)
        for name, kept in times.items():
            seconds = statistics.median(kept)
            print(f"  {name:9} {seconds * 1000:8.0f} ms ({min(kept) * 1000:.0f}–{max(kept) * 1000:.0f}), {seconds / own:5.2f}x, "
                  f"peak {answers[name]['peak_memory'] / 1e9:5.2f} GB, first loss {answers[name].get('first_loss')}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--layers", type=int, default=20)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", default="float32,bfloat16")
    parser.add_argument("--distillation", action="store_true")
    parser.add_argument("--modes", default="eager,compile,chunked", help="the peers of --distillation")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return serve(json.loads(options.serve))
    with tempfile.TemporaryDirectory() as folder:
        if options.distillation:
            make_model(f"{folder}/teacher", 30)
            make_model(f"{folder}/student", options.layers)
            for precision in options.precision.split(","):
                compare_distillation(options, precision, folder)
            return
        make_model(folder, options.layers)
        for precision in options.precision.split(","):
            for workload in ("decoder_forward", "decoder_step"):
                compare(dict(workload=workload, model=folder, precision=precision, batch=options.batch, length=options.length,
                             threads=options.threads), options.rounds)


if __name__ == "__main__":
    main()
