// The interface of the kernels of a training step: backward passes, losses, the optimizer. What runs models alone needs none of them,
// and they are object files of their own, which a linker leaves out there.
#pragma once

#include "kernels/fused_loss.h"
#include "kernels/table.h"

namespace ctorch::kernels {

// The factors of one AdamW step.
struct AdamWStep {
    float decay, beta1, beta2, rest1, rest2, epsilon, size, root;
};

// The kernels of a training step for one instruction set. Those marked so use all threads; all give the same result on any number of
// threads.
struct TrainingTable {
    // The masks of `rows` rows of `width` columns, with a row stride of `mask_stride(width)` words of 16 bits.
    void (*mask_bits)(const Mask &mask, int64_t rows, int64_t width, uint16_t *bits);

    void (*layer_backward)(bool bfloat16, const LayerBackward &call);
    void (*linear_backward)(const LinearBackward &call);
    void (*projection_gradient)(bool bfloat16, const ProjectionGradient &call);
    void (*causal_backward)(bool bfloat16, const CausalBackward &call);
    void (*rms_norm_backward)(bool bfloat16, const RootMeanSquareBackward &call);
    void (*gated_backward)(bool bfloat16, const Gated &call, const void *gradient, void *gate_gradient, void *up_gradient);
    void (*decoder_backward)(bool bfloat16, const DecoderBackward &call);
    void (*embeddings_backward)(const EmbeddingsBackward &call);
    // A language model's output layer and loss, with their gradients; the products are of float32 or bfloat16. And the bytes that
    // it needs, whatever the number of rows.
    void (*fused_loss)(bool bfloat16, const FusedLoss &call);
    int64_t (*fused_loss_bytes)(bool bfloat16, const FusedLoss &call);

    // One AdamW update of `count` elements.
    void (*adamw)(const AdamWStep &step, float *parameter, float *first, float *second, const float *gradient, int64_t count);
    // `steps` successive updates with zero gradients.
    void (*adamw_idle)(const AdamWStep *steps, int64_t step_count, float *parameter, float *first, float *second, int64_t count);
    double (*sum_of_squares)(const float *values, int64_t count);
    void (*scale)(float *values, float factor, int64_t count);
};

// The kernels for the instruction set of `table()`.
const TrainingTable &training();

}  // namespace ctorch::kernels
