"""The language models' part of kernel_check.py: its kernels beside PyTorch in float64, and what the parts of a step take.

The parts are those of a decoder's layer and of the loss over the vocabulary, in the sizes of SmolLM2-135M, each timed alone on
random numbers: kernels of this package with the bytes that must go through memory, matrix products with their operations.
"""

import ctypes

import torch
import torch.nn.functional as F

from kernel_check_common import FLOAT, INT, LONG, POINTER, TYPES, Workspace, difference, same_bits, seconds_per_call, sum_difference, tolerance_of

# Cross-entropy, KL, reverse KL, Jensen-Shannon, skew KL, skew reverse KL, total variation.
CROSS_ENTROPY, KL, REVERSE_KL, JENSEN_SHANNON, SKEW_KL, SKEW_REVERSE_KL, TOTAL_VARIATION = range(7)


class Term(ctypes.Structure):
    _fields_ = [("kind", INT), ("weight", FLOAT), ("temperature", FLOAT), ("parameter", FLOAT), ("factor", FLOAT)]


SIGNATURES = {
    "ck_rms_forward": [INT, LONG, LONG] + [POINTER] * 3 + [FLOAT] * 2 + [POINTER] * 4,
    "ck_rms_backward": [INT, LONG, LONG] + [POINTER] * 5 + [FLOAT] + [POINTER] * 4 + [LONG],
    "ck_rotate": [INT] + [LONG] * 4 + [POINTER] * 3 + [INT, POINTER],
    "ck_gated_forward": [INT, INT, LONG, LONG] + [POINTER] * 2,
    "ck_gated_backward": [INT, INT, LONG, LONG] + [POINTER] * 4,
    "ck_vocabulary_loss": [INT, LONG, LONG] + [POINTER] * 5 + [LONG] + [POINTER] * 3 + [LONG],
}


def check_rms(kernels, type_name, rows, width, shift=0):
    number, dtype = TYPES[type_name]
    work = Workspace(kernels.device, shift)
    x, branch, weight = work.random(rows, width), work.random(rows, width, dtype=dtype), work.random(width, mean=1.0, scale=0.3)
    gradient, residual = work.random(rows, width, dtype=dtype), work.random(rows, width)
    blocks, runs = kernels.partial_blocks(rows), []
    for _ in range(2):
        outputs = [work.output(rows, width), work.output(rows, width), work.output(rows, width, dtype=dtype), work.output(rows)]
        kernels.call("ck_rms_forward", number, rows, width, x, branch, weight, 1e-5, 0.0, *outputs)
        back = [work.output(rows, width), work.output(rows, width, dtype=dtype), work.output(blocks, width)]
        kernels.call("ck_rms_backward", number, rows, width, None, gradient, outputs[0], outputs[3], weight, 0.0, residual, *back, blocks)
        runs.append(outputs + back)
    total = (x.double() + branch.double()).requires_grad_()
    scale = weight.double().requires_grad_()
    expected = F.rms_norm(total, (width,), scale, 1e-5)
    expected.backward(gradient.double())
    out, found = runs[0][:4], runs[0][4:]
    yield "sum", difference(out[0], total.detach()), 5e-5
    yield "out", difference(out[1], expected.detach()), 5e-5
    yield "out_typed", difference(out[2], expected.detach()), tolerance_of(type_name)
    yield "gradient_x", difference(found[0], total.grad + residual.double()), 1e-4
    yield "gradient_branch", difference(found[1], total.grad + residual.double()), tolerance_of(type_name) + 1e-4
    yield "weight's gradient", sum_difference(found[2].double().sum(0), scale.grad), 5e-4
    yield "same bits", 0 if same_bits(*runs) else 1, 0
    yield "guards", 0 if work.intact() else 1, 0


def check_gated(kernels, type_name, rows, width, shift=0):
    number, dtype = TYPES[type_name]
    work = Workspace(kernels.device, shift)
    joint, gradient = work.random(rows, 2 * width, dtype=dtype), work.random(rows, width, dtype=dtype)
    out, again, back = (work.output(rows, width, dtype=dtype), work.output(rows, width, dtype=dtype), work.output(rows, 2 * width, dtype=dtype))
    kernels.call("ck_gated_forward", number, 3, rows, width, joint, out)
    kernels.call("ck_gated_backward", number, 3, rows, width, joint, gradient, back, again)
    leaf = joint.double().requires_grad_()
    expected = F.silu(leaf[:, :width]) * leaf[:, width:]
    expected.backward(gradient.double())
    yield "out", difference(out, expected.detach()), tolerance_of(type_name)
    yield "out again", difference(again, expected.detach()), tolerance_of(type_name)
    yield "gradient_joint", difference(back, leaf.grad), tolerance_of(type_name)
    yield "guards", 0 if work.intact() else 1, 0


def check_rotate(kernels, type_name, rows, heads, half, shift=0):
    number, dtype = TYPES[type_name]
    work = Workspace(kernels.device, shift)
    stride = heads * 2 * half + 16
    start = torch.randn(rows, stride, device=kernels.device).to(dtype)
    angles = torch.randn(50, half, device=kernels.device)
    cosine, sine = work.place(angles.cos()), work.place(angles.sin())
    positions = torch.randint(0, 50, (rows,), device=kernels.device, dtype=torch.int32)
    for backwards in (0, 1):
        x = work.output(rows, stride, dtype=dtype)
        x.copy_(start)
        kernels.call("ck_rotate", number, rows, stride, heads, half, positions, cosine, sine, backwards, x)
        wide = start.double()[:, : heads * 2 * half].view(rows, heads, 2, half)
        c, s = (table.double()[positions.long()][:, None] for table in (cosine, sine))
        s = -s if backwards else s
        low, high = wide[:, :, 0], wide[:, :, 1]
        expected = torch.cat([torch.stack([low * c - high * s, high * c + low * s], 2).flatten(1), start.double()[:, heads * 2 * half :]], 1)
        yield f"x, backwards {backwards}", difference(x, expected), tolerance_of(type_name)
    yield "guards", 0 if work.intact() else 1, 0


def divergence(kind, p, q, log_p, log_q, a):
    if kind == KL:
        return p * (log_p - log_q)
    if kind == REVERSE_KL:
        return q * (log_q - log_p)
    if kind == JENSEN_SHANNON:
        m = (a * p + (1 - a) * q).log()
        return a * p * (log_p - m) + (1 - a) * q * (log_q - m)
    if kind == SKEW_KL:
        return p * (log_p - (a * p + (1 - a) * q).log())
    if kind == SKEW_REVERSE_KL:
        return q * (log_q - ((1 - a) * p + a * q).log())
    return 0.5 * (p - q).abs()


def check_loss(kernels, type_name, rows, vocabulary, terms, shift=0):
    number, dtype = TYPES[type_name]
    device = kernels.device
    work = Workspace(device, shift)
    student, teacher = work.random(rows, vocabulary, scale=2.0, mean=1.0), work.random(rows, vocabulary, scale=2.0, mean=-3.0)
    weights, targets = work.random(rows, mean=1.0, scale=0.2), torch.randint(0, vocabulary, (rows,), device=device)
    given = (Term * len(terms))(*(Term(*term) for term in terms))
    runs = []
    for _ in range(2):
        outputs = [work.output(len(terms), rows), work.output(rows, vocabulary, dtype=dtype), work.output(8, rows)]
        kernels.call("ck_vocabulary_loss", number, rows, vocabulary, student, teacher, targets, weights, ctypes.addressof(given), len(terms), *outputs, rows)
        runs.append(outputs)
    leaf = student.double().requires_grad_()
    values = []
    for kind, _, temperature, parameter, factor in terms:
        log_q, log_p = (leaf / temperature).log_softmax(-1), (teacher.double() / temperature).log_softmax(-1)
        if kind == CROSS_ENTROPY:
            value = -log_q.gather(1, targets[:, None])[:, 0]
        else:
            value = divergence(kind, log_p.exp(), log_q.exp(), log_p, log_q, parameter).sum(-1)
        values.append(value * factor * weights.double())
    sum(term[1] * value.sum() for term, value in zip(terms, values)).backward()
    found, gradient, told = runs[0]
    yield "values", difference(found, torch.stack(values).detach()), 1e-4
    # Against the largest of a row: an element is a difference of probabilities.
    worst = (gradient.double() - leaf.grad).abs().amax(-1) / leaf.grad.abs().amax(-1)
    yield "gradient", worst.max().item(), 2e-4 if type_name == "float32" else 2**-7
    log_q, log_p = student.double().log_softmax(-1), teacher.double().log_softmax(-1)
    expected = torch.stack([
        -log_q.gather(1, targets[:, None])[:, 0], -log_p.gather(1, targets[:, None])[:, 0], (log_p.exp() * (log_p - log_q)).sum(-1),
        (student.argmax(-1) == teacher.argmax(-1)).double(), -(log_q.exp() * log_q).sum(-1), -(log_p.exp() * log_p).sum(-1),
        (student.argmax(-1) == targets).double(), log_q.exp().amax(-1)])
    yield "statistics", difference(told, expected), 1e-4
    yield "same bits", 0 if same_bits(*runs) else 1, 0
    yield "guards", 0 if work.intact() else 1, 0


def add_checks(checks, kernels, large):
    for type_name in TYPES:
        for rows, width in ((4096, 576), (100, 2048), (100, 20)) if large else ((5, 64), (3, 20)):
            for shift in (0, 1):
                checks.run(f"rms {type_name} {rows}x{width} shift {shift}", lambda: check_rms(kernels, type_name, rows, width, shift))
                checks.run(f"gated {type_name} {rows}x{width} shift {shift}", lambda: check_gated(kernels, type_name, rows, width, shift))
        for shift in (0, 1):
            checks.run(f"rotate {type_name} shift {shift}", lambda: check_rotate(kernels, type_name, 300 if large else 7, 12, 32, shift))
            checks.run(f"rotate {type_name} half 3 shift {shift}", lambda: check_rotate(kernels, type_name, 30, 2, 3, shift))
        for vocabulary in (49152, 1003) if large else (260, 61):
            rows = 64 if large else 3
            for kind in range(7):
                terms = [(kind, 0.7, 1.5, 0.3, 2.25)]
                checks.run(f"loss {kind} {type_name} {vocabulary}", lambda: check_loss(kernels, type_name, rows, vocabulary, terms))
            both = [(KL, 0.7, 1.0, 0.0, 1.0), (CROSS_ENTROPY, 0.3, 1.0, 0.0, 1.0)]
            checks.run(f"loss of two {type_name} {vocabulary}", lambda: check_loss(kernels, type_name, rows, vocabulary, both))
            checks.run(f"loss of two, unaligned {type_name} {vocabulary}", lambda: check_loss(kernels, type_name, rows, vocabulary, both, 1))


def timer(device, tokens, calls, results):
    """A function that times a call and adds it to the results, with the bytes that it moves or its operations."""

    def time_of(name, function, size=None, operations=None):
        seconds = seconds_per_call(device, function, calls)
        results.append({"name": name, "tokens": tokens, "microseconds": round(seconds * 1e6, 1),
                        **({"gigabytes_per_second": round(size / seconds / 1e9)} if size else {}),
                        **({"teraflops": round(operations / seconds / 1e12, 1)} if operations else {})})

    return time_of


def parts(kernels, tokens, calls):
    """(name, microseconds, GB/s or None, TFLOP/s or None) of each part at a number of tokens, in bfloat16."""
    device, half = kernels.device, torch.bfloat16
    width, joint, inner, heads, shared, vocabulary = 576, 960, 1536, 9, 3, 49152
    full = lambda *shape, dtype=half: torch.randn(*shape, device=device).to(dtype)
    results = []
    time_of = timer(device, tokens, calls, results)

    x, branch, weight = full(tokens, width, dtype=torch.float32), full(tokens, width), full(width, dtype=torch.float32)
    total, typed, rstd = torch.empty_like(x), torch.empty_like(branch), torch.empty(tokens, device=device)
    blocks = kernels.partial_blocks(tokens)
    partials, sums = torch.empty(blocks, width, device=device), torch.empty(width, device=device)
    time_of("rms_forward", lambda: kernels.call("ck_rms_forward", 1, tokens, width, x, branch, weight, 1e-5, 0.0, total, None, typed, rstd),
            tokens * width * 12)
    time_of("rms_backward", lambda: kernels.call("ck_rms_backward", 1, tokens, width, None, branch, x, rstd, weight, 0.0, x, total, typed, partials, blocks),
            tokens * width * 16)
    time_of("column_sums", lambda: kernels.call("ck_column_sums", partials, blocks, width, sums))
    projected = full(tokens, joint)
    positions = torch.arange(tokens, device=device, dtype=torch.int32) % 512
    table = full(512, 32, dtype=torch.float32)
    time_of("rotate", lambda: kernels.call("ck_rotate", 1, tokens, joint, heads + shared, 32, positions, table, table, 0, projected),
            tokens * (heads + shared) * 64 * 4)
    gate, product, gradient = full(tokens, 2 * inner), full(tokens, inner), full(tokens, inner)
    time_of("gated_forward", lambda: kernels.call("ck_gated_forward", 1, 3, tokens, inner, gate, product), tokens * inner * 6)
    back = torch.empty_like(gate)
    time_of("gated_backward", lambda: kernels.call("ck_gated_backward", 1, 3, tokens, inner, gate, gradient, back, product), tokens * inner * 12)

    if device.type == "cuda":
        starts = torch.arange(0, tokens + 1, 512, device=device, dtype=torch.int32)
        projected = full(tokens, joint)
        q, k, v = (projected[:, a:b].unflatten(1, (-1, 64)) for a, b in ((0, width), (width, width + 192), (width + 192, joint)))
        forward = lambda: torch.ops.aten._flash_attention_forward(q, k, v, starts, starts, 512, 512, 0.0, True, False, scale=0.125)
        out, log_sum, random, unused, _ = forward()
        operations = 4 * tokens * 512 * width / 2
        time_of("attention forward", forward, None, operations)
        backward = lambda: torch.ops.aten._flash_attention_backward(
            out, q, k, v, out, log_sum, starts, starts, 512, 512, 0.0, True, random, unused, scale=0.125)
        time_of("attention backward", backward, None, 2.5 * operations)
        torch.use_deterministic_algorithms(True)
        time_of("attention backward, deterministic", backward, None, 2.5 * operations)
        torch.use_deterministic_algorithms(False)

    def products(name, rows, columns, inputs):
        a, b = full(tokens, inputs), full(columns, inputs)
        g = full(tokens, columns)
        operations = 2 * tokens * columns * inputs
        time_of(f"{name} forward", lambda: a @ b.t(), None, operations)
        time_of(f"{name} to input", lambda: g @ b, None, operations)
        time_of(f"{name} to weight, bfloat16", lambda: g.t() @ a, None, operations)
        if device.type == "cuda":
            time_of(f"{name} to weight, float32", lambda: torch.mm(g.t(), a, out_dtype=torch.float32), None, operations)

    products("queries, keys, values", tokens, joint, width)
    products("attention's output", tokens, width, width)
    products("gate and up", tokens, 2 * inner, width)
    products("down", tokens, width, inner)
    return results + vocabulary_parts(kernels, min(tokens, (1 << 26) // vocabulary), vocabulary, width, calls)


def vocabulary_parts(kernels, rows, vocabulary, width, calls):
    """Those of one block of the loss."""
    device, half, results = kernels.device, torch.bfloat16, []
    full = lambda *shape, dtype=half: torch.randn(*shape, device=device).to(dtype)
    time_of = timer(device, rows, calls, results)

    student, teacher = full(rows, vocabulary, dtype=torch.float32), full(rows, vocabulary, dtype=torch.float32)
    targets, weights = torch.randint(0, vocabulary, (rows,), device=device), torch.ones(rows, device=device)
    terms = (Term * 2)(Term(KL, 0.7, 1, 0, 1), Term(CROSS_ENTROPY, 0.3, 1, 0, 1))
    values, told, gradient = torch.empty(2, rows, device=device), torch.empty(8, rows, device=device), full(rows, vocabulary)
    for statistics in (None, told):
        time_of(f"loss{', statistics' if statistics is not None else ''}",
                lambda: kernels.call("ck_vocabulary_loss", 1, rows, vocabulary, student, teacher, targets, weights, ctypes.addressof(terms), 2, values,
                                     gradient, statistics, rows),
                rows * vocabulary * 18)
    states, head = full(rows, width), full(vocabulary, width)
    operations = 2 * rows * vocabulary * width
    if device.type == "cuda":
        time_of("logits, float32", lambda: torch.mm(states, head.t(), out_dtype=torch.float32), None, operations)
        time_of("head to states, float32", lambda: torch.mm(gradient, head, out_dtype=torch.float32), None, operations)
        to = torch.zeros(vocabulary, width, device=device)
        time_of("head to weight, added", lambda: torch.addmm(to, gradient.t(), states, out_dtype=torch.float32, out=to), None, operations)
        time_of("head to weight, float32", lambda: torch.mm(gradient.t(), states, out_dtype=torch.float32), None, operations)
    time_of("logits, bfloat16", lambda: states @ head.t(), None, operations)
    return results
