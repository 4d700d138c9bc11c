"""The limits of the machine, of which the rows' shares are fractions.

    python Benchmarks/ceilings.py THREADS        prints libtorch's as JSON

- libtorch's multiplication of two 2048 × 2048 matrices, in float32 and in bfloat16. On AMD's processors the MKL inside
  libtorch multiplies float32 with AVX2, so this one can lie far below the machine's.
- The machine's own arithmetic, in registers, where the runner offers the workload `ceiling`.
- Memory: reading and writing an array far larger than the caches.
"""

import json
import sys

from common import BenchmarkError, note, timed
from sides import ours, run


def libtorch(threads):
    import torch

    torch.set_num_threads(threads)
    result = {}
    for dtype in (torch.float32, torch.bfloat16):
        small = torch.randn(256, 256).to(dtype)
        torch.mm(small, small)
        # Without the processor's own bfloat16 a whole product takes half a minute, and nothing is computed in it.
        if timed(lambda: torch.mm(small, small)) > 0.02:
            continue
        a = torch.randn(2048, 2048).to(dtype)
        b = torch.randn(2048, 2048).to(dtype)
        out = torch.empty_like(a)
        best = min(timed(lambda: torch.mm(a, b, out=out)) for _ in range(10))
        result[str(dtype)[6:]] = 2 * 2048**3 / best / 1e9
    a = torch.zeros(1 << 26)
    best = min(timed(lambda: a.add_(1)) for _ in range(10))
    result["memory"] = 2 * 4 * a.numel() / best / 1e9
    return result


def measure(threads):
    """{"libtorch": GFLOP/s by type, "machine": the same or absent, "memory": GB/s}"""
    own = run([sys.executable, __file__, str(threads)], threads).json
    result = {"threads": threads, "memory": own.pop("memory"), "libtorch": own}
    try:
        side = ours({"workload": "ceiling", "threads": threads})
    except BenchmarkError as error:
        note(f"the machine's own ceiling is not measured: {error}")
    else:
        rounds = [side.round()["gflops"] for _ in range(3)]
        side.close()
        result["machine"] = {name: max(each[name] for each in rounds) for name in rounds[0]}
    for name in ("libtorch", "machine"):
        for dtype, rate in result.get(name, {}).items():
            print(f"ceiling: {name}, {dtype}: {rate:.0f} GFLOP/s", flush=True)
    print(f"ceiling: memory: {result['memory']:.0f} GB/s", flush=True)
    return result


def share(ceilings, flops, seconds, precision, read=None):
    """The fraction of each ceiling that a workload reached; `read`: the bytes that it must read."""
    rate = flops / seconds / 1e9
    result = {
        name: rate / ceilings[name][precision] for name in ("libtorch", "machine") if precision in ceilings.get(name, {})}
    if read is not None:
        result["memory"] = read / seconds / 1e9 / ceilings["memory"]
    return result


if __name__ == "__main__":
    print(json.dumps(libtorch(int(sys.argv[1]))))
