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

inline DeviceSequences device_sequences(const ct_device_sequences &given) {
    return {given.starts->value, given.padded_indices ? given.padded_indices->value : at::Tensor(), given.longest};
}

// What each query attends to, and in how many heads.
struct AttentionForm {
    int64_t heads, key_value_heads;  // each head of keys and values serves heads / key_value_heads of queries
    double scale;                    // the factor of the scores
    bool first_only = false;         // one query for each example: that of its first token
    bool causal = false;             // a token attends to none after it,
    int64_t window = 0;              // and to the last `window` up to itself; 0: all
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

// query (T or B, heads · width), key and value (T, key_value_heads · width). Fills `state`; its `output` is the result.
void attend(AttentionState &state, const at::Tensor &query, const at::Tensor &key, const at::Tensor &value, const AttentionForm &form,
            const DeviceSequences &sequences, const DropoutCall &call);

// Gradients of query, key and value, in their shapes.
std::array<at::Tensor, 3> attend_backward(const AttentionState &state, const at::Tensor &gradient, const AttentionForm &form,
                                          const DeviceSequences &sequences, const DropoutCall &call);

}  // namespace ctorch
