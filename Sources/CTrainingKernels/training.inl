// The kernels of a training step, for the instruction set that the including file names (inference.inl).

namespace ctorch::kernels::CT_NAMESPACE {
namespace {

#include "shared.inl"
#include "weight_products.inl"
#include "layer_backward.inl"
#include "linear.inl"
#include "loss_terms.inl"
#include "loss_rows.inl"
#include "loss_gradient.inl"
#include "fused_loss.inl"
#include "embeddings.inl"
#include "optimizer.inl"
#include "rms_norm.inl"
#include "projection.inl"
#include "causal_attention.inl"
#include "causal_attention_backward.inl"
#include "decoder_rows.inl"
#include "decoder_backward.inl"

}  // namespace

const TrainingTable &training() {
    static const TrainingTable value = {
        .mask_bits = [](const Mask &mask, int64_t rows, int64_t width, uint16_t *bits) { mask_bits(mask, rows, width, bits); },
        .layer_backward = [](bool bfloat16, const LayerBackward &call) {
            bfloat16 ? layer_backward<bf16>(call) : layer_backward<float>(call);
        },
        .linear_backward = [](const LinearBackward &call) { linear_backward(call); },
        .projection_gradient = [](bool bfloat16, const ProjectionGradient &call) {
            bfloat16 ? projection_gradient<bf16>(call) : projection_gradient<float>(call);
        },
        .causal_backward = [](bool bfloat16, const CausalBackward &call) {
            bfloat16 ? causal_backward<bf16>(call) : causal_backward<float>(call);
        },
        .rms_norm_backward = [](bool bfloat16, const RootMeanSquareBackward &call) {
            bfloat16 ? rms_norm_backward<bf16>(call) : rms_norm_backward<float>(call);
        },
        .gated_backward = [](bool bfloat16, const Gated &call, const void *gradient, void *gate_gradient, void *up_gradient) {
            auto run = [&](auto *to) {
                using S = std::remove_pointer_t<decltype(to)>;
                gated_backward(call, static_cast<const S *>(gradient), to, static_cast<S *>(up_gradient));
            };
            bfloat16 ? run(static_cast<bf16 *>(gate_gradient)) : run(static_cast<float *>(gate_gradient));
        },
        .decoder_backward = [](bool bfloat16, const DecoderBackward &call) {
            bfloat16 ? decoder_backward<bf16>(call) : decoder_backward<float>(call);
        },
        .embeddings_backward = [](const EmbeddingsBackward &call) { embeddings_backward(call); },
        .fused_loss = [](bool bfloat16, const FusedLoss &call) { bfloat16 ? fused_loss<bf16>(call) : fused_loss<float>(call); },
        .fused_loss_bytes = [](bool bfloat16, const FusedLoss &call) {
            return bfloat16 ? LossMemory<bf16>(call).bytes : LossMemory<float>(call).bytes;
        },
        .adamw = [](const AdamWStep &step, float *parameter, float *first, float *second, const float *gradient,
                    int64_t count) { adamw(step, parameter, first, second, gradient, count); },
        .adamw_idle = [](const AdamWStep *steps, int64_t step_count, float *parameter, float *first, float *second,
                         int64_t count) { adamw_idle(steps, step_count, parameter, first, second, count); },
        .sum_of_squares = [](const float *values, int64_t count) { return sum_of_squares(values, count); },
        .scale = [](float *values, float factor, int64_t count) { scale(values, factor, count); },
    };
    return value;
}

}  // namespace ctorch::kernels::CT_NAMESPACE
