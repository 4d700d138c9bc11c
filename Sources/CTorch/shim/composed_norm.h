// The sum of a residual with dropout and its layer norm, forward and backward, in the fewest passes over memory that the device
// offers: by this package's CUDA kernels if they are loaded, otherwise by libtorch's operations.
#pragma once

#include "internal.h"

namespace ctorch {

// The source of dropout's random numbers: a position in the run's random stream. In a captured graph `state` points to two
// numbers on the device, seed and first position, to which `offset` is relative.
struct DropoutCall {
    double probability = 0;
    uint64_t seed = 0, offset = 0;
    const uint64_t *state = nullptr;
    bool on() const { return probability > 0; }
};

// Reseeds the default generator of a device for a call, so that a run draws the same numbers again.
void seed_generator(const at::Device &device, uint64_t seed, uint64_t offset);

// Dropout of any tensor, with the same mask for the same call: it is also its own backward pass.
at::Tensor dropout(const at::Tensor &input, const DropoutCall &call);

struct NormForward {
    at::Tensor output;  // float32
    at::Tensor typed;   // the same in the type that matrices are multiplied in; undefined for float32
    // For the backward pass: with the CUDA kernels the normalized rows and 1 / deviation; with libtorch's operations the sum
    // that was normalized, its mean and 1 / deviation.
    at::Tensor kept, deviation, mean;
};

struct NormBackward {
    at::Tensor residual;  // of the sum, float32
    at::Tensor y;         // of the input of dropout, in y's type
    at::Tensor weight, bias;
    at::Tensor y_bias;  // column sums of `y`, float32: the gradient of the bias that was added before
};

// norm(residual + dropout(y)): y (rows, width) in `type`, residual float32. `training` keeps what the backward pass needs.
NormForward residual_norm(const at::Tensor &y, const at::Tensor &residual, const at::Tensor &weight, const at::Tensor &bias,
                          double epsilon, const DropoutCall &call, bool training);

// From the gradients of `output` and of `typed`, one of which may be undefined.
NormBackward residual_norm_backward(const NormForward &forward, const at::Tensor &gradient, const at::Tensor &typed_gradient,
                                    at::ScalarType type, const at::Tensor &weight, const at::Tensor &bias,
                                    const DropoutCall &call);

// The rows of three tables that make up a token's embedding: int32 indices on the tables' device.
struct EmbeddingRows {
    at::Tensor word, position, token_type;
    at::Tensor ids, positions, types;  // `types` undefined: row 0 of token_type
};

// dropout(norm(word + token type + position)).
NormForward embedding_norm(const EmbeddingRows &rows, const at::Tensor &weight, const at::Tensor &bias, double epsilon,
                           const DropoutCall &call, at::ScalarType type, bool training);
// `residual` of the result is the sum's gradient, (tokens, width) float32.
NormBackward embedding_norm_backward(const NormForward &forward, const at::Tensor &gradient, const at::Tensor &typed_gradient,
                                     at::ScalarType type, const at::Tensor &weight, const at::Tensor &bias,
                                     const DropoutCall &call);

// The gradient before an activation, the activation itself recomputed, and the gradient's column sums in float32.
struct ActivationBackward {
    at::Tensor gradient, output, sums;
};
at::Tensor activation(int32_t kind, const at::Tensor &input);
ActivationBackward activation_backward(int32_t kind, const at::Tensor &input, const at::Tensor &gradient);

}  // namespace ctorch
