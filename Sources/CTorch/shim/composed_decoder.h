// A decoder's layers on packed sequences by libtorch's matrix products and this package's CUDA kernels: forward and backward,
// without autograd.
#pragma once

#include <memory>
#include <vector>

#include "composed_attention.h"
#include "parameters.h"

namespace ctorch {
struct DecoderGraphs;
}

// The layers' weights in the type they are multiplied in: queries, keys and values as one matrix, gate and up as another.
struct ct_decoder_s {
    struct Layer {
        at::Tensor joint, joint_bias, output, inner, outer;
    };

    ct_decoder_s(const std::vector<at::Tensor> &parameters, const ct_decoder_options &options, std::vector<int64_t> windows);
    // Takes the parameters' current values if they have changed.
    void refresh(const std::vector<at::Tensor> &parameters);
    void copy_parameters(const std::vector<at::Tensor> &parameters);
    // Records that a captured graph has taken the parameters' current values.
    void note_copied(const std::vector<at::Tensor> &parameters);
    uint64_t version_of(const std::vector<at::Tensor> &parameters) const;
    at::ScalarType type() const { return options.bfloat16 ? at::kBFloat16 : at::kFloat; }
    size_t layer_count() const { return windows.size(); }

    ct_decoder_options options;
    std::vector<int64_t> windows;
    std::vector<Layer> layers;
    // The parts of the layers' matrices, and the parameters that they are copies of.
    std::vector<at::Tensor> copies;
    std::vector<size_t> sources;
    uint64_t generation = 0, version = 0;
    std::shared_ptr<ctorch::DecoderGraphs> graphs;
};

// The handle of the C interface.
struct ct_decoder_handle_s {
    std::shared_ptr<ct_decoder_s> decoder;
};

namespace ctorch {

// A norm's input, with 1 / its root mean square.
struct RmsState {
    at::Tensor sum, deviation;
};

// The tensors that a layer's forward pass keeps for its backward pass.
struct DecoderLayerPass {
    RmsState input_norm, inner_norm;
    at::Tensor normalized, projected, inner_normalized, inner;
    AttentionState attention;
};

// A forward pass through all layers and the last norm.
struct DecoderPass {
    std::shared_ptr<ct_decoder_s> decoder;
    DeviceSequences sequences;
    at::Tensor positions;     // (T) int32
    at::Tensor cosine, sine;  // (positions, width / 2) float32
    std::vector<DecoderLayerPass> layers;
    RmsState last_norm;
};

// The parameter's place among a layer's: CT_DECODER_ names.
inline const at::Tensor &layer_parameter(const std::vector<at::Tensor> &all, size_t layer, int which) {
    return all[layer * CT_DECODER_PARAMETERS + static_cast<size_t>(which)];
}

// hidden (T, H) float32 → the last norm's output, the same. `training` keeps what the backward pass needs.
at::Tensor decoder_forward(DecoderPass &pass, const at::Tensor &hidden, const std::vector<at::Tensor> &parameters, bool training);
// Fills the gradients of the parameters, and returns the input's.
at::Tensor decoder_backward(DecoderPass &pass, const at::Tensor &gradient, const std::vector<at::Tensor> &parameters,
                            std::vector<at::Tensor> &gradients);

}  // namespace ctorch
