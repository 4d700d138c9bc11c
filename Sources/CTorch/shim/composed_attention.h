// Self-attention of packed sequences by libtorch's operations, forward and backward.
#pragma once

#include "composed_norm.h"

namespace ctorch {

// The offsets of a batch's examples, on their device.
struct DeviceSequences {
    at::Tensor starts;  // (B + 1) int32: the beginning of each, and the number of all tokens
    at::Tensor padded_indices;  // (T) int64: the index of each token in the padded batch, row by row
    int64_t longest;
    int64_t count() const { return starts.numel() - 1; }
};

// The tensors that the forward pass keeps.
struct AttentionState {
    at::Tensor query, key, value;  // (tokens, heads, width), views
    at::Tensor output;             // (queries, heads · width)
    at::Tensor log_sum, random, unused, query_starts;  // variable-length kernel
    at::Tensor probabilities;                          // padded: (B, heads, L, L), before dropout
};

// Returns true if libtorch's kernel for sequences of several lengths computes heads of this type and width here.
bool has_variable_length_attention(bool is_cuda, at::ScalarType type, int64_t head_width);

// query (T or B, H), key and value (T, H); `first_only`: one query per example. Fills `state`; its `output` is the result.
void attend(AttentionState &state, const at::Tensor &query, const at::Tensor &key, const at::Tensor &value, int64_t heads,
            bool first_only, const DeviceSequences &sequences, const DropoutCall &call);

// Gradients of query, key and value, each (tokens, H).
std::array<at::Tensor, 3> attend_backward(const AttentionState &state, const at::Tensor &gradient, int64_t heads,
                                          bool first_only, const DeviceSequences &sequences, const DropoutCall &call);

}  // namespace ctorch
