// A transformer layer, and embeddings, on packed sequences by libtorch's matrix products: forward and backward, without
// autograd.
#pragma once

#include <cmath>
#include <memory>
#include <vector>

#include "composed_attention.h"
#include "parameters.h"

// A layer's weights in the type they are multiplied in, those of query, key and value as one matrix.
struct ct_composed_layer_s {
    ct_composed_layer_s(const std::vector<at::Tensor> &parameters, const ct_layer_options &options);
    // Takes the parameters' current values.
    void refresh(const std::vector<at::Tensor> &parameters);
    void refresh_if_changed(const std::vector<at::Tensor> &parameters);
    // Records that a captured graph has taken the parameters' current values.
    void note_refreshed(const std::vector<at::Tensor> &parameters) { version = version_of(parameters); }
    static uint64_t version_of(const std::vector<at::Tensor> &parameters);

    at::ScalarType type;
    at::Tensor joint, joint_bias, output, output_bias, inner, inner_bias, outer, outer_bias;
    std::vector<at::Tensor> copies;
    uint64_t generation = 0, version = 0;
};

// The handle of the C interface.
struct ct_composed_handle_s {
    std::shared_ptr<ct_composed_layer_s> layer;
};

namespace ctorch {

inline std::shared_ptr<ct_composed_layer_s> shared_weights(ct_composed_layer handle) { return handle->layer; }

// A hidden state, also in the type that matrices are multiplied in if that is another; or the gradients of both.
struct Hidden {
    at::Tensor wide, typed;
};

// The tensors that a layer's forward pass keeps for its backward pass.
struct LayerPass {
    ct_layer_options options;
    DeviceSequences sequences;
    std::shared_ptr<ct_composed_layer_s> weights;
    // In a captured graph, the random state of dropout (DropoutCall).
    const uint64_t *state = nullptr;
    at::Tensor input;  // in the weights' type
    AttentionState attention;
    NormForward norm1, norm2;
    at::Tensor inner;
    bool has_typed = false;

    DropoutCall call(double probability, uint64_t index) const { return {probability, options.seed, options.offset + index, state}; }
    DropoutCall attention_call() const { return call(options.attention_dropout, 0); }
    AttentionForm form() const {
        return {options.heads, options.heads, 1 / std::sqrt(static_cast<double>(options.hidden / options.heads)), options.first_only};
    }
    DropoutCall call1() const { return call(options.hidden_dropout, 1); }
    DropoutCall call2() const { return call(options.output_dropout, 2); }
    at::Tensor firsts() const { return sequences.starts.narrow(0, 0, sequences.count()); }
};

// `training` keeps what the backward pass needs.
Hidden layer_forward(LayerPass &pass, const Hidden &input, const std::vector<at::Tensor> &parameters, bool training);
// Fills the gradients of the parameters, and returns the input's: in both types if the input was given in both.
Hidden layer_backward(LayerPass &pass, const Hidden &gradient, const std::vector<at::Tensor> &parameters,
                      std::vector<at::Tensor> &gradients);

// Tokens grouped by the row of the word embedding table that they read, in ascending order: int32 tensors on the device.
struct TokenGroups {
    at::Tensor order, starts, rows, count;
    int64_t most = 0;
    bool defined() const { return order.defined(); }
};

struct EmbeddingPass {
    EmbeddingRows rows;
    TokenGroups groups;
    at::Tensor sequence_starts;  // (B + 1) int32
    int64_t first_position = 0;  // the position table's row for an example's first token
    NormForward norm;
    DropoutCall call;
    double epsilon;
    int64_t padding;
    at::ScalarType type;
};

Hidden embeddings_forward(EmbeddingPass &pass, const std::vector<at::Tensor> &parameters, bool training);
std::vector<at::Tensor> embeddings_backward(EmbeddingPass &pass, const Hidden &gradient, const std::vector<at::Tensor> &parameters);

// Writes the groups of `count` tokens: `order` has an entry per token, `starts` one more than there are groups, `rows` one per
// group. Tokens of `padding` are left out. Returns the number of groups.
int64_t group_tokens(const int32_t *ids, int64_t count, int64_t table_rows, int64_t padding, int32_t *order, int32_t *starts,
                     int32_t *rows);

inline at::Tensor contiguous(const at::Tensor &tensor) { return tensor.defined() ? tensor.contiguous() : tensor; }

}  // namespace ctorch
