"""Counts the floating-point operations of models' matrix products: two for each multiply-add.

Only what a sentence needs counts: no padding, no normalization, softmax, activation or optimizer.
"""

import json
from pathlib import Path


def config(model):
    return json.loads((Path(model) / "config.json").read_text(encoding="utf-8"))


def forward(model, lengths, whole=False):
    """Of one forward pass of a BERT classifier over sentences of these lengths.

    - whole: Also what the last layer computes for tokens other than each sentence's first, which no logit depends on.
      We leave that out, the peers compute it.
    """
    sizes = config(model)
    layers, width, inner = sizes["num_hidden_layers"], sizes["hidden_size"], sizes["intermediate_size"]
    tokens, pairs, count = sum(lengths), sum(length * length for length in lengths), len(lengths)

    def layer(queries, scores):
        # Key and value; query and output; the two feed-forward layers; scores and their sum over the values.
        return tokens * 2 * width * width + queries * (2 * width * width + 2 * width * inner) + 2 * scores * width

    multiply_adds = (layers - 1) * layer(tokens, pairs) + (layer(tokens, pairs) if whole else layer(count, tokens))
    return 2 * (multiply_adds + count * width * width)


def training(model, lengths, whole=False):
    """Of a forward and a backward pass, which multiplies twice: for the inputs' and for the weights' gradients."""
    return 3 * forward(model, lengths, whole)


def weight_bytes(model, precision):
    """Of the layers' matrices, which one sentence reads once."""
    sizes = config(model)
    width, inner = sizes["hidden_size"], sizes["intermediate_size"]
    count = sizes["num_hidden_layers"] * (4 * width * width + 2 * width * inner)
    return count * (2 if precision == "bfloat16" else 4)
