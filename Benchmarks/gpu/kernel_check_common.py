"""What kernel_check.py and lm_kernel_check.py share: tensors between guards, differences, and timing."""

import ctypes
import math
import time

import torch

POINTER, INT, LONG, FLOAT = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64, ctypes.c_float
TYPES = {"float32": (0, torch.float32), "bfloat16": (1, torch.bfloat16)}


class Workspace:
    """Tensors of one check. Outputs lie between guards; with `shift` nothing is aligned to 16 bytes."""

    GUARD, SENTINEL = 64, 12352.0

    def __init__(self, device, shift=0):
        self.device, self.shift, self.guarded = device, shift, []

    def place(self, tensor):
        """The tensor at this workspace's alignment."""
        if not self.shift:
            return tensor.contiguous()
        flat = torch.empty(tensor.numel() + self.shift, dtype=tensor.dtype, device=self.device)
        view = flat[self.shift :].view(tensor.shape)
        view.copy_(tensor)
        return view

    def random(self, *shape, dtype=torch.float32, mean=0.0, scale=1.0):
        return self.place((torch.randn(*shape, device=self.device) * scale + mean).to(dtype))

    def output(self, *shape, dtype=torch.float32):
        count, before = math.prod(shape), self.GUARD + self.shift
        flat = torch.full((before + count + self.GUARD,), self.SENTINEL, dtype=dtype, device=self.device)
        self.guarded.append((flat, before, count))
        return flat[before : before + count].view(shape)

    def intact(self):
        return all(
            bool((flat[:before] == self.SENTINEL).all()) and bool((flat[before + count :] == self.SENTINEL).all())
            for flat, before, count in self.guarded
        )


def difference(value, expected):
    """The largest |value - expected| / (1 + |expected|); infinite where something is not a number."""
    error = ((value.double() - expected.double()).abs() / (1 + expected.double().abs())).max().item()
    return error if math.isfinite(error) else math.inf


def sum_difference(value, expected):
    """Sums over rows: the largest error against the largest sum."""
    error = (value.double() - expected.double()).abs().max() / (1 + expected.double().abs().max())
    return error.item() if math.isfinite(error.item()) else math.inf


def same_bits(one, two):
    integers = {2: torch.int16, 4: torch.int32}
    return all(
        torch.equal(a.contiguous().view(integers[a.element_size()]), b.contiguous().view(integers[b.element_size()]))
        for a, b in zip(one, two)
    )


def tolerance_of(type_name):
    """For values rounded to the type."""
    return 5e-5 if type_name == "float32" else 2**-8


def seconds_per_call(device, function, calls):
    for _ in range(3):
        function()
    if device.type != "cuda":
        begun = time.perf_counter()
        for _ in range(calls):
            function()
        return (time.perf_counter() - begun) / calls
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    torch.cuda.synchronize()
    start.record()
    for _ in range(calls):
        function()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / 1000 / calls
