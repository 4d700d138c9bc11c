// The kernels of an encoder's layer that normalizes before each part, part of the interface of table.h.
//
//   y = x + attention(norm1(x)) · Wo      z = y + (activation(n · Wg) ∘ (n · Wu)) · Wd,  n = norm2(y)
//
// with rotary position embeddings, as ModernBERT's (Warner et al., arXiv 2412.13663).
#pragma once

#include <cstdint>

namespace ctorch::kernels {

struct PreNormForward {
    CausalShape attention;  // as many heads of keys as of queries
    int64_t hidden, intermediate;
    Activation activation;
    float epsilon;
    bool first_only;  // only each example's first token is wanted: Q = B
    Sequences sequences;
    // int8 or of type S, each with a bias.
    MixedLinear query, key, value, output_linear, gate, up, down;
    const float *norm1_weight, *norm1_bias;  // null where the input is normalized already
    const float *norm2_weight, *norm2_bias;
    void *query_memory, *key_memory, *value_memory, *context_memory;  // (T, H) S
    const float *input;                                               // (T, H)
    float *output;                                                    // (Q, H)
};

}  // namespace ctorch::kernels
