"""The rows of the benchmark, each a function that measures and adds entries to the report."""

from rows.contention import row_l
from rows.growth import row_i
from rows.inference import row_d, row_e
from rows.quantized import row_j
from rows.runs import row_b, row_c
from rows.small import row_f, row_g
from rows.steps import row_a
from rows.tokenizing import row_k

ROWS = {
    "a": row_a, "b": row_b, "c": row_c, "d": row_d, "e": row_e, "f": row_f, "g": row_g, "i": row_i, "j": row_j, "k": row_k,
    "l": row_l}
