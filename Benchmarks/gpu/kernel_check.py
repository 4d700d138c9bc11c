"""Compares the CUDA kernels (scripts/cuda.sh) with PyTorch on a GPU, and measures them.

    python Benchmarks/gpu/kernel_check.py --output check.json
    python Benchmarks/gpu/kernel_check.py --output check.json --device cpu    # the emulated kernels, small sizes
    compute-sanitizer python Benchmarks/gpu/kernel_check.py --output check.json --small

Every function is compared with PyTorch in float64, gradients with autograd and with the formula that starts from the
rounded values the kernel is given; two runs must give the same bits, and nothing beside an output may be written.
Then each is timed at 16,384 rows of width 768 beside PyTorch's eager operations (the gradients of embedding tables: of
width 384), with the bytes that must go through memory per second and what a plain copy reaches. All goes to one JSON
file. Exit code 1: a check failed.
"""

import argparse
import ctypes
import json
import os
import sys
import time
import traceback

STARTED = time.time()

import torch
import torch.nn.functional as F

import lm_kernel_check
from kernel_check_common import FLOAT, INT, LONG, POINTER, TYPES, Workspace, difference, same_bits, seconds_per_call, sum_difference, tolerance_of

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ABI_VERSION = 3
ACTIVATIONS = {
    "gelu": F.gelu,
    "gelu_tanh": lambda u: F.gelu(u, approximate="tanh"),
    "relu": F.relu,
    "silu": F.silu,
}


class Mask(ctypes.Structure):
    _fields_ = [
        ("seed", ctypes.c_uint64),
        ("offset", ctypes.c_uint64),
        ("threshold", ctypes.c_uint32),
        ("scale", ctypes.c_float),
        ("state", ctypes.c_void_p),
    ]


NO_MASK = Mask(1, 2, 0, 1.0)
MASK = Mask(0x123456789ABCDEF0, 0xFEDCBA9876543210, 6554, 65536 / (65536 - 6554))

# The functions of cuda_kernels.h that take a stream first: the types of the arguments after it.
SIGNATURES = {
    "ck_residual_norm_forward": [INT, LONG, LONG] + [POINTER] * 4 + [FLOAT, Mask] + [POINTER] * 4,
    "ck_residual_norm_backward": [INT, LONG, LONG] + [POINTER] * 5 + [Mask, INT] + [POINTER] * 3 + [LONG],
    "ck_column_sums": [POINTER, LONG, LONG, POINTER],
    "ck_activation_forward": [INT, INT, LONG, POINTER, POINTER],
    "ck_activation_backward": [INT, INT, LONG, LONG] + [POINTER] * 5 + [LONG],
    "ck_embeddings_forward": [INT, LONG, LONG] + [POINTER] * 8 + [FLOAT, Mask] + [POINTER] * 4,
    "ck_mask_factors": [LONG, LONG, Mask, POINTER],
    "ck_rows_gradient": [LONG] + [POINTER] * 5 + [LONG, POINTER],
    "ck_position_gradient": [LONG] + [POINTER] * 2 + [LONG] * 3 + [POINTER],
    **lm_kernel_check.SIGNATURES,
}


class Kernels:
    """The library, called with tensors and on PyTorch's current stream."""

    def __init__(self, path, device):
        self.device = device
        self.library = ctypes.CDLL(path)
        self.library.ck_abi_version.restype = INT
        version = self.library.ck_abi_version()
        if version != ABI_VERSION:
            raise RuntimeError(f"{path} has interface version {version}, this script knows {ABI_VERSION}")
        self.library.ck_error_text.restype = ctypes.c_char_p
        self.library.ck_error_text.argtypes = [INT]
        self.library.ck_partial_blocks.restype = LONG
        self.library.ck_partial_blocks.argtypes = [LONG]
        for name, types in SIGNATURES.items():
            function = getattr(self.library, name)
            function.restype = INT
            function.argtypes = [POINTER] + types

    def call(self, name, *arguments):
        stream = torch.cuda.current_stream().cuda_stream if self.device.type == "cuda" else None
        plain = [a.data_ptr() if isinstance(a, torch.Tensor) else a for a in arguments]
        error = getattr(self.library, name)(stream, *plain)
        if error != 0:
            raise RuntimeError(f"{name}: error {error}, {self.library.ck_error_text(error).decode()}")

    def partial_blocks(self, rows):
        return self.library.ck_partial_blocks(rows)


class Checks:
    def __init__(self, device):
        self.device, self.results = device, []

    def run(self, name, function):
        """`function` yields (what, error, tolerance). An exception is a failed check like any other."""
        entry = {"name": name, "ok": True, "errors": {}}
        begun = time.time()
        try:
            for what, error, tolerance in function():
                entry["errors"][what] = {"error": error, "tolerance": tolerance}
                if not error <= tolerance:
                    entry["ok"] = False
        except Exception:
            entry["ok"] = False
            entry["exception"] = traceback.format_exc(limit=4)
        entry["seconds"] = round(time.time() - begun, 3)
        self.results.append(entry)
        if not entry["ok"]:
            print("FAIL", name, json.dumps(entry["errors"]), entry.get("exception", ""), flush=True)


def reference_factors(rows, width, mask, device):
    """The mask's factors by Philox4x32-10 in int64 arithmetic, which wraps around."""
    if mask.threshold == 0:
        return torch.ones(rows, width, device=device)
    low = 0xFFFFFFFF
    pieces = (width + 7) // 8
    blocks = torch.arange(rows * pieces, dtype=torch.int64, device=device)
    c0, c1 = blocks & low, blocks >> 32
    c2, c3 = torch.full_like(blocks, mask.offset & low), torch.full_like(blocks, mask.offset >> 32)
    k0, k1 = mask.seed & low, mask.seed >> 32
    for _ in range(10):
        p0, p1 = c0 * 0xD2511F53, c2 * 0xCD9E8D57
        c0, c1, c2, c3 = ((p1 >> 32) & low) ^ c1 ^ k0, p1 & low, ((p0 >> 32) & low) ^ c3 ^ k1, p0 & low
        k0, k1 = (k0 + 0x9E3779B9) & low, (k1 + 0xBB67AE85) & low
    draws = torch.stack([part for c in (c0, c1, c2, c3) for part in (c & 0xFFFF, c >> 16)], dim=1)
    draws = draws.reshape(rows, pieces * 8)[:, :width]
    return (draws >= mask.threshold).float() * torch.tensor(mask.scale, dtype=torch.float32).item()


# ---- Checks ----


def check_mask(kernels, rows, width, mask):
    work = Workspace(kernels.device)
    out = work.output(rows, width)
    kernels.call("ck_mask_factors", rows, width, mask, out)
    yield "factors", difference(out, reference_factors(rows, width, mask, kernels.device)), 0.0
    yield "guards", 0 if work.intact() else 1, 0


def factors_of(kernels, rows, width, mask):
    out = torch.empty(rows, width, device=kernels.device)
    kernels.call("ck_mask_factors", rows, width, mask, out)
    return out.double()


def check_forward(kernels, type_name, rows, width, mask, shift=0):
    number, dtype = TYPES[type_name]
    work = Workspace(kernels.device, shift)
    y, residual = work.random(rows, width, dtype=dtype), work.random(rows, width, mean=0.5)
    gamma, beta = work.random(width, mean=1.0, scale=0.3), work.random(width)
    runs = []
    for _ in range(2):
        outputs = (
            work.output(rows, width),
            work.output(rows, width, dtype=dtype),
            work.output(rows, width, dtype=dtype),
            work.output(rows),
        )
        kernels.call(
            "ck_residual_norm_forward", number, rows, width, y, residual, gamma, beta, 1e-5, mask, *outputs
        )
        runs.append(outputs)
    z = residual.double() + y.double() * factors_of(kernels, rows, width, mask)
    expected = F.layer_norm(z, (width,), gamma.double(), beta.double(), 1e-5)
    deviation = (z.var(1, unbiased=False) + 1e-5).rsqrt()
    out, typed, normalized, rstd = runs[0]
    yield "out", difference(out, expected), 5e-5
    yield "out_typed", difference(typed, expected), tolerance_of(type_name)
    yield "normalized", difference(normalized, (z - z.mean(1, keepdim=True)) * deviation[:, None]), tolerance_of(type_name)
    yield "deviation", difference(rstd, deviation), 5e-5
    yield "same bits", 0 if same_bits(*runs) else 1, 0
    yield "guards", 0 if work.intact() else 1, 0


def check_backward(kernels, type_name, rows, width, mask, after, shift=0):
    number, dtype = TYPES[type_name]
    work = Workspace(kernels.device, shift)
    factors = factors_of(kernels, rows, width, mask)
    # The forward pass in float64, then what the kernel is given of it.
    y = torch.randn(rows, width, dtype=torch.float64, device=kernels.device).requires_grad_()
    residual = torch.randn(rows, width, dtype=torch.float64, device=kernels.device).requires_grad_()
    gamma = (torch.randn(width, device=kernels.device) * 0.3 + 1).double().requires_grad_()
    beta = torch.zeros(width, dtype=torch.float64, device=kernels.device).requires_grad_()
    z = residual + (y if after else y * factors)
    out = F.layer_norm(z, (width,), gamma, beta, 1e-5)
    if after:
        out = out * factors
    with torch.no_grad():
        rstd = (z.var(1, unbiased=False) + 1e-5).rsqrt()
        normalized = work.place(((z - z.mean(1, keepdim=True)) * rstd[:, None]).to(dtype))
        deviation, scale = work.place(rstd.float()), work.place(gamma.detach().float())
    gradient, more = work.random(rows, width), work.random(rows, width, dtype=dtype)
    blocks = kernels.partial_blocks(rows)
    runs = []
    for _ in range(2):
        to_residual, to_y = work.output(rows, width), work.output(rows, width, dtype=dtype)
        partials, sums = work.output(blocks, 3, width), work.output(3, width)
        kernels.call(
            "ck_residual_norm_backward", number, rows, width, gradient, more, normalized, deviation, scale, mask,
            int(after), to_residual, to_y, partials, blocks,
        )  # fmt: skip
        kernels.call("ck_column_sums", partials, blocks, 3 * width, sums)
        runs.append((to_residual, to_y, partials, sums))
    to_residual, to_y, _, sums = runs[0]

    # From the same rounded values.
    with torch.no_grad():
        g = gradient.double() + more.double()
        if after:
            g = g * factors
        x, h = normalized.double(), g * scale.double()
        dz = rstd[:, None] * (h - h.mean(1, keepdim=True) - x * (h * x).mean(1, keepdim=True))
        dy = dz if after else dz * factors
    yield "gradient_residual", difference(to_residual, dz), 5e-5
    yield "gradient_y", difference(to_y, dy), tolerance_of(type_name)
    yield "gamma's gradient", sum_difference(sums[0], (g * x).sum(0)), 2e-5
    yield "beta's gradient", sum_difference(sums[1], g.sum(0)), 2e-5
    yield "bias's gradient", sum_difference(sums[2], dy.sum(0)), 2e-5
    # From autograd, which knows of no rounding.
    wanted = torch.autograd.grad(out, [residual, y, gamma, beta], gradient.double() + more.double())
    loose = 1e-4 if type_name == "float32" else 3e-2 if width > 64 else 1e-1
    yield "autograd's gradient of residual", difference(to_residual, wanted[0]), loose
    yield "autograd's gradient of y", difference(to_y, wanted[1]), loose
    yield "autograd's gradient of gamma", sum_difference(sums[0], wanted[2]), loose
    yield "autograd's gradient of beta", sum_difference(sums[1], wanted[3]), loose
    yield "same bits", 0 if same_bits(*runs) else 1, 0
    yield "guards", 0 if work.intact() else 1, 0


def check_activation(kernels, type_name, activation, rows, width, shift=0):
    number, dtype = TYPES[type_name]
    kind = list(ACTIVATIONS).index(activation)
    work = Workspace(kernels.device, shift)
    u, gradient = work.random(rows, width, dtype=dtype, scale=2.5), work.random(rows, width, dtype=dtype)
    blocks = kernels.partial_blocks(rows)
    runs = []
    for _ in range(2):
        out, to_u, again = (work.output(rows, width, dtype=dtype) for _ in range(3))
        partials, sums = work.output(blocks, width), work.output(width)
        kernels.call("ck_activation_forward", number, kind, rows * width, u, out)
        kernels.call(
            "ck_activation_backward", number, kind, rows, width, u, gradient, to_u, again, partials, blocks
        )
        kernels.call("ck_column_sums", partials, blocks, width, sums)
        runs.append((out, to_u, again, partials, sums))
    out, to_u, again, _, sums = runs[0]
    exact = u.double().requires_grad_()
    expected = ACTIVATIONS[activation](exact)
    (wanted,) = torch.autograd.grad(expected, exact, gradient.double())
    yield "out", difference(out, expected.detach()), tolerance_of(type_name)
    yield "out again", difference(again, expected.detach()), tolerance_of(type_name)
    yield "gradient_u", difference(to_u, wanted), tolerance_of(type_name)
    yield "bias's gradient", sum_difference(sums, wanted.sum(0)), 2e-5
    yield "same bits", 0 if same_bits(*runs) else 1, 0
    yield "guards", 0 if work.intact() else 1, 0


def check_embeddings(kernels, type_name, rows, width, mask, with_types, shift=0):
    number, dtype = TYPES[type_name]
    work = Workspace(kernels.device, shift)
    words = 3000
    word, position = work.random(words, width), work.random(512, width)
    token_type = work.random(2, width)
    gamma, beta = work.random(width, mean=1.0, scale=0.3), work.random(width)
    pick = lambda count: torch.randint(count, (rows,), dtype=torch.int32, device=kernels.device)
    ids, positions, types = pick(words), pick(512), pick(2)
    runs = []
    for _ in range(2):
        outputs = (
            work.output(rows, width),
            work.output(rows, width, dtype=dtype),
            work.output(rows, width, dtype=dtype),
            work.output(rows),
        )
        kernels.call(
            "ck_embeddings_forward", number, rows, width, ids, positions, types if with_types else None, word,
            position, token_type, gamma, beta, 1e-12, mask, *outputs,
        )  # fmt: skip
        runs.append(outputs)
    out, typed, normalized, rstd = runs[0]
    if not with_types:
        types = torch.zeros_like(types)
    z = (word[ids.long()].double() + token_type[types.long()].double()) + position[positions.long()].double()
    deviation = (z.var(1, unbiased=False) + 1e-12).rsqrt()
    expected = F.layer_norm(z, (width,), gamma.double(), beta.double(), 1e-12)
    expected = expected * factors_of(kernels, rows, width, mask)
    yield "out", difference(out, expected), 5e-5
    yield "out_typed", difference(typed, expected), tolerance_of(type_name)
    yield "normalized", difference(normalized, (z - z.mean(1, keepdim=True)) * deviation[:, None]), tolerance_of(type_name)
    yield "deviation", difference(rstd, deviation), 5e-5
    yield "same bits", 0 if same_bits(*runs) else 1, 0
    yield "guards", 0 if work.intact() else 1, 0


def state_of(seed, offset, device):
    """A mask's state in device memory."""
    signed = [value - (1 << 64) if value >> 63 else value for value in (seed, offset)]
    return torch.tensor(signed, dtype=torch.int64, device=device)


STATE = (0x0F1E2D3C4B5A6978, 0x8000000000000123)


def masks_with_state(device):
    """The state, the mask that points to it, and the same mask by value."""
    state = state_of(*STATE, device)
    pointed = Mask(MASK.seed, MASK.offset, MASK.threshold, MASK.scale, state.data_ptr())
    plain = Mask(STATE[0], (MASK.offset + STATE[1]) % (1 << 64), MASK.threshold, MASK.scale)
    return state, pointed, plain


def check_state(kernels, type_name, rows, width):
    """Masks with a state in device memory give the same bits as by value."""
    number, dtype = TYPES[type_name]
    work = Workspace(kernels.device)
    y, residual = work.random(rows, width, dtype=dtype), work.random(rows, width)
    gamma, beta, table = work.random(width), work.random(width), work.random(1, width)
    zeros = torch.zeros(rows, dtype=torch.int32, device=kernels.device)
    rstd, blocks = torch.ones(rows, device=kernels.device), kernels.partial_blocks(rows)
    state, pointed, plain = masks_with_state(kernels.device)
    runs = []
    for mask in (pointed, plain):
        factors, out, embedded = (work.output(rows, width) for _ in range(3))
        kernels.call("ck_mask_factors", rows, width, mask, factors)
        kernels.call(
            "ck_residual_norm_forward", number, rows, width, y, residual, gamma, beta, 1e-5, mask, out, None, None, None
        )
        kernels.call(
            "ck_embeddings_forward", number, rows, width, zeros, zeros, None, table, table, table, gamma, beta, 1e-5,
            mask, embedded, None, None, None,
        )  # fmt: skip
        results = [factors, out, embedded]
        for after in (0, 1):
            to_y, partials = work.output(rows, width, dtype=dtype), work.output(blocks, 3, width)
            kernels.call(
                "ck_residual_norm_backward", number, rows, width, residual, None, y, rstd, gamma, mask, after, None,
                to_y, partials, blocks,
            )  # fmt: skip
            results += [to_y, partials]
        runs.append(results)
    yield "factors", difference(runs[0][0], reference_factors(rows, width, plain, kernels.device)), 0.0
    yield "same bits", 0 if same_bits(*runs) else 1, 0
    yield "guards", 0 if work.intact() else 1, 0


def check_state_in_graph(kernels, rows, width):
    """One captured graph draws another mask in each replay, as the state says."""
    out = torch.empty(rows, width, device=kernels.device)
    state, pointed, _ = masks_with_state(kernels.device)
    kernels.call("ck_mask_factors", rows, width, pointed, out)
    state[1:].add_(0)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        kernels.call("ck_mask_factors", rows, width, pointed, out)
        state[1:].add_(3)
    state.copy_(state_of(5, 7, kernels.device))
    for replay in range(3):
        graph.replay()
        mask = Mask(5, (MASK.offset + 7 + 3 * replay) % (1 << 64), MASK.threshold, MASK.scale)
        yield f"replay {replay}", difference(out, reference_factors(rows, width, mask, kernels.device)), 0.0


class Groups:
    """Tokens grouped by the row of a table they read. As in text, few rows are read very often, most once or twice."""

    def __init__(self, tokens, groups, table, device):
        weights = 1 / (torch.arange(groups) + 4.0)
        ids = torch.cat([torch.arange(groups), torch.multinomial(weights, tokens - groups, replacement=True)])
        # Groups in the order of their rows.
        ids = torch.randperm(table)[:groups].sort().values[torch.randperm(groups)[ids]][torch.randperm(tokens)]
        rows, sizes = torch.unique(ids, return_counts=True)
        starts = torch.cat([torch.zeros(1, dtype=torch.int64), sizes.cumsum(0)])
        self.count, self.largest = groups, int(sizes.max())
        self.ids = ids.to(device)
        narrow = lambda tensor: tensor.to(torch.int32).to(device)
        self.order, self.starts = narrow(torch.sort(ids, stable=True).indices), narrow(starts)
        self.rows, self.device_count = narrow(rows), narrow(torch.tensor([groups]))


def check_rows_gradient(kernels, tokens, groups, width, shift=0):
    work = Workspace(kernels.device, shift)
    table = 3 * groups + 1
    grouped, gradient = Groups(tokens, groups, table, kernels.device), work.random(tokens, width)
    runs = []
    for most in (groups, groups + 77):
        out = work.output(table, width).zero_()
        kernels.call(
            "ck_rows_gradient", width, gradient, grouped.order, grouped.starts, grouped.rows, grouped.device_count,
            most, out,
        )  # fmt: skip
        runs.append((out,))
    expected = torch.zeros(table, width, dtype=torch.float64, device=kernels.device)
    expected.index_add_(0, grouped.ids, gradient.double())
    yield "out", sum_difference(runs[0][0], expected), 2e-5
    yield "same bits", 0 if same_bits(*runs) else 1, 0
    yield "guards", 0 if work.intact() else 1, 0


def sequence_starts(lengths, device):
    starts = torch.cat([torch.zeros(1, dtype=torch.int64), torch.tensor(lengths, dtype=torch.int64).cumsum(0)])
    return starts.to(torch.int32).to(device)


def positions_of(lengths, device):
    return torch.cat([torch.arange(length) for length in lengths] + [torch.zeros(0, dtype=torch.int64)]).to(device)


def check_position_gradient(kernels, lengths, first_row, table, width, shift=0):
    work = Workspace(kernels.device, shift)
    gradient, starts = work.random(sum(lengths), width), sequence_starts(lengths, kernels.device)
    runs = []
    for _ in range(2):
        out = work.output(table, width)
        kernels.call("ck_position_gradient", width, gradient, starts, len(lengths), first_row, table, out)
        runs.append((out,))
    rows = positions_of(lengths, kernels.device) + first_row
    expected = torch.zeros(table, width, dtype=torch.float64, device=kernels.device)
    expected.index_add_(0, rows[rows < table], gradient.double()[rows < table])
    yield "out", sum_difference(runs[0][0], expected), 2e-5
    yield "same bits", 0 if same_bits(*runs) else 1, 0
    yield "guards", 0 if work.intact() else 1, 0


def check_tables(checks, kernels, width, tokens, groups):
    """Gradients of embedding tables, and masks with a state."""
    draw = lambda count, most: torch.randint(most + 1, (count,)).tolist()
    for shift in (0, 1):
        name = f"{width}{' unaligned' if shift else ''}"
        checks.run(
            f"rows_gradient {tokens}x{name} in {groups} groups",
            lambda: check_rows_gradient(kernels, tokens, groups, width, shift),
        )
        checks.run(f"rows_gradient 40x{name} in 1 group", lambda: check_rows_gradient(kernels, 40, 1, width, shift))
        for lengths, first_row, table in (
            (draw(tokens // 32, 64), 0, 512),
            (draw(tokens // 4, 8), 2, 7),
            ([0, 5, 0, 1], 2, 9),
            ([], 2, 9),
        ):
            checks.run(
                f"position_gradient {sum(lengths)}x{name} in {len(lengths)} sequences",
                lambda: check_position_gradient(kernels, lengths, first_row, table, width, shift),
            )
    for type_name in TYPES:
        checks.run(f"mask's state {type_name} 5x{width}", lambda: check_state(kernels, type_name, 5, width))


def check_width(checks, kernels, rows, width, activations):
    name = f"{rows}x{width}"
    checks.run(f"mask {name}", lambda: check_mask(kernels, rows, width, MASK))
    for type_name in TYPES:
        for mask, masked in ((MASK, " dropout"), (NO_MASK, "")):
            checks.run(
                f"forward {type_name} {name}{masked}",
                lambda: check_forward(kernels, type_name, rows, width, mask),
            )
            checks.run(
                f"backward {type_name} {name}{masked}",
                lambda: check_backward(kernels, type_name, rows, width, mask, False),
            )
        checks.run(
            f"backward after norm {type_name} {name} dropout",
            lambda: check_backward(kernels, type_name, rows, width, MASK, True),
        )
        checks.run(
            f"embeddings {type_name} {name} dropout",
            lambda: check_embeddings(kernels, type_name, rows, width, MASK, rows != 100),
        )
        for activation in activations:
            checks.run(
                f"activation {activation} {type_name} {name}",
                lambda: check_activation(kernels, type_name, activation, rows, width),
            )


def check_odd(checks, kernels, rows, widths):
    """Unaligned tensors, and widths that are wide or not multiples of 8."""
    for width in widths:
        for type_name in TYPES:
            for shift in (0, 1):
                name = f"{type_name} {rows}x{width}{' unaligned' if shift else ''}"
                checks.run(f"forward {name}", lambda: check_forward(kernels, type_name, rows, width, MASK, shift))
                checks.run(
                    f"backward {name}", lambda: check_backward(kernels, type_name, rows, width, MASK, False, shift)
                )
                checks.run(
                    f"embeddings {name}", lambda: check_embeddings(kernels, type_name, rows, width, MASK, True, shift)
                )
                checks.run(
                    f"activation {name}", lambda: check_activation(kernels, type_name, "gelu", rows, width, shift)
                )


# ---- Timings ----


def seconds_in_graph(device, function, calls):
    """The same without what each call costs on the processor: `calls` of them in one CUDA graph."""
    if device.type != "cuda":
        return None
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(calls):
            function()
    return seconds_per_call(device, graph.replay, 3) / calls


class Timings:
    """Named calls with the bytes that each must read and write, and what PyTorch's eager operations need instead."""

    def __init__(self, kernels, rows, width, inner, calls):
        self.kernels, self.rows, self.width, self.inner, self.calls = kernels, rows, width, inner, calls
        self.cases, self.results = [], []

    def prepare(self, type_name):
        number, dtype = TYPES[type_name]
        kernels, rows, width, inner = self.kernels, self.rows, self.width, self.inner
        device = kernels.device
        size = 2 if dtype == torch.bfloat16 else 4
        full = lambda *shape, dtype=torch.float32: torch.randn(*shape, device=device).to(dtype)
        empty = lambda *shape, dtype=torch.float32: torch.empty(*shape, device=device, dtype=dtype)
        elements = rows * width

        y, residual = full(rows, width, dtype=dtype), full(rows, width)
        gamma, beta = full(width), full(width)
        out, typed = empty(rows, width), empty(rows, width, dtype=dtype)
        normalized, rstd = empty(rows, width, dtype=dtype), empty(rows)

        def compose(y, residual, gamma, beta):
            result = F.layer_norm(residual + F.dropout(y, 0.1, training=True), (width,), gamma, beta, 1e-5)
            return result, result.to(dtype)

        def forward():
            kernels.call(
                "ck_residual_norm_forward", number, rows, width, y, residual, gamma, beta, 1e-5, MASK, out, typed,
                normalized, rstd,
            )  # fmt: skip

        self.cases.append(
            (f"residual_norm_forward {type_name}", forward, elements * (8 + 3 * size),
             lambda: compose(y, residual, gamma, beta))
        )  # fmt: skip
        forward()

        leaves = [t.detach().clone().requires_grad_() for t in (y, residual, gamma, beta)]
        results = compose(*leaves)
        gradient, more = full(rows, width), full(rows, width, dtype=dtype)
        to_residual, to_y = empty(rows, width), empty(rows, width, dtype=dtype)

        def backward(blocks):
            partials = empty(blocks, 3, width)

            def run():
                kernels.call(
                    "ck_residual_norm_backward", number, rows, width, gradient, more, normalized, rstd, gamma, MASK,
                    0, to_residual, to_y, partials, blocks,
                )  # fmt: skip

            return run

        def eager_backward():
            # With float32 the two outputs are one tensor; then there is one gradient.
            if results[0] is results[1]:
                grads = torch.autograd.grad(results[0], leaves, gradient + more, retain_graph=True)
            else:
                grads = torch.autograd.grad(results, leaves, (gradient, more), retain_graph=True)
            return grads[0].sum(0)

        blocks = kernels.partial_blocks(rows)
        backward_bytes = elements * (4 + size + size + 4 + size)
        self.cases.append(
            (f"residual_norm_backward {type_name}", backward(blocks), backward_bytes, eager_backward)
        )
        for other in (132, 264, 396, 528, 792) if rows > 1000 else (3,):
            self.cases.append(
                (f"residual_norm_backward {type_name} in {other} blocks", backward(other), backward_bytes, None)
            )
        partials, sums = full(blocks, 3 * width), empty(3 * width)
        self.cases.append(
            (f"column_sums {type_name}", lambda: kernels.call("ck_column_sums", partials, blocks, 3 * width, sums),
             partials.numel() * 4, lambda: partials.sum(0))
        )  # fmt: skip

        u, gradient_out = full(rows, inner, dtype=dtype), full(rows, inner, dtype=dtype)
        activated, to_u = empty(rows, inner, dtype=dtype), empty(rows, inner, dtype=dtype)
        inner_partials = empty(blocks, inner)
        leaf = u.detach().clone().requires_grad_()
        for activation, function in ACTIVATIONS.items():
            kind = list(ACTIVATIONS).index(activation)
            after = function(leaf)

            def activation_backward(kind=kind):
                kernels.call(
                    "ck_activation_backward", number, kind, rows, inner, u, gradient_out, to_u, activated,
                    inner_partials, blocks,
                )  # fmt: skip

            def eager(after=after, function=function):
                (grad,) = torch.autograd.grad(after, leaf, gradient_out, retain_graph=True)
                with torch.no_grad():
                    function(leaf)
                return grad.sum(0)

            self.cases.append(
                (f"activation_forward {activation} {type_name}",
                 lambda kind=kind: kernels.call("ck_activation_forward", number, kind, rows * inner, u, activated),
                 rows * inner * 2 * size, lambda function=function: function(u))
            )  # fmt: skip
            self.cases.append(
                (f"activation_backward {activation} {type_name}", activation_backward, rows * inner * 4 * size, eager)
            )

        word, position, token_type = full(30522, width), full(512, width), full(2, width)
        pick = lambda count: torch.randint(count, (rows,), dtype=torch.int32, device=device)
        ids, positions, types = pick(30522), pick(512), pick(2)

        def embeddings():
            kernels.call(
                "ck_embeddings_forward", number, rows, width, ids, positions, types, word, position, token_type,
                gamma, beta, 1e-12, MASK, out, typed, normalized, rstd,
            )  # fmt: skip

        def eager_embeddings():
            z = F.embedding(ids, word) + F.embedding(types, token_type) + F.embedding(positions, position)
            result = F.dropout(F.layer_norm(z, (width,), gamma, beta, 1e-12), 0.1, training=True)
            return result.to(dtype)

        # Word embeddings are read from memory, the small tables from the cache.
        self.cases.append(
            (f"embeddings_forward {type_name}", embeddings, elements * (8 + 2 * size), eager_embeddings)
        )

    def prepare_tables(self, tokens, width, groups, sequences):
        kernels, device = self.kernels, self.kernels.device
        gradient = torch.randn(tokens, width, device=device)
        words, positions = 2 * groups if groups < 3000 else 30522, 512
        grouped = Groups(tokens, groups, words, device)
        word, position = torch.zeros(words, width, device=device), torch.empty(positions, width, device=device)
        self.cases.append(
            (f"rows_gradient {tokens}x{width}, {groups} groups, of at most {grouped.largest}",
             lambda: kernels.call("ck_rows_gradient", width, gradient, grouped.order, grouped.starts, grouped.rows,
                                  grouped.device_count, groups, word),
             (tokens + groups) * width * 4,
             lambda: word.index_add_(0, grouped.ids, gradient))
        )  # fmt: skip
        for count in sequences:
            lengths = [tokens // count] * count
            starts, rows = sequence_starts(lengths, device), positions_of(lengths, device)

            def kernel(count=count, starts=starts):
                kernels.call("ck_position_gradient", width, gradient, starts, count, 0, positions, position)

            self.cases.append(
                (f"position_gradient {tokens}x{width}, {count} sequences", kernel, (tokens + positions) * width * 4,
                 lambda rows=rows: position.zero_().index_add_(0, rows, gradient))
            )  # fmt: skip

    def copy_bandwidth(self):
        count = 1 << (27 if self.kernels.device.type == "cuda" else 16)
        source = torch.ones(count, device=self.kernels.device)
        target = torch.empty_like(source)
        return 8 * count / seconds_per_call(self.kernels.device, lambda: target.copy_(source), self.calls) / 1e9

    def run(self):
        device = self.kernels.device
        for name, function, size, eager in self.cases:
            entry = {"name": name, "bytes": size}
            try:
                seconds = seconds_per_call(device, function, self.calls)
                entry["microseconds"] = round(seconds * 1e6, 2)
                entry["gigabytes_per_second"] = round(size / seconds / 1e9, 1)
                if eager:
                    entry["eager_microseconds"] = round(seconds_per_call(device, eager, self.calls) * 1e6, 2)
                    entry["eager_over_kernel"] = round(entry["eager_microseconds"] / entry["microseconds"], 2)
            except Exception:
                entry["exception"] = traceback.format_exc(limit=4)
            self.results.append(entry)

    def run_graphs(self):
        for entry, (_, function, size, _) in zip(self.results, self.cases):
            try:
                seconds = seconds_in_graph(self.kernels.device, function, self.calls)
                if seconds:
                    entry["graph_microseconds"] = round(seconds * 1e6, 2)
                    entry["graph_gigabytes_per_second"] = round(size / seconds / 1e9, 1)
            except Exception:
                entry["graph_exception"] = traceback.format_exc(limit=4)
                return


# ---- Main ----


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", required=True, help="the JSON file to write")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--library", help="default: what scripts/cuda.sh builds in .cuda")
    parser.add_argument("--seconds", type=float, default=16, help="skip what is left of the largest checks after that")
    parser.add_argument("--small", action="store_true", help="small sizes on the GPU too, as under compute-sanitizer")
    options = parser.parse_args()
    device = torch.device(options.device)
    gpu = device.type == "cuda"
    large = gpu and not options.small
    library = options.library or os.path.join(
        ROOT, ".cuda", "libdistill_cuda.so" if gpu else "libdistill_cuda_emulated.so"
    )
    if gpu and not torch.cuda.is_available():
        sys.exit("kernel_check: PyTorch sees no CUDA device; --device cpu checks the emulated kernels")
    if not os.path.exists(library):
        sys.exit(f"kernel_check: no library {library}; run scripts/cuda.sh{'' if gpu else ' --emulate'}")
    torch.manual_seed(1)
    if gpu:
        torch.zeros(1, device=device)

    report = {
        "device": torch.cuda.get_device_name() if gpu else "cpu (emulated kernels)",
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "library": os.path.basename(library),
    }

    kernels = Kernels(library, device)
    checks = Checks(device)
    timings = Timings(kernels, *((16384, 768, 3072, 30) if large else (8, 64, 96, 2)))

    def write():
        report["seconds"] = round(time.time() - STARTED, 2)
        report["failed"] = [entry["name"] for entry in checks.results if not entry["ok"]]
        report["checks"], report["timings"] = checks.results, timings.results
        partial = options.output + ".partial"
        with open(partial, "w") as file:
            json.dump(report, file, indent=1)
            file.write("\n")
        os.replace(partial, options.output)

    # The widths of the models that are distilled most.
    widths = (312, 384, 768, 1024, 1536)
    for rows in (1, 100, 4096) if large else (1, 5):
        for width in widths:
            check_width(checks, kernels, rows, width, ACTIVATIONS if rows < 4096 else ("gelu",))
    check_odd(checks, kernels, *((100, (8, 20, 1000, 2056, 5001, 8192)) if large else (3, (8, 20, 1028))))
    for width in (20, 384, 768, 1000):
        check_tables(checks, kernels, width, *((16384, 3000) if large else (700, 100)))
    lm_kernel_check.add_checks(checks, kernels, large)
    write()

    try:
        report["copy_gigabytes_per_second"] = round(timings.copy_bandwidth(), 1)
        for type_name in TYPES:
            timings.prepare(type_name)
        timings.prepare_tables(*((16384, 384, 3000, (128, 512)) if large else (64, 384, 20, (4,))))
        timings.run()
        report["language_model_parts"] = [
            part for tokens in ((4096, 16384) if large else (16,)) for part in lm_kernel_check.parts(kernels, tokens, 20 if large else 1)]
    except Exception:
        report["timings_exception"] = traceback.format_exc(limit=4)
    write()

    report["skipped"] = []
    for width in widths:
        rows = 65536 if large else 33
        if time.time() - STARTED > options.seconds:
            report["skipped"].append(f"{rows}x{width}")
            continue
        check_width(checks, kernels, rows, width, ("gelu",))
    write()
    # Last, as an error while a graph is captured can leave the device in a bad state.
    if gpu:
        checks.run("mask's state in a graph", lambda: check_state_in_graph(kernels, 100, 384))
    timings.run_graphs()
    write()

    print(f"{report['device']}, torch {report['torch']}: copy {report.get('copy_gigabytes_per_second')} GB/s")
    for entry in timings.results:
        if "microseconds" not in entry:
            print(f"{entry['name']}: {entry.get('exception')}")
            continue
        print(
            f"{entry['name']:52} {entry['microseconds']:9.1f} us {entry['gigabytes_per_second']:7.0f} GB/s"
            f"  in a graph {entry.get('graph_microseconds', 0):8.1f} us {entry.get('graph_gigabytes_per_second', 0):6.0f} GB/s"
            f"  eager {entry.get('eager_microseconds', 0):8.1f} us"
        )
    for part in report.get("language_model_parts", []):
        rate = f"{part['gigabytes_per_second']} GB/s" if "gigabytes_per_second" in part else f"{part.get('teraflops', '–')} TFLOP/s"
        print(f"{part['tokens']:6} {part['name']:44} {part['microseconds']:9.1f} us  {rate}")
    for key in ("timings_exception", "skipped"):
        if report.get(key):
            print(f"{key}: {report[key]}")
    print(f"{len(checks.results) - len(report['failed'])} passed, {len(report['failed'])} failed")
    return 1 if report["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
